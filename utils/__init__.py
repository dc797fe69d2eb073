"""Inception, from the Filter Up: the code that the course shows, and that its chapters run.

``utils.models()`` lists the networks, ``utils.create("inception_v3")`` builds one. All else is
taken from the modules (``from utils.googlenet import googlenet``), so that ``import utils`` costs
nothing.
"""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load `create` and `models` when first asked for."""
    if name in ("create", "models"):
        from importlib import import_module

        return getattr(import_module(".pretrained", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
