"""What the tests of interactive figures share: the list of figures, and how to read one."""

from __future__ import annotations

import json
from functools import partial

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import nn

from utils.data import LabelledImages
from utils.experiments.film import Film
from utils.figures import (
    bottleneck_calculator,
    build_a_module,
    cost_and_accuracy,
    few_labels,
    gradient_steps,
    live_network,
    module_flow,
    multi_scale_lens,
    network_map,
    pool_a_map,
    sliding_window,
    training_film,
)

#: A spot of light, and the centre less the mean of its surround.
SPOT = [[8 * (row == 2 and column == 3) for column in range(6)] for row in range(5)]
AROUND = [[1 if row == column == 1 else -1 / 8 for column in range(3)] for row in range(3)]


def short_film() -> Film:
    """Frames of a network that is changed at random, not trained: it takes no time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = torch.randint(0, 256, (60, 1, 9, 7), dtype=torch.uint8)
        data = LabelledImages(images, torch.arange(60) % 4, ("a", "b", "c", "long name"), "noise")
        convolution = nn.Conv2d(1, 5, 3)
        network = nn.Sequential(convolution, nn.Flatten(), nn.Linear(5 * 7 * 5, 4))
        film = Film(
            network, data, normalisation=(0.5, 0.3), steps=40, batch_size=10, moments=6, of_each=3
        )
        for step in range(1, 41):
            for parameter in network.parameters():
                parameter.data += 0.03 * torch.randn_like(parameter)
            film(step, 1.5)
    return film


#: What must hold of every figure is tested of these, in `test_figures_alone.py`.
FIGURES = {
    "bottleneck": bottleneck_calculator,
    "costs": cost_and_accuracy,
    "few": few_labels,
    "flow": module_flow,
    "gradients": gradient_steps,
    "lens": multi_scale_lens,
    "live": live_network,
    "module": build_a_module,
    "network": network_map,
    "pooling": pool_a_map,
    "training": partial(training_film, short_film()),
    "window": partial(sliding_window, SPOT, AROUND),
}
each_figure = pytest.mark.parametrize("name", FIGURES)

# Plain: neither the book's theme nor its scripts help.
PAGE = """<!doctype html><html lang="en" {html}><head><meta charset="utf-8"><title>Figures</title>
<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><style>
body {{ margin: 16px; font-family: "DejaVu Sans", Verdana, sans-serif; }} /* wide */
html[data-theme="dark"] {{ background: #14181e; color: #fff; }} {style}</style></head>
<body {body_tag}><main><h1>Figures</h1>{body}</main></body></html>"""


def results(page: Page, copy: int = 0) -> dict:
    """The numbers a figure works with, as it publishes them."""
    stage = page.locator(".stage").nth(copy)
    if stage.get_attribute("data-results") == "{}":  # it loads its weights when it is near
        stage.scroll_into_view_if_needed()
        expect(stage).not_to_have_attribute("data-results", "{}", timeout=20_000)
    return json.loads(stage.get_attribute("data-results"))


def number(page: Page, label: str) -> Locator:
    return page.get_by_label(f"{label}, as a number", exact=True)


def written(page: Page, name: str) -> int:
    return int(page.locator(f'[data-name="{name}"]').inner_text().replace(",", ""))
