"""A training as it goes: one screen that is drawn anew, and pictures of rates and schedules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..experiments.film import Film
from ..support.palette import SERIES_COLOURS
from ..support.telling import Estimate
from .picture import INK, STYLE, WIDTH, Picture

SHORT = {"T-shirt/top": "T-shirt", "Ankle boot": "Boot"}
_RIGHT, _WRONG = "#009E73", "#D55E00"


class Screen:
    """One place on a page on which a picture is drawn again and again.

    ``screen(picture)`` shows whatever a notebook can show; the next call replaces it. Outside a
    notebook nothing happens.
    """

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, shown: Any) -> None:
        """Show this in place of what was there."""
        try:
            from IPython.core.getipython import get_ipython
            from IPython.display import display
        except ImportError:
            return
        if get_ipython() is None:
            return
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)


def training_film(film: Film) -> Picture:
    """Draw what a film has recorded so far: curves, mistakes, first filters, and the garments.

    Under each garment stands what the network takes it for.
    """
    last, garments = film.frames[-1], film.garments
    count, classes = len(garments), len(garments.classes)
    per_class = count // classes
    names = [SHORT.get(name, name) for name in garments.classes]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.5 + 0.66 * per_class), layout="constrained")
        rows = figure.add_gridspec(3, 1, height_ratios=[2.3, 0.7, 0.66 * per_class])
        top = rows[0].subgridspec(1, 3, width_ratios=[1, 1, 1.2])
        loss, right, mistakes = (figure.add_subplot(top[0, place]) for place in range(3))
        _curves(loss, right, film)
        most = max(1.0, float(last.mistakes.max()))
        mistakes.imshow(last.mistakes.numpy(), cmap="magma", vmin=0, vmax=most)
        mistakes.set_title("mistakes", fontsize=9)
        mistakes.set_xlabel("taken for", fontsize=8)
        mistakes.set_ylabel("shown", fontsize=8)
        mistakes.set_xticks(range(classes), names, rotation=90, fontsize=5.5)
        mistakes.set_yticks(range(classes), names, fontsize=5.5)
        mistakes.tick_params(length=0, pad=1)
        strip = figure.add_subplot(rows[1])
        strip.imshow(_strip(last.filters).numpy(), cmap="gray")
        strip.set_title(f"its {len(last.filters)} first filters", fontsize=9)
        strip.axis("off")
        said = last.answers.argmax(dim=1)
        _answers(figure.add_subplot(rows[2]), film, said, names)
    hits = int((said == garments.labels).sum())
    return Picture(
        figure,
        alt=f"A network after {last.images:,} images. Curves of its loss, now {last.loss:.2f}, and "
        f"of the share of test images it names right, now {100 * last.accuracy:.0f}%; a square of "
        f"its mistakes; its first filters; and {count} garments with its answers, {hits} of them "
        "right.",
    )


def _answers(axis: Axes, film: Film, said: Tensor, names: Sequence[str]) -> None:
    """Draw the garments, a class a column, and under each what it is taken for.

    All on one set of axes: twenty sets would take a second to lay out.
    """
    images, labels = film.garments.images[:, 0], film.garments.labels.tolist()
    per_class = len(labels) // len(names)
    height = 1.32
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        left, top = label + 0.04, height * (place % per_class)
        hit = int(said[place]) == label
        extent = (left, left + 0.92, top + 0.92, top)
        axis.imshow(image.numpy(), cmap="gray", vmin=0, vmax=255, extent=extent)
        colour = _RIGHT if hit else _WRONG
        axis.add_patch(Rectangle((left, top), 0.92, 0.92, fill=False, color=colour, linewidth=2))
        text = f"{'✓' if hit else '✗'} {names[int(said[place])]}"
        axis.text(label + 0.5, top + 1.0, text, fontsize=6, ha="center", va="top")
    axis.set_xlim(0, len(names))
    axis.set_ylim(height * per_class, -0.05)
    axis.set_aspect("equal")
    axis.axis("off")


def _curves(loss: Axes, right: Axes, film: Film) -> None:
    """Draw the loss of every batch with that of the test images, and the share named right."""
    seen = [frame.images / 1000 for frame in film.frames]
    most = film.steps * film.batch_size / 1000
    batches = film.batch_size * np.arange(1, len(film.losses) + 1) / 1000
    grey = SERIES_COLOURS[2]
    loss.plot(batches, film.losses, color=grey, linewidth=0.7, alpha=0.6, label="each batch")
    for axis, values, title in (
        (loss, [frame.loss for frame in film.frames], "loss, nats"),
        (right, [100 * frame.accuracy for frame in film.frames], "right, %"),
    ):
        axis.plot(seen, values, color=SERIES_COLOURS[0], marker="o", ms=3, label="test images")
        axis.set_title(title, fontsize=9)
        axis.set_xlim(0, most)
        axis.tick_params(labelsize=8)
        axis.set_xlabel("thousand images", fontsize=8)
    loss.set_ylim(0, 4)
    loss.legend(loc="upper right", fontsize=6, handlelength=1.2)
    right.set_ylim(0, 100)


def _strip(filters: Tensor) -> Tensor:
    """Lay filters in two rows with a margin, each on its own scale: (C, k, k) -> (H, W)."""
    size = filters.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-9)
    shown = torch.nn.functional.pad(filters / size, (0, 1, 0, 1), value=float("nan"))
    columns = -(-len(shown) // 2)
    blank = shown.new_full((2 * columns - len(shown), *shown.shape[1:]), float("nan"))
    lines = torch.cat([shown, blank]).view(2, columns, *shown.shape[1:])
    return lines.permute(0, 2, 1, 3).flatten(2).flatten(0, 1)


def rate_range(
    rates: Sequence[float],
    losses: Sequence[float],
    smooth: Sequence[float],
    *,
    marks: Mapping[str, float],
) -> Picture:
    """Draw a learning-rate range test: the loss of each step against the rate it was taken at.

    Parameters
    ----------
    rates, losses : sequences of float
        Step by step.
    smooth : sequence of float
        The losses, smoothed.
    marks : dict
        What to mark by an upright line -> its rate.
    """
    lines = (("--", SERIES_COLOURS[1]), (":", INK), ("-.", SERIES_COLOURS[2]))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
        axis = figure.subplots()
        axis.plot(rates, losses, color=SERIES_COLOURS[2], linewidth=0.7, alpha=0.7)
        axis.plot(rates, smooth, color=SERIES_COLOURS[0], linewidth=2)
        for (name, rate), (line, colour) in zip(marks.items(), lines, strict=False):
            axis.axvline(rate, linestyle=line, color=colour, linewidth=1.6, label=name)
        axis.set_xscale("log")
        axis.set_ylim(min(*losses, *smooth) - 0.1, 1.6 * losses[0])
        axis.set_xlabel("learning rate, powers of ten")
        axis.set_ylabel("loss of the batch, nats")
        figure.legend(loc="outside upper left", ncols=1)
    said = "; ".join(f"{name} at {rate:.2g}" for name, rate in marks.items())
    return Picture(
        figure,
        alt="The loss of a batch against the learning rate, which rises step by step from "
        f"{rates[0]:.2g} to {rates[-1]:.2g}: it starts at {losses[0]:.2f}, reaches "
        f"{min(smooth):.2f} at a rate of {rates[int(np.argmin(smooth))]:.2g}, and ends at "
        f"{smooth[-1]:.2f}. Marked: {said}.",
    )


def schedules(
    lines: Mapping[str, Callable[[float], float]], *, epochs: int, marks: Mapping[str, float]
) -> Picture:
    """Draw how a learning rate falls, as a share of its highest, over a training.

    Parameters
    ----------
    lines : dict
        Name -> function from the part of the training that is over, in 0..1, to the share.
    epochs : int
        Of the whole training.
    marks : dict
        Name -> an epoch to mark, at half the rate.
    """
    parts = np.linspace(0, 1, 801)
    looks = (("-", SERIES_COLOURS[0]), ("--", SERIES_COLOURS[1]), (":", SERIES_COLOURS[2]))
    ends = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axis = figure.subplots()
        for (name, line), (dashes, colour) in zip(lines.items(), looks, strict=False):
            values = [line(part) for part in parts]
            axis.plot(epochs * parts, values, dashes, color=colour, linewidth=2, label=name)
            ends.append(f"{name} ends at {values[-1]:.2f}")
        for epoch in marks.values():
            axis.plot([0, epoch, epoch], [0.5, 0.5, 0], ":", color=INK, linewidth=1)
        axis.set_xlim(0, epochs)
        axis.set_ylim(0, 1.05)
        axis.set_xlabel("epoch")
        axis.set_ylabel("rate, of its highest")
        figure.legend(loc="outside upper left", ncols=2)
    said = "; ".join([*ends, *(f"{name}: epoch {epoch:.0f}" for name, epoch in marks.items())])
    return Picture(figure, alt=f"Learning rates over {epochs} epochs. {said}.")


_LOOKS = tuple(zip(SERIES_COLOURS, ("-", "--", ":"), ("o", "s", "^"), strict=True))


def rates_tried(curves: Mapping[str, Mapping[float, float]]) -> Picture:
    """Draw what trainings at several learning rates came to, a line for each way to train.

    Parameters
    ----------
    curves : dict
        Name -> {rate: accuracy, in percent}; at most three.
    """
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axis = figure.subplots()
        for (colour, line, marker), (name, tried) in zip(_LOOKS, curves.items(), strict=False):
            rates = sorted(tried)
            shares = [tried[rate] for rate in rates]
            best = max(rates, key=tried.__getitem__)
            axis.plot(rates, shares, line + marker, color=colour, label=name, ms=5, linewidth=2)
            axis.plot(best, tried[best], marker, color=colour, ms=11, mfc="none", mew=1.6)
            pairs = ", ".join(f"{tried[rate]:.1f}% at {rate:g}" for rate in rates)
            said.append(f"{name}: {pairs}; best at {best:g}")
        ticks = sorted({rate for tried in curves.values() for rate in tried})
        axis.set_xscale("log")
        axis.set_xticks(ticks, [f"{rate:g}" for rate in ticks])
        axis.minorticks_off()
        axis.set_xlabel("learning rate")
        axis.set_ylabel("held-out images right, %")
        figure.legend(loc="outside upper left", ncols=2)
    return Picture(figure, alt=f"Accuracy on held-out images. {'. '.join(said)}.")


def gains(found: Mapping[str, Mapping[str, Estimate]], *, label: str) -> Picture:
    """Draw what changes bring, with their intervals, a group of lines for each change.

    Parameters
    ----------
    found : dict
        What was changed -> {what it was changed of: its gain}; of at most three.
    label : str
        What the gain is, with its unit.
    """
    names = list(next(iter(found.values())))
    step, said = len(names) + 1, []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.9 + 0.2 * step * len(found)), layout="constrained")
        axis = figure.subplots()
        for group, (change, gained) in enumerate(found.items()):
            for place, ((colour, _, marker), name) in enumerate(zip(_LOOKS, names, strict=False)):
                at, gain = step * group + place, gained[name]
                axis.plot(gain.bounds, [at, at], color=colour, linewidth=2)
                axis.plot(
                    [gain.mean], [at], marker, color=colour, ms=7, label=None if group else name
                )
                said.append(f"{change}, {name}: {gain:+.2f}")
        middles = [step * group + (len(names) - 1) / 2 for group in range(len(found))]
        axis.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axis.set_yticks(middles, list(found))
        axis.set_ylim(step * len(found) - 1.4, -0.6)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(label)
        figure.legend(loc="outside upper left", ncols=3, fontsize=9, columnspacing=1)
    return Picture(figure, alt=f"{label}. {'; '.join(said)}.")


def time_spent(spent: Mapping[str, Mapping[str, float]]) -> Picture:
    """Draw where time goes, a bar for each network, in pieces.

    Parameters
    ----------
    spent : dict
        Network -> {kind of operation: milliseconds an image}.
    """
    purple, olive, grey = SERIES_COLOURS
    looks = ((purple, ""), (olive, "//"), (grey, ""), (purple, ".."), (olive, ""), ("none", ""))
    kinds = [k for k in next(iter(spent.values())) if any(own[k] > 0.01 for own in spent.values())]
    said = []
    with rc_context({**STYLE, "hatch.linewidth": 0.8}):
        figure = Figure(figsize=(WIDTH, 1.3 + 0.38 * len(spent)), layout="constrained")
        axis = figure.subplots()
        lefts = np.zeros(len(spent))
        for kind, (colour, hatch) in zip(kinds, looks, strict=False):
            widths = np.array([own[kind] for own in spent.values()])
            axis.barh(
                range(len(spent)), widths, 0.7, lefts, color=colour, hatch=hatch, label=kind,
                edgecolor=INK, linewidth=0.6, alpha=0.75,
            )  # fmt: skip
            lefts += widths
        for place, (name, own) in enumerate(spent.items()):
            axis.text(lefts[place] + 0.03, place, f"{lefts[place]:.2f}", va="center", fontsize=9)
            parts = ", ".join(f"{kind} {own[kind]:.2f}" for kind in kinds)
            said.append(f"{name} {lefts[place]:.2f} ({parts})")
        axis.set_yticks(range(len(spent)), list(spent))
        axis.set_ylim(len(spent) - 0.5, -0.5)
        axis.tick_params(axis="y", length=0)
        axis.set_xlabel("milliseconds an image")
        figure.legend(loc="outside upper left", ncols=3, fontsize=9, columnspacing=1)
    return Picture(figure, alt=f"Milliseconds an image. {'; '.join(said)}.")
