"""New classes from a few labels: what may change, how many labels, and what is still mistaken."""

from __future__ import annotations

from typing import Any

from ..experiments.fine_tuning import ARMS, HEAD, LABELS, garments, learned
from ..interactive import Interactive
from ..plots.training import SHORT
from ..support.checks import one_of
from ._figure import figure, packed


def few_labels(labels: int = 3, *, arm: str = HEAD, key: str | None = None) -> Interactive:
    """Return how well networks name new classes, by labels a class and by what may change.

    Under the curves are test garments with the name that most runs give each.

    Parameters
    ----------
    labels
        Labelled images of each class, one of `LABELS`.
    arm
        One of `ARMS`.
    key
        An anchor to link to.

    Raises
    ------
    ValueError
        There is no such number or arm.
    """

    def check(state: dict[str, Any]) -> None:
        one_of(state["labels"], LABELS, "labels")
        one_of(state["arm"], ARMS, "arm")

    state = {"labels": labels, "arm": arm}
    check(state)
    found, shown = learned(), garments()
    return figure(
        __file__,
        alt="How many new garments are named rightly, by labels a class and by what may change",
        key=key,
        check=check,
        state=state,
        caption="The share of test images of five new classes that is named rightly, by labelled "
        f"images of each class: the mean of {len(found[HEAD][3]['named'])} runs.",
        heads=("", *(f"{n} {'label' if n == 1 else 'labels'}" for n in LABELS)),
        rows=[(one, *(f"{100 * found[one][n]['mean']:.0f}%" for n in LABELS)) for one in ARMS],
        arms=list(ARMS),
        stops=list(LABELS),
        found={one: [found[one][n] for n in LABELS] for one in ARMS},
        classes=[SHORT.get(name, name) for name in shown.classes],
        truth=shown.labels.tolist(),
        pictures=[packed(image[0]) for image in shown.images],
        size=list(shown.images.shape[2:]),
    )
