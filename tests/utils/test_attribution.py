"""Parts of a network replaced, Grad-CAM beside class activation maps, gradient ascent."""

import pytest
import torch

from utils.activations import features
from utils.attribution import ascend, grad_cam, replaced, smoothed
from utils.googlenet import micro_googlenet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = micro_googlenet()
    with torch.no_grad():  # batch normalisation's statistics, and a last layer that says something
        network.train()(torch.rand(8, 3, 28, 28))
        torch.nn.init.normal_(network.fc.weight)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def x():
    return torch.rand(3, 3, 28, 28, generator=torch.Generator().manual_seed(1))


def test_a_replaced_part_goes_on_and_leaves_nothing_behind(network, x):
    before = network(x)
    with replaced(network, {"inception4b": torch.zeros_like}):
        assert torch.equal(network(x), network.fc.bias.expand(3, -1))
    with replaced(network, {"inception3a.branch3": lambda out: out}):
        assert torch.equal(network(x), before)
    third = {"inception3a.branch3": torch.zeros_like}
    with replaced(network, third):
        maps = features(network, x, ["inception3a"])["inception3a"]
        assert not maps[:, 48:56].any()
        assert maps[:, :48].any()
    with pytest.raises(ZeroDivisionError), replaced(network, third):
        raise ZeroDivisionError
    assert torch.equal(network(x), before)


def test_what_cannot_be_replaced_is_said(network, x):
    with (
        pytest.raises(ValueError, match="no part 'inception9'"),
        replaced(network, {"inception9": torch.zeros_like}),
    ):
        pass
    with (
        pytest.raises(ValueError, match=r"inception4b.*128, 7, 7.*1, 7, 7"),
        replaced(network, {"inception4b": lambda out: out[:, :1]}),
    ):
        network(x)
    assert not any(part._forward_hooks for part in network.modules())


def test_grad_cam_at_the_last_stage_is_the_class_map_over_the_places(network, x):
    classes = [4, 0, 9]
    last = features(network, x, ["inception4b"])["inception4b"]
    class_maps = torch.einsum("nc,nchw->nhw", network.fc.weight[classes], last)
    found = grad_cam(network, x, classes, "inception4b", relu=False)
    torch.testing.assert_close(found * 49, class_maps)
    assert torch.equal(grad_cam(network, x, classes, "inception4b"), found.relu())


def test_grad_cam_further_in_is_its_definition(network, x):
    stage, k, step = "inception4a", 3, 1e-2
    maps = features(network, x, [stage])[stage]
    found = grad_cam(network, x, [k] * 3, stage, relu=False)
    slopes = (
        torch.stack(
            [
                (
                    _scores_with(network, x, stage, c, step)
                    - _scores_with(network, x, stage, c, -step)
                )
                / (2 * step)
                for c in range(maps.shape[1])
            ],
            dim=1,
        )[:, :, k]
        / maps[0, 0].numel()
    )  # of a whole channel that is raised: a sum over places
    expected = torch.einsum("nc,nchw->nhw", slopes, maps)
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()
    with pytest.raises(ValueError, match="a class for each of 3"):
        grad_cam(network, x, [1], stage)


def _scores_with(network, x, stage, channel, step):
    def raised(out):
        out = out.clone()
        out[:, channel] += step
        return out

    with replaced(network, {stage: raised}):
        return network(x)


def test_ascent_raises_what_it_is_given_and_stays_a_picture():
    target = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))

    def nearness(images):
        return -(images - target).square().sum((1, 2, 3))

    start = torch.full_like(target, 0.5)
    found = ascend(nearness, start, steps=60, rate=0.01)
    assert (nearness(found) > 0.1 * nearness(start)).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.equal(start, torch.full_like(target, 0.5))
    assert torch.equal(found, ascend(nearness, start, steps=60, rate=0.01))
    alone = ascend(nearness, start[:1], steps=5, shift=3, seed=4)
    assert torch.equal(alone, ascend(nearness, start[:1], steps=5, shift=3, seed=4))
    assert not torch.equal(alone, ascend(nearness, start[:1], steps=5, shift=3, seed=5))
    white = ascend(lambda images: images.sum(), start, steps=100, rate=0.02)
    assert torch.equal(white, torch.ones_like(white))
    with pytest.raises(ValueError, match="steps"):
        ascend(nearness, start, steps=0)


def test_a_blur_keeps_the_mean_and_loses_fine_detail():
    x = torch.rand(1, 2, 16, 16, generator=torch.Generator().manual_seed(3))
    assert smoothed(x, 1.0).std() < 0.5 * x.std()
    torch.testing.assert_close(smoothed(torch.ones_like(x), 1.5), torch.ones_like(x))
    point = torch.zeros(1, 1, 15, 15)
    point[..., 7, 7] = 1
    spread = smoothed(point, 1.2)
    torch.testing.assert_close(spread.sum(), torch.tensor(1.0))
    torch.testing.assert_close(spread, spread.transpose(2, 3))
