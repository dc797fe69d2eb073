"""How a static figure shows itself on a page: a drawing as `Picture`, photographs as `Gallery`.

Both carry the words that replace them for who cannot see them. A picture is inline SVG whose ink is
the text colour of whatever page it stands in, so it is readable in light and dark; all other
colours stay what they are.
"""

import base64
import hashlib
import html
import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from ..support.jpeg import jpeg_data_url

INK = "#010203"  # replaced by the page's text colour
WIDTH = 5.0  # inches; small, so that letters stay readable on a phone
_SHOWN = 620  # pixels, at most: the letters are then as large as the text
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


class Picture:
    """A matplotlib figure together with the words that replace it for who cannot see it.

    Parameters
    ----------
    figure
        What to show; `picture.figure` gives it back, to save or to change it.
    alt
        What the picture shows, in one to three sentences.

    Raises
    ------
    ValueError
        `alt` is empty.
    """

    def __init__(self, figure: Figure, *, alt: str):
        self.figure, self.alt = figure, _words(alt)
        # Lay out once, so that showing a picture twice gives the same text twice.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def _repr_html_(self) -> str:
        file = io.StringIO()
        with rc_context({**STYLE, "svg.hashsalt": "fixed"}):  # the same text in every build
            self.figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
        svg = file.getvalue().replace(INK, "currentColor")
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        svg = re.sub(r"data:image/png;base64,([\w+/=\s]+)", _lighter, svg)
        # The content names its elements, so that two pictures on one page share no ids.
        name = hashlib.sha256(svg.encode()).hexdigest()[:8]
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
        # A fixed size would keep the picture from following the width of the page.
        head, rest = svg.split(">", 1)
        head = re.sub(r' (?:width|height)="[^"]*"', "", head)
        label = html.escape(self.alt)
        return (
            f'<div class="course-picture">{head} role="img" aria-label="{label}" '
            f'style="display: block; width: 100%; max-width: {_SHOWN}px; margin: auto">{rest}</div>'
        )


class Gallery:
    """Images side by side under their titles, as many in a row as the page is wide.

    Parameters
    ----------
    images
        Title to image: (H, W, 3) in colour, as uint8 or as floats in 0..1; or (H, W) in grey,
        where the darkest value is shown black and the brightest white.
    alt
        What they show, in one to three sentences.

    Raises
    ------
    ValueError
        No image, an image of another shape or range, or an empty `alt`.
    """

    def __init__(self, images: Mapping[str, np.ndarray], *, alt: str):
        if not images:
            raise ValueError("expected at least one image, got none")
        self.alt = _words(alt)
        self.images = {title: _as_image(image, title) for title, image in images.items()}

    def __repr__(self) -> str:
        return f"Gallery: {self.alt}"

    def _repr_html_(self) -> str:
        cells = "".join(
            '<span style="text-align: center">'
            f'<img alt="" src="{jpeg_data_url(image, quality=85)}" '
            f'style="display: block; width: 100%; margin: 0 0 0.25rem; padding: 0; filter: none; '
            f'border-radius: 0.25rem; box-shadow: 0 0 0 1px #8888">{html.escape(title)}</span>'
            for title, image in self.images.items()
        )
        narrowest = 8 if len(self.images) == 4 else 6.5  # on a phone, two and two or three in a row
        return (
            f'<div class="course-picture" role="img" aria-label="{html.escape(self.alt)}" '
            f'style="display: grid; gap: 0.5rem; font-size: 0.85em; line-height: 1.3; '
            f'grid-template-columns: repeat(auto-fit, minmax({narrowest}rem, 1fr))">{cells}</div>'
        )


def _lighter(png: re.Match[str]) -> str:
    """Return an image in a figure as JPEG where that halves it: photographs, not flat colours."""
    image = Image.open(io.BytesIO(base64.b64decode(png[1])))
    if np.asarray(image.convert("RGBA"))[..., 3].min() < 255:  # JPEG has no transparency
        return png[0]
    jpeg = jpeg_data_url(image.convert("RGB"), quality=90)
    return jpeg if 2 * len(jpeg) < len(png[0]) else png[0]


def _words(alt: str) -> str:
    if not alt.strip():
        raise ValueError("expected alt text that says what the picture shows, got none")
    return alt


def _as_image(image: np.ndarray, title: str) -> Image.Image:
    image = np.asarray(image)
    colour = image.ndim == 3 and image.shape[2] == 3
    if image.size == 0 or not (colour or image.ndim == 2):
        raise ValueError(f"expected {title!r} as (H, W) or (H, W, 3), got shape {image.shape}")
    if image.dtype != np.uint8 or not colour:
        image = image.astype(np.float64)
        if not np.isfinite(image).all():
            raise ValueError(f"expected finite numbers in {title!r}, got infinities or NaN")
        low, high = (0.0, 1.0) if colour else (image.min(), image.max())
        if image.min() < low or image.max() > high:
            raise ValueError(
                f"expected the colours of {title!r} as uint8 or in 0..1, got "
                f"{image.min():g} to {image.max():g}: divide by 255 if these are bytes"
            )
        image = (255 * (image - low) / ((high - low) or 1)).round().astype(np.uint8)
    small = Image.fromarray(image).convert("RGB")
    small.thumbnail((400, 400), Image.Resampling.LANCZOS)
    return small
