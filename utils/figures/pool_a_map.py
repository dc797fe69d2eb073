"""Pool a map: what a mean, a maximum and the whole map say while a thing moves by pixels."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from PIL import Image
from torch.nn import functional as F

from ..activations import features
from ..data import photograph, texture, to_tensor
from ..interactive import Interactive
from ..pretrained import load
from ..support.checks import integer, one_of
from ..support.jpeg import jpeg_data_url
from ._figure import figure

_POOLS = ("average", "max", "none")
_SIDE, _PIECE, _MOST = 112, 64, 24  # pixels: the image, the piece on it, the furthest move
_THING, _GROUND = "motorcycle", "grass"
_CORNER = (150, 200)  # of the piece in the photograph: rows, columns
_LAYER = "inception4b"


def pool_a_map(
    shift: int = 0, *, pool: str = "average", chosen: str = "first", key: str | None = None
) -> Interactive:
    """Return a piece of a photograph on a lawn, which the reader moves, and maps of a network.

    Beside the image stands one channel of the last map of the shipped colour network, or one of its
    class maps, and what the three ways to end a network make of it: the mean, the maximum, and the
    map as it is. Nothing of the piece is ever cut off.

    Parameters
    ----------
    shift : int
        By how many pixels the piece is moved at first, to the right, from 0 to 24.
    pool : "average", "max" or "none"
    chosen : "first", "second", "third", "motorcycle" or "grass"
        Which map: one of three channels, or a class map.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such pool or map, or the shift is out of range.
    """
    state = {"shift": shift, "pool": pool, "chosen": chosen}
    _check(state)
    measured = measurements()
    rows = [
        (
            f"moved by {pixels} px",
            *(f"{100 * measured['changes'][name][pixels]:.1f}%" for name in _POOLS),
            *(f"{measured['scores'][name][pixels]:.3f}" for name in (_THING, _GROUND)),
        )
        for pixels in range(0, _MOST + 1, 4)
    ]
    return figure(
        __file__,
        alt="A thing moves over a lawn: what the mean, the maximum and the whole of a feature map "
        "say",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"A piece of the photograph of a {_THING} lies on a lawn and is moved to the right. By "
            "how much of their length change all means of the last map, all maxima, and all "
            "numbers of the map; and two scores of the network, which averages."
        ),
        heads=("", "means", "maxima", "all numbers", f"score {_THING}", f"score {_GROUND}"),
        rows=rows,
        maps=measured["maps"],
        changes=measured["changes"],
        scores=measured["scores"],
        channels=measured["channels"],
        classes=[_THING, _GROUND],
        ground=_jpeg(_ground()),
        piece=_jpeg(_piece()),
        side=_SIDE,
        place=[(_SIDE - _PIECE) // 2 - _MOST // 2, (_SIDE - _PIECE) // 2, _PIECE],
    )


def _check(state: dict[str, Any]) -> None:
    integer(state["shift"], "shift", least=0, most=_MOST)
    one_of(state["pool"], _POOLS, "pool")
    one_of(state["chosen"], ("first", "second", "third", _THING, _GROUND), "chosen")


def moved_images() -> torch.Tensor:
    """Return the lawn with the piece at each of its places, (25, 3, 112, 112) in 0..1."""
    images = _ground().repeat(_MOST + 1, 1, 1, 1)
    left, top = (_SIDE - _PIECE) // 2 - _MOST // 2, (_SIDE - _PIECE) // 2
    for pixels in range(_MOST + 1):
        at = left + pixels
        images[pixels, :, top : top + _PIECE, at : at + _PIECE] = _piece()[0]
    return images


def _ground() -> torch.Tensor:
    return to_tensor(texture(_GROUND))[:, :, :_SIDE, :_SIDE].expand(1, 3, -1, -1)


def _piece() -> torch.Tensor:
    top, left = _CORNER
    photo = to_tensor(photograph(_THING))
    return F.avg_pool2d(photo[:, :, top : top + 2 * _PIECE, left : left + 2 * _PIECE], 2)


@cache
def measurements() -> dict[str, Any]:
    """Return what the figure shows, computed from the shipped network.

    Returns
    -------
    dict
        ``maps``: name -> title, bias (of a class map) and values in thousandths, for each shift
        the rows of the map one after the other; ``changes``: pool -> for each shift, how far its
        numbers are from those of shift 0, as a share of their length; ``scores``: class -> for
        each shift; ``channels``.
    """
    trained = load("colour-googlenet")
    network, classes = trained.model, trained.classes
    with torch.no_grad():
        ready = trained.preprocessing(moved_images(), any_size=True)
        last = features(network, ready, [_LAYER])[_LAYER]  # (25, C, 14, 14)
        scores = network(ready)
        class_maps = torch.einsum("kc,nchw->nkhw", network.fc.weight, last)
    thing, ground = classes.index(_THING), classes.index(_GROUND)
    means, maxima = last.mean((2, 3)), last.amax((2, 3))

    # The channel that tells most for the one class against the other, that for the other, and one
    # with a high peak on a low mean.
    weight = network.fc.weight.detach()
    says = (weight[thing] - weight[ground]) * means[0]
    peak = (maxima[0] - means[0]).clone()
    first, second = int(says.argmax()), int(says.argmin())
    peak[[first, second]] = 0
    third = int(peak.argmax())

    def entry(title: str, values: torch.Tensor, bias: float | None = None) -> dict[str, Any]:
        thousandths = (1000 * values).round().int().flatten(1).tolist()
        return {"title": title, "bias": bias, "values": thousandths}

    bias = network.fc.bias.tolist()
    maps = {
        "first": entry(f"channel {first}, which speaks for {_THING}", last[:, first]),
        "second": entry(f"channel {second}, which speaks for {_GROUND}", last[:, second]),
        "third": entry(f"channel {third}, low with a high peak", last[:, third]),
        _THING: entry(f"class map of {_THING}", class_maps[:, thing], bias[thing]),
        _GROUND: entry(f"class map of {_GROUND}", class_maps[:, ground], bias[ground]),
    }

    def change(vectors: torch.Tensor) -> list[float]:
        far = (vectors - vectors[0]).norm(dim=1) / vectors[0].norm()
        return [round(value, 5) for value in far.tolist()]

    return {
        "maps": maps,
        "changes": {
            "average": change(means),
            "max": change(maxima),
            "none": change(last.flatten(1)),
        },
        "scores": {
            name: [round(value, 5) for value in scores[:, which].tolist()]
            for name, which in ((_THING, thing), (_GROUND, ground))
        },
        "channels": int(last.shape[1]),
    }


def _jpeg(image: torch.Tensor) -> str:
    """Return an image (1, 3, H, W) in 0..1 as a data address: it travels with the figure."""
    pixels = (255 * image[0].permute(1, 2, 0)).round().byte().numpy()
    return jpeg_data_url(Image.fromarray(pixels), quality=80)
