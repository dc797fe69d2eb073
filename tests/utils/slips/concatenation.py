"""What a reader of the chapter on concatenation may plausibly write, and other right answers."""

_UNIT = (
    "from torch.nn import functional as F\n"
    "def unit(x, weight):\n"
    "    return F.relu(F.conv2d(x, weight, padding=weight.shape[-1] // 2))\n"
)
_BRANCHES = (
    "    one = unit(x, w['one'])\n"
    "    three = unit(unit(x, w['reduce3']), w['three'])\n"
    "    five = unit(unit(x, w['reduce5']), w['five'])\n"
    "    pool = unit(F.max_pool2d(x, 3, stride=1, padding=1), w['project'])\n"
)
_MODULE = _UNIT + "def inception(x, w):\n" + _BRANCHES


def _module(*changes: tuple[str, str]) -> str:
    """The module with some of its text changed; each change must find its place."""
    code = _MODULE + "    return torch.cat([one, three, five, pool], dim=1)"
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    return code


_PRUNE = (
    "def prune(weight, bias, widths, branch, means):\n"
    "    parts = list(torch.split(weight, widths, dim=1))\n"
    "    gone = parts.pop(branch)[:, :, 0, 0]\n"
)

# Exercise -> answers, and a part of the diagnosis that only this slip should get.
SLIPS = {
    "whose": [
        (
            "def whose(widths, channel):\n"
            "    for branch, width in enumerate(widths):\n"
            "        if channel <= width:\n            return branch, channel\n"
            "        channel = channel - width",
            "stands the first of the next",
        ),
        (
            "def whose(widths, channel):\n"
            "    for branch, width in enumerate(widths):\n"
            "        if channel < width:\n            return branch + 1, channel\n"
            "        channel = channel - width",
            "Branches are counted from 0",
        ),
        (
            "def whose(widths, channel):\n"
            "    start = 0\n"
            "    for branch, width in enumerate(widths):\n"
            "        if channel < start + width:\n            return branch, channel\n"
            "        start += width",
            "place in the whole module",
        ),
        (
            "def whose(widths, channel):\n"
            "    for branch, width in enumerate(widths):\n"
            "        if channel < width:\n            return branch, channel + 1\n"
            "        channel = channel - width",
            "Within a branch, too",
        ),
        (
            "def whose(widths, channel):\n"
            "    for branch, width in enumerate(widths):\n"
            "        if channel < width - 1:\n            return branch, channel\n"
            "        channel = channel - width",
            "ends at `start + n - 1`",
        ),
        ("def whose(widths, channel):\n    return channel % len(widths)", "return branch, own"),
    ],
    "module": [
        (
            _module(
                ("unit(unit(x, w['reduce3'])", "unit(F.conv2d(x, w['reduce3'])"),
                ("unit(unit(x, w['reduce5'])", "unit(F.conv2d(x, w['reduce5'])"),
            ),
            "behind the two reductions",
        ),
        (
            _module(("F.relu(", "(")),
            "no ReLU at all",
        ),
        (
            _module(("F.max_pool2d(x,", "F.avg_pool2d(x,")),
            "not the mean",
        ),
        (
            _module(
                (
                    "unit(F.max_pool2d(x, 3, stride=1, padding=1), w['project'])",
                    "F.max_pool2d(unit(x, w['project']), 3, stride=1, padding=1)",
                )
            ),
            "pools first and projects then",
        ),
        (
            _module(
                (
                    "F.max_pool2d(x, 3, stride=1, padding=1)",
                    "F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, stride=1)",
                )
            ),
            "zeros beside it win",
        ),
        (
            _module(("[one, three, five, pool]", "[one, five, pool, three]")),
            "in another order",
        ),
        (
            _module(("dim=1", "dim=0"), ("[one, three, five, pool]", "4 * [one]")),
            "another axis",
        ),
        (
            _module(("[one, three, five, pool]", "[one, three, five]")),
            "Channels are missing",
        ),
        (
            _module(("[one, three, five, pool]", "[one, three, five, pool, one]")),
            "Too many channels",
        ),
        (
            _module(
                (
                    "unit(F.max_pool2d(x, 3, stride=1, padding=1), w['project'])",
                    "F.max_pool2d(x, 3, stride=1, padding=1)",
                )
            ),
            "the pool has a projection",
        ),
        (
            _module(("unit(F.max_pool2d(x, 3, stride=1, padding=1), w['p", "unit(x, w['p")),
            "channels of the pool's branch; the rest",
        ),
        (
            _module(("unit(unit(x, w['reduce3'])", "unit(F.conv2d(x, w['reduce3'])")),
            "channels of the 3×3 branch; the rest",
        ),
        (
            _module(("padding=1), w['p", "padding=0), w['p")),
            "of your cell, in `inception`",
        ),
        (
            _module(
                (
                    "return torch.cat([one, three, five, pool], dim=1)",
                    "return torch.cat([one, three, five, pool], dim=1)[:, :, 1:-1, 1:-1]",
                )
            ),
            "keep height and width",
        ),
        (
            _module(("weight.shape[-1] // 2", "0")),
            "of your cell, in `inception`",
        ),
    ],
    "prune": [
        (_PRUNE + "    return torch.cat(parts, dim=1), bias", "less than it is used to"),
        (
            _PRUNE + "    return torch.cat(parts, dim=1), bias - gone @ means",
            "the wrong sign",
        ),
        (_PRUNE + "    return torch.cat(parts, dim=1), gone @ means", "added to it"),
        (
            _PRUNE + "    return torch.cat(parts, dim=1), bias + means.sum()",
            "those that were cut",
        ),
        (_PRUNE + "    return weight, bias + gone @ means", "Nothing was cut"),
        (
            "def prune(weight, bias, widths, branch, means):\n"
            "    parts = list(torch.split(weight, widths, dim=1))\n"
            "    gone = parts.pop(branch)[:, :, 0, 0]\n"
            "    return torch.cat(parts[::-1], dim=1), bias + gone @ means",
            "Which columns belong",
        ),
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
        "import numpy as np\n"
        "def whose(widths, channel):\n"
        "    for branch, width in enumerate(widths):\n"
        "        if channel < width:\n            return np.array([branch, channel])\n"
        "        channel = channel - width",
    ),
    (
        "module",
        _module(("x, weight):\n", "x, weight):\n    x, weight = x.double(), weight.double()\n")),
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
]
