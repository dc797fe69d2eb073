"""The training loop, then its loss and its optimiser.

What keeps it exact lies beside it: `checkpoint` saves a training and takes it up again, `machine`
is the device and the other processes of ``torchrun``, `progress` counts and reports, `guards` stop
what has gone wrong.
"""

from collections.abc import Callable
from os import PathLike

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..support.modes import in_training
from .batches import Batches, Normalisation, as_batches
from .checkpoint import Keeper
from .evaluation import TestBatches, as_test_batches, at_least_float32, evaluate
from .guards import check_classes, check_finite, check_loss, scores_of
from .machine import here, to_device
from .progress import Progress, say
from .recipe import Recipe, seed_for


def train(
    model: nn.Module,
    data: LabelledImages | Batches,
    test: LabelledImages | TestBatches | None = None,
    recipe: Recipe | None = None,
    *,
    normalisation: Normalisation | None = None,
    checkpoint: str | PathLike | None = None,
    save_every_steps: int | None = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    report: Callable[[str], None] = say,
    watch: Callable[[int, float], None] | None = None,
) -> pd.DataFrame:
    """Train a network to name what images show.

    On the same machine, with as many threads, the same seed gives the same weights, bit for bit
    (on a GPU after ``torch.use_deterministic_algorithms(True)``), also if the training was killed
    in between, at whatever moment, and called again with its `checkpoint`. The caller's random
    numbers are left alone. Under ``torchrun`` the processes share each batch; see `machine`.

    Parameters
    ----------
    model : nn.Module
        From (N, C, H, W) to scores (N, num_classes), in training also to a tuple of scores, of
        which the first are the main ones and the others, but for None, auxiliary heads'. Trained
        in place and left on `device`, with its modes as they were: call ``model.eval()`` before
        its answers count. While it trains it is in training mode, but for parts that the caller put
        into evaluation mode. There dropout rests and batch normalisation keeps its statistics,
        which frozen weights alone would not stop. Where the whole network is in evaluation mode,
        such parts are those whose parameters are all frozen.
    data : LabelledImages or Batches
        To train on. What is not in memory comes through an object with `Batches`' interface.
    test : LabelledImages or TestBatches, optional
        To evaluate on after every epoch, in float32.
    recipe : Recipe, optional
        By default that of the batches, or else ``Recipe()``.
    normalisation : (mean, std), optional
        By default that of the training images.
    checkpoint : path, optional
        A file to save to at the start and after every epoch, and to go on from if it is there. A
        change of the recipe but its seed, of the test images or, in folders, of the pictures and
        their size is reported, and holds from the start of the running epoch on, which begins
        again; a finished training goes on if it is to be longer.
    save_every_steps : int, optional
        Save so often within an epoch too.
    strict : bool
        Refuse such changes: what is measured has one recipe.
    device : optional
        By default an accelerator if there is one, else the CPU.
    report : callable
        Takes a line of progress; by default it goes to standard output.
    watch : callable, optional
        Called after every step with the number of steps done and the loss of that step's batch. It
        may look at the network, whose weights, gradients and modes it leaves as they are.

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
        The checkpoint is damaged, of another training, or cannot be read or written.
    TypeError, ValueError
        Data that do not fit the recipe or the network; a network with nothing to train, or without
        scores.
    """
    machine = here(device)
    batches = as_batches(data, recipe, normalisation, world=machine.world)
    recipe, steps = batches.recipe, batches.recipe.steps(len(batches))
    if test is not None:
        test = as_test_batches(test, batches.normalisation)
        check_classes(batches.classes, test.classes)

    model.to(machine.device)
    with machine.fork_rng(), in_training(model):
        optimiser = make_optimiser(model, recipe)
        progress = Progress(machine, report, epochs=recipe.epochs, steps_per_epoch=len(batches))
        keeper = Keeper(
            checkpoint, model, optimiser, progress,
            batches=batches, test=test, every=save_every_steps, strict=strict,
        )  # fmt: skip
        keeper.restore()
        network = machine.parallel(model)

        while progress.step < steps:
            epoch, start = divmod(progress.step, len(batches))
            for images, labels in batches.epoch(epoch, start, machine.rank, machine.world):
                torch.manual_seed(seed_for("dropout", recipe.seed, progress.step, machine.rank))
                rate = recipe.rate(progress.step, steps)
                for group in optimiser.param_groups:
                    group["lr"] = rate

                with machine.autocast(recipe.precision, network):
                    outputs = network(to_device(images, machine.device, network))
                scores = scores_of(outputs, labels)  # main ones, then heads'
                labels = labels.to(machine.device)
                loss = total_loss(scores, labels, recipe)
                value = check_loss(loss.item(), recipe)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

                progress.count(value, scores[0], labels)
                if watch is not None:
                    watch(progress.step, value)
                if progress.step == steps or progress.step % len(batches) == 0:
                    break  # the epoch's own end follows
                keeper.save_now_and_then()
                progress.report_now_and_then()
            check_finite(model, recipe)
            machine.share_buffers(model)
            result = None if test is None else evaluate(model, test, device=machine.device)
            if result is not None:
                check_loss(result.loss, recipe, name="the loss on the test images")
            progress.end_epoch(result, rate=rate)
            keeper.save()
            progress.report_epoch()
    return progress.table()


def total_loss(outputs: Tensor | tuple, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return the smoothed cross-entropy, plus the auxiliary heads' times their weight, in nats."""
    main, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)

    def loss(scores: Tensor) -> Tensor:
        scores = at_least_float32(scores)
        return F.cross_entropy(scores, labels, label_smoothing=recipe.label_smoothing)

    heads = [loss(scores) for scores in auxiliary if scores is not None]
    return loss(main) + recipe.aux_weight * sum(heads)


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
