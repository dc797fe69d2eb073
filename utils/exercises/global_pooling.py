"""Exercises of the chapter on global pooling."""

from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from ..accounting import account
from ..data import fashion_mnist
from ..experiments import global_pooling as experiment
from ..interactive import Interactive
from . import questions
from .answers import MismatchError, call, expect
from .challenges import Challenge, Score, on_clothes
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip

# 1 ---------------------------------------------------------------------------------------------

count = Exercise(
    key="count",
    title="Count a head",
    statement="""
The last map of a network has the shape `(channels, height, width)`. Write a function that counts
the parameters, with biases, of two heads for it. The *flat* one flattens the map and puts linear
layers on it: one for each width in `hidden` (a tuple, perhaps empty), then one that gives the
scores. The *pooled* one takes the mean of each channel, and one linear layer makes the scores.
""",
    stub="""
def count(channels, height, width, hidden, classes):
    \"\"\"Parameters of a flat head and of a pooled head.\"\"\"
    flat = ...
    pooled = ...
    return flat, pooled
""",
    answer="count",
    cases=((512, 7, 7, (4096, 4096), 1000), (128, 7, 5, (), 10), (3, 2, 2, (5,), 4)),
    case=lambda channels, height, width, hidden, classes: (
        f"a map of ({channels}, {height}, {width}), hidden layers {hidden}, {classes} classes"
    ),
    results=(
        Number(
            expected="the weights and biases of all layers of the flat head",
            look="Go through the layers one after the other: what one gives, the next one reads.",
        ),
        Number(
            expected="the weights and biases of one linear layer behind the means",
            got="{got:,.15g}, with the right number for the flat head",
            look="Pooling itself has no parameters, and it leaves one number for each channel.",
        ),
    ),
    slips=(
        Slip(
            {"return flat, pooled": "return pooled, flat"},
            "The two are swapped: the flat head comes first.",
        ),
        Slip({"a * b + b": "a * b"}, "Each layer has a bias for each of its outputs, too."),
        Slip(
            {"[channels * height * width": "[channels"},
            "The first layer reads every number of the map, not one for each channel.",
        ),
        Slip({"height * width": "height"}, "A map has rows *and* columns."),
        Slip({"*hidden, ": ""}, "The hidden layers are missing."),
        Slip(
            {"*hidden, classes]": "*hidden]"},
            "The last layer, which gives the scores, is missing.",
        ),
        Slip(
            {"height * width": "height * height"},
            "A map need not be square: it has as many columns as `width` says.",
        ),
        Slip(
            {"[channels * height": "[height"},
            "The map has so many places, and at each of them all its channels.",
        ),
        Slip({"classes + classes": "classes"}, "A bias for each class is missing."),
        Slip(
            {
                "channels * classes + classes": "sum(a * b + b for a, b in "
                "zip([channels, *hidden], widths[1:]))"
            },
            "The means go straight into the scores: the pooled head has no hidden layer.",
        ),
    ),
    praise="The first case was VGG16's own head, and what would be left of it.",
    hints=(
        "A linear layer from `a` to `b` numbers has `a * b` weights and `b` biases.",
        "What does the first layer of the flat head read? Every channel at every place.",
        "Write the widths in a row, `[channels * height * width, *hidden, classes]`, and add up "
        "over neighbours.",
    ),
    solution_code="""
def count(channels, height, width, hidden, classes):
    widths = [channels * height * width, *hidden, classes]
    flat = sum(a * b + b for a, b in zip(widths, widths[1:]))
    pooled = channels * classes + classes
    return flat, pooled
""",
    why="Only the first layer knows how large the map is, and there the places multiply all the "
    "rest. The pooled head never hears of them: its size, and whether it fits, do not depend on "
    "the image.",
)

# 2 ---------------------------------------------------------------------------------------------


def _maps_and_gradients() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    shapes = (2, 3, 4, 5), (3, 1, 6, 2)
    return [tuple(torch.randn(s, generator=generator) for s in (s, s[:2])) for s in shapes]


def _handed_back(x: Tensor, g: Tensor) -> tuple[Tensor, ...]:
    x.requires_grad_()
    return tuple(torch.autograd.grad(p, x, g)[0] for p in (x.mean((2, 3)), x.amax((2, 3))))


