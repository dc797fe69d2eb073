"""Exercises of the chapter on auxiliary classifiers."""

import math
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..accounting import account
from ..experiments.auxiliary_classifiers import small_network
from ..experiments.measures import fresh
from ..googlenet import GoogLeNet, googlenet
from ..interactive import Interactive
from ..support.checks import one_of
from ..support.statistics import summarise
from . import questions
from .answers import MismatchError, expect
from .core import Exercise
from .questions import Option, choice
from .results import Number, Result, Slip

# 1 ---------------------------------------------------------------------------------------------

head = Exercise(
    key="head",
    title="Count an auxiliary head",
    statement="""
Write a function that counts the parameters of one of the paper's heads, with biases. It takes the
channels and the side of the square map that the head reads, and the number of classes. Remember
that the pool has windows of 5×5 in steps of 3 and no padding, and that it leaves out what does not
fit.
""",
    stub="""
def head_parameters(c_in, side, classes):
    \"\"\"Parameters of an auxiliary head: pool, 1x1 (128), 1024 units, scores.\"\"\"
    pooled = ...  # the side of the map behind the pool
    convolution = ...
    hidden = ...
    scores = ...
    return convolution + hidden + scores
""",
    answer="head_parameters",
    cases=((512, 14, 1000), (528, 14, 1000), (512, 20, 10), (96, 18, 7)),
    case=lambda c_in, side, classes: (
        f"a head on {c_in} channels of {side}×{side} and {classes:,} classes"
    ),
    results=(
        Number(
            expected="every parameter",
            got="{got:,.15g} parameters",
            look="Three layers have parameters: the 1×1, the hidden layer and the last. What does "
            "each of them read?",
        ),
    ),
    slips=(
        Slip(
            {"(c_in + 1)": "c_in", "pooled + 1)": "pooled)", "(1024 + 1)": "1024"},
            "The biases are missing: each of the three layers has one for each of its outputs.",
        ),
        Slip(
            {"(side - 5) // 3 + 1": "side"},
            "The hidden layer reads what the pooling left, not the whole map.",
        ),
        Slip(
            {"pooled * pooled": "pooled"},
            "A map has as many places as it has rows *times* columns.",
        ),
        Slip(
            {" * pooled * pooled": ""},
            "The hidden layer reads every place of the pooled map: nothing averages them away in "
            "front of it.",
        ),
        Slip(
            {"(side - 5) // 3": "-((5 - side) // 3)"},
            "How many windows of 5, in steps of 3, fit *into* the map? A window that hangs over "
            "the edge does not count here.",
        ),
        Slip(
            {"128 * pooled": "c_in * pooled"},
            "The hidden layer reads the 128 channels of the 1×1, not those of the module.",
        ),
        Slip(
            {"// 3 + 1": "// 3"},
            "From the first window to the last there are so many steps; count the first window, "
            "too.",
        ),
        Slip(
            {"(side - 5) // 3 + 1": "4"},
            "The pooled map is 4×4 for one size of map alone: let it follow from `side`.",
        ),
        Slip(
            {"(side - 5) // 3 + 1": "side - 4"},
            "So many windows fit in steps of 1; the pool takes steps of 3.",
        ),
        Slip({"(c_in + 1)": "c_in"}, "The 1×1 convolution has a bias for each of its filters."),
        Slip({"pooled + 1)": "pooled)"}, "Each of the hidden units has a bias."),
        Slip({"(1024 + 1)": "1024"}, "Each class has a bias."),
        Slip({"+ hidden ": ""}, "The hidden layer is missing."),
        Slip(
            {"+ hidden ": "", "(1024 + 1)": "(128 * pooled * pooled + 1)"},
            "The hidden layer is missing, between the 1×1 and the scores.",
        ),
        Slip({"convolution + hidden": "hidden"}, "The 1×1 convolution is missing."),
        Slip({" + scores": ""}, "The layer that gives the scores is missing."),
        Slip(
            {"(c_in + 1)": "(25 * c_in + 1)"},
            "An average pool has no weights: the 5×5 belongs to it, and the convolution is a 1×1.",
        ),
        Slip(
            {"return ": "return 2 * (", "+ scores": "+ scores)"},
            "That is the price of two such heads; one is asked for.",
        ),
    ),
    praise="Two thirds of the paper's head are the hidden layer, the kind of layer that "
    "GoogLeNet's own head did away with.",
    hints=(
        "Follow the shape: the module's map, the pooled map, 128 channels of it, a row of "
        "numbers, 1024 units, scores.",
        "`(side - 5) // 3 + 1` windows fit into a side.",
        "A layer from `a` numbers to `b` numbers has `(a + 1) * b` parameters, its biases "
        "included. The hidden layer reads `128 * pooled * pooled` numbers.",
    ),
    solution_code="""
def head_parameters(c_in, side, classes):
    pooled = (side - 5) // 3 + 1
    convolution = (c_in + 1) * 128
    hidden = (128 * pooled * pooled + 1) * 1024
    scores = (1024 + 1) * classes
    return convolution + hidden + scores
""",
    why="A fully connected layer pays for every place of the map, and that is where the head's "
    "price lies. The convolution in front keeps it from paying for every channel, too.",
)

