"""What a reader of the chapter on looking inside may plausibly write, and other right answers."""

_WATCH = "def watch(network, layer, x):\n"
_KEEP = "    kept = []\n    handle = layer.register_forward_hook({})\n    network(x)\n"
_GLOBAL = (
    "    kept = []\n"
    "    handle = torch.nn.modules.module.register_module_forward_hook(\n"
    "        lambda part, i, o: kept.append(o) if part is layer else None)\n"
)
_LOG = (
    "import math\nfrom scipy.stats import hypergeom\n"
    "def log_chance(channels, branch, kind, inside):\n"
)

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "chance": [
        (
            {
                "math.log10(ways / math.comb(channels, kind))": "round("
                "math.log10(ways / math.comb(channels, kind)), 2)"
            },
            "If you rounded",
        ),
        ("def log_chance(channels, branch, kind, inside):\n    return -3.0", "Take a tiny case"),
        ("def log_chance(channels, branch, kind, inside):\n    return 'tiny'", "a single number"),
        (
            "import math\ndef log_chance(channels, branch, kind, inside):\n"
            "    return math.log10(math.comb(channels, kind))",
            "at most 0",
        ),
        (
            _LOG + "    return math.log10(1 - sum(hypergeom.pmf(i, channels, branch, kind)\n"
            "        for i in range(inside)))",
            "Add up the tail itself",
        ),
    ],
    "watch": [
        (
            _WATCH + _KEEP.format("lambda l, i, o: kept.append(o)") + "    return kept[0]",
            "call its `remove()`",
        ),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(o)")
            + "    handle.remove()\n    return kept[0]",
            "What happens to your last line",
        ),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(i[0])")
            + "    handle.remove()\n    return kept[0]",
            "what goes *into* the layer",
        ),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(i)")
            + "    handle.remove()\n    return kept[0]",
            "what goes *into* the layer",
        ),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(o)")
            + "    layer._forward_hooks.clear()\n    return kept[0]",
            "You removed *all* hooks",
        ),
        (_WATCH + "    return layer(x)", "Did you give the images to the layer itself?"),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(-o)")
            + "    handle.remove()\n    return kept[0]",
            "The shape is right",
        ),
        (
            _WATCH
            + _KEEP.format("lambda l, i, o: kept.append(o)")
            + "    handle.remove()\n    return kept",
            "You return the list",
        ),
        (
            _WATCH + "    with layer.register_forward_hook(lambda l, i, o: o):\n"
            "        return [network(x)]",
            "Put the output into a list",
        ),
        (
            _WATCH + "    network(x)\n    kept = []\n    with layer.register_forward_hook(\n"
            "            lambda l, i, o: kept.append(o)):\n"
            "        network(x)\n    return kept[-1]",
            "Run the network once",
        ),
        (
            _WATCH + "    from utils.activations import features\n"
            "    names = {part: name for name, part in network.named_modules()}\n"
            "    return features(network, x, [names[layer]])[names[layer]]",
            "Here you write what it does",
        ),
        (
            _WATCH + "    old, kept = layer.forward, []\n"
            "    def forward(*args):\n        kept.append(old(*args))\n        return kept[-1]\n"
            "    layer.forward = forward\n    network(x)\n    return kept[0]",
            "it must be put back",
        ),
        (
            _WATCH + _GLOBAL + "    network(x)\n    return kept[0]",
            "listens to all layers of all networks",
        ),
        (
            _WATCH + _GLOBAL + "    network(x)\n    handle.remove()\n    return kept[0]",
            "listens to all layers of all networks",
        ),
        (_WATCH + "    return network(x)", "the scores of the whole network"),
        *(
            (
                _WATCH + "    kept = []\n    with layer.register_forward_hook(\n"
                "            lambda l, i, o: kept.append(o)):\n        network(x)\n"
                f"    return kept[0]{part}",
                look,
            )
            for part, look in (
                (".numpy()", "an array of NumPy"),
                ("[0]", "There are 2 images"),
                ("[:1]", "There are 2 images"),
                (".mean()", "a summary of the map"),
                (".mean((2, 3))", "a summary of the map"),
            )
        ),
        (
            _WATCH
            + "    kept = []\n    with network.conv1.register_forward_hook(\n"
            + "            lambda l, i, o: kept.append(o)):\n"
            + "        network(x)\n    return kept[0]",
            "on the layer that the function was given",
        ),
        (
            _WATCH + "    kept = []\n    network.train()\n    with layer.register_forward_hook(\n"
            "            lambda l, i, o: kept.append(o)):\n"
            "        network.eval()(x)\n        network.train()\n    return kept[0]",
            "changes the mode",
        ),
        (
            _WATCH + "    kept = []\n    with layer.register_forward_hook(\n"
            "            lambda l, i, o: kept.append(o)):\n        try:\n            network(x)\n"
            "        except RuntimeError:\n            raise ValueError('no') from None\n"
            "    return kept[0]",
            "let the error go on",
        ),
    ],
    "occlude": [
        (
            {"before - score(covered)": "2 * (before - score(covered))"},
            "Cover the upper left square alone",
        ),
        ({"return falls": "return falls.transpose(1, 2)"}, "rows first, then columns"),
        (
            {"return falls": "return falls.repeat_interleave(side, 1).repeat_interleave(side, 2)"},
            "not for each pixel",
        ),
    ],
    "worth": [
        ({"means[:, None, :] * weight": "means @ weight.T"}, "in this order"),
        ({"means[:, None, :] * weight": "means[:, None, :] + 0 * weight"}, "Which of its terms"),
    ],
}

