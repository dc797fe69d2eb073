"""Every exercise: its stub is not attempted, its solution right, each plausible slip diagnosed."""

import importlib
import pkgutil
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
import torch
from markdown_it import MarkdownIt
from torch import nn

import utils.exercises
from utils.accounting import break_even
from utils.blocks import InceptionSpec
from utils.exercises import Exercise, Slip, Verdict
from utils.exercises import googlenet as network_exercises
from utils.exercises.answers import MismatchError, call, expect, unfinished
from utils.exercises.challenges import Challenge, Score, on_clothes
from utils.exercises.one_by_one_reduction import (
    branch_weights,
    dearest_channel,
    prediction,
    shuffled,
)
from utils.exercises.questions import Option, choice, number
from utils.exercises.results import Array, Number
from utils.googlenet import INPUTS, MODULES, GoogLeNetOutputs
from utils.pretrained import load
from utils.training import Recipe

CHAPTERS = {
    info.name: importlib.import_module(f"utils.exercises.{info.name}")
    for info in pkgutil.iter_modules(utils.exercises.__path__)
    if info.name not in ("answers", "challenges", "core", "questions", "results")
}
EXERCISES = {
    f"{chapter}.{exercise.key}": exercise
    for chapter, module in CHAPTERS.items()
    for exercise in module.ALL
}

# For each chapter, `slips` holds wrong answers that are no slip of the exercise itself, and unusual
# right ones.
ANSWERS = {
    file.stem: importlib.import_module(f"slips.{file.stem}")
    for file in sorted(Path(__file__).with_name("slips").glob("*.py"))
}
# Exercise -> wrong answers, each with where to look, or a part of what only its verdict says.
SLIPS = {
    name: [
        (exercise.code_of(slip), slip.look)
        for slip in (
            *exercise.slips,
            *(Slip(*wrong) for wrong in ANSWERS[name.split(".")[0]].SLIPS.get(exercise.key, ())),
        )
    ]
    for name, exercise in EXERCISES.items()
}
RIGHT = [
    (f"{chapter}.{key}", EXERCISES[f"{chapter}.{key}"].code_of(Slip(code, "")))
    for chapter, module in ANSWERS.items()
    for key, code in module.RIGHT
]


def run(code: str, name: str):
    namespace = {"torch": torch, "InceptionSpec": InceptionSpec}
    exec(compile(code, "<the reader's cell>", "exec"), namespace)
    return namespace[name]


@cache
def verdict_on(name: str, code: str) -> Verdict:
    exercise = EXERCISES[name]
    return exercise.check(run(code, exercise.answer))


@pytest.fixture(params=EXERCISES)
def exercise(request) -> Exercise:
    return EXERCISES[request.param]


def test_every_exercise_has_its_slips():
    assert all(len(slips) >= 3 for slips in SLIPS.values())
    for chapter, module in ANSWERS.items():
        assert module.SLIPS.keys() <= {exercise.key for exercise in CHAPTERS[chapter].ALL}


def test_the_stub_is_not_attempted(exercise):
    verdict = exercise.check(run(exercise.stub, exercise.answer))
    assert verdict.state == "not attempted"
    assert "..." in verdict.message


def test_the_solution_is_right(exercise):
    verdict = exercise.check(run(exercise.solution_code, exercise.answer))
    assert verdict.state == "right", verdict
    assert exercise.praise in repr(verdict)


@pytest.mark.parametrize(
    ("name", "code", "diagnosis"),
    [(name, *slip) for name, slips in SLIPS.items() for slip in slips],
)
def test_each_slip_is_wrong_with_its_own_diagnosis(name, code, diagnosis):
    verdict = verdict_on(name, code)
    assert verdict.state == "wrong", verdict
    assert all((verdict.expected, verdict.got, verdict.look))
    assert diagnosis in verdict.look + verdict.got
    said = [repr(verdict_on(name, other)) for other, _ in SLIPS[name] if other != code]
    assert repr(verdict) not in said


@pytest.mark.parametrize(("name", "code"), RIGHT)
def test_other_right_answers_are_right(name, code):
    verdict = verdict_on(name, code)
    assert verdict.state == "right", verdict


