"""A bar that says how far something is."""

import html
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython
from IPython.display import display


class Progress:
    """A bar in a notebook, which says how far something is: ``progress(step, steps)``.

    It is an ipywidget, and moves while a cell runs. Where there is no kernel, in a page or in a
    saved notebook, its last state stands in its place. Outside a notebook nothing happens.

    (`tqdm` has such a bar, too; but a page shows of it no more than the name of its class.)

    Parameters
    ----------
    what
        What is counted.

    Attributes
    ----------
    widget : HBox
        A bar and its label.
    """

    def __init__(self, what: str = "steps") -> None:
        self.what = what
        self._bar = ipywidgets.IntProgress(layout={"width": "60%"})
        self._label = ipywidgets.Label()
        self.widget = ipywidgets.HBox([self._bar, self._label])
        self._handle: Any = None

    def __call__(self, done: int, of: int, said: str = "") -> None:
        """Say how many are done, of all, and what else there is to say."""
        self._bar.max, self._bar.value = of, done
        text = f"{done:,} of {of:,} {self.what}"
        self._label.value = f"{text}, {said}" if said else text
        if done == of:
            self._bar.bar_style = "success"
        if get_ipython() is None:
            return
        if self._handle is None:
            self._handle = display(self._bundle(), raw=True, display_id=True)
        elif done == of:
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, Any]:
        """Return the widget, and its present state for where there is none."""
        bar, text = self._bar, self._label.value
        still = (
            f'<div class="course-picture" style="font-size: .85em"><label>{html.escape(text)} '
            f'<progress value="{bar.value}" max="{bar.max}" style="width: 100%"></progress>'
            "</label></div>"
        )
        view = {"model_id": self.widget.model_id, "version_major": 2, "version_minor": 0}
        return {
            "text/plain": text,
            "text/html": still,
            "application/vnd.jupyter.widget-view+json": view,
        }
