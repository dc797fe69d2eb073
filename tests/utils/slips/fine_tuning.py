"""What a reader of the chapter on fine-tuning may write, and other right answers."""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "free": [
        ("def choose(costs, budget):\n    return 'fc'", "as a list"),
        ("def choose(costs, budget):\n    return [(n, costs[n]) for n in costs]", "names alone"),
        ("def choose(costs, budget):\n    return list(costs)", "add up by hand"),
    ],
    "moves": [
        ("def moving(network):\n    return 5", "return learned, drifting"),
        (
            "def moving(network):\n    return sum(b.numel() for b in network.buffers()), 0",
            "gets no gradient",
        ),
    ],
    "broken": [
        (
            "wrong = {'A': 'the trunk learns, too', 'B': 'nothing', 'C': 'nothing'}",
            "`conv1` would be",
        ),
        (
            "wrong = {'A': 'the averages drift', 'B': 'the head is frozen', "
            "'C': 'the rate is far too high'}",
            "`fc` would be the same",
        ),
        (
            "wrong = {'A': 'the averages drift', 'B': 'the labels are mixed up', 'C': 'nothing'}",
            "head alone",
        ),
        ("wrong = {'A': 'the averages drift', 'B': 1, 'C': 'nothing'}", "Copy it"),
        ("wrong = ['the averages drift', 'nothing', 'nothing']", "form of the stub"),
    ],
}

RIGHT = [
    (
        "free",
        "def choose(costs, budget):\n"
        "    chosen, above = [], 0\n"
        "    for name, cost in reversed(costs.items()):\n"
        "        if 2 * cost + 3 * above > budget:\n"
        "            break\n"
        "        chosen.append(name)\n"
        "        above += cost\n"
        "    return chosen[::-1]",
    ),
    (
        "moves",
        "import copy\n\n\n"
        "def moving(network):\n"
        "    learned = sum(p.numel() for p in network.parameters() if p.requires_grad)\n"
        "    before = copy.deepcopy(dict(network.named_buffers()))\n"
        "    with torch.no_grad():\n"
        "        network(torch.randn(8, 1, 28, 28))\n"
        "    moved = {k: b for k, b in network.named_buffers() if 'running' in k}\n"
        "    drifting = sum(b.numel() for k, b in moved.items() if (b != before[k]).any())\n"
        "    return learned, drifting",
    ),
]
