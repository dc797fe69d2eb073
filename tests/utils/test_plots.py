"""Static pictures: words for who cannot see them, ink that follows the page, true proportions."""

import base64
import io
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from utils import data, plots
from utils.googlenet import INPUTS, MODULES
from utils.support.palette import BRANCH_COLOURS, BRANCHES
from utils.support.statistics import summarise

MODULE = plots.inception_module(192, MODULES["3a"])


def test_a_picture_says_what_it_shows():
    html = MODULE._repr_html_()
    assert 'role="img"' in html
    for number in (192, 64, 96, 128, 16, 32, 256):
        assert re.search(rf"\b{number}\b", MODULE.alt)
    assert MODULE.alt in html
    with pytest.raises(ValueError, match="alt text"):
        plots.Picture(MODULE.figure, alt=" ")
    with pytest.raises(ValueError, match="alt text"):
        plots.Gallery({"a": np.zeros((2, 2))}, alt="")


def test_photographs_in_a_picture_are_jpeg_and_flat_or_clear_ones_stay_exact():
    def embedded(image: np.ndarray) -> list[str]:
        figure = Figure()
        figure.add_axes((0, 0, 1, 1)).imshow(image, interpolation="none")
        html = plots.Picture(figure, alt="an image")._repr_html_()
        return re.findall(r"data:image/(\w+);base64,([\w+/=\s]+)", html)

    photo = data.photograph("coffee")[:120, :160]
    ((kind, text),) = embedded(photo)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))
    assert kind == "jpeg"
    assert shown.shape == photo.shape
    assert np.abs(shown.astype(float) - photo).mean() < 4  # of 255
    clear = np.dstack([photo, np.full(photo.shape[:2], 128, np.uint8)])
    flat = np.kron(np.eye(9), np.ones((9, 9)))
    assert [kind for kind, _ in [*embedded(clear), *embedded(flat)]] == ["png", "png"]


def test_ink_is_the_text_colour_and_branches_keep_theirs():
    html = MODULE._repr_html_().lower()
    assert "currentcolor" in html
    assert "#000000" not in html
    assert "#ffffff" not in html
    for colour in BRANCH_COLOURS.values():
        assert colour.lower() in html


def test_what_is_no_branch_has_no_branch_colour():
    costs = {"a": {"3a": 1.0}, "b": {"3a": 2.0}}
    for picture in (
        plots.costs_by_module(costs, unit="u", alt="bars"),
        plots.receptive_field((3, 3)),
    ):
        drawn = picture._repr_html_().lower()
        assert not [c for c in BRANCH_COLOURS.values() if c.lower() in drawn]


def test_the_same_picture_is_the_same_text():
    again = plots.inception_module(192, MODULES["3a"])
    assert again._repr_html_() == MODULE._repr_html_()


def test_two_pictures_on_a_page_share_no_ids():
    other = plots.inception_module(480, MODULES["4a"])
    found = [set(re.findall(r'\bid="([^"]+)"', p._repr_html_())) for p in (MODULE, other)]
    assert all(found)
    assert not found[0] & found[1]
    for picture, ids in zip((MODULE, other), found, strict=True):
        pointed = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', picture._repr_html_())
        assert {first or second for first, second in pointed} <= ids


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("naive", [False, True])
def test_boxes_are_as_wide_as_their_channels(name, naive):
    spec = MODULES[name].naive() if naive else MODULES[name]
    channels = INPUTS[name][0]
    axis = plots.inception_module(channels, spec).figure.axes[0]
    boxes = [p for p in axis.patches if hasattr(p, "get_width")]
    top = max(box.get_y() for box in boxes)
    landed = [box for box in boxes if box.get_y() == top]
    pooled = channels if naive else spec.pool_proj
    widths = [box.get_width() for box in landed]
    assert widths == pytest.approx([spec.conv1x1, spec.conv3x3, spec.conv5x5, pooled])
    # Side by side, without a gap: that is a concatenation.
    for left, right in pairwise(landed):
        assert left.get_x() + left.get_width() == pytest.approx(right.get_x())
    inside = sorted(box.get_width() for box in boxes if box not in landed)
    parts = [spec.conv1x1, spec.conv3x3, spec.conv5x5, channels, channels]
    parts += [] if naive else [spec.reduce3x3, spec.reduce5x5, spec.pool_proj]
    assert inside == pytest.approx(sorted(parts))


