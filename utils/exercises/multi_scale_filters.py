"""Exercises of the chapter on multi-scale filters."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import texture
from ..filters import difference_of_gaussians, mean_filter
from ..interactive import Interactive
from . import questions
from .answers import expect
from .challenges import Challenge, Score
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip, noise

# 1 ---------------------------------------------------------------------------------------------


def _windows() -> list[tuple[Tensor, Tensor, int, int]]:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(9, 12, generator=generator)
    cases = []
    for k, row, column in ((3, 4, 5), (5, 2, 8), (7, 5, 3), (3, 1, 10)):
        weights = torch.randn(k, k, generator=generator)
        if (_answer(picture, weights, row, column) > 0) == (k == 5):
            weights = -weights  # one answer is negative: who loses the sign shall notice
        cases.append((picture, weights, row, column))
    return cases


def _answer(picture: Tensor, weights: Tensor, row: int, column: int) -> float:
    half = len(weights) // 2
    return float(
        F.conv2d(picture[None, None], weights[None, None])[0, 0, row - half, column - half]
    )


answer_at = Exercise(
    key="answer_at",
    title="One answer by hand",
    statement="""
Write a function that returns the answer of a filter at one pixel: a number. `picture` has the shape
`(H, W)`, `weights` the shape `(k, k)` with an odd `k`, and the window around the pixel lies within
the picture. Try it without a convolution of torch's.
""",
    stub="""
def answer_at(picture, weights, row, column):
    \"\"\"The answer of a k×k filter with its middle on one pixel.\"\"\"
    return ...
""",
    answer="answer_at",
    reference=_answer,
    cases=_windows,
    case=lambda picture, weights, row, column: (
        f"a {len(weights)}×{len(weights)} filter at row {row}, column {column}"
    ),
    results=(
        Number(
            expected="what `conv2d` gives",
            got="{got:.4f}, off by {off:+.4f}",
            look="Cut out the k×k window around the pixel, multiply it by the weights, and add up.",
            close=1e-5,
        ),
    ),
    slips=(
        Slip({"return float(": "return -("}, "The sign is turned."),
        Slip(
            {"return float(": "return abs("},
            "That is the answer without its sign. An answer may be negative.",
        ),
        Slip({".sum()": ".sum().relu()"}, "A negative answer has become 0: no ReLU here."),
        Slip(
            {".sum()": ".mean()"}, "That is the mean of the products. A convolution adds them up."
        ),
        Slip(
            {"* weights)": "@ weights)"},
            "That is a product of matrices. Multiply pixel by weight, with `*`.",
        ),
        Slip({"* weights)": "* weights.flip(1))"}, "The filter is mirrored, left to right."),
        Slip({"* weights)": "* weights.flip(0))"}, "The filter is mirrored, top to bottom."),
        Slip(
            {"* weights)": "* weights.flip(0, 1))"},
            "The filter is turned by half a turn. Mathematicians' convolution turns it; `conv2d` "
            "takes it as it stands.",
        ),
        Slip(
            {"* weights)": "* weights.mT)"}, "Rows and columns of the filter have changed places."
        ),
        Slip({".sum()": ".relu().sum()"}, "Negative products are lost: no ReLU here."),
        Slip(
            {"[rows, columns] * weights": "[rows, columns].sum() * weights"},
            "The sums are multiplied. Multiply pixel by weight first, then add up.",
        ),
        Slip(
            {
                "row - half, row + half + 1": "row, row + 2 * half + 1",
                "column - half, column + half + 1": "column, column + 2 * half + 1",
            },
            "The window begins at the pixel. It should have the pixel in its middle.",
        ),
        Slip(
            {"[rows, columns] * weights": "[rows, columns][:-1, :-1] * weights[:-1, :-1]"},
            "The last row and the last column of the window are left out.",
        ),
        Slip(
            {"[rows, columns] * weights": "[rows, columns] * weights.roll((half, half), (0, 1))"},
            "The weights begin at `weights[0, 0]`: a negative index counts from the end.",
        ),
        Slip(
            {"[rows, columns] * weights": "[rows, columns][-1, -1] * weights[-1, -1]"},
            "That is the last product alone: add each one to those before.",
        ),
        Slip(
            {"[rows, columns]": "[columns, rows]"},
            "Row and column have changed places: the row comes first.",
        ),
    ),
    praise="A convolution layer does this at every pixel, with the same weights.",
    hints=(
        "How many rows of the window lie above the pixel, if the pixel is in its middle?",
        "With `half = k // 2`, the window's rows are `row - half` to `row + half`, both included.",
        "A slice leaves out its end: `picture[row - half : row + half + 1, ...]`.",
    ),
    solution_code="""
