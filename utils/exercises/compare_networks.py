"""Exercises of the chapter on comparing networks."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..accounting import account
from ..data import fashion_mnist
from ..experiments import compare_networks as experiment
from ..experiments.classify_images import CLOTHES
from ..interactive import Interactive
from ..pretrained import load
from ..support.checks import is_integer
from ..support.telling import between
from . import questions
from .answers import MismatchError, call, expect, short
from .challenges import Challenge, Score
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Result, Slip

# 1 ---------------------------------------------------------------------------------------------


def _rights() -> list[tuple[Tensor, Tensor]]:
    """Two networks on the same images: so many right by both, one alone, the other, none."""
    generator = torch.Generator().manual_seed(1)
    cases = []
    for both, first, second, none in (
        (10, 1, 7, 2),
        (30, 11, 3, 6),
        (20, 5, 5, 10),
        (40, 0, 0, 5),
        (800, 236, 208, 56),
        (50, 30, 0, 20),
    ):
        one = torch.tensor([True] * (both + first) + [False] * (second + none))
        two = torch.tensor([True] * both + [False] * first + [True] * second + [False] * none)
        order = torch.randperm(len(one), generator=generator)
        cases.append((one[order], two[order]))
    return cases


def _said_of(right: Tensor, other: Tensor) -> str:
    first, second = int((right & ~other).sum()), int((other & ~right).sum())
    return f"{len(right):,} images, {first} that only one names rightly and {second} the other"


_TWO_TAILS = "min(1.0, 2 * tail)"

test = Exercise(
    key="test",
    title="Luck, or not?",
    statement="""
Write McNemar's exact test. `right` and `other` say of the same images which one network names
rightly, and which another does: vectors of bool, `(N,)`. Return the two-sided p-value: if for each
image that only one of them names rightly a coin had been tossed, how often would it fall as
unevenly as here, or more? Add up the outcomes yourself; `scipy.stats` is for checking. Where the
two never differ, the p-value is 1.
""",
    stub="""
from math import comb


def p_value(right, other):
    \"\"\"McNemar's exact test, two-sided.\"\"\"
    first = (right & ~other).sum().item()  # only the one is right
    return ...
