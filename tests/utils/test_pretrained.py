"""Networks by name, with weights: published ones up to the network's edge, and those of files."""

import pickle
import random
import sys
import urllib.error

import pytest
import timm
import torch
import torchvision
from parity import pictures
from safetensors.torch import save_file
from torch import nn

import utils
from utils.data import photograph, to_tensor
from utils.pretrained import ENTRIES, WeightsUnavailableError, create, models, preprocessing

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
    assert ENTRIES[name].aux == () or (getattr(ours, "aux", None) is not None) == source.aux
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


V3 = "inception_v3"
KNOWN = r'there are: "torchvision", "timm:tv_in1k"'
REFUSED = [
    (lambda: create("inception_v9"), "'inception_v9'.*inception_v3.*xception"),
    (lambda: create(V3, weights="timm:tf_in1k", num_classes=10), "1000, not 10.*model.fc"),
    (lambda: create(V3, weights="timm:tf_in1k", in_channels=1), "in_channels=3, not 1"),
    (lambda: create(V3, weights="timm:tf_in1k", aux_heads=True), "no trained auxiliary heads"),
    (lambda: create(V3, weights="torchvison"), KNOWN),
    (lambda: create(V3, weights="no/such/file.safetensors"), KNOWN),
    (lambda: create(V3, weights="~nobody-of-this-name/mine.pt"), KNOWN),
    (lambda: preprocessing(V3, "timm:in21k"), KNOWN),
    (lambda: preprocessing(V3, "torchvision")(photograph("cat")), "ndarray.*to_tensor"),
    (
        lambda: preprocessing(V3, "torchvision")(torch.zeros(1, 3, 9, 9).byte()),
        r"0\.\.1, got torch\.uint8.*to_tensor",
    ),
]


def test_what_is_refused(internet):
    for call, says in REFUSED:
        with pytest.raises((TypeError, ValueError, FileNotFoundError), match=says):
            call()
    assert not internet["asked"]


@pytest.mark.parametrize("name", ["googlenet_torchvision", "inception_v4", "xception"])
def test_without_a_network_one_sentence_says_so(monkeypatch, name):
    error = urllib.error.URLError("no route to host")

    def download(*where, **options):
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", download)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_url", download)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", download)
    weights = models()[name][0]
    with pytest.raises(WeightsUnavailableError, match=f'create\\("{name}"\\)') as caught:
        create(name, weights=weights)
    message = str(caught.value)
    assert type(error).__name__ in message
    assert "internet" in message
    assert "\n" not in message
    assert caught.value.__suppress_context__


def test_without_timm_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(WeightsUnavailableError, match="pip install timm"):
        create("inception_v4", weights="timm:tf_in1k")


def test_other_weights_on_the_server_are_an_error(internet):
    internet["model"] = torchvision.models.resnet18()
    with pytest.raises(ValueError, match=r"Missing: Conv2d_1a_3x3.*Left over: conv1\.weight"):
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
    with pytest.raises(ValueError, match=r"Of another shape: fc\.weight"):
        create("micro_googlenet", weights=path)
    with pytest.raises(ValueError, match="these are another network's weights"):
        create("bn_inception", weights=path)
    with pytest.raises(ValueError, match="these are not the published weights"):
        create("xception", weights=path)


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
    torch.save({"model": create("micro_googlenet").state_dict()}, tmp_path / "wrapped.pt")
    cases = {
        "text.safetensors": "safetensors",
        "empty.pt": "torch.save",
        "list.pt": "holds a list",
        "wrapped.pt": r"load state_dict\['model'\]",
    }
    for name, says in cases.items():
        with pytest.raises(ValueError, match=says):
            create("micro_googlenet", weights=tmp_path / name)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: w.fill_(torch.nan),
        lambda w: w.double().fill_(1e300),  # float32 cannot hold it
        lambda w: w.fill_(torch.nan).to(torch.float8_e4m3fn),
    ],
    ids=["nan", "too large", "float8"],
)
def test_weights_that_are_not_finite(tmp_path, spoil):
    state = create("micro_googlenet").state_dict()
    state["conv1.conv.weight"] = spoil(state["conv1.conv.weight"].clone())
    torch.save(state, tmp_path / "weights.pt")
    save_file(state, tmp_path / "weights.safetensors")
    for path in tmp_path.iterdir():
        with pytest.raises(ValueError, match=r"'conv1\.conv\.weight' holds numbers that are not f"):
            create("micro_googlenet", weights=path)


def test_damaged_files_are_refused_in_words(tmp_path):
    """Bytes flipped anywhere: a sentence, or the very weights."""
    torch.manual_seed(0)
    state = nn.Linear(8, 4).state_dict()
    torch.save(state, tmp_path / "good.pt")
    good, draw = (tmp_path / "good.pt").read_bytes(), random.Random(0)
    for _ in range(60):
        place = draw.randrange(len(good))
        changed = good[:place] + bytes([good[place] ^ draw.randrange(1, 256)]) + good[place + 1 :]
        (tmp_path / "bad.pt").write_bytes(changed)
        with pytest.raises(ValueError, match=r"bad\.pt|weights"):
            create("micro_googlenet", weights=tmp_path / "bad.pt")


def test_weights_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save(create("micro_googlenet").state_dict(), tmp_path / "mine.pt")
    create("micro_googlenet", weights="~/mine.pt")
