"""Exercises of the chapter on looking inside a network."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.modules import module as everywhere

from ..activations import features
from ..data import fashion_mnist
from ..experiments import looking_inside as experiment
from ..googlenet import MODULES, micro_googlenet
from ..interactive import Interactive
from ..networks.network import Network
from ..pretrained import load
from ..support.checks import is_integer
from ..support.palette import BRANCH_LABELS, BRANCHES
from . import questions
from .answers import MismatchError, call, expect
from .challenges import Challenge, Score
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip, noise

# 1 ---------------------------------------------------------------------------------------------

_ROUNDED = (
    "The idea is right, the numbers are not: a computer rounds 1 less a tiny number to 1, and 1 "
    "minus nearly 1 to 0, or to a few wrong digits. Add up the tail itself."
)
_COUNT = "Take a tiny case, such as 3 channels of which 1 is in the branch, and count."
_CLOSE = (
    "Close, but not it. If you rounded: do not. If you shuffled labels and counted: no number of "
    "shuffles meets a chance of one in 10²⁰. Count all ways to place the kind instead."
)
_POSITIVE = (
    "A chance is at most 1, so its logarithm is at most 0: is the count divided by all ways?"
)
_STOPS = "A sum that stops at `kind - 1` leaves out the last term: all of the kind inside."


chance = Exercise(
    key="chance",
    title="By chance?",
    statement="""
A module has `channels` output channels, `branch` of them in one of its branches. Somebody has
found `kind` channels of a kind, and `inside` of these lie in that branch. If the labels of the
branches were shuffled, how likely is it that *at least* so many would? Return the logarithm to
base 10 of the probability: it may be tiny.
""",
    stub="""
def log_chance(channels, branch, kind, inside):
    \"\"\"log10 of the chance that at least `inside` of a kind lie in a branch.\"\"\"
    return ...
""",
    answer="log_chance",
    cases=((64, 8, 12, 4), (256, 32, 9, 9), (480, 96, 30, 30), (20, 12, 9, 2), (10, 4, 3, 0)),
    case=lambda channels, branch, kind, inside: (
        f"{inside} of {kind} channels of a kind in a branch of {branch}, of {channels}"
    ),
    results=(
        Number(
            expected="the logarithm of the chance of at least so many",
            look=lambda got, want, *_: (
                _ROUNDED
                if want < -17 and (-17 < got < -14 or got == -math.inf)
                else _POSITIVE
                if got > 0
                else _CLOSE
                if abs(got - want) < 0.15
                else _COUNT
            ),
            got="{got:.6g}, which is {off:+.3g} from what it should be: that many powers of ten",
            close=1e-6,
        ),
    ),
    slips=(
        Slip(
            "import math\ndef log_chance(channels, branch, kind, inside):\n"
            "    return math.log10(sum(math.comb(kind, i) * (branch / channels)**i *\n"
            "        (1 - branch / channels)**(kind - i) for i in range(inside, kind + 1)))",
            "That draws a branch for each channel anew, as if it could hold any number. But once a "
            "place in the branch is taken, one fewer is left.",
        ),
        Slip(
            {"range(inside, kind + 1)": "[inside]"},
            "That is the chance of *exactly* so many. More of them would be as remarkable.",
        ),
        Slip(
            {"range(inside, kind + 1)": "range(inside + 1, kind + 1)", "log10(": "log10(1e-99 + "},
            "That is the chance of *more* than so many: the number found counts, too.",
        ),
        Slip({"math.log10": "math.log"}, "That is the natural logarithm; base 10 is asked for."),
        Slip(
            {"math.log10": "-math.log10"},
            "The sign: chances are below 1, their logarithms below 0.",
        ),
        Slip({"math.log10": ""}, "That is the chance itself; its logarithm is asked for."),
        Slip({"math.log10": "math.log2"}, "That is the logarithm to base 2; base 10 is asked for."),
        Slip(
            {"math.log10(": "math.log10(100 * "}, "That is the logarithm of a chance in per cent."
        ),
        Slip(
            {" / math.comb(channels, kind)": ""},
            "That is a count of ways, not yet a chance: in how many ways can the whole kind lie?",
        ),
        Slip(
            {" / math.comb(channels, kind)": " / math.comb(channels, branch)"},
            "Divided by the ways to choose the branch's channels; it is the kind that is chosen.",
        ),
        Slip(
            {"math.comb(channels - branch, kind - i)": "math.comb(channels, kind - i)"},
            "The rest of the kind must lie *elsewhere*: how many channels are left there?",
        ),
        Slip(
            {"range(inside, kind + 1)": "range(0, inside + 1)"},
            "That is the chance of *at most* so many.",
            whole=True,
        ),
        Slip(
            {"math.comb(channels - branch, kind - i)": "1"},
            "The channels of the kind that lie elsewhere can be chosen in many ways, too.",
        ),
        Slip(
            "import math\ndef log_chance(channels, branch, kind, inside):\n"
            "    return inside * math.log10(branch / channels)",
            "That is one share for each channel inside, as if each were drawn by itself; and those "
            "outside are left out.",
        ),
        Slip(
            "import math\ndef log_chance(channels, branch, kind, inside):\n"
            "    return sum(math.log10((branch - j) / (channels - j)) for j in range(inside))",
            "That is the chance that the first so many channels *all* lie in the branch. It is "
            "right where the whole kind does; otherwise the rest may lie anywhere, and *which* of "
            "the kind lie inside is open.",
        ),
        Slip({"range(inside, kind + 1)": "range(inside, kind)"}, _STOPS, whole=True),
        Slip(
            "import math\ndef log_chance(channels, branch, kind, inside):\n"
            "    below = sum(math.comb(branch, i) * math.comb(channels - branch, kind - i)\n"
            "        for i in range(inside)) / math.comb(channels, kind)\n"
            "    return math.log10(1 - below)",
            _ROUNDED,
        ),
        Slip(
            {"range(inside, kind + 1)": "range(inside, kind)", "log10(": "log10(1e-99 + "}, _STOPS
        ),
    ),
    praise="For 3a it is a chance of less than one in a hundred million, for 3b far less: these "
    "detectors do not lie where they lie by chance. Why they do is another question.",
    hints=(
        "Count instead of multiplying chances: in how many ways can `kind` of all channels be "
        "chosen? `math.comb(channels, kind)`.",
        "In how many of these lie exactly `i` in the branch? Choose `i` of its channels, and the "
        "rest of the kind from the other channels.",
        "Add up for all `i` from `inside` to `kind`, divide, and take `math.log10`. This is the "
        "hypergeometric distribution.",
    ),
    solution_code="""
