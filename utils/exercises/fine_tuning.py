"""Exercises of the chapter on fine-tuning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..experiments import fine_tuning as experiment
from ..experiments.fine_tuning import ALL as ALL_LAYERS
from ..experiments.fine_tuning import ARMS, EVEN, HEAD, SCRATCH, UNTRAINED
from ..experiments.measures import fresh
from ..googlenet import micro_googlenet
from ..interactive import Interactive
from ..support.modes import in_evaluation
from ..training import evaluate
from ..training.batches import normalise
from . import questions
from .answers import MismatchError, call, expect, short
from .challenges import Challenge, Score
from .core import Exercise
from .questions import Option, choice
from .results import Number, Result, Slip

# 1 ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stages(Result):
    """Names of stages, in order."""

    def read(self, value: Any, like: Any, case: str) -> list[str]:
        """Return a list of them."""
        if isinstance(value, Mapping | str) or not isinstance(value, Iterable):
            look = 'Return the names as a list, as in `["inception4b", "fc"]`.'
            raise MismatchError("a list of names", short(value), look)
        names = list(islice(value, 100))  # it may have no end
        if not all(isinstance(name, str) for name in names):
            look = "Return names alone, without their costs."
            raise MismatchError("a list of names", short(value), look)
        return names


def _budgets() -> list[tuple[dict[str, int], int]]:
    micro = {"conv1": 226, "3a": 1110, "3b": 2100, "4a": 760, "4b": 830, "fc": 1}
    hill = {"stem": 40, "one": 10, "two": 300, "three": 20, "fc": 5}
    deep = {"a": 7, "b": 90, "c": 50, "d": 30, "e": 20, "f": 10, "fc": 1}
    return [
        (micro, 5000),
        (micro, 3 + 3 * 830 + 2 * 760),
        (micro, 2),
        (micro, 1),
        (hill, 500),
        (hill, 10**6),
        (hill, 3 * 5 + 3 * 20 + 2 * 300 - 1),
        *((deep, budget) for budget in range(20, 660, 40)),
    ]


_ABOVE = "3 * sum(costs[name] for name in names[start + 1 :])"

free = Exercise(
    key="free",
    title="What a budget lets you free",
    statement="""
How many stages can you afford to train? `costs` gives for each stage, from the image to the head,
its multiply-adds for one image, forward. What lies below the lowest stage that is free is
frozen: it
is computed once, and costs nothing here. From there up, each training image costs, for each stage,
its multiply-adds once on the way forward and twice on the way back: as much for the gradient of its
weights, and as much again for the gradient of its input. The lowest free stage does not need the
latter. Free as many stages as `budget` allows, from the head downwards, without a gap. Return their
names in the order of `costs`; an empty list if not even the head fits.
""",
    stub="""
def choose(costs, budget):
    \"\"\"Names of the stages to free: those at the end of costs.\"\"\"
    names = list(costs)  # from the image to the head
    chosen = []
    ...
    return ...