def test_arithmetic_with_an_ellipsis_is_not_attempted():
    code = "def widest(*arguments):\n    return 3 * ..."
    exercise = EXERCISES["one_by_one_reduction.widest"]
    assert exercise.check(run(code, "widest")).state == "not attempted"


def test_showing_an_exercise_does_not_show_its_solution(exercise):
    shown = repr(exercise)
    assert exercise.solution_code not in shown
    assert exercise.why not in shown
    assert not any(hint in shown for hint in exercise.hints)


def answers_nobody_foresaw():
    def ends_the_program(*arguments):
        raise SystemExit(1)

    def changes_what_it_gets(*arguments):
        for argument in arguments:
            if isinstance(argument, torch.Tensor):
                argument.zero_()
        return arguments[0] if arguments else None

    class Strange:
        def __eq__(self, other):
            raise RuntimeError("no comparison")

        __hash__ = object.__hash__

        def __repr__(self):
            raise RuntimeError("no words")

        @property
        def shape(self):
            raise RuntimeError("no shape")

    nan = torch.full((1, 1, 4, 4), float("nan"))
    yield from [None, 3, -1.5, "text", b"", [], {}, object(), torch.zeros(0), nan, int, print]
    yield from [Strange(), Strange, ends_the_program, changes_what_it_gets, lambda: 0, (None, None)]
    yield from [lambda *a: None, lambda *a: "x", lambda *a: nan, lambda *a: Strange()]
    yield from [lambda *a: (Strange(), Strange()), lambda *a: (float("inf"), "x"), float("nan")]
    yield {"conv1x1": "many"}
    itself, deep = [], []
    itself += 300 * [itself]
    for _ in range(10_000):
        deep = [deep]
    yield from [itself, (1, itself), {"a": itself}, deep, lambda *a: itself, lambda *a: deep]

    def never_ends_calling_itself(*arguments):
        return never_ends_calling_itself(*arguments)

    yield from [never_ends_calling_itself, lambda *a: 10**400, lambda *a: range(10**12)]
    yield from [lambda *a: torch.rand(a[0].shape), lambda *a: a[0] * 0, lambda *a: (0, 0)]
    yield from [lambda *a: (nan, nan), lambda *a: 1j, lambda *a: iter(int, 1)]


def test_no_answer_makes_the_check_raise_or_pass(exercise):
    for answer in answers_nobody_foresaw():
        verdict = exercise.check(answer)
        assert verdict.state == "wrong", answer
        assert verdict.look
        assert verdict.look in repr(verdict)
        assert "Wrong" in verdict._repr_html_()


# Nonsense and luck ------------------------------------------------------------------------------


def degenerate(exercise: Exercise, seed: int):
    """Functions that return the right kind of thing, filled with constants, noise or arguments."""
    generator = torch.Generator().manual_seed(seed)
    wanted = exercise._wanted

    def noise(want):
        if isinstance(want, torch.Tensor):
            draw = torch.randn(want.shape, generator=generator).double()
            return want.mean() + want.std(correction=0) * draw
        if isinstance(want, int | float):
            return float(want) * (0.5 + float(torch.rand((), generator=generator)))
        return None

    def filled(fill):
        def answer(*arguments):
            case = next(place)
            given = [fill(want) for want in wanted[case]]
            return given[0] if len(given) == 1 else tuple(given)

        place = iter(range(10**6))
        return answer

    def constant(value):
        return lambda want: (
            torch.full_like(want, value) if isinstance(want, torch.Tensor) else value
        )

    yield from (filled(noise) for _ in range(3))
    yield from (filled(constant(value)) for value in (0.0, 1.0, -1.0))
    yield filled(lambda want: want.mean().expand_as(want) if hasattr(want, "mean") else want + 1)
    first = wanted[0][0] if len(wanted[0]) == 1 else tuple(wanted[0])
    yield lambda *arguments: first  # right once
    count = len(exercise._cases[0])
    yield from ((lambda *arguments, i=i: arguments[i]) for i in range(count))
    yield from ((lambda *arguments, i=i: 2 * (arguments[i],)) for i in range(count))
    yield lambda *arguments: sum(a for a in arguments if isinstance(a, int | float))