def test_charts_show_what_they_are_given():
    costs = {"a": dict.fromkeys(MODULES, 3.0), "b": {n: 2.0 + i for i, n in enumerate(MODULES)}}
    bars = plots.costs_by_module(costs, unit="u", alt="bars").figure.axes[0].patches
    assert [bar.get_height() for bar in bars] == [v for s in costs.values() for v in s.values()]

    curves = {"g": [np.linspace(0, 1, 8), np.linspace(0.5, 1, 8)]}
    lines = plots.kept_variance(curves, marks={4: "m"}, alt="curves").figure.axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), 100 * curves["g"][0])
    np.testing.assert_allclose(lines[2].get_ydata(), 100 * np.mean(curves["g"], axis=0))


def test_windows_show_true_weights_and_fields():
    field = plots.receptive_field((3, 5))
    assert "the image: 7×7; after 3×3, layer 1: 5×5; after 5×5, layer 2: 1×1" in field.alt
    faces = [patch.get_facecolor()[3] for patch in field.figure.axes[0].patches]
    assert faces.count(1) == 49
    named = plots.named_filters({"mean": torch.full((3, 3), 0.25)})
    assert "mean, 3×3, from 0.25 to 0.25" in named.alt


def test_charts_refuse_what_they_would_not_show():
    for sizes in ((), (3, 2)):
        with pytest.raises(ValueError, match="odd sizes"):
            plots.receptive_field(sizes)
    for filters in ({}, {"a": np.zeros((2, 3))}):
        with pytest.raises(ValueError, match="filters"):
            plots.named_filters(filters)
    one = dict.fromkeys(MODULES, 1.0)
    for costs in ({}, {"a": one, "b": one, "c": one}):
        with pytest.raises(ValueError, match="one or two series"):
            plots.costs_by_module(costs, unit="u", alt="bars")
    with pytest.raises(ValueError, match="the same modules"):
        plots.costs_by_module({"a": one, "b": {"3a": 1.0}}, unit="u", alt="bars")
    curve = np.linspace(0, 1, 8)
    for curves in ({}, {name: [curve] for name in "abcdef"}, {"a": []}):
        with pytest.raises(ValueError, match="one to five groups"):
            plots.kept_variance(curves, marks={}, alt="curves")
    with pytest.raises(ValueError, match="one length"):
        plots.kept_variance({"a": [curve], "b": [curve[:4]]}, marks={}, alt="curves")


def test_marks_and_ticks_stand_where_they_say():
    curve = np.linspace(0, 1, 64)
    axis = plots.kept_variance({"a": [curve]}, marks={16: "m"}, alt="curves").figure.axes[0]
    assert [line.get_xdata()[0] for line in axis.lines if len(set(line.get_xdata())) == 1] == [16]
    assert list(axis.get_xticks()) == [1, 2, 4, 8, 16, 32, 64]


def test_the_pool_is_drawn_empty_and_the_output_stands_over_the_input():
    axis = MODULE.figure.axes[0]
    boxes = [p for p in axis.patches if hasattr(p, "get_width")]
    empty = [box for box in boxes if box.get_facecolor()[3] == 0]
    assert [box.get_width() for box in empty] == pytest.approx([192, 192])  # input and pool
    top = max(box.get_y() for box in boxes)
    landed = [box for box in boxes if box.get_y() == top]
    right = landed[-1].get_x() + landed[-1].get_width()
    assert landed[0].get_x() == pytest.approx(-right)
    assert [line.get_marker() for line in axis.lines] == 4 * ["^"]  # the way up, branch by branch