gradients = Exercise(
    key="gradients",
    title="Who is taught?",
    statement="""
In training, the gradient says to every number of the last map how it should change. Write yourself,
without autograd, what global average pooling and global max pooling hand back. `x` is the map, of
shape `(N, C, H, W)`; `g` is the gradient of the loss with respect to the pooled numbers, `(N, C)`.
Return the two gradients with respect to `x`. No two numbers of a channel are equal.
""",
    stub="""
def gradients(x, g):
    \"\"\"Gradients of the loss with respect to the map, for average and max.\"\"\"
    of_average = ...
    of_max = ...
    return of_average, of_max
""",
    answer="gradients",
    reference=_handed_back,
    cases=_maps_and_gradients,
    case=lambda x, g: f"a map of shape {tuple(x.shape)}",
    results=tuple(
        Array(
            expected=f"what autograd gives for the {pool}",
            look="Nudge one number of the map: which output changes, and by how much of the nudge?",
            shape=f"The gradient of the {pool} has the shape of what it is taken with respect to: "
            "one number for each number of the map.",
            close=1e-5,
        )
        for pool in ("average", "max")
    ),
    slips=(
        Slip(
            {"return of_average, of_max": "return of_max, of_average"},
            "The two are swapped: the gradient of the average comes first.",
            whole=True,
        ),
        Slip(
            {"g / (height * width)": "g"},
            "So it would be for a *sum*. How much does the mean change when one of its numbers "
            "grows by 1?",
        ),
        Slip(
            {"(height * width)": "width"},
            "Divided by the width alone: the mean is taken over rows *and* columns.",
        ),
        Slip(
            {"(height * width)": "height"},
            "Divided by the height alone: the mean is taken over rows *and* columns.",
        ),
        Slip(
            {"(g / (": "(g * x / ("},
            "The values of the map play no part: the mean is linear, so its slope is the same "
            "everywhere.",
        ),
        Slip(
            {"(height * width)": "x.numel()"},
            "Averaged over images or channels, too: each of them has a mean of its own.",
        ),
        Slip(
            {"of_average, of_max": "of_average, of_average"},
            "That is the gradient of the average, again.",
        ),
        Slip(
            {"of_average, of_max": "of_average, of_max / (height * width)"},
            "The whole gradient goes to the place of the maximum, undivided.",
        ),
        Slip(
            {"g * (x": "1.0 * (x"},
            "There is a mark at the right place; the gradient `g` is not in it.",
        ),
        Slip(
            {"g * (x": "g * x * (x"},
            "The value of the maximum plays no part: its slope is 1, wherever it lies.",
        ),
        Slip(
            {"(2, 3)": "(0, 1, 2, 3)"},
            "There is one maximum for each channel of each image, not one for all.",
        ),
        Slip(
            {"(2, 3)": "(1, 2, 3)"},
            "There is one maximum for each channel, not one for each image.",
        ),
        Slip(
            {"(2, 3)": "3"},
            "There is one maximum for the whole of a channel, not one for each row.",
        ),
        Slip(
            {"(2, 3)": "2"},
            "There is one maximum for the whole of a channel, not one for each column.",
        ),
    ),
    praise="The average teaches every place a little, the maximum teaches one place in each "
    "channel and leaves the others as they are.",
    hints=(
        "Let one number of a channel grow by a tiny amount. How much does the channel's mean "
        "grow? And its maximum?",
        "The mean of H times W numbers grows by 1 / (H W) of it, whichever number it was. The "
        "maximum grows only with the number that *is* the maximum.",
        "`g[:, :, None, None]` has a place for each map; `x == x.amax((2, 3), keepdim=True)` "
        "marks the maxima.",
    ),
    solution_code="""
def gradients(x, g):
    height, width = x.shape[2:]
    g = g[:, :, None, None]
    of_average = (g / (height * width)).expand(x.shape)
    of_max = g * (x == x.amax((2, 3), keepdim=True))
    return of_average, of_max
""",
    why="Both are the chain rule with one slope: 1 / (H W) everywhere for the mean, and for the "
    "maximum 1 at its place and 0 elsewhere. So the average asks a channel to answer on all of a "
    "thing, and the maximum is content with its most telling part.",
)

