"""The page on looking inside draws and dreams with ImageNet's network where it can be had."""

from pathlib import Path

import jupytext
import pytest
import torch
from test_pretrained_downloads import BAD, as_pth, cache, publish, server, well  # noqa: F401
from torchvision.models import GoogLeNet_Weights, googlenet

from utils import data, plots
from utils.activations import features
from utils.attribution import ascend
from utils.pretrained import load
from utils.support.palette import BRANCHES

CHAPTER = Path(__file__).parents[2] / "chapters" / "09_looking_inside.md"


def drawn_and_dreamt(network: object) -> dict:
    """Run the page's cells from the weights to the dream, each loop for two steps, without blur."""
    sources = [
        cell.source
        for cell in jupytext.read(CHAPTER).cells
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", [])
    ]
    first = next(i for i, source in enumerate(sources) if 'load("googlenet")' in source)
    last = next(i for i, source in enumerate(sources) if '"dream":' in source)
    mosaic = next(source for source in sources if "def mosaic" in source)
    liveliest = next(source for source in sources if "def liveliest" in source)
    names: dict = {"load": load, "torch": torch, "data": data, "plots": plots, "ascend": ascend}
    names |= {"features": features, "BRANCHES": BRANCHES, "trained": network}
    names |= {"photo": data.photograph("motorcycle")[::4, ::4]}
    names |= {"parts": [f"inception4a.branch{number}" for number in (1, 2, 3, 4)]}
    definitions = (
        "import torchvision\n"
        + liveliest[liveliest.index("def liveliest") : liveliest.index("def by_module")]
        + mosaic[: mosaic.index("low, high")]
    )
    sizes = "((120, 180), (170, 255), (240, 360))"
    assert sizes in "".join(sources[first : last + 1])
    for source in (definitions, *sources[first : last + 1]):
        short = source
        for long, quick in (
            ("steps=60", "steps=2"),
            ("blur=0.6", "blur=0"),
            ("steps=8", "steps=2"),
            (sizes, "((48, 72), (64, 96))"),
        ):
            short = short.replace(long, quick)
        exec(compile(short, str(CHAPTER), "exec"), names)
    assert names["drawn"].shape == (4, 3, 96, 96)
    assert names["dream"].shape == (1, 3, 64, 96)
    with torch.no_grad():
        before, after = (names["each"](names[name]) for name in ("start", "drawn"))
    assert (after > before).all()
    return names


@pytest.fixture(scope="module")
def colour():
    return load("colour-googlenet")


def test_the_small_network_dreams_where_imagenet_cannot_be_had(
    server,  # noqa: F811
    cache,  # noqa: F811
    monkeypatch,
    colour,
):
    publish(server, monkeypatch)
    server.behave = BAD["server error"]
    assert drawn_and_dreamt(colour)["dreamer"] is colour


def test_imagenets_network_dreams_where_it_can_be_had(server, cache, monkeypatch, colour):  # noqa: F811
    """A file in torchvision's format, from a server; what is raised is torchvision's own map."""
    torch.manual_seed(0)
    theirs = googlenet(weights=None, init_weights=False).eval()
    body = as_pth(theirs.state_dict())
    publish(server, monkeypatch, body)
    server.behave = well(body)
    names = drawn_and_dreamt(colour)
    assert names["dreamer"] is not colour
    assert len(names["dreamer"].classes) == 1000
    kept = []
    theirs.transform_input = True
    theirs.inception4a.register_forward_hook(lambda part, inputs, output: kept.append(output))
    transforms = GoogLeNet_Weights.IMAGENET1K_V1.transforms()
    mean, std = (torch.tensor(part)[:, None, None] for part in (transforms.mean, transforms.std))
    with torch.no_grad():
        theirs((names["dream"] - mean) / std)
        wanted = kept.pop().square().mean().item()
        assert names["much"](names["dream"]).item() == pytest.approx(wanted, rel=1e-3)
