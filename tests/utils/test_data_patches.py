"""Crops of pictures: what they are, and that no pixel is for training and for testing."""

import numpy as np
import pytest
import torch
from PIL import Image

from utils.data import PHOTOGRAPHS, TEXTURES, crops, patch_cells, patches, photograph, texture

ZOOMS = (1.0, (0.25, 2.3))


def test_patches():
    data = patches("train", count=35)
    assert data.images.shape == (35, 3, 64, 64)
    assert data.images.dtype == torch.uint8
    assert data.classes == (*PHOTOGRAPHS, *TEXTURES)
    assert data.labels.tolist() == [i % 11 for i in range(35)]
    colours = (data.images[:, 0] != data.images[:, 2]).flatten(1).any(1)
    grey = torch.tensor([data.classes[label] in TEXTURES for label in data.labels])
    assert torch.equal(colours, ~grey)


def test_a_crop_is_a_part_of_its_picture():
    data = patches("test", count=11, seed=3)
    for image, label in zip(data.images, data.labels.tolist(), strict=True):
        name = data.classes[label]
        picture = photograph(name) if name in PHOTOGRAPHS else np.stack(3 * [texture(name)], -1)
        crop = image.permute(1, 2, 0).numpy()
        windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], 64, axis=1)
        tops, lefts = np.nonzero((windows[:-63] == crop[0, :, 0]).all(-1))
        assert any(
            np.array_equal(picture[top : top + 64, left : left + 64], crop)
            for top, left in zip(tops, lefts, strict=True)
        )


@pytest.mark.parametrize("zoom", [0.5, 2.0])
def test_zoom_is_pillows_resize_of_more_or_less_of_the_picture(zoom):
    side = round(64 * zoom)
    data, whole = patches(count=22, zoom=zoom), patches(count=22, size=side, zoom=1.0)
    for image, crop in zip(data.images, whole.images, strict=True):
        pillow = Image.fromarray(crop.permute(1, 2, 0).numpy())
        expected = np.asarray(pillow.resize((64, 64), Image.Resampling.BILINEAR))
        assert np.abs(image.permute(1, 2, 0).numpy().astype(int) - expected).max() <= 1


def test_between_two_zooms_evenly_in_the_logarithm():
    shapes = [(500, 500)]
    sides = crops._boxes(shapes, "train", 2000, crops._sides(64, (0.25, 2)), 0)[:, 3]
    assert (sides.min(), sides.max()) == (16, 128)
    assert np.median(sides) == pytest.approx(64 * 0.5**0.5, rel=0.1)


def covered(split, zoom):
    """Of each picture the pixels that many crops are made of, marked."""
    shapes = [picture.shape[-2:] for picture in crops._pictures()]
    marked = [np.zeros(shape, bool) for shape in shapes]
    for seed in range(2):
        boxes = crops._boxes(shapes, split, 6000, crops._sides(64, zoom), seed)
        for which, top, left, side in boxes:
            assert top >= 0 <= left
            assert top + side <= shapes[which][0]
            assert left + side <= shapes[which][1]
            marked[which][top : top + side, left : left + side] = True
    return marked


def test_no_pixel_is_in_both_splits():
    train, test = (
        [a | b for a, b in zip(*(covered(split, zoom) for zoom in ZOOMS), strict=True)]
        for split in ("train", "test")
    )
    for ours, others in zip(train, test, strict=True):
        assert not (ours & others).any()
        assert (ours | others).mean() > 0.9  # and next to none is wasted
        assert 0.2 < others.mean() < 0.4


def test_what_is_held_out_is_in_no_crop_to_try_and_both_are_training():
    train, test, tried, held_out = (covered(split, ZOOMS[1]) for split in crops.SPLITS)
    for whole, others, ours, theirs in zip(train, test, tried, held_out, strict=True):
        assert ours.mean() > 0.1 < theirs.mean()
        assert not (ours & theirs).any()
        assert not ((ours | theirs) & others).any()
        assert ((ours | theirs) & whole).sum() > 0.9 * whole.sum()


@pytest.mark.parametrize("zoom", ZOOMS)
def test_test_crops_do_not_change_with_the_training_pixels(zoom, monkeypatch):
    """The same, seen from outside: all training pixels are painted over."""
    before = patches("test", count=110, zoom=zoom, seed=1).images
    painted = [picture.clone() for picture in crops._pictures()]
    for picture, marked in zip(painted, covered("train", ZOOMS[1]), strict=True):
        picture[:, torch.from_numpy(marked)] = 77
    monkeypatch.setattr(crops, "_pictures", lambda: painted)
    assert torch.equal(patches("test", count=110, zoom=zoom, seed=1).images, before)
    assert not torch.equal(patches("train", count=11, zoom=zoom).images[0], before[0])
    assert (patches("train", count=110, zoom=zoom).images == 77).double().mean() > 0.9


def test_the_same_seed_gives_the_same_crops():
    first = patches(count=33, zoom=(0.5, 2), seed=5)
    assert torch.equal(patches(count=33, zoom=(0.5, 2), seed=5).images, first.images)
    assert torch.equal(patches(count=12, zoom=(0.5, 2), seed=5).images, first.images[:12])
    assert not torch.equal(patches(count=33, zoom=(0.5, 2), seed=6).images, first.images)


def test_no_pictures_are_changed():
    before = photograph("cat")
    patches(count=11).images.zero_()
    assert np.array_equal(photograph("cat"), before)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"split": "both"}, ValueError, ["split", "'both'"]),
        ({"count": 0}, ValueError, ["count", "at least 1"]),
        ({"size": 64.0}, TypeError, ["size", "64.0"]),
        ({"zoom": 3}, ValueError, ["zoom", "150", "3", "at most 2.34"]),
        ({"zoom": (2, 1)}, ValueError, ["(low, high)", "(2, 1)"]),
        ({"zoom": 0}, ValueError, ["zoom", "from 1"]),
        ({"zoom": float("nan")}, ValueError, ["zoom", "nan"]),
        ({"zoom": "2"}, TypeError, ["zoom", "'2'"]),
        ({"zoom": (1, 2, 3)}, TypeError, ["zoom", "(1, 2, 3)"]),
        ({"size": 200}, ValueError, ["crops of 200", "at most 0.75"]),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error) as caught:
        patches(**arguments)
    assert all(word in str(caught.value) for word in says), caught.value


def test_cells_of_crops_are_numbered_over_all_pictures():
    count = 2_200
    cells = patch_cells("test", count=count)
    labels = patches("test", count=count, size=8).labels.numpy()
    assert set(cells) == set(range(cells.max() + 1))  # each is met
    picture_of = dict(zip(cells, labels, strict=True))
    assert (np.array([picture_of[cell] for cell in cells]) == labels).all()
    boxes = crops._boxes([p.shape[-2:] for p in crops._pictures()], "test", count, (8, 8), 0)
    for cell in range(0, cells.max() + 1, 5):
        _, tops, lefts, _ = boxes[cells == cell].T
        for places in (tops, lefts):
            assert np.ptp(places) < 2 * crops.CELL - 8  # within one cell
    assert (patch_cells("test", count=11) == cells[:11]).all()
    assert (patch_cells("train", count=50) != patch_cells("train", count=50, seed=1)).any()
