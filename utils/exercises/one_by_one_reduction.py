"""Exercises of the chapter on 1x1 reduction."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..accounting import break_even, module_costs, reduced_cost
from ..blocks import Inception, InceptionSpec
from ..data import results
from ..experiments.one_by_one_reduction import BOTTLENECKS
from ..googlenet import INPUTS, MODULES
from ..interactive import Interactive
from ..support.telling import Estimate
from . import questions
from .answers import MismatchError, NotAttemptedError, call, expect, filter_counts, unfinished
from .challenges import Challenge, Score, on_clothes
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip, noise

# 1 ---------------------------------------------------------------------------------------------


def _look_of_width(got: float, want: float, *case: int) -> str:
    if not got.is_integer():
        return "Channels cannot be cut: round in the direction that still saves."
    if got < 0:
        return "A width cannot be negative."
    if got > want:
        return "Set the two costs equal and solve for `c_red`; round so that it still saves."
    return (
        "This width saves, but a wider one still does. Set the two costs equal, solve for `c_red`, "
        "and round only at the end."
    )


widest = Exercise(
    key="widest",
    title="How wide may the bottleneck be?",
    statement="""
Write a function that returns the largest whole number of channels `c_red` at which a 1×1 reduction
followed by a `k`×`k` convolution still has strictly fewer weights than the direct `k`×`k`
convolution from `c_in` to `c_out` channels. If no width saves anything, return 0.
""",
    stub="""
def widest(c_in, c_out, k):
    \"\"\"The largest c_red that still saves weights.\"\"\"
    return ...
""",
    answer="widest",
    reference=lambda c_in, c_out, k: math.ceil(break_even(c_in, c_out, kernel_size=k)) - 1,
    cases=((192, 128, 3), (192, 32, 5), (64, 64, 1), (832, 384, 3), (9, 1, 3), (1, 16, 3)),
    case=lambda c_in, c_out, k: f"{c_in} → {c_out} channels, {k}×{k}",
    results=(
        Number(
            expected="the largest width at which the two layers have fewer weights than one, or 0 "
            "if there is none",
            look=_look_of_width,
        ),
    ),
    slips=(
        Slip({"k * k": "k"}, "A k×k filter has k rows *and* k columns."),
        Slip({" - 1": ""}, "At the break-even itself nothing is saved: the saving must be strict."),
        Slip(
            {"return ": "return max(1, ", "c_out)\n": "c_out))\n"},
            "Here not even a single channel saves: what does the statement ask for then?",
        ),
    ),
    praise="All eighteen reductions in GoogLeNet's modules lie below this limit. The 1×1 in its "
    "stem does not: 64 channels to 64 in front of the 3×3 to 192.",
    hints=(
        "Write the two costs side by side, with `c_red` unknown. When are they equal?",
        "They are equal at `c_red = k * k * c_in * c_out / (c_in + k * k * c_out)`.",
        "If that is a whole number, the costs are equal there and nothing is saved: go one lower. "
        "Integer arithmetic does both at once: `(a - 1) // b`.",
    ),
    solution_code="""
def widest(c_in, c_out, k):
    return (k * k * c_in * c_out - 1) // (c_in + k * k * c_out)
""",
    why="`c_red * (c_in + k*k*c_out) < k*k*c_in*c_out` says that `c_red` is below the quotient. "
    "The largest whole number strictly below `a / b` is `(a - 1) // b`. Note what happens for "
    "`k = 1`: the limit is below both widths, so a bottleneck between two 1×1 layers must be "
    "narrow to save anything.",
)

# 2 ---------------------------------------------------------------------------------------------


_WHOLE = 'torch.einsum("oc,nchw->nohw", weight, x)'


class _NoConvolution(TorchFunctionMode):
    """While this is on, torch's own convolutions are refused."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        expect(
            "conv" not in getattr(function, "__name__", ""),
            expected="plain tensor operations",
            got=f"a call of torch's own `{getattr(function, '__name__', '')}`",
            look="A matrix product of the right axes is enough: `@`, `torch.einsum`.",
        )
        return function(*args, **(kwargs or {}))


