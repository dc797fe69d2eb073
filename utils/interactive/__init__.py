"""Interactive figures: one host for every figure, and the kit that their modules are made with."""

from .figure import Interactive, bundle

__all__ = ["Interactive", "bundle"]
