"""How sure a network can be made of wrong names by ten pixels: the bar of chapter 8's challenge.

Each way to choose the pixels is a function of a network and its garments, bytes (N, 1, 28, 28),
with their labels (N,); it returns the garments changed.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import LabelledImages, fashion_mnist
from ..pretrained import Pretrained, load
from .harness import Experiment, Report

NETWORK = "mini-googlenet"
GARMENTS, PIXELS = 200, 10
QUERIES = 80  # for each garment, of the searches that ask often


@cache
def named_right(split: str, skipped: int = 0) -> tuple[Pretrained, LabelledImages]:
    """Return the clothes network and garments that it names rightly.

    They are the first of a split, or the first of its last `skipped`.
    """
    trained = load(NETWORK)
    clothes = fashion_mnist(split)[-skipped if skipped else 0 :][: 2 * GARMENTS]
    named = _scores(trained, clothes.images).argmax(1)
    return trained, clothes[(named == clothes.labels).nonzero()[:GARMENTS, 0]]


@torch.no_grad()
def _scores(trained: Pretrained, images: Tensor) -> Tensor:
    parts = images.split(250)
    return torch.cat([trained.model(trained.preprocessing(part)) for part in parts])


def wrongly_sure(trained: Pretrained, images: Tensor, labels: Tensor) -> Tensor:
    """Return how sure the network is of wrong names, (N,): 0 where it names an image rightly."""
    sure, named = _scores(trained, images).softmax(1).max(1)
    return sure * (named != labels)


def _ahead(scores: Tensor, labels: Tensor) -> Tensor:
    """By how much the likeliest wrong class is ahead of the right one, (N,)."""
    right = F.one_hot(labels, scores.shape[1]).bool()
    return scores.masked_fill(right, -torch.inf).amax(1) - scores[right]


def _slope(trained: Pretrained, images: Tensor, labels: Tensor) -> Tensor:
    """Return how fast a wrong class gets ahead as each pixel gets brighter, (N, 784)."""
    x = trained.preprocessing(images).requires_grad_()
    (slope,) = torch.autograd.grad(_ahead(trained.model(x), labels).sum(), x)
    return slope.flatten(1)


def _best(images: Tensor, slope: Tensor, taken: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the pixels that promise most when they turn black or white: places, values, (N, n)."""
    room = torch.where(slope > 0, 255 - images.flatten(1).float(), images.flatten(1).float())
    places = (slope.abs() * room).masked_fill(taken, -1).topk(count).indices
    return places, torch.where(slope.gather(1, places) > 0, 255, 0).to(torch.uint8)


# --- Ways to choose ten pixels ----------------------------------------------------------------


def one_row(trained: Pretrained, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Turn ten pixels of one row over, bright to dark."""
    after = images.clone()
    after[..., 10, 4:24:2] = 255 - after[..., 10, 4:24:2]
    return after


def blind(trained: Pretrained, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Turn ten pixels black or white, by chance; keep the best of so many tries for each image."""
    generator = torch.Generator().manual_seed(seed)
    best, most = images.clone(), torch.zeros(len(images))
    for _ in range(QUERIES):
        places = torch.rand(len(images), 28 * 28, generator=generator).topk(PIXELS).indices
        values = 255 * torch.randint(0, 2, places.shape, generator=generator)
        tried = images.flatten(1).scatter(1, places, values.to(torch.uint8)).view_as(images)
        sure = wrongly_sure(trained, tried, labels)
        best[sure > most] = tried[sure > most]
        most = most.maximum(sure)
    return best


def slope_at_once(trained: Pretrained, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Ask the gradient once, and turn the ten pixels that promise most black or white."""
    slope = _slope(trained, images, labels)
    taken = torch.zeros_like(slope, dtype=torch.bool)
    places, values = _best(images, slope, taken, PIXELS)
    return images.flatten(1).scatter(1, places, values).view_as(images)


def slope_and_tries(trained: Pretrained, images: Tensor, labels: Tensor, seed: int) -> Tensor:
    """Pixel by pixel, try the few that the gradient names, and keep the best."""
    tries = QUERIES // PIXELS
    after, every = images.clone(), torch.arange(len(images))
    taken = torch.zeros(len(images), 28 * 28, dtype=torch.bool)
    for _ in range(PIXELS):
        slope = _slope(trained, after, labels)
        places, values = _best(after, slope, taken, tries)
        tried = after.flatten(1)[:, None].repeat(1, tries, 1)
        tried.scatter_(2, places[..., None], values[..., None])
        scores = _scores(trained, tried.view(-1, *images.shape[1:]))
        ahead = _ahead(scores, labels.repeat_interleave(tries)).view(-1, tries)
        chosen = ahead.argmax(1)
        after = tried[every, chosen].view_as(images)
        taken[every, places[every, chosen]] = True
    return after


WAYS: Mapping[str, Callable[[Pretrained, Tensor, Tensor, int], Tensor]] = MappingProxyType(
    {
        "ten pixels of one row": one_row,
        "the best of blind tries": blind,
        "the gradient, asked once": slope_at_once,
        "the gradient, pixel by pixel": slope_and_tries,
    }
)


def disguise(*, way: str, seed: int, report: Report) -> dict[str, Any]:
    """Change ten pixels of each test garment in one way; `seed` counts where chance chooses.

    Returns
    -------
    dict
        ``sure``, how sure the network is of wrong names, with 0 for right ones, on average; and
        ``misnamed``, the share of garments that it names wrongly.
    """
    trained, clothes = named_right("test")
    changed = WAYS[way](trained, clothes.images, clothes.labels, seed)
    most = int((changed != clothes.images).flatten(1).sum(1).max())
    sure = wrongly_sure(trained, changed, clothes.labels)
    return {"sure": float(sure.mean()), "misnamed": float((sure > 0).float().mean()), "most": most}


DISGUISES = Experiment(
    name="disguises",
    about="how sure ten changed pixels make the clothes network of wrong names",
    measure=disguise,
    options={"way": "ten pixels of one row"},
    settings={way: {"way": way} for way in WAYS},
    seeds=(0, 1, 2),
)
