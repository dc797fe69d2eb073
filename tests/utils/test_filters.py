"""The Gabor filters: what their docstring promises, for all that it allows."""

import math

import pytest
import torch

from utils.filters import difference_of_gaussians, gabor_bank, mean_filter


def test_gabor_filters_are_what_their_docstring_says():
    bank = gabor_bank(wavelengths=(3.0, 6.0), orientations=4, size=21)
    assert bank.shape == (2 * 2 * 4, 1, 21, 21)
    assert bank.sum(dim=(2, 3)).abs().max() < 1e-5
    assert (bank.norm(dim=(2, 3)) - 1).abs().max() < 1e-5
    turned = bank.flip(2, 3)
    torch.testing.assert_close(bank[0::2], turned[0::2], atol=1e-6, rtol=0)  # even
    torch.testing.assert_close(bank[1::2], -turned[1::2], atol=1e-6, rtol=0)  # odd
    # Each filter prefers a wave of its own length and direction to all others.
    y, x = torch.meshgrid(torch.arange(21.0) - 10, torch.arange(21.0) - 10, indexing="ij")
    answers = []
    for wavelength in (3.0, 6.0):
        for step in range(4):
            angle = torch.tensor(torch.pi * step / 4)
            wave = (2 * torch.pi / wavelength * (x * angle.cos() + y * angle.sin())).cos()
            answers.append((bank[0::2, 0] * wave).sum(dim=(1, 2)))
    assert torch.stack(answers).argmax(dim=0).tolist() == list(range(8))


@pytest.mark.parametrize("size", [3, 5, 15, 41])
def test_all_filters_have_zero_mean_and_unit_norm(size):
    for wavelength in (2.01, 3.0, size):
        bank = gabor_bank((wavelength,), size=size)
        assert bank.isfinite().all()
        assert bank.sum(dim=(2, 3)).abs().max() < 1e-5
        assert (bank.norm(dim=(2, 3)) - 1).abs().max() < 1e-5


def test_the_window_is_as_wide_as_the_waves_demand():
    """Its standard deviation is 0.56 wavelengths: read from the odd filter, sine times window."""
    wavelength = 8.0
    odd = gabor_bank((wavelength,), orientations=1, size=33)[1, 0, 16].double()
    at, double = 16 + 2, 16 + 6  # a quarter and three quarters of a wave: sine 1 and -1
    expected = math.exp(-(2**2 - 6**2) / (2 * (0.56 * wavelength) ** 2))
    assert -odd[at].item() / odd[double].item() == pytest.approx(expected, rel=1e-4)


def test_filters_are_float32_whatever_the_default():
    usual = gabor_bank()
    torch.set_default_dtype(torch.float64)
    try:
        assert gabor_bank().dtype == torch.float32
        assert torch.equal(gabor_bank(), usual)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"wavelengths": (3.0, 2.0)}, ValueError, "longer than 2"),
        ({"wavelengths": (15.5,)}, ValueError, "at most 15 pixels"),
        ({"wavelengths": (math.nan,)}, ValueError, "nan"),
        ({"wavelengths": (math.inf,)}, ValueError, "inf"),
        ({"wavelengths": ()}, ValueError, "longer than 2"),
        ({"orientations": 0}, ValueError, "orientations must be at least 1"),
        ({"size": 4}, ValueError, "odd.*Take 3 or 5"),
        ({"size": 1}, ValueError, "size must be at least 3"),
    ],
)
def test_gabor_bank_refuses_what_makes_no_sense(wrong, error, message):
    with pytest.raises(error, match=message):
        gabor_bank(**wrong)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mean_filter(2), ValueError, "odd.*Take 1 or 3"),
        (lambda: difference_of_gaussians(1), ValueError, "size must be at least 3"),
        (lambda: difference_of_gaussians(9, sigma="1"), TypeError, "sigma must be a number"),
        (lambda: difference_of_gaussians(9, sigma=0), ValueError, "sigma must be greater than 0"),
        (lambda: difference_of_gaussians(9, sigma=math.inf), ValueError, "finite"),
        (lambda: difference_of_gaussians(9, ratio=1), ValueError, "ratio must be greater than 1"),
    ],
)
def test_other_filters_refuse_what_makes_no_sense(call, error, message):
    with pytest.raises(error, match=message):
        call()
