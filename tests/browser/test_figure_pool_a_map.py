"""The figure in which a map is pooled, in a browser: its numbers are Python's."""

from __future__ import annotations

import pytest
import torch
from alone import number, results
from playwright.sync_api import expect

from utils.activations import features
from utils.figures import pool_a_map
from utils.figures.pool_a_map import measurements, moved_images
from utils.pretrained import load


@pytest.fixture(scope="module")
def truth() -> dict:
    """The last map, its pools and the scores, from the network itself."""
    trained = load("colour-googlenet")
    with torch.no_grad():
        ready = trained.preprocessing(moved_images(), any_size=True)
        last = features(trained.model, ready, ["inception4b"])["inception4b"]
        return {"last": last, "scores": trained.model(ready), "trained": trained}


def channel(name: str) -> int:
    return int(measurements()["maps"][name]["title"].split()[1].rstrip(","))


def test_nothing_of_the_piece_is_cut_off_or_changed():
    images = moved_images()
    assert images.shape == (25, 3, 112, 112)
    for pixels in (1, 24):
        piece = images[pixels, :, 24:88, 12 + pixels : 76 + pixels]
        assert torch.equal(piece, images[0, :, 24:88, 12:76])
    assert torch.equal(images[0, :, :, 76 + 24 :], images[24, :, :, 76 + 24 :])


def test_changes_and_scores_are_the_networks(truth):
    last, found = truth["last"], measurements()
    pooled = {"average": last.mean((2, 3)), "max": last.amax((2, 3)), "none": last.flatten(1)}
    for name, vectors in pooled.items():
        change = (vectors - vectors[0]).norm(dim=1) / vectors[0].norm()
        torch.testing.assert_close(torch.tensor(found["changes"][name]), change, atol=1e-4, rtol=0)
    for name, scores in found["scores"].items():
        own = truth["scores"][:, truth["trained"].classes.index(name)]
        torch.testing.assert_close(torch.tensor(scores), own, atol=1e-4, rtol=0)


def test_numbers_equal_pythons(show, truth) -> None:
    page = show(pool_a_map()).page
    for pixels, name in ((0, "first"), (7, "second"), (24, "third"), (13, "first")):
        page.get_by_label("Map", exact=True).select_option(name)
        number(page, "Moved to the right, px").fill(str(pixels))
        values = truth["last"][pixels, channel(name)]
        found = results(page)
        assert (found["shift"], found["chosen"]) == (pixels, name)
        assert found["mean"] == pytest.approx(values.mean().item(), abs=1e-3)
        assert found["maximum"] == pytest.approx(values.max().item(), abs=1e-3)
        assert values.flatten()[found["at"]] == pytest.approx(values.max().item(), abs=2e-3)
        for which, value in (("mean", values.mean()), ("maximum", values.max())):
            shown = float(page.locator(f'[data-name="{which}"]').inner_text())
            assert shown == pytest.approx(value.item(), abs=2e-3)
        for shown, share in found["changes"].items():
            assert share == measurements()["changes"][shown][pixels]


def test_a_class_maps_mean_plus_the_bias_is_the_score(show) -> None:
    page = show(pool_a_map()).page
    for name in ("motorcycle", "grass"):
        page.get_by_label("Map", exact=True).select_option(name)
        for pixels in (0, 11):
            number(page, "Moved to the right, px").fill(str(pixels))
            found = results(page)
            assert found["mean"] + found["bias"] == pytest.approx(found["scores"][name], abs=2e-3)


def test_the_summary_follows_the_pool_and_the_arrow_keys(show) -> None:
    page = show(pool_a_map()).page
    said = page.get_by_role("status")
    expect(said).to_contain_text("Not moved yet. The mean of this map")
    page.get_by_label("Moved to the right, px", exact=True).focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert results(page)["shift"] == 8
    expect(said).to_contain_text("Moved by 8 px")
    page.get_by_role("radio", name="maximum").check()
    expect(said).to_contain_text("The maximum of this map")
    assert page.locator(".mark").is_visible()
    page.get_by_role("radio", name="keep all").check()
    share = measurements()["changes"]["none"][8]
    expect(said).to_contain_text(f"moved by {100 * share:.1f}%")
    assert not page.locator(".mark").is_visible()


def test_the_winner_is_the_higher_score(show) -> None:
    page = show(pool_a_map()).page
    seen = set()
    for pixels in range(0, 25, 3):
        number(page, "Moved to the right, px").fill(str(pixels))
        scores = results(page)["scores"]
        if abs(scores["motorcycle"] - scores["grass"]) < 0.001:
            expect(page.locator("td.winner")).to_have_count(0)
            expect(page.get_by_role("status")).to_contain_text("as good as equal")
            seen.add(None)
            continue
        winner = max(scores, key=scores.get)
        expect(page.get_by_role("status")).to_contain_text(f"that of {winner}")
        expect(page.locator("td.winner")).to_have_count(1)
        expect(page.locator(f'td.winner[data-name="score.{winner}"]')).to_have_count(1)
        seen.add(winner)
    assert seen == {"motorcycle", "grass", None}  # the same piece, only elsewhere


def test_the_chart_is_to_scale(show) -> None:
    """Each dot lies on its line, and as far above the axis as its change is large."""
    page = show(pool_a_map()).page
    number(page, "Moved to the right, px").fill("15")
    drawn = page.locator(".lines").evaluate(
        """(svg) => { const all = (kind) => [...svg.querySelectorAll(kind)]; return {
          low: +all(".upright")[0].getAttribute("d").split("V")[1],
          dots: all(".dot").map((e) => ["cx", "cy"].map((name) => +e.getAttribute(name))),
          lines: all(".curve").map((e) => e.getAttribute("d").slice(1).split(" L")
            .map((place) => place.split(" ").map(Number))) }; }"""
    )
    shares = [measurements()["changes"][name] for name in ("none", "max", "average")]
    highest = drawn["low"] - drawn["lines"][0][24][1]
    for own, line, dot in zip(shares, drawn["lines"], drawn["dots"], strict=True):
        assert line[15] == dot
        heights = [drawn["low"] - y for _, y in line]
        assert heights == pytest.approx([highest * s / shares[0][24] for s in own], abs=0.15)
        left, right = line[0][0], line[24][0]
        assert [x for x, _ in line] == pytest.approx(
            [left + (right - left) * i / 24 for i in range(25)], abs=0.1
        )


def test_it_is_small_and_refuses_nonsense() -> None:
    text = pool_a_map()._repr_html_()
    assert len(text) < 200_000
    assert "https:" not in text
    for wrong in ({"shift": 25}, {"shift": 1.5}, {"pool": "median"}, {"chosen": "fourth"}):
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            pool_a_map(**wrong)
