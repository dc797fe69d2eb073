"""Exercises of the chapter on classifying images."""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from ..data import photograph, results, texture, to_tensor
from ..experiments import classify_images as experiment
from ..experiments.disguises import (
    DISGUISES,
    GARMENTS,
    PIXELS,
    QUERIES,
    named_right,
    wrongly_sure,
)
from ..interactive import Interactive
from ..pretrained import Pretrained, load
from . import questions
from .answers import call, expect
from .challenges import Challenge, Score
from .core import Exercise
from .questions import Option, choice
from .results import Array, Number, Slip

# 1 ---------------------------------------------------------------------------------------------


def _file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _files() -> list[tuple]:
    """Pictures as they come: wide, high and grey, lying on their side, cut out, finely textured."""
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    coffee = Image.fromarray(photograph("coffee")).resize((96, 64))
    side = Image.Exif()
    side[0x0112] = 6  # the camera was turned
    shape = np.zeros((60, 82), np.uint8)  # no whole number of pixels wide, once it is small
    shape[10:50, 30:66] = 255
    cut = coffee.resize((82, 60)).copy()
    cut.putalpha(Image.fromarray(shape))
    brick = Image.fromarray(texture("brick")[:128, :128]).convert("RGB")
    return [
        (_file(coffee), 32, mean, std),
        (_file(coffee.convert("L").rotate(90, expand=True)), 24, mean, std),
        (_file(coffee, "JPEG", quality=95, exif=side), 32, mean, std),
        (_file(cut), 32, mean, std),
        (_file(brick), 16, mean, std),
    ]


_CASES = (
    "a picture in colour, wider than high",
    "a grey picture, higher than wide",
    "a picture whose camera was turned",
    "a picture with transparent parts",
    "a picture full of fine detail",
)


def _which(content: bytes, *_: Any) -> str:
    names = {case[0]: name for case, name in zip(_files(), _CASES, strict=True)}
    return names[content]


_BYTES = "The numbers are bytes, 0 to 255: divide by 255."


def _look_of_seen(got: Tensor, *_: Any) -> str:
    if got.abs().max() > 50:  # from 0..1 they reach 5
        return _BYTES
    return "Turn your result back into a picture, `x[0] * std + mean`, and look at it."


_SEEN = Array(
    expected="what the network should see",
    look=_look_of_seen,
    shape="One image of three channels, `size` pixels high and wide: (1, 3, size, size).",
    close=0.3,  # resizing differs a little at the edges, from package to package
)

_CROP = "    x = vision.center_crop(x, min(picture.size))\n"
_RESIZE = "vision.resize(x, [size, size], antialias=True)"
_RESIZED_FIRST = (
    "Resized first and cropped then, as is done for ImageNet. But the longer side and the place of "
    "the square are rounded to whole pixels then, and small pictures show it. Asked for is the "
    "square first."
)
_NEAREST = (
    "Each pixel is a copy of one in the large picture, and no mean of several: fine detail turns "
    "into speckles. Asked for is bilinear, with antialiasing."
)