""",
    answer="p_value",
    reference=lambda right, other: experiment.paired(right, other).p,
    cases=_rights,
    case=_said_of,
    results=(
        Number(
            expected="the two-sided p-value of McNemar's exact test",
            look="Take one image on one side and seven on the other: eight tosses, and two tails "
            "of "
            "two outcomes each. What do you get by hand?",
            close=1e-6,
        ),
    ),
    slips=(
        Slip(
            {_TWO_TAILS: "min(1.0, tail)"},
            "One tail only. Before the test nobody said which network would be ahead, so as uneven "
            "the other way round counts, too.",
        ),
        Slip(
            {_TWO_TAILS: "2 * tail"},
            "More than 1 is no probability: where both sides are equal, the two tails share an "
            "outcome.",
        ),
        Slip(
            {_TWO_TAILS: "100 * min(1.0, 2 * tail)"},
            "In percent; asked for is a p-value in 0..1.",
        ),
        Slip(
            {_TWO_TAILS: "1 - min(1.0, 2 * tail)"},
            "That is what is left: the p-value is small where coins would hardly ever do it.",
        ),
        Slip(
            {"sum(comb(n, k) for k in range(fewer + 1))": "comb(n, fewer)"},
            "That is how often coins fall exactly so. Count what is still more uneven, too.",
        ),
        Slip(
            {
                "sum(comb(n, k) for k in range(fewer + 1))": "comb(n, fewer)",
                _TWO_TAILS: "min(1.0, tail)",
            },
            "That is how often coins fall exactly so, and on this side. Count what is still more "
            "uneven, too, and the other side.",
        ),
        Slip(
            {"fewer = min(first, second)": "fewer = max(first, second)"},
            "You add up from 0 to the *larger* count: that is nearly everything that can happen. "
            "As uneven or more means at most the smaller count, or at least the larger.",
        ),
        Slip(
            {"range(fewer + 1)": "range(fewer)"},
            "What was seen counts, too: as uneven as here, *or* more.",
        ),
        Slip(
            {"fewer = min(first, second)": "fewer = first"},
            "Which tail it is depends on which of the two has fewer. Exchange the two vectors: the "
            "p-value should stay.",
        ),
        Slip(
            {"n = first + second": "n = len(right)"},
            "Images on which both are right, or both are wrong, say nothing about the difference. "
            "How many coins are tossed?",
        ),
        Slip(
            {"(right & ~other).sum()": "right.sum()", "(other & ~right).sum()": "other.sum()"},
            "All right answers are counted, also those on which the two agree.",
        ),
        Slip(
            {
                _TWO_TAILS: "torch.special.erfc(torch.tensor((first - second) ** 2 / (2 * n)) ** "
                "0.5).item() if n else 1.0"
            },
            "That is the approximation by chi-square, for large numbers. Asked for is the exact "
            "sum.",
        ),
        Slip(
            {
                _TWO_TAILS: "torch.special.erfc(torch.tensor(max(0, abs(first - second) - 1) ** 2 "
                "/ (2 * n)) ** 0.5).item() if n else 1.0"
            },
            "That is chi-square with the correction for continuity: close, and not the exact sum.",
        ),
        Slip(
            {_TWO_TAILS: "min(1.0, 2 * tail - comb(n, fewer) / 2**n)"},
            "What was seen counts half there, which is another test, the mid-p. Asked for is the "
            "exact one, where it counts in full in either tail.",
        ),
        Slip(
            "def p_value(right, other):\n"
            "    a, b = right.double().mean(), other.double().mean()\n"
            "    mean = (a + b) / 2\n"
            "    z = (a - b) / (mean * (1 - mean) * 2 / len(right)).sqrt()\n"
            "    return torch.special.erfc(z.abs() / 2**0.5).item()",
            "That compares two shares as if each network had seen images of its own. These are the "
            "same images, so look at where the two differ.",
        ),
        Slip(
            "def p_value(right, other):\n"
            "    from scipy.stats import ttest_rel\n"
            "    return ttest_rel(right.double().numpy(), other.double().numpy()).pvalue",
            "That is the t-test for pairs: it looks at the same images, but stands on the normal "
            "distribution. Asked for is the exact sum over coins.",
        ),
        Slip(
            "def p_value(right, other):\n"
            "    return (right.double().mean() - other.double().mean()).abs().item()",
            "That is how far apart the two are, not how often luck alone would bring them so far.",
        ),
    ),
    praise="A coin decides no more than this: how far apart the two are on the images where they "
    "differ. Which of them is better for you is another question.",
    hints=(
        "Only images count that one of the two names rightly. How many are there, and how do they "
        "fall?",
        "With n tosses, k heads come up in `comb(n, k)` of `2**n` ways.",
        "Add up `comb(n, k)` for k from 0 to the smaller of the two counts, divide by `2**n`, and "
        "double it: the other tail is as large. No more than 1.",
    ),
    solution_code="""
from math import comb


def p_value(right, other):
    first = (right & ~other).sum().item()
    second = (other & ~right).sum().item()
    n = first + second
    fewer = min(first, second)
    tail = sum(comb(n, k) for k in range(fewer + 1)) / 2**n
    return min(1.0, 2 * tail)
""",
    why="Python's whole numbers have no limit, so the sum is exact even for hundreds of tosses. "
    "`scipy.stats.binomtest(first, n).pvalue` gives the same.",
)

# 2 ---------------------------------------------------------------------------------------------


class _Listed(frozenset):
    def __str__(self) -> str:
        return ", ".join(sorted(map(str, self))) or "nobody"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


@dataclass(frozen=True, kw_only=True)
class Names(Result):
    """Names, in any order and any container."""

    def read(self, value: Any, like: Any, case: str) -> _Listed:
        """Return a set of them."""
        if isinstance(value, Mapping) or not isinstance(value, Iterable) or isinstance(value, str):
            look = "Return the names themselves, as in `{name for name in networks if ...}`."
            raise MismatchError("a set of names", short(value), look)
        try:
            names = _Listed(islice(value, 1_000))  # an endless answer has an end
        except TypeError:
            look = "Each of them should be a name, one of the keys of `networks`."
            raise MismatchError("a set of names", short(value), look) from None
        expect(
            all(isinstance(name, str) for name in names),
            expected="a set of names",
            got=value,
            look="Each of them should be a name, one of the keys of `networks`.",
        )
        return names


def _choices() -> list[tuple]:
    table = experiment.published()
    draw = np.random.default_rng(4)
    many = {
        f"net {i}": (int(cost), round(float(right), 2))
        for i, (cost, right) in enumerate(
            zip(draw.integers(1, 20, 14), draw.uniform(0.5, 0.9, 14), strict=True)
        )
    }
    by_macs, by_parameters = (
        {name: (int(row[cost]), row[right]) for name, row in table.iterrows()}
        for cost, right in (("macs", "top1"), ("parameters", "top5"))
    )
    tied = {
        "D": (2, 0.6),
        "A": (2, 0.7),
        "B": (2, 0.7),
        "C": (3, 0.7),
        "E": (5, 0.8),
        "F": (6, 0.5),
        "G": (1, 0.3),
        "H": (4, 0.75),
    }
    return [(tied,), (by_macs,), (many,), ({"alone": (5, 0.5)},), (by_parameters,)]


def _choice_named(networks: dict) -> str:
    if "D" in networks:
        return ", ".join(f"{name} {pair}" for name, pair in networks.items())
    return f"{len(networks)} networks, {next(iter(networks))} first"


_BEATS = "a[0] <= b[0] and a[1] >= b[1] and a != b"

front = Exercise(
    key="front",
    title="Beaten by nobody",
    statement="""
