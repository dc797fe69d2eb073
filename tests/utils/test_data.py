"""Pictures without a network."""

import base64
import math
import re

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from utils.data import (
    PHOTOGRAPHS,
    TEXTURES,
    load_image,
    middle,
    photograph,
    photographs,
    texture,
    textures,
    to_tensor,
)
from utils.support.jpeg import jpeg_data_url


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs(name):
    image = photograph(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert min(image.shape[:2]) >= 224
    assert image.std() > 10
    assert not np.array_equal(image[..., 0], image[..., 2])  # a colour photograph
    assert PHOTOGRAPHS[name]


@pytest.mark.parametrize("name", TEXTURES)
def test_textures(name):
    image = texture(name)
    assert image.dtype == np.uint8
    assert image.ndim == 2
    assert image.std() > 10


def test_names():
    assert photographs() == tuple(PHOTOGRAPHS)
    assert textures() == tuple(TEXTURES)
    pictures = [photograph(name).tobytes() for name in photographs()]
    assert len(set(pictures)) == len(pictures)


def test_default_is_a_photograph():
    assert np.array_equal(photograph(), photograph("astronaut"))


def test_of_a_stereo_pair_the_left_picture():
    left, right, _ = skimage.data.stereo_motorcycle()
    assert np.array_equal(photograph("motorcycle"), left)
    assert not np.array_equal(left, right)


def test_a_picture_is_ones_own_to_change():
    photograph("coffee")[:] = 0
    assert photograph("coffee").any()


def test_to_tensor():
    image = photograph("coffee")
    batch = to_tensor(image)
    assert batch.shape == (1, 3, *image.shape[:2])
    assert batch.dtype == torch.float32
    assert batch.is_contiguous()
    expected = torch.tensor(image[5, 7] / 255, dtype=torch.float32)
    torch.testing.assert_close(batch[0, :, 5, 7], expected)
    torch.testing.assert_close(to_tensor(image / 255), batch)


def test_grey_fills_three_channels():
    batch = to_tensor(texture("brick"))
    assert batch.shape == (1, 3, 512, 512)
    assert torch.equal(batch[0, 0], batch[0, 2])


def test_to_tensor_does_not_share_memory():
    image = np.zeros((4, 4, 3), dtype=np.float32)
    to_tensor(image)[:] = 1
    assert not image.any()


@pytest.mark.parametrize(
    ("shape", "side", "rows", "columns"),
    [
        ((5, 8), None, slice(0, 5), slice(1, 6)),  # what is odd is left over below and at right
        ((8, 5), None, slice(1, 6), slice(0, 5)),
        ((9, 8), 4, slice(2, 6), slice(2, 6)),
    ],
)
def test_middle(shape, side, rows, columns):
    picture = np.arange(3 * math.prod(shape)).reshape(*shape, 3)
    expected = picture[rows, columns]
    assert np.array_equal(middle(picture, side), expected)
    assert np.array_equal(middle(picture[..., 0], side), expected[..., 0])
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None]
    assert torch.equal(
        middle(batch, side), torch.from_numpy(expected.copy()).permute(2, 0, 1)[None]
    )


def test_a_jpeg_as_a_data_url():
    photo = Image.fromarray(middle(photograph("coffee")))
    head, content = jpeg_data_url(photo, quality=70).split(",")
    assert head == "data:image/jpeg;base64"
    decoded = load_image(base64.b64decode(content))
    assert decoded.shape == (400, 400, 3)
    assert np.abs(decoded.astype(int) - photo).mean() < 5
    assert len(content) < len(jpeg_data_url(photo, quality=90))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: photograph("chair"), ValueError, ["'chair'", "astronaut", "rocket"]),
        (lambda: photograph("brick"), ValueError, ["photograph", "'brick'"]),
        (lambda: texture("wood"), ValueError, ["texture", "'wood'", "gravel"]),
        (lambda: middle(np.zeros((4, 6)), 5), ValueError, ["side", "1 to 4", "5"]),
        (lambda: middle(torch.zeros(1, 3, 4, 6), 2.0), TypeError, ["side", "integer", "2.0"]),
    ],
)
def test_bad_input(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in says), caught.value


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros((4, 4, 4)), r"got \(4, 4, 4\). Without transparency"),
        (np.zeros((2, 4, 4, 3)), r"got \(2, 4, 4, 3\)"),
        (np.zeros((0, 4, 3)), r"got \(0, 4, 3\)"),
        (np.zeros((4, 4), dtype=int), "uint8 or floating-point, got int64: of bytes, take"),
        (np.full((4, 4), -0.01), "0..1, got -0.01.* normalised already"),
        (np.full((4, 4), 255.0), "0..1, got 255.* bytes .* divided by 255"),
        (np.full((4, 4), np.nan), "0..1, got nan to nan"),
    ],
)
def test_pictures_that_do_not_fit(x, says):
    """One clear sentence; whoever does what it says gets in."""
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        to_tensor(x)
    if advice := re.search(r"take (.*)\.$", str(caught.value)):
        x = eval(advice[1], {"x": x, "np": np, "torch": torch, "to_tensor": to_tensor})
        assert torch.is_tensor(x) or to_tensor(x).shape[0] == 1
