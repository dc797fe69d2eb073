"""What a reader of the chapter on auxiliary classifiers may plausibly write, and right answers."""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "travel": [
        ({"outputs.append(x)": "pass"}, "IndexError"),
        ({"return signals, gradients": "return signals"}, "return signals, gradients"),
        ({"return signals, gradients": "return [1.0], gradients"}, "none for the image"),
        ({"return signals, gradients": "return [7.0] * 6, gradients"}, "take the root"),
        ({"return signals, gradients": "return signals, [7.0] * 6"}, "retain_grad"),
    ],
    "start": [
        ({"(2 / inputs) ** 0.5": "0.01"}, "too small for the number of inputs"),
        ({"(2 / inputs) ** 0.5": "0.15"}, "cannot suit both"),
        ({"(2 / inputs) ** 0.5": "(1 / inputs) ** 0.5"}, "half of the numbers"),
        ({"(2 / inputs) ** 0.5": "0.0"}, "a single number"),
        ({"(2 / inputs) ** 0.5": "(8 / inputs) ** 0.5"}, "grows from layer to layer"),
        ("deviation = 3", "without calling it"),
    ],
    "joint": [
        ({" if isinstance(outputs, tuple) else (outputs,)": ""}, "For 1D input"),
        ({"if scores is not None": "if True"}, "NoneType"),
        (
            {"in heads": "in heads[heads[:1] == [None] :]", "if scores is not None": "if True"},
            "None",
        ),
        (
            {"= outputs if": "= (outputs[0], outputs.aux_logits2, outputs.aux_logits1) if"},
            "aux_logits2",
        ),
        ({"return loss": "return 7 * loss"}, "a single tensor"),
        ({"weight * F": "2 * weight * F"}, "Which of these is the main one"),
        ({"return loss": "return loss.item()"}, "without a history"),
        ({"(scores, ": "(scores.detach(), "}, "reaches the scores of a head"),
        ({"(main, ": "(main.detach(), "}, "reaches the main scores"),
        (
            {"= outputs if": "= [s if s is None else torch.tensor(s.numpy()) for s in outputs] if"},
            "carry their history",
        ),
    ],
    "reach": [
        ({"    network.zero_grad()\n": ""}, "Gradients add up"),
        ({"if any(": "if False and any("}, "is `None` where nothing arrived"),
        ({"        name\n": "        name + '.weight'\n"}, "single parameters"),
        ("def stages_reached(*given):\n    return 'conv1'", "in a set"),
        ("def stages_reached(*given):\n    return 3", "in a set"),
    ],
}

RIGHT = [
    (
        "travel",
        "def sizes(layers, images):\n"
        "    kept = [images]\n"
        "    for layer in layers:\n"
        "        kept.append(layer(kept[-1]))\n"
        "        kept[-1].retain_grad()\n"
        "    kept[-1].mean().backward()\n"
        "    size = lambda t: t.norm() / t.numel() ** 0.5\n"
        "    return [size(t) for t in kept[1:]], [size(t.grad) for t in kept[1:]]",
    ),
    (
        "start",
        "def deviation(layer):\n"
        "    return torch.tensor(2 / (layer.in_channels * layer.kernel_size[0] ** 2)).sqrt()",
    ),
    ("start", {"layer.weight[0]": "layer.weight[:, 0]"}),  # counted over the outputs
    (
        "joint",
        "def joint_loss(outputs, labels, weight=0.3):\n"
        "    def loss(scores):\n"
        "        own = scores.log_softmax(1).gather(1, labels[:, None])\n"
        "        return -own.mean()\n"
        "    if not isinstance(outputs, tuple):\n"
        "        return loss(outputs)\n"
        "    heads = [weight * loss(s) for s in outputs[:0:-1] if s is not None]\n"
        "    return loss(outputs[0]) + sum(heads)",
    ),
    (
        "reach",
        "def stages_reached(network, images, labels, head):\n"
        "    names, parameters = zip(*network.named_parameters())\n"
        "    scores = getattr(network(images), 'aux_logits' + head[-1])\n"
        "    loss = torch.nn.functional.cross_entropy(scores, labels)\n"
        "    found = torch.autograd.grad(loss, parameters, allow_unused=True)\n"
        "    return [n.split('.')[0] for n, g in zip(names, found) if g is not None]",
    ),
]