Write a function that finds the front. `networks` gives for each name a pair, `(cost, accuracy)`.
One network beats another if it costs no more and is right no less often, and not both are equal.
Return the names of those that no other beats, in any order.
""",
    stub="""
def front(networks):
    \"\"\"Names of the networks that no other beats: {name: (cost, accuracy)}.\"\"\"
    names = set()
    for name, (cost, right) in networks.items():
        ...
    return ...
""",
    answer="front",
    cases=_choices,
    case=_choice_named,
    results=(
        Names(
            expected="exactly the networks that no other beats",
            look="Take one that should (or should not) be there, and look for another that costs "
            "no "
            "more and is right no less often.",
        ),
    ),
    slips=(
        Slip(
            {_BEATS: "a[0] < b[0] or a[1] > b[1]"},
            "Nobody is left: for each network there is one that is cheaper, *or* one that is right "
            "more often. To beat it, one and the same network must be no worse in either.",
            whole=True,
        ),
        Slip(
            {" and a != b": ""},
            "Nobody is left, since each network costs no more than itself and is as often right. A "
            "network does not beat itself, nor one equal to it.",
        ),
        Slip(
            "def front(networks):\n"
            "    def beats(a, b):\n"
            "        return a[0] <= b[0] and a[1] >= b[1]\n\n"
            "    return {\n"
            "        name\n"
            "        for name, own in networks.items()\n"
            "        if not any(beats(o, own) for other, o in networks.items() if other != name)\n"
            "    }",
            "Yours takes out a network if *another name* is no worse. Two that are equal in both "
            "numbers then throw each other out; they should both stay.",
        ),
        Slip(
            {_BEATS: "a[0] < b[0] and a[1] >= b[1]"},
            "Of two that cost the same, the one that is right more often beats the other.",
        ),
        Slip(
            {"a[1] >= b[1]": "a[1] <= b[1]"},
            "Here the ones that are wrong more often win: a higher accuracy is better.",
        ),
        Slip(
            {"beats(other, own)": "beats(own, other)"},
            "You keep those that beat nobody. On the front are those whom nobody beats.",
        ),
        Slip(
            "def front(networks):\n"
            "    cost = min(c for c, _ in networks.values())\n"
            "    right = max(r for _, r in networks.values())\n"
            "    return {n for n, (c, r) in networks.items() if c == cost or r == right}",
            "The cheapest and the one that is right most often are on the front, and others "
            "between them, too: dearer than the one, and right more often.",
        ),
        Slip(
            {_BEATS: "a[0] < b[0] and a[1] > b[1]"},
            "Yours beats only with *both* numbers better. One that is right as often and cheaper "
            "beats, too; and so does one as cheap that is right more often.",
        ),
        Slip(
            {"a[0] <= b[0]": "a[0] >= b[0]"},
            "Here the dear ones win: less cost is better.",
        ),
        Slip({"if not any": "if any"}, "These are the beaten ones."),
        Slip(
            {"if not any": "if not all"},
            "All of them are left, since nobody is beaten by *everybody*. One that beats it is "
            "enough to take a network out.",
        ),
        Slip(
            "def front(networks):\n    return {max(networks, key=lambda n: networks[n][1])}",
            "The one that is right most often is on the front, and it is not alone there: the "
            "cheapest is on it, too, and others between them.",
        ),
        Slip(
            "def front(networks):\n"
            "    return {max(networks, key=lambda n: networks[n][1] / networks[n][0])}",
            "Accuracy over cost is one number, and picks one network. The front leaves the choice "
            "between cheap and good open.",
        ),
        Slip(
            "def front(networks):\n"
            "    found, best = set(), -1\n"
            "    for name, (cost, right) in sorted(networks.items(), key=lambda n: n[1][0]):\n"
            "        if right > best:\n"
            "            found.add(name)\n"
            "            best = right\n"
            "    return found",
            "You go from the cheapest to the dearest, which is quick; but among equally dear ones "
            "the better has to come first, and two that are equal in both both stay.",
        ),
        Slip(
            "def front(networks):\n"
            "    found, best = set(), -1\n"
            "    for name, (cost, right) in sorted(networks.items(), key=lambda n: (n[1][0], "
            "-n[1][1])):\n"
            "        if right >= best:\n"
            "            found.add(name)\n"
            "            best = right\n"
            "    return found",
            "One that is right as often as a cheaper one, and no more, is beaten by it.",
        ),
        Slip(
            "def front(networks):\n"
            "    found, best = set(), -1\n"
            "    for name, (cost, right) in sorted(networks.items(), key=lambda n: (n[1][0], "
            "-n[1][1])):\n"
            "        if right > best:\n"
            "            found.add(name)\n"
            "            best = right\n"
            "    return found",
            "Two networks that are equal in both do not beat each other: both stay.",
        ),
    ),
    praise="The front does not choose for you. It says between whom there is something to choose.",
    hints=(
        "Write `beats(a, b)` for two pairs first, and try it on two equal ones.",
        "A network is on the front if `any(...)` over all networks finds none that beats it.",
        "`beats` is true if `a[0] <= b[0]` and `a[1] >= b[1]`, and `a` is not equal to `b`.",
    ),
    solution_code="""
