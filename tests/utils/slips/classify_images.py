"""What a reader of the chapter on classifying images may write, and other right answers."""

_PILLOW = """
import io

import numpy as np
from PIL import Image, ImageOps


def my_input(content, size, mean, std):
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGBA")
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    picture = Image.alpha_composite(white, picture).convert("RGB")
    picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    x = (np.asarray(picture) / 255 - np.array(mean)) / np.array(std)
    return torch.from_numpy(x).permute(2, 0, 1)[None]
"""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "prepare": [
        ({"[None]": ".permute(1, 2, 0)[None]"}, "One image of three channels"),
        ({"x, mean, std)[None]": "x, mean, std)[None] + 1"}, "look at it"),
        ({"[size, size]": "[size + 1, size + 1]"}, "(1, 3, 33, 33)"),
        ({"mean, std)[None]": "mean, std)[None] * 255"}, "bytes, 0 to 255"),
    ],
    "ranked": [
        ("def top_right(scores, labels, k):\n    return k / scores.shape[1]", "Take one image"),
        ({".float().mean()": ""}, "a single number"),
    ],
    "boxes": [
        ({"squeezed": "mirrored"}, "mirror first"),
        ({"blue for red": "grey"}, "sees grey"),
        ({"no std": "no mean"}, "the mean colour"),
        ({"no std": "bytes, 0 to 255"}, "255 times"),
        ({"no std": "sdt"}, "Copy it"),
        ('wrong = ["squeezed", "blue for red", "no std"]', "form of the stub"),
    ],
    "gap": [
        ({"return total": "return 0.0"}, "on paper"),
        ({"if own.any():": "if True:"}, "not a number"),
        ({"return total": "return sure"}, "a single number"),
    ],
    "temperature": [
        ("def choose(scores, labels):\n    return 1.0", "Draw the loss"),
        ("def choose(scores, labels):\n    return scores.std()", "Draw the loss"),
        ("def choose(scores, labels):\n    return scores / 2", "a single number"),
        ({"return min(grid": "return grid.index(min(grid", ".item())": ".item()))"}, "its place"),
        ({"return min": "return 1.1 * min"}, "Nearly"),
    ],
}

RIGHT = [
    (
        "ranked",
        "def top_right(scores, labels, k):\n"
        "    own = scores[torch.arange(len(labels)), labels]\n"
        "    others = scores.clone()\n"
        "    others[torch.arange(len(labels)), labels] = -float('inf')\n"
        "    kth = others.topk(min(k, scores.shape[1])).values[:, -1]\n"
        "    return float((own > kth).double().mean())",
    ),
    ("prepare", _PILLOW),
    (
        "gap",
        "def gap(probabilities, labels, bins):\n"
        "    sure, named = probabilities.max(1)\n"
        "    place = torch.bucketize(sure, torch.linspace(0, 1, bins + 1)[1:])\n"
        "    off = sure - (named == labels).float()\n"
        "    return sum(off[place == i].sum().abs() for i in range(bins)) / len(sure)",
    ),
    (
        "temperature",
        "def choose(scores, labels):\n"
        "    log = torch.zeros((), requires_grad=True)\n"
        "    step = torch.optim.LBFGS([log], max_iter=100, line_search_fn='strong_wolfe')\n"
        "    def closure():\n"
        "        step.zero_grad()\n"
        "        loss = torch.nn.functional.cross_entropy(scores / log.exp(), labels)\n"
        "        loss.backward()\n"
        "        return loss\n"
        "    step.step(closure)\n"
        "    return log.exp().item()",
    ),
    (
        "temperature",
        "def choose(scores, labels):\n"
        "    grid = torch.logspace(-3, 3, 420, base=2).requires_grad_()\n"
        "    loss = lambda t: torch.nn.functional.cross_entropy(scores / t, labels)\n"
        "    return min(grid, key=loss)",
    ),
    (
        "prepare",
        _PILLOW.replace(
            "ImageOps.fit(picture, (size, size), ",
            "ImageOps.fit(picture, (min(picture.size),) * 2).resize((size, size), ",
        ),
    ),
]
