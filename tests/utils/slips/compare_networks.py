"""What a reader of the chapter on comparing networks may write, and other right answers."""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "test": [
        ("def p_value(right, other):\n    return 0.05", "eight tosses"),
        ("def p_value(right, other):\n    return right.sum(), other.sum()", "a single number"),
        (
            "def p_value(right, other):\n"
            "    first, second = (right & ~other).sum().item(), (other & ~right).sum().item()\n"
            "    return (first - second) ** 2 / (first + second)",
            "4.5",
        ),
    ],
    "front": [
        ("def front(networks):\n    return networks", "names themselves"),
        ("def front(networks):\n    return {'AlexNet'}", "look for another"),
        ("def front(networks):\n    return list(networks.values())", "one of the keys"),
    ],
    "alike": [
        ({"(2), (same": "(2).mean(1), (same"}, "A number for each two networks"),
        ({"same.mean(2)": "same"}, "A number for each image is left"),
        (
            "def compare(networks, images, labels):\n"
            "    named = torch.stack([network(images).argmax(1) for network in networks])\n"
            "    same = (named[:, None] == named).double().mean(2)\n"
            "    return same",
            "return same, misled",
        ),
        ({"return same.mean(2)": "return same.mean(2) * 0.5"}, "five images by hand"),
    ],
}

RIGHT = [
    (
        "test",
        "from scipy.stats import binomtest\n\n\n"
        "def p_value(right, other):\n"
        "    n = int((right != other).sum())\n"
        "    return binomtest(int((right & ~other).sum()), n).pvalue if n else 1",
    ),
    (
        "test",
        "def p_value(right, other):\n"
        "    apart = right != other\n"
        "    n, k = apart.sum().double(), (right & apart).sum().double()\n"
        "    each = torch.arange(n + 1, dtype=torch.double)\n"
        "    ways = torch.lgamma(n + 1) - torch.lgamma(each + 1) - torch.lgamma(n - each + 1)\n"
        "    chance = (ways - n * torch.tensor(2.0).double().log()).exp()\n"
        "    return chance[chance <= chance[k.long()] * (1 + 1e-9)].sum()",
    ),
    (
        "front",
        "def front(networks):\n"
        "    found = []\n"
        "    for name, (cost, right) in networks.items():\n"
        "        others = [pair for pair in networks.values() if pair != (cost, right)]\n"
        "        if all(c > cost or r < right for c, r in others):\n"
        "            found.append(name)\n"
        "    return found",
    ),
    (
        "front",
        "def front(networks):\n"
        "    for name, (cost, right) in networks.items():\n"
        "        cheaper = [r for c, r in networks.values() if c < cost]\n"
        "        as_dear = [r for c, r in networks.values() if c == cost]\n"
        "        if right > max(cheaper, default=-1) and right == max(as_dear):\n"
        "            yield name",
    ),
    (
        "alike",
        "def compare(networks, images, labels):\n"
        "    m = len(networks)\n"
        "    named = [network(images).softmax(1).max(1).indices for network in networks]\n"
        "    same, misled = torch.zeros(m, m), torch.zeros(m, m)\n"
        "    for i in range(m):\n"
        "        for j in range(m):\n"
        "            equal = named[i] == named[j]\n"
        "            same[i, j] = equal.float().mean()\n"
        "            both = (named[i] != labels) & (named[j] != labels)\n"
        "            if both.any():\n"
        "                misled[i, j] = equal[both].float().mean()\n"
        "    return [same.numpy(), misled.numpy()]",
    ),
]
