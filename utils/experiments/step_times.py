"""Why a network of the same size takes longer to train on a CPU: where the time of a step goes."""

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from ..accounting import account
from ..data import results
from ..googlenet import MINI_EARLY, mini_googlenet
from ..networks.baselines import plain_network, small_resnet
from ..networks.lean import Lean
from ..networks.network import Config, Network
from ..networks.rows import each_module
from ..support.telling import Estimate, spread
from ..training import Recipe
from ..training.loop import make_optimiser, total_loss
from .harness import Experiment, Report
from .measures import fresh

Layout = Literal["channels last", "channels first"]

#: The same numbers of filters as `mini_googlenet` has, in modules that take fewer passes.
LEAN = "with lean modules"


def _lean() -> nn.Module:
    layers = each_module(MINI_EARLY, Lean)
    return Network(Config(name=LEAN, layers=layers, in_channels=1, num_classes=10))


#: The three networks of one size that ship, the Inception one in two ways; how they are built.
BUILT: dict[str, Callable[[], nn.Module]] = {
    "mini-googlenet": partial(mini_googlenet, in_channels=1, early_pools=True),
    LEAN: _lean,
    "plain-network": partial(plain_network, in_channels=1),
    "small-resnet": partial(small_resnet, in_channels=1),
}
#: What an operation of PyTorch belongs to, by a part of its name; the first that fits.
_KINDS = {
    "convolution": ("convolution",),
    "pool": ("max_pool2d",),
    "normalisation": ("batch_norm",),
    "ReLU": ("threshold", "clamp_min", "relu"),
    "concatenation": ("aten::cat",),
}
KINDS = (*_KINDS, "the rest")
ROUNDS = 5  # of which the median counts, after one that does not


