"""Gradients stage by stage while a small GoogLeNet learns, from the stored measurements."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd

from ..blocks import InceptionSpec
from ..data import results
from ..experiments.auxiliary_classifiers import AUX_TRAINING, HEADS, LAYERS, SETTINGS
from ..interactive import Interactive
from ..networks.rows import MaxPool
from ..support.checks import integer, one_of
from ..support.palette import BRANCHES
from ._figure import figure

_LOSSES = ("main", "aux1", "aux2", "joint")
_MEASURES = ("gradient", "relative")

# The stages that have weights, from image to scores, and how they are written.
_STAGES = {
    name: name.removeprefix("inception")
    for name, row in LAYERS.items()
    if not isinstance(row, MaxPool)
}


def gradient_steps(
    setting: str = "plain, small normal, heads",
    *,
    moment: int = 0,
    measure: str = "gradient",
    key: str | None = None,
) -> Interactive:
    """Return the gradients of each stage, which the reader steps through a training.

    Of a setting and a moment it shows the norm of the gradient of each stage's weights, of the main
    loss, of each head's and of all together, on a scale of powers of ten; beside it the curve of
    the loss, with heads and without. All are medians over the seeds that are stored; the curve is
    their mean.

    Parameters
    ----------
    setting
        One of `SETTINGS` of the experiment that is stored.
    moment
        Which of the moments at which it was measured, from 0.
    measure
        "gradient" or "relative": divided by the norm of the stage's weights.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such setting, moment or measure.
    """
    stored = _stored()
    state = {"setting": setting, "moment": moment, "measure": measure}
    _check(state)
    chosen = stored[setting]
    rows = [
        (stage, *(_written(chosen["losses"][loss][moment][i]) for loss in _LOSSES))
        for i, stage in enumerate(_STAGES.values())
    ]
    return figure(
        __file__,
        alt="Gradients stage by stage while a small GoogLeNet learns, with heads and without",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"{setting}, after {chosen['images'][moment]:,} images: the norm of the gradient of "
            "each stage's weights, of the main loss, of each head's loss and of all together, in "
            f"the median over {chosen['seeds']} seeds."
        ),
        heads=("stage", "main", "head 1", "head 2", "all"),
        rows=rows,
        stored=stored,
        stages=[
            {"name": short, "widths": _widths(name), "head": HEADS.get(name)}
            for name, short in _STAGES.items()
        ],
    )


def _check(state: dict[str, Any]) -> None:
    stored = _stored()
    one_of(state["setting"], tuple(stored), "setting")
    one_of(state["measure"], _MEASURES, "measure")
    last = len(stored[state["setting"]]["images"]) - 1
    integer(state["moment"], "moment", least=0, most=last)


def _widths(name: str) -> list[int]:
    """Return the channels of each branch; of a plain convolution, one number."""
    row = LAYERS[name]
    if isinstance(row, InceptionSpec):
        channels = dict(
            zip(BRANCHES, (row.conv1x1, row.conv3x3, row.conv5x5, row.pool_proj), strict=True)
        )
        return [channels[branch] for branch in BRANCHES]
    return [row.channels]


def _written(value: float | None) -> str:
    return "none" if value is None else f"{value:.2g}"


@cache
def _stored() -> dict[str, dict[str, Any]]:
    """Return what each stored setting measured, in the order of `SETTINGS`."""
    rows = results(AUX_TRAINING.name)
    there = set(rows["setting"])
    return {
        setting: _summary(rows[rows["setting"] == setting])
        for setting in SETTINGS
        if setting in there
    }


def _summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Return what the seeds of one setting have in common, moment by moment.

    None stands where a loss never reaches a stage, or where there is no such head.
    """
    learning = rows[~rows["diverged"].astype(bool)]
    seeds = rows["seed"].nunique()
    counted = learning.groupby("images")["seed"].nunique()
    moments = [int(images) for images in counted[counted == seeds].index]
    losses: dict[str, list] = {loss: [] for loss in (*_LOSSES, "weights")}
    low, high = [], []
    for images in moments:
        part = learning[learning["images"] == images]
        for loss, medians in losses.items():
            medians.append(
                [
                    _short(part[column].median()) if (rows[column] > 0).any() else None
                    for column in (f"{loss}_{stage}" for stage in _STAGES)
                ]
            )
        low.append([_short(part[f"joint_{stage}"].min()) for stage in _STAGES])
        high.append([_short(part[f"joint_{stage}"].max()) for stage in _STAGES])
    curve = learning[learning["images"].isin(moments)].groupby("images")["curve_loss"]
    last = rows.groupby("seed").tail(1)
    return {
        "seeds": seeds,
        "rate": float(rows["peak_rate"].iloc[0]),
        "images": moments,
        "losses": {loss: losses[loss] for loss in _LOSSES},
        "weights": losses["weights"],
        "low": low,
        "high": high,
        "curve": [[_short(values) for values in curve.agg(how)] for how in ("mean", "min", "max")],
        "accuracy": _short(last["test_accuracy"].mean()),
        "diverged": int(last["diverged"].astype(bool).sum()),
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")