def _verify_pointwise(answer: Any) -> None:
    with _NoConvolution():
        pointwise.compare(answer)


pointwise = Exercise(
    key="pointwise",
    title="A 1×1 convolution without a convolution",
    statement="""
Write a 1×1 convolution with plain tensor operations: no `conv2d`, no `nn.Conv2d`. The input `x`
has the shape `(N, C_in, H, W)`, the weight `(C_out, C_in)`, the output `(N, C_out, H, W)`.
""",
    stub="""
def pointwise(x, weight):
    \"\"\"Multiply the channels of every pixel by one matrix.\"\"\"
    return ...
""",
    answer="pointwise",
    verify=_verify_pointwise,
    cases=noise(0, ((3, 4, 5, 5), (4, 4)), ((1, 3, 4, 4), (1, 3)), ((2, 5, 6, 3), (7, 5))),
    case=lambda x, weight: (
        f"x of shape {tuple(x.shape)} and a weight of shape {tuple(weight.shape)}"
    ),
    results=(
        Array(
            expected="at each pixel, the weight matrix times the vector of channels",
            look="Take one pixel, `x[0, :, 0, 0]`, multiply by hand, and compare.",
            shape="Which axis is summed over? Only the channels of the input should go.",
            close=1e-5,
        ),
    ),
    slips=(
        Slip(
            {"->nohw": "->nhwo"}, "The new axis stands last; the channels belong in second place."
        ),
        Slip(
            {"->nohw": "->onhw"}, "The new axis stands first; the channels belong in second place."
        ),
        Slip(
            {"oc,": "co,"},
            "The rows and columns of the weight are swapped: row `o` makes output channel `o`.",
        ),
        Slip(
            {"->nohw": "->nhwo", "weight, x)": "weight, x).reshape(len(x), -1, *x.shape[2:])"},
            "`view` and `reshape` only read the memory anew; to move an axis, use `permute`.",
        ),
        Slip(
            {
                _WHOLE: "(x.reshape(-1, x.shape[1]) @ weight.T).reshape(len(x), -1, *x.shape[2:])",
            },
            "`reshape(-1, C)` reads the memory in order, and there a channel's pixels stand side "
            "by side: first move the channels last, with `permute`.",
        ),
        Slip({"->nohw": "->nowh"}, "Height and width have changed places."),
        Slip({"weight, x)": "weight, x).relu()"}, "Negative numbers are lost: no ReLU here."),
        Slip({"weight, x)": "weight, x) / x.shape[1]"}, "The channels are added up, not averaged."),
        Slip(
            {'einsum("oc,nchw->nohw", weight, x)': "conv2d(x, weight[:, :, None, None])"},
            "A matrix product of the right axes is enough: `@`, `torch.einsum`.",
        ),
    ),
    praise="A 1×1 convolution is one matrix, applied to every pixel alone.",
    hints=(
        "For one pixel it is `weight @ x[n, :, h, w]`.",
        "Either move the channels last, multiply, and move them back; or name the axes with "
        "`torch.einsum`.",
        'In `torch.einsum` the letters are `"oc,nchw->nohw"`.',
    ),
    solution_code="""
def pointwise(x, weight):
    return torch.einsum("oc,nchw->nohw", weight, x)
""",
    why="The letter `c` stands on the left only, so it is summed over; `h` and `w` stand on both "
    "sides, so no pixel meets another. That is all a 1×1 convolution does.",
)

# 3 ---------------------------------------------------------------------------------------------


def _melted(reduce: Tensor, kernel: Tensor) -> Tensor:
    """Run both layers on a single bright pixel of each channel: that shows the kernel, turned."""
    pixels = F.pad(torch.eye(reduce.shape[1])[:, :, None, None], 4 * [kernel.shape[-1] - 1])
    return F.conv2d(F.conv2d(pixels, reduce), kernel).transpose(0, 1).flip(2, 3)