# 2 ---------------------------------------------------------------------------------------------


class _Outputs(NamedTuple):
    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


@cache
def _scores() -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(6)
    main, aux2, aux1 = 2 * torch.randn(3, 3, 5, generator=generator)
    return (main, aux2, aux1), torch.tensor([4, 0, 3])


@cache
def _losses() -> dict[str, tuple]:
    (main, aux2, aux1), labels = _scores()
    return {
        "a tensor, as in evaluation": (main, labels),
        "three tensors, as in training": (_Outputs(main, aux2, aux1), labels),
        "three tensors, and weight=0.5": (_Outputs(main, aux2, aux1), labels, 0.5),
        "a network with one head: (main, None, aux1)": (_Outputs(main, None, aux1), labels),
        "a network with the other head: (main, aux2, None)": ((main, aux2, None), labels),
        "a network with one place for a head: (main, aux)": ((main, aux2), labels),
        "a network without heads: (main, None, None)": ((main, None, None), labels),
    }


def _verify_joint(answer: Any) -> None:
    joint.compare(answer)
    _verify_history(answer)


def _verify_history(answer: Any) -> None:
    """Check that the loss, whose value is right, teaches all that it should."""
    tensors, labels = _scores()
    leaves, wanted = ([scores.clone().requires_grad_() for scores in tensors] for _ in range(2))
    main, aux2, aux1 = (F.cross_entropy(scores, labels) for scores in wanted)
    (main + 0.3 * (aux2 + aux1)).backward()
    try:
        result = answer(_Outputs(*leaves), labels)
    except Exception as error:  # it ran on scores without a history
        raise MismatchError(
            "the function to run on scores of a network in training",
            f"{type(error).__name__}: {error}",
            "Such scores carry their history. Leave them tensors of torch all the way.",
        ) from None
    expect(
        isinstance(result, Tensor) and result.requires_grad,
        expected="a tensor that leads back to the scores, so that `.backward()` works",
        got="a number without a history",
        look="Is there an `.item()`, a `float(...)` or a `.detach()` on the way?",
    )
    result.sum().backward()
    taught = [
        leaf.grad is not None and torch.allclose(leaf.grad, want.grad, atol=1e-5)
        for leaf, want in zip(leaves, wanted, strict=True)
    ]
    expect(
        all(taught),
        expected="a loss whose gradient reaches the main scores and those of each head",
        got=f"the right gradient for {sum(taught)} of the three",
        look="The value is right, but no gradient reaches the main scores."
        if not taught[0]
        else "The value is right, but no gradient reaches the scores of a head. Is there an "
        "`.item()` or a `.detach()` on the way?",
    )