def random_networks(network: nn.Module):
    """What may come of a design when nobody thinks: no network, or one that does nothing."""
    yield from (nn.Identity(), nn.Flatten(), nn.Linear(3, 3), nn.Sequential(), nn.Dropout(0.5))
    yield nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    yield nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000))


def test_neither_luck_nor_a_constant_passes(exercise):
    answers = []
    if exercise.cases:
        answers += degenerate(exercise, seed=0)
    solution = run(exercise.solution_code, exercise.answer)
    if callable(solution):
        for made in random_networks(nn.Identity()):
            answers += [made, lambda *arguments, made=made: made]
        answers += [lambda *arguments: arguments, lambda *arguments: arguments[0]]
    generator = torch.Generator().manual_seed(1)
    for answer in answers:
        verdict = exercise.check(answer)
        assert verdict.state == "wrong", answer
        assert verdict.look
    if isinstance(solution, dict) and all(isinstance(n, int) for n in solution.values()):
        # A design of some numbers: chance reaches it now and then, and no more.
        reach = 2 * max(solution.values())
        draws = [
            {name: int(torch.randint(1, reach, (), generator=generator)) for name in solution}
            for _ in range(200)
        ]
        states = [exercise.check(draw).state for draw in draws]
        assert states.count("right") <= 5
        assert "not attempted" not in states
    elif isinstance(solution, torch.Tensor):
        for draw in range(20):
            made = torch.randn(solution.shape, generator=generator)
            for lucky in (made, made - made.mean((-2, -1), keepdim=True)):
                assert exercise.check(lucky).state == "wrong", draw
        for value in (0.0, 1.0):
            assert exercise.check(torch.full_like(solution, value)).state == "wrong"
    elif isinstance(solution, int | float):
        for _ in range(20):
            made = float(torch.rand((), generator=generator)) * 2 * solution
            assert exercise.check(made).state == "wrong"


def test_an_ellipsis_anywhere_is_not_attempted(exercise):
    for answer in (..., [1, ...], {"a": (..., 2)}, [[{3: [...]}]]):
        assert unfinished(answer)
        assert exercise.check(answer).state == "not attempted"


def test_an_ellipsis_is_found_beside_what_holds_itself():
    itself = [2]
    itself.append(itself)
    assert not unfinished(itself)
    itself.append(...)
    assert unfinished(itself)
    assert unfinished({"a": (itself,)})


def test_long_answers_are_cut_short():
    for answer, shown in [
        ([1, "a", (2,), (), []], "[1, 'a', (2,), (), []]"),
        (list(range(10**6)), f"[{', '.join(map(str, range(99)))[:199]}…]"),
        ([200 * "x"], f"['{198 * 'x'}…]"),
        (
            GoogLeNetOutputs(torch.zeros(2, 3), None, None),
            "GoogLeNetOutputs(logits=Tensor of shape (2, 3), aux_logits2=None, aux_logits1=None)",
        ),
        ((nn.Linear(2, 3),), "(the network `Linear`,)"),
    ]:
        with pytest.raises(MismatchError) as caught:
            expect(False, expected="", got=answer, look="")
        assert caught.value.got == shown


# What a slip is named for ------------------------------------------------------------------------


def twice(**changed) -> Exercise:
    """An exercise on two numbers, twice each, with slips that differ from it here and there."""
    return Exercise(
        **{
            "key": "twice",
            "title": "Twice",
            "statement": "Double both.",
            "stub": "def twice(a, b):\n    return ..., ...",
            "answer": "twice",
            "praise": "Yes.",
            "hints": ("Add.", "Add each to itself."),
            "solution_code": "def twice(a, b):\n    return a + a, b + b",
            "why": "So it is.",
            "cases": ((2, 2), (3, 5), (4, 1)),
            "case": lambda a, b: f"{a} and {b}",
            "results": (
                Number(expected="twice the first", look="Look at the first."),
                Number(expected="twice the second", look="Look at the second."),
            ),
            "slips": (
                Slip({"a + a": "a * a"}, "squared"),
                Slip({"a + a": "a ** 2 + 0 * b", "b + b": "b"}, "squared, too"),
                Slip({"a + a, b + b": "b + b, a + a"}, "swapped", whole=True),
                Slip({"b + b": "b / 0"}, "divided"),
                Slip({"b + b": "'no'"}, "a word"),
            ),
            **changed,
        }
    )


