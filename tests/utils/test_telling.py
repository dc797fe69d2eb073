"""Numbers that cells tell the text of their page."""

import builtins
import math

import numpy as np
import pandas as pd
import pytest
import torch

from utils.support.statistics import LEVEL, interval, summarise
from utils.support.telling import Estimate, between, points, spread, tell, text


@pytest.fixture
def told(monkeypatch):
    """What was glued, by name."""
    found = {}

    def glue(name, value, display=True):
        assert not display
        found[name] = value

    monkeypatch.setattr("myst_nb.glue", glue)
    return found


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        (6624, "", "6,624"),
        (np.int64(10_000), "", "10,000"),
        (torch.tensor(12), "", "12"),
        ("4b", "", "4b"),
        (0.934, ".0%", "93%"),
        (torch.tensor(0.5), ".1%", "50.0%"),
        (np.float32(-1.25), "+.1f", "−1.2"),
        (Estimate(2.06, 1.44, 2.81), ".1f points", "2.1 points (1.4 to 2.8)"),
        (-Estimate(2.06, -1.44, 2.81), "+.1f", "−2.1 (−2.8 to +1.4)"),
        (Estimate(None, 0.8, 0.91), ".0%", "80% to 91%"),
    ],
)
def test_numbers_as_they_stand_in_a_sentence(number, form, expected):
    assert text(number, form) == expected


@pytest.mark.parametrize(
    ("number", "form", "error", "words"),
    [
        (0.5, "", ValueError, "needs a format"),
        (Estimate(1.0, 0.0, 2.0), "", ValueError, "needs a format"),
        (math.nan, ".1f", ValueError, "finite"),
        (torch.tensor(math.inf), ".1f", ValueError, "finite"),
        (Estimate(1.0, math.nan, math.nan), ".1f", ValueError, "finite"),
        (True, "", TypeError, "True"),
        (None, "", TypeError, "None"),
        (pd.Series([1, 2]), "", ValueError, "size 1"),
        ("93%", ".0%", TypeError, "93%"),
    ],
)
def test_what_is_no_number_for_a_page(number, form, error, words):
    with pytest.raises(error, match=words):
        text(number, form)


def test_tell_glues_all_under_the_names_that_pages_use(told):
    tell(".1f", saving_5x5=9.74, **{"limit-5x5": 154})
    tell(images=9_600)
    assert told == {"saving-5x5": "9.7", "limit-5x5": "154.0", "images": "9,600"}


def test_tell_glues_nothing_if_one_number_is_wrong(told):
    with pytest.raises(ValueError, match="finite"):
        tell(".1f", right=1.0, wrong=math.nan)
    assert not told


def test_where_the_book_is_not_built_tell_does_nothing(monkeypatch, capsys):
    usual = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.startswith("myst_nb"):
            raise ImportError(name)
        return usual(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    assert tell(".1f", number=1.0) is None
    with pytest.raises(ValueError, match="finite"):
        tell(".1f", number=math.nan)
    assert capsys.readouterr() == ("", "")


def test_points_are_those_of_summarise_with_their_interval():
    rows = pd.DataFrame(
        {
            "setting": ["a", "b", "c"] * 3,
            "seed": [0, 0, 0, 1, 1, 1, 2, 2, 2],
            "test_accuracy": [0.5, 0.6, 0.9, 0.6, 0.8, 0.1, 0.4, 0.7, 0.2],
        }
    )
    found = points(rows, "b", "a")
    assert found.mean == pytest.approx(20)
    low, high = interval(pd.Series([10.0, 20.0, 30.0]), level=LEVEL)
    assert found.bounds == pytest.approx((low, high))
    other = summarise(rows, baseline="b").loc["a"]
    assert (-points(rows, "a", "b")).bounds == pytest.approx(found.bounds)
    assert points(rows, "a", "b").low == pytest.approx(100 * other["low"])


def test_spread_and_between_give_the_least_and_the_most():
    values = pd.Series([2.0, 1.0, 6.0])
    assert spread(values) == Estimate(3.0, 1.0, 6.0)
    assert between(values) == Estimate(None, 1.0, 6.0)
    assert between(x for x in (3, 2)) == Estimate(None, 2.0, 3.0)