def answer_at(picture, weights, row, column):
    half = len(weights) // 2
    rows = slice(row - half, row + half + 1)
    columns = slice(column - half, column + half + 1)
    return float((picture[rows, columns] * weights).sum())
""",
    why="`half` pixels on either side and the one in the middle make `2 * half + 1 = k`. An even "
    "`k` would have no middle, and the answer would belong to a place between pixels: one reason "
    "for sizes 1, 3 and 5.",
)

# 2 ---------------------------------------------------------------------------------------------


def _look_of_maps(shape: tuple[int, ...], want: tuple[int, ...]) -> str:
    """Say where to look if the shape is not (N, channels, H, W) as wanted."""
    if len(shape) != 4:
        return "A batch of maps has four axes, (N, C, H, W). `torch.cat` adds none; `stack` does."
    if shape[2:] != want[2:]:
        return (
            "Height and width should stay: a k×k filter needs half of k as padding, rounded down, "
            "on each side."
        )
    if shape[0] != want[0]:
        return "The maps were put together along the wrong axis: channels are axis 1."
    return (
        "The channels of all filters are wanted, one behind the other: none left out, and none "
        "added to another."
    )


side_by_side = Exercise(
    key="side_by_side",
    title="Filters of several sizes, side by side",
    statement="""
Write the layer of this chapter for any sizes. `x` has the shape `(N, C_in, H, W)`, and `weights` is
a list of tensors `(C_k, C_in, k, k)`, each with an odd `k` of its own. Return the answers of all
filters in one tensor, with as many rows and columns as `x`, in the order of the list.
""",
    stub="""
from torch.nn import functional as F


def side_by_side(x, weights):
    \"\"\"All filters on the same input, their answers concatenated.\"\"\"
    return ...
""",
    answer="side_by_side",
    cases=noise(
        1,
        ((2, 2, 8, 11), [(3, 2, 5, 5)]),
        ((2, 1, 8, 11), [(2, 1, 1, 1), (2, 1, 3, 3), (2, 1, 5, 5)]),
        ((2, 3, 8, 11), [(1, 3, 7, 7), (4, 3, 3, 3)]),
    ),
    case=lambda x, weights: (
        f"filters of {', '.join(f'{len(w[0, 0])}×{len(w[0, 0])}' for w in weights)} on maps of 8×11"
    ),
    results=(
        Array(
            expected="the answers of each filter, in the order of `weights`",
            got="maps that differ by up to {off:.2g}",
            look="Each map should be what `conv2d` gives with that filter and zeros as padding.",
            shape=_look_of_maps,
        ),
    ),
    slips=(
        Slip({"dim=1)": "dim=1).relu()"}, "Negative answers are lost: this exercise has no ReLU."),
        Slip(
            {"cat(maps,": "cat(maps[::-1],"},
            "The right maps in another order: keep that of `weights`.",
        ),
    ),
    praise="The output's channels are the sum of the branches' channels; that is an Inception "
    "module in its plainest form.",
    hints=(
        "Maps can only be concatenated if they have the same height and width. What keeps them?",
        "`F.conv2d(x, w, padding=p)` adds `p` zeros on each side; without them a k×k filter loses "
        "`k - 1` rows.",
        "`torch.cat(maps, dim=1)` joins along the channels.",
    ),
    solution_code="""
