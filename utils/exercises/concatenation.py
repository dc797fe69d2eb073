"""Exercises of the chapter on concatenation."""

from contextlib import suppress
from functools import partial
from itertools import accumulate, permutations
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..accounting import convolution_cost, module_costs, reduced_cost
from ..data import results
from ..experiments import concatenation as experiment
from ..googlenet import INPUTS, MODULES
from ..interactive import Interactive
from ..support.checks import one_of
from ..support.statistics import summarise
from . import questions
from .answers import MismatchError, call, expect, filter_counts
from .challenges import Challenge, Score, on_clothes
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip, noise

# 1 ---------------------------------------------------------------------------------------------


def _addresses() -> list[tuple[list[int], int]]:
    """Return the first and the last channel of each branch, for some widths."""
    cases = []
    for widths in ([64, 128, 32, 32], [3, 5, 2, 4], [1, 1, 1, 7], [7, 2]):
        ends = list(accumulate(widths))
        channels = sorted({0, *(end - 1 for end in ends), *ends[:-1]})
        cases += [(widths, channel) for channel in channels]
    return cases


def _address(widths: list[int], channel: int) -> tuple[int, int]:
    branch = sum(channel >= end for end in accumulate(widths))
    return branch, channel - sum(widths[:branch])


whose = Exercise(
    key="whose",
    title="Whose channel is it?",
    statement="""
A module concatenates branches of `widths[0]`, `widths[1]`, ... channels, in this order. Write a
function that takes the widths and the number of a channel of the output, and returns a pair: which
branch made that channel, and which channel of the branch it is. Count everything from 0.
""",
    stub="""
def whose(widths, channel):
    \"\"\"Branch of an output channel, and its place in that branch.\"\"\"
    branch = ...
    own = ...
    return branch, own
""",
    answer="whose",
    reference=_address,
    cases=_addresses,
    case=lambda widths, channel: f"widths {widths} and channel {channel}",
    results=(
        Number(
            expected="the branch that made the channel, counted from 0",
            got="branch {got:,.15g}",
            look="Walk along the widths, and keep count of the channels that lie behind you.",
        ),
        Number(
            expected="the channel's place within its branch, counted from 0",
            got="place {got:,.15g}, in the right branch",
            look="Take away the channels of all branches in front, and nothing else.",
        ),
    ),
    slips=(
        Slip(
            {"return branch,": "return branch + 1,"},
            "Branches are counted from 0, as channels are.",
        ),
        Slip(
            {"channel < width": "channel <= width"},
            "Just behind a branch's last channel stands the first of the next: with widths 3 and "
            "5, channel 3 is the second branch's.",
        ),
        Slip(
            {"channel < width": "channel < width - 1"},
            "A branch of `n` channels that begins at `start` ends at `start + n - 1`.",
        ),
        Slip(
            {"enumerate(widths)": "enumerate((64, 128, 32, 32))"},
            "Right for module 3a alone. The function is given `widths`: use them.",
        ),
        Slip(
            {
                "channel < width": "channel < sum(widths[: branch + 1])",
                "channel = channel - width": "",
            },
            "That is the channel's place in the whole module: how many channels stand in front of "
            "its branch?",
        ),
        Slip(
            {"branch, channel\n": "branch, channel + 1\n"},
            "Within a branch, too, the first channel is channel 0.",
        ),
    ),
    praise="So every channel has an address, though the tensor itself has forgotten the branches.",
    hints=(
        "Go through the branches one by one. When is the channel within the first?",
        "If `channel < widths[0]`, it is the first branch's. If not, take `widths[0]` away, and "
        "ask the next branch the same question.",
        "A loop does it: `for branch, width in enumerate(widths)`, with a `return` inside.",
    ),
    solution_code="""
def whose(widths, channel):
    for branch, width in enumerate(widths):
        if channel < width:
            return branch, channel
        channel = channel - width
""",
    why="Each branch takes its width away before the next one is asked, so what is left is always "
    "a place counted from the branch's own first channel.",
)

