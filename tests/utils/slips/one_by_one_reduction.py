"""What a reader of the chapter on 1x1 reduction may plausibly write, and other right answers."""

_WIDEST = "(k * k * c_in * c_out - 1) // (c_in + k * k * c_out)"
_EINSUM = 'torch.einsum("oc,nchw->nohw", weight, x)'

# Exercise -> wrong answers beside its slips, as source or as changes of the solution, and a part of
# what only their verdict says.
SLIPS = {
    "widest": [
        ({_WIDEST: "k * k * c_in * c_out / (c_in + k * k * c_out)"}, "cannot be cut"),
        (
            {_WIDEST: "round(k * k * c_in * c_out / (c_in + k * k * c_out))"},
            "Set the two costs equal",
        ),
        ({_WIDEST: "min(c_in, c_out)"}, "a wider one still does"),
        ({_WIDEST: "-1"}, "cannot be negative"),
    ],
    "pointwise": [
        ({_EINSUM: "(weight @ x.flatten(1).sum(1, keepdim=True))"}, "RuntimeError"),
        ({_EINSUM: f"{_EINSUM} + 1"}, "Take one pixel"),
        ({"->nohw": "->no"}, "Which axis is summed over"),
    ],
    "melt": [
        ("def melt(reduce, kernel):\n    return kernel[:, :, 0, 0]", "Only the reduced channels"),
        ({"orhw": "rohw"}, "axes may be matched wrongly"),
        ({"reduce[:, :, 0, 0]": "reduce"}, "of your cell, in `melt`"),
    ],
    "rebuild": [
        (
            {
                "F.relu(self.reduce3(x))": "self.reduce3(x)",
                "F.relu(self.reduce5(x))": "self.reduce5(x)",
            },
            "follows the reductions",
        ),
        ({"[one, three, five, pool]": "[pool, five, three, one]"}, "in another order"),
        ({"[one, three, five, pool]": "[one, five, three, pool]"}, "in another order"),
        ({"max_pool2d": "avg_pool2d"}, "largest value"),
        ({", stride=1, padding=1": ", padding=1"}, "2 channels and (3, 3)"),
        ({"nn.Conv2d(spec.reduce5x5": "nn.Conv2d(in_channels"}, "size is its window"),
        ({"dim=1": "dim=0"}, "channels are axis 1"),
        ({"5, padding=2": "5"}, "4 channels and (5, 3)"),
        ({"self.project(pooled)": "self.project(x)"}, "Where is the pool"),
        ({"        return torch.cat": "        torch.cat"}, "ends without `return`"),
        ({"pool_proj, 1)": "pool_proj, 1, bias=False)"}, "Leave out"),
        ("MyInception = torch.nn.Identity()", "first line of the stub"),
        (
            "class MyInception(torch.nn.Module):\n    def __init__(self, in_channels, spec):\n"
            "        super().__init__()\n    def forward(self, x):\n        return x",
            "plain list",
        ),
    ],
    "design": [
        (
            "my_module = dict(conv1x1=64, reduce3x3=96, conv3x3=128, reduce5x5=16, conv5x5=32, "
            "pool_proj=32)",
            "costs the most",
        ),
        (
            "my_module = dict(conv1x1=64, reduce3x3=32, conv3x3=64, reduce5x5=8, conv5x5=16, "
            "pool_proj=32)",
            "Only four of the six",
        ),
        (
            "my_module = dict(conv1x1=223, reduce3x3=1, conv3x3=1, reduce5x5=1, conv5x5=16, "
            "pool_proj=16)",
            "no Inception",
        ),
        ({"reduce3x3=40": "reduce3x3=0"}, "`reduce3x3=0`"),
        ({"pool_proj=32": "pool_proj=None"}, "`pool_proj=None`"),
        ({"reduce5x5=8": "reduce5x5=1"}, "not a pinhole"),
        ("my_module = [112, 40, 88, 8, 24, 32]", "form of the stub"),
    ],
}

RIGHT = [
    (
        "widest",
        {
            "def widest": "import math\ndef widest",
            _WIDEST: "math.ceil(k * k * c_in * c_out / (c_in + k * k * c_out)) - 1.0",
        },
    ),
    (
        "pointwise",
        "def pointwise(x, weight):\n"
        "    out = x.double().permute(0, 2, 3, 1) @ weight.double().T\n"
        "    return out.permute(0, 3, 1, 2)",
    ),
    (
        "pointwise",
        "import numpy as np\n"
        "def pointwise(x, weight):\n"
        "    return np.einsum('oc,nchw->nohw', weight.numpy(), x.numpy())",
    ),
    (
        "pointwise",
        "def pointwise(x, weight):\n"
        "    return (weight @ x.flatten(2)).view(len(x), len(weight), *x.shape[2:])",
    ),
    (
        "melt",
        "def melt(reduce, kernel):\n"
        "    return torch.nn.functional.conv2d(kernel, reduce.transpose(0, 1))",
    ),
    (
        "rebuild",
        {
            "self.project = nn.Conv2d(in_channels, spec.pool_proj, 1)": "self.project = "
            "nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(in_channels, spec.pool_proj, 1))",
            "self.project(pooled)": "self.project(x)",
        },
    ),
    (
        "rebuild",
        "from utils.blocks import Inception\nclass MyInception(Inception):\n    pass",
    ),
    (
        "design",
        "import numpy as np\n"
        "my_module = dict(conv1x1=np.int64(112), reduce3x3=32, conv3x3=80, reduce5x5=4,\n"
        "    conv5x5=32, pool_proj=32)",
    ),
]