prepare = Exercise(
    key="prepare",
    title="Whatever comes",
    statement="""
Write the preprocessing of a network yourself, for files as people have them. `content` is a file as
bytes. Turn the picture as the camera was held (EXIF), put white behind what is transparent, and
make it three colours. Take the middle square, resize it to `size` pixels (bilinear, with
antialiasing), scale it to 0..1, and normalise it by `mean` and `std`, three numbers each. Return
`(1, 3, size, size)`. `Image.open(io.BytesIO(content))` is Pillow's picture of it; `load_image` and
`prepare` of `utils` are not to be used.
""",
    stub="""
import io

from PIL import Image, ImageOps


def my_input(content, size, mean, std):
    \"\"\"Bytes of a file to a network's input, (1, 3, size, size).\"\"\"
    picture = Image.open(io.BytesIO(content))
    return ...
""",
    answer="my_input",
    cases=_files,
    case=_which,
    results=(_SEEN,),
    slips=(
        Slip(
            {
                "ImageOps.exif_transpose(Image.open(io.BytesIO(content)))": "Image.open("
                "io.BytesIO(content))"
            },
            "The picture lies on its side: a phone stores it as the sensor saw it, and beside it "
            "a note how it was held. See `ImageOps.exif_transpose`.",
        ),
        Slip(
            {"if picture.has_transparency_data:": "if False:"},
            "What is transparent shows the colours that the file has there, which nobody was "
            "meant to see. Lay the picture over a white one before it becomes RGB.",
        ),
        Slip(
            {'"white"': '"black"'},
            "What is transparent came out black; asked for is white.",
        ),
        Slip(
            {_CROP: ""},
            "The whole picture is squeezed into a square. Cut out the middle square first.",
        ),
        Slip(
            {
                "vision.center_crop(x, min(picture.size))": "x[:, :min(picture.size), "
                ":min(picture.size)]"
            },
            "That is the square at the upper left, not the one in the middle.",
        ),
        Slip(
            {"vision.center_crop(x, min(picture.size))": "vision.center_crop(x, size)"},
            "`size` pixels are cut out and nothing is made smaller: the network sees a detail. Cut "
            "out the largest square, and resize that.",
        ),
        Slip(
            {'    picture = picture.convert("RGB")\n': ""},
            "A picture can have four channels, the last of which says how opaque it is, or one: "
            'make it three with `.convert("RGB")`.',
        ),
        Slip({"scale=True": "scale=False"}, _BYTES),
        Slip(
            {"x, mean, std": "x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]"},
            "Normalised by ImageNet's mean and std. This network has its own: the function gets "
            "them as `mean` and `std`.",
        ),
        Slip(
            {"vision.normalize(x, mean, std)": "x"},
            "Scaled to 0..1, but not normalised.",
        ),
        Slip(
            {"x, mean, std": "x, std, mean"},
            "`mean` and `std` have changed places.",
        ),
        Slip(
            {"x, mean, std": "x, mean, [1, 1, 1]"},
            "The mean is taken off, and nothing is divided by `std`.",
        ),
        Slip(
            {"x, mean, std": "x, [0, 0, 0], std"},
            "Divided by `std`, with the mean still on.",
        ),
        Slip(
            {"vision.to_image(picture)": "vision.to_image(picture).flip(0)"},
            "Red and blue have changed places.",
        ),
        Slip(
            {"antialias=True": "antialias=False"},
            "Without antialiasing, most pixels of the large picture are never read, and fine "
            "detail turns into speckles.",
            whole=True,  # a mean of four pixels is the same where one becomes half as large
        ),
        *(
            Slip({_CROP: "", _RESIZE: f"vision.center_crop(vision.resize(x, {to}), size)"}, look)
            for to, look in (
                ("[size]", _RESIZED_FIRST),
                (
                    "[size * 256 // 224]",
                    "Resized to a little more than `size`, and its margins cut off, as is done for "
                    "ImageNet. This network was trained on the whole middle square.",
                ),
            )
        ),
        *(
            Slip({"antialias=True": f"vision.InterpolationMode.{way}"}, look)
            for way, look in (
                (
                    "BICUBIC",
                    "Resized bicubically, as Pillow's `resize` does unless it is told otherwise, "
                    "or by Lanczos: along edges both overshoot. Asked for is bilinear.",
                ),
                ("NEAREST_EXACT", _NEAREST),
                ("NEAREST", _NEAREST),
            )
        ),
        Slip({"[None]": ""}, "The network wants a batch: a first axis of length 1."),
    ),
    praise="Grey, turned, cut out or finely textured: the network now sees what it was trained on.",
    hints=(
        "In this order: EXIF, transparency, RGB, square, size, numbers, normalisation.",
        "`ImageOps.exif_transpose` turns it; `Image.alpha_composite(white, picture)` wants both as "
        'RGBA; `.convert("RGB")` fills three channels from grey.',
        "`torchvision.transforms.v2.functional` has `to_image`, `to_dtype(..., scale=True)`, "
        "`center_crop`, `resize(..., antialias=True)` and `normalize`.",
    ),
    solution_code="""
import io

import torch
from PIL import Image, ImageOps
from torchvision.transforms.v2 import functional as vision


def my_input(content, size, mean, std):
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    picture = picture.convert("RGB")
    x = vision.to_dtype(vision.to_image(picture), torch.float32, scale=True)
    x = vision.center_crop(x, min(picture.size))
    x = vision.resize(x, [size, size], antialias=True)
    return vision.normalize(x, mean, std)[None]
""",
    why="Each step is one line, and none of them raises an error when it is left out. That is why "
    "the check compares with a picture that has what the step is for.",
)