import math

def log_chance(channels, branch, kind, inside):
    ways = sum(
        math.comb(branch, i) * math.comb(channels - branch, kind - i)
        for i in range(inside, kind + 1)
    )
    return math.log10(ways / math.comb(channels, kind))
""",
    why="Shuffled labels make every choice of `kind` channels equally likely. So the chance is a "
    "count divided by a count. What it leaves out is where the definition of the kind came from: a "
    "kind that was found by looking at the branch would make any chance tiny.",
)

# 2 ---------------------------------------------------------------------------------------------


class _StopError(RuntimeError):
    """What a layer raises in a check."""


def _watched() -> Any:
    """Return a small network that stays itself when a check copies its arguments."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = micro_googlenet(in_channels=1)
    for part in network.modules():
        part.__dict__["__deepcopy__"] = lambda memo, part=part: part
    return network


_KINDS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_EVERYWHERE = tuple(getattr(everywhere, f"_global{kind}") for kind in _KINDS)  # of all networks


def _hooks(network: Any) -> int:
    return sum(len(getattr(part, kind)) for part in network.modules() for kind in _KINDS)


def _replaced(network: Any) -> bool:
    """Whether a layer has a `forward` that is not its own."""
    own = [part.__dict__.get("forward", part.forward) for part in network.modules()]
    return any(
        getattr(forward, "__func__", None) is not type(part).forward
        for part, forward in zip(network.modules(), own, strict=True)
    )


@contextmanager
def _no_trace(network: Any, look: str, when: str) -> Iterator[None]:
    """Expect that no hook and no other `forward` stay; take those of all networks away."""
    before = [dict(hooks) for hooks in _EVERYWHERE]
    try:
        yield
        expect(not _hooks(network), expected=f"no hook left {when}", got="a hook", look=look)
        expect(
            not _replaced(network),
            expected=f"a network that is as it was {when}",
            got="a layer whose `forward` is another",
            look="You replaced a layer's `forward`: it must be put back, whatever happens. A hook "
            "is made for this, and knows how to be removed.",
        )
        expect(
            all(dict(hooks) == old for hooks, old in zip(_EVERYWHERE, before, strict=True)),
            expected=f"no hook left {when}",
            got="a hook on *every* network of this program",
            look="`register_module_forward_hook` listens to all layers of all networks, until its "
            "handle's `remove()`. Hook the one layer.",
        )
    finally:
        for hooks, old in zip(_EVERYWHERE, before, strict=True):
            for key in set(hooks) - set(old):
                del hooks[key]