joint = Exercise(
    key="joint",
    title="A loss for training and evaluation",
    statement="""
Write the joint loss so that it takes whatever a network gives. In training that is a tuple of
scores, named or not: first the main ones, then those of the heads, or `None` for a head that the
network does not have. In evaluation it is one tensor of scores. Return the mean cross-entropy over
the images, to which each head adds its own, times `weight`.
""",
    stub="""
from torch.nn import functional as F


def joint_loss(outputs, labels, weight=0.3):
    \"\"\"Main loss plus weighted losses of the heads, if there are any.\"\"\"
    main, heads = ...
    loss = ...
    return loss
""",
    answer="joint_loss",
    verify=_verify_joint,
    cases=lambda: tuple(_losses().values()),
    case=lambda *given: next(case for case, own in _losses().items() if own[0] is given[0]),
    results=(
        Number(
            expected="the main loss, plus the heads' losses with their weight",
            got="{got:.6g}",
            look=lambda got, want, outputs, *rest: (
                "What does the function do with a single tensor, and what does cross-entropy take?"
                if isinstance(outputs, Tensor)
                else "Which of these is the main one, and how much does each head count?"
            ),
            close=1e-5,
        ),
    ),
    slips=(
        Slip(
            {"loss = loss + weight": "_ = weight"},
            "That is the main loss alone. In training the heads' losses are added.",
        ),
        Slip({"weight * F": "F"}, "Each head counts fully. The paper adds them with a weight."),
        *(
            Slip(
                {"loss = F.": f"loss = (1 - weight * {there}) * F."},
                "The main loss counts in full: nothing is taken from it for the heads.",
            )
            for there in ("1", "bool(heads)")
        ),
        Slip(
            {"return loss": "return loss / (1 + len(heads))"},
            "The losses are averaged. They are to be added, each with its weight.",
        ),
        *(
            Slip(
                {"loss = F.": f"loss = {weight} * F."},
                "The weight belongs to the heads alone.",
            )
            for weight in ("weight", "weight ** bool(heads)")
        ),
        Slip(
            {"weight * F": "weight / len(heads) * F"},
            "The weight is shared among the heads; each of them counts with it.",
        ),
        Slip({"in heads": "in heads[:1]"}, "One head is missing."),
        Slip({"in heads": "in heads[1:]"}, "One head is missing."),
        Slip(
            {"(main, labels)": "(main.softmax(1), labels)"},
            "Cross-entropy wants scores, and makes probabilities of them itself.",
        ),
        Slip(
            {", labels)": ", labels, reduction='sum')"},
            "The losses of the images are added; their mean is asked for.",
        ),
        Slip({"return loss": "return 0.0"}, "Nothing is added up."),
    ),
    praise="One loss for both modes, and for networks with two heads, one or none.",
    hints=(
        "`isinstance(outputs, tuple)` tells the two modes apart; a named tuple is a tuple.",
        "`main, *heads = outputs` takes a tuple apart, whatever its length. Leave out what is "
        "`None`.",
        "Start from the cross-entropy of the main scores and add `weight` times that of each "
        "head. There is no second weight.",
    ),
    solution_code="""
from torch.nn import functional as F


def joint_loss(outputs, labels, weight=0.3):
    main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)
    loss = F.cross_entropy(main, labels)
    for scores in heads:
        if scores is not None:
            loss = loss + weight * F.cross_entropy(scores, labels)
    return loss
""",
    why="The trap is that a tensor can be taken apart, too: `main, *heads = outputs` makes of a "
    "tensor the scores of the first image and those of all others. With one image in the batch it "
    "does not even raise an error.",
)

# 3 ---------------------------------------------------------------------------------------------

# Whether the last two of the tuple are swapped in a version.
_SWAPPED = {
    "0.20.1": True,
    "0.21.0": False,
    "0.29.1+cpu": False,
    "0.15.2+cu118": True,
    "0.9.0": True,
    "1.0.0": False,
}


def _versions() -> list[tuple[_Outputs, str]]:
    main, aux2, aux1 = _scores()[0]
    pairs = {True: (aux1, aux2), False: (aux2, aux1)}
    return [(_Outputs(main, *pairs[swapped]), version) for version, swapped in _SWAPPED.items()]


def _by_place() -> dict[str, Tensor]:
    return dict(zip(("main", "4d", "4a"), _scores()[0], strict=True))


class _Places(Result):
    """Whose scores stand under the keys of a dict."""

    def read(self, value: Any, like: Any, case: str) -> dict[str, str]:
        """Return a name for each key."""
        expect(
            isinstance(value, dict) and set(value) == {"4a", "4d", "main"},
            expected='a dict with the keys "main", "4a" and "4d"',
            got=value,
            look='The function should end in `return {"main": ..., "4a": ..., "4d": ...}`.',
        )
        found = {
            key: next(
                (
                    name
                    for name, t in _by_place().items()
                    if isinstance(own, Tensor) and t.equal(own)
                ),
                "something else",
            )
            for key, own in value.items()
        }
        expect(
            found["main"] == "main",
            expected=f"for {case}: the main scores under `main`",
            got=f"the scores of {found['main']}",
            look="The main scores come first in the tuple, in every version.",
        )
        return found