@pytest.mark.parametrize(
    ("answer", "look"),
    [
        (lambda a, b: (a * a, b + b), "squared"),  # as the second slip says, too: the first speaks
        (lambda a, b: (a * a, 7 if a == 3 else 2 * b), "squared"),  # another fault on top
        (lambda a, b: (a * a if a == 4 else 2 * a, 2 * b), "Look at the first."),  # not there first
        (lambda a, b: (2 * b, 2 * a), "swapped"),
        (lambda a, b: (2 * b, 2 * a + (a == 4)), "Look at the first."),  # not in all
        (lambda a, b: (2 * a, b / 0), "divided"),
        (lambda a, b: (2 * a, b[0]), "The call itself"),  # another error
        (lambda a, b: (2 * a, "no"), "a word"),
        (lambda a, b: (2 * a, "yes"), "a single number"),
        (lambda a, b: (2 * a, 2 * b + 1e-9), "Look at the second."),
    ],
)
def test_a_slip_is_named_where_the_answer_goes_wrong_as_it_does(answer, look):
    verdict = twice().check(answer)
    assert verdict.state == "wrong"
    assert look in verdict.look


def test_what_is_wrong_first_is_told_with_its_case():
    verdict = twice().check(lambda a, b: (2 * a, 2 * b + (a == 3)))
    assert (verdict.expected, verdict.got) == ("for 3 and 5: twice the second", "11")


def test_words_may_depend_on_what_came():
    told = []
    results = (
        Number(expected="", look=lambda *found: told.append(found) or "words", got="{off:+g}"),
        Number(expected="", look="", close=1e-3),
    )
    exercise = twice(results=results, slips=())
    verdict = exercise.check(lambda a, b: (2 * a - (a == 3), 2 * b + 1e-4))
    assert (verdict.got, verdict.look) == ("-1", "words")
    assert told == [(5.0, 6.0, 3, 5)]
    assert exercise.check(lambda a, b: (2 * a, 2 * b + 1e-4)).state == "right"


def test_a_wrong_shape_is_that_of_a_slip_or_has_words_of_its_own():
    exercise = twice(
        stub="def twice(x):\n    return ...",
        solution_code="def twice(x):\n    return x + x",
        cases=lambda: ((torch.ones(2, 3),), (torch.eye(2),)),
        case=lambda x: f"{tuple(x.shape)}",
        results=(Array(expected="twice x", look="", shape=lambda shape, want: f"{shape}, {want}"),),
        slips=(Slip({"x + x": "2 * x.sum(0)"}, "summed"), Slip({"x + x": "x"}, "once")),
    )
    for answer, look in (
        (lambda x: x[0], "summed"),
        (lambda x: x[0, 0], "(), (2, 3)"),
        (lambda x: x.numpy(), "once"),
        (lambda x: x + 0j, "divided by zero"),
        (lambda x: x / 0, "divided by zero"),
    ):
        assert look in exercise.check(answer).look
    assert exercise.check(lambda x: x.numpy() + x.numpy() + 1e-6).state == "right"


def test_slips_and_solution_are_run_apart_from_the_reader_and_late():
    """Neither sees what the reader or another slip defines, and none runs for a right answer."""
    exercise = twice(
        slips=(
            Slip("seen = 1\ndef twice(a, b):\n    return seen, seen", "own"),
            Slip("def twice(a, b):\n    return seen, seen", "other"),
        )
    )
    assert exercise.check(lambda a, b: (2 * a, 2 * b)).state == "right"
    assert "_slipped" not in vars(exercise)
    assert exercise.check(lambda a, b: (1, 1)).look == "own"
    [(_, _, _), (_, outcomes, first)] = exercise._slipped
    assert first == (0, 0)
    assert "NameError" in outcomes[0][0].got
    assert "seen" not in globals()


def test_a_reference_comes_before_the_solution():
    exercise = twice(reference=lambda a, b: (3 * a, 3 * b))
    assert exercise.check(run(exercise.solution_code, "twice")).state == "wrong"
    assert exercise.check(lambda a, b: (3 * a, 3 * b)).state == "right"


