"""Pictures that need no network: photographs and textures that come with scikit-image.

Only those inside scikit-image's own package are used; its other pictures would be downloaded.
Its documentation gives the source and licence of each:
https://scikit-image.org/docs/stable/api/skimage.data.html
"""

from typing import TypeVar

import numpy as np
import skimage.data
import torch
from torch import Tensor

from ..support.checks import integer, unit_range

Picture = TypeVar("Picture", np.ndarray, Tensor)

PHOTOGRAPHS: dict[str, str] = {
    "astronaut": "Eileen Collins in an orange space suit, in front of a flag and a shuttle model",
    "cat": "the face of a tabby cat from close by",
    "coffee": "a cup of espresso on a red saucer, on a wooden table",
    "hubble": "galaxies of all sizes on black: the Hubble deep field",
    "motorcycle": "a red motorcycle in a garage, seen from the side",
    "retina": "the back of an eye, with the blood vessels of the retina",
    "rocket": "a white rocket on its launch pad at dusk",
    "tissue": "stained tissue under a microscope, brown glands on pale blue",
}
TEXTURES: dict[str, str] = {
    "brick": "a brick wall",
    "grass": "a lawn seen from above",
    "gravel": "pebbles seen from above",
}

# Where scikit-image's name for a picture is another.
_FUNCTIONS = {
    "cat": "chelsea",
    "hubble": "hubble_deep_field",
    "motorcycle": "stereo_motorcycle",
    "tissue": "immunohistochemistry",
}


def photographs() -> tuple[str, ...]:
    """Return the names that `photograph` knows; `PHOTOGRAPHS` says what each shows."""
    return tuple(PHOTOGRAPHS)


def textures() -> tuple[str, ...]:
    """Return the names that `texture` knows; `TEXTURES` says what each shows."""
    return tuple(TEXTURES)


def photograph(name: str = "astronaut") -> np.ndarray:
    """Load a colour photograph as bytes, (H, W, 3) uint8.

    Raises
    ------
    ValueError
        There is none of that name; the message lists those there are.
    """
    return _picture(name, PHOTOGRAPHS, "photograph")


def texture(name: str = "brick") -> np.ndarray:
    """Load a grey texture as bytes, (H, W) uint8.

    Raises
    ------
    ValueError
        There is none of that name; the message lists those there are.
    """
    return _picture(name, TEXTURES, "texture")


def to_tensor(image: np.ndarray) -> Tensor:
    """Turn a picture into a batch of one: (H, W, 3) or (H, W) -> (1, 3, H, W) float32 in 0..1.

    Parameters
    ----------
    image : array
        Bytes (uint8, 0..255) or floating-point numbers in 0..1. Grey fills all three channels.

    Raises
    ------
    ValueError, TypeError
        Another shape, range or dtype.
    """
    array = np.asarray(image)
    if array.ndim == 2:
        array = np.stack(3 * [array], axis=-1)
    if array.ndim != 3 or array.shape[-1] != 3 or array.size == 0:
        raise ValueError(
            "a picture must be (H, W, 3) or (H, W): height and width, then red, green and blue; "
            f"got {np.shape(image)}. Without transparency, it is x[..., :3]."
        )
    if array.dtype == np.uint8:
        array = array.astype(np.float32) / 255
    elif not np.issubdtype(array.dtype, np.floating):
        raise TypeError(
            f"a picture must be uint8 or floating-point, got {array.dtype}: of bytes, take "
            "x.astype(np.uint8)."
        )
    else:
        unit_range(array, "a picture of floating-point numbers must lie")
    channels_first = np.ascontiguousarray(array.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(channels_first)[None]


def middle(image: Picture, side: int | None = None) -> Picture:
    """Return the middle square of a picture, a view of it.

    Parameters
    ----------
    image : array (H, W) or (H, W, 3), or Tensor (..., H, W)
    side : int, optional
        Of the square, in pixels; by default the largest, which is the shorter side of the picture.

    Raises
    ------
    TypeError, ValueError
        `side` is no integer from 1 to the shorter side.
    """
    height, width = image.shape[-2:] if isinstance(image, Tensor) else image.shape[:2]
    shorter = min(height, width)
    side = shorter if side is None else integer(side, "side", least=1, most=shorter)
    top, left = (height - side) // 2, (width - side) // 2
    rows, columns = slice(top, top + side), slice(left, left + side)
    return image[..., rows, columns] if isinstance(image, Tensor) else image[rows, columns]


def _picture(name: str, known: dict[str, str], kind: str) -> np.ndarray:
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(known)}.")
    picture = getattr(skimage.data, _FUNCTIONS.get(name, name))()
    return picture[0] if isinstance(picture, tuple) else picture  # a stereo pair: the left one
