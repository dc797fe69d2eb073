"""What auxiliary heads do to gradients and to learning, with and without BatchNorm and He's start.

Eight settings: {no heads, heads} x {plain, BatchNorm} x {small normal, He}. `AUX_START` looks at
the gradients before the first step, in the paper's network on photographs and in a small one;
`AUX_TRAINING` follows the small one through its training. Each setting has a learning rate of its
own, which `AUX_RATES` chooses on training images that are held out.

The paper does not print its first weights. "small normal" is what torchvision's GoogLeNet starts
from, "Caffe" what the replication in Caffe starts from, "old Caffe" the deviations that an older
text of that replication keeps for each layer, "He" what this package starts from.
"""

import copy
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..blocks import InceptionSpec, Norm
from ..data import (
    LabelledImages,
    fashion_mnist,
    middle,
    photograph,
    photographs,
    results,
    to_tensor,
)
from ..googlenet import MINI_EARLY, Config, GoogLeNet, googlenet
from ..networks.rows import Convolution, Row
from ..support.checks import one_of
from ..support.telling import Estimate, between
from ..training import Batches, DivergedError, Recipe, evaluate, train
from ..training.batches import normalise
from ..training.folders import IMAGENET
from .harness import Experiment, Report
from .measures import fresh
from .rates import chosen

Start = Literal["small normal", "old Caffe", "Caffe", "He"]
STARTS: tuple[Start, ...] = ("small normal", "old Caffe", "Caffe", "He")

#: Standard deviations of "old Caffe", by the end of a layer's name, as a copy of that text holds
#: them: NVIDIA/DIGITS, digits/standard-networks/caffe/googlenet.prototxt. It names "xavier" as the
#: kind, which does not read them; that a normal distribution once did is inferred. It gives none
#: for the last layer, `fc`, which gets this package's.
OLD_CAFFE: dict[str, float] = {
    "conv1.conv": 0.1,
    "conv2.conv": 0.1,
    "conv3.conv": 0.03,
    "branch1.conv": 0.03,
    "branch2.0.conv": 0.09,
    "branch2.1.conv": 0.03,
    "branch3.0.conv": 0.2,
    "branch3.1.conv": 0.03,
    "branch4.1.conv": 0.1,
    "conv.conv": 0.08,  # a head's, and its two linear layers
    "fc1": 0.02,
    "fc2": 2**-10,
    "fc": 0.01,
}