def _step(network: nn.Module, images: torch.Tensor, *, half: bool) -> Callable[[], None]:
    """Return one step of training on these images, as the loop takes it."""
    recipe = Recipe(precision="bfloat16" if half else "float32")
    optimiser = make_optimiser(network, recipe)
    labels = torch.arange(len(images)) % 3  # any will do

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = network(images)
        loss = total_loss(outputs, labels, recipe)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def time_steps(*, half: bool, layout: Layout, batch: int, seed: int, report: Report) -> list[dict]:
    """Time steps of training of the networks of `BUILT` in turn, on one thread of the CPU.

    What is counted is the process' own time, so that other processes disturb it little.

    Returns
    -------
    list of dict
        A row for each network: ``milliseconds`` an image, the median of `ROUNDS`; ``system``, the
        share of the time, in 0..1, that the operating system took, as for pages of memory, and
        ``faults``, how many of these it had to find anew in a step; the share of each of `KINDS`,
        in 0..1; ``convolutions``, how many there are; ``parameters`` and ``macs``.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    shape = torch.channels_last if layout == "channels last" else torch.contiguous_format
    images = fresh(lambda: torch.randn(batch, 1, 28, 28), seed=seed).to(memory_format=shape)
    networks = {name: fresh(build, seed=seed).train() for name, build in BUILT.items()}
    steps = {name: _step(network, images, half=half) for name, network in networks.items()}
    spent: dict[str, list[tuple[float, float, int]]] = {name: [] for name in networks}
    rows = []
    try:
        for _ in range(1 + ROUNDS):
            for name, step in steps.items():
                before, began = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
                step()
                took, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF)
                system = after.ru_stime - before.ru_stime
                spent[name].append((took, system, after.ru_minflt - before.ru_minflt))
        for name, network in networks.items():
            report(name)
            times = spent[name][1:]
            took, system, faults = (
                statistics.median(column) for column in zip(*times, strict=True)
            )
            counted = account(network, (1, 28, 28))
            rows.append(
                {
                    "timed": name,
                    "milliseconds": round(1000 * took / batch, 4),
                    "system": round(system / took, 4),
                    "faults": int(faults),
                    **shares(steps[name]),
                    "convolutions": sum(isinstance(m, nn.Conv2d) for m in network.modules()),
                    "parameters": counted.parameters,
                    "macs": counted.macs,
                }
            )
    finally:
        torch.set_num_threads(threads)
    return rows


def shares(step: Callable[[], None]) -> dict[str, float]:
    """Return which share of a step's time each of `KINDS` takes, by PyTorch's own profiler."""
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as seen:
        step()
    sums = dict.fromkeys(KINDS, 0.0)
    for event in seen.key_averages():
        kind = next(
            (kind for kind, parts in _KINDS.items() if any(part in event.key for part in parts)),
            "the rest",
        )
        sums[kind] += event.self_cpu_time_total
    whole = sum(sums.values())
    return {kind: round(took / whole, 4) for kind, took in sums.items()}


STEP_TIMES = Experiment(
    name="step_times",
    about="where the time of a training step goes, in networks of one size, on one thread",
    measure=time_steps,
    options={"half": True, "layout": "channels last", "batch": 128},
    settings={
        "as they train": {},
        "float32": {"half": False},
        "float32, channels first": {"half": False, "layout": "channels first"},
    },
    seeds=range(3),
)


def times(setting: str, value: str = "milliseconds") -> dict[str, Estimate]:
    """Return network -> a column of `STEP_TIMES`: the mean, the least, the most of a run."""
    rows = results(STEP_TIMES.name)
    rows = rows[rows["setting"] == setting]
    return {name: spread(rows.loc[rows["timed"] == name, value]) for name in BUILT}


def slower(setting: str, rival: str = "plain-network") -> Estimate:
    """Return how many times longer the Inception network takes: mean, least, most of a run."""
    rows = results(STEP_TIMES.name)
    rows = rows[rows["setting"] == setting]
    table = rows.pivot(index="seed", columns="timed", values="milliseconds")
    return spread(table["mini-googlenet"] / table[rival])


def spent(setting: str) -> "dict[str, dict[str, float]]":
    """Return network -> kind of operation -> milliseconds an image, in the mean over runs."""
    rows = results(STEP_TIMES.name)
    rows = rows[rows["setting"] == setting]
    return {
        name: {kind: float((own["milliseconds"] * own[kind]).mean()) for kind in KINDS}
        for name, own in rows.groupby("timed", sort=False)
    }


def told() -> dict[str, str]:
    """Return where the Inception network's time goes, beside the plain one's, in words.

    Returns
    -------
    dict
        ``slower``, ``slower_full``: how many times longer a step takes, as they train and in
        float32, with the least and the most of a run; ``convolutions``, ``few``: how many each has;
        ``convolved_longer``: how many times longer they take; ``by_convolution``, ``by_pools``,
        ``by_norm``, ``by_relu``: their share of the extra time; ``first_costs``: how many times
        longer with channels first; ``lean_gains``: the share of a step's time that lean modules
        leave.
    """
    inception, plain = "mini-googlenet", "plain-network"
    took = spent("as they train")
    more = {kind: took[inception][kind] - took[plain][kind] for kind in KINDS}
    kinds = {"convolution": "convolution", "pools": "pool", "norm": "normalisation", "relu": "ReLU"}
    counts = results(STEP_TIMES.name).groupby("timed")["convolutions"].first()
    first, last = times("float32, channels first")[inception], times("float32")[inception]
    assert first.mean is not None  # of runs
    assert last.mean is not None
    return {
        "slower": f"{slower('as they train'):.1f}",
        "slower_full": f"{slower('float32'):.1f}",
        "convolutions": str(counts[inception]),
        "few": str(counts[plain]),
        "convolved_longer": f"{took[inception]['convolution'] / took[plain]['convolution']:.1f}",
        **{f"by_{k}": f"{more[kind] / sum(more.values()):.0%}" for k, kind in kinds.items()},
        "first_costs": f"{first.mean / last.mean:.1f}",
        "lean_gains": f"{sum(took[LEAN].values()) / sum(took[inception].values()):.0%}",
    }