RIGHT = [
    (
        "chance",
        "def log_chance(channels, branch, kind, inside):\n"
        "    from scipy.stats import hypergeom\n"
        "    return hypergeom.logsf(inside - 1, channels, branch, kind) / 2.302585092994046",
    ),
    (
        "watch",
        _WATCH + "    kept = {}\n"
        "    def hook(layer, inputs, output):\n        kept['it'] = output.clone()\n"
        "    handle = layer.register_forward_hook(hook)\n"
        "    try:\n        network(x)\n    finally:\n        handle.remove()\n"
        "    return kept['it']",
    ),
    (
        "watch",  # without any hook
        _WATCH + "    class Stop(Exception):\n        pass\n"
        "    old, kept = layer.forward, []\n"
        "    def forward(*args):\n        kept.append(old(*args))\n        return kept[-1]\n"
        "    layer.forward = forward\n"
        "    try:\n        network(x)\n    finally:\n        del layer.forward\n"
        "    return kept[0]",
    ),
    (
        "watch",  # the layer's own forward put back as an attribute
        _WATCH + "    old, kept = layer.forward, []\n"
        "    layer.forward = lambda *args: kept.append(old(*args)) or kept[-1]\n"
        "    try:\n        network(x)\n    finally:\n        layer.forward = old\n"
        "    return kept[0]",
    ),
    (
        "watch",  # a hook on all layers, and away again
        _WATCH + _GLOBAL + "    try:\n        network(x)\n    finally:\n        handle.remove()\n"
        "    return kept[0]",
    ),
    (
        "occlude",  # all squares in one batch
        "def occlusion(score, images, side):\n"
        "    n, _, h, w = images.shape\n"
        "    rows, columns = h // side, w // side\n"
        "    falls = []\n"
        "    for i in range(rows * columns):\n"
        "        keep = torch.ones(rows, columns)\n"
        "        keep.view(-1)[i] = 0\n"
        "        keep = keep.repeat_interleave(side, 0).repeat_interleave(side, 1)\n"
        "        falls.append(score(images) - score(images * keep))\n"
        "    return torch.stack(falls, 1).view(n, rows, columns)",
    ),
    (
        "worth",
        "def worth(m, w, b):\n    return torch.einsum('nchw,kc->nkc', m, w) / m[0, 0].numel()",
    ),
]