# 2 ---------------------------------------------------------------------------------------------


def _ranked_cases() -> list[tuple[Tensor, Tensor, int]]:
    """Scores that are all different; some that tie; all alike; far apart; and few classes."""
    generator = torch.Generator().manual_seed(7)
    cases = []
    for n, classes, k, kind in (
        (60, 7, 3, "apart"),
        (80, 5, 3, "ties"),
        (20, 4, 1, "alike"),
        (50, 8, 5, "far apart"),
        (30, 3, 5, "few"),
    ):
        scores = torch.randn(n, classes, generator=generator)
        if kind == "ties":
            scores = scores.round()
        elif kind == "alike":
            scores = torch.zeros(n, classes)
        elif kind == "far apart":
            scores = 200 * scores
        cases.append((scores, torch.randint(classes, (n,), generator=generator), k))
    return cases


_KINDS = (
    "scores that all differ",
    "scores that tie",
    "scores that are all alike",
    "scores that lie far apart",
    "fewer classes than k",
)


def _which_scores(scores: Tensor, labels: Tensor, k: int) -> str:
    places = {case[0].shape: kind for case, kind in zip(_ranked_cases(), _KINDS, strict=True)}
    return f"k = {k} and {places[scores.shape]}"


_SORTED = (
    "Where classes tie, `topk` and sorting take some of them and leave others, which have the same "
    "score. Those that tie with the label count as ahead of it here."
)

ranked = Exercise(
    key="ranked",
    title="Among the first five",
    statement="""
Write the top-k accuracy: the share of images whose label is among the `k` likeliest classes.
`scores` has the shape `(N, K)`, `labels` `(N,)`. Classes that tie with the label count as ahead of
it: a network that gives every class the same score has named nothing. `k` may be larger than the
number of classes. Then ask it about the scores of this page: `top_right(scores, clothes.labels, 2)`
is how often a second guess would help.
""",
    stub="""
def top_right(scores, labels, k):
    \"\"\"The share of images whose label is among the first k, in 0..1.\"\"\"
    return ...
""",
    answer="top_right",
    reference=lambda scores, labels, k: (
        sum(
            sum(other >= row[label] for other in row) <= k
            for row, label in zip(scores.tolist(), labels.tolist(), strict=True)
        )
        / len(labels)
    ),
    cases=_ranked_cases,
    case=_which_scores,
    results=(
        Number(
            expected="the share of labels that are among the first k, ties against them",
            look="Take one image. How many classes have to be ahead of the label, so that it is no "
            "longer among the first k?",
            close=1e-6,
        ),
    ),
    slips=(
        Slip(
            "def top_right(scores, labels, k):\n"
            "    first = scores.topk(k).indices\n"
            "    return (first == labels[:, None]).any(1).float().mean()",
            _SORTED,
        ),
        Slip(
            "def top_right(scores, labels, k):\n"
            "    first = scores.argsort(dim=1, descending=True)[:, :k]\n"
            "    return (first == labels[:, None]).any(1).float().mean()",
            _SORTED,
        ),
        Slip(
            "def top_right(scores, labels, k):\n"
            "    own = scores.gather(1, labels[:, None])\n"
            "    next_one = scores.topk(k + 1).values[:, -1:]\n"
            "    return (own > next_one).float().mean()",
            "There are only 3 classes here, and `topk` cannot give more. What is asked for then?",
        ),
        Slip(
            {">= own": "> own", "<= k": "< k"},
            "Ties count *for* the label. With scores that are all alike, every label is then among "
            "the first: no class is ahead of it.",
        ),
        Slip(
            {"<= k": "< k"},
            "The label's own class has a score as high as its own, too: it is counted among those "
            "that are ahead of it.",
        ),
        Slip(
            {">= own": "> own"},
            "One place too many: of two classes that are ahead of the label, it is the third.",
        ),
        Slip(
            {"scores >= own": "scores <= own"},
            "That counts from the other end: which labels are among the *un*likeliest?",
        ),
        Slip({"<= k": "<= 1"}, "That is the same for every k: the first answer alone."),
        Slip({"<= k": "== k"}, "That is the k-th place alone; the places before it count, too."),
        Slip({"<= k": "> k"}, "That is the top-k *error*; asked for is the share that is right."),
        Slip({".float().mean()": ".sum()"}, "That is how many; asked for is a share, in 0..1."),
        Slip({".float().mean()": ".float().mean() * 100"}, "In percent; asked for is a share."),
        Slip(
            {"scores.gather": "(scores := scores.softmax(1)).gather"},
            "Softmax rounds: what is far behind becomes exactly 0, and ties. It does not change an "
            "order, so compare the scores themselves.",
        ),
    ),
    praise="Guessing has k of K right. Of ten kinds of clothes, half are among the first five by "
    "luck alone; of a thousand classes, hardly any.",
    hints=(
        "Do not sort. How many classes have a score at least as high as the label's?",
        "`scores.gather(1, labels[:, None])` is the label's own score, `(N, 1)`.",
        "`(scores >= own).sum(1)` is the label's place, ties against it: 1 for the first.",
    ),
    solution_code="""
def top_right(scores, labels, k):
    own = scores.gather(1, labels[:, None])
    place = (scores >= own).sum(1)
    return (place <= k).float().mean()
""",
    why="A place is a count: of the classes with a score at least as high. Nothing is sorted, so "
    "no order decides among classes that tie, and `k` may be as large as it likes. Who counts ties "
    "for the label calls a network perfect whose scores are all 0.",
)

