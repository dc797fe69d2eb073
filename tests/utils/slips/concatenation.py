"""What a reader of the chapter on concatenation may plausibly write, and other right answers."""

_CAT = "torch.cat([one, three, five, pool], dim=1)"
_POOL = "F.max_pool2d(x, 3, stride=1, padding=1)"
_SIX = """
import torch
from torch.nn import functional as F


def inception(x, w):
    def unit(x, weight):
        return F.relu(F.conv2d(x, weight, padding=weight.shape[-1] // 2))

    three = unit(unit(x, w["reduce3"]), w["three"])
    five = unit(unit(x, w["reduce5"]), w["five"])
    pool = unit(F.max_pool2d(x, 3, stride=1, padding=1), w["project"])
    return torch.cat([unit(x, w["one"]), three, five, pool], dim=1)
"""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "whose": [
        ("def whose(widths, channel):\n    return channel % len(widths)", "return branch, own"),
    ],
    "module": [
        ({"[one, three, five, pool]": "[one, five, pool, three]"}, "in another order"),
        ({f"    return {_CAT}": f"    {_CAT}"}, "without `return`"),
        ({"pool], dim=1": "pool], dim=0"}, "which axis counts the channels"),
        ({"[one, three, five, pool]": "[one, three, five]"}, "Channels are missing"),
        ({"[one, three, five, pool]": "[one, three, five, pool, one]"}, "Too many channels"),
        ({'F.relu(F.conv2d(pooled, w["project"]))': "pooled"}, "the pool has a projection"),
        ({_POOL: "x"}, "channels of the pool's branch; the rest"),
        ({_POOL: "F.max_pool2d(x, 3, padding=1)"}, "moves by its whole window"),
        ({'w["five"], padding=2': 'w["five"]'}, "a filter of 5×5 need"),
        ({'w["three"], padding=1': 'w["three"]'}, "a filter of 3×3 need"),
        ({"padding=1)\n    pool =": "padding=0)\n    pool ="}, "5×7 from the pool's branch"),
        ({_CAT: f"{_CAT}[:, :, 1:-1, 1:-1]"}, "keep height and width"),
        ({"split([": "split([1 + 0 * "}, "of your cell, in `inception`"),
        (_SIX, "the right output, with 6"),
        ({"F.max_pool2d(x,": "F.max_pool2d(x.mul_(0.5),"}, "in place"),
    ],
    "prune": [
        ({"cat(parts,": "cat(parts[::-1],"}, "Which columns belong"),
        ({"gone[:, :, 0, 0] @": "gone.squeeze() @"}, "of your cell, in `prune`"),
        (
            "def prune(weight, bias, widths, branch, means):\n"
            "    n = len(weight) - 1\n    return weight[:n], bias[:n]",
            "outputs that were cut",
        ),
        ("def prune(weight, bias, widths, branch, means):\n    return weight", "new_weight, new_"),
    ],
    "same_price": [
        ("my_module = dict(width=256, reduce3x3=96, reduce5x5=16)", "As wide as 3a itself"),
        ("my_module = dict(width=249, reduce3x3=8, reduce5x5=8)", "not a pinhole"),
        ("my_module = dict(width=128, reduce3x3=96, reduce5x5=16)", "paid four times"),
        ("my_module = dict(width=64, reduce3x3=96, reduce5x5=16)", "something left to spend"),
        ("my_module = dict(width=40, reduce3x3=160, reduce5x5=64)", "pay for a wider sum"),
        ("my_module = dict(width=120, reduce3x3=90, reduce5x5=1)", "not a pinhole"),
        ("my_module = dict(width=85.5, reduce3x3=96, reduce5x5=16)", "`width=85.5`"),
        ("my_module = (85, 96, 16)", "form of the stub"),
        ("my_module = dict(width=84, reduce3x3=96, reduce5x5=16)", "97.9%"),
    ],
}

RIGHT = [
    (
        "whose",
        "from itertools import accumulate\n"
        "def whose(widths, channel):\n"
        "    ends = list(accumulate(widths))\n"
        "    branch = next(i for i, end in enumerate(ends) if channel < end)\n"
        "    return branch, channel - ends[branch] + widths[branch]",
    ),
    (
        "whose",
        "def whose(widths, channel):\n"
        "    owner = torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))\n"
        "    branch = owner[channel]\n"
        "    return branch, (owner[:channel] == branch).sum()",
    ),
    (
        "whose",
        {
            "def whose": "import numpy as np\ndef whose",
            "return branch, channel": "return np.array([branch, channel])",
        },
    ),
    (
        "module",  # one layer for all that reads x, the weights in another order
        "from torch.nn import functional as F\n"
        "def inception(x, w):\n"
        "    x, w = x.double(), {name: weight.double() for name, weight in w.items()}\n"
        "    first = torch.cat((w['reduce5'], w['one'], w['reduce3']))\n"
        "    read = F.conv2d(x, first)\n"
        "    a, b = len(w['reduce5']), len(w['reduce5']) + len(w['one'])\n"
        "    one, three, five, pool = (\n"
        "        read[:, a:b],\n"
        "        F.conv2d(read[:, b:].relu(), w['three'], padding=1),\n"
        "        F.conv2d(read[:, :a].relu(), w['five'], padding=2),\n"
        "        F.conv2d(F.max_pool2d(x, 3, stride=1, padding=1), w['project']),\n"
        "    )\n"
        "    return torch.cat((one, three, five, pool), 1).relu()",
    ),
    (
        "module",
        {
            "    first =": "    x = x.half()\n"
            "    w = {name: weight.half() for name, weight in w.items()}\n    first ="
        },
    ),
    (
        "prune",
        "def prune(weight, bias, widths, branch, means):\n"
        "    start = sum(widths[:branch])\n"
        "    end = start + widths[branch]\n"
        "    kept = [i for i in range(weight.shape[1]) if not start <= i < end]\n"
        "    folded = torch.einsum('oc,c->o', weight[:, start:end, 0, 0], means)\n"
        "    return weight[:, kept], bias + folded",
    ),
    ("same_price", "my_module = dict(width=102, reduce3x3=80, reduce5x5=12)"),
    ("same_price", "my_module = dict(width=64, reduce3x3=111, reduce5x5=28)"),
]