melt = Exercise(
    key="melt",
    title="Melt two layers into one",
    statement="""
Without a ReLU between them, a 1×1 reduction and the convolution after it are one linear map.
Write a function that takes the two weights, `reduce` of shape `(C_red, C_in, 1, 1)` and
`kernel` of shape `(C_out, C_red, k, k)`, and returns the single kernel of shape
`(C_out, C_in, k, k)` that does the same.
""",
    stub="""
def melt(reduce, kernel):
    \"\"\"One kernel that does what the 1×1 and the k×k do one after the other.\"\"\"
    return ...
""",
    answer="melt",
    reference=_melted,
    cases=noise(
        1,
        ((5, 5, 1, 1), (5, 5, 3, 3)),
        ((2, 6, 1, 1), (4, 2, 3, 3)),
        ((3, 8, 1, 1), (2, 3, 5, 5)),
    ),
    case=lambda reduce, kernel: (
        f"a 1×1 of shape {tuple(reduce.shape)} and a kernel of shape {tuple(kernel.shape)}"
    ),
    results=(
        Array(
            expected="the one kernel gives what the two layers give",
            got="a kernel whose numbers differ by up to {off:.2g}",
            look="The shape is right, so the axes may be matched wrongly: the 1×1's *output* "
            "channels are the kernel's *input* channels.",
            shape="One kernel should read all input channels and give all output channels. Only "
            "the reduced channels disappear: they are summed over.",
        ),
    ),
    slips=(
        Slip(
            "def melt(reduce, kernel):\n    return kernel",
            "That is the k×k kernel alone: where has the 1×1 gone?",
        ),
        Slip(
            "def melt(reduce, kernel):\n    return kernel * reduce",
            "That multiplies number by number. Over which channels should products be added up?",
        ),
        Slip({"rc->": "cr->"}, "The 1×1 is transposed: its output comes first."),
        Slip(
            {"0, 0])": "0, 0]).flip(2, 3)"},
            "Right, but flipped: torch slides a kernel as it stands.",
        ),
        Slip({"ochw": "ocwh"}, "Right, but rows and columns of the window have changed places."),
        Slip(
            {"0, 0])": "0, 0]) / len(reduce)"},
            "Right up to a factor: add up over the reduced channels, do not average.",
        ),
    ),
    praise="So the bottleneck is a low-rank factorisation; only its ReLU makes it more than that.",
    hints=(
        "Look at one position of the k×k window: there, the kernel is a C_out × C_red matrix.",
        "At each position, the matrix of the whole is that matrix times the C_red × C_in matrix "
        "of the 1×1.",
        'With `torch.einsum`: the letters of the kernel are `"orhw"`, those of the 1×1 without '
        'its last two axes are `"rc"`.',
    ),
    solution_code="""
def melt(reduce, kernel):
    return torch.einsum("orhw,rc->ochw", kernel, reduce[:, :, 0, 0])
""",
    why="Written as a matrix with C_in rows and k·k·C_out columns, this kernel has a rank of at "
    "most C_red. A free k×k kernel may have any rank up to C_in: that is what the bottleneck "
    "gives up. With a ReLU in between, the two layers no longer melt.",
)

# 4 ---------------------------------------------------------------------------------------------

_CHANNELS, _SIZE = INPUTS["3a"][0], INPUTS["3a"][1:]
_BUDGET = sum(c.macs for c in module_costs(_CHANNELS, MODULES["3a"], size=_SIZE).values()) // 2