# 3 ---------------------------------------------------------------------------------------------

#: What may be wrong with a box -> how one tells it.
_PROBES: Mapping[str, str] = MappingProxyType(
    {
        "blue for red": "With red and blue exchanged, a picture that you exchange them in first, "
        "`picture[:, :, ::-1]`, gets the answer of the right pipeline.",
        "grey": "A box that sees grey gives the same answer to a picture and to the same picture "
        "with red and blue exchanged, or nearly so.",
        "mirrored": "A picture that you mirror first, `picture[:, ::-1]`, would get the answer of "
        "the right pipeline.",
        "on its side": "A picture that you turn first, with `np.rot90`, would get the answer of "
        "the right pipeline, one way round.",
        "squeezed": "A square picture would get the answer of the right pipeline, and only others "
        "would not.",
        "no mean": "Such a box calls a black picture what the right one calls one of the mean "
        "colour, `trained.preprocessing.mean`.",
        "no std": "A box without std sees every picture with too little contrast. Mend that in the "
        "picture: does the right answer come back?",
        "bytes, 0 to 255": "Such a box sees numbers 255 times too large: even a black picture and "
        "one of `np.ones` differ.",
    }
)
_IN_BOX = {"A": "squeezed", "B": "blue for red", "C": "no std"}


@dataclass(frozen=True)
class Box:
    """A pipeline that has something wrong: it answers, and does not say how."""

    letter: str

    def __call__(self, picture: np.ndarray) -> pd.Series:
        """Return what the network says of a picture, (H, W, 3) uint8: class -> probability."""
        trained = _colour()
        images = (255 * to_tensor(picture)).round().to(torch.uint8)
        inputs = experiment.fed(trained, images, _IN_BOX[self.letter])
        with torch.no_grad():
            values = trained.model(inputs).softmax(1)[0].tolist()
        said = pd.Series(values, index=list(trained.classes), name="probability")
        return said.sort_values(ascending=False)


box_a, box_b, box_c = map(Box, "ABC")


@cache
def _colour() -> Pretrained:
    return load(experiment.COLOUR)


def _verify_boxes(answer: Any) -> None:
    expect(
        isinstance(answer, dict) and set(answer) == set(_IN_BOX),
        expected='a dictionary with the names "A", "B" and "C"',
        got=answer,
        look="Keep the form of the stub, and change only what stands behind the colons.",
    )
    for letter, named in answer.items():
        expect(
            isinstance(named, str) and named in _PROBES,
            expected=f"for box {letter} one of: {', '.join(_PROBES)}",
            got=named,
            look="Copy it from the statement.",
        )
    for letter, named in answer.items():
        expect(
            named == _IN_BOX[letter],
            expected=f"that box {letter} does what “{named}” does",
            got="a box that answers otherwise",
            look=f"Try it. {_PROBES[named]}",
        )


