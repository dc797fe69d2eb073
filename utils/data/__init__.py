"""Pictures to look at and data to train on, offline first: one function each."""

from .fashion import FASHION_CLASSES, fashion_mnist
from .labelled import LabelledImages
from .photographs import (
    PHOTOGRAPHS,
    TEXTURES,
    photograph,
    photographs,
    texture,
    textures,
    to_tensor,
)

__all__ = [
    "FASHION_CLASSES",
    "PHOTOGRAPHS",
    "TEXTURES",
    "LabelledImages",
    "fashion_mnist",
    "photograph",
    "photographs",
    "texture",
    "textures",
    "to_tensor",
]
