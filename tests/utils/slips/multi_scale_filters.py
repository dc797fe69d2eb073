"""What a reader of the chapter on sizes of filters may plausibly write, and other right answers."""

_BANK = (
    "from utils.filters import difference_of_gaussians, gabor_bank, mean_filter\nmy_filters = [{}]"
)


_STRENGTH = "abs(float(answers[0, 0, 40, 40]))"

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "side_by_side": [
        ({", padding=w.shape[-1] // 2": ""}, "half of k as padding"),
        ({"padding=w.shape[-1] // 2": "padding=1"}, "half of k as padding"),
        ({"torch.cat(maps, dim=1)": "sum(m[:, :1] for m in maps)"}, "none added"),
        ({"cat(maps": "stack(maps"}, "`stack` does"),
        ({"dim=1": "dim=0"}, "channels are axis 1"),
        ({"conv2d(x, w": "conv2d(x, w.flip(2, 3)"}, "with that filter and zeros"),
    ],
    "best_sigma": [
        ({_STRENGTH: "float(answers.abs().sum())"}, "middle pixel only"),
        ({_STRENGTH: "float(answers.abs().max())"}, "middle pixel only"),
        ({"max(sigmas, key=strength)": "max(map(strength, sigmas))"}, "one of `sigmas`"),
    ],
    "bank": [
        (_BANK.format("difference_of_gaussians(3)"), "A filter alone"),
        (
            _BANK.format("f for f in gabor_bank((4.0,), orientations=2, size=5)[[1, 3], None]"),
            "All your filters have one size",
        ),
        (_BANK.format("difference_of_gaussians(3), difference_of_gaussians(15)"), "dearest"),
        (_BANK.format("mean_filter(1), mean_filter(7)"), "in their slope"),
        (_BANK.format("mean_filter(1), difference_of_gaussians(3)"), "random filters of these"),
        (_BANK.format("*torch.randn(16, 1, 1, 3, 3)"), "144 weights"),
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
    ("side_by_side", {"padding=w.shape[-1] // 2": "padding='same'"}),
    *(
        ("best_sigma", {"2 * int(3 * 1.6 * sigma) + 1": size})
        for size in ("2 * int(4 * 1.6 * sigma) + 1", "2 * int(3 * sigma) + 1", "61")
    ),
    (
        "best_sigma",
        {
            "max(sigmas, key=strength)": "torch.tensor(sigmas)["
            "torch.tensor([strength(s) for s in sigmas]).argmax()]",
            "from torch.nn": "import torch\nfrom torch.nn",
        },
    ),
    ("bank", _BANK.format("difference_of_gaussians(3), difference_of_gaussians(5)")),
]
