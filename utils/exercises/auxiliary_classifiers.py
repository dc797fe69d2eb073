"""Exercises of the chapter on auxiliary classifiers."""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import islice, pairwise
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..accounting import account
from ..blocks import Norm
from ..experiments.auxiliary_classifiers import RECIPE, ends, small_network
from ..experiments.measures import fresh
from ..googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from ..interactive import Interactive
from ..support.checks import one_of
from ..support.statistics import summarise
from . import questions
from .answers import MismatchError, NotAttemptedError, call, expect
from .challenges import Challenge, Score, on_clothes
from .core import Exercise
from .questions import Option, choice
from .results import Number, Numbers, Result, Slip

# 1 ---------------------------------------------------------------------------------------------


def stack(widths: Sequence[int], kernel: int, begin: Callable[[nn.Conv2d], Any]) -> nn.Sequential:
    """Build a plain network: convolutions without biases or border, a ReLU behind each."""
    layers = nn.Sequential()
    for c_in, c_out in pairwise(widths):
        border = kernel // 2
        conv = nn.Conv2d(c_in, c_out, kernel, padding=border, padding_mode="circular", bias=False)
        begin(conv)
        layers.append(nn.Sequential(conv, nn.ReLU()))
    return layers


_STDS: dict[str, Callable[[nn.Conv2d], float]] = {
    "a deviation of 0.01": lambda conv: 0.01,
    "a variance of one over the inputs": lambda conv: conv.weight[0].numel() ** -0.5,
    "a variance of two over the inputs": lambda conv: (2 / conv.weight[0].numel()) ** 0.5,
}


@cache
def _stacks() -> dict[str, tuple[nn.Sequential, Tensor]]:
    def build() -> dict[str, tuple[nn.Sequential, Tensor]]:
        return {
            f"six layers from {name}": (
                stack((3, *6 * (16,)), 3, lambda c, std=std: nn.init.normal_(c.weight, std=std(c))),
                torch.randn(2, 3, 12, 12),
            )
            for name, std in _STDS.items()
        }

    return fresh(build, seed=0)


_SIZES = partial(
    Numbers,
    each="layer",
    several="layers",
    many="One number for what each layer gives; none for the image itself.",
)

travel = Exercise(
    key="travel",
    title="Follow a signal out and a gradient back",
    statement="""
Measure what a plain network does to a signal and to its gradient. Write a function that takes a
sequence of layers and a batch of images. It returns two lists with a number for each layer, in the
order of the layers: the root mean square of what the layer gives, and the root mean square of the
gradient of the loss with respect to that output. As the loss, take the mean over all numbers that
the last layer gives.
""",
    stub="""
def sizes(layers, images):
    \"\"\"Root mean square of each layer's output, and of its gradient.\"\"\"
    outputs = []
    x = images
    for layer in layers:
        ...
    signals = ...
    gradients = ...
    return signals, gradients
""",
    answer="sizes",
    cases=lambda: tuple(_stacks().values()),
    case=lambda layers, images: next(name for name, (own, _) in _stacks().items() if own is layers),
    results=(
        _SIZES(
            expected="the root mean square of each layer's output",
            look="Square, take the mean over all numbers of the output, take the root.",
        ),
        _SIZES(
            expected="the root mean square of the loss's gradient with respect to each output",
            look="The loss is the mean over the last output. `retain_grad()` keeps the gradient of "
            "a tensor in the middle; or ask `torch.autograd.grad` for all of them at once.",
        ),
    ),
    slips=(
        Slip(
            {"return signals, gradients": "return gradients, signals"},
            "The two lists are swapped: the signals come first.",
        ),
        Slip(
            {"x.square().mean().sqrt().item() for x in outputs": "x.std() for x in outputs"},
            "That is the standard deviation. Behind a ReLU the mean is not zero, and it is part of "
            "the signal's size.",
        ),
        Slip(
            {"x.square().mean().sqrt().item() for x in outputs": "x.norm() for x in outputs"},
            "A norm adds up over all numbers, so that a larger map counts for more. Divide: the "
            "*mean* of the squares.",
        ),
        Slip(
            {"outputs[-1].mean()": "outputs[-1].sum()"},
            "That is the gradient of the sum of the last output; its mean is asked for.",
        ),
        Slip(
            {"for g in found": "for g in found[::-1]"},
            "The gradients stand in the opposite order: the first number is the first layer's.",
        ),
        Slip(
            {"g.square().mean().sqrt().item() for g in found": "g.abs().mean() for g in found"},
            "That is the mean size without its sign, not the root mean square.",
        ),
    ),
    praise="From 0.01 both fade by many powers of ten in six layers; with a variance of two over "
    "the inputs both keep their size.",
    hints=(
        "Keep every output in a list on the way forward: `x = layer(x)`, then append it.",
        "`loss = outputs[-1].mean()` is a single number. `torch.autograd.grad(loss, outputs)` "
        "gives its gradient with respect to each of the outputs, in their order.",
        "`t.square().mean().sqrt().item()` is the root mean square of a tensor.",
    ),
    solution_code="""
def sizes(layers, images):
    outputs = []
    x = images
    for layer in layers:
        x = layer(x)
        outputs.append(x)
    found = torch.autograd.grad(outputs[-1].mean(), outputs)
    signals = [x.square().mean().sqrt().item() for x in outputs]
    gradients = [g.square().mean().sqrt().item() for g in found]
    return signals, gradients
""",
    why="The same factor works in both directions: a layer with small weights makes the signal "
    "smaller on its way out and the gradient smaller on its way back. Repeat it twenty times, and "
    "little of either is left. Where the weights end up twice as large as they should be, both "
    "explode instead.",
)

