"""What a reader of the chapter on auxiliary classifiers may plausibly write, and right answers."""

_OLD = 'tuple(int(part) for part in version.split(".")[:2]) < (0, 21)'

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "head": [
        ({"convolution + hidden + scores": "7"}, "Three layers"),
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
    "places": [
        ({_OLD: "False"}, "whatever its name"),
        ({_OLD: 'int(version.split(".")[1]) < 21'}, "newer than 0.21"),
        ({"main, second, third =": "second, main, third ="}, "come first in the tuple"),
        ("def by_place(outputs, version):\n    return outputs", "should end in"),
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
        "head",
        "def head_parameters(c_in, side, classes):\n"
        "    from torch import nn\n"
        "    p = nn.AvgPool2d(5, 3)(torch.zeros(1, 1, side, side)).shape[-1]\n"
        "    layers = nn.Conv2d(c_in, 128, 1), nn.Linear(128 * p * p, 1024), "
        "nn.Linear(1024, classes)\n"
        "    return sum(w.numel() for layer in layers for w in layer.parameters())",
    ),
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
    ("places", {_OLD: "version.startswith('0.') and int(version.split('.')[1]) <= 20"}),
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