# 3 ---------------------------------------------------------------------------------------------


def _layers() -> list[tuple[Tensor, Tensor, Tensor, int]]:
    generator = torch.Generator().manual_seed(2)
    return [
        (
            torch.rand(n, c, height, width, generator=generator),
            torch.randn(k, c, generator=generator),
            torch.randn(k, generator=generator),
            side,
        )
        # First as many classes as channels: there the weight may be used the wrong way round.
        for n, c, k, height, width, side in (
            (1, 4, 4, 5, 6, 3),
            (2, 5, 3, 3, 6, 2),
            (2, 1, 3, 4, 5, 4),
        )
    ]


def _window_by_window(maps: Tensor, weight: Tensor, bias: Tensor, side: int) -> Tensor:
    means = maps.unfold(2, side, 1).unfold(3, side, 1).mean((4, 5))
    return torch.einsum("kc,nchw->nkhw", weight, means) + bias[:, None, None]


windows = Exercise(
    key="windows",
    title="A score for every window",
    statement="""
A network was trained on images whose last map has `side` by `side` places. A larger image gives a
larger map, `maps` of shape `(N, C, H, W)`. What would the head say of each window of `side` by
`side` places in it? `weight`, `(K, C)`, and `bias`, `(K,)`, are those of the last linear layer,
which reads the means. Return the scores of all windows, `(N, K, H - side + 1, W - side + 1)`, and
write no loop.
""",
    stub="""
def window_scores(maps, weight, bias, side):
    \"\"\"What a head that averages says of each window of a larger map.\"\"\"
    return ...
""",
    answer="window_scores",
    reference=_window_by_window,
    cases=_layers,
    case=lambda maps, weight, bias, side: (
        f"maps of shape {tuple(maps.shape)}, a weight of shape {tuple(weight.shape)} and windows "
        f"of {side}×{side}"
    ),
    results=(
        Array(
            expected="for each window the score of the means in it",
            look="Take the first window, `maps[0, :, :side, :side]`, and score it by hand.",
            shape="One score for each class, at each place where a window can begin.",
        ),
    ),
    slips=(
        Slip(
            {"None], bias": "None]"},
            "The bias is missing: the head adds it once to the score of each window.",
        ),
        Slip(
            {"None], bias": "None], bias / side**2"},
            "The bias is divided by the number of places. But the mean of a constant is the "
            "constant.",
        ),
        Slip(
            {"stride=1": "stride=side"},
            "The windows stand side by side. A pool moves by its whole window if it is not told "
            "otherwise; here the next one begins one place further.",
        ),
        Slip(
            {"avg_pool2d": "max_pool2d"},
            "The largest score in each window. But the head takes the mean.",
        ),
        Slip(
            {"F.avg_pool2d(class_maps, side, stride=1)": "class_maps"},
            "As many scores as places. A window has several places and lies in the map: there are "
            "fewer windows, and the score of each is a mean.",
        ),
        Slip(
            {
                "F.avg_pool2d(class_maps, side, stride=1)": "side**2 * F.avg_pool2d("
                "class_maps, side, 1)"
            },
            "The scores are too large: is a sum taken over each window, not a mean?",
        ),
        Slip(
            {
                "None], bias": "None].expand(-1, -1, side, side), bias",
                "F.avg_pool2d(class_maps, side, stride=1)": "class_maps",
            },
            "A sum is taken over each window: by how many places does a mean divide?",
        ),
        Slip(
            {
                "None], bias": "None].expand(-1, -1, side, side) / side, bias",
                "F.avg_pool2d(class_maps, side, stride=1)": "class_maps",
            },
            "Divided by `side` alone: a window has rows *and* columns.",
        ),
        Slip(
            {
                "conv2d(maps": "conv2d(F.max_pool2d(maps, side, stride=1)",
                "F.avg_pool2d(class_maps, side, stride=1)": "class_maps",
            },
            "The head reads the mean of each channel in the window, not the largest value.",
        ),
        Slip(
            {"F.avg_pool2d(class_maps, side, stride=1)": "class_maps.mean((2, 3))"},
            "These are the scores of the whole map: the windows are gone.",
        ),
        Slip(
            {"weight[": "weight.T["},
            "The rows and columns of the weight are swapped: row `k` holds what class `k` makes of "
            "each channel.",
        ),
        Slip(
            {
                "F.conv2d(maps, weight[:, :, None, None], bias)": "(maps.reshape(-1, "
                "maps.shape[1]) @ weight.T + bias).reshape(len(maps), len(weight), "
                "*maps.shape[2:])"
            },
            "`reshape` keeps the order of the numbers and cuts it anew: places are taken for "
            "channels. Move the channels to the end first, with `movedim(1, -1)`.",
        ),
        Slip(
            {"stride=1)": "stride=1).movedim(1, -1)"},
            "The classes stand last; they belong in second place.",
        ),
    ),
    praise="The head is computed once for each place, and shared by all windows that hold it.",
    hints=(
        "What is the score of one window? A mean, then a linear layer. They commute.",
        "So score each place first, as a class map does, bias included. The score of a window is "
        "then the mean of the scores in it.",
        "A mean over each window, one place apart, is `F.avg_pool2d(..., side, stride=1)`.",
    ),
    solution_code="""
from torch.nn import functional as F


def window_scores(maps, weight, bias, side):
    class_maps = F.conv2d(maps, weight[:, :, None, None], bias)
    return F.avg_pool2d(class_maps, side, stride=1)
""",
    why="Mean and linear layer commute in each window, too. Pooling the channels first gives the "
    "same, and is dearer where there are more channels than classes. So a network that was trained "
    "on crops can be slid over a photograph in one pass.",
)