""",
    answer="choose",
    cases=_budgets,
    case=lambda costs, budget: f"the costs {dict(costs)} and a budget of {budget:,}",
    results=(
        Stages(
            expected="as many stages as the budget allows, from the head down",
            look="Take the head and one stage below it, and add up by hand: three times the one, "
            "twice the other.",
        ),
    ),
    slips=(
        Slip(
            {"2 * costs[names[start]] +": "3 * costs[names[start]] +"},
            "The lowest free stage needs no gradient of its input: nothing below it learns.",
            whole=True,
        ),
        Slip(
            {"3 * sum": "2 * sum"},
            "That is too cheap for the stages above the lowest: forward, and twice back.",
            whole=True,
        ),
        Slip(
            {f"2 * costs[names[start]] + {_ABOVE}": "sum(costs[name] for name in names[start:])"},
            "That is the way forward alone. Training goes back, too.",
            whole=True,
        ),
        Slip(
            {"return names[start:]": "return names[: len(names) - start]"},
            "Those are the stages at the image. What is free lies at the other end: the frozen "
            "part "
            "has to be below it, or nothing can be computed once.",
            whole=True,
        ),
        Slip(
            {"return names[start:]": "return names[:start]"},
            "Those are the stages that stay frozen.",
            whole=True,
        ),
        Slip(
            {"return names[start:]": "return names[start:][::-1]"},
            "The right stages, in the wrong order: asked for is that of `costs`.",
            whole=True,
        ),
        Slip(
            {"<= budget": "< budget"},
            "A budget may be spent to the last multiply-add.",
            whole=True,
        ),
        Slip(
            {"    return []": "    return names[-1:]"},
            "Not even the head fits, and it is chosen all the same.",
            whole=True,
        ),
        Slip(
            {_ABOVE: f"{_ABOVE} + sum(costs[name] for name in names[:start])"},
            "The frozen stages are counted as well. They are computed once, before training.",
            whole=True,
        ),
        Slip(
            "def choose(costs, budget):\n"
            "    chosen, spent, factor = [], 0, 2\n"
            "    for name in reversed(list(costs)):\n"
            "        if spent + factor * costs[name] <= budget:\n"
            "            spent += factor * costs[name]\n"
            "            chosen.insert(0, name)\n"
            "            factor = 3\n"
            "    return chosen",
            "Twice is the price of the *lowest* free stage, not of the head; and a stage that "
            "is too "
            "dear cannot be jumped: below it nothing may be free.",
            whole=True,
        ),
    ),
    praise="Freezing is not only about forgetting: what is frozen at the bottom is computed once, "
    "and what is frozen in the middle saves next to nothing.",
    hints=(
        "Try every lowest stage, from the image on: the first that fits frees the most.",
        "If stage number `start` is the lowest, the price is twice its own, and three times the "
        "sum "
        "of those above it.",
        "`names[start:]` are the stages from there to the head.",
    ),
    solution_code="""
def choose(costs, budget):
    names = list(costs)
    for start in range(len(names)):
        price = 2 * costs[names[start]] + 3 * sum(costs[name] for name in names[start + 1 :])
        if price <= budget:
            return names[start:]
    return []
""",
    why="The lower the lowest free stage, the dearer: so the first that fits, seen from the image, "
    "is the one that frees most.",
)

# 2 ---------------------------------------------------------------------------------------------


def _networks() -> list[tuple[nn.Module]]:
    build = partial(micro_googlenet, 5, in_channels=1)
    whole, frozen, kept, two, own, calm = (build() for _ in range(6))
    for network in (frozen, kept, two):
        network.requires_grad_(False)
        network.fc.requires_grad_(True)
    for part in (*kept.children(), *two.children()):
        part.eval()
    for name in ("inception4b", "fc"):
        part = two.get_submodule(name)
        part.train().requires_grad_(True)
    for module in own.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = module.running_var = None  # takes each batch's own
            module.track_running_stats = False
    calm.eval()
    return [(frozen,), (calm,), (kept,), (whole,), (two,), (own,)]


def _which_network(network: Any) -> str:
    names = (
        "a network of which nothing is frozen",
        "one whose weights are frozen but for the head, in training mode",
        "the same with all below the head in evaluation mode",
        "one whose last module and head are free",
        "one whose batch normalisation keeps no averages",
        "one in evaluation mode, with nothing frozen",
    )
    grads = tuple(p.requires_grad for p in network.parameters())
    modes = tuple(m.training for m in network.modules())
    kept = any(name.endswith("running_mean") for name, _ in network.named_buffers())
    if not kept:
        return names[4]
    if all(grads):
        return names[0] if any(modes) else names[5]
    if network.inception4b.training and not network.inception4a.training:
        return names[3]
    return names[1] if network.conv1.training else names[2]


moves = Exercise(
    key="moves",
    title="What moves",
    statement="""
