"""Links to the repository, where its address is known, and to Colab, where a notebook exists.

The address comes from the environment that GitHub's workflows set, else from
``[tool.course] repository`` in ``pyproject.toml``; with neither, no page has such a link.

A page gets a Colab button only if ``COURSE_NOTEBOOKS`` names the folder of notebooks that is
being published on the branch ``notebooks`` (the workflow Publish does), relative to the book or
absolute, and the page's notebook is in it.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

NOTEBOOK_BRANCH = "notebooks"


def repository_url(root: Path) -> str | None:
    """Address of the repository, without a trailing slash, or None where nobody has set it.

    Parameters
    ----------
    root
        Folder that holds ``pyproject.toml``.
    """
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    if server and name:
        return f"{server.rstrip('/')}/{name}"
    pyproject = root / "pyproject.toml"
    if pyproject.exists():
        settings = tomllib.loads(pyproject.read_text("utf-8")).get("tool", {}).get("course", {})
        return settings.get("repository", "").rstrip("/") or None
    return None


def add_repository(app: Sphinx, config: Config) -> None:
    """Give the theme the address and its buttons."""
    if url := repository_url(Path(app.confdir)):
        config.html_theme_options.update(
            repository_url=url,
            repository_branch=os.environ.get("COURSE_BRANCH", "main"),
            use_repository_button=True,
            use_issues_button=True,
            use_edit_page_button=True,
        )


def colab_url(root: Path, pagename: str) -> str | None:
    """Address that opens a page's published notebook in Colab; None if there is none."""
    repository = repository_url(root)
    folder = os.environ.get("COURSE_NOTEBOOKS")
    if not folder or not repository or urlsplit(repository).hostname != "github.com":
        return None
    if not (root / folder / f"{pagename}.ipynb").is_file():
        return None
    name = urlsplit(repository).path.strip("/")
    return (
        f"https://colab.research.google.com/github/{name}/blob/{NOTEBOOK_BRANCH}/{pagename}.ipynb"
    )


def add_colab(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Put the button first in the header of a page that has a published notebook."""
    url = colab_url(Path(app.confdir), pagename)
    if url and "header_buttons" in context:
        context["header_buttons"].insert(
            0,
            {
                "type": "link",
                "url": url,
                "text": "Colab",
                "tooltip": "Open this chapter as a notebook in Colab",
                "icon": "fas fa-rocket",
                "label": "colab-button",
            },
        )


def setup(app: Sphinx) -> None:
    """Register both."""
    app.connect("config-inited", add_repository)
    app.connect("html-page-context", add_colab, priority=502)