boxes = Exercise(
    key="boxes",
    title="Three wrong pipelines",
    statement=f"""
`ex.box_a`, `ex.box_b` and `ex.box_c` feed the colour network, and each does one thing wrong. Give
them pictures of your own, (H, W, 3) of uint8, compare with `top(trained, picture, k=11)`, and find
out what it is. Each is one of: {", ".join(f"`{name}`" for name in _PROBES)}.
""",
    stub="""
wrong = {"A": ..., "B": ..., "C": ...}
""",
    answer="wrong",
    verify=_verify_boxes,
    praise="That is how one finds such a slip in a program, too: with a picture for which the slip "
    "makes no difference, and one for which it does.",
    hints=(
        "For each slip, think of a picture that it leaves as it is.",
        "Squares cannot be squeezed. Grey pictures have no red and blue to exchange. Symmetric "
        "ones cannot be mirrored.",
        "One box is right about squares; one is right about photographs whose red and blue you "
        "exchanged; the third calls nearly everything by one name.",
    ),
    solution_code="""
wrong = {"A": "squeezed", "B": "blue for red", "C": "no std"}
""",
    why="A is right about every square picture, and differs on wide ones. B is right about "
    "pictures whose red and blue you exchange. C calls nearly everything a cat, and comes back to "
    "its senses when the picture's contrast is raised by 1 over std around its mean.",
)

# 4 ---------------------------------------------------------------------------------------------


def _answers() -> list[tuple[Tensor, Tensor, int]]:
    generator = torch.Generator().manual_seed(3)
    cases = []
    for n, classes, bins, sharp in ((200, 4, 10, 2.0), (300, 10, 5, 4.0), (60, 3, 20, 3.0)):
        scores = sharp * torch.randn(n, classes, generator=generator)
        noise = scores + 2 * torch.randn(n, classes, generator=generator)
        cases.append((scores.softmax(1), noise.argmax(1), bins))
    return cases


def _look_of_gap(got: float, *_: Any) -> str:
    if math.isnan(got):
        return "The mean of no numbers is not a number: leave out the bins that hold no answer."
    return "Take two bins, and do it on paper for five answers."


_GAP = "(sure[own].mean() - right[own].mean()).abs()"
_UNWEIGHED = "Each bin counts the same, however few answers are in it: weigh them by their answers."

gap = Exercise(
    key="gap",
    title="The calibration error, by hand",
    statement="""
Write the expected calibration error. `probabilities` has the shape `(N, K)`, `labels` `(N,)`. Sort
the answers by how sure they are, the highest probability, into `bins` bins of equal width between
0 and 1. In each bin compare how sure they are on average with the share that is right. Return the
mean of the absolute gaps, each bin weighed by its number of answers. Empty bins count for nothing.
""",
    stub="""
def gap(probabilities, labels, bins):
    \"\"\"The expected calibration error, in 0..1.\"\"\"
    sure, named = probabilities.max(dim=1)
    return ...
""",
    answer="gap",
    reference=experiment.calibration_error,
    cases=_answers,
    case=lambda probabilities, labels, bins: f"{len(labels)} answers in {bins} bins",
    results=(
        Number(
            expected="the mean gap between sure and right, weighed by answers",
            look=_look_of_gap,
            close=1e-4,
        ),
    ),
    slips=(
        Slip(
            {"total += own.sum() / len(sure) * ": "total += "},
            "The gaps are added up, each bin with full weight.",
        ),
        Slip(
            {"total += own.sum() / len(sure) * ": "total += 1 / bins * "},
            _UNWEIGHED,
        ),
        Slip(
            {
                "own.sum() / len(sure)": "1 / sum(((sure * bins > j) & (sure * bins <= j + 1)"
                ").any() for j in range(bins))"
            },
            _UNWEIGHED,
        ),
        Slip(
            {f"total += own.sum() / len(sure) * {_GAP}": f"total = max(total, {_GAP})"},
            "That is the largest gap; asked for is their mean.",
        ),
        Slip(
            {
                "(sure[own].mean() - right[own].mean()).abs()": "(sure[own].mean() - "
                "right[own].mean())"
            },
            "Bins that are too sure make up for others, as in one bin for all: a gap has no sign.",
        ),
        Slip(
            {
                "(sure[own].mean() - right[own].mean()).abs()": "(sure[own].mean() - "
                "right[own].mean())**2"
            },
            "The gaps are squared.",
        ),
        Slip(
            {"sure[own].mean()": "(i + 0.5) / bins"},
            "A bin's middle stands in for how sure its answers are: take their mean.",
        ),
        Slip(
            {
                "sure, named = probabilities.double().max(dim=1)": "named = "
                "probabilities.argmax(dim=1); sure = probabilities.gather(1, labels[:, None])[:, 0]"
            },
            "How sure an answer is does not depend on the label: it is the highest probability, "
            "right or wrong.",
        ),
        Slip({"return total": "return 100 * total"}, "In percent; asked for is a share, in 0..1."),
        Slip(
            {
                "own = (sure * bins > i) & (sure * bins <= i + 1)": "own = torch.isin("
                "torch.arange(len(sure)), sure.argsort().tensor_split(bins)[i])"
            },
            "These bins hold as many answers each, which is another way to count. Asked for are "
            "bins of equal width: of ten, the first goes from 0 to 0.1.",
        ),
    ),
    praise="It is one number for a whole diagram, so look at the diagram, too.",
    hints=(
        "`(named == labels)` says which answers are right.",
        "Bin i holds the answers that are more than i / bins sure, and at most (i + 1) / bins.",
        "For each bin: `own.sum() / len(sure) * (sure[own].mean() - right[own].mean()).abs()`.",
    ),
    solution_code="""
def gap(probabilities, labels, bins):
    sure, named = probabilities.double().max(dim=1)
    right = (named == labels).double()
    total = 0.0
    for i in range(bins):
        own = (sure * bins > i) & (sure * bins <= i + 1)
        if own.any():
            total += own.sum() / len(sure) * (sure[own].mean() - right[own].mean()).abs()
    return total
""",
    why="The number depends on the bins: more of them hold fewer answers each, and chance alone "
    "then opens gaps. Compare only what was counted with the same bins and as many answers.",
)

