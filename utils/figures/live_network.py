"""A trained Inception network, alive in the page: draw a garment, and every branch answers."""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from .. import pretrained
from ..activations import features
from ..data import fashion_mnist
from ..interactive import Interactive
from ..support.checks import boolean, integer, one_of
from ..support.palette import BRANCH_LABELS, BRANCHES
from ._figure import figure, packed
from .network_export import data_address, export

_NETWORK = "mini-googlenet"
_POOL = 40  # test images of each class, among which the strongest are looked for
_STARTS = ("draw", "upload")
_AVERAGED = 500  # training images, over which a channel's mean is taken
_COVER = 8  # pixels of the square's side, as in cover.js
_INSTEAD = ("zeros", "means")  # what stands in the place of what is off
_STRONGEST = 6  # of them, for each channel
# As high as the figure will be, narrow and wide, so that the text below it need not move.
_HEIGHTS = {True: (918, 552), False: (1306, 1117)}


def live_network(
    *,
    module: str = "4b",
    channel: int | None = None,
    small: bool = False,
    start: str = "draw",
    key: str | None = None,
) -> Interactive:
    """Return a figure in which the network "mini-googlenet" runs in the page itself.

    The reader draws a garment, or chooses one of some test images, and sees every module and every
    branch answer, down to the classes. Branches, a module or a channel can be switched off: they
    then give zeros, or their means over images. A square can cover a part of the picture. Nothing
    leaves the page; where a book is built, the network's weights are a file of their own, loaded
    when the figure starts.

    Parameters
    ----------
    module
        The module that is open at first: "2a", "2b", "3a" to "3d", "4a" or "4b".
    channel
        Of its output, from 0; by default the one without which the first answer changes most.
    small
        Only the drawing, the modules at a glance and the classes, for a landing page.
    start
        "draw", or "upload": the reader's own picture comes first.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        `channel` is no integer, or `small` no boolean.
    ValueError
        There is no such module, channel or start.
    """
    facts = _facts()
    modules = {stage["name"]: stage for stage in facts["net"]["stages"] if "branches" in stage}
    one_of(module, tuple(name.removeprefix("inception") for name in modules), "module")
    one_of(start, _STARTS, "start")
    size = facts["net"]["size"]
    if channel is None:
        channel = facts["decisive"][f"inception{module}"]

    def check(state: dict[str, Any]) -> None:
        one_of(state["open"], tuple(modules), "open")
        most = modules[state["open"]]["channels"] - 1
        integer(state["channel"], "channel", least=0, most=most)
        image = state["image"]
        if not isinstance(image, list) or len(image) != size**2:
            raise ValueError(f"image must be a list of {size**2} grey values, row by row.")
        for grey in image:
            integer(grey, "a grey value of the image", least=0, most=255)
        for name in state["off"]:
            _check_off(name, facts["net"]["stages"])
        one_of(state["instead"], _INSTEAD, "instead")
        if state["cover"] is not None:
            if not isinstance(state["cover"], list) or len(state["cover"]) != 2:
                raise ValueError("cover must be None or the square's left and top edge, in pixels.")
            for edge in state["cover"]:
                integer(edge, "an edge of the cover", least=-_COVER // 2, most=size - _COVER // 2)

    made = figure(
        __file__,
        alt="A trained Inception network in the page: draw a garment, and see what it answers",
        key=key,
        check=check,
        state={
            "image": list(facts["first"]),
            "open": f"inception{module}",
            "channel": channel,
            "off": [],
            "instead": "zeros",
            "cover": None,
        },
        caption=(
            f"A small GoogLeNet, trained on Fashion-MNIST: {len(modules)} Inception modules, their "
            "maps and the channels of their four branches. Of its first test image it says: "
            f"{facts['said']}."
        ),
        heads=("module", "map", *(BRANCH_LABELS[branch] for branch in BRANCHES)),
        rows=[
            (
                name.removeprefix("inception"),
                f"{stage['side']} × {stage['side']}",
                *stage["branches"].values(),
            )
            for name, stage in modules.items()
        ],
        small=boolean(small, "small"),
        start=start,
        net=facts["net"],
        weights=facts["weights"],
        samples=facts["few" if small else "samples"],
        peaks=facts["peaks"],
        usual={} if small else facts["usual"],
        averaged=_AVERAGED,
        smoothing=facts["smoothing"],
        turns={} if small else facts["turns"],
        strongest="" if small else facts["strongest"],
    )
    narrow, wide = _HEIGHTS[small]
    style = (
        f"@media(scripting:enabled){{.live-reserved{{min-height:{narrow}px}}}}"
        f"@media(scripting:enabled)and(min-width:700px){{.live-reserved{{min-height:{wide}px}}}}"
    )
    made.fallback = f'<style>{style}</style><div class="live-reserved">{made.fallback}</div>'
    return made


def _check_off(name: Any, stages: list[dict[str, Any]]) -> None:
    """Raise a ValueError unless `name` is that of a branch, a stage or a part of a stage."""
    names = {*BRANCHES, *(stage["name"] for stage in stages)}
    names |= {f"{s['name']}.{branch}" for s in stages for branch in s.get("branches", ())}
    names |= {f"{s['name']}:{i}" for s in stages for i in range(s["channels"])}
    if name not in names:
        raise ValueError(
            f"off holds names of what is switched off, such as '5x5', 'inception3a', "
            f"'inception3a.5x5' or 'inception3a:17', but it holds {name!r}."
        )


def _short(values: Tensor) -> list[float]:
    return [round(value, 3) for value in values.tolist()]


@torch.inference_mode()
def _answers(
    network: nn.Module, stage: str, image: Tensor, kept: Tensor, instead: Tensor
) -> Tensor:
    """Return probabilities (N, classes) of one image, of a stage what each row (C,) keeps.

    In the place of a channel that is not kept stands one number, of `instead` (C,).
    """
    kept, given = kept[:, :, None, None], ((1 - kept) * instead)[:, :, None, None]
    hook = network.get_submodule(stage).register_forward_hook(
        lambda _module, _given, map_: map_ * kept + given
    )
    try:
        scores: Tensor = network(image)
    finally:
        hook.remove()
    return scores.softmax(1)


@cache
def _facts() -> dict[str, Any]:
    """Return all that the figure needs: the network, some test images, its usual answers."""
    trained = pretrained.load(_NETWORK)
    exported = export(trained)
    test = fashion_mnist("test")
    classes = exported.layout["classes"]
    shown = [name for name in (s["name"] for s in exported.layout["stages"]) if "pool" not in name]
    with torch.inference_mode():
        pool = torch.cat(
            [(test.labels == label).nonzero()[:_POOL, 0] for label in range(len(classes))]
        ).sort()[0]
        found = features(trained.model, trained.preprocessing(test.images[pool]), [*shown, "fc"])
    # Of each channel the largest value on these images: full colour in the figure.
    peaks = {name: _short(found[name].amax(dim=(0, 2, 3))) for name in shown}
    training = trained.preprocessing(fashion_mnist("train")[:_AVERAGED].images)
    with torch.inference_mode():
        every = features(trained.model, training, [s["name"] for s in exported.layout["stages"]])
    usual = {name: _short(maps.mean(dim=(0, 2, 3))) for name, maps in every.items()}
    modules = [s["name"] for s in exported.layout["stages"] if "branches" in s]
    best = [found[name].amax(dim=(2, 3)).topk(_STRONGEST, dim=0).indices.T for name in modules]
    strongest = test.images[pool].numpy().tobytes()
    strongest += torch.cat(best).numpy().astype("<u2").tobytes()
    probabilities = found["fc"].softmax(1)
    labels = test.labels[pool]
    right = probabilities.argmax(1) == labels
    # The first of each class that it gets right, and the first that it gets wrong.
    picked = [
        int(((labels == label) & (right == good)).nonzero()[0])
        for good in (True, False)
        for label in range(len(classes))
        if ((labels == label) & (right == good)).any()
    ]
    first = next(i for i in picked if labels[i] == labels[0])
    # Of each module: the channel that moves the first image's answer most when it is off, and the
    # branches without which another class comes first.
    network, answer = trained.model, int(probabilities[first].argmax())
    image = trained.preprocessing(test.images[pool[first : first + 1]])
    decisive: dict[str, int] = {}
    turns: dict[str, dict[str, int]] = {instead: {} for instead in _INSTEAD}
    for stage in (s for s in exported.layout["stages"] if "branches" in s):
        name, widths = stage["name"], stage["branches"]
        silent = torch.zeros(stage["channels"])
        alone = _answers(network, name, image, 1 - torch.eye(stage["channels"]), silent)
        change = (alone[:, answer] - probabilities[first, answer]).abs()
        decisive[name] = int(change.argmax())
        of = torch.arange(len(widths)).repeat_interleave(torch.tensor([*widths.values()]))
        rows = (of != torch.arange(len(widths))[:, None]).float()
        for instead, given in (("zeros", silent), ("means", torch.tensor(usual[name]))):
            said_now = _answers(network, name, image, rows, given).argmax(1).tolist()
            turns[instead] |= {
                f"{name}.{branch}": now
                for branch, now in zip(widths, said_now, strict=True)
                if now != answer
            }
    order = probabilities[first].argsort(descending=True)[:2].tolist()
    said = " and ".join(f"{classes[i].lower()} {100 * probabilities[first][i]:.1f}%" for i in order)

    def samples(which: list[int]) -> dict[str, Any]:
        return {
            "images": packed(test.images[pool[which], 0]),
            "labels": labels[which].tolist(),
            "right": right[which].tolist(),
        }

    return {
        "net": exported.layout,
        "weights": data_address(exported.weights),
        "strongest": data_address(zlib.compress(strongest, 9)),
        "first": test.images[pool[first], 0].flatten().tolist(),
        "said": said,
        "decisive": decisive,
        "turns": turns,
        "smoothing": trained.card["recipe"]["label_smoothing"],
        "samples": samples(picked),
        "few": samples([i for i in picked if right[i]]),
        "peaks": peaks,
        "usual": usual,
    }