def front(networks):
    def beats(a, b):
        return a[0] <= b[0] and a[1] >= b[1] and a != b

    return {
        name
        for name, own in networks.items()
        if not any(beats(other, own) for other in networks.values())
    }
""",
    why="Every pair is compared, which is fine for dozens of networks. For millions one sorts by "
    "cost "
    "first, and takes care with those that are equal.",
)

# 3 ---------------------------------------------------------------------------------------------


class _Drawn:
    """A network for a check: of images of random pixels it names some rightly."""

    def __init__(self, seed: int, classes: int, right: float):
        generator = torch.Generator().manual_seed(seed)
        self._classes, self._right = classes, right
        self._columns = torch.randn(16, classes, generator=generator)

    def __call__(self, images: Tensor) -> Tensor:
        """Return scores (N, classes): the label, which the first pixel holds, or something else."""
        pixels = images.float().flatten(1)
        scores = (pixels - 128) @ self._columns / 1_000
        known = (pixels.sum(1) * (1 + self._columns[0, 0].abs())) % 1 < self._right
        scores[known, pixels[known, 0].long() % self._classes] += 50
        return scores


def _asked() -> list[tuple[list[_Drawn], Tensor, Tensor]]:
    """Networks, images (N, 1, 4, 4), and labels."""
    generator = torch.Generator().manual_seed(6)

    def drawn(rights: Sequence[float], images: int, classes: int) -> tuple:
        pixels = torch.randint(256, (images, 1, 4, 4), generator=generator, dtype=torch.uint8)
        networks = [_Drawn(seed, classes, right) for seed, right in enumerate(rights)]
        return networks, pixels, pixels[:, 0, 0, 0].long() % classes

    return [drawn((0.4, 0.5, 0.3), 200, 4), drawn((1, 0.5), 30, 4), drawn((0.1,) * 4, 60, 10)]


def _square(shape: tuple, wanted: tuple) -> str:
    if len(shape) == len(wanted):
        return "A row and a column for each network."
    if len(shape) > len(wanted):
        return "A number for each image is left: take the mean, or the sum, over the images."
    return "A number for each two networks: as many rows and columns as there are networks."


_PICTURES = 500


def _ask_clothes(function: Any) -> str:
    """Check it, then put real pictures to the three networks that ship, and say what came."""
    alike.compare(function)
    test = fashion_mnist("test")[:_PICTURES]
    networks = [partial(_scores, name) for name in CLOTHES]
    answer = call(function, networks, test.images, test.labels)
    same, misled = (torch.as_tensor(np.asarray(each)) for each in answer)
    apart = ~torch.eye(len(CLOTHES), dtype=torch.bool)
    agree, alike_wrong = (between(100 * each[apart].double()) for each in (same, misled))
    return (
        f"Put to the three networks of this chapter, {_PICTURES} pictures of clothes: each two "
        f"agree on {agree:.1f} percent of them, and where both are wrong, they say the same wrong "
        f"thing in {alike_wrong:.0f} percent."
    )


@torch.no_grad()
def _scores(name: str, images: Tensor) -> Tensor:
    trained = load(name)
    return trained.model(trained.preprocessing(images))


_BOTH = "(same * both).sum(2) / both.sum(2).clamp(min=1)"

alike = Exercise(
    key="alike",
    title="Wrong in the same way?",
    statement="""