def _verify_design(answer: Any) -> None:
    paper = MODULES["3a"]
    look = "Each is a number of filters, and this exercise keeps all six."
    spec = InceptionSpec(**filter_counts(answer, _SIX, look))
    expect(
        spec.out_channels(_CHANNELS) == paper.out_channels(_CHANNELS),
        expected="as many output channels as 3a has, so that 3b still fits behind it",
        got=f"{spec.out_channels(_CHANNELS)} output channels",
        look="Only four of the six numbers reach the output. Which?",
    )
    blind = "A module that hardly looks around is cheap, but no Inception."
    pinhole = "A bottleneck may be narrow, but not a pinhole: its rank is all that the filters "
    pinhole += "after it can see."
    for name, parts, least, look in (
        ("conv3x3", 2, "half", blind),
        ("conv5x5", 2, "half", blind),
        ("reduce3x3", 4, "a quarter", pinhole),
        ("reduce5x5", 4, "a quarter", pinhole),
    ):
        expect(
            parts * getattr(spec, name) >= getattr(paper, name),
            expected=f"at least {least} of the paper's `{name}`",
            got=f"`{name}={getattr(spec, name)}`",
            look=look,
        )
    costs = module_costs(_CHANNELS, spec, size=_SIZE)
    total = sum(c.macs for c in costs.values())
    dearest = max(costs, key=lambda branch: costs[branch].macs)
    expect(
        total <= _BUDGET,
        expected="at most half of the multiply-adds of 3a",
        got=f"{total / (2 * _BUDGET):.0%} of them",
        look=f"The {dearest} branch costs the most. What makes it narrower without narrowing its "
        "output?",
    )


_SIX = tuple(InceptionSpec.__dataclass_fields__)

design = Exercise(
    key="design",
    title="A module at half the price",
    statement="""
Design a module for 3a's place in the network: the same input, the same number of output channels,
at most **half** of the multiply-adds. Keep at least half of the paper's 3×3 and 5×5 outputs, and at
least a quarter of its two reductions. There are many right answers; say in a sentence why you chose
yours.
""",
    stub="""
my_module = dict(
    conv1x1=...,
    reduce3x3=...,
    conv3x3=...,
    reduce5x5=...,
    conv5x5=...,
    pool_proj=...,
)
""",
    answer="my_module",
    sentence="The 3×3 costs most, so its reduction is narrowed first.",
    verify=_verify_design,
    praise="Half the price, or less. What it costs in accuracy, only training can tell.",
    hints=(
        "Start from the paper's six numbers, `MODULES['3a']`, and look at which branch costs the "
        "most.",
        "Two ways lead down: move output channels to the cheap branches, or narrow the reductions, "
        "which no one outside the module can see.",
        "Halve both reductions and see how much is still missing; then move channels from the 3×3 "
        "to the 1×1.",
    ),
    solution_code="""
my_module = dict(
    conv1x1=112,
    reduce3x3=40,
    conv3x3=88,
    reduce5x5=8,
    conv5x5=24,
    pool_proj=32,
)
""",
    why="The 3×3 branch takes most of the cost, which is nearly proportional to its reduction. So "
    "the reduction is narrower, which gives up rank, and some of the output is moved to the 1×1 "
    "branch, which gives up surroundings. Whether either mattered, only the data can tell.",
)

# 5 ---------------------------------------------------------------------------------------------

# Six convolutions of six shapes: so the reader's can be told apart, whatever their names.
_REBUILT = InceptionSpec(conv1x1=5, reduce3x3=6, conv3x3=7, reduce5x5=3, conv5x5=4, pool_proj=2)
_READS = 8


def _shapes(module: nn.Module) -> dict[tuple[int, ...], nn.Conv2d]:
    """Return the convolutions of a module by the shape of their weights."""
    return {tuple(m.weight.shape): m for m in module.modules() if isinstance(m, nn.Conv2d)}


def _otherwise(convs: Sequence[nn.Conv2d], x: Tensor) -> list[tuple[str, Tensor]]:
    """Return where to look, and what that wrong module would give with these weights."""
    one, reduce3, conv3, reduce5, conv5, proj = convs

    def built(relu: Callable, between: Callable, pool: Callable) -> list[Tensor]:
        return [
            relu(one(x)),
            relu(conv3(between(reduce3(x)))),
            relu(conv5(between(reduce5(x)))),
            relu(proj(pool(x))),
        ]

    def most(x: Tensor) -> Tensor:
        return F.max_pool2d(x, 3, stride=1, padding=1)

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 3, stride=1, padding=1)

    def plain(x: Tensor) -> Tensor:
        return x

    right = built(F.relu, F.relu, most)
    found = {
        "A ReLU follows the reductions, too.": built(F.relu, plain, most),
        "A ReLU follows each convolution, also the last of each branch.": built(
            plain, F.relu, most
        ),
        "A ReLU follows each of the six convolutions.": built(plain, plain, most),
        "The pool takes the largest value of its window.": built(F.relu, F.relu, mean),
        "Where is the pool in front of the projection?": built(F.relu, F.relu, plain),
        "The pool stands in front of its 1×1, not behind it.": [*right[:3], most(F.relu(proj(x)))],
    }
    outputs = [(look, torch.cat(parts, dim=1)) for look, parts in found.items()]
    order = "The branches stand in another order: 1×1, 3×3, 5×5, pool."
    return outputs + [(order, torch.cat(parts, dim=1)) for parts in permutations(right)]