def test_a_gallery_takes_colour_and_grey_and_nothing_else():
    grey = np.array([[3.0, 5.0], [4.0, 3.0]])
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[..., 0] = 255
    images = {"grey": grey, "colour": colour, "flat": np.ones((3, 3)), "floats": colour / 255.0}
    images["signed"] = np.array([[-128, 127]], np.int8)
    gallery = plots.Gallery(images, alt="five")
    assert gallery.images["grey"].getpixel((0, 0)) == (0, 0, 0)
    assert gallery.images["grey"].getpixel((1, 0)) == (255, 255, 255)
    assert gallery.images["signed"].getpixel((0, 0)) == (0, 0, 0)
    assert gallery.images["signed"].getpixel((1, 0)) == (255, 255, 255)
    for name in ("colour", "floats"):
        assert gallery.images[name].getpixel((5, 3)) == (255, 0, 0)
    assert gallery._repr_html_().count("<img") == 5
    for wrong, message in (
        (torch.zeros(3, 4, 4), r"\(H, W\) or \(H, W, 3\)"),
        (np.zeros((0, 4)), r"\(H, W\) or \(H, W, 3\)"),
        (255.0 * colour, "in 0..1"),
        (colour.astype(np.uint16), "in 0..1"),
        (np.array([[np.nan, 1.0]]), "finite"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.Gallery({"wrong": wrong}, alt="wrong")
    with pytest.raises(ValueError, match="at least one image"):
        plots.Gallery({}, alt="none")


RUNS = pd.DataFrame(
    {"setting": setting, "seed": seed, "test_accuracy": accuracy + seed / 100}
    for setting, accuracy in (("b", 0.5), ("a", 0.75))
    for seed in range(3)
)


def test_runs_are_dots_a_mean_and_its_interval():
    picture = plots.runs(RUNS)
    axis = picture.figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["b", "a"]
    dots, line, mean = (axis.lines[i].get_xdata() for i in (3, 4, 5))
    np.testing.assert_allclose(dots, [75, 76, 77])
    assert mean == pytest.approx([76])
    half = 4.302653 / 3**0.5  # Student's factor for three, times the error of the mean
    np.testing.assert_allclose(line, [76 - half, 76 + half], rtol=1e-6)
    assert f"a 76.0 ({76 - half:.1f} to {76 + half:.1f})" in picture.alt
    assert "3 runs" in picture.alt


def test_runs_against_a_baseline_are_paired_by_seed():
    rows = RUNS[(RUNS["setting"] == "b") | (RUNS["seed"] != 1)]
    picture = plots.runs(rows, baseline="b")
    axis = picture.figure.axes[0]
    np.testing.assert_allclose(axis.lines[0].get_xdata(), [25, 25])
    assert "a +25.0" in picture.alt
    low, high = axis.lines[1].get_xdata()
    summary = summarise(rows, baseline="b").loc["a"]
    assert (low, high) == pytest.approx((100 * summary["low"], 100 * summary["high"]))
    with pytest.raises(ValueError, match="several rows"):
        plots.runs(pd.concat([RUNS, RUNS]))


def test_heat_maps_share_a_scale_and_mark_each_peak():
    photo, low, high = np.zeros((8, 8, 3), np.uint8), np.eye(8), np.zeros((8, 8))
    high[2, 5] = 3.0
    picture = plots.heat_maps(
        {"photo": photo, "low": 0.5 * low, "high": high}, label="u", alt="Two."
    )
    assert picture.alt == "Two. Highest values: low 0.5, high 3.0."
    axes = {axis.get_title(loc="left"): axis for axis in picture.figure.axes}
    assert {axes[name].images[0].get_clim() for name in ("low", "high")} == {(0, 3)}
    assert not axes["photo"].patches
    [mark] = axes["high"].patches
    assert (mark.get_x() + mark.get_width() / 2, mark.get_y() + mark.get_height() / 2) == (5, 2)
    corner = np.zeros((8, 12))
    corner[0, 11] = 1
    [mark] = plots.heat_maps({"m": corner}, label="u", alt="A.").figure.axes[0].patches
    (left, top), (right, bottom) = mark.get_xy(), mark.get_corners()[2]  # whole, in the map
    assert -0.5 <= top < 0 < bottom
    assert left < 11 < right <= 11.5
    with pytest.raises(ValueError, match="at least one map"):
        plots.heat_maps({"photo": photo}, label="u", alt="None.")
    with pytest.raises(ValueError, match="photographs"):
        plots.heat_maps({"wrong": np.zeros((2, 2, 2))}, label="u", alt="Wrong.")


def test_blocks_are_as_wide_as_the_branches_they_read():
    widths = {"1x1": 6, "3x3": 8, "5x5": 2, "pool": 4}
    picture = plots.block_matrix(widths, rows=5)
    for axis in picture.figure.axes:
        blocks, columns = axis.patches[::2], axis.patches[1::2]
        assert [block.get_width() for block in blocks] == list(widths.values())
        assert [column.get_height() for column in columns] == list(widths.values())
        assert {block.get_height() for block in blocks} == {5}
    assert "8 for the 3x3 branch" in picture.alt


def by_class():
    return pd.DataFrame(
        [
            {"class": name, "branch": branch, "seed": seed, "lost": 10.0 * column + seed + extra}
            for name, extra in (("Shirt", -30), ("Bag", 5))
            for column, branch in enumerate(BRANCHES)
            for seed in (0, 2)
        ]
    )


def test_each_network_is_a_dot_in_the_column_of_its_branch():
    picture = plots.lost_by_class(by_class())
    for number, (axis, branch) in enumerate(zip(picture.figure.axes, BRANCHES, strict=True)):
        dots, means = axis.lines[1:3]
        assert dots.get_color() == BRANCH_COLOURS[branch]
        lost = [10 * number + add for add in (-30, -28, 5, 7)]
        assert list(dots.get_xdata()) == lost
        assert list(dots.get_ydata()) == [0, 0, 1, 1]
        assert list(means.get_xdata()) == [10 * number - 29, 10 * number + 6]
    assert "2 networks" in picture.alt
    assert "1×1: Shirt -29, Bag 6" in picture.alt


def test_a_star_stands_where_a_test_passes():
    shares = pd.DataFrame({"3a": [0.5, 0.0004], "3b": [0.02, 0.006]}, index=["colour", "curvature"])
    picture = plots.shuffle_tests(
        {"trained": (shares, shares < 0.001), "not": (shares, shares < 0)}
    )
    told = [[text.get_text() for text in axis.texts] for axis in picture.figure.axes]
    assert told == [["0.50", "0.02", "0.0004\n★", "0.006"], ["0.50", "0.02", "0.0004", "0.006"]]
    assert picture.alt.endswith("trained: curvature in 3a (0.0004); not: none.")


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plots.lost_by_class(by_class()[:0]), "branch, class, lost, seed"),
        (lambda: plots.lost_by_class(by_class().drop(columns="seed")), "branch, class, lost, seed"),
        (lambda: plots.shuffle_tests({}), "at least one panel"),
        (lambda: plots.shuffle_tests({"": (pd.DataFrame([[1.2]]),) * 2}), "up to 1"),
        (
            lambda: plots.shuffle_tests({"": (pd.DataFrame([[1, 1]]), pd.DataFrame([[1]]))}),
            "as many",
        ),
    ],
)
def test_tables_that_cannot_be_drawn_are_refused(draw, said):
    with pytest.raises(ValueError, match=said):
        draw()


def test_disturbed_images_have_a_panel_for_each_kind_and_a_line_for_each_network():
    table = pd.DataFrame({"one": [0.9, 0.5], "two": [0.91, 0.25]}, index=[np.nan, 0.1])
    picture = plots.by_strength({"noise, std": table, "shift, pixels": table}, usual="clean")
    assert len(picture.figure.axes) == 2
    for axis in picture.figure.axes:
        assert [text.get_text() for text in axis.get_xticklabels()] == ["clean", "0.1"]
        lines = [line.get_ydata() for line in axis.lines]
        assert np.allclose(lines, 100 * table.to_numpy().T)
    assert "shift, pixels: one 90.0%, 50.0%; two 91.0%, 25.0%" in picture.alt
    for bad in ({}, {"a": table}, {"a": table, "b": table.rename(columns={"one": "x"})}):
        with pytest.raises(ValueError, match="expected"):
            plots.by_strength(bad)
