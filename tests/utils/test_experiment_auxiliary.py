"""Auxiliary heads: gradients that are those of the losses, and trainings that nobody disturbs."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from utils.blocks import AuxiliaryHead
from utils.data import results
from utils.data.stored import RESULTS
from utils.exercises import auxiliary_classifiers as questions
from utils.experiments import Store, silent
from utils.experiments import auxiliary_classifiers as aux
from utils.experiments.measures import fresh
from utils.experiments.rates import chosen
from utils.googlenet import googlenet
from utils.plots import (
    gradient_maps,
    gradients_by_stage,
    learning_curves,
    runs,
    signal_by_stage,
    ways_of_gradients,
)
from utils.training import Recipe
from utils.training.loop import total_loss


def model_and_batch(norm=None, heads=True):
    model = fresh(lambda: aux.small_network(heads=heads, norm=norm), seed=3)
    images = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    return model, images, torch.arange(6)


# --- The networks -----------------------------------------------------------------------------


def test_heads_stand_on_the_third_and_sixth_module_and_change_nothing_else():
    with_heads = fresh(lambda: aux.small_network(heads=True, norm="batch"), seed=0)
    without = fresh(lambda: aux.small_network(heads=False, norm="batch"), seed=0)
    modules = [name for name in aux.LAYERS if name.startswith("inception")]
    assert [modules.index(name) for name in aux.HEADS] == [2, 5]
    assert len(modules) == 8
    own, other = with_heads.state_dict(), without.state_dict()
    assert {name.split(".")[0] for name in own.keys() - other.keys()} == {"aux1", "aux2"}
    assert all(torch.equal(own[name], value) for name, value in other.items())
    images = torch.randn(2, 1, 28, 28)
    assert [tuple(scores.shape) for scores in with_heads.train()(images)] == 3 * [(2, 10)]
    assert tuple(with_heads.eval()(images).shape) == (2, 10)


def test_a_head_can_be_as_small_as_its_network():
    head = AuxiliaryHead(44, 10, filters=12, hidden=96, pool="adaptive")
    count = sum(p.numel() for p in head.parameters())
    assert count == 12 * 45 + 96 * (12 * 16 + 1) + 10 * 97
    for name in ("filters", "hidden"):
        with pytest.raises(ValueError, match=name):
            AuxiliaryHead(44, 10, **{name: 0})
        with pytest.raises(ValueError, match=name):
            googlenet("bn", **{f"aux_{name}": 0})


def test_each_start_has_the_spread_that_it_promises():
    model = googlenet("paper", num_classes=10)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    aux.begin(model, "He", seed=0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    layers = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    large = [layer for layer in layers.values() if layer.weight.numel() > 20_000]
    aux.begin(model, "small normal", seed=0)
    assert all(layer.weight.std().item() == pytest.approx(0.01, rel=0.05) for layer in large)
    assert all((layer.bias == 0).all() for layer in layers.values())
    aux.begin(model, "Caffe", seed=0)
    for name, layer in layers.items():
        inputs = layer.weight[0].numel()
        assert layer.weight.abs().max() <= 1.001 * math.sqrt(3 / inputs)
        if layer in large:
            assert layer.weight.std().item() == pytest.approx(math.sqrt(1 / inputs), rel=0.05)
        scores = name in ("fc", "aux1.fc2", "aux2.fc2")
        assert (layer.bias == (0 if scores else 0.2)).all()
    aux.begin(model, "old Caffe", seed=0)
    for name, std in (("conv3.conv", 0.03), ("inception5b.branch3.0.conv", 0.2), ("fc", 0.01)):
        assert layers[name].weight.std().item() == pytest.approx(std, rel=0.05)
    assert layers["aux1.conv.conv"].weight.std().item() == pytest.approx(0.08, rel=0.05)
    assert (layers["conv1.conv"].bias == 0.2).all()
    with pytest.raises(ValueError, match="start"):
        aux.begin(model, "zeros", seed=0)


# --- Gradients --------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [None, "batch"])
def test_the_joint_gradient_is_that_of_the_training_loss(norm):
    model, images, labels = model_and_batch(norm)
    found = aux.gradients(model, images, labels)
    model.train()
    for head in (model.aux1, model.aux2):
        head.dropout.p = 0.0
    total_loss(model(images), labels, Recipe(aux_weight=0.3, label_smoothing=0.0)).backward()
    for name, norms in found.items():
        weights = [p for p in getattr(model, name).parameters() if p.ndim >= 2]
        want = math.sqrt(sum(p.grad.double().square().sum().item() for p in weights))
        assert norms["joint"] == pytest.approx(want, rel=1e-4), name
        size = math.sqrt(sum(p.detach().double().square().sum().item() for p in weights))
        assert norms["weights"] == pytest.approx(size, rel=1e-6)


def test_a_loss_reaches_what_stands_in_front_of_it_and_no_more():
    model, images, labels = model_and_batch()
    found = aux.gradients(model, images, labels)
    places = list(found)
    for head, layer in (("aux1", "inception3a"), ("aux2", "inception3d")):
        reached = {name for name, norms in found.items() if norms[head] > 0}
        assert reached == {*places[: places.index(layer) + 1], head}
    assert {name for name, norms in found.items() if norms["main"] == 0} == {"aux1", "aux2"}
    for norms in found.values():  # a norm of a sum
        assert norms["joint"] <= norms["main"] + norms["aux1"] + norms["aux2"] + 1e-9


def test_the_weight_of_the_heads_scales_their_gradient_alone():
    model, images, labels = model_and_batch()
    once, twice = (aux.gradients(model, images, labels, aux_weight=w) for w in (0.3, 0.6))
    for name, norms in once.items():
        assert twice[name]["main"] == pytest.approx(norms["main"], rel=1e-6)
        assert twice[name]["aux1"] == pytest.approx(2 * norms["aux1"], rel=1e-5)
        assert twice[name]["aux2"] == pytest.approx(2 * norms["aux2"], rel=1e-5)


def test_without_heads_all_is_the_main_loss():
    model, images, labels = model_and_batch("batch", heads=False)
    for norms in aux.gradients(model, images, labels).values():
        assert norms["joint"] == norms["main"] > 0
        assert math.isnan(norms["aux1"])
        assert math.isnan(norms["aux2"])


def test_looking_changes_nothing():
    model, images, labels = model_and_batch("batch")
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = aux.gradients(model, images, labels)
    assert first == aux.gradients(model, images, labels)  # dropout is off
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert model.aux1.dropout.p == 0.7
    assert all(p.grad is None for p in model.parameters())


def test_norms_do_not_underflow():
    assert aux._norm([torch.tensor([3e-30, 4e-30]), None]) == pytest.approx(5e-30)
    assert aux._norm([None]) == 0


def test_the_photographs_are_real_and_always_the_same():
    images, labels = aux.photograph_batch()
    assert images.shape == (8, 3, 224, 224)
    assert len(set(labels.tolist())) == 8
    assert 0.3 < images.std() < 3
    assert torch.equal(images, aux.photograph_batch()[0])


# --- Trainings --------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """Judge a training on few images."""
    monkeypatch.setattr(aux, "CURVE", 40)
    monkeypatch.setattr(aux, "END", 80)


def run(setting="BatchNorm, He, heads", **changes):
    options = {**aux.AUX_RATES.options, **aux.SETTINGS[setting]}
    recipe = replace(options.pop("recipe"), max_images=256, precision="float32")
    options |= {"held_out": 9_000, "recipe": recipe, **changes}
    return aux.learn(seed=0, report=silent, **options)


def test_a_training_is_the_same_however_often_it_is_looked_at(quick):
    seldom, often = run(moments=(0, 1)), run(moments=(0, 0.25, 0.5, 1))
    assert [row["step"] for row in seldom] == [0, 4]
    assert [row["step"] for row in often] == [0, 1, 2, 4]
    assert pd.DataFrame([seldom[0], seldom[-1]]).equals(pd.DataFrame([often[0], often[-1]]))
    assert math.isnan(often[1]["test_accuracy"])
    assert 0 <= often[-1]["test_accuracy"] <= 1
    assert often[0]["joint_conv1"] != often[1]["joint_conv1"]


def test_what_is_held_out_is_not_trained_on(quick):
    with pytest.raises(ValueError, match="cannot be taken from 20"):
        run(moments=(0, 1), held_out=9_980)


def test_the_first_row_is_the_fresh_network(quick):
    row = run("plain, small normal, heads", moments=(0, 1))[0]

    def build():
        model = aux.small_network(heads=True, norm=None)
        aux.begin(model, "small normal", seed=0)
        return model

    found = aux.gradients(fresh(build, seed=0), *aux.fashion_batch())
    for name in aux.LAYERS:
        if name in found:
            for value in aux.KEPT:
                assert row[f"{value}_{name}"] == pytest.approx(found[name][value], rel=1e-3)
    assert row["curve_loss"] == pytest.approx(math.log(10), abs=0.01)


def test_a_training_that_diverges_is_a_row(quick):
    options = dict(aux.AUX_RATES.options["recipe"].__dict__)
    recipe = Recipe(**options | {"peak_rate": 1e6, "max_images": 256, "precision": "float32"})
    rows = run("plain, He, no heads", moments=(0, 1), recipe=recipe)
    assert [row["diverged"] for row in rows] == [*([False] * (len(rows) - 1)), True]
    assert rows[-1]["step"] < 4


# --- What is stored ---------------------------------------------------------------------------


@pytest.mark.parametrize("experiment", [aux.AUX_RATES, aux.AUX_START, aux.AUX_TRAINING])
def test_the_stored_rows_are_those_of_the_experiment(experiment):
    path = RESULTS / f"{experiment.name}.csv"
    experiment.missing(Store(path))  # raises where options differ
    assert path.stat().st_size < 400_000


def test_every_setting_that_learns_has_a_worse_rate_on_either_side():
    rows = results("aux_rates").dropna(subset="test_accuracy").set_index("setting")
    assert (rows["images"] <= 6_400).all()
    best = chosen(aux.AUX_RATES, aux.GRID, aux._at)
    for setting, rates in aux.GRID.items():
        found = rows.loc[[aux._at(setting, rate) for rate in rates], "test_accuracy"]
        if found.max() < 0.15:  # one in ten is right by chance: no rate teaches it anything
            assert "plain, small normal" in setting
            continue
        place = rates.index(best[setting])
        assert 0 < place < len(rates) - 1, setting


def test_compared_trainings_saw_the_same_images_at_their_own_rate():
    rows = results("aux_training")
    best = chosen(aux.AUX_RATES, aux.GRID, aux._at)
    for (setting, _), run_rows in rows.groupby(["setting", "seed"]):
        assert (run_rows["peak_rate"] == best[setting]).all()
        end = run_rows.iloc[-1]
        assert end["diverged"] or end["images"] == aux.RECIPE.max_images
    assert aux.RECIPE.max_images <= 50_000


# --- Questions and pictures -------------------------------------------------------------------


def test_the_share_of_the_heads_is_computed():
    question = questions.share_of_heads()
    heads = 3_188_840 + 3_190_888
    assert question.state["answer"] == round(100 * heads / (heads + 6_998_552), 1)


@pytest.mark.parametrize(
    ("ratio", "text"), [(1e-6, "million"), (0.09, "ten times smaller"), (8.0, "ten times larger")]
)
def test_the_gradient_question_marks_what_was_measured(ratio, text):
    rows = pd.DataFrame({"stage": ["conv1", "inception5b"], "main": [ratio, 1.0]})
    options = questions.predict_gradient(rows).state["options"]
    [right] = [option["text"] for option in options if option["right"]]
    assert text in right
    with pytest.raises(ValueError, match="stage"):
        questions.predict_gradient(rows[:1])


@pytest.mark.parametrize(
    ("gain", "text"), [(0.2, "more than 10"), (0.05, "2 to 10"), (0.01, "hardly"), (-0.1, "worse")]
)
def test_the_learning_question_marks_what_was_measured(gain, text):
    rows = pd.DataFrame(
        [("a", seed, 0.5) for seed in (0, 1)] + [("b", seed, 0.5 + gain) for seed in (0, 1)],
        columns=["setting", "seed", "test_accuracy"],
    )
    options = questions.predict_learning(rows, without="a", heads="b").state["options"]
    [right] = [option["text"] for option in options if option["right"]]
    assert text in right
    with pytest.raises(ValueError, match="heads"):
        questions.predict_learning(rows, without="a", heads="c")


def test_the_pictures_draw_what_they_are_given():
    rows = pd.DataFrame(
        {
            "stage": ["a", "b"] * 2,
            "seed": [0, 0, 1, 1],
            "main": [1, 2, 3, 4.0],
            "joint": [5, 6, 7, 8.0],
        }
    )
    shown = gradients_by_stage({"x": {"one": rows}}, stages={"a": "A", "b": "B"}, alt="words")
    lines = shown.figure.axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[2, 3], [6, 7]]
    assert shown.figure.axes[0].get_yscale() == "log"
    with pytest.raises(ValueError, match="lack the stages"):
        gradients_by_stage({"x": {"one": rows}}, stages={"c": "C"}, alt="words")
    curve = pd.DataFrame(
        {"images": [0, 64] * 2, "seed": [0, 0, 1, 1], "curve_loss": [2, 1, 9, 1.0]}
    )
    shown = learning_curves({"x": {"one": curve}}, alt="words")
    assert [list(line.get_ydata()) for line in shown.figure.axes[0].lines] == [
        [2, 1],
        [3, 1],
        [3, 1],
    ]
    for draw in (
        lambda: gradients_by_stage({}, stages={}, alt="a"),
        lambda: learning_curves({}, alt="a"),
    ):
        with pytest.raises(ValueError, match="at least one panel"):
            draw()


def test_maps_share_a_scale_and_panels_an_axis():
    maps = {"a": {"x": np.full((2, 2), 1e-9)}, "b": {"x": np.full((2, 2), 10.0)}}
    axes = gradient_maps(maps, alt="words").figure.axes
    assert axes[0].images[0].norm.vmin == axes[1].images[0].norm.vmin == -10
    assert [float(axis.images[0].get_array().max()) for axis in axes[:2]] == pytest.approx([-10, 0])
    lines = {"one": {"A": 1.0, "B": 0.1}, "two": {"A": 2.0, "B": 3.0}}
    axis = signal_by_stage(lines, label="size", alt="words").figure.axes[0]
    assert [list(line.get_ydata()) for line in axis.lines] == [[1, 0.1], [2, 3]]
    assert "head" in ways_of_gradients().alt
    for draw, wrong in ((gradient_maps, {"a": {"x": 1}, "b": {"y": 1}}), (signal_by_stage, {})):
        with pytest.raises(ValueError, match="the same"):
            draw(wrong, alt="words", **({"label": "l"} if draw is signal_by_stage else {}))


def test_an_axis_of_accuracies_begins_at_zero():
    rows = pd.DataFrame({"setting": 3 * ["a"], "seed": [0, 1, 2], "test_accuracy": [0.1, 0.3, 0.9]})
    assert runs(rows).figure.axes[0].get_xlim()[0] == 0
