"""What a reader of the chapter on global pooling may plausibly write, and other right answers."""

_COUNT = "def count(channels, height, width, hidden, classes):\n"
_CHAIN = "    chain = lambda w: sum(a * b + b for a, b in zip(w, w[1:]))\n"
_POOLED = "    pooled = channels * classes + classes\n    return flat, pooled"
_FLAT = _CHAIN + "    flat = chain([channels * height * width, *hidden, classes])\n"
_GRADIENTS = "def gradients(x, g):\n    h, w = x.shape[2:]\n    g = g[:, :, None, None]\n"
_AVERAGE = "    average = (g / (h * w)).expand(x.shape)\n"
_MAX = "    top = g * (x == x.amax((2, 3), keepdim=True))\n"
_PAIR = "    return average, top"
_CAM = "def class_maps(maps, weight, bias):\n"
_EINSUM = "    out = torch.einsum('kc,nchw->nkhw', weight, maps)\n"
_REBUILD = "def lighter(network):\n"

# Exercise -> answers, and a part of the diagnosis that only this slip should get.
SLIPS = {
    "count": [
        (
            _COUNT
            + "    w = [channels * height * width, *hidden, classes]\n"
            + "    flat = sum(a * b for a, b in zip(w, w[1:]))\n"
            + _POOLED,
            "a bias for each of its outputs",
        ),
        (
            _COUNT + _CHAIN + "    flat = chain([channels, *hidden, classes])\n" + _POOLED,
            "every number of the map",
        ),
        (
            _COUNT + _CHAIN + "    flat = chain([channels * height, *hidden, classes])\n" + _POOLED,
            "rows *and* columns",
        ),
        (
            _COUNT + "    flat = channels * height * width * classes + classes\n" + _POOLED,
            "hidden layers are missing",
        ),
        (
            _COUNT + _CHAIN + "    flat = chain([height * width, *hidden, classes])\n" + _POOLED,
            "all its channels",
        ),
        (_COUNT + _FLAT + "    return channels * classes + classes, flat", "swapped"),
        (_COUNT + _FLAT + "    return flat, channels * classes", "bias for each class is missing"),
        (
            _COUNT + _FLAT + "    return flat, chain([channels, *hidden, classes])",
            "no hidden layer",
        ),
        (_COUNT + _FLAT + "    return flat, 0", "one number for each channel"),
        (_COUNT + "    return 5, 5", "one after the other"),
        (_COUNT + "    return 5", "return flat, pooled"),
    ],
    "gradients": [
        (_GRADIENTS + "    average = g.expand(x.shape)\n" + _MAX + _PAIR, "for a *sum*"),
        (_GRADIENTS + "    average = (g / h).expand(x.shape)\n" + _MAX + _PAIR, "height alone"),
        (_GRADIENTS + "    average = g * x / (h * w)\n" + _MAX + _PAIR, "mean is linear"),
        (
            _GRADIENTS + "    average = (g / x.numel()).expand(x.shape)\n" + _MAX + _PAIR,
            "over images or channels",
        ),
        (_GRADIENTS + _AVERAGE + "    return average, average", "of the average, again"),
        (
            _GRADIENTS + _AVERAGE + _MAX + "    return average, top / (h * w)",
            "undivided",
        ),
        (
            _GRADIENTS
            + _AVERAGE
            + "    return average, (x == x.amax((2, 3), keepdim=True)).float()",
            "`g` is not in it",
        ),
        (_GRADIENTS + _AVERAGE + _MAX + "    return average, top * x", "slope is 1"),
        (
            _GRADIENTS + _AVERAGE + "    return average, g * (x == x.max())",
            "a maximum of its own",
        ),
        (_GRADIENTS + "    return g / (h * w), g", "shape of what it is taken"),
        (_GRADIENTS + _AVERAGE + "    return average, -average", "Nudge one number"),
        (_GRADIENTS + _AVERAGE + "    return average", "return of_average, of_max"),
    ],
    "cam": [
        (_CAM + _EINSUM + "    return out", "the *whole* bias"),
        (
            _CAM + _EINSUM + "    return out + bias[:, None, None] / out[0, 0].numel()",
            "mean of a constant",
        ),
        (_CAM + _EINSUM + "    return (out + bias[:, None, None]).relu()", "speaks *against*"),
        (
            _CAM + _EINSUM + "    return out / out[0, 0].numel() + bias[:, None, None]",
            "do not divide before",
        ),
        (_CAM + "    return maps.mean((2, 3)) @ weight.T + bias", "the places are gone"),
        (
            _CAM + "    return torch.einsum('kc,nchw->nhwk', weight, maps) + bias",
            "classes stand last",
        ),
        (
            _CAM + "    return torch.einsum('kc,nchw->knhw', weight, maps)",
            "classes stand first",
        ),
        (_CAM + _EINSUM + "    return out - bias[:, None, None]", "Take one place"),
    ],
    "rebuild": [
        (_REBUILD + "    return network", "How many places does a *global* pool leave"),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n    return network",
            "what the linear layer reads",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Linear(512, 10)\n    return network",
            "each of the thousand classes",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveMaxPool2d(1)\n"
            "    network.classifier = torch.nn.Linear(512, 1000)\n    return network",
            "has to be linear",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Sequential(torch.nn.Linear(512, 4096),\n"
            "        torch.nn.ReLU(), torch.nn.Linear(4096, 1000))\n    return network",
            "A wide hidden layer",
        ),
        (
            _REBUILD + "    network.features = network.features[:10]\n"
            "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Linear(256, 1000)\n    return network",
            "Leave `network.features` alone",
        ),
        (
            _REBUILD + "    return network.features(torch.ones(1, 3, 64, 64))",
            "Change what came in",
        ),
    ],
}

RIGHT = [
    (
        "count",
        _COUNT
        + "    with torch.device('meta'):\n"
        + "        layers, reads = [], channels * height * width\n"
        + "        for gives in (*hidden, classes):\n"
        + "            layers.append(torch.nn.Linear(reads, gives)); reads = gives\n"
        + "        own = torch.nn.Linear(channels, classes)\n"
        + "    size = lambda m: sum(p.numel() for p in m.parameters())\n"
        + "    return torch.tensor([sum(map(size, layers)), size(own)])",
    ),
    (
        "gradients",
        "def gradients(x, g):\n"
        "    flat = x.flatten(2)\n"
        "    top = torch.zeros_like(flat).scatter_(2, flat.argmax(2, keepdim=True), g[..., None])\n"
        "    average = torch.ones_like(x) * g[..., None, None] / flat.shape[2]\n"
        "    return [average, top.view_as(x)]",
    ),
    (
        "cam",
        "def class_maps(maps, weight, bias):\n"
        "    return (maps.movedim(1, -1) @ weight.T + bias).movedim(-1, 1).numpy()",
    ),
    (
        "rebuild",
        "def lighter(network):\n"
        "    network.avgpool = torch.nn.Dropout2d(0.2)\n"
        "    network.classifier = torch.nn.Sequential(\n"
        "        torch.nn.Unflatten(1, (512, -1, 1)), torch.nn.AdaptiveAvgPool2d((1, 1)),\n"
        "        torch.nn.Flatten(), torch.nn.Linear(512, 1000))\n"
        "    return network",
    ),
]
