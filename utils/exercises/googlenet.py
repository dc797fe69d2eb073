"""Exercises of the chapter on GoogLeNet."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from ..accounting import Account, account
from ..blocks import InceptionSpec
from ..data import results
from ..experiments.measures import fresh
from ..experiments.training import POOLS
from ..googlenet import PAPER, Config, GoogLeNet, googlenet
from ..interactive import Interactive
from ..networks.rows import MaxPool, Row, conv3x3
from ..training import Recipe
from . import questions
from .answers import MismatchError, NotAttemptedError, call, expect, unfinished
from .challenges import Challenge, Score, on_clothes
from .core import Exercise
from .questions import Option, choice
from .results import Number, Slip

# 1 ---------------------------------------------------------------------------------------------

_SIX = tuple(f.name for f in fields(InceptionSpec))
_MODULE = tuple[int, int, int, int, int, int]
#: Stage -> channels of a 3x3 convolution, nothing of a pool, or the six numbers of a module.
_TABLES: tuple[tuple[dict[str, int | _MODULE | None], int], ...] = (
    (
        {
            "conv1": 12,
            "maxpool1": None,
            "inception3a": (6, 5, 9, 3, 4, 4),
            "maxpool3": None,
            "inception4a": (8, 4, 8, 4, 8, 8),
        },
        10,
    ),
    ({"conv1": 5, "inception2a": (3, 4, 6, 2, 3, 2), "maxpool2": None, "maxpool3": None}, 3),
)


def _network_of(table: Mapping[str, int | _MODULE | None], classes: int) -> GoogLeNet:
    """Build what the exercise asks for."""

    def row(value: int | _MODULE | None) -> Row:
        if value is None:
            return MaxPool()
        return (
            conv3x3(value)
            if isinstance(value, int)
            else InceptionSpec(**dict(zip(_SIX, value, strict=True)))
        )

    layers = {name: row(value) for name, value in table.items()}
    config = Config(layers=layers, in_channels=1, num_classes=classes, norm=None)
    return fresh(lambda: GoogLeNet(config).eval(), seed=0)


def _verify_build(answer: Any) -> None:
    for table, classes in _TABLES:
        network, wanted = call(answer, table, classes), _network_of(table, classes)
        expect(
            isinstance(network, nn.Module),
            expected="a network, `Net(table, classes)`",
            got=network,
            look="Pass the class itself, a subclass of `nn.Module`.",
        )
        images = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        _run(network.eval(), images)
        own, theirs = network.state_dict(), wanted.state_dict()
        missing, extra = theirs.keys() - own.keys(), own.keys() - theirs.keys()
        expect(
            not missing and not extra,
            expected=f"weights with the names of the statement, {len(theirs)} of them",
            got=", ".join(
                [f"no `{name}`" for name in sorted(missing)[:2]]
                + [f"`{name}`" for name in sorted(extra)[:2]]
            ),
            look="An attribute's name becomes part of its weights' names: `self.conv` in a unit, "
            "`self.branch2` in a module. In `nn.Sequential` the names are 0, 1, ... `setattr` "
            "or `add_module` gives an attribute a name that stands in a text.",
        )
        for name, value in theirs.items():
            expect(
                own[name].shape == value.shape,
                expected=f"`{name}` of shape {tuple(value.shape)}",
                got=f"`{name}` of shape {tuple(own[name].shape)}",
                look="What does this layer read: the image, the module's input, or what a "
                "reduction gives? The channels of a stage are the sum of its four branches.",
            )
        network.load_state_dict(theirs)
        _compare_stages(network, wanted, images, table)


def _compare_stages(
    network: nn.Module, wanted: GoogLeNet, images: torch.Tensor, table: Mapping[str, Any]
) -> None:
    """Check scores; where they differ, name the first stage that does."""
    stages = [name for name, row in table.items() if row is not None]
    given: list[dict[str, torch.Tensor]] = []
    for one in (network, wanted):
        outputs: dict[str, torch.Tensor] = {}
        given.append(outputs)
        hooks = [
            one.get_submodule(name).register_forward_hook(
                lambda module, x, y, name=name, kept=outputs: kept.update({name: y.relu()})
            )
            for name in stages
        ]
        with torch.no_grad():
            outputs["scores"] = _run(one, images)
        for hook in hooks:
            hook.remove()
    own, theirs = given
    if _close(own["scores"], theirs["scores"]):
        return
    for name in (*stages, "scores"):
        got: Any = own.get(name)
        want = theirs[name]
        expect(
            isinstance(got, torch.Tensor) and got.shape == want.shape,
            expected=f"`{name}` to give {tuple(want.shape)}",
            got=got,
            look="Everything in front of it agrees. How does the pool between them round, and does "
            "each layer in a branch keep the size of the map?",
        )
        expect(
            name == "scores" or not _permuted(got, want),
            expected=f"the channels of `{name}` in the order 1×1, 3×3, 5×5, pool",
            got="the right channels in another order",
            look="In which order are the branches concatenated?",
        )
        expect(
            _close(got, want),
            expected=f"with the same weights, the same numbers from `{name}`",
            got="other numbers, though everything in front of it agrees",
            look="Behind the last stage: the mean of each channel over the whole map, then one "
            "linear layer, and nothing behind that."
            if name == "scores"
            else "A ReLU stands behind each convolution, also behind reductions and projections. "
            "Every pool is a max pool, 3×3; one between stages is not padded.",
        )


def _run(network: nn.Module, images: torch.Tensor) -> Any:
    """Run a reader's network; say of an error what may lie behind it."""
    try:
        scores = network(images)
    except Exception as error:
        raise MismatchError(
            "a network that runs on images of shape (2, 1, 28, 28)",
            f"{type(error).__name__}: {error}",
            "Does each branch keep height and width, so that the four can be joined along the "
            "channels? Does each layer read as many channels as the one in front of it gives, the "
            "first one the image's, and `fc` one mean for each channel?",
        ) from None
    if unfinished(scores):
        raise NotAttemptedError
    return scores