Before you train, count what will change. `network` is any network, with some parts frozen and some
in evaluation mode. Return two numbers. `learned`: how many numbers the optimiser may change, if it
gets all parameters. `drifting`: how many numbers a forward pass alone changes, with no optimiser at
all: the running means and variances of every `nn.BatchNorm2d` that is in training mode. (It also
counts its batches, in `num_batches_tracked`; leave that out. And some keep no averages:
`running_mean` is None there.)
""",
    stub="""
from torch import nn


def moving(network):
    \"\"\"How many numbers learning changes, and a forward pass alone.\"\"\"
    learned = sum(p.numel() for p in network.parameters())  # all of them?
    drifting = ...
    return learned, drifting
""",
    answer="moving",
    cases=_networks,
    case=_which_network,
    results=(
        Number(
            expected="how many numbers the optimiser may change",
            look="A frozen parameter has `requires_grad` False, and gets no gradient.",
        ),
        Number(
            expected="how many running means and variances a forward pass changes",
            look="Try it: copy the buffers, run the network once on random images, and compare.",
        ),
    ),
    slips=(
        Slip(
            {" if p.requires_grad": ""},
            "Frozen parameters are counted as well: which of them get a gradient?",
        ),
        Slip(
            {"module.training": "True"},
            "In evaluation mode, batch normalisation uses its averages and leaves them as they "
            "are. "
            "Every module has a mode of its own: `module.training`.",
        ),
        Slip(
            {"module.training": "network.training"},
            "The mode of the whole is not that of its parts: `part.eval()` changes one part alone.",
        ),
        Slip(
            {"module.training": "module.weight.requires_grad"},
            "Frozen weights do not stop it: the averages are no parameters, and a forward pass "
            "changes them in training mode, gradient or not. This is the pitfall.",
        ),
        Slip(
            {"2 * module.running_mean.numel()": "module.running_mean.numel()"},
            "Half of it: a mean *and* a variance for each channel.",
        ),
        Slip(
            {"2 * module.running_mean.numel()": "2 * module.running_mean.numel() + 1"},
            "`num_batches_tracked` is counted as well; leave it out.",
        ),
        Slip(
            {"if p.requires_grad": "if p.requires_grad and p.ndim > 1"},
            "Biases and the two numbers of batch normalisation are learned, too.",
        ),
        Slip(
            {"2 * module.running_mean.numel()": "1"},
            "That counts layers; asked for are numbers.",
        ),
    ),
    praise="The second number is why a trunk with frozen weights is not a frozen trunk.",
    hints=(
        "`p.requires_grad` says whether a parameter may change; `module.training` is the mode "
        "of one "
        "part.",
        "Go through `network.modules()`, and take those for which "
        "`isinstance(module, nn.BatchNorm2d)`.",
        "Each that is in training mode, and has a `running_mean` that is not None, changes "
        "twice as "
        "many numbers as it has channels.",
    ),
    solution_code="""
from torch import nn


def moving(network):
    learned = sum(p.numel() for p in network.parameters() if p.requires_grad)
    drifting = sum(
        2 * module.running_mean.numel()
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
        and module.running_mean is not None
        and module.training
    )
    return learned, drifting