# 4 ---------------------------------------------------------------------------------------------

_MOST = 16_000_000  # parameters, of VGG16 with another head
_SIZES = ((224, 224), (160, 288), (32, 32))


class _Trunk:
    """Follow the layers of a network as it runs, and take VGG16's place.

    While `maps` is set, they stand for what VGG16's part of the network gives.
    """

    def __init__(self, network: nn.Module) -> None:
        self.steps: list[tuple] = []
        self.last, self.maps = -1, None
        for module in network.modules():
            if not isinstance(module, nn.Identity) and not any(module.children()):
                module.register_forward_hook(self._after)

    def _after(self, module: nn.Module, inputs: tuple, output: Tensor) -> Tensor | None:
        place = getattr(module, "place", None) if isinstance(module, nn.Conv2d) else None
        self.steps.append((type(module), place))
        there = self.maps is not None and len(self.steps) - 1 == self.last
        return self.maps.clone() if there else None

    def run(self, network: nn.Module, images: Tensor, maps: Tensor | None = None) -> Any:
        self.steps, self.maps = [], maps
        return network(images)


def _verify_rebuild(answer: Any) -> None:
    import torchvision  # only here: it takes a second

    with torch.device("meta"):
        vgg = torchvision.models.vgg16()
        original = vgg.features
        for place, layer in enumerate(original):
            layer.place = place  # a copy of the layer keeps it, a new layer has none
        network = call(answer, vgg)
        expect(
            isinstance(network, nn.Module),
            expected="a network",
            got=network,
            look="Change what came in, and return it: `return network`.",
        )
        lost = Counter(_convolutions(original)) - Counter(_convolutions(network))
        expect(
            not lost,
            expected="VGG16's thirteen convolutions, as they were",
            got=f"a network that lacks {lost.total()} of them",
            look="Leave `network.features` alone; only what comes behind it is to change.",
        )
        expect(
            [m.place for m in network.modules() if isinstance(m, nn.Conv2d) and hasattr(m, "place")]
            == [place for place, m in enumerate(original) if isinstance(m, nn.Conv2d)],
            expected="the very convolutions that came in, with what they have learned",
            got="other convolutions of the same shapes",
            look="A new VGG16 knows nothing. Change the network that came in, and return it.",
        )
        trunk = _Trunk(original)
        trunk.run(original, torch.empty(1, 3, 224, 224))
        wanted = trunk.steps
        trunk = _Trunk(network.eval())
        for size in _SIZES:
            _verify_size(network, trunk, size)
            # VGG16's last pool may be gone: then the head reads what its last ReLU gives.
            pairs = zip_longest(
                wanted[:-1], trunk.steps[: len(wanted) - 1], fillvalue=(type(None), 0)
            )
            for step, (want, have) in enumerate(pairs):
                expect(
                    want == have,
                    expected="the convolutions in their order, and between them what VGG16 has",
                    got=f"as layer {step} of all a {have[0].__name__}, not its {want[0].__name__}",
                    look="Does `network.features` still have its ReLUs and pools, and nothing "
                    "else?",
                )
    parameters = sum(p.numel() for p in network.parameters())
    fixed = [m for m in network.modules() if isinstance(m, nn.Linear) and m.in_features > 512]
    expect(
        parameters <= _MOST,
        expected=f"at most {_MOST:,} parameters",
        got=f"{parameters:,}",
        look="It takes any size, but it pools to a fixed grid first, and its first linear layer "
        "reads every place of the grid. How many places does a *global* pool leave?"
        if fixed and max(m.in_features for m in fixed) > 4096
        else "A wide hidden layer costs more than all convolutions together. Does the head need "
        "one?",
    )
    trunk.last = len(wanted) - 1 if trunk.steps[: len(wanted)] == wanted else len(wanted) - 2
    _verify_head(network, trunk)


