"""What a reader of the chapter on 1x1 reduction may plausibly write, and other right answers."""

# Exercise -> wrong answers beside its slips, and a part of what only their verdict says.
SLIPS = {
    "cost": [
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n    return 1",
            "return weights, multiply",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * k * c_red * c_out\n"
            "    return weights, weights * height",
            "meets every position",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k^2 * c_red * c_out\n"
            "    return weights, weights * height * width",
            "Count the layers",
        ),
    ],
    "widest": [
        (
            "def widest(c_in, c_out, k):\n    return k * k * c_in * c_out / (c_in + k*k*c_out)",
            "cannot be cut",
        ),
        (
            "def widest(c_in, c_out, k):\n    return round(k*k*c_in*c_out / (c_in + k*k*c_out))",
            "Set the two costs equal",
        ),
        ("def widest(c_in, c_out, k):\n    return min(c_in, c_out)", "Is the division exact"),
        ("def widest(c_in, c_out, k):\n    return -1", "cannot be negative"),
    ],
    "pointwise": [
        (
            "def pointwise(x, weight):\n    return (weight @ x.flatten(1).sum(1, keepdim=True))",
            "RuntimeError",
        ),
        (
            "def pointwise(x, weight):\n    return torch.einsum('oc,nchw->nohw', weight, x) + 1",
            "Take one pixel",
        ),
        (
            "def pointwise(x, weight):\n    return torch.einsum('oc,nchw->no', weight, x)",
            "Which axis is summed over",
        ),
    ],
    "melt": [
        ("def melt(reduce, kernel):\n    return kernel[:, :, 0, 0]", "Only the reduced channels"),
        (
            "def melt(reduce, kernel):\n"
            "    return torch.einsum('rohw,rc->ochw', kernel, reduce[:, :, 0, 0])",
            "axes may be matched wrongly",
        ),
        (
            "def melt(reduce, kernel):\n    return torch.einsum('orhw,rc->ochw', kernel, reduce)",
            "of your cell, in `melt`",
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
        (
            "my_module = dict(conv1x1=112, reduce3x3=0, conv3x3=88, reduce5x5=8, conv5x5=24, "
            "pool_proj=32)",
            "`reduce3x3=0`",
        ),
        (
            "my_module = dict(conv1x1=112, reduce3x3=40, conv3x3=88, reduce5x5=8, conv5x5=24, "
            "pool_proj=None)",
            "`pool_proj=None`",
        ),
        (
            "my_module = dict(conv1x1=112, reduce3x3=40, conv3x3=88, reduce5x5=1, conv5x5=24, "
            "pool_proj=32)",
            "not a pinhole",
        ),
        ("my_module = [112, 40, 88, 8, 24, 32]", "form of the stub"),
    ],
}

RIGHT = [
    (
        "cost",
        "import numpy as np\n"
        "def cost(c_in, c_red, c_out, k, height, width):\n"
        "    weights = c_in * c_red + k * k * c_red * c_out\n"
        "    return np.array([weights, weights * height * width])",
    ),
    (
        "cost",
        "def cost(c_in, c_red, c_out, k, height, width):\n"
        "    weights = torch.tensor(c_in * c_red + k * k * c_red * c_out)\n"
        "    return [weights, float(weights) * height * width]",
    ),
    (
        "widest",
        "import math\n"
        "def widest(c_in, c_out, k):\n"
        "    return math.ceil(k * k * c_in * c_out / (c_in + k * k * c_out)) - 1.0",
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
        "design",
        "import numpy as np\n"
        "my_module = dict(conv1x1=np.int64(112), reduce3x3=32, conv3x3=80, reduce5x5=4,\n"
        "    conv5x5=32, pool_proj=32)",
    ),
]
