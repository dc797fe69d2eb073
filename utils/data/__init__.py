"""Pictures to look at and data to train on, offline first: one function each."""

from .crops import patch_cells, patches
from .fashion import FASHION_CLASSES, DataUnavailableError, fashion_mnist
from .folders import image_folder
from .labelled import LabelledImages
from .loading import ImageError, load_image
from .scikit_pictures import (
    PHOTOGRAPHS,
    TEXTURES,
    middle,
    photograph,
    photographs,
    texture,
    textures,
    to_tensor,
)
from .stored import results

__all__ = [
    "FASHION_CLASSES",
    "PHOTOGRAPHS",
    "TEXTURES",
    "DataUnavailableError",
    "ImageError",
    "LabelledImages",
    "fashion_mnist",
    "image_folder",
    "load_image",
    "middle",
    "patch_cells",
    "patches",
    "photograph",
    "photographs",
    "results",
    "texture",
    "textures",
    "to_tensor",
]
