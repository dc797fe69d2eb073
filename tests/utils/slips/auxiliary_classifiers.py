"""What a reader of the chapter on auxiliary classifiers may plausibly write, and right answers."""


def head(pooled="(side - 5) // 3 + 1", convolution="(c_in + 1) * 128",
         hidden="(128 * pooled ** 2 + 1) * 1024", scores="1025 * classes"):  # fmt: skip
    """Write `head_parameters` with one of its lines changed."""
    return (
        f"def head_parameters(c_in, side, classes):\n    pooled = {pooled}\n"
        f"    return {convolution} + {hidden} + {scores}"
    )


def joint(body):
    """Write `joint_loss` around its body."""
    return f"import torch.nn.functional as F\ndef joint_loss(outputs, labels, weight=0.3):\n{body}"


def places(test):
    """Write `by_place` around the condition for a swap."""
    return (
        "def by_place(outputs, version):\n    main, second, third = outputs\n"
        f"    a, d = (second, third) if {test} else (third, second)\n"
        '    return {"main": main, "4a": a, "4d": d}'
    )


def reach(scores="outputs[1] if head == 'aux2' else outputs[2]", kept="name",
          where="any(p.grad is not None for p in stage.parameters())"):  # fmt: skip
    """Write `stages_reached` with one of its parts changed."""
    return (
        "import torch.nn.functional as F\n"
        "def stages_reached(network, images, labels, head):\n"
        "    network.zero_grad()\n    outputs = network(images)\n"
        f"    loss = lambda scores: F.cross_entropy(scores, labels)\n"
        f"    scores = {scores}\n"
        "    (scores if scores.ndim == 0 else loss(scores)).backward()\n"
        f"    return {{{kept} for name, stage in network.named_children() if {where}}}"
    )


TUPLE = "    main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)\n"
HEADS = "    heads = [F.cross_entropy(s, labels) for s in heads if s is not None]\n"