# 2 ---------------------------------------------------------------------------------------------


class _Weights(dict[str, Tensor]):
    """Weights by name, which a message can show in one line."""

    def __repr__(self) -> str:
        return f"the weights {', '.join(self)}"


def _maps() -> list[tuple[Tensor, _Weights]]:
    names = ("one", "reduce3", "three", "reduce5", "five", "project")
    shapes = (
        ((2, 6, 7, 9), (4, 6, 1), (3, 6, 1), (5, 3, 3), (2, 6, 1), (6, 2, 5), (3, 6, 1)),
        ((2, 3, 5, 5), (2, 3, 1), (2, 3, 1), (2, 2, 3), (2, 3, 1), (2, 2, 5), (2, 3, 1)),
    )
    cases = noise(0, *((x, *((*kernel, kernel[-1]) for kernel in w)) for x, *w in shapes))
    # So that numbers stay near 1, and half precision near enough.
    return [
        (x, _Weights((n, v / v[0].numel() ** 0.5) for n, v in zip(names, w, strict=True)))
        for x, *w in cases
    ]


def _widths(w: dict[str, Tensor]) -> list[int]:
    return [len(w[name]) for name in ("one", "three", "five", "project")]


def _by_six(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    def unit(x: Tensor, weight: Tensor) -> Tensor:
        return F.relu(F.conv2d(x, weight, padding=weight.shape[-1] // 2))

    three, five = unit(x, w["reduce3"]), unit(x, w["reduce5"])
    pooled = F.max_pool2d(x, 3, stride=1, padding=1)
    branches = [unit(x, w["one"]), unit(three, w["three"]), unit(five, w["five"])]
    return torch.cat([*branches, unit(pooled, w["project"])], dim=1)


class _Watch(TorchFunctionMode):
    """Count convolutions, and keep what was last concatenated, and along which axis."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions, self.axis = 0, 0
        self.parts: list[torch.Tensor] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self.convolutions += function in (torch.conv2d, torch.convolution)
        if function in (torch.cat, torch.concat, torch.concatenate):
            self.parts = list(args[0] if args else kwargs["tensors"])
            place = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis", 0))
            self.axis = place % 4
        return function(*args, **kwargs)


_KINDS = ("1×1", "3×3", "5×5", "pool's")


def _verify_module(answer: Any) -> None:
    try:
        module.compare(answer)
    except MismatchError:
        _verify_branches(answer, *_maps()[0])
        raise
    with _Watch() as seen:
        call(answer, *_maps()[0])
    expect(
        seen.convolutions <= 4,
        expected="the same output, with at most four convolutions",
        got=f"the right output, with {seen.convolutions}",
        look="Some convolutions read the same map with kernels of one size. What does one "
        "convolution do that has the filters of all of them?",
    )


def _verify_branches(answer: Any, x: Tensor, w: dict[str, Tensor]) -> None:
    """Compare the branches as they were handed to the concatenation, if they were."""
    with _Watch() as seen, suppress(MismatchError):
        call(answer, x, w)
    if len(seen.parts) != 4 or any(part.ndim != 4 for part in seen.parts):
        return
    n, _, height, width = x.shape
    for kind, part in zip(_KINDS, seen.parts, strict=True):
        expect(
            part.shape[2:] == x.shape[2:],
            expected=f"four maps of {height}×{width} places to concatenate, as the input has",
            got=f"{part.shape[2]}×{part.shape[3]} from the {kind} branch",
            look="A pool moves by its whole window if it is not told otherwise, and without "
            "padding its windows do not reach over the edge."
            if kind == "pool's"
            else f"How much padding does a filter of {kind} need, so that it can stand on every "
            "place?",
        )
    expect(
        seen.axis == 1 or len(seen.parts[0]) != n,
        expected="the channels of the four branches one behind the other",
        got=f"a concatenation along axis {seen.axis}",
        look="In (N, C, H, W), which axis counts the channels?",
    )


def _look_of_maps(got: Tensor, want: Tensor, x: Tensor, w: dict[str, Tensor]) -> str:
    """Say which branches' channels are not as they should be."""
    right = want.split(_widths(w), dim=1)
    if any(torch.allclose(got, torch.cat(order, 1), atol=_NEAR) for order in permutations(right)):
        return "The branches are all there, but in another order: 1×1, 3×3, 5×5, pool."
    found = zip(_KINDS, got.split(_widths(w), dim=1), right, strict=True)
    wrong = [name for name, ours, own in found if not torch.allclose(ours, own, atol=_NEAR)]
    if len(wrong) == len(right):
        return "No branch is right where it should stand: look at each branch alone."
    named = " and the ".join(wrong)
    return (
        f"Wrong are the channels of the {named} branch; the rest is right. What does it read, "
        "what is done first, and does a ReLU follow each of its convolutions?"
    )


def _look_of_shape(shape: tuple[int, ...], want: tuple[int, ...]) -> str:
    n, channels, *size = want
    if len(shape) != 4:
        return "A module takes a batch of maps and gives one: (N, C, H, W)."
    if shape[0] != n:
        return "The maps are put together along another axis than the channels, which is axis 1."
    if list(shape[2:]) != size:
        return "Every branch must keep height and width. What does the padding have to be?"
    if shape[1] < channels:
        return "Channels are missing: four branches are put together, and none is added to another."
    return (
        "Too many channels. Each branch gives what its last convolution makes: a reduction is read "
        "inside its branch, and the pool has a projection behind it."
    )


_NEAR = 0.03  # half precision comes as near

module = Exercise(
    key="module",
    title="Six convolutions in four calls",
    statement="""
The page's module calls `F.conv2d` six times. Write its forward pass with **at most four** calls and
the same output: this is how fast implementations do it. `x` is the map, (N, C, H, W); `w` is a
dictionary of six weights, without biases: `one`, `reduce3`, `three`, `reduce5`, `five` and
`project`, each of the shape that `F.conv2d` takes. A ReLU follows every convolution.
""",
    stub="""
def inception(x, w):
    \"\"\"Four branches side by side, concatenated.\"\"\"
    one, three, five = ...
    pool = ...
    return ...
""",
    answer="inception",
    reference=_by_six,
    verify=_verify_module,
    cases=_maps,
    case=lambda x, w: (
        f"x of shape {tuple(x.shape)} and branches of {', '.join(map(str, _widths(w)))}"
    ),
    results=(
        Array(
            expected="what four branches side by side give",
            look=_look_of_maps,
            shape=_look_of_shape,
            close=_NEAR,
        ),
    ),
    slips=(
        Slip(
            {"F.relu(F.conv2d(x, stacked))": "F.conv2d(x, stacked)", "cat([one": "cat([one.relu()"},
            "The ReLU behind the two reductions is missing: every convolution of the module has "
            "one.",
        ),
        Slip(
            {
                'F.relu(F.conv2d(three, w["three"], padding=1))': 'F.conv2d(three, w["three"], '
                "padding=1)",
                'F.relu(F.conv2d(five, w["five"], padding=2))': 'F.conv2d(five, w["five"], '
                "padding=2)",
                'F.relu(F.conv2d(pooled, w["project"]))': 'F.conv2d(pooled, w["project"])',
            },
            "The ReLU at the end of branches is missing.",
        ),
        Slip(
            {"F.relu(": "("},
            "There is no ReLU at all: then the three convolution branches are linear, and would "
            "melt into one.",
        ),
        Slip(
            {
                "max_pool2d(x": 'max_pool2d(F.relu(F.conv2d(x, w["project"]))',
                'F.relu(F.conv2d(pooled, w["project"]))': "pooled",
            },
            "The fourth branch pools first and projects then; a ReLU stands at its end.",
        ),
        Slip(
            {"max_pool2d": "avg_pool2d"},
            "The fourth branch takes the largest of its window, not the mean.",
        ),
        Slip(
            {"max_pool2d(x, 3, stride=1, padding=1)": "max_pool2d(F.pad(x, 4 * [1]), 3, stride=1)"},
            "The pool's padding counts as a value: where all of a window is negative, the zeros "
            "beside it win. `F.max_pool2d` with `padding=1` leaves the padding out.",
        ),
    ),
    praise="Filters that read the same map can be stacked: concatenated weights give concatenated "
    "channels.",
    hints=(
        "The 1×1 branch and the two reductions all read `x`, and their kernels are all 1×1. Which "
        "axis of a weight counts its filters?",
        '`torch.cat([w["one"], w["reduce3"], w["reduce5"]])` is one weight with the filters of '
        "all three. What comes out of it can be `split` again along the channels.",
        "The projection cannot join them: it reads the pool's output. So there are four calls: the "
        "three 1×1 together, the 3×3, the 5×5 and the projection.",
    ),
    solution_code="""
import torch
from torch.nn import functional as F


def inception(x, w):
    first = [w["one"], w["reduce3"], w["reduce5"]]
    stacked = torch.cat(first)
    together = F.relu(F.conv2d(x, stacked))
    one, three, five = together.split([len(weight) for weight in first], dim=1)
    three = F.relu(F.conv2d(three, w["three"], padding=1))
    five = F.relu(F.conv2d(five, w["five"], padding=2))
    pooled = F.max_pool2d(x, 3, stride=1, padding=1)
    pool = F.relu(F.conv2d(pooled, w["project"]))
    return torch.cat([one, three, five, pool], dim=1)
""",
    why="A filter knows nothing of its neighbours, so filters of one size that read one map may "
    "stand in one weight, in any number. The work is the same, but one large multiplication is "
    "usually faster than three small ones.",
)

# 3 ---------------------------------------------------------------------------------------------


def _look_of_weight(shape: tuple[int, ...], want: tuple[int, ...]) -> str:
    if len(shape) > 1 and shape[0] != want[0]:
        return (
            "It is the layer's outputs that were cut. A branch is read by *columns* of the weight, "
            "along axis 1."
        )
    return "How many channels are left to read, and does the weight keep its four axes?"


prune = Exercise(
    key="prune",
    title="Prune a branch, and mend what reads it",
    statement="""
A branch is taken out of a module. Behind the module stands a 1×1 convolution with `weight` of shape
`(C_out, C_in, 1, 1)` and `bias` of shape `(C_out,)`, which read the concatenation of branches of
`widths` channels. Write a function that returns the weight and the bias of a 1×1 convolution behind
the module that is left. `means` holds the mean of each channel of the branch: where the branch
was constant at its means, the mended layer must give exactly what the old one gave.
""",
    stub="""
def prune(weight, bias, widths, branch, means):
    \"\"\"Weight and bias of the layer behind, without one branch.\"\"\"
    new_weight = ...
    new_bias = ...
    return new_weight, new_bias
""",
    answer="prune",
    cases=noise(
        1,
        ((6, 14, 1, 1), (6,), [3, 4, 2, 5], 1, (4,)),
        ((6, 14, 1, 1), (6,), [3, 4, 2, 5], 3, (5,)),
        ((6, 8, 1, 1), (6,), [2, 2, 2, 2], 0, (2,)),
        ((6, 9, 1, 1), (6,), [4, 1, 2, 2], 1, (1,)),  # a branch of one channel
        ((1, 9, 1, 1), (1,), [4, 1, 2, 2], 2, (2,)),  # a layer of one output
    ),
    case=lambda weight, bias, widths, branch, means: f"widths {widths} and branch {branch}",
    results=(
        Array(
            expected="the columns of the other branches, in their order",
            got="a weight of the right shape, with other columns",
            look="Which columns belong to the branch? It begins where the ones in front of it end.",
            shape=_look_of_weight,
            close=1e-5,
        ),
        Array(
            expected="where the branch is constant at its means, the same output",
            got="outputs that differ by up to {off:.2g}",
            look="For one output: the sum over the branch's channels of weight times mean, and the "
            "old bias.",
            shape="The layer keeps its outputs, and each has one bias.",
        ),
    ),
    slips=(
        Slip(
            {"torch.cat(parts, dim=1)": "weight"},
            "Nothing was cut: the weight still reads the branch that is gone.",
        ),
        Slip(
            {" + gone[:, :, 0, 0] @ means": ""},
            "Without the branch the layer gets less than it is used to. What did the branch give "
            "on average, and what did the layer make of that?",
        ),
        Slip(
            {"bias +": "bias -"}, "Right, but with the wrong sign: what is gone must be put back."
        ),
        Slip(
            {"gone[:, :, 0, 0] @ means": "means.sum()"},
            "Each output weighs the branch's means with its own weights, those that were cut.",
        ),
        Slip({"bias + ": ""}, "The means replace nothing of the old bias: they are added to it."),
    ),
    praise="What a branch adds on average is a bias; only what varies is lost.",
    hints=(
        "The branch is read by some of the columns of the weight, `weight[:, start:end]`. Where do "
        "they begin?",
        "`torch.split(weight, widths, dim=1)` cuts the weight into one part for each branch.",
        "The part that goes is a matrix, `part[:, :, 0, 0]`. Times the vector of means, it gives "
        "what each output loses on average: that belongs into the bias.",
    ),
    solution_code="""
import torch


def prune(weight, bias, widths, branch, means):
    parts = list(torch.split(weight, widths, dim=1))
    gone = parts.pop(branch)
    return torch.cat(parts, dim=1), bias + gone[:, :, 0, 0] @ means
""",
    why="A 1×1 behind a concatenation is a sum of one 1×1 for each branch, so one summand can be "
    "taken out without a look at the others. Put at its mean, the summand is a constant.",
)

# 4 ---------------------------------------------------------------------------------------------

_CHANNELS = INPUTS["3a"][0]
_PRICE = sum(c.parameters for c in module_costs(_CHANNELS, MODULES["3a"], size=(1, 1)).values())
_THREE = ("width", "reduce3x3", "reduce5x5")
_LEAST = tuple(n // 2 for n in (MODULES["3a"].reduce3x3, MODULES["3a"].reduce5x5) if n)


def added_weights(c_in: int, width: int, reduce3x3: int, reduce5x5: int) -> int:
    """Count the weights of a module whose four branches have `width` channels each."""
    alone = convolution_cost(c_in, width, kernel_size=1, size=(1, 1)).parameters
    three = reduced_cost(c_in, reduce3x3, width, kernel_size=3, size=(1, 1)).parameters
    five = reduced_cost(c_in, reduce5x5, width, kernel_size=5, size=(1, 1)).parameters
    return 2 * alone + three + five


def _verify_same_price(answer: Any) -> None:
    found = filter_counts(answer, _THREE, "Each is a number of filters.")
    width, reduce3x3, reduce5x5 = found.values()
    expect(
        width >= 64,
        expected="a sum of at least 64 channels",
        got=f"`width={width}`",
        look="Narrower reductions pay for a wider sum.",
    )
    expect(
        reduce3x3 >= _LEAST[0] and reduce5x5 >= _LEAST[1],
        expected=f"reductions of at least half of 3a's: {_LEAST[0]} and {_LEAST[1]} channels",
        got=f"`reduce3x3={reduce3x3}`, `reduce5x5={reduce5x5}`",
        look="A bottleneck may be narrow, but not a pinhole.",
    )
    total = added_weights(_CHANNELS, width, reduce3x3, reduce5x5)
    share = total / _PRICE
    look = "Every channel of the sum is made four times, once by each branch, and paid four times."
    if share < 1:
        look = "There is something left to spend: on the width, or on the reductions?"
    elif width == MODULES["3a"].out_channels(_CHANNELS):
        look = "As wide as 3a itself it cannot be: the two branches without a reduction alone "
        look += "would take more than half of the price."
    expect(
        0.98 <= round(share, 3) <= 1.02,  # as it is told
        expected="as many weights as 3a, 98.0% to 102.0% of them",
        got=f"{share:.1%} of them",
        look=look,
    )


same_price = Exercise(
    key="same_price",
    title="Addition at the same price",
    statement=f"""
Design a module that stands in 3a's place and *adds* its four branches: all of them give `width`
channels, the 1×1 and the pool's projection straight from the 192 input channels, the 3×3 and the
5×5 behind their reductions. It must have as many weights as 3a, to within a fiftieth, a `width`
of at least 64, and reductions of at least half of 3a's, {_LEAST[0]} and {_LEAST[1]} channels. There
are many right answers; say in a sentence why you chose yours. The challenge below trains such
modules.
""",
    stub="""
my_module = dict(
    width=...,
    reduce3x3=...,
    reduce5x5=...,
)
""",
    answer="my_module",
    verify=_verify_same_price,
    praise="The same price, and far fewer channels come out of it: that is what addition costs.",
    hints=(
        "The 1×1 and the projection cost `192 * width` weights each, the others "
        "`reduction * (192 + k * k * width)`.",
        "Keep the reductions of 3a, 96 and 16, and look for the width.",
        "With 96 and 16, each channel of the width costs `2 * 192 + 96 * 9 + 16 * 25` weights, and "
        "the reductions alone `192 * (96 + 16)`.",
    ),
    solution_code="""
my_module = dict(
    width=85,
    reduce3x3=96,
    reduce5x5=16,
)
""",
    sentence="I kept the reductions, because all that the 3×3 and the 5×5 see has to pass through "
    "them.",
    why="With the reductions of 3a there is money for about a third of its 256 channels. Thinner "
    "reductions buy some more, but the two branches without a reduction are paid in full.",
)

ALL = (whose, module, prune, same_price)


def _concatenated() -> Score:
    rows = results(experiment.MERGING.name)
    own = rows[rows["setting"] == experiment.CONCATENATED]
    return Score(own["test_accuracy"].mean(), int(own["parameters"].max()), int(own["macs"].max()))


challenge = Challenge(
    topic="Concatenation",
    title="Four branches, one budget",
    statement="""
Build a network that names more clothes than the chapter's concatenated one, for its price: it may
have as many parameters and multiply-adds, and a fiftieth more. The stub starts from *added,
narrow*. Add, concatenate, take the maximum, leave branches out, or write a network that looks
quite different. It is trained as the stored runs were, which takes about a minute. For trying
things out there is `ex.challenge.check(my_network, held_out=2_000)`: it leaves the test images
alone.
""",
    stub="""
from utils.experiments.concatenation import added, network


def my_network():
    \"\"\"A network for images of (1, 28, 28), and its learning rate.\"\"\"
    modules = {
        "inception3a": added(width=17, reduce3x3=16, reduce5x5=8),
        "inception3b": added(width=37, reduce3x3=24, reduce5x5=8),
        "inception4a": added(width=37, reduce3x3=24, reduce5x5=8),
        "inception4b": added(width=46, reduce3x3=24, reduce5x5=8),
    }
    return ..., 0.4  # network(modules), or one of your own
""",
    answer="my_network",
    measure=partial(on_clothes, recipe=experiment.RECIPE, limit=_concatenated),
    to_beat=_concatenated,
    by="the concatenated network in the mean of its stored runs",
)

# Questions, answered in the page ----------------------------------------------------------------


def first_of_branch(name: str = "4a") -> Interactive:
    """Ask for the number of the first channel of the 5x5 branch."""
    spec, c_in = MODULES[name], INPUTS[name][0]
    one, three, five = spec.conv1x1, spec.conv3x3, spec.conv5x5
    assert spec.reduce3x3 is not None  # as in each module of the paper
    assert spec.reduce5x5 is not None
    answer = one + three
    return questions.number(
        f"Module {name} has {one} filters in its 1×1 branch, a reduction of {spec.reduce3x3} and "
        f"{three} filters of 3×3, a reduction of {spec.reduce5x5} and {five} filters of 5×5, and a "
        f"projection of {spec.pool_proj}. At which number in the output does the 5×5 branch begin, "
        "counted from 0?",
        answer,
        diagnoses={
            answer + 1: "Counted from 0, the channels in front have the numbers up to one less "
            "than how many they are.",
            answer - 1: "That is the last channel of the 3×3 branch.",
            answer + five: "There the 5×5 branch ends, and the pool's begins.",
            one + spec.reduce3x3 + three: "The reduction is read inside its branch. It never "
            "reaches the output.",
            one + spec.reduce3x3 + three + spec.reduce5x5: "Reductions are read inside their "
            "branches. They never reach the output.",
            one: "There the 3×3 branch begins.",
            c_in + answer: "The input is read by the branches. It is not part of the output.",
        },
        right=f"{one} channels of the 1×1 and {three} of the 3×3 stand in front of it.",
        otherwise="Which branches stand in front of the 5×5, and how many channels does each give?",
        name="By hand",
    )


def one_bright_pixel() -> Interactive:
    """Ask what the parallel pool makes of a single bright pixel."""
    return choice(
        "A map of 28×28 is dark but for one bright pixel in its middle. What comes out of a 3×3 "
        "max pool with stride 1 and padding 1?",
        [
            Option(
                "A map of 28×28 with a bright square of 3×3",
                "Nine windows hold the pixel, and each of them answers with it. The value stays, "
                "its exact place is lost.",
                right=True,
            ),
            Option(
                "A map of 28×28 with one bright pixel",
                "The windows beside it hold the pixel, too. What is the largest value in them?",
            ),
            Option(
                "A map of 14×14 with one bright pixel",
                "That is a pool *between* stages, with stride 2. This one stands beside "
                "convolutions that keep the size.",
            ),
            Option(
                "A map of 28×28 with a faint square of 3×3",
                "A *mean* over nine pixels would be faint. A maximum does not divide.",
            ),
        ],
        prediction=True,
        name="What does it compute?",
    )


def prediction(rows: pd.DataFrame, *, concatenated: str, added: tuple[str, ...]) -> Interactive:
    """Ask, before the measurement, whether concatenating or adding does better at one price.

    Parameters
    ----------
    rows
        Those of the experiment, as `utils.data.results` reads them.
    concatenated, added
        The settings to compare; the right option follows from the rows.

    Raises
    ------
    ValueError
        The rows have no such setting.
    """
    for setting in (concatenated, *added):
        one_of(setting, tuple(rows["setting"].unique()), "a setting of the rows")
    table = summarise(rows, baseline=concatenated)
    outcomes = []
    for setting in added:
        low, high = table.loc[setting, ["low", "high"]]
        outcomes.append("add" if low > 0 else "concatenate" if high < 0 else "open")
    found = outcomes[0] if len(set(outcomes)) == 1 else "mixed"
    told = {
        "concatenate": (
            "Concatenation, against all of them",
            "More channels come out of it for the same price, and the layer behind may weigh each "
            "branch in its own way. Which of these matters, the runs do not tell.",
        ),
        "add": (
            "Addition, however it is done",
            "A sum is narrower, and so leaves more of the price for the filters behind it.",
        ),
        "open": (
            "No difference that these runs could tell",
            "The networks are small and the runs few: a difference has to be larger than their "
            "scatter to be seen.",
        ),
        "mixed": (
            "It depends on how addition spends the price",
            "There are several ways to add, and they need not come out alike.",
        ),
    }
    return choice(
        "Two networks have nearly the same number of weights and of multiply-adds. The modules of "
        "one concatenate their branches, those of the other add them. Addition is tried in the "
        "three ways listed above. Which network names more test images rightly?",
        [Option(text, why, right=key == found) for key, (text, why) in told.items()],
        prediction=True,
        name="Predict first",
    )