""",
    why="`requires_grad_(False)` stops the optimiser, `eval()` stops the averages. A frozen part "
    "wants both.",
)

# 3 ---------------------------------------------------------------------------------------------

#: What may be wrong with a training -> how one tells it.
_SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "the trunk learns, too": "Then the weights of `conv1` would be others after the training.",
        "the averages drift": "Then the weights of `conv1` would stay, and its `running_mean` "
        "would "
        "not.",
        "the rate is far too high": "Then the loss would jump about, far above that of guessing, "
        "which is the logarithm of 5.",
        "the labels are mixed up": "Then everything would move as it should, and the loss would "
        "never come far below the logarithm of 5.",
        "the head is frozen": "Then `fc` would be the same after the training.",
        "nothing": "Compare the network before and after with a training of your own: head alone, "
        "rate 0.4, twenty steps.",
    }
)
_IN_TRAINING = {
    "A": "the averages drift",
    "B": "the labels are mixed up",
    "C": "the rate is far too high",
}


@cache
def _fifty() -> tuple[Tensor, Tensor]:
    images = experiment.drawn(EVEN, 10, seed=0)
    old = experiment.old_classes(EVEN)
    return normalise(images.images, (old.mean, old.std)), images.labels


@dataclass(frozen=True)
class Broken:
    """A training of a new head that has something wrong: it runs, and does not say what."""

    letter: str

    def __call__(self, network: Any) -> list[float]:
        """Train the head of a network, in place, on fifty images; return the losses of 20 steps."""
        what = _IN_TRAINING[self.letter]
        network.requires_grad_(False)
        network.fc.requires_grad_(True)
        network.eval()
        if what == "the averages drift":
            network.train()
        images, labels = _fifty()
        order = torch.Generator().manual_seed(1)
        if what == "the labels are mixed up":
            labels = labels[torch.randperm(len(labels), generator=order)]
        rate = 400.0 if what == "the rate is far too high" else 0.4
        optimiser = torch.optim.SGD(network.fc.parameters(), lr=rate, momentum=0.9)
        losses = []
        for _ in range(20):
            loss = F.cross_entropy(network(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses


train_a, train_b, train_c = map(Broken, "ABC")


def _verify_broken(answer: Any) -> None:
    expect(
        isinstance(answer, dict) and set(answer) == set(_IN_TRAINING),
        expected='a dictionary with the names "A", "B" and "C"',
        got=answer,
        look="Keep the form of the stub, and change only what stands behind the colons.",
    )
    for letter, named in answer.items():
        expect(
            isinstance(named, str) and named in _SIGNS,
            expected=f"for training {letter} one of: {', '.join(_SIGNS)}",
            got=named,
            look="Copy it from the statement.",
        )
    for letter, named in answer.items():
        expect(
            named == _IN_TRAINING[letter],
            expected=f"that in training {letter}, “{named}” is what is wrong",
            got="a training that does otherwise",
            look=f"Look at the network and the losses. {_SIGNS[named]}",
        )


broken = Exercise(
    key="broken",
    title="Three broken trainings",
    statement=f"""
`ex.train_a`, `ex.train_b` and `ex.train_c` are meant to train a new head on a frozen network, and
do so in place: each takes a network, as `with_new_head(knows)` gives it, and returns the losses of
twenty steps. In each, something is wrong. Look at weights, buffers and losses before and after, and
find out what. Each is one of: {", ".join(f"`{name}`" for name in _SIGNS)}.
""",
    stub="""
wrong = {"A": ..., "B": ..., "C": ...}
""",
    answer="wrong",
    verify=_verify_broken,
    praise="Weights, buffers, losses: three looks, and most broken trainings give themselves away.",
    hints=(
        "Keep a copy: `before = copy.deepcopy(network.state_dict())`. Which entries are others "
        "afterwards?",
        "A head that guesses among five classes has a loss of `math.log(5)`, about 1.6. Where "
        "do the "
        "losses begin, and where do they end?",
        "In one training a `running_mean` moves. In one the losses leap. In one nothing is wrong "
        "with network and rate, and yet hardly anything is learned.",
    ),
    solution_code="""