def _convolutions(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(m.weight.shape) for m in network.modules() if isinstance(m, nn.Conv2d)]


def _verify_size(network: nn.Module, trunk: _Trunk, size: tuple[int, int]) -> None:
    try:
        scores = trunk.run(network, torch.empty(2, 3, *size))
    except Exception as error:  # whatever the reader's head may raise
        raise MismatchError(
            f"scores for images of {size[0]}×{size[1]} pixels",
            f"{type(error).__name__}: {error}",
            "From 32 pixels the convolutions leave a map of one place. Nothing behind them can "
            "take a window of several."
            if size == _SIZES[-1]
            else "Compare what the last pool gives with what the linear layer reads. VGG16 "
            "flattens between `avgpool` and `classifier` by itself.",
        ) from None
    expect(
        isinstance(scores, Tensor) and tuple(scores.shape) == (2, 1000),
        expected=f"scores of shape (2, 1000) for two images of {size[0]}×{size[1]} pixels",
        got=f"shape {tuple(getattr(scores, 'shape', ()))}",
        look="The last layer should give a score for each of the thousand classes.",
    )


def _verify_head(network: nn.Module, trunk: _Trunk) -> None:
    """Give the head maps of our own, and see whether it takes the mean, and scores linearly."""
    network = network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(4)
    for name, values in network.state_dict().items():
        if values.is_floating_point():
            values.normal_(std=0.05, generator=generator)
        if name.endswith("running_var"):
            values.abs_().add_(0.5)

    def scores(maps: Tensor) -> Tensor:
        with torch.no_grad():
            return trunk.run(network, torch.zeros(2, 3, 64, 64), maps).double()

    # As behind a ReLU: nothing is negative, and channels differ much.
    one, two = (
        torch.rand(2, 512, 1, 1, generator=generator) ** 4
        * torch.rand(2, 512, 3, 4, generator=generator)
        for _ in range(2)
    )
    first, second = scores(one), scores(two)
    scale = first.abs().max().item()

    def same(a: Tensor, b: Tensor) -> bool:
        return torch.allclose(a, b, rtol=0, atol=1e-4 * scale)

    expect(
        same(first, scores(one)),
        expected="the same scores for the same image, in evaluation mode",
        got="scores that change from call to call",
        look="A dropout must know when the network does not train: use `nn.Dropout`, not "
        "`F.dropout` without `training=`.",
    )
    expect(
        not same(first, second),
        expected="scores that depend on the last map",
        got="the same scores for two different maps",
        look="Does what the convolutions give reach the linear layer?",
    )
    expect(
        not same(first, scores(one.amax((2, 3), keepdim=True).expand_as(one))),
        expected="a global *average*: one mean for each channel of the last map",
        got="scores that depend on the largest number of each channel alone",
        look="It fits, and the question is which pool: for class activation maps the pool has to "
        "be linear. The maximum is not.",
    )
    places = torch.randperm(12, generator=generator)
    expect(
        same(first, scores(one.flatten(2)[:, :, places].view_as(one))),
        expected="scores that do not change when the places of the last map are shuffled",
        got="other scores",
        look="Some weights belong to places. A mean over *all* of a channel forgets them.",
    )
    expect(
        same(first, scores(one.repeat(1, 1, 1, 2))),
        expected="a mean, which does not grow with the map",
        got="other scores for the same map, laid twice side by side",
        look="Is it a sum over the places?",
    )
    sums = first.sum(1)
    expect(
        not same(sums, torch.ones_like(sums)),
        expected="scores, as every loss of PyTorch wants them",
        got="probabilities, which add up to one",
        look="There is a softmax at the end. The loss makes probabilities of scores itself.",
    )
    expect(
        same(scores(torch.cat([one, two], dim=3)), (first + second) / 2),
        expected="of two maps side by side, the mean of their scores: so that each place has "
        "scores of its own, and the class activation maps can be read off",
        got="other scores",
        look="Something bends between the mean and the scores. Is there a hidden layer with a "
        "ReLU behind the pooling?",
    )
    network.train()
    kept = [scores(one) for _ in range(4)]
    gone = [(trained == 0) & (first != 0) for trained in kept]
    ratios = torch.cat([(t / first)[(t != 0) & (first != 0)] for t in kept])
    expect(
        not (any(bool(g.any()) for g in gone) and bool(ratios.std() < 1e-4)),
        expected="in training, too, scores of all thousand classes",
        got="scores, some of which are set to zero",
        look="A dropout stands behind the layer that makes the scores. It should hide what that "
        "layer reads, not what it says.",
    )


