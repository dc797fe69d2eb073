"""Slips, calibration and temperature: what the chapter on classifying images measures."""

import math

import pytest
import torch
from torch.nn import functional as F

from utils.data import fashion_mnist, results
from utils.experiments import silent
from utils.experiments.classify_images import (
    CLOTHES,
    COLOUR,
    FED,
    TRAINING,
    calibration_error,
    cost,
    costs,
    fed,
    fit_temperature,
    photos,
    places,
    reliability,
    stored,
    ways,
)
from utils.experiments.disguises import DISGUISES, PIXELS, WAYS, named_right
from utils.plots import points_lost
from utils.plots import reliability as drawn
from utils.pretrained import load


@pytest.mark.parametrize("network", [COLOUR, CLOTHES[0]])
def test_only_the_right_way_gives_what_the_network_was_trained_on(network):
    trained = load(network)
    images = photos(2).images if network == COLOUR else fashion_mnist("test").images[:2]
    right = fed(trained, images, "as trained")
    assert right.shape[2:] == trained.preprocessing.size
    for way in ways(network):
        other = fed(trained, images, way)
        assert other.shape == right.shape, way
        assert (other - right).abs().max() > 0.1 or way == "as trained", way
    if network != COLOUR:
        torch.testing.assert_close(right, trained.preprocessing(images), atol=1e-5, rtol=0)


def test_photographs_are_wide_and_hold_the_square_that_the_network_gets():
    some = photos(3)
    assert some.images.shape == (3, 3, 108, 144)
    assert some.labels.tolist() == [0, 1, 2]


def test_a_run_is_repeated_to_the_bit():
    again = FED.run(settings=[f"{COLOUR}: blue for red"], report=silent, tested=22)
    more = FED.run(settings=[f"{COLOUR}: blue for red"], report=silent, tested=22)
    assert again["right"].equals(more["right"])
    assert again["right"].iloc[0][:3] == stored(COLOUR, "blue for red")["right"][:3]