class _EachBranch(TorchFunctionMode):
    """While this is on, what is concatenated is looked at before torch complains."""

    def __init__(self, size: tuple[int, ...]):
        super().__init__()
        self.size = size

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in ("cat", "concat", "concatenate"):
            parts = args[0] if args else next(iter(kwargs.values()))
            for part in parts:
                expect(
                    tuple(part.shape[2:]) == self.size,
                    expected=f"branches that keep height and width, {self.size}",
                    got=f"one with {part.shape[1]} channels and {tuple(part.shape[2:])}",
                    look="A k×k window needs half of k as padding, rounded down. A pool has a "
                    "stride of its own unless you give one.",
                )
            along = (*args[1:2], *(kwargs or {}).values(), 0)[0]
            expect(
                along in (1, -3),
                expected="branches that are put together along the channels",
                got=f"`dim={along}`",
                look="In (N, C, H, W) the channels are axis 1.",
            )
        return function(*args, **(kwargs or {}))


def _verify_rebuilt(answer: Any) -> None:
    expect(
        isinstance(answer, type) and issubclass(answer, nn.Module),
        expected="a class that is an `nn.Module`",
        got=answer,
        look="Keep the first line of the stub, and pass the class itself.",
    )
    torch.manual_seed(0)
    mine = call(answer, _READS, _REBUILT)
    if unfinished(list(vars(mine).values())):
        raise NotAttemptedError
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs = Inception(_READS, _REBUILT)
        x = torch.randn(2, _READS, 9, 7)
    wanted, found = _shapes(theirs), _shapes(mine)
    if not found:
        call(mine, x)  # perhaps there is nothing yet
    layers = [m for m in mine.modules() if isinstance(m, nn.Conv2d)]
    expect(
        len(layers) == len(wanted),
        expected="six convolutions, one for each number of the spec, known to the module",
        got=f"{len(layers)}",
        look="Give each an attribute of its own, `self.name = nn.Conv2d(...)`. A plain list hides "
        "them from the module.",
    )
    for shape in found:
        expect(
            shape in wanted,
            expected=f"for {_READS} channels and {_REBUILT}: six convolutions that fit",
            got=f"one from {shape[1]} to {shape[0]} channels, {shape[2]}×{shape[3]}",
            look="What does this one read: the module's input, or the reduction in front of it? "
            "And what size is its window?",
        )
    for shape, layer in found.items():
        expect(
            layer.bias is not None,
            expected="convolutions with biases, as the package's have them",
            got="one without",
            look="Leave out `bias=False`.",
        )
        layer.load_state_dict(wanted[shape].state_dict())
    with torch.no_grad():
        right = theirs(x)
        with _EachBranch(tuple(x.shape[2:])):
            given = call(mine.eval(), x)
        expect(
            isinstance(given, Tensor),
            expected="a tensor",
            got=given,
            look="Does `forward` end in a `return`?",
        )
        expect(
            given.shape == right.shape,
            expected=f"for x of shape {tuple(x.shape)}: shape {tuple(right.shape)}",
            got=f"shape {tuple(given.shape)}",
            look="Height and width should stay in each branch, and the channels of all four "
            "branches stand one behind the other. (A pool has a stride of its own.)",
        )
        if torch.allclose(given, right, atol=1e-5):
            return
        looks = [
            look
            for look, output in _otherwise(list(_shapes(theirs).values()), x)
            if torch.allclose(given, output, atol=1e-5)
        ]
    raise MismatchError(
        "with the same weights, the output of the package's `Inception`",
        f"numbers that differ by up to {float((given - right).abs().max()):.2g}",
        looks[0]
        if looks
        else "Compare one branch after the other with the package's: "
        "`module.branches(x)` gives its four outputs.",
    )


