"""What a reader of the chapter on training may plausibly write, and right answers."""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "cycle": [
        ("def rate(step, steps, peak, warmup):\n    return 'high'", "a single number"),
        ("def rate(step, steps, peak, warmup):\n    return peak", "which two points"),
        ("rate = 0.8", "without calling it"),
        ({"warmup * steps": "warmup * steps - 1"}, "which two points"),
    ],
    "second_look": [
        ({" / 2": " / 2 + 0.01"}, "add up to 1"),
        ({"softmax(1)": "log_softmax(1)"}, "between 0 and 1"),
        ({"images.flip(3)": "images.roll(1, 3)"}, "Two forward passes"),
        ({"    return sum": "    return 7 #"}, "should return a tensor"),
        ({"return sum(network(x).softmax(1) for x in views) / 2": "return images"}, "One row"),
    ],
    "loops": [
        ({"return losses, accuracy": "return accuracy"}, "return losses, accuracy"),
        ({"return losses, accuracy": "return 3, accuracy"}, "one number for each batch"),
        ({"return losses, accuracy": "return losses[1:], accuracy"}, "used once, in its order"),
        (
            {"return losses, accuracy": "import itertools\n    return itertools.count(), 1"},
            "1000 numbers",
        ),
        ({"lr=0.1": "lr=0.01"}, "Two things can be wrong so far"),
        ({"return losses, accuracy": "return losses, 0.5"}, "different about the network"),
        ({"accuracy = right.float().mean().item()": "accuracy = 100"}, "neither a count"),
        ({"right.float().mean()": "right.sum()"}, "neither a count"),
    ],
    "groups": [
        ({"p.ndim < 2": "p.ndim < 1"}, "What is in no group"),
        ({"p.ndim >= 2": "p.ndim >= 0", "p.ndim < 2": "p.ndim < 0"}, "scales a channel each"),
        ({'"weight_decay": decay': '"weight_decay": 0.0'}, "it is a weight"),
        ({"p.ndim >= 2": "p.ndim != 1", "p.ndim < 2": "p.ndim == 1"}, "A single number"),
        ({"p.ndim < 2": "p.ndim > 0"}, "stands in two of them"),
        ({'"weight_decay": decay': '"weight_decay": 0.01'}, "use what it is given"),
        ("def groups(network, decay):\n    return network.parameters()", "A list of dictionaries"),
        ("groups = []", "without calling it"),
    ],
    "smoothed": [
        ({"return -(target": "return -2 * (target"}, "as a row that adds up to 1"),
        ({"return -(target * log_p).sum(1).mean()": "return -target * log_p"}, "a single number"),
    ],
}

RIGHT = [
    (
        "cycle",
        "def rate(step, steps, peak, warmup):\n"
        "    up = 0.1 + 0.9 * step / (warmup * steps) if warmup else 2.0\n"
        "    down = (1 - step / steps) / (1 - warmup)\n"
        "    return peak * min(up, down)\n",
    ),
    (
        "second_look",
        "def look_twice(network, images):\n"
        "    network.train(False)\n"
        "    both = torch.cat([images, images.flip(-1)])\n"
        "    first, second = network(both).softmax(-1).chunk(2)\n"
        "    return (first + second) / 2\n",
    ),
    (
        "loops",
        "def learn(network, batches, test):\n"
        "    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)\n"
        "    losses = []\n"
        "    network.train()\n"
        "    for images, labels in batches:\n"
        "        network.zero_grad()\n"
        "        p = network(images).softmax(1)\n"
        "        loss = torch.nn.functional.nll_loss(p.log(), labels)\n"
        "        loss.backward()\n"
        "        optimiser.step()\n"
        "        losses.append(loss)\n"
        "    network.eval()\n"
        "    return losses, (network(test[0]).argmax(1) == test[1]).float().mean()\n",
    ),
    (
        "groups",
        "def groups(network, decay):\n"
        "    return [\n"
        "        {'params': [p], 'weight_decay': decay if p.dim() > 1 else 0}\n"
        "        for p in network.parameters()\n"
        "    ]\n",
    ),
    (
        "smoothed",
        "def smoothed(scores, labels, smoothing):\n"
        "    log_p = scores - scores.logsumexp(1, keepdim=True)\n"
        "    right = log_p[torch.arange(len(labels)), labels]\n"
        "    return ((smoothing - 1) * right - smoothing * log_p.mean(1)).mean()\n",
    ),
]
