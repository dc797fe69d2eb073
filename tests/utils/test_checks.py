"""Checks of arguments: what passes comes back as a plain number, all else is named."""

import numpy as np
import pytest
import torch

from utils.support.checks import (
    boolean,
    height_width,
    integer,
    is_integer,
    odd_int,
    one_of,
    positive_int,
    probability,
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
    ("call", "error", "says"),
    [
        (lambda: integer(-1, "n", least=0), ValueError, "n must be at least 0, got -1."),
        (
            lambda: integer(9, "n", least=1, most=8, hint=" here"),
            ValueError,
            "n must be from 1 to 8 here, got 9.",
        ),
        (lambda: integer(0, "n", least=1, most=8), ValueError, "n must be from 1 to 8, got 0."),
        (
            lambda: integer("1", "n", least=1, most=8),
            TypeError,
            "n must be an integer from 1 to 8, got '1'.",
        ),
        (
            lambda: positive_int(0, "n", " or none"),
            ValueError,
            "n must be at least 1 or none, got 0.",
        ),
        (
            lambda: odd_int(4, "n"),
            ValueError,
            "n must be odd, so that it has a middle; got 4. Take 3 or 5.",
        ),
        (lambda: odd_int(1, "n", least=3), ValueError, "n must be at least 3, got 1."),
        (lambda: height_width(28), TypeError, "size must be (height, width), as (28, 28); got 28."),
        (
            lambda: height_width((28, 0)),
            ValueError,
            "the width in size must be at least 1, got 0.",
        ),
        (
            lambda: probability(1, "p"),
            ValueError,
            "p must be a probability from 0 (keep all) to below 1 (drop all), got 1.",
        ),
        (lambda: boolean(1, "b"), TypeError, "b must be True or False, got 1."),
        (lambda: one_of(3, (1, 2), "n"), ValueError, "n must be one of 1, 2; got 3."),
    ],
)
def test_what_an_error_says(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == says
