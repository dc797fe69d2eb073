"""What ships is what its card says: every checkpoint answers the test images again."""

import hashlib
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save_file

from utils import data
from utils.accounting import account
from utils.googlenet import micro_googlenet
from utils.pretrained import checkpoints, load, save
from utils.pretrained.shipped import CHECKPOINTS, read_card
from utils.training import Recipe, evaluate

FASHION = ("mini-googlenet", "plain-network", "small-resnet")
SHIPPED = [pytest.param(name, CHECKPOINTS, marks=pytest.mark.slow) for name in checkpoints()]


def test_these_ship_and_no_others():
    assert checkpoints() == ("colour-googlenet", *FASHION)


def test_the_three_on_fashion_mnist_can_be_compared():
    """As large within 2%, on the same images, trained in the same way."""
    cards = [read_card(name) for name in FASHION]
    sizes = [card["parameters"] for card in cards]
    assert max(sizes) <= min(300_000, 1.02 * sizes[0])
    assert min(sizes) >= 0.98 * sizes[0]
    assert len({Recipe(**card["recipe"] | {"seed": 0}) for card in cards}) == 1
    for key in ("trained_on", "tested_on", "classes", "mean", "std"):
        assert all(card[key] == cards[0][key] for card in cards), key
    assert read_card("colour-googlenet")["parameters"] <= 150_000


def check(name: str, folder: Path) -> None:
    """Raise an AssertionError unless a checkpoint keeps the promises of its card."""
    found = load(name, folder=folder)
    card, tested_on = found.card, found.card["tested_on"]
    test = getattr(data, tested_on["function"])("test", **tested_on["options"])
    assert found.classes == test.classes
    assert test.images.shape[1:] == (len(card["mean"]), *card["size"])

    result = evaluate(found.model, test, normalisation=(card["mean"], card["std"]), logits=True)
    assert result.count == card["count"]
    assert abs(result.correct - card["correct"]) <= 5
    assert card["accuracy"] == card["correct"] / card["count"]
    low, high = card["interval"]
    assert low < card["accuracy"] < high
    kept = (folder / f"{name}.logits.safetensors").read_bytes()
    assert hashlib.sha256(kept).hexdigest() == card["logits_sha256"]
    places, wanted = (safetensors.torch.load(kept)[key] for key in ("images", "logits"))
    assert (len(places), places[0], places[-1]) == (64, 0, len(test) - 1)  # spread over all
    for logits in (result.logits[places], found.model(found.preprocessing(test.images[places]))):
        assert (logits - wanted).abs().max() < 1e-4 * wanted.abs().max()

    counted = account(found.model, tuple(test.images.shape[1:]))
    assert counted.parameters == card["parameters"]
    assert counted.macs == card["multiply_adds"]
    assert Recipe(**card["recipe"]).seed == card["seed"]
    assert name in card["command"]
    assert card["licence"]
    assert card["machine"]
    assert card["cpu_seconds"] > 0


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A checkpoint of an untrained network, to show that the check can fail."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    training, options = data.patches("train", count=44, size=28), {"count": 256, "size": 28}
    model, test = micro_googlenet(len(training.classes)), data.patches("test", **options)
    model.train()(torch.rand(8, 3, 28, 28))  # statistics that are not those of the start
    normalisation = (training.mean, training.std)
    save(
        "tiny",
        model,
        network="micro_googlenet",
        training=training,
        test="patches",
        test_options=options,
        result=evaluate(model, test, normalisation=normalisation, logits=True),
        recipe=Recipe(),
        seed=0,
        command="train tiny",
        machine="any",
        cpu_seconds=1.0,
        folder=folder,
    )
    return folder


@torch.no_grad()
@pytest.mark.parametrize(("name", "folder"), [("tiny", None), *SHIPPED])
def test_a_checkpoint_keeps_the_promises_of_its_card(name, folder, made):
    check(name, folder or made)


def disturb_weights(folder: Path, card: dict) -> None:
    path = folder / "tiny.safetensors"
    state = load_file(path)
    state["inception4b.branch2.1.conv.weight"] *= 1.01
    save_file(state, path)
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()


def disturb_counts(folder: Path, card: dict) -> None:
    card |= {"correct": 250, "accuracy": 250 / card["count"]}


def disturb(*keys: str, by: object) -> object:
    def change(folder: Path, card: dict) -> None:
        inside = card
        for key in keys[:-1]:
            inside = inside[key]
        inside[keys[-1]] = by

    change.__name__ = "_".join(keys)
    return change


@torch.no_grad()
@pytest.mark.parametrize(
    "change",
    [
        disturb_weights,
        disturb_counts,
        disturb("mean", by=[0.5, 0.5, 0.6]),
        disturb("classes", by=[str(i) for i in range(11)]),
        disturb("tested_on", "options", by={"count": 256, "size": 28, "seed": 1}),
        disturb("parameters", by=1),
        disturb("seed", by=1),
        disturb("command", by=""),
    ],
    ids=lambda change: change.__name__,
)
def test_a_wrong_card_or_other_weights_do_not_pass(made, tmp_path, change):
    for path in made.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    card = json.loads((tmp_path / "tiny.json").read_text("utf-8"))
    change(tmp_path, card)
    (tmp_path / "tiny.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(AssertionError):
        check("tiny", tmp_path)
