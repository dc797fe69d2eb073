"""The interactive figures, as far as Python alone can see them."""

from __future__ import annotations

import base64
import io
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import utils.figures
from utils.accounting import account, break_even, convolution_cost, module_costs, reduced_cost
from utils.blocks import InceptionSpec
from utils.figures import bottleneck_calculator, build_a_module, network_map
from utils.googlenet import INPUTS, MODULES, TABLE_1, googlenet
from utils.support.palette import BRANCH_COLOURS, BRANCH_LABELS, BRANCHES, SERIES_COLOURS

FIGURES = [bottleneck_calculator, build_a_module, network_map]
JS = Path(utils.figures.__file__).parents[1] / "interactive" / "kit.js"


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_small_and_loads_nothing(figure):
    made = figure()
    text = made._repr_html_()
    assert len(text) - len(made.state.get("photo", "")) < 70_000
    assert len(made.state.get("photo", "")) < 20_000
    assert re.findall(r"https?:[\w:/.]+", text) == ["http://www.w3.org/2000/svg"]  # a name only
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|sendBeacon)\b", text)


@pytest.mark.parametrize("figure", FIGURES)
def test_state_names_do_not_clash_with_a_widget(figure):
    made = figure()
    widget = made.widget()
    assert {name: getattr(widget, name) for name in made.state} == made.state


@pytest.mark.parametrize("figure", FIGURES)
def test_key_is_the_anchor(figure):
    assert 'id="here"' in figure(key="here")._repr_html_()


def test_colours_and_order_are_those_of_every_picture():
    text = JS.read_text(encoding="utf-8")
    order = re.search(r"BRANCHES = \[(.*?)\]", text)[1]
    assert tuple(re.findall('"(.*?)"', order)) == BRANCHES == tuple(BRANCH_COLOURS)
    colours = re.search(r"COLOURS = \{(.*?)\}", text)[1]
    assert dict(re.findall('"(.*?)": "(.*?)"', colours)) == BRANCH_COLOURS
    series = re.search(r"SERIES = \[(.*?)\]", text)[1]
    assert tuple(re.findall('"(.*?)"', series)) == SERIES_COLOURS
    assert tuple(BRANCH_LABELS) == BRANCHES


class TestBottleneck:
    def test_defaults_are_the_5x5_branch_of_3a(self):
        state = bottleneck_calculator().state
        spec, (channels, *size) = MODULES["3a"], INPUTS["3a"]
        assert (state["c_in"], state["c_red"], state["c_out"]) == (
            channels,
            spec.reduce5x5,
            spec.conv5x5,
        )
        assert (state["kernel_size"], state["size"]) == (5, size)

    def test_presets_are_the_nine_modules(self):
        presets = bottleneck_calculator().state["presets"]
        assert [preset["module"] for preset in presets] == list(MODULES)
        for preset in presets:
            spec, (c_in, *size) = MODULES[preset["module"]], INPUTS[preset["module"]]
            three, five = preset["branches"]
            common = {"c_in": c_in, "size": size}
            assert three == common | {
                "c_red": spec.reduce3x3, "c_out": spec.conv3x3, "kernel_size": 3,
            }  # fmt: skip
            assert five == common | {
                "c_red": spec.reduce5x5, "c_out": spec.conv5x5, "kernel_size": 5,
            }  # fmt: skip
            bottleneck_calculator(**{**five, "size": tuple(size)})  # every preset is a valid state

    def test_the_text_alternative_gives_the_numbers(self):
        text = bottleneck_calculator(480, 24, 64, 3, size=(14, 20)).fallback
        direct = convolution_cost(480, 64, kernel_size=3, size=(14, 20))
        reduced = reduced_cost(480, 24, 64, kernel_size=3, size=(14, 20))
        for number in (*direct, *reduced):
            assert f"<td>{number:,}</td>" in text
        assert f"{break_even(480, 64, kernel_size=3):.1f}" in text

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"c_in": 1}, "c_in must be from 2 to 1024, got 1"),
            ({"c_in": 8}, "c_red must be at most c_in = 8"),
            ({"c_red": 0}, "c_red must be"),
            ({"c_red": 193}, "c_red must be at most c_in = 192"),
            ({"c_out": 32.0}, "c_out must be an integer"),
            ({"kernel_size": 4}, "kernel_size must be one of 1, 3, 5, 7; got 4"),
            *(({"kernel_size": k}, "kernel_size must be") for k in (5.0, "5", True, None)),
            ({"size": (28, 300)}, "the width in size must be from 1 to 224"),
        ],
    )
    def test_bad_input(self, arguments, message):
        with pytest.raises((TypeError, ValueError), match=message):
            bottleneck_calculator(**arguments)

    def test_bad_change_of_the_widget(self):
        widget = bottleneck_calculator().widget()
        for name, value in [("c_red", 500), ("kernel_size", 2), ("size", [7]), ("c_in", "many")]:
            with pytest.raises((TypeError, ValueError), match=name):
                setattr(widget, name, value)
        widget.set_state({"c_in": 832, "c_red": 48, "size": [7, 7]})
        assert (widget.c_in, widget.c_red, widget.size) == (832, 48, [7, 7])


