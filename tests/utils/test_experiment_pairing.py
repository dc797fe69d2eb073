"""Arms that are compared seed by seed: the same images in the same order, and the same start."""

from itertools import combinations

import pytest
import torch

from utils.experiments import auxiliary_classifiers, measures, silent
from utils.experiments.catalogue import EXPERIMENTS
from utils.training import Batches

#: These look at networks that are trained already, or not at all.
UNTRAINED = (
    *("aux_start", "stage_times", "step_times", "views", "fed", "calibration"),
    *("compare_times", "named", "disturbed", "disguises"),
)
#: Not all of their arms run through the usual loop; their own tests hold what the arms share.
LOOPS_OF_THEIR_OWN = ("tuning", "tuning_slips")
#: Networks of other shapes, on all of Fashion-MNIST, which is not on every machine.
ON_ALL_IMAGES = ("record_steps", "record_minutes")
#: What trains; rates are chosen from, not compared seed by seed.
COMPARED = {
    name: experiment
    for name, experiment in EXPERIMENTS.items()
    if "_rates" not in name and name not in (*UNTRAINED, *ON_ALL_IMAGES, *LOOPS_OF_THEIR_OWN)
}


class Caught(Exception):  # noqa: N818  (no error: it brings what a training would begin with)
    pass


@pytest.fixture
def begun(monkeypatch):
    """Return a function that gives what one arm's training begins with: weights, images, labels."""

    def train(network, data, *, recipe, **others):
        batches = data if isinstance(data, Batches) else Batches(data, recipe)
        images, labels = next(iter(batches.epoch(0)))
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        raise Caught(weights, images, labels)

    for module in (measures, auxiliary_classifiers):
        monkeypatch.setattr(module, "train", train)

    def of(experiment, options, seed=1):
        with pytest.raises(Caught) as caught:
            experiment.measure(seed=seed, report=silent, **options)
        return caught.value.args

    return of


def trunk(weights):
    """Return the shapes of all that is no head; networks that agree in them can begin alike."""
    return {n: v.shape for n, v in weights.items() if not n.startswith(("aux", "fc."))}


@pytest.mark.parametrize("name", COMPARED)
def test_arms_of_one_seed_begin_alike(name, begun):
    experiment = COMPARED[name]
    plan = {
        name: options for name, options in experiment.plan().items() if options.get("trained", True)
    }
    found = {setting: begun(experiment, options) for setting, options in plan.items()}
    for one, other in combinations(plan, 2):
        (weights, images, labels), (theirs, shown, called) = found[one], found[other]
        assert torch.equal(labels, called), (one, other)
        recipes = plan[one]["recipe"], plan[other]["recipe"]
        if len({(recipe.crop, recipe.flip) for recipe in recipes}) == 1:
            assert torch.equal(images, shown), (one, other)
        if trunk(weights) != trunk(theirs) or plan[one].get("start") != plan[other].get("start"):
            continue  # other layers or another start: the images are all that they can share
        for layer in weights.keys() & theirs.keys():
            if weights[layer].shape == theirs[layer].shape:
                assert torch.equal(weights[layer], theirs[layer]), (one, other, layer)


def test_another_seed_begins_otherwise(begun):
    [options, *_] = (experiment := COMPARED["aux_training"]).plan().values()
    (weights, images, _), (others, shown, _) = (begun(experiment, options, s) for s in (1, 2))
    assert not torch.equal(images, shown)
    assert not torch.equal(weights["conv1.conv.weight"], others["conv1.conv.weight"])
