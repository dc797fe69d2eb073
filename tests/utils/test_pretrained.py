"""Networks by name, with weights: published ones up to the network's edge, and those of files."""

import pickle
import sys
from functools import partial

import pytest
import timm
import torch
import torchvision
from parity import pictures
from safetensors.torch import save_file
from torch import nn
from torchvision.models import GoogLeNet_Weights, Inception_V3_Weights

import utils
from utils.data import photograph, to_tensor
from utils.pretrained import ENTRIES, WeightsUnavailableError, create, models, preprocessing
from utils.pretrained.fitting import SCORES

V3 = "inception_v3"
PUBLISHED = [(name, weights) for name, published in models().items() for weights in published]
# Of the same network from the same place, one is enough for the default run.
SLOW = ("timm:tf_adv_in1k", "timm:gluon_in1k", "timm:tf_ens_adv_in1k")
FETCHED = [
    pytest.param(name, weights, marks=[pytest.mark.slow] if weights in SLOW else [])
    for name, weights in PUBLISHED
]


def reference(name: str, weights: str, **options) -> nn.Module:
    """The published network itself, with fresh weights."""
    there = ENTRIES[name].published[weights].there
    if weights == "torchvision":
        build = torchvision.models.get_model_builder(there.split("_Weights")[0].lower())
        return build(weights=None, init_weights=False, **options)
    return timm.create_model(there, **options)


@pytest.fixture
def internet(monkeypatch):
    """Stand in for the servers: downloads give the weights of a network put here."""
    server = {"asked": []}

    def download(*where, **options):
        server["asked"].append(where[0])
        return server["model"].state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", download)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", download)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url: None)
    return server


def test_the_package_offers_them_lazily():
    assert utils.create is create
    assert utils.models is models
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        utils.nothing  # noqa: B018


def test_models_lists_names_and_weights():
    listed = models()
    assert list(listed) == list(ENTRIES)
    assert listed["inception_v3"][0] == "torchvision"
    assert "timm:tf_in1k" in listed["inception_v4"]
    assert listed["bn_inception"] == ()


@pytest.mark.parametrize(("name", "weights"), FETCHED)
def test_published_weights_answer_as_published(internet, name, weights):
    torch.manual_seed(0)
    source = ENTRIES[name].published[weights]
    # torchvision's files hold auxiliary heads for both of its networks, timm's for one.
    extra = {"aux_logits": True} if source.aux and weights != "torchvision" else {}
    theirs = internet["model"] = reference(name, weights, **extra).eval()
    theirs.aux_logits = False  # its heads stay, unused: timm would run them in evaluation too
    ours = create(name, weights=weights).eval()
    assert len(internet["asked"]) == 1
    assert not ENTRIES[name].aux or (getattr(ours, "aux", None) is not None) == source.aux
    size = max(ours.smallest, 32)
    x = pictures(2, size)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "weights"), PUBLISHED)
def test_preprocessing_is_the_published_one(name, weights):
    image = to_tensor(photograph("cat"))
    ours = preprocessing(name, weights)
    there = ENTRIES[name].published[weights].there
    if weights == "torchvision":
        usual = torchvision.models.get_weight(there).transforms()(image)
        theirs = reference(name, weights, aux_logits=False)
        theirs.transform_input = True  # what torchvision sets with these weights
        torch.testing.assert_close(ours(image), theirs._transform_input(usual), atol=1e-5, rtol=0)
    else:
        config = timm.get_pretrained_cfg(there).to_dict()
        config = timm.data.resolve_data_config(pretrained_cfg=config)
        assert (ours.mean, ours.std) == (config["mean"], config["std"])
        assert ours.resize == int(config["input_size"][1] / config["crop_pct"])
        assert ours.interpolation == config["interpolation"]
        assert ours(image).shape == (1, *config["input_size"])


def test_heads_follow_the_weights(internet):
    internet["model"] = reference("inception_v3", "torchvision")
    assert create("inception_v3", weights="torchvision").aux is not None
    assert create("inception_v3", weights="torchvision", aux_heads=False).aux is None
    internet["model"] = reference("inception_v3", "timm:tf_in1k")
    assert create("inception_v3", weights="timm:tf_in1k").aux is None


KNOWN = r'there are: "torchvision", "timm:tv_in1k"'
REFUSED = [
    (lambda: create("inception_v9"), "'inception_v9'.*inception_v3.*xception"),
    (lambda: create(V3, weights="timm:tf_in1k", aux_heads=True), "no trained auxiliary heads"),
    (
        lambda: create(V3, weights="timm:gluon_in1k", in_channels=1),
        r"colour.*x\.expand\(-1, 3",
    ),
    (lambda: preprocessing(V3, "timm:gluon_in1k", in_channels=1), r"leave out in_channels"),
    (lambda: create(V3, weights=GoogLeNet_Weights.DEFAULT), f"'GoogLeNet_Weights.IM.*{KNOWN}"),
    (
        lambda: create("googlenet", weights=GoogLeNet_Weights.DEFAULT),
        "for googlenet; there are: none",
    ),
    (lambda: create(V3, weights=True), "by name.*state dict.*got bool"),
    (lambda: create(V3, weights=nn.Linear(1, 1)), r"model.state_dict\(\).*got Linear"),
    (lambda: create(V3, weights="torchvison"), KNOWN),
    (lambda: create(V3, weights="no/such/file.safetensors"), KNOWN),
    (lambda: create(V3, weights="~nobody-of-this-name/mine.pt"), KNOWN),
    (lambda: preprocessing(V3, "timm:in21k"), KNOWN),
]


