"""Pictures of the reader's own, chosen class by class, kept in one folder a class."""

import html
import re
from collections.abc import Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from ..data import ImageError, load_image


class Collector(ipywidgets.VBox):
    """Choose a few pictures of each class: they are kept as ``folder/class/1.png``.

    What it fills, `utils.data.image_folder` reads, and any program that knows
    `torchvision.datasets.ImageFolder`. Nothing leaves the machine on which the kernel runs.

    Parameters
    ----------
    folder : path
        Made if it is not there; pictures that lie there are kept, and counted.
    classes : iterable of str
        Their names, which become folders.

    Raises
    ------
    ValueError
        Fewer than two classes, or a name that cannot be a folder's.
    """

    def __init__(self, folder: str | PathLike[str], classes: Iterable[str]) -> None:
        self.folder, self.classes = Path(folder).expanduser(), tuple(classes)
        if len(set(self.classes)) < 2 or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"expected two classes or more, each once; got {self.classes!r}.")
        for name in self.classes:
            if not re.fullmatch(r"\w[\w .'-]*", name):
                raise ValueError(
                    f"{name!r} cannot be the name of a class: take letters, digits, spaces, "
                    f"hyphens."
                )
        self._counts = {name: ipywidgets.HTML() for name in self.classes}
        rows = []
        for name in self.classes:
            chooser = ipywidgets.FileUpload(
                accept="image/*", multiple=True, description=f"Pictures of: {name}"
            )
            chooser.layout.width = "auto"
            chooser.observe(partial(self._uploaded, name), "value")
            rows.append(ipywidgets.HBox([chooser, self._counts[name]]))
            self._show(name)
        super().__init__(rows)

    def add(self, name: str, source: Any) -> Path:
        """Keep a picture, as `utils.data.load_image` takes it, for a class; return its file.

        Raises
        ------
        ImageError
            It cannot be had or read.
        """
        picture = load_image(source)
        place = self.folder / name
        place.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.stem) for p in place.glob("*.png") if p.stem.isdigit()), default=0)
        path = place / f"{number}.png"
        Image.fromarray(picture).save(path)
        return path

    def _uploaded(self, name: str, change: dict[str, Any]) -> None:
        files = change["new"]
        said = ""
        for file in files.values() if isinstance(files, dict) else files:  # ipywidgets 7
            try:
                self.add(name, bytes(file["content"]))
            except (ImageError, OSError) as error:
                said = html.escape(str(error))
        self._show(name, said)

    def _show(self, name: str, said: str = "") -> None:
        count = len(list((self.folder / name).glob("*.png")))
        alert = f' <span role="alert">{said}</span>' if said else ""
        self._counts[name].value = f"{count} {'picture' if count == 1 else 'pictures'}{alert}"