wrong = {
    "A": "the averages drift",
    "B": "the labels are mixed up",
    "C": "the rate is far too high",
}
""",
    why="A leaves every weight of the trunk alone, and moves `running_mean` and `running_var`. B "
    "changes the head alone, as it should, and its loss hardly falls: there is nothing to be "
    "learned. C leaps to losses far above guessing.",
)

# Challenge -------------------------------------------------------------------------------------

_FEW = 10  # labels a class
_SEEDS = (3, 4)  # of the network, the draw and the head


@dataclass(frozen=True)
class Taught(Score):
    """What networks come to that were taught from a few labels."""

    def __str__(self) -> str:
        return f"{self.accuracy:.1%} right from {_FEW} labels of each class"


def _teach(answer: Any, arm: str, seed: int, images: LabelledImages) -> nn.Module:
    """Let the reader's function teach a network, and see that it is one."""
    network = experiment.start(arm, EVEN, seed=seed)
    old = experiment.old_classes(EVEN)
    taught = call(answer, network, images, (old.mean, old.std))
    expect(
        isinstance(taught, nn.Module),
        expected="a network",
        got=taught,
        look="Return the network that you have trained.",
    )
    untouched = dict(network.named_parameters())
    same = {name: p for name, p in taught.named_parameters() if name in untouched}
    expect(
        same.keys() != untouched.keys()
        or not all(torch.equal(p, untouched[name]) for name, p in same.items()),
        expected="a network that has learned",
        got="the one that came, as it was",
        look="Train it before you return it.",
    )
    with in_evaluation(taught), torch.no_grad():
        scores = call(taught, torch.zeros(2, 1, 28, 28))
    expect(
        isinstance(scores, Tensor) and tuple(scores.shape) == (2, len(images.classes)),
        expected="scores of shape (2, 5) for two normalised images of shape (1, 28, 28)",
        got=scores,
        look="Compare the first and the last layer with that.",
    )
    return taught


def _measure(answer: Any, held_out: int) -> Taught:
    old = experiment.old_classes(EVEN)
    # First on a network that knows nothing, with few images: one that knows takes longer to make.
    _teach(answer, UNTRAINED, 0, experiment.drawn(EVEN, _FEW, seed=0))
    if held_out:
        test = experiment.of_each(experiment.new_classes(EVEN), slice(experiment.DRAWN_FROM, None))
    else:
        test = experiment.of_each(experiment.new_classes(EVEN, "test"), slice(experiment.TESTED))
    found = []
    for seed in _SEEDS:
        taught = _teach(answer, ALL_LAYERS, seed, experiment.drawn(EVEN, _FEW, seed=seed))
        result = evaluate(taught, test, normalisation=(old.mean, old.std))
        found.append(result.accuracy)
    return Taught(sum(found) / len(found), 0, 0)


@cache
def _best_arm() -> Taught:
    rows = experiment.rows()
    rows = rows[(rows["labels"] == _FEW) & rows["seed"].isin(_SEEDS)]
    return Taught(float(rows.groupby("arm")["accuracy"].mean().max()), 0, 0)


challenge = Challenge(
    topic="Fine-tune",
    title="More from the same fifty pictures",
    statement="""
Fifty labelled images, ten of each new class, and a network that knows five others: can you do
better than every way on this page? Write a function that gets such a network, with a new head and
nothing frozen, the images as `LabelledImages`, and the `normalisation` that the network is used
to. Train as you like, and return the network. It is measured on two networks with a draw of labels
each, the first two of the stored runs, on a thousand test images. The page has not tried
everything:
images moved and mirrored, a head first and the rest after it, a mean of several networks. To try
things out, `ex.challenge.check(teach, held_out=1_000)` tests on training images that nobody draws;
look at the test images once. The first call takes a minute: the two networks learn their old
classes.
""",
    stub="""
from utils.training import Recipe, train


def teach(network, images, normalisation):
    \"\"\"Teach a network five new classes from fifty images, and return it.\"\"\"
    recipe = Recipe(
        epochs=60, batch_size=25, crop=2, flip=True,
        peak_rate=0.8 * ...,  # how much lower, or higher?
    )
    train(network, images, recipe=recipe, normalisation=normalisation)
    return network
""",
    answer="teach",
    measure=_measure,
    to_beat=_best_arm,
    by="the best way on this page, with the same networks and labels",
    caution="Two draws of fifty labels: another draw can move this by several points.",
)