@contextmanager
def _counted(network: Any, layer: Any) -> Iterator[list[str]]:
    """Note each run of the network's first stage, and each hook of the package on the layer."""
    noted: list[str] = []

    def package(*_: Any) -> None:
        hooks = layer._forward_hooks.values()
        noted.extend("package" for hook in hooks if hook.__module__ == features.__module__)

    first = getattr(network, next(iter(network.config.layers)))
    with (
        first.register_forward_pre_hook(lambda *_: noted.append("run")),
        layer.register_forward_pre_hook(package),
    ):
        yield noted


def _verify_watch(answer: Any) -> None:
    network = _watched().eval()
    x = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for layer in (network.inception3a.branch3, network.inception4a.branch2[0]):
            inputs: list[Tensor] = []
            with layer.register_forward_pre_hook(lambda _, args, kept=inputs: kept.extend(args)):
                scores = network(x)
            right, inside = layer(inputs[0]), inputs[0]
            with _no_trace(
                network,
                "`register_forward_hook` returns a handle: call its `remove()`.",
                "afterwards",
            ):
                with (
                    _counted(network, layer) as noted,
                    layer.register_forward_hook(lambda *_: None) as other,
                ):
                    got = _called(answer, network, layer, x)
                    kept = other.id in layer._forward_hooks
                noted.remove("other") if "other" in noted else None
                _verify_map(got, right, scores, inside)
                expect(
                    kept,
                    expected="a hook of somebody else on this layer to stay",
                    got="a layer without any hook",
                    look="You removed *all* hooks of the layer. Remove your own: its handle does.",
                )
            expect(
                "package" not in noted,
                expected="a function that listens by itself",
                got="the hook of `features`",
                look="`features` does it all. Here you write what it does: "
                "`layer.register_forward_hook`.",
            )
            expect(
                len(noted) == 1,
                expected="one run of the network",
                got=f"{len(noted)} runs",
                look="Run the network once: `network(x)`. The hook keeps what you want.",
            )
            expect(
                not network.training and torch.equal(network(x), scores),
                expected="a network that works as before",
                got="another mode, or other scores",
                look="A hook that returns something changes the output; `train()` changes "
                "the mode.",
            )
        last = network.inception4b.register_forward_pre_hook(_raise)
        with _no_trace(
            network,
            "What happens to your last line if `network(x)` raises? `try` has a `finally`, "
            "and what `register_forward_hook` returns can be closed by a `with`.",
            "when the network stops with an error in a later layer",
        ):
            try:
                answer(network, network.inception3a.branch3, x)
            except _StopError:
                pass
            except Exception as error:
                raise MismatchError(
                    "the error of the network to come through",
                    f"{type(error).__name__}: {error}",
                    "When the network stops with an error, clean up, and let the error go on.",
                ) from None
            last.remove()


def _called(answer: Any, network: Any, layer: Any, x: Tensor) -> Any:
    """Call the answer; where the layer was given the images, say so."""
    try:
        return call(answer, network, layer, x)
    except MismatchError as error:
        if "channels, but got" not in error.got:
            raise
        look = (
            "Did you give the images to the layer itself? It reads what the layers before it made "
        )
        look += "of them. Run the whole network: `network(x)`."
        raise MismatchError(error.expected, error.got, look) from None


def _verify_map(got: Any, right: Tensor, scores: Tensor, inside: Tensor) -> None:
    """Expect the map of the layer, not what went into it nor the network's scores."""
    packed = list(got.values()) if isinstance(got, dict) else got
    look = "A hook's own return value is lost to you. Put the output into a list or a "
    look += "dictionary that stands outside the hook, and return it at the end."
    if isinstance(packed, list | tuple) and any(
        isinstance(part, Tensor) and torch.equal(part, right) for part in packed
    ):
        look = f"You return the {type(got).__name__}, not what is in it."
    elif isinstance(packed, list | tuple) and any(
        isinstance(part, Tensor) and torch.equal(part, inside) for part in packed
    ):
        look = "That is what goes *into* the layer. A forward hook gets the layer, its inputs and "
        look += "its output, in this order."
    elif isinstance(got, np.ndarray):
        look = "That is an array of NumPy. Return the tensor itself: gradients may be wanted of it."
    expect(
        isinstance(got, Tensor),
        expected="the map that came out of the layer, a tensor",
        got=got,
        look=look,
    )
    if torch.equal(got, right):
        return
    look = "Does the hook sit on the layer that the function was given?"
    if got.shape == right.shape:
        look = "The shape is right, the numbers are not. Return the output of the layer as it came."
    elif got.shape == scores.shape and torch.allclose(got, scores):
        look = "These are the scores of the whole network."
    elif got.shape == inside.shape and torch.equal(got, inside):
        look = "That is what goes *into* the layer. A forward hook gets the layer, its "
        look += "inputs and its output, in this order."
    elif got.shape[1:] == right.shape[1:] or got.shape == right.shape[1:]:
        look = f"There are {len(right)} images. Does the network run on all of them, and do you "
        look += "return the maps of all?"
    elif got.numel() < len(right[0]) or got.shape == right.shape[:2]:
        look = "That is a summary of the map. Return the whole map, (N, C, H, W), as it came."
    raise MismatchError("what came out of the layer in this run", _shape(got), look)


