"""The training loop: that it learns, that it repeats itself, and that it says what is wrong."""

import math
import pkgutil
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from utils.data import LabelledImages
from utils.googlenet import micro_googlenet
from utils.training import Batches, DivergedError, Evaluation, Recipe, evaluate, progress, train
from utils.training.batches import move, normalise
from utils.training.loop import total_loss
from utils.training.machine import here

CLASSES = 3
QUICK = Recipe(epochs=2, batch_size=16, crop=1, peak_rate=0.05, precision="float32")


def stripes(count: int = 50, *, size: int = 8, channels: int = 1, seed: int = 0) -> LabelledImages:
    """Noise with stripes of a width that depends on the class."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (count,), generator=random)
    noise = torch.randint(0, 100, (count, channels, size, size), generator=random)
    rows = torch.arange(size)[None, None, :, None] // (labels + 1)[:, None, None, None] % 2
    return LabelledImages((noise + 100 * rows).to(torch.uint8), labels, ("a", "b", "c"), "stripes")


def fresh(seed: int = 0, **options) -> nn.Module:
    torch.manual_seed(seed)
    return micro_googlenet(CLASSES, **{"in_channels": 1} | options)


def tiny(seed: int = 0, *, dropout: float = 0.5) -> nn.Module:
    """A network that trains in no time, with all that needs care: statistics and dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(64, CLASSES),
    )


def silent(line: str) -> None:
    """Report nowhere."""


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def without_clocks(history: pd.DataFrame) -> pd.DataFrame:
    return history.drop(columns=["seconds", "cpu_seconds"])


# What training does


def test_it_learns(capsys):
    data, test = stripes(96), stripes(60, seed=1)
    model = fresh()
    before = evaluate(model, test, normalisation=(data.mean, data.std)).accuracy
    history = train(model, data, test, replace(QUICK, epochs=6))
    assert before < 0.6
    assert history.test_accuracy.iloc[-1] > 0.9
    assert list(history.epoch) == [1, 2, 3, 4, 5, 6]
    assert list(history.images) == [96, 192, 288, 384, 480, 576]
    assert history.loss.is_monotonic_decreasing or history.loss.iloc[-1] < history.loss.iloc[0] / 2
    assert (history.seconds > 0).all()
    # The history's last row is what anyone can measure afterwards.
    after = evaluate(model, test, normalisation=(data.mean, data.std))
    assert after.accuracy == history.test_accuracy.iloc[-1]
    assert after.loss == history.test_loss.iloc[-1]
    output = capsys.readouterr()
    assert not output.err
    assert len(output.out.splitlines()) == 6
    assert output.out.splitlines()[2].startswith("epoch 3/6: loss ")