def test_without_a_reference_another_right_answer_guards_the_solution(exercise):
    name = next(n for n, e in EXERCISES.items() if e is exercise)
    assert not exercise.cases or exercise.reference or name in {other for other, _ in RIGHT}


def test_a_slip_changes_what_the_solution_has():
    with pytest.raises(ValueError, match=r"'twice' changes 'x = 1': not in the solution"):
        twice().code_of(Slip({"a + a": "a", "x = 1": "x = 2"}, ""))


def test_hints_go_one_step_further_and_stop_at_the_last(exercise):
    exercise._shown = 0
    shown = [exercise.hint().text for _ in range(len(exercise.hints) + 1)]
    assert shown[:-1] == list(exercise.hints)
    assert shown[-1] == exercise.hints[-1]
    assert len(exercise.hints) >= 2


def test_the_solution_gives_its_reason(exercise):
    text = exercise.solution()._repr_markdown_()
    assert exercise.solution_code.strip() in text
    assert exercise.why in text


def test_help_unfolds_step_by_step(exercise):
    html = exercise.help()._repr_html_()
    summaries = [f"Hint {i} of {len(exercise.hints)}" for i in range(1, len(exercise.hints) + 1)]
    places = [html.index(f"<summary>{s}</summary>") for s in [*summaries, "Solution"]]
    assert places == sorted(places)
    # Nested: nothing is closed before the solution has ended.
    assert html.index("</details>") > html.index("<summary>Solution</summary>")
    assert html.count("<details>") == html.count("</details>") == len(exercise.hints) + 1


def test_no_wrong_verdict_shows_the_solution(exercise):
    essential = [
        line.strip()
        for line in exercise.solution_code.strip().splitlines()[1:]
        if len(line.strip()) > 20 and line.strip() not in exercise.stub
    ]
    name = next(n for n, e in EXERCISES.items() if e is exercise)
    for code, _ in SLIPS[name]:
        told = repr(verdict_on(name, code))
        assert not any(line in told for line in essential)


def test_python_names_in_an_error_stay_as_they_are():
    def answer(*arguments):
        raise TypeError("no method __index__")

    assert "__index__" in EXERCISES["concatenation.whose"].check(answer)._repr_html_()


def test_a_sentence_stands_beside_ours():
    exercise = EXERCISES["concatenation.same_price"]
    design = run(exercise.solution_code, exercise.answer)
    assert exercise.sentence in repr(exercise.check(design, "I like it."))
    assert "You say: “I like it.”" in repr(exercise.check(design, "I like it."))
    assert "You say" not in repr(exercise.check(design, "..."))