def _raise(*_: Any) -> None:
    raise _StopError("stopped on purpose, by the check")


def _shape(got: Tensor) -> str:
    return f"a tensor of shape {tuple(got.shape)}"


watch = Exercise(
    key="watch",
    title="Listen, and leave no trace",
    statement="""
Write a function that runs a network on images once and returns what comes out of one of its layers,
without `features`. Afterwards the network has to be as it was: no hook may stay, not even when the
network stops with an error in a later layer (the error itself may go on).
""",
    stub="""
def watch(network, layer, x):
    \"\"\"What comes out of `layer`, a part of the network, for the images x.\"\"\"
    return ...
""",
    answer="watch",
    verify=_verify_watch,
    praise="Hooks that stay behind are a common leak: each keeps its maps in memory, and runs "
    "again with every image.",
    hints=(
        "`layer.register_forward_hook(hook)` calls `hook(layer, inputs, output)` after the layer "
        "has run. Where can the hook put the output, so that you still have it afterwards?",
        "A list outside the hook: `kept.append(output)`. A hook that returns None changes nothing; "
        "what `append` returns is None.",
        "The handle that comes back works in a `with` statement, which removes it whatever "
        "happens.",
    ),
    solution_code="""
def watch(network, layer, x):
    kept = []
    with layer.register_forward_hook(
        lambda layer, inputs, output: kept.append(output)
    ):
        network(x)
    return kept[0]
""",
    why="`with` removes the hook at its end, also when an error comes by. "
    "`utils.activations.features` does the same for many layers, with `try` and `finally`.",
)

# 3 ---------------------------------------------------------------------------------------------


def _occlusion_cases() -> list[tuple]:
    made = noise(3, ((1, 3, 8, 12), (1, 3, 8, 12)), ((2, 1, 6, 6), (2, 1, 6, 6)))
    return [
        (_Scores(weight), image, side) for (image, weight), side in zip(made, (4, 2), strict=True)
    ]


@dataclass
class _Scores:
    """Scores in which squares do not simply add up."""

    weight: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        return (images * self.weight[:1]).sum((1, 2, 3)) + 0.02 * images.sum((1, 2, 3)) ** 2