rebuild = Exercise(
    key="rebuild",
    title="Another head for VGG16",
    statement="""
Write a function that is given torchvision's VGG16, with fresh weights, and returns it with a global
average for a head: it keeps `features`, the thirteen convolutions and what stands between them,
gives a thousand scores for images of any size from 32 pixels on, has at most `16_000_000`
parameters, and scores each place for itself, so that class activation maps can be read off. There
are many right answers; say in a sentence what yours gives up, and where you would put dropout.
`print(torchvision.models.vgg16())` shows the parts.
""",
    stub="""
def lighter(network):
    \"\"\"VGG16 with a head that averages.\"\"\"
    network.avgpool = ...
    network.classifier = ...
    return ...
""",
    answer="lighter",
    verify=_verify_rebuild,
    praise="Nearly nine tenths of the parameters are gone, and hardly any of the multiply-adds: "
    "those are in the convolutions. What it costs in accuracy, only training can tell.",
    hints=(
        "VGG16 has three parts: `features`, `avgpool` and `classifier`. The first stays.",
        "`avgpool` pools to 7×7 and takes any image already, but every one of the 49 places gets "
        "weights of its own in the first linear layer. Pool to one place instead.",
        "512 means come out. The `classifier` has to make 1,000 scores of them; it may be a single "
        "linear layer.",
    ),
    solution_code="""
def lighter(network):
    network.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    network.classifier = torch.nn.Sequential(
        torch.nn.Dropout(0.4), torch.nn.Linear(512, 1000)
    )
    return network
""",
    sentence="It gives up the hidden layers and every weight that knows a place; dropout stands in "
    "front of the last layer.",
    why="A mean for each channel, dropout, one linear layer: GoogLeNet's head on VGG's "
    "convolutions. A 1×1 convolution to a thousand maps, a ReLU and the mean would do as well. "
    "What must not stand behind the mean is a hidden layer with its ReLU: then the scores are no "
    "mean of scores of places.",
)

ALL = (count, gradients, windows, rebuild)

_FAR = 6  # pixels


def _averaged() -> Score:
    found = experiment.probed("still", experiment.AVERAGE)[_FAR].mean()
    counted = account(experiment.with_head(experiment.AVERAGE, seed=0), (1, 28, 28))
    return Score(found, counted.parameters, counted.macs)


