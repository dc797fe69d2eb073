"""Every network of the package by name, with fresh weights, published ones, or its own training's.

    trained = load("mini-googlenet")                       # ships with the package
    scores = trained.model(trained.preprocessing(images))  # of trained.classes
    trained.card["accuracy"]

    model = create("inception_v3", weights="timm:tf_in1k")
    images = preprocessing("inception_v3", "timm:tf_in1k")(photographs)

Published weights are fetched at run time by torchvision's and timm's own interfaces, which keep
them in their caches.
"""

from .creation import create, preprocessing
from .names import ENTRIES, Entry, Published, models
from .preparation import Normalisation, Preprocessing
from .published import WeightsUnavailableError
from .shipped import DamagedFileError, Pretrained, checkpoints, load, save, save_weights

__all__ = [
    "ENTRIES",
    "DamagedFileError",
    "Entry",
    "Normalisation",
    "Preprocessing",
    "Pretrained",
    "Published",
    "WeightsUnavailableError",
    "checkpoints",
    "create",
    "load",
    "models",
    "preprocessing",
    "save",
    "save_weights",
]