def test_a_wrong_answer_is_escaped():
    exercise = EXERCISES["one_by_one_reduction.widest"]
    html = exercise.check("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in html


def test_calls_get_copies():
    kept = torch.ones(3)
    call(lambda t: t.zero_(), kept)
    assert kept.sum() == 3


def test_a_key_is_the_name_of_the_exercise_in_its_module():
    for module in CHAPTERS.values():
        assert [getattr(module, exercise.key) for exercise in module.ALL] == list(module.ALL)


def test_the_paper_keeps_below_every_break_even():
    # Claimed in the praise of "widest".
    pairs = [
        (reduction, break_even(INPUTS[name][0], filters, kernel_size=k))
        for name, spec in MODULES.items()
        for reduction, filters, k in (
            (spec.reduce3x3, spec.conv3x3, 3),
            (spec.reduce5x5, spec.conv5x5, 5),
        )
    ]
    assert len(pairs) == 18
    assert all(reduction < limit for reduction, limit in pairs)


def test_random_filters_tell_no_textures_apart():
    bank = EXERCISES["multi_scale_filters.bank"]
    tries = [(seed, sizes) for seed in range(3) for sizes in (6 * [3], [3, 7], [5, 5], [3, 3, 5])]
    passed = 0
    for seed, sizes in tries:
        generator = torch.Generator().manual_seed(seed)
        filters = [torch.randn(1, 1, k, k, generator=generator) for k in sizes]
        passed += bank.check(filters).state == "right"
    assert passed <= 1
    ones = [torch.ones(1, 1, k, k) for k in (1, 7)]
    for filters in (ones, ones[:1] * 20, [0 * f for f in ones]):
        assert bank.check(filters).state == "wrong"


# Questions --------------------------------------------------------------------------------------


def test_the_branch_question_is_computed_and_its_slips_are_wrong():
    question = branch_weights("4a")
    assert question.state["answer"] == 480 * 16 + 25 * 16 * 48
    values = [slip["value"] for slip in question.state["options"]]
    assert len(values) >= 4
    assert question.state["answer"] not in values


def test_a_prediction_refuses_what_is_no_share():
    for kept, width, message in (
        (float("nan"), 16, "0..1"),
        (1.2, 16, "0..1"),
        (0.9, 100, "quarter"),
    ):
        with pytest.raises(ValueError, match=message):
            prediction(kept, width=width, channels=192)


def test_the_dearest_channel_is_computed():
    options = {o["text"]: o for o in dearest_channel("3a").state["options"]}
    right = [text for text, option in options.items() if option["right"]]
    assert right == ["to the reduction before the 3×3"]
    assert options[right[0]]["diagnosis"].startswith(f"{192 + 9 * 128:,} weights")
    assert options["to the 5×5"]["diagnosis"].startswith(f"{25 * 16:,} weights")


def test_the_dearest_stage_is_computed():
    options = network_exercises.dearest_stage().state["options"]
    right = [option for option in options if option["right"]]
    assert [option["text"] for option in right] == ["the second convolutions, 1×1 and 3×3"]
    macs = 56 * 56 * (64 * 64 + 9 * 64 * 192)
    assert right[0]["diagnosis"].startswith(f"{macs / 1e6:,.0f} million")
    # What the diagnosis of 3b claims: it comes second.
    cost = {o["text"]: int(o["diagnosis"].split()[0].replace(",", "")) for o in options}
    assert "3b" in sorted(cost, key=cost.__getitem__)[-2]


def test_the_last_map_is_computed():
    question = network_exercises.last_map()
    assert question.state["answer"] == 6
    assert {slip["value"] for slip in question.state["options"]} == {5, 7, 13, 14}
    assert network_exercises.last_map(448).state["answer"] == 13


def test_against_alexnet_marks_the_option_nearest_to_the_count():
    for macs, text in ((8.0, "same factor"), (1.1, "as many"), (0.46, "twice"), (0.12, "ten")):
        options = network_exercises.against_alexnet(8.7, macs).state["options"]
        [right] = [option["text"] for option in options if option["right"]]
        assert text in right
    with pytest.raises(ValueError, match="two positive ratios"):
        network_exercises.against_alexnet(8.7, 0)


def test_a_prediction_marks_the_option_nearest_to_the_measurement():
    for kept, text in ((0.1, "about 8%"), (0.45, "about 50%"), (0.77, "about 75%"), (0.999, "99%")):
        right = [o for o in prediction(kept, width=16, channels=192).state["options"] if o["right"]]
        assert len(right) == 1
        assert text in right[0]["text"]


@pytest.mark.parametrize(
    "question",
    [
        shuffled(),
        branch_weights(),
        prediction(0.9, width=16, channels=192),
        network_exercises.dearest_stage(),
        network_exercises.last_map(),
        network_exercises.against_alexnet(8.7, 0.46),
    ],
)
def test_without_scripts_a_question_still_shows_its_answer(question):
    assert "<details><summary>Answer</summary>" in question.fallback
    diagnoses = [option["diagnosis"] for option in question.state["options"]]
    assert len(set(diagnoses)) == len(diagnoses)


def test_questions_refuse_what_makes_no_sense():
    good, bad = Option("yes", "because", right=True), Option("no", "because not")
    with pytest.raises(ValueError, match="exactly one of them right"):
        choice("?", [bad, Option("maybe", "hm")])
    with pytest.raises(ValueError, match="same text"):
        choice("?", [good, Option("yes", "again")])
    with pytest.raises(ValueError, match="diagnosis for each"):
        choice("?", [good, Option("no", " ")])
    with pytest.raises(ValueError, match="counts as right"):
        number("?", 10, diagnoses={10.4: "near"}, right="y", otherwise="n", tolerance=0.05)
    with pytest.raises(ValueError, match="counts as right"):
        number("?", 10, diagnoses={10: "exact"}, right="y", otherwise="n")
    with pytest.raises(ValueError, match="tolerance"):
        number("?", 10, diagnoses={}, right="y", otherwise="n", tolerance=1.0)


def test_markdown_in_the_texts_is_rendered_and_html_is_not():
    options = [Option("a `b`", "c *d*", right=True), Option("<b>", "<i>e</i>")]
    question = choice("Is `x` <script>?", options)
    assert question.state["options"][0] == {
        "text": "a <code>b</code>",
        "diagnosis": "c <em>d</em>",
        "right": True,
    }
    assert "<i>" not in question.state["options"][1]["diagnosis"]
    assert "<script>" not in question.state["prompt"]
    assert MarkdownIt("commonmark", {"html": False}).renderInline("a `b`") == "a <code>b</code>"


# Open challenges --------------------------------------------------------------------------------


def tiny_challenge(to_beat: float) -> Challenge:
    """A challenge that takes a second: two steps of training, at the price of one layer."""
    limit = Score(to_beat, 7850, 7840)
    return Challenge(
        topic="here",
        title="t",
        statement="s",
        stub="def mine():\n    return ...",
        answer="mine",
        measure=partial(on_clothes, recipe=Recipe(max_images=256), limit=lambda: limit),
        to_beat=lambda: limit,
        by="ours",
    )


def linear(features: int = 784, classes: int = 10):
    return nn.Sequential(nn.Flatten(), nn.Linear(features, classes)), 0.1


@pytest.fixture(params=[name for name, module in CHAPTERS.items() if hasattr(module, "challenge")])
def challenge(request) -> Challenge:
    return CHAPTERS[request.param].challenge


def test_a_challenge_gives_a_line_to_share():
    outcome = tiny_challenge(0.2).check(linear, "it is all there <is>")
    assert outcome.state == "beaten"
    assert "7,850 parameters, 0.01 million multiply-adds; to beat 20.0%" in outcome.line
    assert outcome.line.startswith("here: ")
    assert outcome.line.endswith("| it is all there <is>")
    assert "&lt;is&gt;" in outcome._repr_html_()
    assert tiny_challenge(1.0).check(linear, "...").line == outcome.line.split(" | ")[0].replace(
        "20.0", "100.0"
    )
    rehearsal = tiny_challenge(0.2).check(linear, held_out=500)
    assert rehearsal.state == "scored"
    assert "500 images held out" in rehearsal.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: linear()[0], "return network, rate"),
        (lambda: (linear()[0], -1), "a positive learning rate"),
        (lambda: linear(classes=9), "first and the last layer"),
        (lambda: linear(features=9), "RuntimeError"),
        (lambda: (nn.Flatten(), 0.1), "weights to train"),
        (
            lambda: (nn.Sequential(nn.Conv2d(1, 99, 3), nn.Flatten(), nn.Linear(66924, 10)), 1),
            "at most 7,850",
        ),
    ],
)
def test_a_challenge_refuses_what_breaks_its_rules(answer, said):
    outcome = tiny_challenge(0.2).check(answer)
    assert outcome.state == "refused"
    assert said in repr(outcome)


def test_a_challenge_refuses_what_comes_trained():
    def borrowed():
        return load("plain-network").model, 0.1

    limit = Score(0.2, 10**6, 10**9)
    task = replace(
        tiny_challenge(0.2),
        measure=partial(on_clothes, recipe=Recipe(max_images=256), limit=lambda: limit),
    )
    outcome = task.check(borrowed)
    assert outcome.state == "refused"
    assert "before the first step" in outcome.message


def test_the_price_of_a_training_is_that_of_all_images_in_a_rehearsal_too():
    def costly():
        return linear()[0], Recipe(epochs=60_000)

    outcome = CHAPTERS["training"].challenge.check(costly, held_out=2_000)
    assert outcome.state == "refused"
    assert f"each of {60_000 * 9_984:,} images" in outcome.message
    assert "for each of 49,920 images seen" in str(CHAPTERS["training"].challenge.to_beat())


def test_no_answer_makes_a_challenge_raise_or_score(challenge):
    assert challenge.check(run(challenge.stub, challenge.answer)).state == "not attempted"
    assert 0 < challenge.to_beat().accuracy < 1
    for answer in answers_nobody_foresaw():
        assert challenge.check(answer).state == "refused"
