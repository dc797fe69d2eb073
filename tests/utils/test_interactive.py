"""The host of the interactive figures, as far as Python alone can see it."""

from __future__ import annotations

import importlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import traitlets

from utils.interactive import Interactive, bundle

SOURCE = "export default { render({ model, el }) { el.textContent = model.get('n'); } };"


class Parts(HTMLParser):
    """What a browser makes of the HTML: its elements, and the text of its scripts."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag == "script":
            self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text += data


def constants(script: str) -> tuple[str, dict, str]:
    """The content's name, the state and the source, as the script would read them."""
    line = script.strip().splitlines()[0]
    found = re.fullmatch(r"const CONTENT = (.*?), STATE = (.*), SOURCE = (.*);", line)
    assert found
    return tuple(json.loads(part) for part in found.groups())  # type: ignore[return-value]


def test_html_holds_name_state_and_source():
    figure = Interactive(SOURCE, alt='A "name" & <more>', key="counter", n=3, words=["a", None])
    parts = Parts(figure._repr_html_())
    tag, attributes = parts.elements[0]
    assert tag == "figure"
    assert attributes["role"] == "group"
    assert attributes["aria-label"] == 'A "name" & <more>'
    assert attributes["id"] == "counter"
    assert len(parts.scripts) == 1
    content, state, source = constants(parts.scripts[0])
    assert content == attributes["data-interactive"]
    assert state == {"n": 3, "words": ["a", None]}
    assert source == SOURCE
    assert 'A "name" & <more>' in parts.text  # the text alternative, outside the script


@pytest.mark.parametrize(
    "nasty",
    ["</script><img src=x>", "<!-- <script>", "]]>", "\u2028\u2029", "é 漢", "`${1}`", "%s %(id)s"],
)
def test_state_cannot_break_out_of_the_script(nasty):
    parts = Parts(Interactive(SOURCE, alt="Text", words=nasty)._repr_html_())
    assert [tag for tag, _ in parts.elements] == ["figure", "div", "p", "style", "script"]
    assert constants(parts.scripts[0])[1] == {"words": nasty}
    assert "<" not in parts.scripts[0].splitlines()[1]


def test_the_page_is_the_same_at_every_build():
    make = lambda n: Interactive(SOURCE, alt="Counter", n=n)._repr_html_()  # noqa: E731
    assert make(3) == make(3)
    names = {re.search('data-interactive="(.*?)"', make(n))[1] for n in (3, 4)}
    assert len(names) == 2


def test_nothing_is_loaded():
    text = Interactive(SOURCE, alt="Counter", n=3)._repr_html_()
    assert not re.search(r"https?:|src=|href=|@import|url\(", text)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"n": float("nan")}, "n must be a JSON value"),
        ({"n": float("inf")}, "n must be a JSON value"),
        ({"n": object()}, "type object"),
        ({"n": np.zeros(3)}, "type ndarray"),
        ({"n": {1: "one"}}, "string keys"),
        ({"n": [0, {"deep": {2, 3}}]}, r"n\[1\]\['deep'\] must be"),
        ({"n": b"bytes"}, "type bytes"),
    ],
)
def test_state_that_is_not_json(state, message):
    with pytest.raises(ValueError, match=message):
        Interactive(SOURCE, alt="Counter", **state)


def test_numpy_scalars_and_tuples_become_plain():
    figure = Interactive(
        SOURCE, alt="Counter", n=np.int64(3), x=np.float32(0.5), size=(1, 2), b=True
    )
    assert figure.state == {"n": 3, "x": 0.5, "size": [1, 2], "b": True}
    assert type(figure.state["n"]) is int
    assert figure.state["b"] is True


@pytest.mark.parametrize("alt", ["", "  ", None])
def test_a_figure_needs_a_name(alt):
    with pytest.raises(ValueError, match="alt must say"):
        Interactive(SOURCE, alt=alt)


@pytest.mark.parametrize("key", ["", "3a", 'a" onclick="x', "two words", "ä"])
def test_a_key_is_an_anchor(key):
    with pytest.raises(ValueError, match="key must be"):
        Interactive(SOURCE, alt="Counter", key=key)


def test_a_figure_without_state_is_a_widget_too():
    assert Interactive(SOURCE, alt="Counter").widget()._esm


def positive(state):
    if state["n"] <= 0:
        raise ValueError(f"n must be positive, but it is {state['n']}")


def test_check_guards_construction_and_change():
    with pytest.raises(ValueError, match="positive, but it is 0"):
        Interactive(SOURCE, alt="Counter", check=positive, n=0)
    figure = Interactive(SOURCE, alt="Counter", check=positive, n=1)
    widget = figure.widget()
    with pytest.raises(ValueError, match="positive, but it is -2"):
        widget.n = -2
    assert widget.n == 1


def test_repr_is_short():
    assert repr(Interactive(SOURCE, alt="Counter", n=1)) == "<interactive figure: Counter>"


