"""What networks say of images that do not fit; the advice in it is followed."""

import contextlib
import re
import time

import pytest
import torch

import utils
from utils.activations import features
from utils.googlenet import googlenet, micro_googlenet
from utils.pretrained import Normalisation, Preprocessing

RGB, GREY = torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64)
BYTES = (255 * RGB).byte()
DOORS = {
    "network": googlenet("torchvision", num_classes=7, aux_heads=False).eval(),
    "features": lambda x: features(DOORS["network"], x, "conv1"),
    "grey network": micro_googlenet(in_channels=1).eval(),
    "preprocessing": Preprocessing(resize=341, crop=32),
    "grey preprocessing": Preprocessing(resize=341, crop=32).for_grey(),
    "normalisation": Normalisation(size=(64, 64), mean=(0.5,) * 3, std=(0.2,) * 3),
    "grey normalisation": Normalisation(size=(64, 64), mean=(0.5,), std=(0.2,)),
}
PREPARE = [door for door in DOORS if door.endswith(("preprocessing", "normalisation"))]
COLOUR = [door for door in DOORS if not door.startswith("grey")]
IMAGES = [  # what comes, what is said of it, and to which doors it comes
    (None, "NoneType: utils.data.to_tensor", DOORS),
    (RGB[0], r"\(3, 64, 64\): .* take x\[None\]", COLOUR),
    (torch.rand(64, 64, 3), r"\(64, 64, 3\): .*take", COLOUR),
    (torch.rand(2, 64, 64, 3), r"seem to come last, take", COLOUR),
    (torch.rand(2, 64, 64, 1), r"seem to come last, take", set(DOORS) - set(COLOUR)),
    (GREY, "grey images, take", COLOUR),
    (GREY, "take .*, or build the network with in_channels=1", ["network"]),
    (RGB, "with in_channels=3", ["grey network"]),
    (BYTES, "take", ["network", "features"]),
    (torch.rand(2, 5, 64, 64), r"\(2, 5, 64, 64\)", DOORS),
    (torch.rand(2, 3, 0, 64), r"\(2, 3, 0, 64\)", COLOUR),
    (torch.rand(64, 64), r"\(64, 64\)", DOORS),
    (RGB[:, :, :14], "15x15 px to nothing, got 14x64.*mini_googlenet", ["network", "features"]),
    (RGB.half(), "take", ["network", "features"]),
    (RGB.double(), "take .*model.to", ["network", "features"]),
    (torch.zeros(2, 3, 64, 64, dtype=torch.int64), "int64.*bytes, take", COLOUR),
    (255 * RGB, "0..1, got .* bytes have to be divided by 255", PREPARE[::2]),
    (4 * RGB - 2, "0..1, got .* normalised already", PREPARE[::2]),
    (RGB.log().sqrt(), r"0..1, got nan to nan", PREPARE[::2]),
    (RGB[:, :, :32], "32x64 px: take", ["normalisation"]),
    (BYTES[..., :32], "64x32 px: take", ["normalisation"]),
    (torch.rand(1, 3, 1, 30_000), "1x30000 px, .* 39 GB: .*take", ["preprocessing"]),
    (RGB[:1].expand(50_000, -1, -1, -1), "50000 of 64x64 .* a few at a time", ["preprocessing"]),
]


@pytest.mark.parametrize(("images", "says", "doors"), IMAGES)
@torch.no_grad()
def test_images_that_do_not_fit(images, says, doors):
    """One clear sentence; whoever does what it says gets in."""
    x = images
    for name in doors:
        door, x, began = DOORS[name], images, time.process_time()
        for _ in range(4):
            with pytest.raises((TypeError, ValueError), match=says if x is images else None) as e:
                door(x)
            if "take x" not in (message := str(e.value)) and "take torch" not in message:
                break
            advice = re.search(r"take ((?:x|torch|utils).*?)(?:, or .*)?\.$", message)[1]
            x = eval(advice, {"x": x, "torch": torch, "utils": utils})
            with contextlib.suppress(TypeError, ValueError):
                door(x)
                break
        else:
            pytest.fail(f"{name}: the advice leads nowhere")
        assert time.process_time() - began < 5


@pytest.mark.parametrize("door", PREPARE)
def test_bytes_and_numbers_are_prepared_alike(door):
    x = BYTES if DOORS[door] is None or "grey" not in door else BYTES[:, :1]
    for same in (x.float() / 255, x.double() / 255):
        assert DOORS[door](same).dtype == torch.float32
        torch.testing.assert_close(DOORS[door](x), DOORS[door](same))
    assert len(DOORS[door](x[:0])) == 0
