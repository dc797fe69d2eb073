"""What networks say of images and weights that do not fit; the advice in it is followed."""

import contextlib
import re
import time

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import utils
from utils.activations import features
from utils.googlenet import googlenet, micro_googlenet, mini_googlenet
from utils.networks.descendants.inception_v3 import inception_v3
from utils.networks.guards import WeightsError, unwrapped
from utils.pretrained import Normalisation, Preprocessing

# Images

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
    (np.zeros((2, 3, 64, 64)), "ndarray: utils.data.to_tensor", DOORS),
    (torch.rand(64, 64), r"\(64, 64\): take", DOORS),
    (RGB[0], r"\(3, 64, 64\): take", DOORS),
    (torch.rand(64, 64, 3), r"\(64, 64, 3\): take", DOORS),
    (torch.rand(64, 64, 4), r"\(64, 64, 4\): take", DOORS),
    (torch.rand(2, 64, 64, 3), r"seem to come last, take", DOORS),
    (torch.rand(2, 64, 64, 1), r"seem to come last, take", DOORS),
    (torch.rand(2, 64, 64, 4), r"seem to come last, take", DOORS),
    (torch.rand(2, 4, 64, 64), "transparency, take", DOORS),
    (torch.rand(2, 5, 3, 64, 64), "take", DOORS),
    (GREY, "take", COLOUR),
    (GREY, "take .*, or build the network with in_channels=1", ["network"]),
    (RGB, "take", [door for door in DOORS if door not in COLOUR]),
    (BYTES, "take", ["network", "features", "grey preprocessing", "grey normalisation"]),
    (torch.rand(2, 5, 64, 64), r"\(2, 5, 64, 64\)", DOORS),
    (torch.rand(2, 3, 0, 64), r"\(2, 3, 0, 64\)", COLOUR),
    (torch.rand(3), r"\(3,\)", DOORS),
    (RGB[:, :, :14], "15x15 px to nothing, got 14x64.*mini_googlenet", ["network", "features"]),
    (RGB.half(), "take", ["network", "features"]),
    (RGB.double(), "take .*model.to", ["network", "features"]),
    (torch.zeros(2, 3, 64, 64, dtype=torch.int64), "int64.*bytes, take", COLOUR),
    (500 * RGB, "0..1, got .* to 499", PREPARE[::2]),
    (255 * RGB, "0..1, got .* take x / 255", PREPARE[::2]),
    (4 * RGB - 2, "0..1, got .* normalised already", PREPARE[::2]),
    (1.2 * RGB - 0.1, r"0..1, got .* overshot, take x.clip\(0, 1\)", PREPARE[::2]),
    (RGB.log().sqrt(), r"0..1, got nan to nan: some are no numbers", PREPARE[::2]),
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


# Weights


def follow(message: str, build, checkpoint: dict) -> nn.Module:
    """Do what a message says: build the network with other arguments, and load."""
    model = build(**eval(f"dict({re.search(r'Build the network with (.*)[.]$', message)[1]})"))
    model.load_state_dict(checkpoint)
    return model


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.", "module.net."])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("build", "other"),
    [
        (micro_googlenet, {}),
        (micro_googlenet, {"num_classes": 4}),
        (micro_googlenet, {"num_classes": 4, "in_channels": 1}),
    ],
)
def test_what_is_wrapped_or_built_otherwise_loads(build, other, prefix, inside):
    theirs = build(**other)
    own = {f"{prefix}{key}": value for key, value in theirs.state_dict().items()}
    checkpoint = own | ({"n_averaged": torch.tensor(3)} if prefix else {})  # as AveragedModel adds
    if inside:
        checkpoint = {"optimizer_state_dict": {"state": {}}, "epoch": 3, "model_state_dict": own}
    model = build()
    if other:
        with pytest.raises(WeightsError, match="another network's weights") as caught:
            model.load_state_dict(checkpoint)
        model = follow(str(caught.value), build, checkpoint)
    model.load_state_dict(checkpoint)
    assert torch.equal(model.fc.weight, theirs.fc.weight)


