"""Gratings, lines and arcs are what their numbers say."""

import math

import pytest
import torch

from utils.stimuli import CONTRAST, TINTS, arc, grating


def test_a_grating_has_its_waves_direction_and_phase():
    x = grating(64, waves=4)
    assert x.shape == (3, 64, 64)
    assert torch.allclose(x, x[:, :1])  # upright stripes: all rows alike
    power = torch.fft.rfft(x[0, 0] - 0.5).abs()
    assert power.argmax() == 4
    assert 0 <= x.min() < 0.5 - 0.97 * CONTRAST
    turned = grating(64, waves=4, angle=math.pi / 2)
    assert torch.allclose(turned, x.transpose(1, 2), atol=1e-5)
    assert torch.allclose(grating(64, waves=4, phase=math.pi), 1 - x, atol=1e-5)
    with pytest.raises(ValueError, match="32"):
        grating(64, waves=33)


@pytest.mark.parametrize("tint", TINTS)
def test_colours_keep_the_brightness(tint):
    x = grating(32, waves=3, angle=0.7, tint=tint)
    assert 0 <= x.min() < x.max() <= 1
    brightness = torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), x)
    flat = (brightness - 0.5).abs().max() < 1e-5
    assert flat == (tint != "grey")


def test_arcs_and_lines_have_the_same_ink_and_differ_in_their_bend():
    inks = [(arc(64, bend=bend, angle=0.3) - 0.5).sum() for bend in (0, 1 / 16, 1 / 6)]
    assert max(inks) / min(inks) < 1.05
    straight = arc(65, bend=0)[0] - 0.5
    assert straight[32, 24:41].min() > 0.99 * CONTRAST
    assert straight[:29].abs().max() == 0
    bent = arc(65, bend=1 / 8)[0] - 0.5
    assert bent[:29].abs().max() == 0  # it bends downwards
    assert bent[36:].max() > 0.9 * CONTRAST
    assert torch.allclose(arc(65, bend=0, bright=False), 1 - arc(65, bend=0))
    assert torch.allclose(bent, bent.flip(1), atol=1e-4)
    assert torch.isfinite(arc(64, bend=0, angle=1.0)).all()
