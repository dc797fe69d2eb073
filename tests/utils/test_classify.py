"""From a picture of any origin to the names of a trained network."""

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jupytext
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from test_pretrained_downloads import BAD, as_pth, cache, publish, server, well  # noqa: F401
from torchvision.models import GoogLeNet_Weights, googlenet
from torchvision.transforms import v2

from utils import data
from utils.classify import prepare, top
from utils.data import ImageError
from utils.pretrained import load

CHAPTER = Path(__file__).parents[2] / "chapters" / "08_classify_images.md"
COFFEE = data.photograph("coffee")


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def colour():
    return load("colour-googlenet")


def test_every_origin_gives_the_same_answer(colour, tmp_path, monkeypatch):
    content = png(COFFEE)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            """Say nothing on stderr."""

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "coffee.png").write_bytes(content)
    with HTTPServer(("127.0.0.1", 0), Handler) as web:
        threading.Thread(target=web.handle_request, daemon=True).start()
        address = f"http://127.0.0.1:{web.server_port}/coffee.png"
        sources = (COFFEE, COFFEE / 255, content, tmp_path / "coffee.png", address)
        answers = [top(colour, source) for source in sources]
    assert answers[0].index[0] == "coffee"
    assert answers[0].is_monotonic_decreasing
    assert len(answers[0]) == 5
    for answer in answers[1:]:
        pd.testing.assert_series_equal(answer, answers[0], atol=1e-5)


def test_all_classes_add_up_and_more_cannot_be_had(colour):
    everything = top(colour, COFFEE, k=99)
    assert set(everything.index) == set(colour.classes)
    assert everything.sum() == pytest.approx(1)


def test_a_grey_network_sees_grey_and_a_garment_as_it_is():
    clothes = load("mini-googlenet")
    garment = data.fashion_mnist("test").images[0, 0].numpy()
    x = prepare(clothes, garment)
    expected = clothes.preprocessing(torch.from_numpy(garment.copy())[None, None])
    torch.testing.assert_close(x, expected, atol=1e-3, rtol=0)  # weights of 0.9999
    green = np.zeros((40, 60, 3), np.uint8)
    green[..., 1] = 255
    mean, std = clothes.preprocessing.mean[0], clothes.preprocessing.std[0]
    assert prepare(clothes, green).mean() == pytest.approx((0.587 - mean) / std, abs=1e-2)


@pytest.mark.parametrize(
    ("picture", "error", "said"),
    [
        ("no-such-file.png", ImageError, "cannot be read"),
        (b"<html>", ImageError, "web page"),
        (np.zeros((4, 5, 4), np.uint8), ValueError, r"x\[\.\.\., :3\]"),
        (255.0 * COFFEE, ValueError, "divided by 255"),
        (7, TypeError, "load_image expects"),
    ],
)
def test_what_is_no_picture_is_refused(colour, picture, error, said):
    with pytest.raises(error, match=said):
        top(colour, picture)


def test_other_arguments_are_refused(colour):
    with pytest.raises(TypeError, match=r"utils\.pretrained\.load"):
        top(colour.model, COFFEE)
    with pytest.raises(ValueError, match="k must be at least 1"):
        top(colour, COFFEE, k=0)


#: What stands in the cells that ask the ImageNet network: the page's own code.
ASKED = ('load("googlenet")', "theirs._transform_input(usual)", "if imagenet:\n")


def run_cells() -> dict:
    names = {"load": load, "top": top, "data": data, "torch": torch}
    code = [cell.source for cell in jupytext.read(CHAPTER).cells if cell.cell_type == "code"]
    for part in ASKED:
        (found,) = [source for source in code if part in source]
        exec(compile(found, str(CHAPTER), "exec"), names)
    return names


def test_the_page_stands_without_imagenet(server, cache, monkeypatch, capsys):  # noqa: F811
    publish(server, monkeypatch)
    server.behave = BAD["server error"]
    names = run_cells()
    assert names["imagenet"] is None
    assert "no ImageNet weights" in names["said"]
    assert capsys.readouterr().out.endswith("no ImageNet weights here to ask\n")


def test_the_page_uses_imagenet_where_it_can_be_had(server, cache, monkeypatch):  # noqa: F811
    """A file in torchvision's format, from a server; ours says what torchvision's network says."""
    torch.manual_seed(0)
    theirs = googlenet(weights=None, init_weights=False).eval()
    body = as_pth(theirs.state_dict())
    publish(server, monkeypatch, body)
    server.behave = well(body)
    names = run_cells()
    weights = GoogLeNet_Weights.IMAGENET1K_V1
    theirs.transform_input = True
    with torch.no_grad():
        x = weights.transforms()(v2.functional.to_image(data.photograph("cat")).float() / 255)
        wanted = theirs(x[None]).softmax(1)[0].topk(5)
    said = names["said"]
    assert list(said.index) == [weights.meta["categories"][i] for i in wanted.indices]
    assert said.to_numpy() == pytest.approx(wanted.values.numpy(), rel=1e-3)
    for place, switch in enumerate((True, False)):
        theirs.transform_input = switch
        with torch.no_grad():
            sure, named = theirs(names["usual"]).softmax(1).max(1)
        assert names["both"].values[place] == pytest.approx(sure.item(), rel=1e-3)
        assert names["both"].indices[place] == named