class TestWidget:
    def test_traits_follow_the_state(self):
        figure = Interactive(SOURCE, alt="Counter", n=3, size=[1, 2], left=None)
        widget = figure.widget()
        assert (widget.n, widget.size, widget.left) == (3, [1, 2], None)
        assert {"n", "size", "left"} <= set(widget.keys)
        seen = []
        widget.observe(lambda change: seen.append(change["new"]), "n")
        widget.n = 5
        assert seen == [5]
        assert figure.state["n"] == 3

    def test_state_from_the_browser_arrives(self):
        widget = Interactive(SOURCE, alt="Counter", n=3, m=0).widget()
        widget.set_state({"n": 7, "m": None})
        assert (widget.n, widget.m) == (7, None)

    def test_widgets_do_not_share_lists(self):
        figure = Interactive(SOURCE, alt="Counter", size=[1, 2])
        widget = figure.widget()
        widget.size.append(3)
        assert figure.state["size"] == [1, 2]
        assert figure.widget().size == [1, 2]

    def test_value_that_is_not_json(self):
        widget = Interactive(SOURCE, alt="Counter", n=3).widget()
        with pytest.raises((ValueError, traitlets.TraitError), match="JSON"):
            widget.n = {1, 2}

    def test_two_values_that_only_together_make_sense(self):
        def ordered(state):
            if state["low"] > state["high"]:
                raise ValueError("low must be at most high")

        widget = Interactive(SOURCE, alt="Range", check=ordered, low=1, high=2).widget()
        with pytest.raises(ValueError, match="at most"):
            widget.low = 5
        with widget.hold_trait_notifications():
            widget.low = 5
            widget.high = 6
        assert (widget.low, widget.high) == (5, 6)

    def test_name_that_every_widget_has(self):
        with pytest.raises(ValueError, match="every widget already has layout"):
            Interactive(SOURCE, alt="Counter", layout=3).widget()

    def test_without_anywidget(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "anywidget", None)
        with pytest.raises(ImportError, match="pip install anywidget"):
            Interactive(SOURCE, alt="Counter", n=3).widget()


class TestBundle:
    def write(self, folder: Path, **files: str) -> Path:
        for name, text in files.items():
            (folder / f"{name}.js").write_text(text, encoding="utf-8")
        return folder / "main.js"

    def test_shared_files_come_first_and_once(self, tmp_path):
        main = self.write(
            tmp_path,
            main='import { a } from "./a.js";\nimport {\n  b,\n} from "./b.js";\n'
            "export default a(b);\n",
            a='import { b } from "./b.js";\nexport function a(x) { return x + b; }\n',
            b="export const b = 1;\nconst own = 2;\n",
        )
        text = bundle(main)
        assert "import" not in text
        assert text.count("const b = 1") == 1
        assert text.index("const b") < text.index("function a") < text.index("export default")
        assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default a(b);"]

    def test_comments_stay_at_home_and_nothing_else(self, tmp_path):
        main = self.write(
            tmp_path, main='// Why.\nconst a = "https://b"; // c\n  // How.\nexport default a;\n'
        )
        assert bundle(main) == 'const a = "https://b"; // c\nexport default a;\n'

    def test_a_circle_of_imports_ends(self, tmp_path):
        main = self.write(
            tmp_path,
            main='import { a } from "./a.js";\nexport default a;\n',
            a='import { b } from "./b.js";\nexport const a = 1;\n',
            b='import { a } from "./a.js";\nexport const b = 2;\n',
        )
        assert bundle(main).count("const a") == 1

    @pytest.mark.parametrize(
        "line",
        [
            'import * as d3 from "https://esm.sh/d3";',
            'import { x } from "https://esm.sh/d3";',
            'import d from "./d.js";',
            'import { a as b } from "./d.js";',
            'const a = 1; import { b } from "https://esm.sh/d3";',
            '/* c */ import "https://esm.sh/d3";',
            'const d = await import/**/("./d.js");',
            'export {\n  a,\n} from "https://esm.sh/d3";',
            'export * from "https://esm.sh/d3";',
            'import "./d.js";',
            'const d = await import("./d.js");',
            'export { x } from "./d.js";',
        ],
    )
    def test_anything_else_is_refused(self, tmp_path, line):
        main = self.write(
            tmp_path, main=f"{line}\nexport default {{}};\n", d="export const x = 1;\n"
        )
        with pytest.raises(ValueError, match=r"main\.js must stand alone, but it says"):
            bundle(main)

    def test_source_as_a_string_must_stand_alone(self):
        with pytest.raises(ValueError, match="must stand alone"):
            Interactive('import { a } from "./a.js";\nexport default {};', alt="Text")

    def test_missing_file(self, tmp_path):
        main = self.write(tmp_path, main='import { a } from "./gone.js";\nexport default a;\n')
        with pytest.raises(FileNotFoundError, match="gone"):
            bundle(main)


def test_import_has_no_side_effect():
    """The host imports neither the widget packages nor anything that draws."""
    module = importlib.import_module("utils.interactive")
    text = Path(module.__file__).read_text(encoding="utf-8")
    top = [line for line in text.splitlines() if re.match(r"(import|from) ", line)]
    assert not any(
        re.search("anywidget|ipywidgets|traitlets|matplotlib|torch", line) for line in top
    )
