"""Images with labels in memory, the reader's own folders, stored results."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from utils.data import ImageError, LabelledImages, image_folder, results, stored
from utils.experiments import ResultsError


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (20, 3, 4, 5), dtype=torch.uint8, generator=generator)
    images[:, 2] //= 4
    return LabelledImages(images, torch.arange(20) % 3, ("a", "b", "c"), "a set")


def test_mean_and_std(data):
    pixels = data.images.double() / 255
    assert data.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist())
    assert all(type(number) is float for number in data.mean + data.std)


@pytest.mark.parametrize(
    "index", [slice(3, 9, 2), torch.tensor([3, 5, 7]), [3, 5, 7], np.array([3, 5, 7])]
)
def test_some_of_the_images(data, index):
    some = data[index]
    assert torch.equal(some.images, data.images[[3, 5, 7]])
    assert some.labels.tolist() == [0, 2, 1]
    assert some.classes == data.classes
    assert len(some) == 3
    assert some.mean != data.mean


def test_a_mask_takes_one_class(data):
    assert set(data[data.labels == 1].labels.tolist()) == {1}


@pytest.mark.parametrize("index", [[], (), torch.tensor([]), np.array([]), slice(5, 5)])
def test_none_of_the_images(data, index):
    none = data[index]
    assert len(none) == 0
    assert none.images.shape == (0, 3, 4, 5)
    assert none.classes == data.classes


def test_a_mask_has_a_value_for_each_image(data):
    for count in (0, 3):
        with pytest.raises(IndexError):
            data[torch.zeros(count, dtype=torch.bool)]


def test_none_of_them_have_no_mean(data):
    assert len(data[:0]) == 0
    with pytest.raises(ValueError, match="a set: no images"):
        _ = data[:0].std


def test_says_what_it_is_briefly(data):
    assert repr(data) == "<a set: 20 images of 3×4×5, 3 classes>"


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            {"images": torch.zeros(20, 3, 4, 5)},
            TypeError,
            r"uint8, got .*float32: .*\(255 \* images\)",
        ),
        (
            {"images": np.zeros((20, 3, 4, 5), np.uint8)},
            TypeError,
            r"ndarray: give torch.as_tensor\(images\)",
        ),
        (
            {"labels": torch.zeros(20, dtype=torch.int32)},
            TypeError,
            r"int64, got .*int32: .*\(labels\).to\(.*int64\)\.$",
        ),
        ({"labels": torch.arange(19) % 3}, ValueError, r"\(20, 3, 4, 5\) and \(19,\)"),
        ({"images": torch.zeros(20, 4, 5, dtype=torch.uint8)}, ValueError, r"\(N, C, H, W\)"),
        (
            {"images": torch.zeros(20, 9, 9, 3, dtype=torch.uint8)},
            ValueError,
            r"come last, take images\.permute\(0, 3, 1, 2\)",
        ),
        ({"classes": ("a", "b")}, ValueError, r"0..1, .* 2 classes; got 0 to 2"),
        ({"labels": torch.arange(20) % 3 - 1}, ValueError, "got -1 to 1"),
    ],
)
def test_what_does_not_fit(data, change, error, says):
    fields = {"images": data.images, "labels": data.labels, "classes": data.classes, **change}
    with pytest.raises(error, match=says):
        LabelledImages(**fields)


@pytest.mark.parametrize("index", [3, torch.tensor(3), torch.zeros(2, 2, dtype=torch.int64)])
def test_a_single_position_is_no_set(data, index):
    with pytest.raises(TypeError, match=r"\.images\[i\]"):
        data[index]


# Folders


def save(path, colour, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pets"
    save(folder / "dog" / "1.jpg", "red")
    save(folder / "cat" / "2.png", "green", (30, 40))
    save(folder / "cat" / "deeper" / "1.PNG", "blue")
    save(folder / "cat" / "3.webp", "white")
    (folder / "cat" / "notes.txt").write_text("my cats")
    (folder / "README.md").write_text("my pets")
    return folder


def test_image_folder(folder):
    data = image_folder(folder, size=24)
    theirs = ImageFolder(folder)
    assert data.classes == tuple(theirs.classes) == ("cat", "dog")
    assert data.labels.tolist() == theirs.targets == [0, 0, 0, 1]
    assert data.images.shape == (4, 3, 24, 24)
    assert data.name == "pets"
    expected = torch.tensor([np.asarray(image)[0, 0].tolist() for image, _ in theirs])
    assert torch.equal(data.images[:, :, 12, 12], expected.byte())


def test_the_middle_of_the_picture_upright(tmp_path):
    """Wide, with a marked middle, and stored lying on its side, as phones do."""
    image = np.zeros((30, 90, 3), np.uint8)
    image[:, 30:60] = 255
    image[:15, :, 0] = 0
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    stored_picture = Image.fromarray(np.rot90(image).copy())
    (tmp_path / "all" / "one").mkdir(parents=True)
    stored_picture.save(tmp_path / "all" / "one" / "1.png", exif=exif)
    (crop,) = image_folder(tmp_path / "all", size=30).images
    assert np.array_equal(crop.permute(1, 2, 0), image[:, 30:60])


def test_small_pictures_are_means_of_the_large(tmp_path):
    """A chessboard of single pixels becomes grey, and not black or white by chance."""
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    (tmp_path / "all" / "one").mkdir(parents=True)
    Image.fromarray(board).save(tmp_path / "all" / "one" / "1.png")
    (small,) = image_folder(tmp_path / "all", size=8).images
    assert 120 <= small.min() <= small.max() <= 135


def test_links_are_followed_to_an_end(folder, tmp_path):
    save(tmp_path / "more" / "9.jpg", "red")
    (folder / "dog" / "more").symlink_to(tmp_path / "more")
    (folder / "dog" / "me").symlink_to(".")
    (folder / "dog" / "up").symlink_to("..")
    (folder / "cat" / "one").symlink_to("deeper")
    (folder / "cat" / "two").symlink_to("deeper")
    assert image_folder(folder).labels.tolist() == [0, 0, 0, 1, 1]


def test_what_programs_leave_in_folders_is_passed_over(folder):
    expected = image_folder(folder).images
    save(folder / "dog" / ".thumbnails" / "1.jpg", "red")
    save(folder / ".ipynb_checkpoints" / "1.jpg", "red")
    (folder / "dog" / ".hidden.jpg").write_bytes(b"")
    (folder / "dog" / "Thumbs.db").write_bytes(b"x")
    assert torch.equal(image_folder(folder).images, expected)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("5.jpg", b"", "0 bytes"),
        ("5.jpg", b"not a picture at all", "no picture"),
        ("5.heic", b"\0\0\0\x18ftypheic" + bytes(20), "HEIC"),
        ("5.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_a_picture_that_cannot_be_read_is_named(folder, name, content, says):
    (folder / "cat" / name).write_bytes(content)
    with pytest.raises(ImageError, match=f"{re.escape(str(folder / 'cat' / name))}.*{says}"):
        image_folder(folder)


def test_folders_that_are_not_as_they_should_be(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'/no/such' is not there.*one folder a class"):
        image_folder("/no/such")
    with pytest.raises(FileNotFoundError, match=r"1\.jpg' is a file"):
        image_folder(folder / "dog" / "1.jpg")
    with pytest.raises(FileNotFoundError, match=r"holds no folders.*one folder a class"):
        image_folder(folder / "dog")
    (folder / "bird").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no pictures in '.*bird'.*\.jpg.*remove"):
        image_folder(folder)
    with pytest.raises(ValueError, match="size must be at least 1"):
        image_folder(folder, size=0)


# Results


def test_results(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "RESULTS", tmp_path)
    table = pd.DataFrame({"seed": [0, 1], "accuracy": [0.5, 0.25], "kind": ["a", "b, c"]})
    table.to_csv(tmp_path / "heads.csv", index=False)
    (tmp_path / "width.csv").write_text("a\n1\n")
    pd.testing.assert_frame_equal(results("heads"), table)
    for wrong in ("head", "heads.csv", "../results/heads", ""):
        with pytest.raises(ValueError, match="there are heads, width"):
            results(wrong)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no columns"),
        (b"name,ms\na,12\nb,1", "its end is cut off"),  # of 12, say
    ],
)
def test_damaged_results_are_refused(tmp_path, monkeypatch, content, says):
    monkeypatch.setattr(stored, "RESULTS", tmp_path)
    (tmp_path / "speed.csv").write_bytes(content)
    with pytest.raises(ResultsError, match=rf"speed\.csv is not a table of results: .*{says}"):
        results("speed")


def test_results_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "RESULTS", tmp_path)
    (tmp_path / "speed.csv").mkdir()
    with pytest.raises(ResultsError, match=r"speed\.csv cannot be read \(Is a directory\)"):
        results("speed")


def test_every_result_that_ships_can_be_read():
    names = [path.stem for path in stored.RESULTS.glob("*.csv")]
    assert "recipe" in names
    for name in names:
        assert len(results(name)) > 0
