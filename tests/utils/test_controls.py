"""The control of a notebook, driven from Python; a browser drives it in tests/browser."""

import base64

import nbclient
import nbformat
import numpy as np
import pytest
from test_classify import COFFEE, png

from utils import data
from utils.controls import Classifier, Collector, Progress
from utils.pretrained import load


@pytest.fixture
def control() -> Classifier:
    return Classifier(load("colour-googlenet"), k=3)


@pytest.mark.parametrize("version", [7, 8])
def test_an_upload_shows_names_and_bars(control, version):
    file = {"content": memoryview(png(COFFEE)), "name": "coffee.png"}
    control._uploaded({"new": {"coffee.png": file} if version == 7 else (file,)})
    assert np.array_equal(control.picture, COFFEE)
    assert control.answer.index[0] == "coffee"
    assert len(control.answer) == 3
    shown = control._shown.value
    assert "coffee" in shown
    assert f"{control.answer.iloc[0]:.1%}" in shown


def test_a_snapshot_or_a_pasted_picture_comes_as_a_data_url(control):
    control._camera.picture = "data:image/png;base64," + base64.b64encode(png(COFFEE)).decode()
    assert control.answer.index[0] == "coffee"
    control._camera.picture = ""  # the camera clears it before the next
    assert control.answer is not None


def test_what_is_no_picture_is_said_in_place_of_bars(control):
    control.show(png(COFFEE))
    control.show(b"<html><b>no</b>")
    assert control.answer is None
    assert 'role="alert"' in control._shown.value
    assert "web page" in control._shown.value
    assert "<b>" not in control._shown.value


def test_change_comes_between_picture_and_network():
    garment = 255 - data.fashion_mnist("test").images[0, 0].numpy()  # a boot, dark on white
    boots = Classifier(load("mini-googlenet"), change=lambda picture: 255 - picture)
    boots.show(png(garment))
    assert boots.answer.index[0] == "Ankle boot"
    broken = Classifier(load("mini-googlenet"), change=lambda picture: 1 / 0)
    broken.show(png(garment))
    assert "ZeroDivisionError" in broken._shown.value


def test_k_is_checked():
    with pytest.raises(ValueError, match="at least 1"):
        Classifier(load("mini-googlenet"), k=0)


def test_a_bar_moves_and_its_last_state_stands_where_there_is_no_kernel(capsys):
    bar = Progress("steps")
    bar(3, 2_000, "loss 0.50")
    moving, label = bar.widget.children
    assert (moving.value, moving.max) == (3, 2_000)
    assert label.value == "3 of 2,000 steps, loss 0.50"
    assert capsys.readouterr() == ("", "")  # outside a notebook

    client = nbclient.NotebookClient(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        "from utils.controls import Progress\nbar = Progress('rounds')\n"
        "for done in range(1, 5):\n    bar(done, 4, '<b>')"
    )]))  # fmt: skip
    (output,) = client.execute().cells[0].outputs
    assert output.data["text/plain"] == "4 of 4 rounds, <b>"
    assert 'value="4" max="4"' in output.data["text/html"]
    assert "<b>" not in output.data["text/html"]
    assert output.data["application/vnd.jupyter.widget-view+json"]["model_id"]


@pytest.mark.parametrize("version", [7, 8])
def test_a_collector_fills_one_folder_a_class(tmp_path, version):
    collector = Collector(tmp_path, ["cup", "cat"])
    file = {"content": memoryview(png(COFFEE)), "name": "coffee.png"}
    for name in ("cup", "cup", "cat"):
        collector._uploaded(name, {"new": {"coffee.png": file} if version == 7 else (file,)})
    found = data.image_folder(tmp_path, size=32)
    assert found.classes == ("cat", "cup")
    assert found.labels.tolist() == [0, 1, 1]
    assert "2 pictures" in Collector(tmp_path, ["cup", "cat"])._counts["cup"].value
    collector._uploaded("cat", {"new": ({"content": b"<b>no</b>", "name": "no.png"},)})
    assert 'role="alert"' in collector._counts["cat"].value
    assert "<b>" not in collector._counts["cat"].value


@pytest.mark.parametrize("classes", [["one"], ["a", "a"], ["a", "../b"], ["a", "b/c"], ["a", ""]])
def test_a_collector_wants_classes_that_can_be_folders(tmp_path, classes):
    with pytest.raises(ValueError, match="class"):
        Collector(tmp_path, classes)