Put the same pictures to several networks, and see who is wrong how. `networks` is a list of `M`
functions; each takes `images`, `(N, 1, H, W)`, and returns scores, `(N, K)`. `labels` is `(N,)`.
Return two matrices `(M, M)`. In `same`, the share of all images to which the two networks give the
same name. In `misled`, of the images that *both* name wrongly, the share to which they give the
same wrong name; 0 where there is no such image. When it is right, the check puts pictures of
clothes to the three networks of this chapter, with your function.
""",
    stub="""
def compare(networks, images, labels):
    \"\"\"How often each two networks agree, and how often when both are wrong.\"\"\"
    named = ...  # (M, N): what each network calls each image
    wrong = named != labels
    same = ...
    misled = ...
    return same, misled
""",
    answer="compare",
    cases=_asked,
    case=lambda networks, images, labels: f"{len(networks)} networks and {len(labels)} images",
    results=(
        Array(
            expected="`same`, the share of images with the same answer",
            look="Do it for two networks and five images by hand.",
            shape=_square,
        ),
        Array(
            expected="`misled`, among images that both name wrongly the share with the same answer",
            look="First pick the images that both name wrongly; then count among these only.",
            shape=_square,
        ),
    ),
    slips=(
        Slip(
            {"named[:, None] == named": "wrong[:, None] == wrong"},
            "Counted where both are right or both wrong. Two that are both wrong may still say "
            "different things: compare what they say.",
        ),
        Slip(
            {"named[:, None] == named": "(named[:, None] == named) & ~wrong"},
            "Counted only where both are right. They may agree on a wrong class, too.",
        ),
        Slip(
            {"named[:, None] == named": "named[:, None] != named"},
            "That is how often they *disagree*: a network should agree with itself always.",
        ),
        Slip(
            {"argmax(1)": "argmin(1)"},
            "That is the class with the *lowest* score.",
        ),
        Slip({"same.mean(2)": "same.sum(2)"}, "Images are counted; asked for is a share, in 0..1."),
        Slip({"same.mean(2)": "100 * same.mean(2)"}, "In percent; asked for is a share, in 0..1."),
        Slip(
            {f"same.mean(2), {_BOTH}": f"{_BOTH}, same.mean(2)"},
            "The two results are exchanged: first `same`, then `misled`.",
        ),
        Slip(
            {"/ both.sum(2).clamp(min=1)": "/ len(labels)"},
            "A share of *all* images. Asked for is the share among those that both name wrongly.",
        ),
        Slip(
            {_BOTH: "both.mean(2)"},
            "That is how often both are wrong. Asked for is how often they then say the same.",
        ),
        Slip(
            {"both.sum(2).clamp(min=1)": "same.sum(2).clamp(min=1)"},
            "The share is taken of the images on which they *agree*. Asked for is the share of "
            "those that both name wrongly.",
        ),
        Slip(
            {_BOTH: "same.mean(2)"},
            "That is `same` again. For `misled`, count only the images that both name wrongly.",
        ),
        Slip(
            {"wrong[:, None] & wrong": "wrong[:, None] | wrong"},
            "Images that only one of the two names wrongly are counted, too.",
        ),
        Slip(
            {"wrong[:, None] & wrong": "wrong[:, None].expand(-1, len(named), -1)"},
            "The share is taken of all images that *one* of the two names wrongly. Exchange the "
            "two networks: the number should stay.",
        ),
        Slip(
            {"(same * both).sum(2)": "same.sum(2)"},
            "Images that both name rightly are counted as agreeing in a mistake.",
        ),
        Slip(
            {".clamp(min=1)": ""},
            "Where no image is named wrongly by both, that is 0 / 0. Asked for is 0 there.",
        ),
        Slip(
            {"same.mean(2), (same * both)": "(same * both).mean(2), (same * both)"},
            "Agreeing on a wrong class is not the only way to agree: the right one counts as well.",
        ),
    ),
    order=(0, 1),
    verify=_ask_clothes,
    praise="If networks were wrong by chance, they would hardly ever agree in a mistake.",
    hints=(
        "`network(images).argmax(1)` is what a network calls each image; `torch.stack` makes one "
        "tensor `(M, N)` of several. `named[:, None] == named` compares each network with each: "
        "(M, M, N).",
        "The same with `wrong[:, None] & wrong` says which images both name wrongly.",
        "Multiply the two, add up over images, and divide by how many both name wrongly, or by 1 "
        "if there are none: `.clamp(min=1)`.",
    ),
    solution_code="""