places = Exercise(
    key="places",
    title="Whose scores are these?",
    statement="""
In training torchvision's GoogLeNet gives a tuple `(logits, aux_logits2, aux_logits1)`. Up to
version 0.20.1 the last two are swapped: `aux_logits2` holds the scores of the head on 4a. Write a
function that takes such a tuple and torchvision's version, a text such as `"0.29.1"` or
`"0.15.2+cu118"`, and says which scores are whose.
""",
    stub="""
def by_place(outputs, version):
    \"\"\"Scores of torchvision's GoogLeNet: of its end, and of both heads.\"\"\"
    main, second, third = outputs
    swapped = ...
    return {"main": main, "4a": ..., "4d": ...}
""",
    answer="by_place",
    reference=lambda outputs, version: _by_place(),
    cases=_versions,
    case=lambda outputs, version: f"torchvision {version}",
    results=(
        _Places(
            expected="the scores of the head on 4a under `4a`",
            got="those of {got[4a]} under `4a`, those of {got[4d]} under `4d`",
            look=lambda got, want, outputs, version: (
                "Up to 0.20.1 the second of the three holds the head on 4a, whatever its name says."
                if _SWAPPED[version]
                else "This version is newer than 0.21. What stands behind the second dot, or "
                "behind a plus, does not matter."
            ),
        ),
    ),
    slips=(
        Slip(
            {"    swapped = ": "    swapped = True or "},
            "From 0.21.0 on the names are right: `aux_logits1` is the head on 4a.",
        ),
        Slip(
            {'tuple(int(part) for part in version.split(".")[:2]) < (0, 21)': 'version < "0.21"'},
            "Versions are compared as texts, or as decimal numbers. Either way 0.9 comes after "
            "0.21; but 9 comes before 21.",
        ),
    ),
    praise="With equal weights on both heads nobody notices the swap. Who weights, drops or plots "
    "one of them does.",
    hints=(
        "What is wrong up to 0.20.1 is right from 0.21.0 on: the first two numbers of the version "
        "decide.",
        'Compare numbers, not texts: `"0.9" < "0.21"` is false.',
        "`tuple(int(part) for part in version.split('.')[:2])` can be compared with `(0, 21)`.",
    ),
    solution_code="""
def by_place(outputs, version):
    main, second, third = outputs
    swapped = tuple(int(part) for part in version.split(".")[:2]) < (0, 21)
    first_head, second_head = (second, third) if swapped else (third, second)
    return {"main": main, "4a": first_head, "4d": second_head}
""",
    why="The weights were never swapped, only the names in the tuple: `aux1` and `aux2` in a "
    "checkpoint mean the same in every version, so it loads as it is. What must be read with care "
    "is what the network returns.",
)

# 4 ---------------------------------------------------------------------------------------------


@cache
def _networks() -> tuple[GoogLeNet, GoogLeNet]:
    return tuple(
        fresh(lambda norm=norm: small_network(heads=True, norm=norm).train(), seed=0)
        for norm in (None, "batch")
    )


def _losses_of_heads() -> list[tuple[GoogLeNet, Tensor, Tensor, str]]:
    images = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    return [(m, images, torch.arange(4), head) for m in _networks() for head in ("aux2", "aux1")]


class _Stages(Result):
    """Names in a collection, in any order."""

    def read(self, value: Any, like: Any, case: str) -> str:
        """Return the names in order; a text is no collection of names."""
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            return ", ".join(sorted(map(str, set(islice(value, 1000))))) or "no stage"
        except TypeError:
            look = "Collect the names of the stages in a set."
            raise MismatchError("a set of names", str(value)[:80], look) from None