class TestModule:
    def test_presets_are_the_nine_modules(self):
        presets = build_a_module().state["presets"]
        assert list(presets) == list(MODULES)
        for name, preset in presets.items():
            spec = InceptionSpec(**{k: preset[k] for k in InceptionSpec.__dataclass_fields__})
            assert spec == MODULES[name]
            assert (preset["in_channels"], *preset["size"]) == INPUTS[name]
            build_a_module(preset["in_channels"], spec, size=tuple(preset["size"]))

    def test_default_is_3a(self):
        state = build_a_module().state
        assert {name: state[name] for name in state["presets"]["3a"]} == state["presets"]["3a"]

    def test_the_text_alternative_gives_the_numbers(self):
        spec = MODULES["4d"]
        text = build_a_module(512, spec, size=(14, 14)).fallback
        for form in (spec, spec.naive()):
            costs = module_costs(512, form, size=(14, 14))
            for cost in (*costs.values(), sum(costs.values())):
                assert f"<td>{cost.parameters:,}</td><td>{cost.macs:,}</td>" in text
        assert f"{spec.out_channels(512)} output" in text

    def test_none_leaves_a_reduction_out(self):
        assert build_a_module(spec=MODULES["3a"].naive()).state["reduce3x3"] is None

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"in_channels": 0}, ValueError, "in_channels must be from 1 to 1024"),
            ({"spec": (64, 96, 128, 16, 32, 32)}, TypeError, "spec must be an InceptionSpec"),
            ({"size": (28, 0)}, ValueError, "the width in size must be"),
        ],
    )
    def test_bad_input(self, arguments, error, message):
        with pytest.raises(error, match=message):
            build_a_module(**arguments)

    def test_too_many_filters_for_the_sliders(self):
        spec = InceptionSpec(
            conv1x1=64, reduce3x3=96, conv3x3=600, reduce5x5=16, conv5x5=32, pool_proj=32
        )
        with pytest.raises(ValueError, match="conv3x3 must be from 1 to 512"):
            build_a_module(spec=spec)

    def test_bad_change_of_the_widget(self):
        widget = build_a_module().widget()
        with pytest.raises(TypeError, match="conv3x3"):
            widget.conv3x3 = None
        with pytest.raises(ValueError, match="pool_proj"):
            widget.pool_proj = 0
        widget.pool_proj = None
        assert widget.pool_proj is None


