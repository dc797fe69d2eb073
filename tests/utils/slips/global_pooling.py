"""What a reader of the chapter on global pooling may plausibly write, and other right answers."""

_REBUILD = "def lighter(network):\n"
_OWN = """    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk, self.unused = network.features, torch.nn.AdaptiveMaxPool2d(1)
            self.fc = torch.nn.Linear(512, 1000)

        def forward(self, x):
            x = self.trunk(x)
            return self.fc({})
    return Pooled()"""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "count": [
        ({"return flat, pooled": "return flat, 0"}, "one number for each channel"),
        ({"return flat, pooled": "return 5, 5"}, "one after the other"),
        ({"return flat, pooled": "return float('nan'), 5"}, "one after the other"),
        ({"return flat, pooled": "return 5"}, "return flat, pooled"),
    ],
    "gradients": [
        ({".expand(x.shape)": ""}, "of the average has the shape"),
        ({"g * (x": "g + 0 * (1"}, "of the max has the shape"),
        ({"of_average, of_max": "of_average, -of_average"}, "Nudge one number"),
        ({"of_average, of_max": "of_max, of_max"}, "Nudge one number"),
        ({"of_average, of_max": "of_average"}, "return of_average, of_max"),
    ],
    "windows": [
        ({"None], bias": "None], -bias"}, "Take the first window"),
        ({"stride=1)": "stride=1)[0]"}, "where a window can begin"),
        ({"    return F.": "    F."}, "without `return`"),
        ({"F.conv2d(maps": "F.conv2d(maps.sub_(1)"}, "in place"),
        ({"F.conv2d(maps, weight[:, :, None, None]": "F.linear(maps.squeeze(), weight"}, "Line"),
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
            _REBUILD
            + "    network.decoy = torch.nn.AdaptiveAvgPool2d(1)\n"
            + _OWN.format("x.amax((2, 3))"),
            "The maximum is not",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Sequential(torch.nn.Linear(512, 512),\n"
            "        torch.nn.ReLU(), torch.nn.Linear(512, 1000))\n    return network",
            "a hidden layer with a ReLU",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Sequential(\n"
            "        torch.nn.Linear(512, 1000), torch.nn.Softmax(1))\n    return network",
            "softmax at the end",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.Sequential(\n"
            "        torch.nn.AvgPool2d(2), torch.nn.AdaptiveAvgPool2d(1))\n"
            "    network.classifier = torch.nn.Linear(512, 1000)\n    return network",
            "a map of one place",
        ),
        (
            _REBUILD + "    network.features = torch.nn.Sequential(*[layer for layer in\n"
            "        network.features if not isinstance(layer, torch.nn.ReLU)])\n"
            "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Linear(512, 1000)\n    return network",
            "still have its ReLUs",
        ),
        (
            _REBUILD + "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Sequential(\n"
            "        torch.nn.Linear(512, 1000), torch.nn.Dropout(0.4))\n    return network",
            "A dropout stands behind the layer",
        ),
        (_REBUILD + _OWN.format("x.sum((2, 3))"), "a sum over the places"),
        (_REBUILD + _OWN.format("x[:, :, 0].mean(2)"), "Some weights belong to places"),
        (
            _REBUILD + _OWN.format("torch.nn.functional.dropout(x.mean((2, 3)))"),
            "A dropout must know",
        ),
        (_REBUILD + _OWN.format("torch.ones(len(x), 512)"), "reach the linear layer"),
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
        (
            "import torch, torchvision\ndef lighter(network):\n"
            "    network = torchvision.models.vgg16()\n"
            "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
            "    network.classifier = torch.nn.Linear(512, 1000)\n    return network",
            "A new VGG16 knows nothing",
        ),
        *(
            (
                _REBUILD + "    layers = []\n    for layer in network.features:\n"
                f"        layers.append(layer)\n        if isinstance(layer, torch.nn.{kind}):\n"
                f"            layers.append(torch.nn.{extra})\n"
                "    network.features = torch.nn.Sequential(*layers)\n"
                "    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)\n"
                "    network.classifier = torch.nn.Linear(512, 1000)\n    return network",
                "and nothing else",
            )
            for kind, extra in (
                ("Conv2d", "InstanceNorm2d(layer.out_channels)"),
                ("MaxPool2d", "Dropout2d(0.1)"),
            )
        ),
    ],
}

RIGHT = [
    (
        "count",
        "def count(channels, height, width, hidden, classes):\n"
        "    with torch.device('meta'):\n"
        "        layers, reads = [], channels * height * width\n"
        "        for gives in (*hidden, classes):\n"
        "            layers.append(torch.nn.Linear(reads, gives)); reads = gives\n"
        "        own = torch.nn.Linear(channels, classes)\n"
        "    size = lambda m: sum(p.numel() for p in m.parameters())\n"
        "    return torch.tensor([sum(map(size, layers)), size(own)])",
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
        "windows",  # pools first
        "def window_scores(maps, weight, bias, side):\n"
        "    means = torch.nn.functional.avg_pool2d(maps, side, 1)\n"
        "    return (means.movedim(1, -1) @ weight.T + bias).movedim(-1, 1).numpy()",
    ),
    ("count", {"return flat, pooled": "import numpy\n    return numpy.array([flat, pooled])"}),
    ("rebuild", _REBUILD + _OWN.format("x.mean((2, 3))")),
    *(
        (
            "rebuild",  # as SqueezeNet ends, and as Network in Network does, with dropout in front
            "def lighter(network):\n"
            "    return torch.nn.Sequential(network.features, torch.nn.Dropout(0.5),\n"
            f"        {layers}, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())",
        )
        for layers in (
            "torch.nn.Conv2d(512, 1000, 1), torch.nn.ReLU()",
            "torch.nn.Conv2d(512, 512, 1), torch.nn.ReLU(), torch.nn.Conv2d(512, 1000, 1)",
        )
    ),
    (
        "rebuild",
        _REBUILD + _OWN.format("torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)"),
    ),
    (
        "rebuild",  # without the last max pool, a linear layer of 1x1, and a BatchNorm
        "def lighter(network):\n"
        "    return torch.nn.Sequential(*list(network.features)[:-1], torch.nn.BatchNorm2d(512),\n"
        "        torch.nn.Conv2d(512, 1000, 1), torch.nn.AdaptiveAvgPool2d(1),\n"
        "        torch.nn.Flatten())",
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