def _verify_reach(answer: Any) -> None:
    reach.compare(answer)

    def on_used(network: nn.Module, images: Tensor, labels: Tensor, head: str) -> Any:
        F.cross_entropy(network(images)[1 if head == "aux1" else 2], labels).backward()
        return answer(network, images, labels, head)

    try:
        reach.compare(on_used)
    except MismatchError:
        raise MismatchError(
            "the same stages when the network still holds gradients of another loss",
            "more stages, or others",
            "Gradients add up: a backward pass adds to what an earlier one left. Begin with "
            "`network.zero_grad()`.",
        ) from None


reach = Exercise(
    key="reach",
    title="Which layers does a head teach?",
    statement="""
Write a function that finds out which stages learn from one head. It takes a GoogLeNet of this
course in training mode, a batch, its labels, and `"aux1"` or `"aux2"`. It returns the names of the
stages, the network's children, whose weights get a gradient from the loss of that head alone. The
network may still hold gradients from an earlier batch.
""",
    stub="""
def stages_reached(network, images, labels, head):
    \"\"\"Names of the children that get a gradient from one head's loss.\"\"\"
    outputs = network(images)
    ...
    return ...
""",
    answer="stages_reached",
    verify=_verify_reach,
    cases=_losses_of_heads,
    case=lambda network, images, labels, head: f"the loss of {head} alone",
    results=(
        _Stages(
            expected="the stages whose weights get a gradient from it",
            look=lambda got, *rest: (
                "Give the names of the stages, the network's own children, not those of single "
                "parameters."
                if "." in got
                else "After a backward pass `parameter.grad` is `None` where nothing arrived."
            ),
        ),
    ),
    slips=(
        Slip(
            {'head == "aux1"': 'head == "aux2"'},
            "That is how far the *other* head reaches. Which output belongs to which head?",
        ),
        Slip(
            {"(scores, labels)": "(outputs.logits, labels)"},
            "That is how far the main loss reaches.",
        ),
        Slip(
            {"(scores, labels)": "(outputs.logits + scores, labels)"},
            "So far reach the main loss and this head's together. Take the head's alone.",
        ),
        Slip(
            {"(scores, labels)": "(sum(outputs), labels)"},
            "So far reach all losses together. Take the one of this head alone.",
        ),
        Slip(
            {"if any(": "if True or any("},
            "Those are all children, also those that have no weights at all.",
        ),
        Slip(
            {"if any(": "if all("},
            "A stage without weights gets no gradient. (Of nothing at all, `all(...)` is true.)",
        ),
        Slip(
            {"if any(": "if name != head and any("},
            "The head itself learns from its own loss, too.",
        ),
        Slip({"is not None": "is None"}, "Those are the stages that get *no* gradient."),
    ),
    praise="A head teaches what lies in front of it, and itself. Behind it, nothing.",
    hints=(
        "`outputs.aux_logits1` are the scores of `aux1`, `outputs.aux_logits2` those of `aux2`.",
        "`F.cross_entropy(scores, labels).backward()` fills `parameter.grad` of every parameter "
        "on the way back, and leaves `None` in all others.",
        "`network.named_children()` gives names and stages; ask of each stage whether any of its "
        "`.parameters()` has a `.grad` that is not `None`.",
    ),
    solution_code="""
def stages_reached(network, images, labels, head):
    network.zero_grad()
    outputs = network(images)
    scores = outputs.aux_logits1 if head == "aux1" else outputs.aux_logits2
    torch.nn.functional.cross_entropy(scores, labels).backward()
    return {
        name
        for name, stage in network.named_children()
        if any(parameter.grad is not None for parameter in stage.parameters())
    }
""",
    why="A gradient runs back along the way that the numbers came. Whatever lies behind a head has "
    "no part in its scores. So the head on 4d can teach the first layers as well as the one on "
    "4a can, from further away.",
)

ALL = (head, joint, places, reach)

# Questions, answered in the page ----------------------------------------------------------------


