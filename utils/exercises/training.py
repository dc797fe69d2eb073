"""Exercises of the chapter on training."""

import math
from functools import cache
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..controls import Progress
from ..data import fashion_mnist, results
from ..experiments.measures import fresh
from ..experiments.training import RECIPE
from ..interactive import Interactive
from ..support.telling import Estimate
from ..training import Recipe
from . import questions
from .answers import MismatchError, call, expect, short
from .challenges import Challenge, Score, accepted, learned
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Numbers, Slip, noise

# 1 ---------------------------------------------------------------------------------------------

_CYCLE = (
    *((step, 100, 0.8, 0.25) for step in (0, 10, 25, 26, 60, 99)),
    *((step, 50, 0.2, 0.0) for step in (0, 1, 49)),
    *((step, 234, 0.8, 0.2) for step in (46, 47, 200)),  # the rise ends between two steps
)

cycle = Exercise(
    key="cycle",
    title="One cycle",
    statement="""
Write the schedule of this chapter's recipe. In the first part of the training, `warmup` of all
steps, the rate rises in a straight line from a tenth of its peak to the peak. Then it falls in a
straight line, and would reach 0 at step `steps`, the first one that is not taken any more. Steps
count from 0. The warm-up may be 0; then the first step is taken at the peak.
""",
    stub="""
def rate(step, steps, peak, warmup):
    \"\"\"The learning rate of one step.\"\"\"
    rise = ...  # steps in which it rises
    return ...
""",
    answer="rate",
    cases=_CYCLE,
    case=lambda step, steps, peak, warmup: f"step {step} of {steps}, peak {peak}, warm-up {warmup}",
    results=(
        Number(
            expected="the rate on the two straight lines",
            got="{got:.4g}",
            close=1e-6,
            look="Draw it: which two points does the straight line of this step connect?",
        ),
    ),
    slips=(
        Slip(
            {"peak * (0.1": "(0.1", "peak * (steps": "(steps"},
            "That is the share of the peak: what is asked for is the rate.",
            whole=True,
        ),
        Slip(
            {"peak * (0.1 + 0.9 * step / rise)": "peak * step / rise"},
            "The rise begins at a tenth of the peak. From 0, the first step would change nothing.",
        ),
        Slip(
            {"peak * (0.1 + 0.9 * step / rise)": "peak * (0.1 + step / rise)"},
            "The rise goes on to 1.1 times the peak: nine tenths are left to be climbed.",
        ),
        Slip(
            {"(steps - step) / (steps - rise)": "(steps - step) / steps"},
            "The fall begins below the peak, so the rate jumps. It starts where the rise ends, and "
            "has `steps - rise` steps.",
        ),
        Slip(
            {"(steps - step) / (steps - rise)": "(steps - 1 - step) / (steps - 1 - rise)"},
            "Step `steps` is the first that is not taken; the last one has a little rate left.",
        ),
        Slip(
            {"(steps - step) / (steps - rise)": "(1 - (step - rise) / steps)"},
            "The fall is too slow: it has `steps - rise` steps, not all of them.",
        ),
        Slip(
            {"    if step < rise:\n        return peak * (0.1 + 0.9 * step / rise)\n": ""},
            "There is no rise: before step `rise` the line goes up.",
        ),
        Slip(
            {"peak * (0.1 + 0.9 * step / rise)": "0.1 + (peak - 0.1) * step / rise"},
            "The rise begins at a tenth *of the peak*, not at 0.1.",
        ),
        Slip(
            {"peak * (0.1 + 0.9 * step / rise)": "peak * (0.1 + 0.9 * (step + 1) / rise)"},
            "Steps count from 0: step 0 is taken at a tenth of the peak.",
        ),
        Slip(
            {"peak * (steps - step) / (steps - rise)": "peak"},
            "Behind the rise it should fall, and reach 0 at step `steps`.",
        ),
        Slip(
            {
                "peak * (steps - step) / (steps - rise)": "peak * (1 - 0.9 * (step - rise)"
                " / (steps - rise))"
            },
            "That falls to a tenth of the peak. It would reach 0 at step `steps`.",
        ),
        Slip(
            {
                "peak * (steps - step) / (steps - rise)": "peak * math.cos("
                "math.pi / 2 * (step - rise) / (steps - rise)) ** 2",
                "def rate": "import math\n\n\ndef rate",
            },
            "That is half a cosine. Here the fall is a straight line.",
        ),
        Slip(
            {"warmup * steps": "warmup"},
            "`warmup` is a share of all steps: in how many steps does the rate rise?",
        ),
        Slip(
            {"warmup * steps": "int(warmup * steps)"},
            "The rise may end between two steps: leave `warmup * steps` as it is, unrounded.",
        ),
        Slip(
            {"warmup * steps": "round(warmup * steps)"},
            "The rise may end between two steps: leave `warmup * steps` as it is, unrounded.",
        ),
        Slip(
            {"step < rise": "step < rise or not rise"},
            "With a warm-up of 0 there is nothing to divide by: the fall begins at once.",
        ),
    ),
    praise="The same two lines as in `Recipe.rate`.",
    hints=(
        "There are two cases: before step `rise = warmup * steps`, and from there on.",
        "In the first case the share of the peak goes from 0.1 at step 0 to 1 at step `rise`; in "
        "the second from 1 at step `rise` to 0 at step `steps`.",
        "The second one is `peak * (steps - step) / (steps - rise)`.",
    ),
    solution_code="""
def rate(step, steps, peak, warmup):
    rise = warmup * steps
    if step < rise:
        return peak * (0.1 + 0.9 * step / rise)
    return peak * (steps - step) / (steps - rise)
""",
    why="While the weights are still random, the gradient points somewhere else after every step, "
    "and a large rate would follow it too far. At the end small steps let the weights settle. The "
    "height in between is what does the work.",
)