# Questions -------------------------------------------------------------------------------------


def fifteen() -> Interactive:
    """Ask, before the result, what old classes are worth with three labels of each new one."""
    found = experiment.learned()
    scratch, head = (100 * found[arm][3]["mean"] for arm in (SCRATCH, HEAD))
    lead, runs = head - scratch, len(found[HEAD][3]["named"])
    told = (
        f"It was {lead:.0f} points, in the mean of {runs} runs: {head:.0f}% against {scratch:.0f}%."
    )
    edges = (float("-inf"), -2.0, 4.0, 20.0, float("inf"))
    texts = (
        "It is worse: it looks for trousers and shoes.",
        "It makes hardly any difference.",
        "It is clearly better, by 4 to 20 points.",
        "It is better by more than 20 points.",
    )
    whys = (
        "What it learned to see are edges, textures and outlines as well.",
        "Five other classes do not sound like much help.",
        "It has never seen a coat, and yet knows how to look at clothes.",
        "The head has only these fifteen pictures, too.",
    )
    return choice(
        "Two networks of the same kind learn from these fifteen pictures. One begins with random "
        "weights. The other has learned five *other* classes before, trousers, dresses and "
        "shoes; it "
        "is frozen, and gets a new last layer. Five classes: guessing is right one time in "
        "five. How "
        "does the second one do, beside the first?",
        [
            Option(text, f"{why} {told}", right=bool(low <= lead < high))
            for text, why, low, high in zip(texts, whys, edges[:-1], edges[1:], strict=True)
        ],
        prediction=True,
        name="Predict first",
    )


def hundred() -> Interactive:
    """Ask, before the result, which way is best with a hundred labels of each class."""
    found = experiment.learned()
    means = {arm: found[arm][100]["mean"] for arm in ARMS}
    best = max(means, key=lambda arm: means[arm])
    told = "; ".join(f"{arm} {100 * mean:.0f}%" for arm, mean in means.items())
    told += "; three runs do not settle who of the first four is ahead"
    whys = {
        SCRATCH: "With enough labels, old knowledge may even be in the way.",
        HEAD: "A new head can only choose among what the network saw in trousers and shoes.",
        experiment.LAST: "The lower layers stay general, and the upper ones learn what coats are.",
        ALL_LAYERS: "Everything can change, from a good start.",
        experiment.BY_LAYER: "Everything can change, and the lower layers only slowly.",
    }
    return choice(
        "With three labels of each class, the frozen network with a new head was ahead. Now "
        "there are "
        "a *hundred* of each. Which way has the highest mean?",
        [
            Option(f"{arm.capitalize()}.", f"{whys[arm]} {told}.", right=bool(arm == best))
            for arm in ARMS
        ],
        prediction=True,
        name="Predict first",
    )


def head_size() -> Interactive:
    """Ask for the parameters of a new head."""
    network = fresh(partial(micro_googlenet, 5, in_channels=1), seed=0)
    features, classes = network.fc.in_features, network.fc.out_features
    answer = sum(p.numel() for p in network.fc.parameters())
    whole = sum(p.numel() for p in network.parameters())
    return questions.number(
        f"The last map of this network has {features} channels, and there are {classes} new "
        f"classes. "
        "How many parameters does the new head have?",
        answer,
        diagnoses={
            features * classes: "Those are the weights. Each class has a bias as well.",
            features + classes: "Each class has a weight for *every* feature.",
            (features + 1) * 10: "For ten classes that would be right. There are five new ones.",
            features * 49 * classes + classes: "For all places of the map. But the head gets their "
            "average: one number a channel.",
            whole: "That is the whole network.",
        },
        right=f"{features} weights and a bias for each class: less than a hundredth of the "
        f"network's {whole:,} parameters.",
        otherwise="A weight for each feature and class, and a bias for each class.",
        name="By hand",
    )


ALL = (free, moves, broken)