rebuild = Exercise(
    key="rebuild",
    title="The module, from nothing",
    statement="""
Write the Inception module yourself, as an `nn.Module` made of torch's own layers.
`spec` has the six numbers as attributes, `spec.conv1x1` to `spec.pool_proj`. The check gives your
module the weights of the package's, layer by layer, and compares what comes out.
""",
    stub="""
from torch import nn


class MyInception(nn.Module):
    \"\"\"Four branches: (N, in_channels, H, W) to (N, C_out, H, W).\"\"\"

    def __init__(self, in_channels, spec):
        super().__init__()
        self.conv1x1 = ...

    def forward(self, x):
        return ...
""",
    answer="MyInception",
    verify=_verify_rebuilt,
    praise="The same numbers as the package's, with the same weights: this is GoogLeNet's module.",
    hints=(
        "Six convolutions as attributes, made in `__init__`; what each reads and gives stands in "
        "`spec`. A 3×3 needs a padding of 1 to keep the size, a 5×5 one of 2.",
        "A pool has no weights: `torch.nn.functional.max_pool2d` in `forward` will do. Its stride "
        "is its window's size unless you say otherwise.",
        "A ReLU follows each of the six convolutions. `torch.cat([...], dim=1)` puts the four "
        "branches one behind the other.",
    ),
    solution_code="""
import torch
from torch import nn
from torch.nn import functional as F


class MyInception(nn.Module):
    def __init__(self, in_channels, spec):
        super().__init__()
        self.one = nn.Conv2d(in_channels, spec.conv1x1, 1)
        self.reduce3 = nn.Conv2d(in_channels, spec.reduce3x3, 1)
        self.conv3 = nn.Conv2d(spec.reduce3x3, spec.conv3x3, 3, padding=1)
        self.reduce5 = nn.Conv2d(in_channels, spec.reduce5x5, 1)
        self.conv5 = nn.Conv2d(spec.reduce5x5, spec.conv5x5, 5, padding=2)
        self.project = nn.Conv2d(in_channels, spec.pool_proj, 1)

    def forward(self, x):
        one = F.relu(self.one(x))
        three = F.relu(self.conv3(F.relu(self.reduce3(x))))
        five = F.relu(self.conv5(F.relu(self.reduce5(x))))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1)
        pool = F.relu(self.project(pooled))
        return torch.cat([one, three, five, pool], dim=1)
""",
    why="All four branches read the same input, and keep its height and width: only then can they "
    "be concatenated. The two reductions and the projection are all that the 1×1 adds.",
)

ALL = (widest, pointwise, melt, rebuild, design)

_LIMIT = "half"


def _stored() -> Score:
    rows = results("bottlenecks")
    rows = rows[rows["setting"] == _LIMIT]
    price = rows[["parameters", "macs"]].iloc[0]
    return Score(float(rows["test_accuracy"].mean()), *map(int, price))


challenge = Challenge(
    topic="1×1 reduction",
    title="Spend the channels where they count",
    statement="""
The micro network with all its reductions at half their width is cheaper, and worse. For the same
price, the eight reductions need not all be halved: a network may be narrow early and wide late, or
spare the 5×5. Find widths that name more clothes. Your network may have as many parameters and
multiply-adds as that one, and a fiftieth more; training takes half a minute. For trying things out
there is `ex.challenge.check(my_network, held_out=2_000)`, which leaves the test images alone.
""",
    stub="""
from utils.experiments.one_by_one_reduction import with_reductions


def my_network():
    \"\"\"The micro network with reductions of your own, and its learning rate.\"\"\"
    widths = {  # channels before the 3×3 and before the 5×5
        "inception3a": (8, 4),
        "inception3b": (12, 4),
        "inception4a": (12, 4),
        "inception4b": (12, 4),
    }
    return ..., 0.4  # with_reductions(widths)
""",
    answer="my_network",
    measure=partial(on_clothes, recipe=BOTTLENECKS.options["recipe"], limit=_stored),
    to_beat=_stored,
    by="all reductions at half their width, in the mean of its seeds",
)