# 2 ---------------------------------------------------------------------------------------------


@cache
def _seers() -> tuple[tuple[nn.Module, Tensor], ...]:
    """Return networks in training mode, which tell left from right, and images."""

    def build() -> tuple[tuple[nn.Module, Tensor], ...]:
        def network(channels: int) -> nn.Module:
            scores = nn.Linear(24, 5)
            nn.init.normal_(scores.weight, std=1.5)
            layers = nn.Sequential(
                nn.Conv2d(channels, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(),
                nn.AdaptiveAvgPool2d(2), nn.Flatten(), scores,
            )  # fmt: skip
            for _ in range(3):  # statistics of its own
                layers(0.5 + torch.rand(16, channels, 6, 6))
            return layers.train()

        return tuple((network(c), torch.randn(4, c, 6, 7)) for c in (1, 3))

    return fresh(build, seed=0)


def _look_of_views(got: Tensor, *_: Any) -> str:
    if bool((got < 0).any()) or bool((got > 1).any()):
        return "Probabilities lie between 0 and 1: where is the softmax, and where the mean?"
    if not torch.allclose(got.sum(dim=1), torch.ones(len(got)).double(), atol=1e-3):
        return "The probabilities of an image should add up to 1: how are the two put together?"
    return "Two forward passes in evaluation mode, two softmaxes, one mean."


second_look = Exercise(
    key="second_look",
    title="Look twice",
    statement="""
Write the evaluation with mirrored views. The function takes a network and images (N, C, H, W), and
returns probabilities (N, classes): the mean of what the network gives for the images and for their
mirror images, left to right. The network may come in training mode.
""",
    stub="""
def look_twice(network, images):
    \"\"\"Mean probabilities of two views: (N, classes).\"\"\"
    ...
    return ...
""",
    answer="look_twice",
    cases=lambda: _seers(),
    case=lambda network, images: f"{len(images)} images of {images.shape[1]} channels",
    results=(
        Array(
            expected="the mean of two probabilities, class by class",
            look=_look_of_views,
            close=1e-4,
            shape="One row for each image, one column for each class.",
        ),
    ),
    slips=(
        Slip(
            {"    network.eval()\n": ""},
            "The network answers in training mode: batch normalisation then looks at the batch.",
        ),
        Slip(
            {"flip(3)": "flip(2)"},
            "These images stand on their heads. The last dimension is the width.",
        ),
        Slip(
            {"flip(3)": "flip(1)"},
            "Dimension 1 holds the channels; in a picture of one channel that changes nothing. The "
            "width is the last dimension.",
            whole=True,
        ),
        Slip({"flip(3)": "flip(2, 3)"}, "That turns the images round: mirror the width alone."),
        Slip(
            {"sum(network(x).softmax(1) for x in views) / 2": "network(views[1]).softmax(1)"},
            "That is the mirror image alone. Both views count.",
        ),
        Slip(
            {
                "sum(network(x).softmax(1) for x in views) / 2": "sum(network(x) for x in views)"
                ".softmax(1)"
            },
            "The scores are added before softmax. What is asked for is the mean of the "
            "probabilities.",
        ),
        Slip({"flip(3)": "flip(0)"}, "That turns the order of the images, not their sides."),
        Slip(
            {
                "sum(network(x).softmax(1) for x in views) / 2": "(sum(network(x) for x in views)"
                " / 2).softmax(1)"
            },
            "The scores are averaged before softmax. What is asked for is the mean of the "
            "probabilities.",
        ),
        Slip({") / 2": ")"}, "The probabilities of a row should add up to 1, not to 2."),
        Slip({".softmax(1)": ""}, "These are scores, not probabilities."),
        Slip({".softmax(1)": ".softmax(0)"}, "Softmax is taken over the classes, dimension 1."),
        Slip(
            {"views = (images, images.flip(3))": "views = (images, images)"},
            "Both views are the same: this is what one look gives.",
        ),
    ),
    praise="Two views, one answer. It costs twice the time and no training.",
    hints=(
        "`images.flip(3)` mirrors a batch left to right.",
        "`network.eval()` first; `.softmax(1)` turns scores into probabilities.",
    ),
    solution_code="""
def look_twice(network, images):
    network.eval()
    views = (images, images.flip(3))
    with torch.no_grad():
        return sum(network(x).softmax(1) for x in views) / 2
""",
    why="A shoe that points left is a shoe. The network was trained on mirrored images too, but "
    "its answers to the two still differ a little, and part of what differs is error.",
)

# 3 ---------------------------------------------------------------------------------------------


@cache
def _lessons() -> tuple[tuple[nn.Module, list[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]], ...]:
    """Return networks, batches to train on, and test images of one class alone."""

    def build() -> tuple:
        def lesson(classes: int) -> tuple:
            middles = torch.randn(classes, 6)  # so close that not all are named right

            def images(labels: Tensor) -> Tensor:
                return middles[labels] + torch.randn(len(labels), 6)

            batches = [torch.randint(0, classes, (24,)) for _ in range(12)]
            network = nn.Sequential(
                nn.Linear(6, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, classes)
            )
            alone = torch.full((30,), classes - 1)
            return network, [(images(y), y) for y in batches], (images(alone), alone)

        return lesson(4), lesson(3)

    return fresh(build, seed=1)


_GRADIENTS = "Does each step start from a gradient of its own? `backward()` adds to what is there."
_SOFTMAX = "`F.cross_entropy` takes scores, and does the softmax itself. Here it is done twice."
_MODE = "While it is tested, batch normalisation should not look at the test images: the mode?"


def _look_of_share(got: float, *_: Any) -> str:
    if not 0 <= got <= 1:
        return "What is asked for is a share, from 0 to 1: neither a count nor a percentage."
    return (
        "The training is right. Which share of *all* test images is named right, and what is "
        "different about the network while it is tested?"
    )


loops = Exercise(
    key="loops",
    title="Three faults",
    statement="""
This loop runs without any error, and the loss falls. Yet it has three faults, each of which is made
every day. Find and mend them, and write the line that is missing. The function returns the losses,
step by step, and the share of the test images that the trained network names right. Leave the
optimiser and the order of the batches as they are.
""",
    stub="""
import torch
from torch.nn import functional as F


def learn(network, batches, test):
    \"\"\"Losses, step by step, and the share of test images named right.\"\"\"
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network.train()
    losses = []
    for images, labels in batches:
        scores = network(images).softmax(1)
        loss = F.cross_entropy(scores, labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    images, labels = test
    with torch.no_grad():
        right = network(images).argmax(1) == labels
    accuracy = ...
    return losses, accuracy
""",
    answer="learn",
    cases=lambda: _lessons(),
    case=lambda network, batches, test: f"{network[-1].out_features} classes",
    results=(
        Numbers(
            each="batch",
            several="batches",
            many="Each batch is used once, in its order.",
            expected="the losses of a loop without faults",
            look="Two things can be wrong so far: the loss itself, and what a step starts from.",
        ),
        Number(
            expected="the share of test images that the trained network names right",
            got="{got:.3f}, after the right losses",
            close=1e-3,
            look=_look_of_share,
        ),
    ),
    slips=(
        Slip(
            {"        optimiser.zero_grad()\n": "", "    network.eval()\n": ""},
            _GRADIENTS,
            whole=True,
        ),
        Slip({"        optimiser.zero_grad()\n": ""}, _GRADIENTS + " The other two are mended."),
        Slip(
            {"network(images)\n        loss": "network(images).softmax(1)\n        loss"}, _SOFTMAX
        ),
        Slip(
            {
                "        optimiser.zero_grad()\n": "",
                "network(images)\n        loss": "network(images).softmax(1)\n        loss",
            },
            "Both the loss and the gradient are still wrong: read the five lines of a step again, "
            "one by one.",
        ),
        Slip(
            {
                "        optimiser.zero_grad()\n": "",
                "backward()\n": "backward()\n        optimiser.zero_grad()\n",
            },
            "Here the gradient is thrown away before the step can use it: the weights never move.",
        ),
        Slip(
            {"    network.train()\n": "    network.eval()\n"},
            "While it learns, the network should be in training mode; the other one is for the "
            "test.",
        ),
        Slip(
            {"F.cross_entropy(": "F.nll_loss("},
            "`F.nll_loss` takes logarithms of probabilities. Stay with `F.cross_entropy`: what "
            "does it take?",
        ),
        Slip({"    network.eval()\n": ""}, _MODE),
        Slip(
            {"right.float().mean().item()": "float(right.any())"},
            "That says whether any test image is named right: how many of them are, as a share?",
        ),
    ),
    praise="None of the three raises an error, and with each of them the loss falls. That is why "
    "they live long.",
    hints=(
        "One fault is in what the loss is given, one in what a step starts from, one after the "
        "loop.",
        "`F.cross_entropy` takes scores. `backward` adds to the gradients that are there. A "
        "network has two modes.",
        "Three changes: take `.softmax(1)` away; put `optimiser.zero_grad()` in front of "
        "`loss.backward()`; put `network.eval()` in front of the test.",
    ),
    solution_code="""
from torch.nn import functional as F


def learn(network, batches, test):
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network.train()
    losses = []
    for images, labels in batches:
        scores = network(images)
        loss = F.cross_entropy(scores, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    images, labels = test
    network.eval()
    with torch.no_grad():
        right = network(images).argmax(1) == labels
    accuracy = right.float().mean().item()
    return losses, accuracy
""",
    why="Softmax twice squeezes the scores into 0 to 1, so the loss can never come near 0. "
    "Gradients that add up are a momentum that nobody asked for. In training mode a test image's "
    "answer depends on the images beside it: here they were all of one class, and it is gone.",
)

# 4 ---------------------------------------------------------------------------------------------


def _grouped() -> tuple[nn.Module, ...]:
    """Build networks with weights, biases and normalisation, one with a name that misleads."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.biased = nn.Linear(3, 4)
            self.norm = nn.LayerNorm(4)
            self.temperature = nn.Parameter(torch.ones(()))

    conv = nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Flatten())
    return nn.Sequential(conv, nn.Linear(12, 2)), fresh(Odd, seed=0)


def _verify_groups(answer: Any) -> None:
    for network, asked in zip(_grouped(), (0.01, 0.3), strict=True):
        # The reader's own groups hold the network's parameters: it is not copied.
        found = call(answer, network, asked, copied=False)
        try:
            groups = torch.optim.SGD(_few(found), lr=0.1).param_groups
        except Exception as error:
            raise MismatchError(
                "groups that `torch.optim.SGD` takes",
                f"{type(error).__name__}: {error}",
                "A list of dictionaries, each with `params`, a list, and `weight_decay`; no "
                "parameter stands in two of them.",
            ) from None
        decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
        for name, parameter in network.named_parameters():
            weight = parameter.ndim >= 2
            shape = tuple(parameter.shape)
            expect(
                id(parameter) in decays,
                expected="every parameter in one of the groups",
                got=f"`{name}` of shape {shape} in none",
                look="What is in no group is not trained at all.",
            )
            decay = decays[id(parameter)]
            expect(
                decay == (asked if weight else 0),
                expected=f"a decay of {asked if weight else 0} for a parameter of shape {shape}, "
                f"when {asked} was asked for",
                got=f"`{name}` with {decay}",
                look=_look_of_group(name, shape, weight)
                if decay in (0, asked)
                else "How strong the decay is, the function is told: does it use what it is given?",
            )


def _few(groups: Any) -> list[dict[str, Any]]:
    """Return groups as lists, cut off long after a network's end: an answer may be endless."""
    found = []
    for group in islice(groups, 1_000):
        if not isinstance(group, dict):
            raise TypeError(f"a group is {short(group)}")
        params = group["params"]
        single = isinstance(params, Tensor)
        found.append({**group, "params": params if single else list(islice(params, 1_000))})
    return found


def _look_of_group(name: str, shape: tuple[int, ...], weight: bool) -> str:
    if weight:
        return "This one multiplies what it is given, and mixes it: it is a weight."
    if name.endswith("bias"):
        return "A bias is added; it holds nothing that should shrink."
    if not shape:
        return "A single number that scales everything is no weight either: look at the dimensions."
    return "It is called `weight`, but it scales a channel each: look at the number of dimensions."


groups = Exercise(
    key="groups",
    title="Decay weights alone",
    statement="""
The recipe shrinks weights, and nothing else: tensors of two and more dimensions. Biases and what
normalisation scales and shifts with are left alone. Write a function that takes a network and a
decay, and returns the groups of parameters that `torch.optim.SGD` takes: a list of dictionaries,
each with `params` and `weight_decay`. Every parameter of the network belongs to one of them.
""",
    stub="""
def groups(network, decay):
    \"\"\"Parameters with weight decay, and those without.\"\"\"
    weights = ...
    others = ...
    return [
        {"params": weights, "weight_decay": ...},
        {"params": others, "weight_decay": ...},
    ]
""",
    answer="groups",
    verify=_verify_groups,
    praise="Weights decay; biases and normalisation do not.",
    hints=(
        "`network.parameters()` gives all of them; `p.ndim` is the number of dimensions.",
        "Two list comprehensions over `network.parameters()`, with `p.ndim >= 2` and `p.ndim < 2`.",
    ),
    solution_code="""
def groups(network, decay):
    weights = [p for p in network.parameters() if p.ndim >= 2]
    others = [p for p in network.parameters() if p.ndim < 2]
    return [
        {"params": weights, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
""",
    why="Names mislead: the scale of batch normalisation is called `weight`, too. Dimensions do "
    "not. A decayed scale would fight what normalisation is there for, and a decayed bias has no "
    "excess to lose.",
)

# 5 ---------------------------------------------------------------------------------------------

_SMOOTH = (
    (*noise(3, ((6, 5),))[0], torch.tensor([0, 4, 2, 2, 1, 3]), 0.1),
    (4 * noise(4, ((3, 3),))[0][0], torch.tensor([2, 0, 1]), 0.3),
    (30 * noise(5, ((2, 4),))[0][0], torch.tensor([1, 3]), 0.0),
    (torch.tensor([[300.0, -300, 0, 20], [-300, 5, 300, 10]]), torch.tensor([1, 0]), 0.2),
)

_LARGE = (
    "For large scores a probability is rounded to 0, and its logarithm is infinite, or whatever "
    "was added to prevent that: take both in one step."
)


def _look_of_smoothed(got: float, want: float, scores: Tensor, *_: Any) -> str:
    if not math.isfinite(got) or scores.abs().max() > 20:
        return _LARGE
    return "Write the target of one image as a row that adds up to 1, and compare."


smoothed = Exercise(
    key="smoothed",
    title="Smooth the labels",
    statement="""
Label smoothing does not ask for certainty. Of each target a share, `smoothing`, is spread evenly
over all classes, the right one included; the rest stays on the right one. Write the loss: the mean
over the images of the cross-entropy between these targets and the network's probabilities.
`F.cross_entropy` can do this, and is what the check compares with: here, write it yourself. Scores
may be large.
""",
    stub="""
def smoothed(scores, labels, smoothing):
    \"\"\"Mean loss of scores (N, classes) and labels (N,), in nats.\"\"\"
    log_p = ...
    target = ...
    return ...
""",
    answer="smoothed",
    cases=_SMOOTH,
    case=lambda scores, labels, smoothing: (
        f"scores of shape {tuple(scores.shape)}, smoothing {smoothing}"
    ),
    results=(
        Number(
            expected="the mean cross-entropy with the smoothed targets",
            got="{got:.5g}",
            close=1e-4,
            look=_look_of_smoothed,
        ),
    ),
    reference=lambda scores, labels, smoothing: F.cross_entropy(
        scores, labels, label_smoothing=smoothing
    ),
    slips=(
        Slip(
            {"smoothing / classes": "(target == 0) * smoothing / (classes - 1)"},
            "The share goes to *all* classes, the right one included, so it is divided by their "
            "number.",
        ),
        Slip(
            {"(1 - smoothing)": "1", "smoothing / classes": "0"},
            "This asks for certainty: what does `smoothing` change about the target?",
        ),
        Slip(
            {"target += smoothing / classes": "target[target == 0] = smoothing / classes"},
            "These targets add up to less than 1: the right class gets a part of the share, too.",
        ),
        Slip(
            {"    target += smoothing / classes\n": ""},
            "These targets add up to less than 1: where does the share go that is taken away?",
        ),
        Slip(
            {"smoothing / classes": "smoothing / len(scores)"},
            "The share is spread over the classes, not over the images.",
        ),
        Slip(
            {"-(target * log_p)": "(target * (target.clamp(min=1e-30).log() - log_p))"},
            "That is the divergence from the target, which takes the target's own entropy off. "
            "Cross-entropy does not.",
        ),
        Slip(
            {".mean()": ".mean() / 0.6931471805599453"},
            "That is in bits. Nats take the natural logarithm.",
        ),
        Slip(
            {"scores.log_softmax(1)": "scores"},
            "Scores are no logarithms of probabilities yet: `log_softmax`.",
        ),
        Slip(
            {"scores.log_softmax(1)": "(scores.softmax(1) + 1e-8).log()"},
            _LARGE,
        ),
        Slip(
            {"(1 - smoothing) * target": "target"},
            "A target should add up to 1. The right class gives up what the others get.",
        ),
        Slip(
            {"target += smoothing / classes": "target += smoothing"},
            "Each class gets the whole share; it is to be spread over them.",
        ),
        Slip(
            {".sum(1).mean()": ".mean()"},
            "The mean is taken over the images only. Over the classes it is a sum.",
        ),
        Slip({".sum(1).mean()": ".sum()"}, "The mean over the images is asked for, not their sum."),
        Slip({"-(target": "(target"}, "A loss is not negative: where is the minus?"),
        Slip({"scores.log_softmax(1)": "scores.log_softmax(0)"}, "Softmax runs over the classes."),
        Slip(
            {"scores.log_softmax(1)": "scores.softmax(1).log()"},
            _LARGE,
        ),
        Slip(
            {"scores.log_softmax(1)": "scores.softmax(1)"},
            "That is the probability; cross-entropy takes its logarithm.",
        ),
    ),
    praise="The same as `F.cross_entropy(..., label_smoothing=...)`.",
    hints=(
        "`scores.log_softmax(1)` is the logarithm of the probabilities, and safe for large scores.",
        "`F.one_hot(labels, classes)` is the target without smoothing.",
        "Smoothed: `(1 - smoothing) * target + smoothing / classes`.",
    ),
    solution_code="""
from torch.nn import functional as F


def smoothed(scores, labels, smoothing):
    classes = scores.shape[1]
    log_p = scores.log_softmax(1)
    target = F.one_hot(labels, classes).to(scores.dtype)
    target = (1 - smoothing) * target
    target += smoothing / classes
    return -(target * log_p).sum(1).mean()
""",
    why="Without smoothing the loss keeps falling as the right score grows for ever. With it there "
    "is a best distance between the right score and the others, and no reward for going beyond it.",
)

ALL = (cycle, second_look, loops, groups, smoothed)

# The open challenge -----------------------------------------------------------------------------


def _best() -> tuple[str, Any]:
    """Return the stored setting with the highest mean accuracy, and its rows."""
    rows = results(RECIPE.name)
    name = str(rows.groupby("setting")["test_accuracy"].mean().idxmax())
    return name, rows[rows["setting"] == name]


def _stored() -> Score:
    rows = _best()[1]
    first = rows.iloc[0]
    costs = (int(first[name]) for name in ("parameters", "macs", "images"))
    return Score(rows["test_accuracy"].mean(), *costs)


def budget() -> int:
    """Return the multiply-adds of a training that the challenge allows, counted forward alone."""
    best = _stored()
    return best.macs * best.images


def _measure_training(answer: Any, held_out: int) -> Score:
    """Train what the reader's function gives, a network and a recipe, and test it."""
    pair = fresh(lambda: call(answer), seed=0)
    expect(
        isinstance(pair, tuple | list)
        and len(pair) == 2
        and isinstance(pair[0], nn.Module)
        and isinstance(pair[1], Recipe),
        expected="a network and a recipe",
        got=pair,
        look="The function should end in `return network, recipe`.",
    )
    network, recipe = pair
    counted = accepted(network)
    # A rehearsal has fewer images; what it lets pass, the test should let pass, too.
    steps = recipe.steps(len(fashion_mnist("train")) // recipe.batch_size)
    spent, most = counted.macs * steps * recipe.batch_size, budget()
    expect(
        0 < spent <= 1.02 * most,
        expected=f"at most {most / 1e9:.0f} billion multiply-adds in the whole training, within 2%",
        got=f"{spent / 1e9:.0f} billion: {counted.macs / 1e6:.2f} million for each of "
        f"{steps * recipe.batch_size:,} images",
        look="Multiply-adds for one image, times images seen: a smaller network, or fewer epochs.",
    )
    bar = Progress("steps")
    steps = recipe.steps((len(fashion_mnist("train")) - held_out) // recipe.batch_size)
    return learned(
        network,
        held_out,
        recipe=recipe,
        watch=lambda step, loss: bar(step, steps, f"loss {loss:.2f}"),
        shared=("images",),
    )


challenge = Challenge(
    topic="Training",
    title="The record on ten thousand",
    statement="""
Your network, your recipe, the ten thousand training images that ship, and all the test images. The
budget is of multiply-adds: those of one image, times the images seen in training, and no more than
one of the chapter's stored runs took. A network at half the price may see twice as many images. It
begins untrained, from seed 0, and is tested with one view. A try takes about a minute. Choose with
`ex.challenge.check(my_training, held_out=2_000)`, which leaves the test images alone; then check
once. The line is yours to share.
""",
    stub="""
from utils.googlenet import micro_googlenet
from utils.training import Recipe


def my_training():
    \"\"\"A network for images of (1, 28, 28), and its recipe.\"\"\"
    network = micro_googlenet(in_channels=1)
    recipe = Recipe(epochs=5, peak_rate=0.8, crop=2, flip=True)
    return ..., recipe  # change both
""",
    answer="my_training",
    measure=_measure_training,
    to_beat=_stored,
    by="the best of the chapter's stored recipes, in the mean of its runs",
)

# Questions, answered in the page ----------------------------------------------------------------


def half_of_the_rate(factor: float = 0.96, every: int = 8) -> Interactive:
    """Ask after how many epochs a rate that falls by a share every few epochs is halved."""
    drops = math.ceil(math.log(0.5) / math.log(factor))
    percent = round(100 * (1 - factor))
    return questions.number(
        f"The rate falls by {percent}% every {every} epochs. After how many epochs is it half of "
        "what it was?",
        drops * every,
        tolerance=0.02,
        diagnoses={
            drops: f"That is the number of drops. Each of them comes after {every} epochs.",
            every * 50 / percent: f"{percent}% of the *first* rate at each drop would lead there. "
            f"But each drop takes {percent}% of what is left.",
            every * 100 / percent: "By then it would be zero, if each drop took the same amount.",
        },
        right=f"{drops} drops: {factor} multiplied by itself {drops} times is "
        f"{factor**drops:.3f}, just below a half.",
        otherwise=f"How often must {factor} be multiplied by itself to give a half? Each time "
        f"takes {every} epochs.",
    )


def dearest_ingredient(gained: dict[str, Estimate]) -> Interactive:
    """Ask, before the results, which part of the recipe costs accuracy when it is *in*.

    Parameters
    ----------
    gained : dict
        What leaving a part out adds, in percentage points: "batch normalisation",
        "schedule", "augmentation", "label smoothing".

    Raises
    ------
    ValueError
        Not exactly one of them gains when left out.
    """
    better = [name for name, points in gained.items() if (points.mean or 0) > 0]
    if len(better) != 1:
        raise ValueError(f"expected one part that is better left out, got {better}")
    (right,) = better

    def measured(name: str) -> str:
        points = gained[name]
        return f"Left out, {name} changes the accuracy by {points:+.1f} points. ".replace("-", "−")

    expected = {
        "batch normalisation": "Even at a rate of its own the network without it learns far less "
        "in so few steps.",
        "schedule": "A rate that never falls keeps the weights moving to the last step.",
        "label smoothing": "It is a small part, and here it helps a little.",
        "augmentation": "In five epochs the network is still busy with the plain images, and moved "
        "and mirrored ones make the task harder.",
    }
    options = [
        Option(name, measured(name) + ("" if name == right else expected[name]), right=False)
        for name in gained
        if name != right
    ]
    options.insert(
        2, Option(right, measured(right) + expected.get(right, "It surprised us, too."), right=True)
    )
    return choice(
        "Four parts of the recipe are left out, one at a time, in a training of five epochs. "
        "Without one of them the network becomes *better*. Which?",
        options,
        prediction=True,
        name="Predict first",
    )


def changing_places() -> Interactive:
    """Ask, before it is tried, which pool a 1x1 convolution may trade places with."""
    sums = "Each output of the 1x1 is a weighted sum over channels, at one place. "
    return choice(
        "A pool of nine neighbours, then a 1×1 convolution without bias: which pool may trade "
        "places with it, whatever the weights, and nothing changes?",
        [
            Option(
                "an average pool, not a max pool",
                sums + "An average is such a sum over places, and sums may be taken in either "
                "order.",
                right=True,
            ),
            Option(
                "a max pool, not an average pool",
                "A max pool may trade places with a ReLU. But the greatest of several sums is no "
                "sum of the greatest: the nine maxima of two channels can lie at different places.",
                right=False,
            ),
            Option(
                "both",
                "The maxima of two channels can lie at different places. After the convolution "
                "there is one map, and one place for its maximum.",
                right=False,
            ),
            Option(
                "neither",
                sums + "Is an average over places so different?",
                right=False,
            ),
        ],
        prediction=True,
        name="Predict first",
    )
