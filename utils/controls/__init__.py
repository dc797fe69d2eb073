"""Controls for notebooks, which need a kernel: pictures of the reader's, what networks say, a bar.

Classifier(utils.pretrained.load("mini-googlenet"))
"""

import base64
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd

from ..classify import top
from ..data import ImageError, load_image
from ..interactive import Interactive
from ..pretrained import Pretrained
from ..support.checks import positive_int
from .collector import Collector
from .progress import Progress

__all__ = ["Classifier", "Collector", "Progress"]

_CAMERA = Path(__file__).with_name("camera.js")
_SHOWN = 240  # pixels, of the picture


class Classifier(ipywidgets.VBox):
    """Upload a picture, paste one or take one with a camera: the likeliest classes appear as bars.

    Nothing leaves the machine on which the kernel runs.

    Parameters
    ----------
    trained : Pretrained
        As `utils.pretrained.load` returns it.
    k : int
        How many classes.
    change : function, optional
        Called with each picture, (H, W, 3) uint8; the network gets what it returns: an array that
        `utils.classify.top` takes. So ``change=lambda picture: 255 - picture`` turns bright and
        dark.

    Attributes
    ----------
    picture : array or None
        The last picture, (H, W, 3) uint8, as it came.
    answer : Series or None
        What the network says of it: class -> probability.
    """

    def __init__(
        self,
        trained: Pretrained,
        *,
        k: int = 5,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.trained, self.k, self.change = trained, positive_int(k, "k"), change
        self.picture: np.ndarray | None = None
        self.answer: pd.Series | None = None
        self._upload = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="Choose a picture"
        )
        self._upload.layout.width = "auto"
        self._upload.observe(self._uploaded, "value")
        self._camera = Interactive(
            _CAMERA, alt="Paste a picture, or take one with the camera", picture=""
        ).widget()
        self._camera.observe(self._taken, "picture")
        self._shown = ipywidgets.HTML("Nothing chosen yet.")
        super().__init__([self._upload, self._camera, self._shown])

    def show(self, source: Any) -> None:
        """Take a picture as `utils.data.load_image` does, and show what the network says of it."""
        try:
            self.picture = load_image(source)
            given = self.picture if self.change is None else self.change(self.picture)
            self.answer = top(self.trained, given, self.k)
        except Exception as error:  # it would vanish in the kernel's log
            self.answer = None
            kind = "" if isinstance(error, ImageError) else f"{type(error).__name__}: "
            self._shown.value = f'<p role="alert">{html.escape(f"{kind}{error}")}</p>'
            return
        self._shown.value = _said(self.picture, self.answer)

    def _uploaded(self, change: dict[str, Any]) -> None:
        files = change["new"]
        if not files:
            return
        file = next(iter(files.values())) if isinstance(files, dict) else files[0]  # ipywidgets 7
        self.show(bytes(file["content"]))

    def _taken(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.show(base64.b64decode(change["new"].partition(",")[2]))


def _said(picture: np.ndarray, answer: pd.Series) -> str:
    """Show a picture and its bars."""
    from PIL import Image

    from ..support.jpeg import jpeg_data_url

    small = Image.fromarray(picture)
    small.thumbnail((_SHOWN, _SHOWN))
    bars = "".join(
        f'<tr><th scope="row" style="text-align: left; padding-right: 1em">{html.escape(name)}</th>'
        f'<td style="width: 12em"><div style="width: {100 * share:.1f}%; height: 0.8em; '
        f'min-width: 1px; background: #7A5CC4"></div></td><td>{share:.1%}</td></tr>'
        for name, share in answer.items()
    )
    return (
        '<div role="status" style="display: flex; flex-wrap: wrap; gap: 1em; line-height: 1.5">'
        f'<img alt="your picture" src="{jpeg_data_url(small, quality=85)}" '
        f'style="max-width: {_SHOWN}px">'
        f"<table>{bars}</table></div>"
    )
