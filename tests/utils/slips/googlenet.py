"""What a reader of the chapter on GoogLeNet may plausibly write, and other right answers."""

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "build": [
        ({"self.conv =": "self.conv2d =", "self.conv(": "self.conv2d("}, "becomes part of"),
        ({"self.branch1": "self.branch0"}, "no `inception3a.branch1"),
        ({", padding=k // 2": ""}, "so that the four can be joined"),
        ({"2, ceil_mode=True": "2"}, "does the pool between them round"),
        ({".relu()": ""}, "also behind reductions"),
        ({"mean(dim": "amax(dim"}, "the mean of each channel"),
        (
            {
                "Unit(c_in, reduce5, 1), Unit(reduce5, five, 5)": "Unit(c_in, reduce5, 1), "
                "Unit(reduce5, five, 3)"
            },
            "`inception3a.branch3.1.conv.weight` of shape",
        ),
        ({"Unit(channels, row, 3), row": "Unit(channels, row, 1), row"}, "`conv1.conv.weight`"),
        ({"pool, Unit": "Unit"}, "branch4.0"),
        (
            {
                "[branch(x) for branch in self.children()]": "[branch(x) for branch in "
                "reversed(list(self.children()))]"
            },
            "In which order",
        ),
        (
            "from utils.googlenet import micro_googlenet\n"
            "def Net(table, classes):\n    return micro_googlenet(in_channels=1)",
            "`conv1.bn.bias`",
        ),
        ("def Net(table, classes):\n    return 3", "Pass the class itself"),
    ],
    "field": [
        ({"seen, jump = 1, 1": "seen, jump = 0, 1"}, "Start from a unit that sees 1 pixel"),
        ({"jump * stride": "jump * kernel"}, "move neighbouring units apart"),
        ({"return seen, jump": "return seen, seen"}, "move neighbouring units apart"),
        ({"return seen, jump": "return seen"}, "return seen, jump"),
    ],
    "vote": [
        ({"scores.softmax(dim=-1).mean(dim=(0, 1))": "scores[0].softmax(-1).mean(0)"}, "In turn"),
        ({".mean().item()": ""}, "a single number"),
    ],
    "save": [
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import MODULES, PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {**PAPER, '3b': replace(MODULES['3b'], conv3x3=96)}\n"
            "    return googlenet('paper', layers=rows, kernel5x5=3)",
            "replaces none",
        ),
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {'conv2': replace(PAPER['conv2'], channels=16)}\n"
            "    return googlenet('paper', layers=rows, kernel5x5=3)",
            "keep the others",
        ),
        (
            "from utils.googlenet import googlenet\n"
            "def lighter():\n    return googlenet('paper', dropout=0.2, aux_heads=False)",
            "Nothing is saved so far",
        ),
        (
            "from utils.googlenet import googlenet\n"
            "def lighter():\n    return googlenet('paper', kernel5x5=3)",
            "They alone can do it",
        ),
        (
            "from utils.googlenet import PAPER, googlenet\n"
            "from utils.networks.rows import Convolution\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv2': Convolution(channels=48, kernel_size=1)}\n"
            "    return googlenet('paper', layers=rows)",
            "You found the dear place",
        ),
        (
            "from utils.googlenet import PAPER, googlenet\n"
            "from utils.networks.rows import Convolution\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv1': Convolution(channels=64, kernel_size=7, stride=4)}\n"
            "    return googlenet('paper', layers=rows)",
            "is *inside* a stage is free",
        ),
        (
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {name: row for name, row in PAPER.items() if name != 'inception4c'}\n"
            "    return googlenet('paper', layers=rows)",
            "replace rows",
        ),
        (
            "from utils.googlenet import googlenet\ndef lighter():\n    return googlenet('bn')",
            "has some, too",
        ),
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv2': replace(PAPER['conv2'], channels=16)}\n"
            "    return googlenet('paper', layers=rows)",
            "a second, smaller saving",
        ),
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv2': replace(PAPER['conv2'], channels=128)}\n"
            "    return googlenet('paper', layers=rows)",
            "a wider 1×1",
        ),
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv2': replace(PAPER['conv2'], channels=6)}\n"
            "    return googlenet('paper', layers=rows)",
            "6 in conv2",
        ),
        (
            "from dataclasses import replace\n"
            "from utils.googlenet import PAPER, googlenet\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv1': replace(PAPER['conv1'], channels=16)}\n"
            "    return googlenet('paper', layers=rows)",
            "not the dearest",
        ),
        (
            "from utils.googlenet import googlenet\n"
            "def lighter():\n    return googlenet('paper', num_classes=10)",
            "leave `num_classes`",
        ),
        ("def lighter():\n    return torch.nn.Linear(3, 5)", "what `googlenet(...)` gives"),
        (
            "from utils.googlenet import googlenet\n"
            "def lighter():\n    return googlenet('paper', in_channels=1)",
            "Does each row still fit",
        ),
    ],
}

RIGHT = [
    (
        "build",
        {
            "self.fc(x.mean(dim=(2, 3)))": "self.fc(torch.flatten("
            "nn.functional.adaptive_avg_pool2d(x, 1), 1))",
            "return self.conv(x).relu()": "return nn.functional.relu(self.conv(x), inplace=True)",
        },
    ),
    (
        "field",
        "def field(layers):\n"
        "    if not layers:\n        return 1, 1\n"
        "    (kernel, stride), *rest = layers\n"
        "    seen, jump = field(rest)\n"
        "    return torch.tensor([kernel + (seen - 1) * stride, jump * stride])",
    ),
    (
        "vote",
        "def top5_error(scores, labels):\n"
        "    summed = scores.double().exp() / scores.double().exp().sum(-1, keepdim=True)\n"
        "    own = summed.sum((0, 1))\n"
        "    mine = own.gather(1, labels[:, None])\n"
        "    return ((own > mine).sum(1) >= 5).double().mean()",
    ),
    (
        "save",
        "from dataclasses import replace\n"
        "from utils.googlenet import PAPER, googlenet\n"
        "def lighter():\n"
        "    rows = dict(PAPER)\n"
        "    rows['conv2'] = replace(rows['conv2'], channels=16)\n"
        "    rows['inception3b'] = replace(rows['inception3b'], reduce3x3=80)\n"
        "    with torch.device('meta'):\n"
        "        return googlenet('paper', layers=rows)",
    ),
]