def compare(networks, images, labels):
    named = torch.stack([network(images).argmax(1) for network in networks])
    wrong = named != labels
    same = (named[:, None] == named).double()
    both = (wrong[:, None] & wrong).double()
    return same.mean(2), (same * both).sum(2) / both.sum(2).clamp(min=1)
""",
    why="On the diagonal a network is compared with itself: it always agrees, also in its "
    "mistakes. "
    "What is of interest stands beside it.",
)

# Challenge -------------------------------------------------------------------------------------

_BUDGET = 30_000_000  # multiply-adds, for one image on average
_LEFT = 0.05  # the share of images that are left to a person


@dataclass(frozen=True)
class Asked(Score):
    """What a rule comes to that asks networks."""

    def __str__(self) -> str:
        return f"{self.accuracy:.2%} right for {self.macs / 1e6:.1f} million multiply-adds"


@cache
def _prices() -> dict[str, int]:
    return {name: account(load(name).model, (1, 28, 28)).macs for name in CLOTHES}


@cache
def _known() -> tuple[dict[tuple[str, str], tuple[list[int], list[float]]], list[int]]:
    """Return (network, view) -> its class of each test image, and how sure; and the labels."""
    found: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for view in (experiment.PLAIN, experiment.MIRRORED):
        said, sure = experiment.named(view), experiment.how_sure(view)
        found |= {(name, view): (said[name].tolist(), sure[name].tolist()) for name in CLOTHES}
    return found, fashion_mnist("test").labels.tolist()


class Ask:
    """What a rule asks about one image; it keeps account of the price."""

    def __init__(self, answer: Callable[[str, str], tuple[int, float]]):
        self._answer = answer
        self.asked: dict[tuple[str, str], tuple[int, float]] = {}

    def __call__(self, network: str, mirrored: bool = False) -> tuple[int, float]:
        """Return the class that a network gives, and how sure it is of it."""
        expect(
            isinstance(network, str) and network in CLOTHES,
            expected=f"a question to one of {', '.join(CLOTHES)}",
            got=network,
            look="Copy the name from the statement.",
        )
        view = experiment.MIRRORED if mirrored else experiment.PLAIN
        self.asked.setdefault((network, view), self._answer(network, view))
        return self.asked[network, view]

    def __deepcopy__(self, memo: dict) -> "Ask":
        return self  # what the rule asks has to be seen here

    @property
    def price(self) -> int:
        """Multiply-adds of all questions so far."""
        return sum(_prices()[network] for network, _ in self.asked)


def _half(held_out: int) -> range:
    """Return the places of the test images that count; for trying out, of the other half."""
    tested = len(_known()[1])
    return range(tested // 2) if held_out else range(tested // 2, tested)


def _kept(right: Tensor, sure: Tensor) -> float:
    """Return the share that is right without the images that an answer is least sure of."""
    order = sure.argsort(stable=True)[round(_LEFT * len(sure)) :]
    return float(right[order].double().mean())


def _measure(answer: Any, held_out: int) -> Asked:
    known, labels = _known()
    places = _half(held_out)
    right, sure, paid = [], [], 0
    for place in places:

        def reply(network: str, view: str, place: int = place) -> tuple[int, float]:
            classes, all_sure = known[network, view]
            return classes[place], all_sure[place]

        ask = Ask(reply)
        named, certain = _pair(call(answer, ask))
        right.append(named == labels[place])
        sure.append(certain)
        paid += ask.price
        expect(
            paid > 0,
            expected="a rule that asks a network about the image",
            got="one that answers without asking",
            look='A question is a call, such as `ask("plain-network")`.',
        )
    mean = paid / len(places)
    expect(
        mean <= _BUDGET,
        expected=f"at most {_BUDGET / 1e6:.0f} million multiply-adds an image, on average",
        got=f"{mean / 1e6:.1f} million",
        look="Ask one network first, and others only where that may change something.",
    )
    return Asked(_kept(torch.tensor(right), torch.tensor(sure).double()), 0, round(mean))


def _pair(said: Any) -> tuple[int, float]:
    """Read a class and how sure a rule is of it."""
    many = isinstance(said, tuple | list) and len(said) == 2
    expect(
        many,
        expected="a class and how sure you are of it, for each image",
        got=said,
        look="The rule should end in `return named, sure`.",
    )
    named, sure = (
        one.item() if isinstance(one, np.generic | np.ndarray | Tensor) and one.ndim == 0 else one
        for one in said
    )
    expect(
        is_integer(named) and 0 <= named <= 9,
        expected="a class from 0 to 9 for each image",
        got=said,
        look="`ask` returns a pair, the class and how sure the network is of it, in this order.",
    )
    expect(
        isinstance(sure, int | float) and math.isfinite(sure),
        expected="a finite number for how sure you are",
        got=said,
        look="Any number will do, as long as a higher one means surer.",
    )
    return int(named), float(sure)


@cache
def _all_three() -> Asked:
    right = experiment.named_right()[experiment.TOGETHER]
    sure = experiment.how_sure()[experiment.TOGETHER]
    part = slice(_half(0).start, _half(0).stop)
    return Asked(_kept(right[part], sure[part].double()), 0, sum(_prices().values()))


challenge = Challenge(
    topic="Compare networks",
    title="Sure enough, for half the price",
    statement="""