def test_the_steps_are_those_of_plain_pytorch():
    """The first three steps, written out: rate, loss, momentum, decay, normalisation."""
    data = stripes(48)
    recipe = replace(QUICK, epochs=1, crop=0, flip=False, weight_decay=0.01)
    ours, theirs = tiny(dropout=0.0).eval(), tiny(dropout=0.0)  # whatever mode it comes in
    history = train(ours, data, recipe=recipe, report=silent)

    theirs.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.0, momentum=0.9, nesterov=True)
    losses = []
    for step, (images, labels) in enumerate(Batches(data, recipe).epoch(0)):
        rate = 0.05 * (0.1 + 0.9 * step / 0.6) if step < 0.6 else 0.05 * (3 - step) / 2.4
        loss = F.cross_entropy(theirs(images), labels, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        for parameter in theirs.parameters():
            if parameter.ndim > 1:
                parameter.grad += 0.01 * parameter.detach()
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        losses.append(loss.item())
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    assert history.loss.item() == pytest.approx(np.mean(losses))
    assert history.rate.item() == pytest.approx(rate)


def test_whoever_watches_sees_every_step_and_changes_none():
    seen = []
    models = [tiny(), tiny()]
    history, watched = (
        train(model, stripes(), recipe=QUICK, report=silent, watch=watch)
        for model, watch in zip(models, (None, lambda *now: seen.append(now)), strict=True)
    )
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert sum(loss for _, loss in seen[:3]) / 3 == pytest.approx(watched["loss"][0])
    assert same(weights(models[0]), weights(models[1]))
    assert without_clocks(history).equals(without_clocks(watched))


def test_the_loss_counts_auxiliary_heads():
    labels = torch.tensor([0, 2])
    scores = [torch.randn(2, 3, generator=torch.Generator().manual_seed(i)) for i in range(3)]
    main, one, two = (F.cross_entropy(s, labels, label_smoothing=0.1) for s in scores)
    recipe = Recipe()
    assert total_loss(scores[0], labels, recipe) == main
    assert total_loss(tuple(scores), labels, recipe) == main + 0.3 * (one + two)
    assert total_loss((scores[0], None, scores[1]), labels, recipe) == main + 0.3 * one
    half = scores[0].bfloat16()
    assert total_loss(half, labels, recipe).dtype == torch.float32
    assert total_loss(scores[0].double(), labels, recipe).dtype == torch.float64


class Headed(nn.Module):
    """Two heads on one body; in training it answers with both, and None for one left out."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU())
        self.main, self.aux = nn.Linear(8, CLASSES), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.body(x)
        return (self.main(x), None, self.aux(x)) if self.training else self.main(x)


def test_heads_are_trained():
    torch.manual_seed(0)
    model = Headed()
    before = weights(model)
    history = train(model, stripes(), stripes(seed=1), QUICK, report=silent)
    assert not any(torch.equal(value, before[name]) for name, value in weights(model).items())
    assert history.loss.iloc[0] > 1.2 * history.test_loss.iloc[0]  # both count


@pytest.mark.parametrize("whole", [True, False], ids=["all in evaluation mode", "the trunk is"])
def test_statistics_that_the_caller_holds_do_not_move(whole):
    """All frozen but the last layer: the answers of what lies below it stay those it had."""
    model = tiny()
    for part in (*model[:-1], *([model] if whole else [])):
        part.eval()
    model[:-1].requires_grad_(False)
    before, modes = weights(model), [part.training for part in model.modules()]
    train(model, stripes(), stripes(seed=1), QUICK, report=silent)
    after = weights(model)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        "6.weight", "6.bias",
    }  # fmt: skip
    assert [part.training for part in model.modules()] == modes


@pytest.mark.parametrize("kept", [True, False])
def test_modes_while_training(kept):
    """Statistics of trained layers rest if they alone are in evaluation mode, else all move."""
    model = tiny()
    model[1].eval() if kept else model.eval()
    modes = [part.training for part in model.modules()]
    train(model, stripes(), recipe=QUICK, report=silent)
    assert model[1].num_batches_tracked == (0 if kept else 6)
    with pytest.raises(DivergedError):
        train(model, stripes(), recipe=replace(QUICK, peak_rate=1e30), report=silent)
    assert [part.training for part in model.modules()] == modes


@pytest.mark.parametrize("last", [False, True], ids=["usual", "channels last"])
def test_a_network_keeps_its_layout(last, tmp_path):
    """What wants one or another layout in memory works afterwards: files, vectors, LBFGS."""
    model, data = fresh(), stripes()
    if last:
        model.to(memory_format=torch.channels_last)
    before = {name: value.stride() for name, value in model.state_dict().items()}
    train(model, data, recipe=QUICK, report=silent)
    result = evaluate(model, data, normalisation=(0.3, 0.2))
    assert {name: value.stride() for name, value in model.state_dict().items()} == before
    if last:
        return
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    nn.utils.parameters_to_vector(model.parameters())
    nn.utils.parameters_to_vector(parameter.grad for parameter in model.parameters())
    optimiser = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    images = normalise(data.images, (0.3, 0.2))

    def closure() -> Tensor:
        loss = F.cross_entropy(model(images), data.labels)
        loss.backward()  # onto the gradients that the training left
        return loss

    optimiser.step(closure)
    assert result.loss != evaluate(model, data, normalisation=(0.3, 0.2)).loss


def test_what_is_frozen_stays():
    model = tiny()
    model[0].weight.requires_grad_(False)
    before = weights(model)
    train(model, stripes(), recipe=QUICK, report=silent)
    after = weights(model)
    assert torch.equal(before["0.weight"], after["0.weight"])
    assert not torch.equal(before["6.weight"], after["6.weight"])


def test_it_stops_after_so_many_images():
    recipe = replace(QUICK, epochs=5, max_images=100)  # 3 steps an epoch of 50, 6 in all
    history = train(tiny(), stripes(), recipe=recipe, report=silent)
    assert list(history.images) == [48, 96]
    assert history.rate.iloc[-1] == pytest.approx(0.05 * 1 / 4.8)
    history = train(tiny(), stripes(), recipe=replace(recipe, max_images=70), report=silent)
    assert list(history.images) == [48, 64]  # the last epoch is a part of one


def test_long_epochs_report_within(monkeypatch):
    monkeypatch.setattr(progress, "REPORT_EVERY", 0.0)
    lines = []
    train(tiny(), stripes(), recipe=QUICK, report=lines.append)
    starts = [line.split(":")[0] for line in lines]
    epochs = [[f"epoch {k}/2, step 1/3", f"epoch {k}/2, step 2/3", f"epoch {k}/2"] for k in (1, 2)]
    assert starts == [*epochs[0], *epochs[1]]


def test_precision():
    """bfloat16 where it is quick, and where the network can use it; as asked for otherwise."""
    machine = here("cpu")
    quick = machine.precision("auto", tiny())
    assert quick in ("float32", "bfloat16")
    assert machine.precision("bfloat16", tiny()) == "bfloat16"
    assert machine.precision("float32", tiny()) == "float32"
    assert machine.precision("bfloat16", tiny().double()) == "float32"
    normalised = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LocalResponseNorm(5), *tiny()[3:])
    assert machine.precision("auto", normalised) == "float32"
    train(normalised, stripes(), recipe=replace(QUICK, max_images=16, precision="auto"))


def test_bfloat16_is_near_float32():
    data = stripes(64)
    losses, models = {}, {}
    for precision in ("float32", "bfloat16"):
        models[precision] = fresh()
        recipe = replace(QUICK, precision=precision)
        losses[precision] = train(models[precision], data, recipe=recipe, report=silent).loss
    assert models["bfloat16"].fc.weight.dtype == torch.float32
    assert not losses["bfloat16"].equals(losses["float32"])
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.05)


# That it repeats itself


def test_seeds():
    data = stripes()
    runs = {}
    for name, seed in (("a", 0), ("again", 0), ("b", 1)):
        torch.manual_seed(len(name))  # the caller's own random numbers have no part in it
        model = tiny()
        torch.rand(len(name))
        history = train(model, data, recipe=replace(QUICK, seed=seed), report=silent)
        runs[name] = (weights(model), without_clocks(history))
    assert same(runs["a"][0], runs["again"][0])
    assert runs["a"][1].equals(runs["again"][1])
    assert not same(runs["a"][0], runs["b"][0])


def test_the_callers_random_numbers_stay():
    model, data = tiny(), stripes()
    before = torch.get_rng_state()
    train(model, data, recipe=QUICK, report=silent)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(DivergedError):
        train(model, data, recipe=replace(QUICK, peak_rate=1e30), report=silent)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_depends_on_seed_and_step():
    def masks(seed: int) -> list[Tensor]:
        seen = []
        model = tiny()
        model[5].register_forward_hook(lambda module, x, y: seen.append((y == 0) & (x[0] != 0)))
        train(model, stripes(), recipe=replace(QUICK, seed=seed, peak_rate=0.0), report=silent)
        return seen

    first, again, other = masks(0), masks(0), masks(1)
    assert len(first) == 6
    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))
    # Inputs differ from step to step too; where none of them is 0, only chance makes a mask.
    assert 0.3 < first[0].float().mean() < 0.7
    agree = [(a == b).float().mean().item() for a, b in pairwise(first)]
    assert all(0.3 < share < 0.8 for share in agree)


# Batches


def everything(batches: Batches, epoch: int, **where) -> tuple[Tensor, Tensor]:
    images, labels = zip(*batches.epoch(epoch, **where), strict=True)
    return torch.stack(images), torch.stack(labels)


def test_batches_depend_on_seed_epoch_and_step_alone():
    data = stripes()
    batches = Batches(data, QUICK)
    assert len(batches) == 3
    images, labels = everything(batches, 4)
    assert images.shape == (3, 16, 1, 8, 8)
    assert images.dtype == torch.float32
    later = everything(Batches(data, QUICK), 4, start=2)
    assert torch.equal(later[0], images[2:])
    assert torch.equal(later[1], labels[2:])
    for other in (everything(batches, 5), everything(Batches(data, replace(QUICK, seed=1)), 4)):
        assert not torch.equal(other[0], images)


def test_moves_depend_on_seed_epoch_and_step():
    """One image, many times: what differs between batches is how it was moved."""
    image = stripes(1).images.expand(50, -1, -1, -1).contiguous()
    data = LabelledImages(image, torch.zeros(50, dtype=torch.int64), ("a",), "one image")
    recipe = replace(QUICK, crop=3)
    first, second, _ = everything(Batches(data, recipe), 4)[0]
    assert not torch.equal(first, second)
    assert not torch.equal(first, everything(Batches(data, recipe), 5)[0][0])
    assert not torch.equal(first, everything(Batches(data, replace(recipe, seed=1)), 4)[0][0])
    assert torch.equal(first, everything(Batches(data, recipe), 4)[0][0])


def test_shares_make_up_the_batch():
    batches = Batches(stripes(), QUICK)
    images, labels = everything(batches, 1)
    shares = [everything(batches, 1, rank=rank, world=4) for rank in range(4)]
    assert torch.equal(torch.cat([share[0] for share in shares], dim=1), images)
    assert torch.equal(torch.cat([share[1] for share in shares], dim=1), labels)


def test_an_epoch_sees_each_image_once():
    count = 40
    images = torch.arange(count, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    data = LabelledImages(images, torch.zeros(count, dtype=torch.int64), ("a",), "numbers")
    recipe = replace(QUICK, crop=0, batch_size=8)
    batches = Batches(data, recipe, normalisation=(0.0, 1.0))
    orders = [(everything(batches, k)[0][..., 0, 0].flatten() * 255).round() for k in range(2)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(count))
        assert order.tolist() != list(range(count))
    assert not torch.equal(*orders)


def test_moves():
    """Against the plain way to do it: pad, cut out, turn round, one image after another."""
    images = stripes(5, channels=3).images
    down, right = torch.tensor([0, 1, 2, 3, 4]), torch.tensor([4, 0, 3, 2, 1])
    mirrored = torch.tensor([True, False, True, False, False])
    moved = move(images, down, right, mirrored, padding=2)
    assert moved.is_contiguous(memory_format=torch.channels_last)
    for i, image in enumerate(F.pad(images, (2, 2, 2, 2))):
        wanted = image[:, down[i] : down[i] + 8, right[i] : right[i] + 8]
        assert torch.equal(moved[i], wanted.flip(-1) if mirrored[i] else wanted)


def test_moves_are_spread_evenly():
    """A white pixel lands on all 5 x 5 places about equally often, mirrored half the time."""
    images = torch.zeros(2000, 1, 9, 9, dtype=torch.uint8)
    images[:, :, 4, 3] = 255  # beside the middle, so that a mirror shows
    data = LabelledImages(images, torch.zeros(2000, dtype=torch.int64), ("a",), "dots")
    recipe = Recipe(batch_size=2000, crop=2)
    batch, _ = next(Batches(data, recipe, normalisation=(0.0, 1.0)).epoch(0))
    rows, columns = batch.sum(dim=(0, 1, 3)), batch.sum(dim=(0, 1, 2))
    assert (rows > 0).tolist() == [i in range(2, 7) for i in range(9)]
    assert (columns > 0).tolist() == [i in range(1, 8) for i in range(9)]
    assert 340 < rows[2:7].min() < rows[2:7].max() < 460  # of 400; 18 is a standard deviation
    assert 360 < columns[1:3].sum() < 440  # where only unmirrored ones come
    assert 360 < columns[6:8].sum() < 440  # where only mirrored ones come
    still = Batches(data, replace(recipe, crop=0, flip=False), normalisation=(0.0, 1.0))
    batch, _ = next(still.epoch(0))
    assert torch.equal(batch, images / 255)


def test_normalisation():
    data = stripes(channels=3)
    images = normalise(data.images, (data.mean, data.std))
    assert images.mean(dim=(0, 2, 3)).abs().max() < 1e-5
    assert (images.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3
    assert torch.equal(normalise(data.images, (0.5, 0.25)), (data.images / 255 - 0.5) / 0.25)
    three = ((0.1, 0.2, 0.3), torch.tensor([0.4, 0.5, 0.6]))
    mean, std = (torch.as_tensor(value)[:, None, None] for value in three)
    assert torch.equal(normalise(data.images, three), (data.images / 255 - mean) / std)


# Evaluation


def test_evaluation():
    data = stripes(47)
    model = tiny().train()
    images = normalise(data.images, (0.3, 0.2))
    result = evaluate(model, data, normalisation=(0.3, 0.2), batch_size=10, logits=True)
    assert model.training  # as it was
    model.eval()
    with torch.no_grad():
        scores = model(images)
    torch.testing.assert_close(result.logits, scores)
    assert result.count == 47
    assert result.correct == (scores.argmax(1) == data.labels).sum()
    assert result.loss == pytest.approx(F.cross_entropy(scores, data.labels).item())
    assert evaluate(model, data, normalisation=(0.3, 0.2)).logits is None
    assert not model.training
    model.train()[1].eval()  # statistics that a fine-tuning keeps
    evaluate(model, data, normalisation=(0.3, 0.2))
    assert [part.training for part in (model, model[0], model[1])] == [True, True, False]


def test_evaluation_is_in_float32_unless_asked():
    """After an epoch too, whatever the precision of the training."""
    seen, model = [], fresh()

    def look(module, inputs, output):
        seen.append((module.training, output.dtype))

    model.conv1.conv.register_forward_hook(look)
    recipe = replace(QUICK, max_images=16, precision="bfloat16")
    train(model, stripes(), stripes(seed=1), recipe, report=silent)
    assert set(seen) == {(True, torch.bfloat16), (False, torch.float32)}
    for precision in ("float32", "bfloat16"):
        seen.clear()
        evaluate(model, stripes(), normalisation=(0.3, 0.2), precision=precision)
        assert seen == [(False, getattr(torch, precision))]


def test_wilsons_interval():
    """By its definition: the rates from which the measured one is 1.96 standard errors away."""
    for correct, count in [(9400, 10_000), (1, 20), (0, 10), (10, 10)]:
        result = Evaluation(correct=correct, count=count, loss=0.0)
        low, high = result.interval
        for edge in (low, high):
            squared = 1.959964**2 * edge * (1 - edge) / count
            assert (result.accuracy - edge) ** 2 == pytest.approx(squared, rel=1e-5, abs=1e-15)
        assert -1e-12 < low < result.accuracy + 1e-12 < high + 2e-12 < 1 + 3e-12
        assert high - low > 1e-3


# What is wrong


def test_a_diverged_training_stops(tmp_path):
    file = tmp_path / "training.safetensors"
    recipe = replace(QUICK, epochs=4)
    data = stripes()

    class Broken(Batches):
        """From the second epoch on, one image is not a number."""

        def epoch(self, number, start=0, rank=0, world=1):
            for images, labels in super().epoch(number, start, rank, world):
                if number == 1:
                    images[0, 0, 0, 0] = math.nan
                yield images, labels

    model = tiny()
    with pytest.raises(DivergedError, match=r"loss is nan.*peak_rate.*0\.05"):
        train(model, Broken(data, recipe), checkpoint=file, save_every_steps=1, report=silent)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    saved = load_file(file)  # with the batch statistics, of which the model's are spoilt
    assert all(value.isfinite().all() for value in saved.values())
    assert torch.equal(saved["weights.6.weight"], model[6].weight)


def test_a_last_step_that_ruins_the_weights_is_no_success(tmp_path):
    file = tmp_path / "training.safetensors"
    for images, every, decay, says in (
        (16, None, 1e5, "a weight is not a finite number"),
        (32, 1, 1e5, "a weight is not a finite number"),
        (16, None, 0.0, "the loss on the test images is (nan|inf)"),
    ):
        recipe = replace(
            QUICK, peak_rate=1e38, warmup=0.0, weight_decay=decay, max_images=images
        )  # fmt: skip
        with pytest.raises(DivergedError, match=says):
            train(
                tiny(), stripes(), stripes(seed=1), recipe, checkpoint=file,
                save_every_steps=every, report=silent,
            )  # fmt: skip
        assert all(value.isfinite().all() for value in load_file(file).values())
        file.unlink()


def test_numbers_of_numpy_are_numbers():
    recipe = Recipe(peak_rate=np.float32(0.5), epochs=np.int64(3), momentum=np.float64(0.5))
    assert recipe == Recipe(peak_rate=0.5, epochs=3, momentum=0.5)
    assert {type(value) for value in (recipe.peak_rate, recipe.momentum)} == {float}


class Answering(nn.Module):
    """A network that answers in another form."""

    def __init__(self, network: nn.Module, answer) -> None:
        super().__init__()
        self.network, self.answer = network, answer

    def forward(self, x):
        return self.answer(self.network(x))


@pytest.mark.parametrize("door", [train, evaluate])
def test_networks_that_give_no_scores(door):
    options = {"normalisation": (0.3, 0.2)} | (
        {"recipe": QUICK, "report": silent} if door is train else {}
    )
    door(Answering(tiny(), lambda scores: [scores]), stripes(), **options)
    for answer, says in (
        (lambda scores: {"out": scores}, r"got dict: put any other network into a module"),
        (lambda scores: scores[:, :, None, None], r"got Tensor \(\d+, 3, 1, 1\):"),
        (lambda scores: (), "got an empty one"),
        (
            lambda scores: (scores, scores.repeat(1, 2)),
            r"got Tensor \(\d+, 3\) and Tensor \(\d+, 6\)",
        ),
    ):
        with pytest.raises(TypeError, match=says):
            door(Answering(tiny(), answer), stripes(), **options)


def test_a_loaders_images_can_be_trained_on():
    """What `train` and `evaluate` say of a DataLoader is done."""
    data = stripes()
    loader = DataLoader(TensorDataset(data.images, data.labels), batch_size=10)
    for call in (lambda: train(tiny(), loader), lambda: evaluate(tiny(), loader)):
        with pytest.raises(
            TypeError, match=r"got DataLoader: .*\(images, labels, classes\)"
        ) as told:
            call()
        names = re.findall(r"utils[.\w]+\w", str(told.value))
        assert [pkgutil.resolve_name(name).__name__ for name in names] == [
            "LabelledImages", "image_folder", "FolderBatches",
        ]  # fmt: skip
    images, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    train(tiny(), LabelledImages(images, labels, ("a", "b", "c")), recipe=QUICK, report=silent)


def one_class(count: int) -> LabelledImages:
    images = stripes(count)
    return LabelledImages(images.images, torch.zeros_like(images.labels), ("only",), "one class")


def quick(*data, model: nn.Module | None = None, **options) -> pd.DataFrame:
    """Train as little as possible."""
    return train(model or tiny(), *data or [stripes()], **{"recipe": QUICK} | options)


BIG = replace(QUICK, batch_size=64)
MADE = Batches(stripes(), QUICK)
PAIR = r"normalisation must be a pair \(mean, std\), of one finite number .* got "
BAD = {
    "Recipe": [
        (lambda: Recipe(epochs=0), "epochs must be at least 1"),
        (lambda: Recipe(batch_size=2.5), "batch_size must be an integer"),
        (lambda: Recipe(crop=-1), "crop must be at least 0"),
        (lambda: Recipe(warmup=1.0), "warmup must be a number of at least 0 and below 1"),
        (lambda: Recipe(label_smoothing=True), "label_smoothing must be a number"),
        (lambda: Recipe(peak_rate=math.nan), "peak_rate must be a number of at least 0"),
        (lambda: Recipe(weight_decay="small"), "weight_decay must be a number"),
        (lambda: Recipe(schedule="cosine"), "schedule must be one of 'one-cycle', 'constant'"),
        (lambda: Recipe(precision="float16"), "precision must be one of"),
        (lambda: Recipe(flip=1), "flip must be True or False"),
        (lambda: Recipe(max_images=100), r"max_images must be at least 128 \(one batch\), got 100"),
    ],
    "train": [
        (lambda: quick(model=tiny().requires_grad_(False)), "nothing to train"),
        (lambda: quick([1, 2]), "expected LabelledImages.*got list"),
        (lambda: quick(stripes()[:0]), "holds no images"),
        (lambda: quick(recipe=BIG), "64 images cannot be taken from 50"),
        (lambda: quick(stripes(channels=3), model=fresh()), r"got the shape \(16, 3, 8, 8\)"),
        (lambda: quick(model=nn.Sequential(nn.Flatten(), nn.Linear(64, 2))), "scores 2 classes"),
        (lambda: quick(stripes(), one_class(9)), "other classes than those to train on"),
        (lambda: quick(stripes(), stripes().images), "expected LabelledImages.*got Tensor"),
        (lambda: quick(MADE, recipe=BIG), "made with another recipe"),
        (lambda: quick(MADE, normalisation=(0.0, 1.0)), "give the normalisation to the batches"),
        (lambda: quick(save_every_steps=0), "save_every_steps must be at least 1"),
        *(
            (lambda wrong=wrong: quick(normalisation=wrong), PAIR)
            for wrong in [
                *(0.5, (0.5,), (None, 0.5), "ab", (math.nan, 0.5), (0.5, math.inf), (0.5, 1e300)),
                *((0.5, 0.0), ((0.5, 0.5), 1.0), (0.5, [[1.0]]), (0.5, [1.0, [1.0]])),
            ]
        ),
    ],
    "evaluate": [
        (lambda: evaluate(tiny(), stripes()), "needs the normalisation"),
        (lambda: evaluate(tiny(), stripes().images), "expected LabelledImages.*got Tensor"),
        (lambda: evaluate(tiny(), stripes()[:0], normalisation=(0, 1)), "holds no images"),
        (lambda: evaluate(tiny(), stripes(), normalisation=(0, -1)), PAIR),
        (
            lambda: evaluate(tiny(), stripes(), normalisation=(0, 1), precision="half"),
            "precision must be one of 'auto', 'float32', 'bfloat16'; got 'half'",
        ),
        (
            lambda: evaluate(tiny(), stripes(), normalisation=(0, 1), batch_size=0),
            "batch_size must be at least 1",
        ),
        (
            lambda: evaluate(micro_googlenet(2, in_channels=1), stripes(), normalisation=(0, 1)),
            "labels go from 0 to 2, but the network scores 2 classes",
        ),
    ],
}


@pytest.mark.parametrize("door", BAD)
def test_bad_input(door):
    for call, says in BAD[door]:
        with pytest.raises((TypeError, ValueError), match=f"(?s){says}"):
            call()