occlude = Exercise(
    key="occlude",
    title="Cover it up",
    statement="""
Which places does a score need? Cover a square of `side` by `side` pixels with zeros (in normalised
images, that is the mean colour), in all channels, and see by how much the score falls. Move the
square over the whole image in steps of `side`, so that the squares tile it. `score` is a function
from images `(N, C, H, W)` to numbers `(N,)`. For images `(N, C, H, W)` return the falls, positive
where covering hurts, `(N, H / side, W / side)`.
""",
    stub="""
def occlusion(score, images, side):
    \"\"\"By how much the score falls when each square is covered.\"\"\"
    return ...
""",
    answer="occlusion",
    cases=_occlusion_cases,
    case=lambda score, images, side: f"images of shape {tuple(images.shape)} and squares of {side}",
    results=(
        Array(
            expected="for each square by how much the score falls",
            look="Cover the upper left square alone, and compare the two scores by hand.",
            shape=lambda got, want: (
                "One number for each *square*, not for each pixel: move in steps of `side`."
                if got[-1:] > want[-1:] and len(got) == len(want) and got[-2] > want[-2]
                else "One number for each image and square: rows first, then columns."
            ),
            close=1e-4,
        ),
    ),
    slips=(
        Slip(
            {"before - score(covered)": "score(covered) - before"},
            "The sign: where covering hurts, the score falls, and the fall is positive.",
        ),
        Slip(
            {"before - score(covered)": "score(covered)"},
            "These are the scores themselves. How far is each below the score of the whole image?",
        ),
        Slip(
            {"covered = images.clone()": "covered = images"},
            "The squares stay covered: each step should start from the whole image. An assignment "
            "to a part changes the tensor itself, so work on a copy.",
        ),
        Slip(
            {
                "covered = images.clone()": "covered = torch.zeros_like(images)",
                "= 0": "= images[:, :, top : top + side, left : left + side]",
            },
            "Everything *but* the square is covered.",
        ),
        Slip({"[:, :, top": "[:, 0, top"}, "Only the first channel is covered."),
        Slip(
            {"before - score(covered)": "(before - score(covered)).abs()"},
            "Where covering *raises* the score, the fall is negative: keep the sign.",
        ),
        Slip(
            {"before - score(covered)": "(before - score(covered)).clamp(min=0)"},
            "Where covering *raises* the score, the fall is negative, not 0.",
        ),
        Slip(
            {"top : top + side, left : left + side": "left : left + side, top : top + side"},
            "Rows and columns are exchanged in the image: `[:, :, rows, columns]`.",
        ),
        Slip(
            {
                "top : top + side, left": "top : top + side - 1, left",
                "left + side]": "left + side - 1]",
            },
            "The square is one pixel too small: a slice leaves out its end already.",
        ),
        Slip(
            {"= 0": "= 1"},
            "Covered with ones: of a normalised image, the mean colour is 0.",
        ),
        Slip(
            {"= 0": "= images.min()"},
            "Covered with the darkest value: of a normalised image, the mean colour is 0.",
        ),
        Slip(
            {"= 0": "= 0.5"},
            "Covered with one half: grey in an image of 0 to 1, but these are normalised, and "
            "their mean colour is 0.",
        ),
        Slip(
            {"= 0": "= images.mean()"},
            "Covered with the mean of the images at hand: the mean colour of *all* images is 0 "
            "once they are normalised.",
        ),
        Slip(
            {
                "    return falls": "    order = falls.flatten(1).T.contiguous()\n"
                "    return order.reshape(falls.shape)"
            },
            "Images and squares have changed places: stacked falls have the shape (squares, "
            "images), and `reshape` only cuts them up anew. Stack along `dim=1`.",
        ),
        Slip(
            {
                "top : top + side, left : left + side": "top // side : top // side + side, "
                "left // side : left // side + side"
            },
            "The squares move by one pixel, not by `side`: counted in pixels, the second square "
            "begins at `side`.",
        ),
        Slip(
            {
                "range(0, height, side)": "range(0, height - side, side)",
                "range(0, width, side)": "range(0, width - side, side)",
            },
            "The last row and the last column of squares are never covered: `range` leaves out its "
            "end already.",
        ),
        Slip(
            {"before - score(covered)": "(before - score(covered)).mean()"},
            "Averaged over the images: each has falls of its own.",
        ),
        Slip(
            {"before - score(covered)": "(before - score(covered)) / before"},
            "That is the fall as a share of the score. Asked for is the fall itself: a score may "
            "be 0 or negative, and then a share says nothing.",
        ),
    ),
    praise="It needs no gradient and no hook, only many runs. But what you put in the square is a "
    "choice: zeros are as strange to a network here as inside it.",
    hints=(
        "Two loops: over the tops of the squares, `range(0, height, side)`, and over their lefts.",
        "Copy the images, set `[:, :, top : top + side, left : left + side]` to zero, and score.",
        "Collect the falls in a tensor of zeros of the right shape, at `[:, top // side, left // "
        "side]`.",
    ),
    solution_code="""
def occlusion(score, images, side):
    height, width = images.shape[2:]
    falls = torch.zeros(len(images), height // side, width // side)
    before = score(images)
    for top in range(0, height, side):
        for left in range(0, width, side):
            covered = images.clone()
            covered[:, :, top : top + side, left : left + side] = 0
            falls[:, top // side, left // side] = before - score(covered)
    return falls
""",
    why="The map says what the score loses, which no gradient says: a gradient is the slope at the "
    "image, and covering a square is a long way from it.",
)

# 4 ---------------------------------------------------------------------------------------------

