"""Every exercise: its stub is not attempted, its solution right, each plausible slip diagnosed."""

import importlib
import pkgutil
from functools import cache

import pytest
import torch
from markdown_it import MarkdownIt

import utils.exercises
from utils.accounting import break_even
from utils.blocks import InceptionSpec
from utils.exercises import Exercise, Verdict
from utils.exercises import googlenet as network_exercises
from utils.exercises.core import by_key, call, unfinished
from utils.exercises.one_by_one_reduction import (
    branch_weights,
    dearest_channel,
    prediction,
    shuffled,
)
from utils.exercises.questions import Option, choice, number
from utils.googlenet import INPUTS, MODULES

CHAPTERS = {
    info.name: importlib.import_module(f"utils.exercises.{info.name}")
    for info in pkgutil.iter_modules(utils.exercises.__path__)
    if info.name not in ("core", "questions")
}
EXERCISES = {
    f"{chapter}.{exercise.key}": exercise
    for chapter, module in CHAPTERS.items()
    for exercise in module.ALL
}

# What a reader may plausibly write, and a part of the diagnosis that only this slip should get.
SLIPS = {
    "one_by_one_reduction.cost": [
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in + k * k * c_out\n    return weights, weights * height * width",
            "a single channel",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = k * k * c_red * c_out\n    return weights, weights * height * width",
            "not free",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * c_red * c_out\n"
            "    return weights, weights * height * width",
            "k rows *and* k columns",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * k * c_red * c_out + c_red + c_out\n"
            "    return weights, weights * height * width",
            "Biases are counted",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * k * c_red * c_out\n"
            "    return weights, weights * height",
            "meets every position",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n    return 1",
            "return weights, multiply",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k^2 * c_red * c_out\n"
            "    return weights, weights * height * width",
            "Count the layers",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + (k ^ 2) * c_red * c_out\n"
            "    return weights, weights * height * width",
            "is not a power",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * k * c_red * c_out\n"
            "    return weights, 2 * weights * height * width",
            "Exactly twice",
        ),
        (
            "def cost(c_in, c_red, c_out, k, height, width):\n"
            "    weights = c_in * c_red + k * k * c_red * c_out\n"
            "    return weights * height * width, weights",
            "weights come first",
        ),
    ],
    "one_by_one_reduction.widest": [
        (
            "def widest(c_in, c_out, k):\n    return k * k * c_in * c_out / (c_in + k*k*c_out)",
            "cannot be cut",
        ),
        (
            "def widest(c_in, c_out, k):\n    return round(k*k*c_in*c_out / (c_in + k*k*c_out))",
            "Set the two costs equal",
        ),
        (
            "def widest(c_in, c_out, k):\n    return k * k * c_in * c_out // (c_in + k*k*c_out)",
            "must be strict",
        ),
        ("def widest(c_in, c_out, k):\n    return min(c_in, c_out)", "Is the division exact"),
        (
            "def widest(c_in, c_out, k):\n"
            "    return max(1, (k * k * c_in * c_out - 1) // (c_in + k * k * c_out))",
            "not even a single channel",
        ),
        ("def widest(c_in, c_out, k):\n    return -1", "cannot be negative"),
    ],
    "one_by_one_reduction.pointwise": [
        (
            "def pointwise(x, weight):\n    return x.permute(0, 2, 3, 1) @ weight.T",
            "stands last",
        ),
        (
            "def pointwise(x, weight):\n    return torch.einsum('co,nchw->nohw', weight, x)",
            "swapped",
        ),
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
        (
            "def pointwise(x, weight):\n"
            "    return torch.nn.functional.conv2d(x, weight[:, :, None, None])",
            "a call of torch's own `conv2d`",
        ),
        (
            "def pointwise(x, weight):\n"
            "    out = x.permute(0, 2, 3, 1) @ weight.T\n"
            "    return out.reshape(len(x), len(weight), *x.shape[2:])",
            "use `permute`",
        ),
        (
            "def pointwise(x, weight):\n    return torch.tensordot(weight, x, dims=([1], [1]))",
            "stands first",
        ),
    ],
    "one_by_one_reduction.melt": [
        ("def melt(reduce, kernel):\n    return kernel", "where has the 1×1 gone"),
        ("def melt(reduce, kernel):\n    return kernel[:, :, 0, 0]", "Only the reduced channels"),
        (
            "def melt(reduce, kernel):\n"
            "    whole = torch.einsum('orhw,rc->ochw', kernel, reduce[:, :, 0, 0])\n"
            "    return whole.flip(2, 3)",
            "Right, but flipped",
        ),
        (
            "def melt(reduce, kernel):\n"
            "    return torch.einsum('orhw,rc->ochw', kernel, reduce[:, :, 0, 0]) / len(reduce)",
            "do not average",
        ),
        (
            "def melt(reduce, kernel):\n"
            "    return torch.einsum('orhw,rc->ocwh', kernel, reduce[:, :, 0, 0])",
            "changed places",
        ),
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
    "one_by_one_reduction.design": [
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
    "googlenet.row": [
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5) + 9 * r3 * b + 25 * r5 * c\n"
            "    return a + b + c + p, w, w * side * side",
            "projection behind the pooling",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + p) + 9 * r3 * b + 25 * r5 * c\n"
            "    return a + b + c + p, w, w * side * side",
            "two reductions are missing",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p + 9 * b + 25 * c)\n"
            "    return a + b + c + p, w, w * side * side",
            "not the module's input",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 9 * r5 * c\n"
            "    return a + b + c + p, w, w * side * side",
            "counted as a 3×3",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 3 * r3 * b + 5 * r5 * c\n"
            "    return a + b + c + p, w, w * side * side",
            "k rows *and* k columns",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c + sum(filters)\n"
            "    return a + b + c + p, w, w * side * side",
            "Biases are counted",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c\n"
            "    return sum(filters), w, w * side * side",
            "never leave it",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c\n"
            "    return a + b + c, w, w * side * side",
            "a projection too",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c\n"
            "    return a + b + c + p, w, w * side",
            "rows *times* columns",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c\n"
            "    return a + b + c + p, w, 2 * w * side * side",
            "count as one",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n    return a + b + c + p, 7, 7",
            "There are six convolutions",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + 9 * b + 25 * c + p)\n"
            "    return a + b + c + p, w, w * side * side",
            "without reductions",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = c_in * (a + 9 * b + 25 * c)\n"
            "    return a + b + c + c_in, w, w * side * side",
            "*naive* module",
        ),
        (
            "def row(c_in, side, filters):\n"
            "    a, r3, b, r5, c, p = filters\n"
            "    w = (c_in * (a + r3 + r5 + p) + 9 * r3 * b + 25 * r5 * c) / 1024\n"
            "    return a + b + c + p, w, w * side * side",
            "every single weight",
        ),
        ("def row(c_in, side, filters):\n    return 3", "return channels, weights"),
    ],
    "googlenet.field": [
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        jump *= stride\n        seen += (kernel - 1) * jump\n"
            "    return seen, jump",
            "use the jump first",
        ),
        (
            "import math\ndef field(layers):\n"
            "    return 1 + sum(k - 1 for k, _ in layers), math.prod(s for _, s in layers)",
            "several pixels apart",
        ),
        (
            "import math\ndef field(layers):\n"
            "    return sum(k for k, _ in layers), math.prod(s for _, s in layers)",
            "add *two* steps",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += kernel * jump\n        jump *= stride\n"
            "    return seen, jump",
            "k - 1 steps between",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += (kernel - 1) * jump\n        jump += stride - 1\n"
            "    return seen, jump",
            "strides one after the other multiply",
        ),
        (
            "def field(layers):\n    seen, jump = 0, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += (kernel - 1) * jump\n        jump *= stride\n"
            "    return seen, jump",
            "Start from a unit that sees 1 pixel",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += (kernel - 1) * jump\n        jump *= stride\n"
            "    return seen",
            "return field, jump",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen = (seen - 1) * stride + kernel\n        jump *= stride\n"
            "    return seen, jump",
            "in the opposite order",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += (kernel - 1) * stride\n        jump *= stride\n"
            "    return seen, jump",
            "product of all the strides",
        ),
        (
            "def field(layers):\n    seen, jump = 1, 1\n"
            "    for kernel, stride in layers:\n"
            "        seen += (kernel - 1) * jump\n        jump *= stride\n"
            "    return jump, seen",
            "swapped",
        ),
    ],
    "googlenet.vote": [
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(0).mean((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "another axis, the networks",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(1).mean((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "another axis, the crops",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.mean(0).softmax(-1).mean(0).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "over the networks before",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.mean(1).softmax(-1).mean(0).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "over the crops before",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).amax(1).mean(0).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "found the maximum to be worse",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.argmax(-1).flatten(0, 1).mode(0).values\n"
            "    return (best != labels).float().mean()",
            "the majority wins",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.mean((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "The scores are averaged",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).amax((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "the surest crop decides",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).mean((0, 1)).argmax(-1)\n"
            "    return (best != labels).float().mean()",
            "top-1 error",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).mean((0, 1)).topk(5).indices\n"
            "    return (best == labels[:, None]).any(-1).float().mean()",
            "the error is the rest",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).mean((0, 1)).topk(5).indices\n"
            "    return 100 - 100 * (best == labels[:, None]).any(-1).float().mean()",
            "not a percentage",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(2).mean((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "another axis",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "First average, then judge",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores[0].softmax(-1).mean(0).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float().mean()",
            "In turn",
        ),
        (
            "def top5_error(scores, labels):\n"
            "    best = scores.softmax(-1).mean((0, 1)).topk(5).indices\n"
            "    return 1 - (best == labels[:, None]).any(-1).float()",
            "a count",
        ),
    ],
    "googlenet.save": [
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
            "from utils.words import Convolution\n"
            "def lighter():\n"
            "    rows = {**PAPER, 'conv2': Convolution(channels=48, kernel_size=1)}\n"
            "    return googlenet('paper', layers=rows)",
            "You found the dear place",
        ),
        (
            "from utils.googlenet import PAPER, googlenet\n"
            "from utils.words import Convolution\n"
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


def run(code: str, name: str):
    namespace = {"torch": torch, "InceptionSpec": InceptionSpec}
    exec(compile(code, "<the reader's cell>", "exec"), namespace)
    return namespace[name]


@cache
def verdict_on(name: str, code: str) -> Verdict:
    exercise = EXERCISES[name]
    return exercise.check(run(code, exercise.answer))


@pytest.fixture(params=EXERCISES)
def exercise(request) -> Exercise:
    return EXERCISES[request.param]


def test_every_exercise_has_its_slips():
    assert SLIPS.keys() == EXERCISES.keys()
    assert all(len(slips) >= 3 for slips in SLIPS.values())


def test_the_stub_is_not_attempted(exercise):
    verdict = exercise.check(run(exercise.stub, exercise.answer))
    assert verdict.state == "not attempted"
    assert "..." in verdict.message


def test_the_solution_is_right(exercise):
    verdict = exercise.check(run(exercise.solution_code, exercise.answer))
    assert verdict.state == "right", verdict
    assert exercise.praise in repr(verdict)


@pytest.mark.parametrize(
    ("name", "code", "diagnosis"),
    [(name, *slip) for name, slips in SLIPS.items() for slip in slips],
)
def test_each_slip_is_wrong_with_its_own_diagnosis(name, code, diagnosis):
    verdict = verdict_on(name, code)
    assert verdict.state == "wrong", verdict
    assert all((verdict.expected, verdict.got, verdict.look))
    assert diagnosis in verdict.look + verdict.got
    said = [repr(verdict_on(name, other)) for other, _ in SLIPS[name] if other != code]
    assert repr(verdict) not in said


@pytest.mark.parametrize(
    ("name", "code"),
    [
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
        (
            "row",
            "from utils.accounting import module_costs\n"
            "def row(c_in, side, filters):\n"
            "    spec = InceptionSpec(**dict(zip(InceptionSpec.__dataclass_fields__, filters)))\n"
            "    cost = sum(module_costs(c_in, spec, size=(side, side)).values())\n"
            "    return [spec.out_channels(c_in), *cost]",
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
    ],
)
def test_other_right_answers_are_right(name, code):
    [exercise] = [e for full, e in EXERCISES.items() if full.endswith(f".{name}")]
    verdict = exercise.check(run(code, exercise.answer))
    assert verdict.state == "right", verdict


def test_arithmetic_with_an_ellipsis_is_not_attempted():
    code = "def cost(*arguments):\n    return 3 * ..., 1"
    assert EXERCISES["one_by_one_reduction.cost"].check(run(code, "cost")).state == "not attempted"


def test_showing_an_exercise_does_not_show_its_solution(exercise):
    shown = repr(exercise)
    assert exercise.solution_code not in shown
    assert exercise.why not in shown
    assert not any(hint in shown for hint in exercise.hints)


def answers_nobody_foresaw():
    def ends_the_program(*arguments):
        raise SystemExit(1)

    def changes_what_it_gets(*arguments):
        for argument in arguments:
            if isinstance(argument, torch.Tensor):
                argument.zero_()
        return arguments[0] if arguments else None

    class Strange:
        def __eq__(self, other):
            raise RuntimeError("no comparison")

        __hash__ = object.__hash__

        def __repr__(self):
            raise RuntimeError("no words")

        @property
        def shape(self):
            raise RuntimeError("no shape")

    nan = torch.full((1, 1, 4, 4), float("nan"))
    yield from [None, 3, -1.5, "text", b"", [], {}, object(), torch.zeros(0), nan, int, print]
    yield from [Strange(), Strange, ends_the_program, changes_what_it_gets, lambda: 0, (None, None)]
    yield from [lambda *a: None, lambda *a: "x", lambda *a: nan, lambda *a: Strange()]
    yield from [lambda *a: (Strange(), Strange()), lambda *a: (float("inf"), "x"), float("nan")]
    yield {"conv1x1": "many"}


def test_no_answer_makes_the_check_raise_or_pass(exercise):
    for answer in answers_nobody_foresaw():
        verdict = exercise.check(answer)
        assert verdict.state == "wrong", answer
        assert verdict.look
        assert verdict.look in repr(verdict)
        assert "Wrong" in verdict._repr_html_()


def test_an_ellipsis_anywhere_is_not_attempted(exercise):
    for answer in (..., [1, ...], {"a": (..., 2)}, [[{3: [...]}]]):
        assert unfinished(answer)
        assert exercise.check(answer).state == "not attempted"


def test_hints_go_one_step_further_and_stop_at_the_last(exercise):
    exercise._shown = 0
    shown = [exercise.hint().text for _ in range(len(exercise.hints) + 1)]
    assert shown[:-1] == list(exercise.hints)
    assert shown[-1] == exercise.hints[-1]
    assert len(exercise.hints) >= 2


def test_the_solution_gives_its_reason(exercise):
    text = exercise.solution()._repr_markdown_()
    assert exercise.solution_code.strip() in text
    assert exercise.why in text


def test_help_unfolds_step_by_step(exercise):
    html = exercise.help()._repr_html_()
    summaries = [f"Hint {i} of {len(exercise.hints)}" for i in range(1, len(exercise.hints) + 1)]
    places = [html.index(f"<summary>{s}</summary>") for s in [*summaries, "Solution"]]
    assert places == sorted(places)
    # Nested: nothing is closed before the solution has ended.
    assert html.index("</details>") > html.index("<summary>Solution</summary>")
    assert html.count("<details>") == html.count("</details>") == len(exercise.hints) + 1


def test_no_wrong_verdict_shows_the_solution(exercise):
    essential = [
        line.strip()
        for line in exercise.solution_code.strip().splitlines()[1:]
        if len(line.strip()) > 20 and line.strip() not in exercise.stub
    ]
    name = next(n for n, e in EXERCISES.items() if e is exercise)
    for code, _ in SLIPS[name]:
        told = repr(verdict_on(name, code))
        assert not any(line in told for line in essential)


def test_a_wrong_answer_is_escaped():
    exercise = EXERCISES["one_by_one_reduction.cost"]
    html = exercise.check("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in html


def test_calls_get_copies():
    kept = torch.ones(3)
    call(lambda t: t.zero_(), kept)
    assert kept.sum() == 3


def test_keys_are_unique(exercise):
    with pytest.raises(ValueError, match="two exercises have the key"):
        by_key([exercise, exercise])
    for module in CHAPTERS.values():
        assert len(by_key(module.ALL)) == len(module.ALL)


def test_the_paper_keeps_below_every_break_even():
    # Claimed in the praise of "widest".
    pairs = [
        (reduction, break_even(INPUTS[name][0], filters, kernel_size=k))
        for name, spec in MODULES.items()
        for reduction, filters, k in (
            (spec.reduce3x3, spec.conv3x3, 3),
            (spec.reduce5x5, spec.conv5x5, 5),
        )
    ]
    assert len(pairs) == 18
    assert all(reduction < limit for reduction, limit in pairs)


# Questions --------------------------------------------------------------------------------------


def test_the_branch_question_is_computed_and_its_slips_are_wrong():
    question = branch_weights("4a")
    assert question.state["answer"] == 480 * 16 + 25 * 16 * 48
    values = [slip["value"] for slip in question.state["options"]]
    assert len(values) >= 4
    assert question.state["answer"] not in values


def test_a_prediction_refuses_what_is_no_share():
    for kept, width, message in (
        (float("nan"), 16, "0..1"),
        (1.2, 16, "0..1"),
        (0.9, 100, "quarter"),
    ):
        with pytest.raises(ValueError, match=message):
            prediction(kept, width=width, channels=192)


def test_the_dearest_channel_is_computed():
    options = {o["text"]: o for o in dearest_channel("3a").state["options"]}
    right = [text for text, option in options.items() if option["right"]]
    assert right == ["to the reduction before the 3×3"]
    assert options[right[0]]["diagnosis"].startswith(f"{192 + 9 * 128:,} weights")
    assert options["to the 5×5"]["diagnosis"].startswith(f"{25 * 16:,} weights")


def test_the_dearest_stage_is_computed():
    options = network_exercises.dearest_stage().state["options"]
    right = [option for option in options if option["right"]]
    assert [option["text"] for option in right] == ["the second convolutions, 1×1 and 3×3"]
    macs = 56 * 56 * (64 * 64 + 9 * 64 * 192)
    assert right[0]["diagnosis"].startswith(f"{macs / 1e6:,.0f} million")
    # What the diagnosis of 3b claims: it comes second.
    cost = {o["text"]: int(o["diagnosis"].split()[0].replace(",", "")) for o in options}
    assert "3b" in sorted(cost, key=cost.__getitem__)[-2]


def test_the_last_map_is_computed():
    question = network_exercises.last_map()
    assert question.state["answer"] == 6
    assert {slip["value"] for slip in question.state["options"]} == {5, 7, 13, 14}
    assert network_exercises.last_map(448).state["answer"] == 13


def test_against_alexnet_marks_the_option_nearest_to_the_count():
    for macs, text in ((8.0, "same factor"), (1.1, "as many"), (0.46, "twice"), (0.12, "ten")):
        options = network_exercises.against_alexnet(8.7, macs).state["options"]
        [right] = [option["text"] for option in options if option["right"]]
        assert text in right
    with pytest.raises(ValueError, match="two positive ratios"):
        network_exercises.against_alexnet(8.7, 0)


def test_a_prediction_marks_the_option_nearest_to_the_measurement():
    for kept, text in ((0.1, "about 8%"), (0.45, "about 50%"), (0.88, "about 90%"), (0.999, "99%")):
        right = [o for o in prediction(kept, width=16, channels=192).state["options"] if o["right"]]
        assert len(right) == 1
        assert text in right[0]["text"]


@pytest.mark.parametrize(
    "question",
    [
        shuffled(),
        branch_weights(),
        prediction(0.9, width=16, channels=192),
        network_exercises.dearest_stage(),
        network_exercises.last_map(),
        network_exercises.against_alexnet(8.7, 0.46),
    ],
)
def test_without_scripts_a_question_still_shows_its_answer(question):
    assert "<details><summary>Answer</summary>" in question.fallback
    diagnoses = [option["diagnosis"] for option in question.state["options"]]
    assert len(set(diagnoses)) == len(diagnoses)


def test_questions_refuse_what_makes_no_sense():
    good, bad = Option("yes", "because", right=True), Option("no", "because not")
    with pytest.raises(ValueError, match="exactly one of them right"):
        choice("?", [bad, Option("maybe", "hm")])
    with pytest.raises(ValueError, match="same text"):
        choice("?", [good, Option("yes", "again")])
    with pytest.raises(ValueError, match="diagnosis for each"):
        choice("?", [good, Option("no", " ")])
    with pytest.raises(ValueError, match="counts as right"):
        number("?", 10, diagnoses={10.4: "near"}, right="y", otherwise="n", tolerance=0.05)
    with pytest.raises(ValueError, match="counts as right"):
        number("?", 10, diagnoses={10: "exact"}, right="y", otherwise="n")
    with pytest.raises(ValueError, match="tolerance"):
        number("?", 10, diagnoses={}, right="y", otherwise="n", tolerance=1.0)


def test_markdown_in_the_texts_is_rendered_and_html_is_not():
    options = [Option("a `b`", "c *d*", right=True), Option("<b>", "<i>e</i>")]
    question = choice("Is `x` <script>?", options)
    assert question.state["options"][0] == {
        "text": "a <code>b</code>",
        "diagnosis": "c <em>d</em>",
        "right": True,
    }
    assert "<i>" not in question.state["options"][1]["diagnosis"]
    assert "<script>" not in question.state["prompt"]
    assert MarkdownIt("commonmark", {"html": False}).renderInline("a `b`") == "a <code>b</code>"