# 2 ---------------------------------------------------------------------------------------------

_DEEP = 20
#: Widths and kernels of the plain networks that a start is tried on.
_TRIED = (
    ((24, *_DEEP * (24,)), 3),
    ((32, *(_DEEP // 2) * (64, 32)), 1),
    ((16, *_DEEP * (16,)), 5),
)
_FACTOR = 30


def _verify_start(answer: Any) -> None:
    def begin(conv: nn.Conv2d) -> None:
        std = call(answer, conv)
        try:
            std = float(std)
        except (TypeError, ValueError):
            std = math.nan
        expect(
            0 < std < math.inf,
            expected="a positive number, the deviation of this layer's weights",
            got=std,
            look="What the function returns is a single number for one layer.",
        )
        nn.init.normal_(conv.weight, std=std)

    found = {}
    for widths, kernel in _TRIED:
        layers = fresh(partial(stack, widths, kernel, begin), seed=0)
        x = torch.randn(4, widths[0], 10, 10, generator=torch.Generator().manual_seed(0))
        outputs = [x := layer(x) for layer in layers]
        error = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
        back = torch.autograd.grad((x * error).sum(), outputs)
        (first, *_, last), (near, *_, far) = (
            [t.detach().double().square().mean().sqrt() for t in ts] for ts in (outputs, back)
        )
        told = f"{_DEEP} layers of {kernel}×{kernel} and {widths[1]} channels"
        found[told] = (last / first).item(), (near / far).item()
    names = ("signal on its way out", "gradient on its way back")
    for told, ratios in found.items():
        for what, ratio in zip(names, ratios, strict=True):
            expect(
                1 / _FACTOR < ratio < _FACTOR,
                expected=f"for {told}: a {what} that changes by less than a factor of {_FACTOR}",
                got=f"{ratio:.1g} times its size" if math.isfinite(ratio) else "no finite number",
                look=_why_not([out for out, _ in found.values()], ratio),
            )


def _why_not(ratios: Sequence[float], ratio: float) -> str:
    """Say where to look, given the ratio of each network's signals and the one that is wrong."""
    if not math.isfinite(ratio) or ratio == 0:
        return "The numbers left what a float can hold. How large is one product, how many add up?"
    if min(ratios) < 1 / _FACTOR and max(ratios) > _FACTOR:
        return (
            "One network fades and another explodes: one deviation for all layers cannot suit "
            "both. How many products does one output of *this* layer add up?"
        )
    if ratio < 1 and 0.3 < -math.log2(ratio) / _DEEP < 0.7:
        return (
            "Each layer loses the same small factor, close to the root of 2. What does the ReLU "
            "do to half of the numbers?"
        )
    if ratio < 1:
        return (
            "It fades: in each layer the weights are too small for the number of inputs. If yours "
            "follow from a variance, the deviation is its root."
        )
    return "It grows from layer to layer: the weights are too large for the number of inputs."


start = Exercise(
    key="start",
    title="Repair the start",
    statement="""
Twenty convolutions in a row, each with a ReLU behind it, without biases and without normalisation.
Their weights are drawn from a normal distribution. From which deviation? Write a function that
takes one convolution and returns it, so that both the signal and its gradient get through the whole
network: neither may change by more than a factor of 30 from end to end. It is tried on networks
with other kernels and other numbers of channels, so one deviation for all will not do.
""",
    stub="""
def deviation(layer):
    \"\"\"Standard deviation for a convolution's weights, (C_out, C_in, k, k).\"\"\"
    return ...
""",
    answer="deviation",
    verify=_verify_start,
    praise="Twenty layers without normalisation, and both ways are open. So this course's networks "
    "begin, and so ResNets did.",
    hints=(
        "One output adds up `layer.weight[0].numel()` products. If weights and inputs are "
        "independent, their variances multiply, and the variances of the products add up.",
        "That would suggest a variance of one over the inputs. But the ReLU behind the layer sets "
        "half of the numbers to zero, and with them half of the mean square.",
        "So the variance should be two over the inputs; the deviation is its root.",
    ),
    solution_code="""
def deviation(layer):
    inputs = layer.weight[0].numel()  # C_in * k * k
    return (2 / inputs) ** 0.5
""",
    why="This is He's start. It keeps the mean square of the signal from layer to layer, and, "
    "where a layer has as many outputs as inputs, that of the gradient as well. Batch "
    "normalisation reaches the same end by other means: it measures the size and divides by it.",
)

# 3 ---------------------------------------------------------------------------------------------


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
        "three tensors, as in training": (GoogLeNetOutputs(main, aux2, aux1), labels),
        "three tensors, and weight=0.5": (GoogLeNetOutputs(main, aux2, aux1), labels, 0.5),
        "a network with one head: (main, None, aux1)": (GoogLeNetOutputs(main, None, aux1), labels),
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
        result = answer(GoogLeNetOutputs(*leaves), labels)
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
        leaf.grad is not None
        and want.grad is not None
        and torch.allclose(leaf.grad, want.grad, atol=1e-5)
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
        Slip(
            {"weight * F": "0.3 * F"},
            "The weight is always 0.3 here; the function is given one, as `weight`.",
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

# 4 ---------------------------------------------------------------------------------------------


@cache
def _networks() -> tuple[GoogLeNet, GoogLeNet]:
    def build(norm: Norm) -> GoogLeNet:
        return fresh(lambda: small_network(heads=True, norm=norm).train(), seed=0)

    return build(None), build("batch")


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

ALL = (travel, start, joint, reach)

# The open challenge -------------------------------------------------------------------------------


def _plain() -> Score:
    """Return the best mean of the stored plain networks, and the price of such a network."""
    rows = ends()
    rows = rows[rows["setting"].str.startswith("plain")]
    counted = account(small_network(heads=False, norm=None), (1, 28, 28))
    best = rows.groupby("setting")["test_accuracy"].mean().max()
    return Score(float(best), counted.parameters, counted.macs)


def _measure_plain(answer: Any, held_out: int) -> Score:
    def plain() -> Any:
        try:
            pair = call(answer)
        except NotAttemptedError:
            return ...
        network = pair[0] if isinstance(pair, tuple | list) and pair else pair
        wanted = small_network(heads=True, norm=None).state_dict()
        trunk = {n: v.shape for n, v in wanted.items() if not n.startswith("aux")}
        own = network.state_dict() if isinstance(network, nn.Module) else {}
        expect(
            {n: v.shape for n, v in own.items() if not n.startswith("aux")} == trunk,
            expected="the network of `small_network(heads=..., norm=None)`, and its learning rate",
            got=network,
            look="Its first weights, its heads and its rate are yours to change; its layers are "
            "not.",
        )
        return pair

    return on_clothes(plain, held_out, recipe=RECIPE, limit=_plain)


challenge = Challenge(
    topic="Auxiliary classifiers",
    title="Deep, plain and quick",
    statement="""
The small network of this chapter, eight modules without normalisation, learns little in its 150
steps. Make it learn more. Its layers stay as they are; its first weights, its heads or none, and
its learning rate are yours. It takes about a minute. For trying things out there is
`ex.challenge.check(my_network, held_out=2_000)`: it leaves the test images alone.
""",
    stub="""
from utils.experiments.auxiliary_classifiers import small_network


def my_network():
    \"\"\"The plain network, begun in your way, and its learning rate.\"\"\"
    network = small_network(heads=False, norm=None)
    for layer in network.modules():
        ...
    return network, ...
""",
    answer="my_network",
    measure=_measure_plain,
    to_beat=_plain,
    by="the best of the stored plain networks, in the mean of its runs",
)

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
            **{
                round(scale * heads / trunk, digits): "That is the heads against the network that "
                "stays. The whole that was trained is both together."
                for scale, digits in ((100, 1), (1, 3))
            },
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
            "A vanishing gradient is the lore, but it vanishes on the way from none of our four "
            "starts: even where it is faintest, it is nearly as faint at 5b, as you will see.",
        ),
        1e-3: (
            "about a thousand times smaller",
            "Smaller, but by much less than you expected. What shrinks a gradient is not the "
            "number of layers as such, but what each of them does to its size.",
        ),
        0.1: (
            "about ten times smaller",
            "And some of this is no loss on the way at all: the first convolution has far fewer "
            "weights than the last module, and a norm adds up over weights.",
        ),
        1.0: (
            "about as large",
            "You expected that nothing is lost on the way. Some is, and the first layer is small.",
        ),
        10.0: (
            "about ten times larger",
            "Larger towards the image it is with batch normalisation: see the picture below.",
        ),
    }
    nearest = min(texts, key=lambda value: abs(math.log(ratio / value)))
    return choice(
        "Take the paper's network of 22 layers without its heads and without batch normalisation, "
        "from He's start, on real photographs. How large is the gradient of the first "
        "convolution's weights, compared with that of the last module's, 5b?",
        [
            Option(
                text,
                f"It is {ratio:.2g} times as large, in the mean over all seeds. {why}",
                right=value == nearest,
            )
            for value, (text, why) in texts.items()
        ],
        prediction=True,
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
    higher = "higher" if points > 0 else "lower"
    measured = (
        f"In the mean over {int(found['pairs'])} seeds, the networks with heads end "
        f"{abs(points):.1f} points {higher}. "
    )
    texts = {
        "better, by more than 10 percentage points": (
            points > 10,
            "As much as you expected would say that such a network can hardly learn without heads.",
        ),
        "better, by 2 to 10 percentage points": (
            2 < points <= 10,
            "As much as you expected would be a strong regulariser, or a great help in learning.",
        ),
        "hardly: by less than 2 percentage points either way": (
            abs(points) <= 2,
            "Hardly anything would change if a good start and a rate of its own did for a plain "
            "network what heads are for.",
        ),
        "worse, by more than 2 percentage points": (
            points < -2,
            "Worse it would be if the heads' losses drew the early layers away from what the end "
            "needs.",
        ),
    }
    return choice(
        "A plain network, without normalisation, is trained on a few hundred images, a hundred "
        "times each. After the same number of steps: what do two heads, without dropout, do to its "
        "accuracy on images that it never saw?",
        [
            Option(
                text,
                measured + ("In the picture below, look at the spread as well." if right else why),
                right=right,
            )
            for text, (right, why) in texts.items()
        ],
        prediction=True,
        name="Predict first",
    )