worth = Exercise(
    key="worth",
    title="What is each channel worth?",
    statement="""
Set one channel of the *last* map to zero: by how much does the score of each class fall? `maps`,
`(N, C, H, W)`, is the last map; `weight`, `(K, C)`, and `bias`, `(K,)`, are those of the last
layer, which reads the channels' means. Return all falls at once, `(N, K, C)`, without running
anything `C` times. Then you can rank the channels for a class with one `argsort`.
""",
    stub="""
def worth(maps, weight, bias):
    \"\"\"By how much each score falls when a channel of the last map is zero.\"\"\"
    return ...
""",
    answer="worth",
    cases=lambda: noise(5, ((3, 4, 2, 5), (6, 4), (6,)), ((1, 5, 3, 3), (5, 5), (5,))),
    case=lambda maps, weight, bias: f"maps of shape {tuple(maps.shape)} and {len(weight)} classes",
    reference=lambda maps, weight, bias: torch.stack(
        [
            (maps.mean((2, 3)) - _without(maps, c).mean((2, 3))) @ weight.T
            for c in range(maps.shape[1])
        ],
        dim=2,
    ),
    results=(
        Array(
            expected="what each channel adds to each score of each image",
            look="Write the score as a sum over channels. Which of its terms are gone?",
            shape="One number for each image, class and channel, in this order.",
            close=1e-4,
        ),
    ),
    slips=(
        Slip({".mean((2, 3))": ".sum((2, 3))"}, "The last layer reads means, not sums."),
        Slip(
            {"means[:, None, :] * weight": "means[:, None, :] * weight + bias[:, None]"},
            "The bias stays where it is, whichever channel is silent.",
        ),
        Slip(
            {"means[:, None, :] * weight": "means[:, None, :] * weight.abs()"},
            "A channel may also speak *against* a class: then the score rises without it.",
        ),
        Slip(
            {"means[:, None, :] * weight": "-means[:, None, :] * weight"},
            "The sign: a fall is positive where the channel had raised the score.",
        ),
        Slip(
            {"maps.mean((2, 3))": "maps.mean((2, 3)).mean(0, keepdim=True).expand(len(maps), -1)"},
            "Averaged over the images: each has falls of its own.",
        ),
        Slip(
            {"means[:, None, :] * weight": "(means[:, None, :] * weight).transpose(1, 2)"},
            "Classes and channels have changed places: the shape is (images, classes, channels).",
        ),
        Slip(
            {"means[:, None, :] * weight": "(means[:, None, :] * weight).clamp(min=0)"},
            "A channel may also speak *against* a class: its fall is negative, not 0.",
        ),
        Slip(
            {"means[:, None, :] * weight": "weight.expand(len(maps), -1, -1)"},
            "These are the weights alone. How much a channel adds depends on its answer, too.",
        ),
        Slip(
            {
                "return means[:, None, :] * weight": "terms = means[:, None, :] * weight\n"
                "    return terms / (terms.sum(2, keepdim=True) + bias[:, None])"
            },
            "That is a share of the score. Asked for is the fall itself.",
        ),
        Slip(
            {
                "return means[:, None, :] * weight": "terms = means[:, None, :] * weight\n"
                "    scores = terms.sum(2, keepdim=True) + bias[:, None]\n"
                "    return scores.softmax(1) - (scores - terms).softmax(1)"
            },
            "That is by how much the *probability* falls. Asked for is the score, before softmax.",
        ),
        Slip(
            {"means[:, None, :] * weight": "(means[:, None, :] * weight).argsort(2)"},
            "That is the ranking. Return the falls; the ranking comes after.",
        ),
        Slip({"maps.mean((2, 3))": "maps.amax((2, 3))"}, "The last layer reads means, not maxima."),
        Slip(
            {
                "return means[:, None, :] * weight": "terms = means[:, None, :] * weight\n"
                "    return terms.sum(2, keepdim=True) + bias[:, None] - terms"
            },
            "That is the score that *remains* without the channel. By how much did it fall?",
        ),
    ),
    praise="At the last map, removing and explaining are one: the falls of a class add up to its "
    "score less the bias. Further in, where ReLUs follow, they do not.",
    hints=(
        "The score is a sum over channels, plus the bias. Setting a channel to zero removes one "
        "term.",
        "That term is the weight of class and channel times the channel's mean.",
        "`means[:, None, :]` has the shape `(N, 1, C)`, and `weight` broadcasts against it.",
    ),
    solution_code="""
def worth(maps, weight, bias):
    means = maps.mean((2, 3))
    return means[:, None, :] * weight
""",
    why="The last map meets nothing but a mean and a linear layer, so what a channel adds does not "
    "depend on the others. That is why class activation maps are exact there.",
)


def _without(maps: Tensor, channel: int) -> Tensor:
    maps = maps.clone()
    maps[:, channel] = 0
    return maps


ALL = (chance, watch, occlude, worth)

# The open challenge ------------------------------------------------------------------------------

MOST = 12  # channels
SPARED = 2.0  # points that the other classes may lose
_SHIRT = 6


@dataclass(frozen=True)
class Blinded(Score):
    """How many shirts are not recognised any more; ``accuracy`` is their share.

    ``intact`` is what it is with nothing off, ``others`` by how many points the rest changed.
    """

    channels: int = 0
    others: float = 0.0
    intact: float = 0.0

    def __str__(self) -> str:
        return (
            f"{100 * self.accuracy:.1f}% of shirts missed (intact: {100 * self.intact:.1f}%) with "
            f"{self.channels} channel{'s' * (self.channels != 1)} off, "
            f"{self.others:+.1f} points for the other classes"
        )


def _at_means(off: Mapping[str, Any], means: Mapping[str, Tensor]) -> dict[str, Callable]:
    def change(channels: list[int], values: Tensor) -> Callable[[Tensor], Tensor]:
        def edit(x: Tensor) -> Tensor:
            x = x.clone()
            x[:, channels] = values[:, channels]
            return x

        return edit

    return {stage: change(list(channels), means[stage]) for stage, channels in off.items()}