# Questions, answered in the page ----------------------------------------------------------------


def shuffled() -> Interactive:
    """Ask what survives when the pixels of an image change places."""
    return choice(
        "We cut a photograph into its pixels, shuffle them, run a 1×1 convolution, and put every "
        "pixel back in its place. How does the result differ from that of the 1×1 convolution on "
        "the photograph as it was?",
        [
            Option(
                "Not at all.",
                "A 1×1 convolution looks at one pixel at a time, so it cannot notice where a pixel "
                "stands. The next cell tries it.",
                right=True,
            ),
            Option(
                "It is blurred.",
                "A blur mixes a pixel with its neighbours. How many pixels does a 1×1 window hold?",
            ),
            Option(
                "It is noise: the picture was destroyed before the convolution.",
                "A 3×3 convolution would indeed see nonsense. But what does a 1×1 filter need to "
                "know about the picture around its pixel?",
            ),
            Option(
                "Only flat areas survive.",
                "In a flat area the neighbours of a pixel are like it, so there a wider filter "
                "would miss them least. Does a 1×1 filter read its neighbours at all?",
            ),
        ],
        prediction=True,
        name="Before you run the next cell",
    )


def branch_weights(name: str = "4a") -> Interactive:
    """Ask for the weights of the 5x5 branch of a module."""
    c_in, spec = INPUTS[name][0], MODULES[name]
    c_red, c_out, k = spec.reduce5x5, spec.conv5x5, 5
    assert c_red is not None  # each module of the paper reduces
    answer = reduced_cost(c_in, c_red, c_out, kernel_size=k, size=(1, 1)).parameters
    return questions.number(
        f"The 5×5 branch of module {name} reads {c_in} channels, reduces them to {c_red}, and "
        f"gives {c_out}. How many weights do its two layers have, without biases?",
        answer,
        diagnoses={
            c_in + k * k * c_out: "That reduces to a single channel: where did the width of the "
            "bottleneck go? Each of its filters has its own weights.",
            k * k * c_in * c_out: "That is the 5×5 straight from the input, without a reduction.",
            c_in * c_red: "That is the reduction alone; the 5×5 behind it has weights too.",
            k * k * c_red * c_out: "That is the 5×5 alone; the reduction is not free.",
            c_in * c_red + k * c_red * c_out: "A 5×5 filter has five rows *and* five columns.",
            answer + c_red + c_out: "Right if biases counted, but leave them out here.",
        },
        right=f"{c_in} × {c_red} for the reduction, and 25 × {c_red} × {c_out} for the 5×5.",
        otherwise="Take the layers one by one: the number of filters times the numbers in one "
        "filter.",
        name="By hand",
    )


def dearest_channel(name: str = "3a") -> Interactive:
    """Ask where in a module one more channel costs the most weights."""
    c_in, spec = INPUTS[name][0], MODULES[name]
    base = sum(c.parameters for c in module_costs(c_in, spec, size=(1, 1)).values())
    words = {
        "conv1x1": ("to the 1×1 branch", "It reads the input once and stops there."),
        "reduce3x3": (
            "to the reduction before the 3×3",
            "It reads the whole input, and then every 3×3 filter reads it, at nine positions.",
        ),
        "conv3x3": ("to the 3×3", "It reads the reduced channels only, at nine positions."),
        "reduce5x5": (
            "to the reduction before the 5×5",
            "Every 5×5 filter reads it, at 25 positions, but there are few of these filters.",
        ),
        "conv5x5": (
            "to the 5×5",
            "It looks at 25 positions, but only of the few channels that the reduction leaves.",
        ),
    }
    added = {}
    for place in words:
        wider = replace(spec, **{place: getattr(spec, place) + 1})
        costs = module_costs(c_in, wider, size=(1, 1)).values()
        added[place] = sum(c.parameters for c in costs) - base
    most = max(added, key=added.__getitem__)
    return choice(
        f"You may add one single channel somewhere in module {name}. Where does it cost the most "
        "weights?",
        [
            Option(text, f"{added[place]:,} weights. {why}", right=place == most)
            for place, (text, why) in words.items()
        ],
        name="Which number moves the cost most?",
    )