def share_of_heads() -> Interactive:
    """Ask what share of the parameters in training belongs to the heads, in percent."""
    with torch.device("meta"):
        counted = account(googlenet("paper"))
    heads, trunk = counted.unused, counted.parameters
    share = 100 * heads / (heads + trunk)
    return questions.number(
        "GoogLeNet is trained with both heads. When it is used, they are taken off. What share of "
        "all the parameters that were trained is thrown away then, in percent? (The line above has "
        "both counts.)",
        round(share, 1),
        tolerance=0.02,
        percent=True,
        diagnoses={
            round(heads / (heads + trunk), 3): "That is the share; in percent it is a hundred "
            "times as much.",
            round(100 * heads / trunk, 1): "That is the heads against the network that stays. The "
            "whole that was trained is both together.",
            round(50 * heads / (heads + trunk), 1): "That is one head. There are two.",
            round(100 * trunk / (heads + trunk), 1): "That is what stays.",
        },
        right=f"{heads:,} of {heads + trunk:,}: of what is trained, nearly a half serves in "
        "training alone.",
        otherwise="Divide the parameters of both heads by those of the network and the heads "
        "together.",
        name="By hand",
    )


_STAGES = ("conv1", "inception5b")


def predict_gradient(rows: pd.DataFrame) -> Interactive:
    """Ask, before the measurement, how the main loss's gradient changes on its way to the image.

    Parameters
    ----------
    rows : DataFrame
        Of `AUX_START`: the paper's network without normalisation, from He's start.

    Raises
    ------
    ValueError
        The rows lack one of the two stages that are compared.
    """
    main = rows.groupby("stage")["main"].mean()
    for stage in _STAGES:
        one_of(stage, tuple(main.index), "a stage of the rows")
    ratio = main[_STAGES[0]] / main[_STAGES[1]]
    texts = {
        1e-6: (
            "about a million times smaller: it vanishes",
            "So the lore has it. With none of our three starts does it happen: even where the "
            "gradient is faintest, it is nearly as faint at 5b, as you will see.",
        ),
        1e-3: (
            "about a thousand times smaller",
            "Smaller it is, but by much less. What shrinks a gradient is not the number of layers "
            "as such, but what each does to its size.",
        ),
        0.1: (
            "about ten times smaller",
            "Some of this is no loss on the way at all: the first convolution has far fewer "
            "weights than the last module, and a norm adds up over weights.",
        ),
        1.0: (
            "about as large",
            "Then nothing would be lost on the way. Some is, and the first layer is small.",
        ),
        10.0: (
            "about ten times larger",
            "That way round it is with batch normalisation: see the picture below.",
        ),
    }
    nearest = min(texts, key=lambda value: abs(math.log(ratio / value)))
    return choice(
        "Take the paper's network of 22 layers without its heads and without batch normalisation, "
        "from He's start, on real photographs. How large is the gradient of the first "
        "convolution's weights, compared with that of the last module's, 5b?",
        [
            Option(text, f"Measured: {ratio:.2g} times. {why}", right=value == nearest)
            for value, (text, why) in texts.items()
        ],
        name="Predict first",
    )


def predict_learning(rows: pd.DataFrame, *, without: str, heads: str) -> Interactive:
    """Ask, before the results, what heads do to the accuracy of one kind of network.

    Parameters
    ----------
    rows : DataFrame
        One row for each setting and seed, with ``test_accuracy``.
    without, heads : str
        The settings to compare.

    Raises
    ------
    ValueError
        There is no such setting.
    """
    one_of(heads, tuple(rows["setting"].unique()), "heads")
    found = summarise(rows, baseline=without).loc[heads]
    points = float(100 * found["difference"])
    measured = (
        f"Measured, in the mean over {int(found['pairs'])} seeds: {points:+.1f} points. "
    ).replace("-", "−")
    texts = {
        "better, by more than 10 percentage points": (
            points > 10,
            "So much would say that this network can hardly learn without heads.",
        ),
        "better, by 2 to 10 percentage points": (
            2 < points <= 10,
            "So much would be left for heads to do, if normalisation and the start did only a part "
            "of their work.",
        ),
        "hardly: by less than 2 percentage points either way": (
            abs(points) <= 2,
            "So it would be if normalisation and the start did the heads' work already.",
        ),
        "worse, by more than 2 percentage points": (
            points < -2,
            "So it would be if the heads' losses drew the early layers away from what the end "
            "needs.",
        ),
    }
    return choice(
        "The small network has batch normalisation and He's start, and a learning rate of its own "
        "with heads and without. After the same number of training images: what do two heads do "
        "to its accuracy on the test images?",
        [
            Option(
                text,
                measured + ("In the picture below, look at the spread as well." if right else why),
                right=right,
            )
            for text, (right, why) in texts.items()
        ],
        name="Predict first",
    )