def _checked(answer: Any, network: Any) -> dict[str, list[int]]:
    """Return stage -> channels, or say what is wrong with them."""
    widths = {stage: network.widths[stage] for stage in experiment.modules(network)}
    expect(
        isinstance(answer, dict) and set(answer) <= set(widths),
        expected=f"a dictionary, module -> channels; the modules are {', '.join(widths)}",
        got=answer,
        look="Keep the form of the stub.",
    )
    answer = {
        stage: channels.tolist() if isinstance(channels, Tensor | np.ndarray) else channels
        for stage, channels in answer.items()
    }
    for stage, channels in answer.items():
        expect(
            isinstance(channels, list | tuple | set)
            and all(is_integer(c) and 0 <= c < widths[stage] for c in channels),
            expected=f"for {stage} a list of channels, from 0 to {widths[stage] - 1}",
            got=channels,
            look="Channels are counted from 0, through all four branches.",
        )
    off = {stage: sorted({int(c) for c in channels}) for stage, channels in answer.items()}
    count = sum(map(len, off.values()))
    expect(
        count > 0,
        expected="at least one channel",
        got="none: the network stays as it is",
        look="Begin with one channel, and see what each class loses without it.",
    )
    expect(
        count <= MOST,
        expected=f"at most {MOST} channels, in all modules together",
        got=f"{count}",
        look="Which of them change least?",
    )
    return {stage: channels for stage, channels in off.items() if channels}


def blinded(answer: Any, held_out: int) -> Blinded:
    """Measure how blind to shirts the small GoogLeNet is with some channels at their means.

    Raises
    ------
    MismatchError
        The answer is none, or takes too many channels or too much from the other classes.
    """
    trained = load("mini-googlenet")
    network = cast(Network, trained.model)
    off = _checked(answer, network)
    training, test = fashion_mnist("train"), fashion_mnist("test")
    judged = training[-held_out:] if held_out else test[:2_000]
    x = trained.preprocessing(judged.images)
    means = experiment.channel_means(network, trained.preprocessing(training.images[:500]))
    named = experiment.answers_with(network, x, {"intact": {}, "off": _at_means(off, means)})
    right = {name: classes == judged.labels for name, classes in named.items()}
    shirts = judged.labels == _SHIRT
    others = {name: 100 * hits[~shirts].float().mean().item() for name, hits in right.items()}
    change = others["off"] - others["intact"]
    expect(
        change >= -SPARED,
        expected=f"the other nine classes to lose at most {SPARED:g} points",
        got=f"{-change:.1f} points lost",
        look="A channel that shirts need may be one that coats need, too: what does each class "
        "lose, channel by channel?",
    )
    missed = {name: 1 - hits[shirts].float().mean().item() for name, hits in right.items()}
    count = sum(map(len, off.values()))
    return Blinded(missed["off"], 0, 0, channels=count, others=change, intact=missed["intact"])


def _plain_choice() -> dict[str, list[int]]:
    """Return the channels of the last module that add most to the score of a shirt."""
    weight = cast(Network, load("mini-googlenet").model).fc.weight[_SHIRT]
    return {"inception4b": weight.argsort(descending=True)[:MOST].tolist()}


@cache
def _to_beat() -> Blinded:
    return blinded(_plain_choice(), 0)


challenge = Challenge(
    topic="Looking inside",
    title="Blind to shirts",
    statement=f"""
Make the small GoogLeNet blind to shirts, and leave it its eye for everything else. Choose at most
{MOST} channels, in any of its modules; they are set to their means. The score is the share of
shirts, among two thousand test images, that are not named “Shirt”. (The intact network misses some,
too; the verdict says how many.) The other nine classes
together may lose at most {SPARED:g} points. Search on training images, as with
`ex.challenge.check(off, held_out=2_000)`: it leaves the test images alone. A check may take half a
minute.
""",
    stub="""
off = {"inception4b": [...]}  # module -> channels, counted from 0
""",
    answer="off",
    measure=blinded,
    to_beat=_to_beat,
    by="the channels of the last module with the largest weights for a shirt",
    caution="Two hundred shirts: differences of a few points are often chance.",
)

# Questions, answered in the page ----------------------------------------------------------------