def answers(n: int, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores, and labels drawn from their own probabilities: calibrated by construction."""
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(n, classes, generator=generator)
    return scores, torch.multinomial(scores.softmax(1), 1, generator=generator)[:, 0]


def test_a_calibrated_network_lies_on_the_diagonal_and_others_do_not():
    scores, labels = answers(20_000)
    bins = reliability(scores.softmax(1), labels)
    assert bins["count"].sum() == 20_000
    covered = ((bins["low"] < bins["sure"]) & (bins["sure"] < bins["high"])).mean()
    assert covered > 0.7
    assert calibration_error(scores.softmax(1), labels) < 0.02
    assert calibration_error((3 * scores).softmax(1), labels) > 0.1


def test_bins_hold_their_upper_edge_and_intervals_are_wilsons():
    probabilities = torch.tensor([[0.5, 0.5], [0.6, 0.4], [1.0, 0.0]], dtype=torch.float64)
    bins = reliability(probabilities, torch.zeros(3, dtype=torch.long), 10)
    assert bins.index.tolist() == [4, 5, 9]
    assert bins["low"].iloc[0] == pytest.approx(1 / (1 + 1.959964**2))
    assert bins["high"].tolist() == pytest.approx([1, 1, 1])
    assert "1 answers" in drawn({"all": bins}).alt


@pytest.mark.parametrize("times", [0.3, 1.0, 4.0])
def test_the_temperature_is_where_the_loss_is_lowest(times):
    scores, labels = answers(20_000)
    found = fit_temperature(times * scores, labels)
    assert found == pytest.approx(times, rel=0.05)
    loss = F.cross_entropy(times * scores / found, labels)
    for near in (0.98, 1.02):
        assert F.cross_entropy(times * scores / (near * found), labels) > loss
    assert fit_temperature(100 * scores, labels) == pytest.approx(8, rel=1e-3)  # the bound


def test_each_disguise_changes_at_most_ten_pixels_of_garments_that_were_named_rightly():
    trained, garments = named_right("test")
    some = garments[:2]
    with torch.no_grad():
        named = trained.model(trained.preprocessing(garments.images)).argmax(1)
    assert torch.equal(named, garments.labels)
    for name, way in WAYS.items():
        changed = (way(trained, some.images, some.labels, 0) != some.images).flatten(1).sum(1)
        assert ((changed > 0) & (changed <= PIXELS)).all() or name == "the best of blind tries"
        assert (changed <= PIXELS).all()


def test_slips_are_drawn_the_dearest_above_and_only_together():
    picture = points_lost(costs(*CLOTHES))
    assert picture.alt.index("on its side") < picture.alt.index("mirrored")
    with pytest.raises(ValueError, match="the same slips"):
        points_lost(costs(COLOUR, *CLOTHES[:1]))
    with pytest.raises(ValueError, match="one to three"):
        points_lost({})


# --- What the chapter says in words -----------------------------------------------------------


def test_numbers_of_the_wrong_size_leave_guessing():
    for way in ("no mean", "no std", "neither", "bytes, 0 to 255", "bytes, then normalised"):
        assert stored(COLOUR, way)["accuracy"] < 0.1, way
    assert stored(COLOUR, TRAINING)["accuracy"] < 0.1
    for way in ("mean and std 0.5", "ImageNet's mean and std", "blue for red"):
        assert cost(COLOUR, way).low > 20, way


def test_a_switch_left_off_costs_most_of_what_the_colour_network_knows():
    assert cost(COLOUR, "transform_input off").low > 50
    assert cost(COLOUR, "mean taken off in uint8").low > 50
    assert places() < 100
    shown = costs(COLOUR)[COLOUR]
    assert max(shown, key=lambda way: shown[way].mean) == "no mean"


def test_blind_tries_reach_half_of_the_bar_at_most_and_one_gradient_less():
    sure = results(DISGUISES.name).groupby("way")["sure"]
    bar = sure.min()["the gradient, pixel by pixel"]
    assert sure.max()["the best of blind tries"] < bar / 2
    assert sure.max()["the gradient, asked once"] < sure.min()["the best of blind tries"]


def test_shapes_cost_the_colour_network_nothing_that_shows():
    for way in ("squeezed", "mirrored", "no antialias", "cropped, not resized", "on its side"):
        lost = cost(COLOUR, way)
        assert lost.low < 0 < lost.high, way


def test_the_network_is_surer_of_bytes_than_of_what_it_was_trained_on():
    for network in (COLOUR, *CLOTHES):
        usual = stored(network, "as trained")["sure"]
        assert stored(network, "bytes, 0 to 255")["sure"] > usual
    dear = [way for way, lost in costs(COLOUR)[COLOUR].items() if lost.low > 10]
    usual = stored(COLOUR, "as trained")["sure"]
    less = [way for way in dear if stored(COLOUR, way)["sure"] < usual - 0.04]
    assert len(dear) / 2 < len(less) < len(dear)


def test_clothes_on_their_side_cost_most_and_mirrored_ones_nothing():
    for network in CLOTHES:
        costs = {way: cost(network, way).mean for way in (*ways(network), TRAINING)}
        assert max(costs, key=costs.__getitem__) == "on its side"
        assert abs(costs["mirrored"]) < 2
        assert costs["dark on white"] > 50
        assert cost(network, "no std").low > cost(network, "mean and std 0.5").high


def test_bytes_cost_every_network_most_and_a_mean_of_half_two_networks_little():
    for network in (COLOUR, *CLOTHES):
        usual = stored(network, "as trained")["accuracy"]
        assert stored(network, "bytes, 0 to 255")["accuracy"] < usual / 2, network
    small = [cost(network, "mean and std 0.5").high < 12 for network in CLOTHES]
    assert sum(small) == 2


def test_networks_trained_with_smoothed_labels_are_less_sure_than_right():
    rows = results("calibration")
    assert set(rows["network"]) == {COLOUR, *CLOTHES}
    assert (rows["sure"] < rows["accuracy"] - 0.03).all()
    assert (rows["temperature"] < 1).all()
    assert (rows["error_after"] < rows["error"]).all()
    beyond = rows["sure_after"] - rows["accuracy"]
    assert (beyond[rows["network"] != COLOUR] > 0).all()
    assert beyond[rows["network"] == COLOUR].min() < -0.02 < 0.04 < beyond.max()
    assert math.isclose(rows.groupby(["network", "seed"])["tested"].sum().min(), 5_500)