# 5 ---------------------------------------------------------------------------------------------


def _scored() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    cases = []
    for n, classes, sharp in ((400, 5, 3.0), (500, 10, 0.4), (300, 3, 1.0)):
        scores = torch.randn(n, classes, generator=generator)
        labels = torch.multinomial((2 * scores).softmax(1), 1, generator=generator)[:, 0]
        cases.append((sharp * 2 * scores, labels))
    return cases


def _look_of_temperature(got: float, want: float, *_: Any) -> str:
    if not 1 / 8 <= got <= 8:
        return "T lies between 1/8 and 8. Is what you return T, or its place in a list?"
    if 0.85 < got / want < 1.15:
        return (
            "Nearly. Is it the cross-entropy that is lowest there? Then take finer steps, or more."
        )
    return "Draw the loss against T, and see where its lowest point is."


temperature = Exercise(
    key="temperature",
    title="One number, chosen",
    statement="""
Write a function that chooses the temperature: the number T for which `(scores / T).softmax(1)` has
the lowest mean cross-entropy with the labels. `scores` has the shape `(N, K)`, `labels` `(N,)`. It
lies between 1/8 and 8, and a fiftieth off is near enough.
""",
    stub="""
from torch.nn import functional as F


def choose(scores, labels):
    \"\"\"The temperature with the lowest cross-entropy.\"\"\"
    return ...
""",
    answer="choose",
    reference=experiment.fit_temperature,
    cases=_scored,
    case=lambda scores, labels: f"{len(labels)} answers",
    results=(
        Number(
            expected="the temperature with the lowest cross-entropy",
            look=_look_of_temperature,
            close=0.025,
        ),
    ),
    slips=(
        Slip(
            {"scores / t": "scores * t"},
            "That is 1 over T: the scores are to be divided by it.",
        ),
        Slip(
            {"min(grid, key=": "max(grid, key="},
            "That is where the loss is *highest*; or is it accuracy that you compare? T does not "
            "change it.",
        ),
        Slip(
            {
                "F.cross_entropy(scores / t, labels)": "((scores / t).softmax(1).amax(1).mean() - "
                "(scores.argmax(1) == labels).float().mean()).abs()"
            },
            "On average as sure as right is another condition, which wrong bins can meet as well. "
            "Asked for is the lowest cross-entropy.",
        ),
        Slip(
            {
                "F.cross_entropy(scores / t, labels)": "F.cross_entropy((scores / t).softmax(1), "
                "labels)"
            },
            "Softmax twice: `F.cross_entropy` takes scores, and makes the probabilities itself.",
            whole=True,  # a number that is no search may be the same once
        ),
        Slip(
            {
                "min(grid, key=lambda t: F.cross_entropy(scores / t, labels).item())": "min("
                "F.cross_entropy(scores / t, labels).item() for t in grid)"
            },
            "That is the lowest loss itself. Asked for is the T at which it is found.",
        ),
    ),
    praise="One number for all answers: it changes how sure they are, never which they are.",
    hints=(
        "There is no formula. Try many values, and keep the best.",
        "Steps of 1% from 1/8 to 8 are about four hundred; evenly in the logarithm.",
        "`min(grid, key=lambda t: F.cross_entropy(scores / t, labels))`",
    ),
    solution_code="""
from torch.nn import functional as F


def choose(scores, labels):
    grid = torch.logspace(-3, 3, 420, base=2).tolist()
    return min(grid, key=lambda t: F.cross_entropy(scores / t, labels).item())
""",
    why="The loss has one lowest point over T, so any search finds it. Choose it on images that "
    "are held out from training *and* from the final count.",
)