def prediction(kept: float, *, width: int, channels: int) -> Interactive:
    """Ask, before the measurement, how much a bottleneck keeps.

    Parameters
    ----------
    kept
        What the measurement gives, as a share in 0..1; the nearest option is the right one.
    width, channels
        Channels kept, and all there are.

    Raises
    ------
    ValueError
        `kept` is no share, or `width` is not a small part of the channels.
    """
    if not 0 <= kept <= 1:
        raise ValueError(f"expected the share kept as a number in 0..1, got {kept}")
    if not 1 <= width <= channels / 4:
        raise ValueError(f"expected at most a quarter of {channels} channels, got {width}")
    share = width / channels
    texts = {
        share: "In proportion: {}. That would be so if every channel told something that no other "
        "tells. Do the answers of two filters to one photograph really have nothing in common?",
        0.5: "About half. Neighbouring filters see nearly the same thing, and this underrates how "
        "much they share: look at the curve.",
        0.75: "About three quarters. The channels of a photograph repeat each other so much that a "
        "few mixtures carry most of what varies. Why they do, noise will tell.",
        0.999: "Nearly everything. That takes more mixtures: find on the curve where it gets "
        "there.",
    }
    nearest = min(texts, key=lambda value: abs(value - kept))
    return choice(
        f"A photograph goes through {channels} filters, so every pixel has {channels} channels. A "
        f"1×1 convolution may keep only {width} mixtures of them, the best there are. How much of "
        "the variance over the pixels can it keep?",
        [
            Option(
                f"about {value:.0%}" if value < 0.99 else "more than 99%",
                text.format(f"{width} of {channels}"),
                right=value == nearest,
            )
            for value, text in texts.items()
        ],
        prediction=True,
        name="Predict first",
    )


def narrow(lost: Estimate) -> Interactive:
    """Ask, before the measurement, how many points bottlenecks an eighth as wide cost."""
    few = "The filters see less than before, yet the reduction learns what to hand on."
    texts = {
        "less than one point": "That would say that the network hardly needs its reductions.",
        "one to five points": few,
        "more than five points": "A bottleneck of a few channels is not as bad as it looks: the "
        "1×1 branch reads all channels, and what the reduction hands on is learned.",
    }
    right = ["less than one point", "one to five points", "more than five points"][
        (lost.mean >= 1) + (lost.mean > 5)
    ]
    return choice(
        "All reductions of the network are made an eighth as wide: two or three channels where "
        "there were 16 or 24, and one where there were 8. How much accuracy will that cost?",
        [Option(text, said, right=text == right) for text, said in texts.items()],
        prediction=True,
        name="Predict first",
    )


def several_sizes(gained: Estimate) -> Interactive:
    """Ask, before the measurement, whether filters of three sizes beat one size, in points."""
    clear = 1.0  # a difference that would matter
    which = "three" if gained.low > 0 and gained.mean > clear else "none"
    which = "one" if gained.high < 0 and gained.mean < -clear else which
    texts = {
        "three": ("Three sizes win by more than a point.", "The runs do not show it."),
        "none": (
            "Between them there is less than a point, or nothing.",
            "Layers in a row have windows of many sizes in any case.",
        ),
        "one": ("3×3 alone wins by more than a point.", "The runs do not show it."),
    }
    return choice(
        "Filters of 1×1, 3×3 and 5×5, or 3×3 alone, at exactly the same price: which names more "
        "clothes?",
        [Option(text, said, right=name == which) for name, (text, said) in texts.items()],
        prediction=True,
        name="Predict first",
    )
