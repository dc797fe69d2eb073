"""What a reader of the chapter on sizes of filters may plausibly write, and other right answers."""

_AT = (
    "def answer_at(picture, weights, row, column):\n"
    "    half = len(weights) // 2\n"
    "    rows = slice(row - half, row + half + 1)\n"
    "    columns = slice(column - half, column + half + 1)\n"
    "    return float((picture[rows, columns] * weights).sum())"
)
_SIDE = (
    "from torch.nn import functional as F\n"
    "def side_by_side(x, weights):\n"
    "    maps = [F.conv2d(x, w, padding=w.shape[-1] // 2) for w in weights]\n"
    "    return torch.cat(maps, dim=1)"
)
_SIGMA = (
    "from torch.nn import functional as F\n"
    "from utils.filters import difference_of_gaussians\n"
    "def best_sigma(picture, sigmas):\n"
    "    def strength(sigma):\n"
    "        size = 2 * int(3 * 1.6 * sigma) + 1\n"
    "        weights = difference_of_gaussians(size, sigma=sigma)\n"
    "        answers = F.conv2d(picture[None, None], weights, padding=size // 2)\n"
    "        return abs(float(answers[0, 0, 40, 40]))\n"
    "    return max(sigmas, key=strength)"
)
_BANK = (
    "from utils.filters import difference_of_gaussians, gabor_bank, mean_filter\nmy_filters = [{}]"
)


def _changed(code: str, *changes: tuple[str, str]) -> str:
    """The code with some of its text changed; each change must find its place."""
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


# Exercise -> answers, and a part of the diagnosis that only this slip should get.
SLIPS = {
    "answer_at": [
        (_changed(_AT, (".sum()", ".mean()")), "mean of the products"),
        (_changed(_AT, ("* weights)", "* weights.flip(0, 1))")), "turned by half a turn"),
        (_changed(_AT, ("* weights)", "* weights.mT)")), "have changed places"),
        (
            _changed(
                _AT,
                ("row - half, row + half + 1", "row, row + len(weights)"),
                ("column - half, column + half + 1", "column, column + len(weights)"),
            ),
            "begins at the pixel",
        ),
        (
            _changed(_AT, ("picture[rows, columns]", "picture[columns, rows]")),
            "the row comes first",
        ),
        (
            _changed(
                _AT,
                (
                    "(picture[rows, columns] * weights).sum()",
                    "picture[rows, columns].sum() * weights.sum()",
                ),
            ),
            "Multiply pixel by weight first",
        ),
        (_changed(_AT, ("weights).sum()", "weights).relu().sum()")), "Negative products are lost"),
        (_changed(_AT, ("return float(", "return abs(")), "without its sign"),
        (_changed(_AT, ("return float(", "return -(")), "The sign is turned"),
        (_changed(_AT, ("weights).sum())", "weights).sum().relu())")), "has become 0"),
        (_changed(_AT, ("columns] * weights", "columns] @ weights")), "product of matrices"),
        (_changed(_AT, ("* weights)", "* weights.flip(1))")), "left to right"),
        (_changed(_AT, ("* weights)", "* weights.flip(0))")), "top to bottom"),
    ],
    "side_by_side": [
        (_changed(_SIDE, (", padding=w.shape[-1] // 2", "")), "half of k as padding"),
        (_changed(_SIDE, ("padding=w.shape[-1] // 2", "padding=1")), "half of k as padding"),
        (_changed(_SIDE, ("torch.cat(maps, dim=1)", "sum(m[:, :1] for m in maps)")), "none added"),
        (_changed(_SIDE, ("cat(maps", "stack(maps")), "`stack` does"),
        (_changed(_SIDE, ("dim=1", "dim=0")), "channels are axis 1"),
        (_changed(_SIDE, ("dim=1)", "dim=1).relu()")), "Negative answers are lost"),
        (_changed(_SIDE, ("(maps, dim=1)", "(maps[::-1], dim=1)")), "in another order"),
        (_changed(_SIDE, ("conv2d(x, w", "conv2d(x, w.flip(2, 3)")), "with that filter and zeros"),
    ],
    "best_sigma": [
        (
            _changed(_SIGMA, ("abs(float(answers[0, 0, 40, 40]))", "float(answers[0, 0, 40, 40])")),
            "dark spot",
        ),
        (_changed(_SIGMA, ("return max(", "return min(")), "answers least"),
        (
            _changed(_SIGMA, ("abs(float(answers[0, 0, 40, 40]))", "float(answers.abs().sum())")),
            "middle pixel only",
        ),
        (
            _changed(_SIGMA, ("abs(float(answers[0, 0, 40, 40]))", "float(answers.abs().max())")),
            "middle pixel only",
        ),
        (
            _changed(
                _SIGMA,
                ("return max(sigmas, key=strength)", "return max(strength(s) for s in sigmas)"),
            ),
            "one of `sigmas`",
        ),
    ],
    "bank": [
        (_BANK.format("difference_of_gaussians(3)"), "A filter alone"),
        (
            _BANK.format("f for f in gabor_bank((4.0,), orientations=2, size=7)[[1, 3], None]"),
            "All your filters have one size",
        ),
        (_BANK.format("difference_of_gaussians(3), difference_of_gaussians(15)"), "dearest"),
        (_BANK.format("mean_filter(7), mean_filter(9)"), "in their slope"),
        (_BANK.format("gabor_bank((3.0,), size=3)"), "takes one of them"),
        (_BANK.format("difference_of_gaussians(3)[0, 0]"), "adds two in front"),
        (_BANK.format("difference_of_gaussians(3).numpy()"), "is a torch tensor"),
        (_BANK.format("torch.randn(1, 1, 4, 4)"), "Is `k` odd"),
    ],
}

# Other answers that are right.
RIGHT = [
    (
        "answer_at",
        "def answer_at(picture, weights, row, column):\n"
        "    k = len(weights)\n"
        "    return sum(\n"
        "        weights[i, j] * picture[row + i - k // 2, column + j - k // 2]\n"
        "        for i in range(k) for j in range(k)\n"
        "    )",
    ),
    ("side_by_side", _changed(_SIDE, ("padding=w.shape[-1] // 2", "padding='same'"))),
    (
        "best_sigma",
        _changed(_SIGMA, ("2 * int(3 * 1.6 * sigma) + 1", "2 * int(4 * 1.6 * sigma) + 1")),
    ),
    (
        "best_sigma",
        _changed(
            _SIGMA,
            (
                "return max(sigmas, key=strength)",
                "return torch.tensor(sigmas)[torch.tensor([strength(s) for s in sigmas]).argmax()]",
            ),
        ),
    ),
    ("bank", _BANK.format("difference_of_gaussians(7), difference_of_gaussians(9)")),
    ("bank", _BANK.format("mean_filter(1), difference_of_gaussians(3)")),
]