Images that a network is unsure of can be left to a person. Write a rule that names a garment and
says how sure it is. It may ask: `ask("plain-network")` returns a class, 0 to 9, and how sure the
network is of it, 0 to 1; the others are `"mini-googlenet"` and `"small-resnet"`, and
`ask(name, mirrored=True)` shows the image in a mirror. Each question costs that network's
multiply-adds (the same one again costs nothing); on average an image may cost `30_000_000`, half of
what all three cost. A person takes the twentieth of the images that your rule is least sure of.
What counts is the share of right names among the others, on the second half of the test images.
To try things out, `ex.challenge.check(rule, held_out=5_000)` takes the first half: choose there,
and look at the second once.
""",
    stub="""
def rule(ask):
    \"\"\"Name a garment, 0 to 9, and say how sure you are: higher is surer.\"\"\"
    named, sure = ask("plain-network")
    if sure < 0.7:
        other, how_sure = ask("small-resnet")
        ...
    return named, ...
""",
    answer="rule",
    measure=_measure,
    to_beat=_all_three,
    by="the mean of all three networks, at twice the price",
    caution="A tenth of a point is five images. A rule that was chosen on these images has not "
    "won.",
)

# Questions -------------------------------------------------------------------------------------


def faster() -> Interactive:
    """Ask, before the measurement, how much time a network with few multiply-adds takes."""
    table = experiment.published()
    fewer = table.loc["GoogLeNet", "macs"] / table.loc["MobileNetV3", "macs"]
    share = experiment.times()["mobilenet_v3_large"].mean
    assert share is not None
    told = f"It takes {share:.2f} times GoogLeNet's time, for {1 / fewer:.2f} of its multiply-adds."
    options: tuple[tuple[str, bool, str], ...] = (
        (
            f"About a {round(fewer)}th of the time.",
            1 / share > 0.75 * fewer,
            "That would be so if every multiply-add took equally long.",
        ),
        (
            "Less time, but far more than that share.",
            1.1 < 1 / share <= 0.75 * fewer,
            "Its convolutions look at one channel each, so there is little to multiply for each "
            "number that is fetched; and much of the time goes to what counts as no multiply-add.",
        ),
        (
            "As long, within a tenth, or longer.",
            1 / share <= 1.1,
            "Moving numbers can cost as much as multiplying them, and this network moves many for "
            "each multiplication.",
        ),
    )
    return choice(
        f"MobileNetV3 needs {fewer:.1f} times fewer multiply-adds than GoogLeNet. It was made for "
        "the processors of phones. How long does it take for one image, on one thread of a "
        "computer's processor, in PyTorch?",
        [Option(text, f"{why} {told}", right=bool(right)) for text, right, why in options],
        prediction=True,
        name="Predict first",
    )


def one_price(name: str = "GoogLeNet") -> Interactive:
    """Ask by which price a network is on the front that is beaten by others."""
    options = []
    for price, over in experiment.beaten_by(name).items():
        if over:
            told = f"There {' and '.join(over)} cost no more than {name}, and are right more often."
        else:
            told = f"Who is right more often than {name}, costs more of it."
        options.append(Option(f"By {experiment.PRICES[price]}.", told, right=not over))
    return choice(
        f"Of all weights in the figure, by how many images they name rightly at once: {name} is on "
        "the front by one price only, and beaten by the others. Which is it?",
        options,
        name="Found in the figure",
    )


def apart() -> Interactive:
    """Ask, before the measurement, on how many images two equally good networks differ."""
    found = experiment.pairs()
    counts = found["first"] + found["second"]
    least, most = counts.min(), counts.max()
    right = experiment.named_right()
    wrong = [int((~right[name]).sum()) for name in CLOTHES]
    middle = (least + most) / 2
    mistakes = f"{np.mean(wrong):.0f}"
    told = f"It is {least} to {most}, for the three pairs; each names about {mistakes} wrongly."
    edges = (0, 100, 300, 600, 1_400)
    whys = (
        "They saw the same images in training. But they began from other random weights, and are "
        "built otherwise.",
        "Equally good, they need not be good at the same.",
        "So of the mistakes of each, many are its own.",
        "So many could only differ if hardly any mistake were common to both.",
    )
    texts = (
        "Fewer than 100.",
        "100 to 300.",
        "300 to 600.",
        "More than 600.",
    )
    return choice(
        "Two networks both name between 93% and 94% of 10,000 test images rightly. How many images "
        "are there that only one of the two names rightly?",
        [
            Option(text, f"{why} {told}", right=bool(low <= middle < high))
            for text, why, low, high in zip(texts, whys, edges[:-1], edges[1:], strict=True)
        ],
        prediction=True,
        name="Predict first",
    )


def sure() -> Interactive:
    """Ask, before the measurement, how sure networks are of images that they cannot read."""
    told = experiment.told_of_sureness()
    came = told["noise_sure"]
    edges = (0, 30, 50, 100)
    texts = ("10 to 30 percent.", "30 to 50 percent.", "More than 50 percent.")
    whys = (
        "That would be about as sure as they are right. But in training they never saw an image "
        "that cannot be read.",
        "Less sure than on clean images, and by far not enough.",
        "What they were taught to say of clean images tells little of how sure they are of others.",
    )
    return choice(
        f"On clean images they are right on {told['clean_right']:.1f} percent, and "
        f"{told['clean_sure']:.1f} percent sure on average. With noise of 0.3 they are right on "
        f"{told['noise_right']:.0f} percent. How sure are they of what they say then?",
        [
            Option(
                text,
                f"{why} It is {came:.0f} percent.",
                right=bool(low <= came.low and came.high < high),
            )
            for text, why, low, high in zip(texts, whys, edges[:-1], edges[1:], strict=True)
        ],
        prediction=True,
        name="Predict first",
    )


def by_hand(fewer: int = 1, more: int = 7) -> Interactive:
    """Ask for a p-value that can be had with pencil and paper."""
    n = fewer + more
    right = [True] * fewer + [False] * more
    answer = round(100 * experiment.paired(right, [not r for r in right]).p, 3)
    once = 100 / 2**n
    exactly = once * n  # `fewer` is 1
    return questions.number(
        f"Two networks differ on {n} of the test images: one is right on {more} of these, the "
        f"other "
        f"on {fewer}. What is the two-sided p-value, in percent? (There are 2 to the power of "
        f"{n} ways "
        f"in which {n} coins can fall.)",
        answer,
        diagnoses={
            round(
                answer / 2, 3
            ): "One tail only. Beforehand, nobody knew which one would be ahead.",
            round(2 * exactly, 3): f"Both sides of {more} to {fewer}, but {n} to 0 is still more "
            "uneven, and counts, too.",
            round(exactly, 3): f"That is {more} to {fewer} exactly, on one side. Still more uneven "
            "outcomes count, and the other side as well.",
            round(answer / 100, 5): "As a share that is right; asked for is a number in percent.",
            round(
                100 * fewer / n, 3
            ): "That is the share of the images, not how often coins fall so.",
            round(2 * once, 3): f"That is {n} to 0, on both sides. What was seen counts, too.",
        },
        right="One time in fourteen, coins do this. Eight images say little, though one network is "
        "right on seven of them.",
        otherwise="Count the ways in which at most as many coins as the fewer show heads; double "
        "them; "
        "divide by all ways.",
        tolerance=0.01,
        percent=True,
        name="By hand",
    )


ALL = (test, front, alike)