# Challenge -------------------------------------------------------------------------------------

_BAR, _BLIND = "the gradient, pixel by pixel", "the best of blind tries"


@dataclass(frozen=True)
class Fooled(Score):
    """How sure the network is of wrong answers, on average over all garments.

    `beside` is what may be told beside a score to beat.
    """

    misnamed: float = 0.0
    beside: str = ""

    def __str__(self) -> str:
        told = f"{self.accuracy:.1%} sure of wrong names on average, {self.misnamed:.0%} misnamed"
        return f"{told} ({self.beside})" if self.beside else told


def _measure(answer: Any, held_out: int) -> Fooled:
    trained, clothes = named_right("train" if held_out else "test", held_out)
    changed = []
    for image in clothes.images[:, 0]:
        before = image.numpy()
        after = call(answer, before)
        after = after.detach().cpu().numpy() if isinstance(after, Tensor) else after
        an_array = isinstance(after, np.ndarray)
        expect(
            an_array and after.shape == (28, 28) and after.dtype == np.uint8,
            expected="the garment, (28, 28) of uint8",
            got=f"an array {after.shape} of {after.dtype}" if an_array else after,
            look="Change a copy, `image.copy()`, and return it.",
        )
        count = int((after != before).sum())
        expect(
            count <= PIXELS,
            expected=f"at most {PIXELS} changed pixels",
            got=f"{count}",
            look="`(after != image).sum()` counts them.",
        )
        changed.append(torch.from_numpy(after.copy()))
    expect(
        bool((torch.stack(changed) != clothes.images[:, 0]).any()),
        expected="garments that are changed",
        got="all as they were",
        look="Does your function return the changed copy?",
    )
    sure = wrongly_sure(trained, torch.stack(changed)[:, None], clothes.labels)
    return Fooled(float(sure.mean()), 0, 0, misnamed=float((sure > 0).float().mean()))


def _to_beat() -> Fooled:
    """Return what the stored search with the gradient reached, and beside it the blind one."""
    found = results(DISGUISES.name).groupby("way")[["sure", "misnamed"]].mean()
    bar, blind = found.loc[_BAR], found.loc[_BLIND]
    beside = f"{_BLIND}, {QUERIES} a garment: {blind['sure']:.1%}"
    return Fooled(float(bar["sure"]), 0, 0, misnamed=float(bar["misnamed"]), beside=beside)


challenge = Challenge(
    topic="Classify images",
    title="Sure and wrong",
    statement=f"""
Ten pixels of a garment are not much: you would still name it. Write a function that changes at most
{PIXELS} of the 784 pixels of a garment, so that the clothes network names it wrongly, and is sure
of it. It gets {GARMENTS} test garments, one after the other, all of which the network names
rightly; what counts is how sure it is of wrong names, with 0 for a garment that it still names
rightly. Your function may ask the network as often as it likes (`garments.model`, behind
`garments.preprocessing`), but blind tries will not do: what does a network tell besides its answer?
For trying things out on training images there is `ex.challenge.check(disguise, held_out=2_000)`.
""",
    stub="""
def disguise(image):
    \"\"\"Change at most ten pixels of a garment, (28, 28) uint8.\"\"\"
    after = image.copy()
    after[10, 4:24:2] = ...  # ten pixels of one row
    return after
""",
    answer="disguise",
    measure=_measure,
    to_beat=_to_beat,
    by=f"a search that keeps, pixel by pixel, the best of {QUERIES // PIXELS} the gradient names",
    caution="On the same garments, with no chance in it: what is higher is better.",
)