from torch.nn import functional as F


def side_by_side(x, weights):
    maps = [F.conv2d(x, w, padding=w.shape[-1] // 2) for w in weights]
    return torch.cat(maps, dim=1)
""",
    why="A k×k window loses `(k - 1) / 2` rows at each edge, so this much padding gives them "
    "back. Then all maps have one size, whatever `k`, and each pixel of the output holds what "
    "windows of several sizes say about the same place.",
)

# 3 ---------------------------------------------------------------------------------------------

_SIGMAS = (1.0, 1.5, 2.2, 3.3, 5.0)
_ONE_OF_THEM = (
    "What should come back is one of `sigmas`, not its place in the list, and not the answer of "
    "the filter."
)


def _disc(radius: float, *, bright: bool = True, side: int = 81) -> Tensor:
    places = torch.arange(side) - side // 2
    inside = (places[:, None] ** 2 + places**2 <= radius**2).float()
    return 0.2 + 0.6 * (inside if bright else 1 - inside)


def _spots() -> list[tuple[Tensor, list[float]]]:
    cases = []
    # Of these radii, windows of six sigmas and all larger ones give the same answer.
    for radius, bright in ((4, True), (5, True), (6, False), (8, True), (9, False)):
        picture = _disc(radius, bright=bright)
        if radius == 5:  # a brighter thing, which no filter in the middle reaches
            picture[:8, :8] = 1.0
        cases.append((picture, list(_SIGMAS)))
    return cases


def _spot(picture: Tensor, sigmas: list[float]) -> str:
    middle = picture[40, 40]
    shade = "bright" if middle > picture[-1, -1] else "dark"
    radius = int((picture[40] == middle).sum()) // 2
    elsewhere = ", and a brighter thing in a corner" if picture[0, 0] == 1 else ""
    return f"a {shade} spot of radius {radius} pixels{elsewhere}"


def _strongest(picture: Tensor, sigmas: list[float]) -> float:
    def strength(sigma: float) -> float:
        size = 2 * int(4 * 1.6 * sigma) + 1  # room enough for nearly all of the surround
        half = size // 2
        window = picture[40 - half : 41 + half, 40 - half : 41 + half]
        return abs(float((window * difference_of_gaussians(size, sigma=sigma)[0, 0]).sum()))

    return max(sigmas, key=strength)


best_sigma = Exercise(
    key="best_sigma",
    title="Measure a spot with filters",
    statement="""
A picture of shape `(81, 81)` shows a round spot, bright or dark, in its middle, and sometimes
something else in a corner. Write a function that returns the one of `sigmas` whose difference of
Gaussians answers most strongly in the middle. `difference_of_gaussians(size, sigma=sigma)` makes
the filters. As in this chapter, a filter should be about six sigmas wide, or wider.
""",
    stub="""
from torch.nn import functional as F

from utils.filters import difference_of_gaussians


def best_sigma(picture, sigmas):
    \"\"\"The sigma that fits the spot in the middle of a picture.\"\"\"
    return ...
""",
    answer="best_sigma",
    reference=_strongest,
    cases=_spots,
    case=_spot,
    results=(
        Number(
            expected="the sigma whose filter answers most strongly in its middle",
            got="{got:g}",
            look=lambda got, want, picture, sigmas: (
                "Compare the answers at the middle pixel only, and give each filter room: about "
                "six sigmas, and an odd number of pixels."
                if any(math.isclose(got, sigma, rel_tol=1e-5) for sigma in sigmas)
                else _ONE_OF_THEM
            ),
            close=1e-5,  # float32 rounds 3.3
        ),
    ),
    slips=(
        Slip(
            {"max(sigmas, key=strength)": "sigmas.index(max(sigmas, key=strength))"},
            _ONE_OF_THEM,
            whole=True,
        ),
        Slip(
            {"max(": "min("},
            "That is the filter that answers least, for each of the spots.",
            whole=True,
        ),
        Slip(
            {"abs(float(answers[0, 0, 40, 40]))": "float(answers[0, 0, 40, 40])"},
            "A dark spot gives a *negative* answer: what counts is how far from zero it is.",
            whole=True,
        ),
    ),
    praise="One filter says that something is there. Several sizes together say how large it is.",
    hints=(
        "For each sigma: make the filter, run it over the picture, look at the middle pixel.",
        "`conv2d` wants four axes: `picture[None, None]`. With `padding=size // 2` the middle "
        "stays at `[0, 0, 40, 40]`.",
        "A dark spot gives a negative answer. Take `max` with a `key` that uses `abs`.",
    ),
    solution_code="""
from torch.nn import functional as F

from utils.filters import difference_of_gaussians


def best_sigma(picture, sigmas):
    def strength(sigma):
        size = 2 * int(3 * 1.6 * sigma) + 1
        weights = difference_of_gaussians(size, sigma=sigma)
        answers = F.conv2d(picture[None, None], weights, padding=size // 2)
        return abs(float(answers[0, 0, 40, 40]))

    return max(sigmas, key=strength)
""",
    why="A filter much smaller than the spot sees a plain surface, in its centre and its surround "
    "alike. One much larger has most of its centre outside the spot. The strongest answer lies "
    "between, and moves with the spot's size.",
)

# 4 ---------------------------------------------------------------------------------------------

_NAMES = ("brick", "grass", "gravel")
_MOST_WEIGHTS = 60
_LEAST = 0.975
_WINDOW = 64


def texture_crops(*, side: int = _WINDOW) -> dict[str, tuple[Tensor, Tensor]]:
    """Return texture -> crops of its upper and its lower half, each (N, 1, side, side).

    Each crop has a mean of 0 and a standard deviation of 1: how bright a texture is says nothing.
    """
    found = {}
    for name in _NAMES:
        picture = torch.from_numpy(texture(name)).float()
        tiles = picture.unfold(0, side, side).unfold(1, side, side)  # (rows, columns, side, side)
        middle = len(tiles) // 2
        halves = (tiles[:middle], tiles[middle:])
        crops = [half.reshape(-1, 1, side, side) for half in halves]
        found[name] = tuple(
            (c - c.mean(dim=(2, 3), keepdim=True)) / c.std(dim=(2, 3), keepdim=True) for c in crops
        )
    return found


def texture_accuracy(filters: Sequence[Tensor], *, side: int = _WINDOW) -> float:
    """Return the share of crops whose texture filters tell, by their answers' strengths.

    A crop is described by how much each filter's answers add to the strength of all, as shares; it
    gets the name of the texture whose mean description is nearest. Crops of the lower halves are
    named by what the upper ones taught, and the other way round.
    """

    def describe(crops: Tensor) -> Tensor:
        found = [F.conv2d(crops, f).abs().mean(dim=(1, 2, 3)) for f in filters]
        strengths = torch.stack(found, dim=1)
        return strengths / strengths.sum(dim=1, keepdim=True).clamp(min=1e-9)

    described = [list(map(describe, halves)) for halves in texture_crops(side=side).values()]
    right = []
    for learn, test in ((0, 1), (1, 0)):
        centres = torch.stack([halves[learn].mean(dim=0) for halves in described])
        scale = centres.std(dim=0).clamp(min=1e-9)
        for label, halves in enumerate(described):
            nearest = torch.cdist(halves[test] / scale, centres / scale).argmin(dim=1)
            right.append(nearest == label)
    return float(torch.cat(right).float().mean())


@cache
def by_chance(sizes: tuple[int, ...], *, tries: int = 5) -> float:
    """Return the mean accuracy of some banks of random filters of these sizes."""
    generator = torch.Generator().manual_seed(0)
    return (
        sum(
            texture_accuracy([torch.randn(1, 1, k, k, generator=generator) for k in sizes])
            for _ in range(tries)
        )
        / tries
    )


def _filters(answer: Any, largest: int) -> list[Tensor]:
    """Return the reader's filters, checked; of at most `_MOST_WEIGHTS` weights in all."""
    expect(
        isinstance(answer, list | tuple) and len(answer) > 0,
        expected="a list of at least one filter",
        got=answer,
        look="Put the tensors into a list, as in the stub.",
    )
    for weights in answer:
        shape = tuple(weights.shape) if isinstance(weights, Tensor) else ()
        square = len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3]
        expect(
            square and shape[2] % 2 == 1 and shape[2] <= largest,
            expected="torch tensors of shape (1, 1, k, k), with an odd k of at most "
            f"{largest}, the crops' size",
            got=f"shape {shape}" if isinstance(weights, Tensor) else weights,
            look="Each filter is a torch tensor, as the functions above give it."
            if not isinstance(weights, Tensor)
            else "Four axes are wanted: `w[None, None]` adds two in front."
            if len(shape) == 2
            else "`gabor_bank` gives several filters in one tensor: `bank[3:4]` takes one of them."
            if len(shape) == 4 and shape[0] > 1
            else "Is `k` odd, the same for rows and columns, and no larger than the crop?",
        )
        expect(
            bool(weights.isfinite().all()),
            expected="weights that are finite numbers",
            got="some that are infinite or not a number",
            look="Is anything divided by zero?",
        )
    filters = [weights.detach().float().cpu() for weights in answer]
    cost = sum(weights.numel() for weights in filters)
    expect(
        cost <= _MOST_WEIGHTS,
        expected=f"at most {_MOST_WEIGHTS} weights in all",
        got=f"{cost} weights",
        look="A filter has k·k weights. Which of yours is the dearest, and would a smaller one "
        "with the same sigma do?",
    )
    return filters


def _verify_bank(answer: Any) -> str:
    filters = _filters(answer, _WINDOW)
    cost = sum(weights.numel() for weights in filters)
    found = texture_accuracy(filters)
    chance = by_chance(tuple(f.shape[-1] for f in filters))
    told = f"{found:.1%} with {cost} weights; random filters of these sizes: {chance:.1%}"
    alike = all(f.shape == filters[0].shape and torch.allclose(f, filters[0]) for f in filters)
    if len(filters) == 1 or alike:
        look = "What counts is each filter's *share* in the strength of all. A filter alone has "
        look += "all of it, whatever it sees; and copies share evenly."
    elif len({f.shape[-1] for f in filters}) == 1:
        look = "All your filters have one size. Filters of different sizes differ more in what "
        look += "they answer to."
    else:
        look = "Look at the curves of the three textures: between which two sizes do they differ "
        look += "most in their slope?"
    expect(
        found >= _LEAST,
        expected=f"the right name for at least {_LEAST:.1%} of the crops",
        got=told,
        look=look,
    )
    return told[0].upper() + told[1:] + "."


bank = Exercise(
    key="bank",
    title="Tell three textures apart",
    statement=f"""
Choose filters that tell brick, grass and gravel apart: a list of tensors `(1, 1, k, k)`, with at
most {_MOST_WEIGHTS} weights in all. A crop of {_WINDOW} by {_WINDOW} pixels is described by how
strong each filter's answers are, as a share in the strength of all of them: so contrast does not
count. It gets the name of the texture it is most like. Crops from the lower half of a texture are
named by what the upper half taught, and the other way round. At most one crop in forty
may get a wrong name. The check also says how far random filters of the same sizes get.
""",
    stub="""
from utils.filters import difference_of_gaussians, gabor_bank, mean_filter

my_filters = [...]
""",
    answer="my_filters",
    verify=_verify_bank,
    praise="A fixed bank of filters, and a simple rule behind it: so objects and textures were "
    "recognised before filters were learned.",
    hints=(
        "The textures' curves rise differently: what is strong in one is weak in another, and at "
        "other sizes it is the other way round.",
        "Two sizes go far: one for the finest detail, one for something coarser.",
        "`difference_of_gaussians(3)` costs nine weights, `difference_of_gaussians(5)` costs 25.",
    ),
    solution_code="""
from utils.filters import difference_of_gaussians, gabor_bank, mean_filter

my_filters = [difference_of_gaussians(3), difference_of_gaussians(7)]
""",
    why="From 3×3 to 7×7 the answers to grass hardly change, those to gravel grow, and those to "
    "brick grow most. So the share of the small filter says how fine a texture is, whatever its "
    "contrast. Either filter alone could not tell it from contrast.",
)

ALL = (answer_at, side_by_side, best_sigma, bank)

_SMALL = 32


def _small_crops(answer: Any, held_out: int = 0) -> Score:
    """Score a bank on small crops; a weight is multiplied once at each place of a crop."""
    filters = _filters(answer, _SMALL)
    macs = sum(f.numel() * (_SMALL + 1 - f.shape[-1]) ** 2 for f in filters)
    cost = sum(f.numel() for f in filters)
    return Score(texture_accuracy(filters, side=_SMALL), cost, macs)


challenge = Challenge(
    topic="Multi-scale filters",
    title="A quarter of the picture",
    statement=f"""
The same textures and the same rules, but the crops have {_SMALL} by {_SMALL} pixels: a quarter of
what the filters saw before. Name more crops than a mean of one pixel beside a 3×3 difference of
Gaussians, and send somebody the line that comes. Any filters count, also some that you found with a
computer's help.
""",
    stub="""
from utils.filters import difference_of_gaussians, gabor_bank, mean_filter

my_bank = [...]
""",
    answer="my_bank",
    measure=_small_crops,
    to_beat=lambda: _small_crops([mean_filter(1), difference_of_gaussians(3)]),
    by="a pixel and a 3×3 difference of Gaussians",
    caution="The crops are few: a difference of a point may be chance.",
)

# Questions, answered in the page ----------------------------------------------------------------


def plain_wall(size: int = 7, brightness: float = 0.5) -> Interactive:
    """Ask what a difference of Gaussians answers to a picture without any detail."""
    wall = torch.full((size, size), brightness)
    right = round(float((difference_of_gaussians(size)[0, 0] * wall).sum()), 3)
    return questions.number(
        f"An evenly grey wall fills the window: every pixel is {brightness:g}. What does a "
        f"{size}×{size} difference of Gaussians answer?",
        right,
        diagnoses={
            brightness: "That is what a *mean* answers. Here a second mean is taken off.",
            -brightness: "That would be a mean with its sign turned. There are two means here.",
            2 * brightness: "The two means are not added: one is taken off the other.",
            size * size * brightness: "That is the sum of the window, as if each weight were 1. "
            "What do the weights of each Gaussian add up to?",
        },
        right="The mean of the centre is the wall's grey, and so is that of the surround: nothing "
        "remains. Such a filter says nothing of brightness, only of what stands out.",
        otherwise="What is the weighted mean of the centre? What is that of the surround?",
        name="A plain wall",
    )


def twice_as_large(size: int = 15) -> Interactive:
    """Ask which filter answers once a picture is shown twice as large."""
    return choice(
        f"In the photograph above, a {size}×{size} difference of Gaussians answers most strongly "
        "to some galaxy. Now the photograph is shown twice as large. Which filter will answer most "
        "strongly to the same galaxy?",
        [
            Option(
                f"One of about {2 * size}×{2 * size}.",
                "The galaxy covers twice as many rows and twice as many columns, and so does the "
                "filter that fits it.",
                right=True,
            ),
            Option(
                f"Still the {size}×{size}.",
                "It is now as large as the middle of the galaxy: its centre and its surround both "
                "see light. Filters know pixels, not galaxies.",
            ),
            Option(
                f"One of about {4 * size}×{4 * size}.",
                "The galaxy has four times the area, but how many times as wide is it?",
            ),
            Option(
                "None: a larger picture is blurred.",
                "Fine detail is missing in it, but a galaxy is still a bright spot on black.",
            ),
        ],
        prediction=True,
        name="Twice as large",
    )