challenge = Challenge(
    topic="Global pooling",
    title="Trained still, tested moved",
    statement=f"""
The network that averages, trained on clothes that lie still, gets worse when they are moved by
{_FAR} pixels. Build one that names more of the moved clothes for the same price: as many parameters
and multiply-adds, and at most a fiftieth more. Change what you like between image and scores; the
training images keep lying still. It takes about a minute, and a thousand moved test images decide.
For trying things out there is `ex.challenge.check(my_network, held_out=2_000)`: it leaves the test
images alone.
""",
    stub="""
from utils.experiments.global_pooling import with_head


def my_network():
    \"\"\"A network for images of (1, 28, 28), and its learning rate.\"\"\"
    network = with_head("average", seed=0)
    network.avgpool = ...  # or change what stands in front of it
    return ..., 0.4
""",
    answer="my_network",
    measure=partial(
        on_clothes,
        recipe=replace(experiment.RECIPE, crop=0),
        limit=_averaged,
        clothes=lambda part: experiment.halved(fashion_mnist(part)),
        tested=lambda images: experiment.shifted(images[:1000], _FAR),
    ),
    to_beat=_averaged,
    by="the chapter's network that averages, in the mean of its stored runs",
)

# Questions, answered in the page ----------------------------------------------------------------


def prediction(before: float, after: float, *, pixels: int) -> Interactive:
    """Ask, before the measurement, what moving the test images does to a head that averages.

    Parameters
    ----------
    before, after
        The measured accuracies, in 0..1: unmoved, and moved by `pixels`.

    Raises
    ------
    ValueError
        An accuracy is no share, or the images are not moved.
    """
    if not (0 <= before <= 1 and 0 <= after <= 1):
        raise ValueError(f"expected two shares in 0..1, got {before} and {after}")
    if pixels < 1:
        raise ValueError(f"expected images moved by at least one pixel, got {pixels}")
    lost = 100 * (before - after)
    texts = (
        (
            1.0,
            "nothing to speak of, less than a point",
            "So it would be if the last map simply moved along, and nothing else changed. But the "
            "layers in front of the mean take every second pixel, and they see the edge.",
        ),
        (
            5.0,
            "it loses some points, less than 5",
            "The mean itself does not care where things are; the layers in front of it do, "
            + ("and by more than that." if lost >= 5 else "a little."),
        ),
        (
            20.0,
            "it loses 5 to 20 points",
            "That is far from the invariance that the mean promises: look at what stands in front "
            "of it.",
        ),
        (
            float("inf"),
            "it loses more than 20 points",
            "So much would say that the network knows the place of each pixel by heart. A head "
            "with a weight for every place can do that, a mean cannot.",
        ),
    )
    right = next(i for i, (bound, *_) in enumerate(texts) if lost < bound)
    return choice(
        "A mean does not know where things are. So take a network that ends in global average "
        "pooling, train it on clothes that always lie in the middle of the picture, and test it on "
        f"clothes moved by {pixels} pixels, with nothing cut off. What happens to its accuracy?",
        [
            Option(
                text, f"It lost {lost:.1f} points. {why}" if i == right else why, right=i == right
            )
            for i, (_, text, why) in enumerate(texts)
        ],
        prediction=True,
        name="Predict first",
    )


def flat_head(channels: int = 128, side: int = 7, classes: int = 10) -> Interactive:
    """Ask for the parameters of one linear layer on the whole of the last map."""
    inputs = channels * side * side
    return questions.number(
        f"The last map of the micro network is {channels} channels of {side}×{side}. Leave out the "
        f"pooling, and let one linear layer read all of it and score {classes} classes. How many "
        "parameters has that layer, biases included?",
        inputs * classes + classes,
        diagnoses={
            inputs * classes: "The weights are right; each class has a bias, too.",
            channels * classes + classes: "That is the layer behind the pooling, which reads one "
            "number for each channel. Without it, every place counts.",
            channels * side * classes + classes: "A map has rows *and* columns.",
            side * side * classes + classes: "Each place has all its channels.",
            inputs: "So many numbers go in. Each of them has a weight for each class.",
        },
        right="It holds nearly as many parameters as the rest of the network. Behind a mean, the "
        "layer would need one weight for each channel and class.",
        otherwise="Numbers in, times classes, plus a bias for each class.",
        name="By hand",
    )