# Questions -------------------------------------------------------------------------------------


def dearest() -> Interactive:
    """Ask, before the measurement, which slip costs a network on colour photographs most."""
    offered = {
        "blue for red": (
            "Red and blue change places.",
            "That costs a great deal, and every colour photograph at once; but half of the answers "
            "survive it.",
        ),
        "squeezed": (
            "A wide photograph is squeezed into the square, not cropped.",
            "That looks worst, and costs nothing that shows: things a quarter "
            "narrower are within what the network has seen, and the whole picture is in sight.",
        ),
        "no antialias": (
            "The photograph is made small without antialiasing.",
            "Speckles, and at this size (a little under twice as small) nothing that counts.",
        ),
        "no mean": (
            "The mean is not taken off; all else is as in training.",
            "You see nothing of it in a picture. But each filter of the first layer was trained on "
            "numbers around 0, and now all of them are positive.",
        ),
    }
    costs = {way: experiment.cost(experiment.COLOUR, way).mean or 0.0 for way in offered}
    most = max(costs, key=costs.__getitem__)
    return choice(
        "The colour network gets photographs wrongly, in one of four ways. Which makes it name "
        "the fewest rightly?",
        [
            Option(text, f"{why} It costs {costs[way]:.1f} points.", right=way == most)
            for way, (text, why) in offered.items()
        ],
        prediction=True,
        name="Predict first",
    )


def surer(sure: float, right: float) -> Interactive:
    """Ask, before the measurement, whether a shipped network is more sure than right."""
    gap = 100 * (sure - right)
    options: tuple[tuple[str, Callable[[], bool], str], ...] = (
        (
            "It is surer than it is right.",
            lambda: gap > 1,
            "That is what is usually found in networks trained on plain labels, longer than their "
            "accuracy gains from. This one was trained otherwise.",
        ),
        (
            "It is as sure as it is right, within a point.",
            lambda: abs(gap) <= 1,
            "Cross-entropy asks for that, on the training images, with the training's labels. "
            "These labels were smoothed.",
        ),
        (
            "It is right more often than it is sure.",
            lambda: gap < -1,
            "Its training labels were smoothed: even for a perfect answer it was never asked to "
            "be quite sure.",
        ),
    )
    return choice(
        "Take how sure the network is of its answers, on average over the test images, and how "
        "many of them are right. What will you find?",
        [
            Option(text, f"{why} On average {sure:.1%} sure, {right:.1%} right.", right=holds())
            for text, holds, why in options
        ],
        prediction=True,
        name="Predict first",
    )


def smoothed(share: float = 0.1, classes: int = 10) -> Interactive:
    """Ask how sure smoothed labels ask a network to be."""
    answer = round(100 * (1 - share + share / classes), 6)
    return questions.number(
        f"With label smoothing of {share:g} and {classes} classes, a share of {share:g} of each "
        "label is spread evenly over all classes. How sure, in percent, is a network with the "
        "lowest possible loss of a garment that it cannot mistake?",
        answer,
        diagnoses={
            100 * (1 - share): "Nearly. The share is spread over *all* classes: the right one gets "
            "its part of it back.",
            100.0: "So it would be without smoothing.",
            round(answer / 100, 6): "As a share that is right; asked for is a number in percent.",
            round(100 * share / classes, 6): "That much each *wrong* class is given.",
            round(100 * (1 - share / classes), 6): "The share is taken off whole; the right class "
            "gets back one part in as many as there are classes.",
        },
        right="The lowest loss is reached by saying exactly what the label says. So a network that "
        "says more than that has learned to be surer than it was asked to be.",
        otherwise="What is left of the label, and the right class's part of what was spread.",
        percent=True,
        name="By hand",
    )


ALL = (prepare, ranked, boxes, gap, temperature)