def _halved(row: Row) -> Row:
    """Return a row with half its channels."""
    if isinstance(row, Convolution):
        return replace(row, channels=row.channels // 2)
    if isinstance(row, InceptionSpec):
        return InceptionSpec(**{f.name: getattr(row, f.name) // 2 for f in fields(row)})
    return row


#: The eight modules of `mini_googlenet`, its pools early, with half their channels: as deep, and
#: quick enough for many runs.
LAYERS: dict[str, Row] = {name: _halved(row) for name, row in MINI_EARLY.items()}
#: The third and the sixth module, as in GoogLeNet.
HEADS: dict[str, str] = {"inception3a": "aux1", "inception3d": "aux2"}


def small_network(*, heads: bool, norm: Norm, in_channels: int = 1) -> GoogLeNet:
    """Build a GoogLeNet of eight narrow modules, for images of 28 px: (N, 1, 28, 28) -> (N, 10).

    Its heads are the paper's, scaled down with the channels that they read; from a map of 7x7 they
    pool adaptively.
    """
    return GoogLeNet(
        Config(
            layers=LAYERS,
            in_channels=in_channels,
            num_classes=10,
            norm=norm,
            bias=True,
            dropout=0.0,
            aux_heads=HEADS if heads else {},
            aux_pool="adaptive",
            aux_filters=12,
            aux_hidden=96,
        )
    )


def begin(model: nn.Module, start: Start, *, seed: int) -> None:
    """Draw a network's weights anew, in place, each layer's from a generator of its own.

    So a layer begins the same whatever other layers there are: with heads or without.

    "small normal": a normal distribution of std 0.01 for every weight, cut at 2, and biases of 0
    (torchvision leaves those of linear layers as PyTorch draws them). "Caffe": uniform, with a
    variance of 1/inputs, and biases of 0.2 but for the layers that give scores, which have 0. "old
    Caffe": normal, with the deviations of `OLD_CAFFE`, and Caffe's biases. "He" leaves the weights
    as this package draws them, which draws heads last.
    """
    one_of(start, STARTS, "start")
    if start == "He":
        return
    for name, layer in model.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        own = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
        if start == "small normal":
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-2, b=2, generator=own)
        elif start == "old Caffe":
            std = next(std for end, std in OLD_CAFFE.items() if name.endswith(end))
            nn.init.normal_(layer.weight, std=std, generator=own)
        else:
            limit = math.sqrt(3 / layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -limit, limit, generator=own)
        if layer.bias is not None:
            scores = name.rpartition(".")[2] in ("fc", "fc2")
            small = start == "small normal" or scores
            nn.init.constant_(layer.bias, 0.0 if small else 0.2)


def gradients(
    model: GoogLeNet, images: Tensor, labels: Tensor, *, aux_weight: float = 0.3
) -> dict[str, dict[str, float]]:
    """Measure the gradient of each stage's weights, of the main loss and of the heads' losses.

    In training mode, on a copy: BatchNorm takes the mean of this batch, and nothing remembers it.
    Dropout is off, so that the same weights give the same numbers.

    Parameters
    ----------
    model : GoogLeNet
    images : Tensor
        (N, C, H, W), normalised.
    labels : Tensor
        (N,) int64
    aux_weight : float
        What each head's loss counts.

    Returns
    -------
    dict
        Stage -> the norm of its weights' gradient: ``main``, of the main loss; ``aux1`` and
        ``aux2``, of that head's loss, times `aux_weight`; ``joint``, of their sum; and ``weights``,
        the norm of the weights. 0 where a loss does not reach; NaN for a head that is not there.
    """
    model = copy.deepcopy(model).float().train()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    stages = {
        name: [p for p in stage.parameters() if p.ndim >= 2]
        for name, stage in model.named_children()
    }
    stages = {name: weights for name, weights in stages.items() if weights}
    everything = [p for weights in stages.values() for p in weights]

    outputs = model(images)
    main, aux2, aux1 = outputs if isinstance(outputs, tuple) else (outputs, None, None)
    found: dict[str, list[Tensor | None]] = {}
    for loss, scores in (("main", main), ("aux1", aux1), ("aux2", aux2)):
        if scores is None:
            found[loss] = [None] * len(everything)
            continue
        value = F.cross_entropy(scores, labels) * (1.0 if loss == "main" else aux_weight)
        found[loss] = list(
            torch.autograd.grad(value, everything, retain_graph=True, allow_unused=True)
        )
    found["joint"] = [_sum(parts) for parts in zip(*found.values(), strict=True)]
    found["weights"] = [p.detach() for p in everything]

    norms: dict[str, dict[str, float]] = {}
    place = 0
    for stage, weights in stages.items():
        part = slice(place, place + len(weights))
        norms[stage] = {name: _norm(tensors[part]) for name, tensors in found.items()}
        for loss, scores in (("aux1", aux1), ("aux2", aux2)):
            if scores is None:
                norms[stage][loss] = math.nan
        place += len(weights)
    return norms


def _sum(parts: Sequence[Tensor | None]) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return sum(there[1:], there[0]) if there else None


def _norm(tensors: Sequence[Tensor | None]) -> float:
    """Return the norm of all numbers together; in double, where their squares are no zeros yet."""
    squares = (t.double().square().sum().item() for t in tensors if t is not None)
    return math.sqrt(sum(squares))


def photograph_batch(size: int = 224) -> tuple[Tensor, Tensor]:
    """Return the middles of real photographs, normalised, and a label for each.

    They are no classes of ImageNet. Before the first step any label is as unexpected as any other,
    so each gets one of its own.

    Returns
    -------
    images, labels
        (N, 3, size, size) float32 and (N,) int64.
    """
    middles = []
    for name in photographs():
        image = to_tensor(photograph(name))
        if min(image.shape[2:]) >= size:
            middles.append(middle(image, size))
    mean, std = (torch.tensor(value).reshape(1, 3, 1, 1) for value in IMAGENET)
    return (torch.cat(middles) - mean) / std, torch.arange(len(middles)) * 100


def fashion_batch(count: int = 128) -> tuple[Tensor, Tensor]:
    """Return the same training images each time, normalised: (N, 1, 28, 28), and labels (N,)."""
    data = fashion_mnist("train")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:count]
    return normalise(data.images[order], (data.mean, data.std)), data.labels[order]


def look_at_start(
    *, network: str, norm: Norm, start: Start, seed: int, report: Report
) -> list[dict[str, Any]]:
    """Measure the gradients of a network that has learned nothing yet, a row for each stage."""
    one_of(network, ("paper", "small"), "network")

    def build() -> GoogLeNet:
        if network == "small":
            model = small_network(heads=True, norm=norm)
        else:
            model = googlenet("bn" if norm else "paper")
        begin(model, start, seed=seed)
        return model

    images, labels = photograph_batch() if network == "paper" else fashion_batch()
    found = gradients(fresh(build, seed=seed), images, labels)
    return [
        {"stage": stage} | {name: _short(value) for name, value in norms.items()}
        for stage, norms in found.items()
    ]


def _short(value: float) -> float:
    """Keep four digits: more say nothing here, and make the files large."""
    return float(f"{value:.4g}")


def _name(norm: Norm, start: Start) -> str:
    return f"{'BatchNorm' if norm else 'plain'}, {start}"


AUX_START = Experiment(
    name="aux_start",
    about="which loss brings how much gradient to which stage before the first step",
    measure=look_at_start,
    options={"network": "paper", "norm": None, "start": "He"},
    settings={
        f"{network}, {_name(norm, start)}": {"network": network, "norm": norm, "start": start}
        for network in ("paper", "small")
        for norm in (None, "batch")
        for start in STARTS
        if (network, start) != ("small", "old Caffe")  # its numbers are for the paper's layers
    },
)


class Watched(Batches):
    """Batches that call ``watch(step)`` before some steps, counted over all epochs."""

    def __init__(
        self,
        data: LabelledImages,
        recipe: Recipe,
        *,
        moments: Sequence[int],
        watch: Callable[[int], None],
    ) -> None:
        super().__init__(data, recipe)
        self.moments, self.watch = frozenset(moments), watch

    def epoch(
        self, number: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch, as `Batches` does."""
        step = number * len(self) + start
        for batch in super().epoch(number, start, rank, world):
            if step in self.moments:
                self.watch(step)
            yield batch
            step += 1


def learn(
    *,
    heads: bool,
    norm: Norm,
    start: Start,
    recipe: Recipe,
    moments: Sequence[float],
    held_out: int,
    seed: int,
    report: Report,
) -> list[dict[str, Any]]:
    """Train the small network, and look at its gradients at some moments: a row for each.

    Parameters
    ----------
    moments : sequence of float
        Shares of the training, in 0..1; 1 is its end.
    held_out : int
        So many training images test it; if 0, the test images do.

    Returns
    -------
    list of dict
        ``step`` and ``images``, how far it was; ``curve_loss`` and ``curve_accuracy`` on the first
        1,000 images of the test, in nats and 0..1; ``main_...``, ``heads_...`` and ``joint_...``,
        the norms of each stage's gradient on the batch of `fashion_batch`, of the main loss, of
        both heads' losses with their weight, and of all; ``weights_...``, of its weights. In the
        last row ``test_accuracy`` and ``test_loss`` on the first 4,000. A training that diverges
        ends in a row of its own, with ``diverged``.
    """
    training = fashion_mnist("train")
    test = fashion_mnist("test")
    if held_out:
        order = torch.randperm(len(training), generator=torch.Generator().manual_seed(1))
        training, test = (
            LabelledImages(training.images[part], training.labels[part], training.classes)
            for part in (order[held_out:], order[:held_out])
        )

    def build() -> GoogLeNet:
        model = small_network(heads=heads, norm=norm)
        begin(model, start, seed=seed)
        return model

    model = fresh(build, seed=seed)
    recipe = replace(recipe, seed=seed)
    usual = (training.mean, training.std)
    some = LabelledImages(test.images[:CURVE], test.labels[:CURVE], test.classes)
    batch = fashion_batch()
    rows: list[dict[str, Any]] = []

    def watch(step: int, *, diverged: bool = False) -> None:
        row: dict[str, Any] = {"step": step, "images": step * recipe.batch_size}
        result = evaluate(model, some, normalisation=usual)
        row |= {"curve_loss": _short(result.loss), "curve_accuracy": result.accuracy}
        row |= {"test_loss": math.nan, "test_accuracy": math.nan, "diverged": diverged}
        for stage, norms in gradients(model, *batch, aux_weight=recipe.aux_weight).items():
            if stage in HEADS.values():
                continue
            row |= {f"{name}_{stage}": _short(norms[name]) for name in KEPT}
        rows.append(row)

    steps = recipe.steps(len(training) // recipe.batch_size)
    looks = sorted({round(share * steps) for share in moments})
    batches = Watched(training, recipe, moments=[s for s in looks if s < steps], watch=watch)
    try:
        train(model, batches, recipe=recipe, device="cpu", report=report)
        watch(steps)
    except DivergedError as error:
        report(str(error))
        watch(rows[-1]["step"] + 1, diverged=True)
    more = LabelledImages(test.images[:END], test.labels[:END], test.classes)
    result = evaluate(model, more, normalisation=usual)
    rows[-1] |= {"test_loss": _short(result.loss), "test_accuracy": result.accuracy}
    return rows


#: Of `gradients`, what a training keeps.
KEPT = ("main", "aux1", "aux2", "joint", "weights")
#: Images of the test on which a training's curve is measured, and its end.
CURVE, END = 1_000, 4_000

RECIPE = Recipe(epochs=1, batch_size=64, max_images=9_600)
#: The settings: whether it has heads, its normalisation, its start.
SETTINGS: dict[str, dict[str, Any]] = {
    f"{_name(norm, start)}, {'heads' if heads else 'no heads'}": {
        "heads": heads,
        "norm": norm,
        "start": start,
    }
    for norm in (None, "batch")
    for start in ("small normal", "He")
    for heads in (False, True)
}


def _rates_to_try(norm: Norm, start: Start) -> tuple[float, ...]:
    """Return so many that the best has a worse one on either side, where any learns at all."""
    if norm:
        return (1.0, 0.3, 0.1, 0.03)
    return (0.3, 0.1, 0.03, 0.01, 0.003) if start == "He" else (3.0, 0.3, 0.03)


GRID: dict[str, tuple[float, ...]] = {
    setting: _rates_to_try(options["norm"], options["start"])
    for setting, options in SETTINGS.items()
}


def _at(setting: str, rate: float) -> str:
    return f"{setting}, rate {rate:g}"


AUX_RATES = Experiment(
    name="aux_rates",
    about="which learning rate suits heads and none, plain and BatchNorm, small normal and He",
    measure=learn,
    options={
        "heads": False,
        "norm": None,
        "start": "He",
        "recipe": replace(RECIPE, epochs=2, max_images=6_400),
        "moments": (0, 1),
        "held_out": 2_000,
    },
    settings={
        _at(setting, rate): {**SETTINGS[setting], "peak_rate": rate}
        for setting, rates in GRID.items()
        for rate in rates
    },
    seeds=(0,),
)


def _settings() -> dict[str, dict[str, Any]]:
    rates = chosen(AUX_RATES, GRID, _at)
    return {name: {**options, "peak_rate": rates[name]} for name, options in SETTINGS.items()}


AUX_TRAINING = Experiment(
    name="aux_training",
    about="gradients by stage and learning curves: heads or none, plain or BatchNorm, two starts",
    measure=learn,
    options={
        "heads": False,
        "norm": None,
        "start": "He",
        "recipe": RECIPE,
        "moments": (0, 0.05, 0.15, 0.3, 0.6, 1),
        "held_out": 0,
    },
    settings=_settings,
    seeds=(0, 1, 2, 3, 4),
)


# --- What the stored rows say -----------------------------------------------------------------


def at_start(setting: str, stage: str = "conv1") -> pd.DataFrame:
    """Return a stage's norms before the first step, as `gradients` measures them: a row a seed."""
    one_of(setting, tuple(AUX_START.plan()), "setting")
    rows = results(AUX_START.name)
    rows = rows[(rows["setting"] == setting) & (rows["stage"] == stage)]
    return rows.set_index("seed")[list(KEPT)]


def lift(setting: str) -> pd.Series:
    """Return by how much heads multiply the gradient of the first convolution, by seed."""
    norms = at_start(setting)
    return norms["joint"] / norms["main"]


def way_back(setting: str) -> float:
    """Return how many times larger the main loss's gradient is at 5b than at the first layer."""
    far, near = (at_start(setting, stage)["main"].mean() for stage in ("inception5b", "conv1"))
    return far / near


def ways_back(setting: str) -> Estimate:
    """Return the least and the most of `way_back` over the seeds."""
    far, near = (at_start(setting, stage)["main"] for stage in ("inception5b", "conv1"))
    return between(far / near)


def ends() -> pd.DataFrame:
    """Return the last row of each stored training."""
    return results(AUX_TRAINING.name).groupby(["setting", "seed"], sort=False).tail(1)


def led(kind: str, moment: int) -> Estimate:
    """Return the second head's gradient of the first layer, as a multiple of the main loss's.

    The least and the most of a run, at a moment of the training: 0 is its start, -1 its end.
    """
    rows = results(AUX_TRAINING.name)
    rows = rows[rows["setting"] == f"{kind}, heads"]
    rows = rows[rows["step"] == sorted(rows["step"].unique())[moment]]
    return between(rows["aux2_conv1"] / rows["main_conv1"])