def test_what_is_refused(internet):
    for call, says in REFUSED:
        with pytest.raises((TypeError, ValueError, FileNotFoundError), match=says):
            call()
    assert not internet["asked"]


def test_without_timm_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsUnavailableError, match="pip install timm"):
        create("inception_v4", weights="timm:tf_in1k")


def test_other_weights_on_the_server_are_an_error(internet):
    internet["model"] = torchvision.models.resnet18()
    with pytest.raises(
        ValueError, match=r"Missing: conv1\.conv\.weight.*Not of this network: conv1\.weight"
    ):
        create("inception_v3", weights="torchvision")


# Files


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_with_our_names(tmp_path, suffix):
    model = create("micro_googlenet", num_classes=4)
    path = tmp_path / f"weights{suffix}"
    save = save_file if suffix == ".safetensors" else torch.save
    save(model.state_dict(), path)
    for weights in (path, str(path)):
        again = create("micro_googlenet", weights=weights, num_classes=4)
        assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())
    for name in ("bn_inception", "xception"):
        with pytest.raises(ValueError, match="another network's weights"):
            create(name, weights=path)


def total(state: dict) -> float:
    return sum(v.double().abs().sum().item() for k, v in state.items() if "num_batches" not in k)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if entry.size > 64 and name != V3 else [])
        for name, entry in ENTRIES.items()
    ],
)
def test_weights_of_any_network_as_they_are_found(tmp_path, name):
    """Old, behind prefixes, one level down, with other classes, under a wrong ending."""
    published = models()[name]
    build = partial(reference, name, published[0]) if published else partial(create, name)
    state = build(num_classes=3).state_dict()
    kept = {key: value for key, value in state.items() if "num_batches" not in key}
    old = {f"module._orig_mod.{key}": value for key, value in kept.items()}
    save_file(old, tmp_path / "weights.pt")
    torch.save({"epoch": 3, "optimizer": {"state": {}}, "model": old}, tmp_path / "wrapped.pth")
    content = (tmp_path / "weights.pt").read_bytes()
    forms = (tmp_path / "wrapped.pth", tmp_path / "weights.pt", content, old, kept)
    for weights in forms[: 1 if ENTRIES[name].size > 64 else None]:
        model = create(name, weights=weights)
        found = model.state_dict()
        assert {len(value) for key, value in found.items() if SCORES.match(key)} == {3}
        assert total(found) == pytest.approx(total(kept))


@pytest.mark.parametrize("name", [V3, "googlenet_bn"])
def test_another_number_of_classes_in_all_heads(tmp_path, internet, name):
    """The trunk is the weights', every head starts afresh; and what is saved loads again."""
    there = internet["model"] = reference(V3, "torchvision") if name == V3 else create(name)
    weights = "torchvision" if name == V3 else there.state_dict()
    model = create(name, weights=weights, num_classes=5)
    state = model.state_dict()
    assert {len(state[key]) for key in filter(SCORES.match, state)} == {5}
    assert sum(map(bool, map(SCORES.match, state))) == (4 if name == V3 else 6)
    same = create(name, weights=weights).state_dict()
    assert all(torch.equal(value, same[k]) for k, value in state.items() if not SCORES.match(k))
    torch.save(state, tmp_path / "mine.pt")
    again = create(name, weights=tmp_path / "mine.pt").state_dict()
    assert all(torch.equal(value, again[key]) for key, value in state.items())
    state["fc.weight"], state["fc.bias"] = torch.ones(7, model.fc.in_features), torch.ones(7)
    with pytest.raises(ValueError, match=r"model\.fc alone.*with aux_heads=False"):
        create(name, weights=state)
    assert len(create(name, weights=state, aux_heads=False).fc.bias) == 7


@torch.no_grad()
def test_grey_images_are_colour_images_whose_channels_are_equal(internet):
    torch.manual_seed(0)
    internet["model"] = reference(V3, "torchvision")
    weights = Inception_V3_Weights.IMAGENET1K_V1
    one = create(V3, weights=weights, in_channels=1).eval()
    three = create(V3, weights=weights).eval()
    grey = pictures(2, 96).clamp(0, 1)[:, :1]
    prepared = preprocessing(V3, weights, in_channels=1)(grey)
    colours = preprocessing(V3, weights)(grey.expand(-1, 3, -1, -1))
    assert prepared.shape[1] == 1
    x, y = prepared[..., :96, :96], colours[..., :96, :96]
    assert not torch.allclose(one(x)[0], one(x)[1])
    torch.testing.assert_close(one(x), three(y), rtol=1e-4, atol=1e-5)


