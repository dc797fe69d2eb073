"""The training loop, and beneath it its parts in the order of their use."""

import math
import sys
from collections.abc import Callable
from itertools import zip_longest
from os import PathLike

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..support.checks import positive_int
from .batches import Batches, Normalisation
from .checkpoint import Keeper
from .evaluation import TestBatches, at_least_float32, check_labels, evaluate
from .machine import Machine, here, to_device
from .progress import Progress
from .recipe import Recipe, seed_for

REPORT_EVERY = 30.0  # seconds, within an epoch


class DivergedError(RuntimeError):
    """The loss, or a weight, is no longer a finite number."""


def write_line(line: str) -> None:
    """Write to standard output, and at once: a notebook takes standard error for a fault."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def train(
    model: nn.Module,
    data: LabelledImages | Batches,
    test: LabelledImages | TestBatches | None = None,
    recipe: Recipe | None = None,
    *,
    normalisation: Normalisation | None = None,
    checkpoint: str | PathLike | None = None,
    save_every_steps: int | None = None,
    device: torch.device | str | None = None,
    report: Callable[[str], None] = write_line,
) -> pd.DataFrame:
    """Train a network to name what images show.

    The same call under ``torchrun --nproc_per_node=2 script.py`` shares each batch among the
    processes, each on an accelerator of its own or all on the CPU; only the first one reports and
    writes. Without batch normalisation and dropout the weights are those of a single process, up
    to rounding; batch normalisation sees each process' own share of the batch
    (`torch.nn.SyncBatchNorm.convert_sync_batchnorm`, on GPUs, makes it see all).

    On the same machine, with as many threads, the same seed gives the same weights, bit for bit
    (on a GPU after ``torch.use_deterministic_algorithms(True)``), also if the training was killed
    in between, at whatever moment, and called again with its `checkpoint`. The caller's random
    numbers are left alone.

    Parameters
    ----------
    model : nn.Module
        From (N, C, H, W) to scores (N, num_classes), in training also to a tuple of scores, of
        which the first are the main ones and the others, but for None, auxiliary heads'. Trained
        in place, left on `device` and in evaluation mode.
    data : LabelledImages or Batches
        To train on. What is not in memory comes through an object with `Batches`' interface.
    test : LabelledImages or TestBatches, optional
        To evaluate on after every epoch, in float32.
    recipe : Recipe, optional
        By default that of the batches, or else ``Recipe()``.
    normalisation : (mean, std), optional
        By default that of the training images.
    checkpoint : path, optional
        A file to save to at the start and after every epoch, and to go on from if it is there.
    save_every_steps : int, optional
        Save so often within an epoch too.
    device : optional
        By default an accelerator if there is one, else the CPU.
    report : callable
        Takes a line of progress; by default it goes to standard output.

    Returns
    -------
    pandas.DataFrame
        The history, one row an epoch: ``epoch``; ``images``, passes since the start; ``loss`` as
        minimised and ``train_accuracy``, means over the epoch's augmented images;
        ``test_accuracy`` and ``test_loss`` after it (accuracies in 0..1, losses in nats); the
        last step's learning ``rate``; ``seconds`` and ``cpu_seconds`` of this epoch, with its
        evaluation, in the first process.

    Raises
    ------
    DivergedError
        The loss, or a weight, is not finite any more. The checkpoint stays as it was last saved.
    CheckpointError
        The checkpoint is damaged, of another network, recipe or data, or cannot be read or written.
    TypeError, ValueError
        Data that do not fit the recipe or the network; a network with nothing to train.
    """
    machine = here(device)
    batches = as_batches(data, recipe, normalisation, machine)
    test = as_test_batches(test, batches)
    recipe = batches.recipe
    epochs, steps = recipe.epochs, recipe.steps(len(batches))
    if save_every_steps is not None:
        save_every_steps = positive_int(save_every_steps, "save_every_steps")
    report = report if machine.rank == 0 else ignore

    model.to(machine.device, memory_format=torch.channels_last)
    optimiser = make_optimiser(model, recipe)
    progress = Progress()
    keeper = Keeper(
        checkpoint, model, optimiser, progress, batches=batches, test=test, machine=machine
    )
    if line := keeper.restore():
        report(line)
    network = machine.parallel(model)

    with machine.fork_rng():  # the caller's random numbers stay as they are
        while progress.step < steps:
            model.train()
            epoch, start = divmod(progress.step, len(batches))
            for images, labels in batches.epoch(epoch, start, machine.rank, machine.world):
                torch.manual_seed(seed_for("dropout", recipe.seed, progress.step, machine.rank))
                rate = recipe.rate(progress.step, steps)
                set_rate(optimiser, rate)
                loss, correct = take_step(network, optimiser, images, labels, recipe, machine)
                progress.count(len(labels), loss, correct)
                if progress.step == steps or progress.step % len(batches) == 0:
                    break  # the epoch's own end follows
                if save_every_steps and progress.step % save_every_steps == 0:
                    check_finite(model, recipe)
                    keeper.save()
                if progress.due(REPORT_EVERY):
                    report(progress.line_within(epochs, epoch * len(batches), len(batches)))
            check_finite(model, recipe)
            machine.share_buffers(model)
            result = None if test is None else evaluate(model, test, device=machine.device)
            if result is not None and not math.isfinite(result.loss):
                message = f"the loss on the test images is {result.loss}"
                raise DivergedError(_diverged(message, recipe))
            progress.end_epoch(machine, result, rate=rate)
            keeper.save()
            report(progress.line(epochs))
    model.eval()
    return progress.table()


def as_batches(
    data: LabelledImages | Batches,
    recipe: Recipe | None,
    normalisation: Normalisation | None,
    machine: Machine,
) -> Batches:
    """Make batches of images; check that batches which exist already are those of the recipe."""
    if not hasattr(data, "epoch"):
        data = Batches(data, recipe, normalisation=normalisation)
    elif recipe is not None and recipe != data.recipe:
        raise ValueError(
            f"the batches were made with another recipe: {data.recipe}, not {recipe}. Give the "
            "recipe once, to the batches."
        )
    elif normalisation is not None:
        raise ValueError("give the normalisation to the batches: they are made already.")
    if data.recipe.batch_size % machine.world:
        raise ValueError(
            f"a batch of {data.recipe.batch_size} images cannot be shared equally among "
            f"{machine.world} processes."
        )
    return data


def as_test_batches(
    test: LabelledImages | TestBatches | None, batches: Batches
) -> TestBatches | None:
    """Make batches of test images, normalised like those to train on, of the same classes."""
    if test is None:
        return None
    if isinstance(test, Tensor) or not hasattr(test, "all"):
        test = TestBatches(test, normalisation=batches.normalisation)
    for i, (wanted, got) in enumerate(zip_longest(batches.classes, test.classes)):
        if wanted != got:
            raise ValueError(
                "the test images have other classes than those to train on: number "
                f"{i} is {got!r} instead of {wanted!r}."
            )
    return test


def make_optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Make stochastic gradient descent with momentum, and weight decay on weights alone."""
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ValueError(
            "there is nothing to train: expected a network with parameters that require a "
            "gradient, and this one has none, or all are frozen (requires_grad)."
        )
    weights = [p for p in trained if p.ndim >= 2]
    others = [p for p in trained if p.ndim < 2]  # biases, and batch normalisation's scales
    return torch.optim.SGD(
        [
            {"params": weights, "weight_decay": recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=recipe.peak_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def take_step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    machine: Machine,
) -> tuple[float, int]:
    """Go one step down the gradient; return the batch's mean loss, and how many were right."""
    images = to_device(images, machine.device, network)
    with machine.autocast(recipe.precision, network):
        outputs = network(images)
    scores = outputs[0] if isinstance(outputs, tuple) else outputs
    check_labels(labels, scores)  # while they are on the CPU
    labels = labels.to(machine.device)
    loss = total_loss(outputs, labels, recipe)
    value = loss.item()
    if not math.isfinite(value):
        raise DivergedError(_diverged(f"the loss is {value}", recipe))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return value, (scores.argmax(1) == labels).sum().item()


def check_finite(model: nn.Module, recipe: Recipe) -> None:
    """Raise a DivergedError rather than keep, or hand back, weights that a step has ruined."""
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise DivergedError(_diverged("a weight is not a finite number", recipe))


def _diverged(what: str, recipe: Recipe) -> str:
    return (
        f"the training has diverged: {what}. A lower peak_rate (it is {recipe.peak_rate:g}), a "
        "longer warmup or batch normalisation may help."
    )


def total_loss(outputs: Tensor | tuple, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return the smoothed cross-entropy, plus the auxiliary heads' times their weight, in nats."""
    main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)

    def loss(scores: Tensor) -> Tensor:
        scores = at_least_float32(scores)
        return F.cross_entropy(scores, labels, label_smoothing=recipe.label_smoothing)

    heads = [loss(scores) for scores in auxiliary if scores is not None]
    return loss(main) + recipe.aux_weight * sum(heads)


def ignore(line: str) -> None:
    """Report nothing: the first process does."""