@pytest.mark.parametrize("build", [googlenet, inception_v3])
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("classes", [1000, 5])
def test_heads_and_classes_that_differ_are_named(build, wanted, classes):
    with torch.device("meta"):
        state = build(aux_heads=not wanted, num_classes=classes).state_dict()
        with pytest.raises(WeightsError, match=f"Build .*aux_heads={not wanted}") as caught:
            build(aux_heads=wanted).load_state_dict(state)
        follow(str(caught.value), build, state)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: googlenet("bn"), "Missing: conv1.conv.bias"),
        (lambda: googlenet(kernel5x5=3), "Of another shape: inception3a.branch3.1.conv.weight"),
        (lambda: googlenet(reduce=False), "Missing: inception3a.branch2.1.conv.weight"),
        (mini_googlenet, "Missing: conv2.conv.weight"),
        (torchvision.models.resnet18, "Not of this network: conv1.weight"),
        (lambda: nn.Module(), "Missing: conv1.conv.weight, conv1.conv.bias"),
    ],
)
def test_weights_of_another_network_are_told_from_its_own(other, says):
    with torch.device("meta"):
        state = other().state_dict()
        with pytest.raises(WeightsError) as caught:
            googlenet().load_state_dict(state)
        assert says in str(caught.value)
        assert "Load them into the network that they come from" in str(caught.value)
        if state and other is not torchvision.models.resnet18:
            other().load_state_dict(state)  # as advised


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fc.weight": np.zeros((10, 128))}, "fc.weight ndarray instead of (10, 128)"),
        ({"fc.bias": None}, "fc.bias NoneType instead of (10,)"),
        ({"fc.bias": torch.zeros(4)}, "fc.bias (4,) instead of (10,)"),
        ({7: torch.zeros(1)}, "Not of this network: 7"),
        ({"fc.weight": torch.zeros(0, 128)}, "fc.weight (0, 128) instead"),
        ({"fc.weight": torch.tensor(1.0)}, "fc.weight () instead"),
        ({"conv1.conv.weight": [1]}, "conv1.conv.weight list instead"),
        ({"conv1.conv.weight": torch.zeros(16, 3, 3, 3)}, "(16, 3, 3, 3) instead"),
        ({"inception3a.branch1.bn.bias": torch.zeros(8)}, "(8,) instead of (16,)"),
    ],
)
def test_a_checkpoint_with_other_things_in_it(change, says):
    """No argument would make it fit, and none is advised."""
    model = micro_googlenet()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        model.load_state_dict(model.state_dict() | change)
    assert says in str(caught.value)
    assert "Build the network" not in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    with pytest.raises(TypeError, match="dict-like"):
        model.load_state_dict("micro.pt")


@pytest.mark.parametrize("error", [RuntimeError, ValueError, WeightsError])
def test_other_weights_raise_what_pytorch_raises(error):
    with pytest.raises(error):
        micro_googlenet().load_state_dict({})


def test_a_file_without_counts_of_batches():
    """As older PyTorch and other programs write: BatchNorm fills them in."""
    state = micro_googlenet().state_dict()
    older = {key: value for key, value in state.items() if "num_batches" not in key}
    assert len(older) < len(state)
    micro_googlenet().load_state_dict(older)
    for key in state.keys() - older:
        del state[key]
    assert state._metadata  # the same, with PyTorch's note that counts should be there
    micro_googlenet().load_state_dict(state)


def test_loading_part_of_a_checkpoint_is_still_possible():
    with torch.device("meta"):
        model, state = googlenet(aux_heads=False), googlenet().state_dict()
    result = model.load_state_dict(state, strict=False)
    assert not result.missing_keys
    assert all(key.startswith("aux") for key in result.unexpected_keys)


def test_a_name_that_ends_alike_is_no_prefix():
    """`aux.conv1.conv.weight` ends as `conv1.conv.weight`, and is another layer's."""
    with torch.device("meta"):
        state = inception_v3().state_dict()
    assert unwrapped(state, state.keys()) == state
    odd = {"aux.conv1.conv.weight": 1, "aux.fc.weight": 2, "stem.weight": 3, "last.weight": 4}
    names = ["conv1.conv.weight", "conv2.conv.weight", "conv3.conv.weight", "fc.weight"]
    assert unwrapped(odd, names) == odd