class TestNetwork:
    @pytest.mark.parametrize("variant", ["paper", "torchvision"])
    def test_the_stages_are_those_of_the_network(self, variant):
        """Sums and ends against an account of the network made here, branches against the stage."""
        with torch.device("meta"):
            counted = account(googlenet(variant, aux_heads=False))
        found = network_map().state["networks"][variant]
        assert (found["parameters"], found["macs"]) == (counted.parameters, counted.macs)
        for kind in ("parameters", "macs"):
            assert sum(stage[kind] for stage in found["stages"]) == found[kind]
        for stage in found["stages"]:
            if stage["name"] not in MODULES:
                continue
            own = counted.stages.loc[f"inception{stage['name']}"]
            assert stage["rf"] == [own["rf_min"], own["rf_max"]]
            for kind in ("parameters", "macs"):
                assert sum(column[kind] for column in stage["columns"]) == stage[kind] == own[kind]
            spec = MODULES[stage["name"]]
            made = [column["boxes"][-1][1] for column in stage["columns"]]
            assert made == [spec.conv1x1, spec.conv3x3, spec.conv5x5, spec.pool_proj]
            kernel = "5×5" if variant == "paper" else "3×3"
            assert stage["columns"][2]["boxes"][1][0] == kernel
        assert found["stages"][-1]["rf"][1] == (907 if variant == "paper" else 571)  # by hand

    def test_shapes_are_those_of_the_table(self):
        stages = network_map().state["networks"]["paper"]["stages"]
        rows = [row for row in TABLE_1 if not row.type.startswith(("dropout", "softmax"))]
        assert len(stages) == len(rows)
        for stage, row in zip(stages, rows, strict=True):
            assert tuple(stage["output"]) == row.output[: len(stage["output"])]
        for before, after in pairwise(stages):
            assert before["output"] == after["input"]

    def test_the_text_alternative_gives_the_numbers(self):
        figure = network_map(variant="torchvision")
        for stage in figure.state["networks"]["torchvision"]["stages"]:
            shape = "×".join(map(str, stage["output"]))
            numbers = (stage["parameters"], stage["macs"], *stage["rf"])
            cells = "".join(f"<td>{number:,}</td>" for number in numbers)
            assert f"<td>{shape}</td>{cells}<td>{stage['time']:.1%}</td>" in figure.fallback

    def test_the_photograph_is_square_and_travels_with_the_figure(self):
        address = network_map(photo="rocket").state["photo"]
        head, data = address.split(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.size == (224, 224)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"stage": "6a"}, "stage must be one of 'conv1'"),
            ({"measure": "flops"}, "measure must be one of 'macs', 'parameters', 'time'; got"),
            ({"variant": "bn"}, "variant must be one of"),
            ({"photo": "dog"}, "there is no photograph 'dog'"),
        ],
    )
    def test_bad_input(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            network_map(**arguments)

    def test_bad_change_of_the_widget(self):
        widget = network_map().widget()
        with pytest.raises(ValueError, match="stage must be one of"):
            widget.stage = "inception4c"
        widget.stage = "linear"
        assert widget.stage == "linear"


def test_numbers_of_numpy_are_taken_as_they_are():
    plain = bottleneck_calculator(192, 16, 32, 5, size=(28, 28))
    taken = bottleneck_calculator(*map(np.int64, (192, 16, 32, 5)), size=(np.int32(28), 28))
    assert taken._repr_html_() == plain._repr_html_()


def test_as_many_reduced_channels_as_come_in_are_allowed():
    assert bottleneck_calculator(c_in=64, c_red=64).state["c_red"] == 64


def test_the_sliding_window_refuses_what_does_not_fit():
    picture, weights = np.zeros((4, 5)), np.ones((3, 3))
    with pytest.raises(ValueError, match="step must be from 1 to 6"):
        utils.figures.sliding_window(picture, weights, step=7)
    for bad in ((picture, np.ones((2, 2))), (picture[:2], weights), (picture, np.ones(3))):
        with pytest.raises(ValueError, match="k odd"):
            utils.figures.sliding_window(*bad)
    table = utils.figures.sliding_window(picture, -weights + 1).fallback
    assert table.count("<td>") == 6
