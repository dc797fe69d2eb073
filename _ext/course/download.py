"""The chapter as a notebook, in the download menu of its page.

`tools/book.py` exports the notebooks before it makes the pages; a page whose notebook is not there
has no such entry.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx

FOLDER = Path("_build") / "notebooks"


def notebook(app: Sphinx, pagename: str) -> Path:
    """Where a page's exported notebook is, if it has one."""
    return Path(app.srcdir) / FOLDER / f"{pagename}.ipynb"


def add_entry(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Put the notebook first in the menu, and beside the page; say what the other entries are."""
    for group in context.get("header_buttons", []):
        if group.get("label") != "download-buttons":
            continue
        for entry in group["buttons"]:
            kind = entry["label"]
            entry["text"] = {
                "download-source-button": "Source of this page",
                "download-pdf-button": "Print or save as PDF",
            }.get(kind, entry["text"])
            entry.pop("tooltip", None)  # it would say the same again
        source = notebook(app, pagename)
        if source.is_file():
            target = Path(app.outdir) / f"{pagename}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            group["buttons"].insert(
                0,
                {
                    "type": "link",
                    "url": f"{PurePosixPath(pagename).name}.ipynb",
                    "text": "Download notebook",
                    "icon": "fas fa-code",
                    "label": "download-exported-notebook-button",
                },
            )


def setup(app: Sphinx) -> None:
    """Change the theme's menu once it is made."""
    app.connect("html-page-context", add_entry, priority=503)
