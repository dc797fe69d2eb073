"""Checks of arguments: what passes comes back as a plain number, all else is named."""

import numpy as np
import pytest
import torch

from utils.support.checks import (
    height_width,
    integer,
    is_integer,
    odd_int,
    positive_int,
)


@pytest.mark.parametrize("value", [3, np.uint8(3), np.int64(3), np.array(3), torch.tensor(3)])
def test_integers_of_every_kind_become_plain(value):
    assert is_integer(value)
    for found in (
        integer(value, "n", least=3, most=3),
        positive_int(value, "n"),
        odd_int(value, "n"),
    ):
        assert type(found) is int
        assert found == 3
    assert height_width([value, 4]) == (3, 4)


@pytest.mark.parametrize("value", [True, np.True_, 3.0, "3", None, [3], torch.tensor(3.0)])
def test_what_is_no_integer(value):
    assert not is_integer(value)
    with pytest.raises(TypeError, match="n must be an integer of at least 0, got "):
        integer(value, "n", least=0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: integer(9, "n", least=1, most=8, hint=" here"),
            "n must be from 1 to 8 here, got 9",
        ),
        (lambda: odd_int(1, "n", least=3), "n must be at least 3, got 1"),
        (lambda: height_width((28, 0)), "the width in size must be at least 1, got 0"),
    ],
)
def test_what_an_error_says(call, says):
    with pytest.raises(ValueError, match=says):
        call()