# Exercise -> answers, and a part of the diagnosis that only this slip should get.
SLIPS = {
    "head": [
        (head(convolution="c_in * 128", hidden="128 * pooled ** 2 * 1024",
              scores="1024 * classes"), "biases are missing"),
        (head(pooled="side"), "not the whole map"),
        (head(hidden="(128 * pooled + 1) * 1024"), "rows *times* columns"),
        (head(hidden="(128 + 1) * 1024"), "nothing averages them away"),
        (head(pooled="-(-(side - 5) // 3) + 1"), "fit *into* the map"),
        (head(hidden="(c_in * pooled ** 2 + 1) * 1024"), "not those of the module"),
        (head(pooled="(side - 5) // 3"), "count the first window"),
        (head(pooled="4"), "let it follow from `side`"),
        (head(pooled="side - 4"), "in steps of 1"),
        (head(convolution="c_in * 128"), "each of its filters"),
        (head(hidden="128 * pooled ** 2 * 1024"), "hidden units has a bias"),
        (head(scores="1024 * classes"), "Each class has a bias"),
        (head(hidden="0"), "hidden layer is missing."),
        (head(hidden="0", scores="(128 * pooled ** 2 + 1) * classes"), "between the 1×1"),
        (head(convolution="0"), "1×1 convolution is missing"),
        (head(scores="0"), "gives the scores is missing"),
        (head(convolution="(25 * c_in + 1) * 128"), "average pool has no weights"),
        (f"{head()} * 1\n".replace("return ", "return 2 * (").replace(" * 1\n", ")"),
         "two such heads"),
        ("def head_parameters(c_in, side, classes):\n    return 7", "Three layers"),
    ],
    "joint": [
        (joint("    main, *heads = outputs\n" + HEADS
               + "    return F.cross_entropy(main, labels) + weight * sum(heads)"),
         "For 1D input"),
        (joint("    main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)\n"
               "    return F.cross_entropy(main, labels)"), "main loss alone"),
        (joint("    main, *heads = outputs if isinstance(outputs, tuple) else (outputs,)\n"
               "    if heads and heads[0] is None:\n        heads = heads[1:]\n"
               "    heads = [F.cross_entropy(scores, labels) for scores in heads]\n"
               "    return F.cross_entropy(main, labels) + weight * sum(heads)"),
         "NoneType"),
        (joint("    if not isinstance(outputs, tuple):\n"
               "        return F.cross_entropy(outputs, labels)\n"
               "    loss = F.cross_entropy(outputs[0], labels)\n"
               "    for scores in (outputs.aux_logits2, outputs.aux_logits1):\n"
               "        if scores is not None:\n"
               "            loss = loss + weight * F.cross_entropy(scores, labels)\n"
               "    return loss"),
         "aux_logits2"),
        (joint(TUPLE + HEADS + "    return F.cross_entropy(main, labels) + sum(heads)"),
         "counts fully"),
        (joint(TUPLE + HEADS + "    if not heads:\n        return F.cross_entropy(main, labels)\n"
               "    return (1 - weight) * F.cross_entropy(main, labels) + weight * sum(heads)"),
         "counts in full"),
        (joint(TUPLE + HEADS + "    return (F.cross_entropy(main, labels) + weight * sum(heads))"
               " / (1 + len(heads))"), "are averaged"),
        (joint(TUPLE + HEADS + "    if not heads:\n        return F.cross_entropy(main, labels)\n"
               "    return weight * (F.cross_entropy(main, labels) + sum(heads))"),
         "belongs to the heads alone"),
        (joint(TUPLE + HEADS + "    return F.cross_entropy(main, labels) "
               "+ weight * sum(heads) / max(1, len(heads))"), "shared among the heads"),
        (joint(TUPLE + "    loss = F.cross_entropy(main, labels)\n"
               "    return loss + (weight * F.cross_entropy(heads[-1], labels) if heads else 0)"),
         "One head is missing"),
        (joint(TUPLE + HEADS + "    loss = F.cross_entropy(main, labels) + weight * sum(heads)\n"
               "    return loss.item()"), "without a history"),
        (joint(TUPLE + HEADS + "    return F.cross_entropy(main, labels) "
               "+ weight * sum(h.detach() for h in heads)"), "reaches the scores of a head"),
        (joint(TUPLE + HEADS + "    return F.cross_entropy(main.detach(), labels) "
               "+ weight * sum(heads)"), "reaches the main scores"),
        (joint("    import torch\n    if isinstance(outputs, tuple):\n"
               "        outputs = tuple(s if s is None else torch.tensor(s.numpy())"
               " for s in outputs)\n" + TUPLE + HEADS
               + "    return F.cross_entropy(main, labels) + weight * sum(heads)"),
         "carry their history"),
        (joint(TUPLE + "    return F.cross_entropy(main.softmax(1), labels)"),
         "wants scores"),
        (joint(TUPLE + "    heads = [F.cross_entropy(s, labels) for s in heads]\n"
               "    return F.cross_entropy(main, labels) + weight * sum(heads)"), "NoneType"),
    ],
    "places": [
        (places("False"), "whatever its name"),
        (places("True"), "From 0.21.0 on"),
        (places("version < '0.21'"), "as texts"),
        (places("int(version.split('.')[1]) < 21"), "newer than 0.21"),
        ("def by_place(outputs, version):\n    return outputs", "should end in"),
        ("def by_place(outputs, version):\n    second, main, third = outputs\n"
         '    return {"main": main, "4a": third, "4d": second}', "come first in the tuple"),
    ],
    "reach": [
        (reach(scores="outputs[2] if head == 'aux2' else outputs[1]"), "*other* head"),
        (reach(scores="outputs[0]"), "main loss reaches"),
        (reach(scores="loss(outputs[0]) + loss(outputs[1]) + loss(outputs[2])"), "together"),
        (reach(scores="loss(outputs[0]) + loss(outputs[1] if head == 'aux2' else outputs[2])"),
         "main loss and this head's together"),
        (reach(where="all(p.grad is not None for p in stage.parameters())"), "Of nothing at all"),
        (reach().replace("    network.zero_grad()\n", ""), "Gradients add up"),
        ("def stages_reached(network, images, labels, head):\n    return 'conv1'", "in a set"),
        (reach(where="True"), "no weights at all"),
        (reach(where="any(p.grad is not None for p in stage.parameters()) and name != head"),
         "learns from its own loss"),
        (reach(where="any(p.grad is None for p in stage.parameters())"), "get *no* gradient"),
        (reach(where="False"), "is `None` where nothing arrived"),
        (reach(kept="name + '.weight'"), "single parameters"),
        (reach().replace("return {", "return len({").replace("())}", "())})"), "in a set"),
    ],
}  # fmt: skip

RIGHT = [
    ("head", "def head_parameters(c_in, side, classes):\n    from torch import nn\n"
     "    p = nn.AvgPool2d(5, 3)(__import__('torch').zeros(1, 1, side, side)).shape[-1]\n"
     "    layers = nn.Conv2d(c_in, 128, 1), nn.Linear(128 * p * p, 1024), nn.Linear(1024, classes)"
     "\n    return sum(w.numel() for layer in layers for w in layer.parameters())"),
    ("joint", joint("    if not isinstance(outputs, tuple):\n"
                    "        return F.cross_entropy(outputs, labels)\n"
                    "    loss = F.cross_entropy(outputs[0], labels)\n"
                    "    for s in outputs[:0:-1]:\n"
                    "        loss = loss + (0 if s is None else weight * "
                    "F.cross_entropy(s, labels))\n    return loss")),
    ("places", places("version.startswith('0.') and int(version.split('.')[1]) <= 20")),
    ("reach", reach(where="any(p.grad is not None and p.grad.abs().sum() > 0 "
                          "for p in stage.parameters())")),
]  # fmt: skip
