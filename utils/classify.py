"""What a trained network says of a picture of yours, from file, address or bytes to its names.

trained = utils.pretrained.load("googlenet")
top(trained, "my-photograph.jpg")
"""

from os import PathLike

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as vision

from .data import load_image, middle, to_tensor
from .pretrained import Normalisation, Pretrained
from .support.checks import positive_int

Picture = str | PathLike[str] | bytes | np.ndarray


def top(trained: Pretrained, picture: Picture, k: int = 5) -> pd.Series:
    """Return the likeliest classes of a picture, and the probability that the network gives each.

    Parameters
    ----------
    trained : Pretrained
        As `utils.pretrained.load` returns it.
    picture : path, address, bytes or array
        As `utils.data.load_image` takes it; or what that returns, (H, W, 3), or grey, (H, W), as
        uint8 or as numbers in 0..1.
    k : int
        How many; of fewer classes, all.

    Returns
    -------
    Series
        Class -> probability, in 0..1, the likeliest first.

    Raises
    ------
    ImageError
        The picture cannot be had or read.
    TypeError, ValueError
        No trained network; an array of another shape, range or type; k is not positive.
    """
    k = min(positive_int(k, "k"), len(getattr(trained, "classes", ())) or 1)
    inputs = prepare(trained, picture)
    with torch.no_grad():
        probabilities = trained.model(inputs).softmax(1)[0]
    values, places = probabilities.topk(k)
    names = pd.Index([trained.classes[place] for place in places.tolist()])
    return pd.Series(values.tolist(), index=names, name="probability")


def prepare(trained: Pretrained, picture: Picture) -> Tensor:
    """Make a network's input of a picture: (1, C, height, width), float32.

    Of networks that ship with the package, it is the middle square, resized with antialiasing to
    the size of the training images, and normalised as these were; a network with one channel gets
    the picture in grey. Published weights bring their own preprocessing. See `top`.
    """
    if not isinstance(trained, Pretrained):
        raise TypeError(
            'expected a trained network, as utils.pretrained.load("mini-googlenet") gives it; got '
            f"{type(trained).__name__}."
        )
    whole = picture if isinstance(picture, np.ndarray) else load_image(picture)
    return ready(trained, to_tensor(whole))


def ready(trained: Pretrained, x: Tensor) -> Tensor:
    """Do the same with an image in colour, (1, 3, H, W) in 0..1."""
    preprocessing = trained.preprocessing
    if len(preprocessing.mean) == 1:
        x = vision.rgb_to_grayscale(x)
    if isinstance(preprocessing, Normalisation):
        x = vision.resize(middle(x), list(preprocessing.size), antialias=True).clamp(0, 1)
    return preprocessing(x)
