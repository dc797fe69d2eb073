"""New classes from a few labels: what may change, how many labels, and what is still mistaken."""

from __future__ import annotations

from typing import Any

from ..experiments.fine_tuning import ARMS, EVEN, HEAD, LABELS, TASKS, garments, learned
from ..interactive import Interactive
from ..plots.training import SHORT
from ..support.checks import one_of
from ._figure import figure, packed


def few_labels(
    labels: int = 3, *, arm: str = HEAD, task: str = EVEN, key: str | None = None
) -> Interactive:
    """Return how well networks name new classes, by labels a class and by what may change.

    Under the curves are test garments with the name that most runs give each.

    Parameters
    ----------
    labels
        Labelled images of each class, one of `LABELS`.
    arm
        One of `ARMS`.
    task
        One of `TASKS`.
    key
        An anchor to link to.

    Raises
    ------
    ValueError
        There is no such number, arm or task.
    """

    def check(state: dict[str, Any]) -> None:
        for name, options in (("labels", LABELS), ("arm", ARMS), ("task", TASKS)):
            one_of(state[name], options, name)

    state = {"labels": labels, "arm": arm, "task": task}
    check(state)
    found = {each: learned(each) for each in TASKS}
    rows = [
        (f"{each}: {one}", *(f"{100 * found[each][one][n]['mean']:.0f}%" for n in LABELS))
        for each in TASKS
        for one in ARMS
    ]
    shown = {each: garments(each) for each in TASKS}
    return figure(
        __file__,
        alt="How many new garments are named rightly, by labels a class and by what may change",
        key=key,
        check=check,
        state=state,
        caption="The share of test images of five new classes that is named rightly, by labelled "
        "images of each class: the mean of five runs.",
        heads=("", *(f"{n} {'label' if n == 1 else 'labels'}" for n in LABELS)),
        rows=rows,
        arms=list(ARMS),
        stops=list(LABELS),
        found={
            each: {
                one: [found[each][one][n] for n in LABELS] for one in ARMS
            }
            for each in TASKS
        },
        classes={each: [SHORT.get(name, name) for name in shown[each].classes] for each in TASKS},
        truth={each: shown[each].labels.tolist() for each in TASKS},
        pictures={each: [packed(image[0]) for image in shown[each].images] for each in TASKS},
        size=list(shown[EVEN].images.shape[2:]),
    )
