"""Interactive figures: one host for every figure, and the kit that their modules are made with."""

from .bundle import bundle
from .figure import Interactive

__all__ = ["Interactive", "bundle"]