def _permuted(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether the channels are the same in another order."""
    a, b = (t.sum(dim=(0, 2, 3)) for t in (one, other))
    same_set = torch.allclose(a.sort().values, b.sort().values, rtol=1e-3)
    return same_set and not torch.allclose(a, b, rtol=1e-3)


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    same = isinstance(one, torch.Tensor) and one.shape == other.shape
    return same and torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))


build = Exercise(
    key="build",
    title="Build a network that takes a checkpoint",
    statement="""
A checkpoint is a dictionary from names to weights, and it loads only where the names agree. Write a
network of GoogLeNet's kind, from any table, that takes this package's checkpoints. The table is a
dictionary from the name of a stage to its row, in the order of the stages. A row is a number (a 3×3
convolution with so many filters), `None` (a max pool, 3×3, stride 2, rounding up), or six numbers
(an Inception module). Images have one channel. Behind the last stage comes the mean over the map,
then a linear layer `fc`.

A convolution with its ReLU is a unit whose convolution is called `conv`. So the weights have names
such as `conv1.conv.weight`, `inception3a.branch1.conv.bias`, `inception3a.branch2.0.conv.weight`
(the reduction), `inception3a.branch2.1.conv.weight` (the 3×3), `inception3a.branch4.1.conv.weight`
(behind the branch's own pool) and `fc.weight`.
""",
    stub="""
from torch import nn


class Net(nn.Module):
    \"\"\"A GoogLeNet from its table: (N, 1, H, W) to scores (N, classes).\"\"\"

    def __init__(self, table, classes):
        super().__init__()
        ...

    def forward(self, x):
        return ...
""",
    answer="Net",
    verify=_verify_build,
    praise="Names, shapes and numbers agree: a checkpoint of this package would load into your "
    "network, and give the same scores.",
    hints=(
        "Write three small classes: `Unit` (convolution, ReLU), `Module` (four branches), `Net`. "
        "Give each attribute the name that its weights should have.",
        "In `Net.__init__` keep a count of the channels while you walk through the table, and "
        "`self.add_module(name, stage)` for each row. In `forward`, walk through it again with "
        "`getattr(self, name)`.",
        "`nn.MaxPool2d(3, stride=2, ceil_mode=True)` between stages; in a branch "
        "`nn.MaxPool2d(3, stride=1, padding=1)`, first in an `nn.Sequential`, so that the "
        "projection behind it is number 1.",
    ),
    solution_code="""
from torch import nn


class Unit(nn.Module):
    def __init__(self, c_in, c_out, k):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, k, padding=k // 2)

    def forward(self, x):
        return self.conv(x).relu()


class Module(nn.Module):
    def __init__(self, c_in, one, reduce3, three, reduce5, five, projection):
        super().__init__()
        self.branch1 = Unit(c_in, one, 1)
        self.branch2 = nn.Sequential(Unit(c_in, reduce3, 1), Unit(reduce3, three, 3))
        self.branch3 = nn.Sequential(Unit(c_in, reduce5, 1), Unit(reduce5, five, 5))
        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.branch4 = nn.Sequential(pool, Unit(c_in, projection, 1))

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class Net(nn.Module):
    def __init__(self, table, classes):
        super().__init__()
        self.names, channels = list(table), 1
        for name, row in table.items():
            if row is None:
                stage = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            elif isinstance(row, int):
                stage, channels = Unit(channels, row, 3), row
            else:
                stage = Module(channels, *row)
                channels = row[0] + row[2] + row[4] + row[5]
            self.add_module(name, stage)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        for name in self.names:
            x = getattr(self, name)(x)
        return self.fc(x.mean(dim=(2, 3)))
""",
    why="A checkpoint knows nothing of a network but names and shapes. Whoever names layers as a "
    "published network does can use its weights; that is why torchvision's names are still those "
    "of ten years ago.",
)

# 2 ---------------------------------------------------------------------------------------------

_STEM = ((7, 2), (3, 2), (1, 1), (3, 1), (3, 2))
_WIDEST = (*_STEM, *2 * ((5, 1),), (3, 2), *5 * ((5, 1),), (3, 2), *2 * ((5, 1),), (7, 1))
# On the second path no two slips see equally far.
_PATHS = (((3, 1), (3, 1)), ((1, 2), (2, 2), (5, 3), (3, 1)), _STEM, _WIDEST)


def _path(layers: list[tuple[int, int]]) -> str:
    shown = ", ".join(map(str, layers[:6])) + (", ..." if len(layers) > 6 else "")
    return f"the {len(layers)} layers {shown}"


field = Exercise(
    key="field",
    title="How far does a unit see?",
    statement="""
Write a function that takes the layers on one path through a network, from the image on, as a list
of pairs `(kernel, stride)`. It returns the receptive field of a unit at the end of the path, and
the distance between two neighbouring units there, both in pixels of the image.
""",
    stub="""
def field(layers):
    \"\"\"Receptive field and jump at the end of a path, in pixels.\"\"\"
    seen, jump = 1, 1
    for kernel, stride in layers:
        seen = ...
        jump = ...
    return seen, jump
""",
    answer="field",
    cases=tuple((list(layers),) for layers in _PATHS),
    case=_path,
    results=(
        Number(
            expected="the width of what one unit sees, in input pixels",
            got="{got:,.15g} pixels, with the right jump",
            look="Start from a unit that sees 1 pixel. A window of k units reaches k - 1 jumps "
            "further than one unit does.",
        ),
        Number(
            expected="the distance of two neighbouring units, in input pixels",
            got="a jump of {got:,.15g}",
            look="Which layers move neighbouring units apart, and by what factor?",
        ),
    ),
    order=(1, 0),
    slips=(
        Slip(
            {"return seen, jump": "return jump, seen"},
            "The two numbers are swapped: the receptive field comes first.",
            whole=True,
        ),
        *(
            Slip(
                {"return seen, jump": f"return seen, {first} + sum(s - {less} for _, s in layers)"},
                "Two strides one after the other multiply: a step of 2 on a map whose units lie 2 "
                "apart is a step of 4.",
            )
            for first in (0, 1)
            for less in (0, 1)
        ),
        Slip(
            {"1) * jump": "1) * stride"},
            "A window spans steps of the *jump*, the product of all the strides in front of it; "
            "the layer's own stride is only one factor of the next jump.",
        ),
        Slip(
            {"seen + (kernel - 1) * jump": "(seen - 1) * stride + kernel"},
            "So far would the same layers see in the opposite order. The list starts at the image; "
            "a rule that begins at the last layer has to walk it backwards.",
        ),
        Slip(
            {"seen + (kernel - 1) * jump": "seen * stride + kernel - 1"},
            "The stride multiplies the *jump*. The field itself only grows, by what the window "
            "adds.",
        ),
        Slip(
            {"1) * jump": "1) * jump * stride"},
            "The stride of a layer moves its *outputs* apart. Its own window still lies on the "
            "units in front of it: use the jump first, then change it.",
        ),
        Slip(
            {"1) * jump": "1)"},
            "Behind a layer with a stride, neighbouring units lie several pixels apart. A window "
            "over them spans more than its own size.",
        ),
        Slip(
            {"seen, jump = 1": "seen, jump = 0", "(kernel - 1) * jump": "kernel"},
            "Three units side by side add *two* steps to the one in the middle; and how long is a "
            "step, behind a stride?",
        ),
        Slip({"(kernel - 1)": "kernel"}, "A window of k units has k - 1 steps between them."),
    ),
    praise="The last case was GoogLeNet's widest path, all the way through its average pool.",
    hints=(
        "Take two 3×3 layers with stride 1. The first sees 3 pixels. How many more does the "
        "second see on each side?",
        "A window of `kernel` units spans `kernel - 1` steps, and each step is `jump` pixels long.",
        "First let the window grow by `(kernel - 1) * jump`; only then multiply the jump by the "
        "stride.",
    ),
    solution_code="""
def field(layers):
    seen, jump = 1, 1
    for kernel, stride in layers:
        seen = seen + (kernel - 1) * jump
        jump = jump * stride
    return seen, jump
""",
    why="The order of the two lines is the whole difficulty. A layer's window lies on the map in "
    "front of it, so it is measured with the old jump; its stride spaces out the map behind it, "
    "so the new jump is for the next layer.",
)

# 3 ---------------------------------------------------------------------------------------------


_IMAGES = 360


def _votes() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return scores (networks, crops, images, classes) and labels on which slips differ."""
    generator = torch.Generator().manual_seed(4)
    scores = 3 * torch.randn(3, 4, _IMAGES, 20, generator=generator)
    labels = torch.randint(20, (_IMAGES,), generator=generator)
    scores[:, :, torch.arange(_IMAGES), labels] += 1.5
    scores *= 0.2 + 2 * torch.rand(3, 4, _IMAGES, 1, generator=generator)  # some are surer
    return [(scores, labels), (scores[:, :, 10:147], labels[10:147])]


vote = Exercise(
    key="vote",
    title="Seven networks, 144 crops, one answer",
    statement="""
The winning entry of 2014 averaged the probabilities that several networks gave for many crops of an
image. Write a function that does this and judges it. `scores` has the shape
`(networks, crops, images, classes)` and holds what the last linear layers give, before the softmax;
`labels` has the shape `(images,)`. Return the top-5 error as a share in 0..1.
""",
    stub="""
def top5_error(scores, labels):
    \"\"\"Share of images whose label is not among the five likeliest classes.\"\"\"
    probabilities = ...  # (images, classes): one answer for each image
    return ...
""",
    answer="top5_error",
    cases=_votes,
    case=lambda scores, labels: "{} networks, {} crops, {} images and {} classes".format(
        *scores.shape
    ),
    results=(
        Number(
            expected="the share of images whose label is not among the five classes with the "
            "highest average probability",
            got="{got:.4g}",
            look="In turn: softmax over the classes, average over networks and crops, the five "
            "best classes of each image, compare with the label.",
            close=1e-5,  # answers come in float32
        ),
    ),
    slips=(
        Slip(
            {"1 - hit": "hit"}, "That is the share of images that are right; the error is the rest."
        ),
        Slip({"1 - hit": "100 - 100 * hit"}, "A share in 0..1 is asked for, not a percentage."),
        Slip(
            {"1 - hit.float().mean()": "(~hit).sum()"},
            "That is a number of images. The share is asked for, in 0..1.",
        ),
        Slip(
            {".any(dim=-1)": ""},
            "That is a share of all guesses, five for each image. An image is right if *any* of "
            "its five is the label; the share is one of images.",
        ),
        Slip(
            {"topk(5": "topk(1"},
            "That is the top-1 error. An image counts as right here if its label is among the "
            "five most probable classes.",
        ),
        Slip(
            {".softmax(dim=-1)": ""},
            "The scores are averaged. A network that is very sure of itself then speaks louder; "
            "the paper averages after the softmax.",
        ),
        Slip(
            {".mean(dim=": ".amax(dim="},
            "For each class the surest crop decides. The paper averages over the crops instead.",
        ),
        *(
            Slip(
                {"softmax(dim=-1)": f"softmax(dim={axis})"},
                f"The softmax runs over another axis, the {name}: the probabilities of the "
                "*classes* should add up to 1.",
            )
            for axis, name in enumerate(("networks", "crops", "images"))
        ),
        *(
            Slip(
                {"softmax(dim=-1).mean(dim=(0, 1))": f"mean({axis}).softmax(-1).mean(0)"},
                f"The scores are averaged over the {name} before the softmax. The paper averages "
                "probabilities over both.",
            )
            for axis, name in enumerate(("networks", "crops"))
        ),
        Slip(
            {".mean(dim=(0, 1))": ".amax(1).mean(0)"},
            "In each network the surest crop decides for a class. The paper averages over the "
            "crops, too; it found the maximum to be worse.",
        ),
        Slip(
            {
                "softmax(dim=-1).mean(dim=(0, 1))": "argmax(-1).flatten(0, 1).mode(0).values",
                "probabilities.topk(5, dim=-1).indices": "probabilities[:, None]",
            },
            "Each crop votes for its one best class, and the majority wins. The probabilities are "
            "to be averaged, and five classes count.",
        ),
        Slip(
            {".mean(dim=(0, 1))": ""},
            "Every crop is judged alone. First average, then judge: one answer for each image.",
        ),
    ),
    praise="So were seven networks and 144 crops turned into one answer for each image.",
    hints=(
        "Which of the four axes are gone in the answer, and which one does the softmax run over?",
        "`scores.softmax(-1).mean((0, 1))` has the shape `(images, classes)`.",
        "`topk(5, dim=-1).indices` gives the five best classes of each image; compare them with "
        "`labels[:, None]` and ask with `.any(-1)` whether one of them is right.",
    ),
    solution_code="""
def top5_error(scores, labels):
    probabilities = scores.softmax(dim=-1).mean(dim=(0, 1))
    best = probabilities.topk(5, dim=-1).indices  # (images, 5)
    hit = (best == labels[:, None]).any(dim=-1)
    return 1 - hit.float().mean().item()
""",
    why="Softmax first, then the average: every network and every crop has one vote, spread over "
    "the classes. Averaging the scores instead would let those speak louder whose scores are "
    "larger.",
)

# 4 ---------------------------------------------------------------------------------------------

_SHARE = 0.8
_NARROWEST = 8  # channels
_DEAR = ("conv2", "conv3")  # the dearest row of the table


@cache
def _paper() -> Account:
    with torch.device("meta"):
        return account(googlenet("paper", aux_heads=False))


def _verify_save(answer: Any) -> None:
    with torch.device("meta"):  # shapes are all that is needed, and they cost no time
        network = call(answer)
    expect(
        isinstance(network, GoogLeNet),
        expected="a network of the class `GoogLeNet`",
        got=network,
        look="Return what `googlenet(...)` gives, and give it your own rows with `layers=`.",
    )
    paper = _paper()
    try:
        counted = account(network)
    except ValueError as error:
        expect(
            False,
            expected="a network that takes an image of 224×224 pixels with three channels",
            got=f"{error}",
            look="Does each row still fit behind the one in front of it?",
        )
    extra = [name for name in network.config.layers if name not in PAPER]
    expect(
        not extra,
        expected="the rows of `PAPER`, some of them replaced",
        got=", ".join(f"a row {name!r}" for name in extra),
        look="A row with a new name stands behind all the others, and replaces none. The names are "
        f"{', '.join(PAPER)}.",
    )
    names = [name for name in paper.stages.index if name.startswith("inception")]
    missing = [name for name in names if name not in counted.stages.index]
    expect(
        not missing,
        expected="all nine modules, under the paper's names",
        got=f"no {missing[0]}" if missing else "",
        look="Start from `PAPER` and replace rows: `{**PAPER, 'name of a row': ...}`.",
    )
    for name in (*names, "fc"):
        want, have = paper.stages["output"][name], counted.stages["output"][name]
        expect(
            have == want,
            expected=f"the shapes of Table 1: {name} gives {want}",
            got=f"{have} from {name}",
            look="The last layer gives the scores of the thousand classes: leave `num_classes` as "
            "it is."
            if name == "fc"
            else "A module's output is the sum of four of its numbers, and its map is as large as "
            "the strides in front of it leave it. What is *inside* a stage is free.",
        )
    saved = paper.stages["macs"].sub(counted.stages["macs"], fill_value=0)
    dear, inside = saved[[*_DEAR]].sum(), saved[names].sum()
    expect(
        counted.parameters <= paper.parameters,
        expected=f"at most the paper's {paper.parameters:,} parameters",
        got=f"{counted.parameters:,} parameters",
        look="The dearest stage of the stem takes more than before. What does a wider 1×1 do to "
        "the 3×3 that reads it?"
        if dear < 0
        else "Multiply-adds can be saved without spending weights. Normalisation has some, too.",
    )
    narrow = {
        name: layer.out_channels
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.out_channels < _NARROWEST
    }
    expect(
        not narrow,
        expected=f"at least {_NARROWEST} channels in every layer",
        got=", ".join(f"{count} in {name}" for name, count in [*narrow.items()][:3]),
        look="All that stands behind such a layer is made of so few maps. That saves, but it is a "
        "bottleneck more than a reduction: save a little in a second place instead.",
    )
    share, total = counted.macs / paper.macs, paper.macs - counted.macs
    expect(
        share <= _SHARE,
        expected=f"at most {_SHARE:.0%} of the paper's multiply-adds",
        got=f"{share:.1%} of them",
        look="Nothing is saved so far: dropout and the auxiliary heads cost no multiply-adds when "
        "an image is classified."
        if total == 0
        else "It takes more than before. Which of your rows became wider?"
        if total < 0
        else "Nearly. Now a second, smaller saving elsewhere."
        if dear > 0.15 * paper.macs
        else "You found the dear place. How narrow can the layer be that feeds it?"
        if 2 * dear > total
        else "You saved in the modules. They alone can do it, if you save in many; the dearest "
        "single stage is elsewhere."
        if 2 * inside > total
        else "Most of that is saved in a stage that is not the dearest. Look at the map: which one "
        "is, and what does it read?",
    )


save = Exercise(
    key="save",
    title="A fifth off",
    statement="""
Save at least a fifth of GoogLeNet's multiply-adds, and keep the outside of every module as it is:
the nine modules and the last layer give the shapes of Table 1, and the network has no more
parameters than the paper's. `PAPER` holds the rows by name, `replace` changes numbers in a row
(enter `PAPER["conv2"]` in a cell of its own to see what they are called), and `googlenet("paper",
layers={**PAPER, ...})` builds the network with some rows replaced. There are many right answers;
say in a sentence what yours gives up. In `PAPER`, `conv2` is the 1×1 of the stem, `conv3` the 3×3
behind it, and `inception3a` the first module. No layer may have fewer than 8 channels.
""",
    stub="""
from dataclasses import replace

from utils.googlenet import PAPER, googlenet


def lighter():
    \"\"\"GoogLeNet for at most four fifths of its multiply-adds.\"\"\"
    return ...
""",
    answer="lighter",
    verify=_verify_save,
    praise="The same network from outside, a fifth cheaper. What it costs in accuracy, only "
    "training can tell.",
    hints=(
        "Do not begin with the modules. `account(googlenet('paper', aux_heads=False))` shows "
        "which stage takes the most multiply-adds.",
        "The 3×3 of the stem, `conv3`, costs the most of all layers, and its cost is proportional "
        "to what it reads: the channels that `conv2` gives.",
        "`PAPER['conv2']` is `Convolution(channels=64, kernel_size=1)`, a 1×1 that reduces "
        "nothing: 64 channels in, 64 out. Make it a reduction, and add one more saving.",
    ),
    solution_code="""
from dataclasses import replace

from utils.googlenet import PAPER, googlenet


def lighter():
    rows = {**PAPER, "conv2": replace(PAPER["conv2"], channels=16)}
    return googlenet("paper", layers=rows, kernel5x5=3)
""",
    sentence="Mine gives up detail in the stem and the reach of the 5×5, where the arithmetic is "
    "dearest.",
    why="The dearest layer is in the stem, where the map is large, not in a module. Its input "
    "comes from a 1×1 that does not reduce; made narrower, it saves most of that layer. Then the "
    "5×5 become 3×3, as in torchvision. The price: the rank of what enters the first 3×3, and "
    "the reach of the widest path.",
)

ALL = (build, field, vote, save)

# The open challenge -------------------------------------------------------------------------------


def _small() -> Score:
    """Return what the small GoogLeNet of the stored runs reaches, and costs."""
    rows = results(POOLS.name)
    own = rows[rows["setting"] == "early pools, as many images"]
    first = own.iloc[0]
    return Score(own["test_accuracy"].mean(), int(first["parameters"]), int(first["macs"]))


challenge = Challenge(
    topic="GoogLeNet",
    title="A better table",
    statement="""
A network is a table. Write one that names more clothes than the small GoogLeNet that the University
of Amsterdam teaches with, in the same short training and for its price: as many parameters and
multiply-adds, and a fiftieth more. Change rows, leave some out, add others, or build something
quite different. It takes about a minute. For trying things out there is
`ex.challenge.check(my_network, held_out=2_000)`: it leaves the test images alone.
""",
    stub="""
from utils.googlenet import MINI_EARLY, Config, GoogLeNet


def my_network():
    \"\"\"A network for images of (1, 28, 28), and its learning rate.\"\"\"
    table = {**MINI_EARLY}
    # GoogLeNet(Config(layers=table, in_channels=1, num_classes=10))
    return ..., 0.4
""",
    answer="my_network",
    measure=partial(on_clothes, recipe=Recipe(epochs=5, max_images=15_000), limit=_small),
    to_beat=_small,
    by="the small GoogLeNet in the mean of its stored runs",
)

# Questions, answered in the page ----------------------------------------------------------------


def dearest_stage() -> Interactive:
    """Ask, before the count, which row of the table costs the most multiply-adds."""
    stages, total = _paper().stages["macs"], _paper().macs
    macs = {
        "the first convolution, 7×7, on the largest map": stages["conv1"],
        "the second convolutions, 1×1 and 3×3": stages["conv2"] + stages["conv3"],
        "module 3b, the wider one at 28×28": stages["inception3b"],
        "module 4e, the widest at 14×14": stages["inception4e"],
        "module 5b, the widest of all": stages["inception5b"],
        "the linear layer, which reads everything": stages["fc"],
    }
    why = {
        "first": "Its map is the largest, but it reads only the three colours.",
        "second": "They read 64 channels where the map is still 56 pixels wide: many places, "
        "and no longer few channels.",
        "3b": "The dearest of the modules, and second in all: early, on a map of 28×28, and "
        "already wide.",
        "4e": "Many channels, but a map of 14×14 has a quarter of the places of 28×28.",
        "5b": "It holds the most parameters. But on a map of 7×7 each of them is used at only 49 "
        "places.",
        "linear": "Each of its weights is used exactly once for each image.",
    }
    most = max(macs, key=macs.__getitem__)
    return choice(
        "GoogLeNet classifies one image of 224×224 pixels. Which part of it takes the most "
        "multiply-adds?",
        [
            Option(
                text,
                f"{cost / 1e6:,.0f} million, {cost / total:.1%} of all. "
                + next(words for key, words in why.items() if key in text),
                right=text == most,
            )
            for text, cost in macs.items()
        ],
        prediction=True,
        name="Predict first",
    )


def last_map(side: int = 224) -> Interactive:
    """Ask for the last map's size if the pools rounded down."""

    def after(ceil: bool, pools: int = 4, padding: int = 0) -> int:
        size = (side - 1) // 2 + 1  # the first convolution, padded by half its kernel
        pool = MaxPool(ceil_mode=ceil, padding=padding)
        for _ in range(pools):
            size = pool.output_size(size)
        return size

    down = after(ceil=False)
    return questions.number(
        f"The stem's 7×7 convolution has stride 2 and is padded, so that it makes {side} pixels "
        f"into {after(True, pools=0)}. Four max pools follow in the network, 3×3 with stride 2 and "
        "without padding. Suppose that they round *down*: a window that does not fit is left out. "
        "How many pixels wide is the last map?",
        down,
        diagnoses={
            after(ceil=True): "So it is in the paper, with pools that round up: a last window may "
            "hang over the edge. Rounding down, the first pool gives one pixel less.",
            after(ceil=False, pools=3): "That is after three pools. There are four: two in the "
            "stem, one after 3b, one after 4e.",
            after(ceil=True, pools=3): "That is after three pools, and rounding up.",
            down - 1: "One too few: a 3×3 window on n pixels has n - 2 places; with stride 2, "
            "every second of them.",
        },
        right="112, 55, 27, 13, 6. With a head that takes the mean over the whole map, whatever "
        "its size, the network would still run; with an average of 7×7 it would stop.",
        otherwise="Each pool of width 3 and stride 2 takes n pixels to (n - 3) / 2 + 1, rounded "
        "down.",
        name="By hand",
    )


def against_alexnet(parameters: float, macs: float) -> Interactive:
    """Ask, before the count, how GoogLeNet's multiply-adds compare with AlexNet's.

    Parameters
    ----------
    parameters, macs
        AlexNet's, each as a multiple of GoogLeNet's.

    Raises
    ------
    ValueError
        A ratio is not positive.
    """
    if not (parameters > 0 and macs > 0):
        raise ValueError(f"expected two positive ratios, got {parameters} and {macs}")
    texts = {
        parameters: (
            "fewer, by about the same factor",
            "Yours would follow if every weight were used equally often. But a weight of a linear "
            "layer is used once for an image, and a weight of a convolution at every place.",
        ),
        1.0: (
            "about as many",
            "Fewer weights, each used more often: the direction is right, but it goes further.",
        ),
        0.5: (
            "about twice as many",
            "AlexNet keeps most of its weights in linear layers, where each is used once. "
            "GoogLeNet keeps nearly all of them in convolutions, which use each at every place.",
        ),
        0.1: (
            "about ten times as many",
            "VGG16, another network of 2014, takes that much and more: the next cell counts it, "
            "too.",
        ),
    }
    nearest = min(texts, key=lambda ratio: abs(torch.tensor(ratio / macs).log().item()))
    return choice(
        "GoogLeNet has several times fewer parameters than AlexNet. How many multiply-adds does it "
        "take for one image, compared with AlexNet?",
        [
            Option(text, diagnosis, right=ratio == nearest)
            for ratio, (text, diagnosis) in texts.items()
        ],
        prediction=True,
        name="Predict first",
    )