def costliest(
    lost: Mapping[str, float] | None = None, channels: Mapping[str, int] | None = None
) -> Interactive:
    """Ask, before the measurement, which branch costs most when it is off in all modules.

    Parameters
    ----------
    lost : mapping, optional
        Branch, of `BRANCHES` -> the points that were lost, in the mean; by default, of stored runs.
    channels : mapping, optional
        Branch -> how many channels it has, in all modules together.

    Raises
    ------
    ValueError
        A branch is missing, or two share the first place.
    """
    if lost is None or channels is None:
        rows = experiment.losses()
        by = rows[rows["group"] == "all modules"].groupby("branch")
        lost, channels = by["means"].mean().to_dict(), by["channels"].max().to_dict()
    if set(lost) != set(BRANCHES) or set(channels) != set(BRANCHES):
        raise ValueError(f"expected all of {', '.join(BRANCHES)}, got {list(lost)}")
    order = sorted(BRANCHES, key=lambda branch: -lost[branch])
    if lost[order[0]] == lost[order[1]]:
        raise ValueError("two branches cost the same: there is no right answer")
    thoughts = {
        "1x1": "It looks at one place, so it finds no edge by itself; but in deeper modules what "
        "it reads has seen much already.",
        "3x3": "It is the widest of the four, and so the most is gone with it.",
        "5x5": "It sees the widest window, but has few channels.",
        "pool": "It passes the strongest answers on, through few channels.",
    }

    def told(branch: str) -> str:
        return (
            f"It has {channels[branch]} channels in all modules, and cost {lost[branch]:.0f} "
            f"points ({BRANCH_LABELS[order[0]]}: {lost[order[0]]:.0f}). {thoughts[branch]}"
        )

    return choice(
        "Micro networks have learned to name clothes. Then one branch is set to its means in "
        "all four modules of a network, and nothing is trained again. Without which branch does it "
        "lose most?",
        [
            Option(f"the {BRANCH_LABELS[branch]} branch", told(branch), right=branch == order[0])
            for branch in BRANCHES
        ],
        prediction=True,
        name="Predict first",
    )


def before_training(passed: Mapping[str, int] | None = None) -> Interactive:
    """Ask, before the measurement, how many tests pass in networks that have learned nothing.

    Parameters
    ----------
    passed : mapping, optional
        "trained" and "untrained" -> how many of the tests pass; by default, of stored runs.

    Raises
    ------
    ValueError
        One of them is missing.
    """
    if passed is None:
        built = experiment.BUILT
        settings = {"trained": built, "untrained": f"{built}, untrained"}
        passed = {
            when: int((experiment.shuffled_labels(way)["holm"] < 0.05).sum())
            for when, way in settings.items()
        }
    if set(passed) != {"trained", "untrained"}:
        raise ValueError(f"expected trained and untrained, got {list(passed)}")
    after, before = passed["trained"], passed["untrained"]
    told = f"Of the networks as built, {before} passed before training and {after} after it."
    return choice(
        "Compared with networks as built *after* their training: how many of the sixteen tests "
        "pass *before* it, with first weights drawn at random?",
        [
            Option(
                "none: random weights have no speciality",
                f"{told} Random weights have learned nothing, but the branches differ before they "
                "learn: in their kernels, and in the few channels that each reads.",
                right=before == 0,
            ),
            Option(
                "some, but fewer than after it",
                f"{told} What differs between branches need not have been learned.",
                right=0 < before < after,
            ),
            Option(
                "as many, or more",
                f"{told} So a test that passes need not tell of anything learned.",
                right=before >= max(after, 1),
            ),
        ],
        prediction=True,
        name="Predict first",
    )


def by_chance(kind: int = 9, module: str = "3a") -> Interactive:
    """Ask how many channels of a kind one would expect in a module's 5x5 branch."""
    widths = experiment.widths(MODULES[module])
    channels, branch = sum(widths.values()), widths["5x5"]
    expected, tolerance = kind * branch / channels, 0.03
    whole = round(expected)
    rounded = {
        whole: "A whole number: you rounded. What is expected is a mean, and need not be one."
    }
    return questions.number(
        f"Module {module} has {channels} channels, {branch} of them in its 5×5 branch. If {kind} "
        "channels of some kind were spread over the module at random, how many of them would you "
        "expect in that branch?",
        expected,
        diagnoses=(rounded if abs(whole - expected) > tolerance * expected else {})
        | {
            kind / 4: "That would be right if the four branches were equally wide.",
            branch / channels: "That is the branch's share of the channels. How many of the "
            f"{kind} is it?",
            kind * branch / (channels - branch): "Divided by the *other* channels: the share is "
            "taken of all.",
            kind: f"All {kind} is what was found. What would chance give?",
        },
        tolerance=tolerance,
        right=f"About one of {kind}. All {kind} is far more than that; how unlikely it is, the "
        "first exercise asks.",
        otherwise="The branch has a share of the channels, and chance gives it the same share of "
        "any kind.",
        name="By hand",
    )