def test_what_does_not_go_with_weights():
    grey, colour = (create("micro_googlenet", in_channels=n).state_dict() for n in (1, 3))
    assert create("micro_googlenet", weights=grey).config.in_channels == 1
    for state, channels in ((grey, 3), (colour, 4)):
        with pytest.raises(ValueError, match=f"not {channels}: leave out in_channels"):
            create("micro_googlenet", weights=state, in_channels=channels)
    with pytest.raises(ValueError, match="leave out aux_heads"):
        create(
            "googlenet", weights=create("googlenet", aux_heads=False).state_dict(), aux_heads=True
        )
    with pytest.raises(ValueError, match="what came as 3 bytes holds no weights"):
        create("micro_googlenet", weights=b"abc")


NONE = torch.zeros(1)
OTHERS = [
    ({"fc.weight": None}, "fc.weight NoneType instead of"),
    ({"fc.bias": torch.zeros(4)}, r"fc.bias \(4,\) instead of \(10,\)"),
    ({"fc.weight": torch.zeros(0, 128)}, r"fc.weight \(0, 128\) instead"),
    ({"conv1.conv.weight": torch.zeros(16, 3, 3, 3)}, r"\(16, 3, 3, 3\) instead"),
    ({"stray": NONE}, "Not of this network: stray"),
    ({"module.stray": NONE}, "'module.' stands before module.stray, and not before conv1"),
]


@pytest.mark.parametrize(("change", "says"), OTHERS)
def test_a_name_or_shape_of_another_network_is_an_error_that_tells_it(change, says):
    state = create("micro_googlenet").state_dict() | change
    with pytest.raises(ValueError, match=says):
        create("micro_googlenet", weights=state)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module."])
def test_prefixes_come_off_all_names_or_none(prefix):
    model = create("micro_googlenet")
    state = {f"{prefix}{key}": value for key, value in model.state_dict().items()}
    again = create("micro_googlenet", weights={"state_dict": state, "epoch": 3})
    assert torch.equal(again.fc.weight, model.fc.weight)
    with pytest.raises(ValueError, match="not before stray"):
        create("micro_googlenet", weights=state | {"stray": NONE})
    with pytest.raises(ValueError, match="both state_dict and model"):
        create("micro_googlenet", weights={"state_dict": state, "model": state})
    with pytest.raises(RuntimeError, match="stray"):  # PyTorch's own loading takes off nothing
        model.load_state_dict(state | {"stray": NONE})


def test_published_and_own_names_of_one_weight_are_not_mixed():
    state = reference(V3, "torchvision", aux_logits=False).state_dict()
    ours = "inception_c1.branch1.conv.weight"
    with pytest.raises(ValueError, match=ours):
        create(V3, weights=state | {ours: NONE})


@pytest.mark.parametrize("heads", [True, False])
def test_a_file_with_published_names(tmp_path, heads):
    """Heads are built if the file has them."""
    theirs = reference("inception_v3", "torchvision", aux_logits=heads)
    save_file(theirs.state_dict(), tmp_path / "v3.safetensors")
    ours = create("inception_v3", weights=tmp_path / "v3.safetensors")
    assert (ours.aux is not None) == heads
    assert torch.equal(ours.fc.weight, theirs.fc.weight)
    assert torch.equal(ours.inception_c1.branch1.conv.weight, theirs.Mixed_7b.branch1x1.conv.weight)


class Evil:
    ran = False

    def __reduce__(self):
        return (setattr, (Evil, "ran", True))


def test_a_file_with_code_in_it_runs_nothing(tmp_path):
    torch.save({"fc.weight": Evil()}, tmp_path / "evil.pt")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Evil(), protocol=2))
    for name in ("evil.pt", "evil.pkl"):
        with pytest.raises(ValueError, match="without running code"):
            create("micro_googlenet", weights=tmp_path / name)
    assert not Evil.ran


def test_files_that_hold_no_weights(tmp_path):
    (tmp_path / "text.safetensors").write_text("no weights")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save([1, 2], tmp_path / "list.pt")
    cases = {
        "text.safetensors": "safetensors",
        "empty.pt": "torch.save",
        "list.pt": "holds a list",
    }
    for name, says in cases.items():
        with pytest.raises(ValueError, match=says):
            create("micro_googlenet", weights=tmp_path / name)


def test_weights_that_are_not_finite():
    state = create("micro_googlenet").state_dict()
    weight = state["conv1.conv.weight"].double()
    nan = weight * torch.nan
    for wrong in (nan, nan.to(torch.float8_e4m3fn), weight + 1e300):  # more than float32 holds
        state["conv1.conv.weight"] = wrong
        with pytest.raises(ValueError, match=r"'conv1\.conv\.weight' holds numbers that are not f"):
            create("micro_googlenet", weights=state)


def test_weights_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save(create("micro_googlenet").state_dict(), tmp_path / "mine.pt")
    create("micro_googlenet", weights="~/mine.pt")
