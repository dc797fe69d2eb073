"""Open challenges: no one right answer, but a score to beat and one line to share.

A chapter's module binds ``challenge = Challenge(...)``, and `tools/exercises.py` writes it behind
the exercises. `on_clothes` measures a network that the reader wrote as the stored experiments
measure theirs; a challenge of another kind brings a function of its own.
"""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..accounting import Account, account
from ..data import LabelledImages, fashion_mnist
from ..experiments import say, silent
from ..experiments.measures import fresh, split, train_and_test
from ..training import Recipe, evaluate
from .answers import MismatchError, NotAttemptedError, call, expect, short, unfinished

_KNOWN = 0.4  # of the images: from there on a network has been trained before


@dataclass(frozen=True)
class Score:
    """What an answer came to: a share of images, and its price, multiply-adds for one image.

    Where training has a price, too, `images` says how many were seen in it.
    """

    accuracy: float
    parameters: int
    macs: int
    images: int = 0

    def __str__(self) -> str:
        seen = f" for each of {self.images:,} images seen" if self.images else ""
        return (
            f"{100 * self.accuracy:.1f}% right, {self.parameters:,} parameters, "
            f"{self.macs / 1e6:.2f} million multiply-adds{seen}"
        )


@dataclass(frozen=True)
class Outcome:
    """What a try came to; `line` is the one to share."""

    state: Literal["not attempted", "refused", "scored", "beaten"]
    message: str
    line: str = ""
    score: Score | None = None

    def __repr__(self) -> str:
        return "\n".join(filter(None, (f"{self.state.capitalize()}. {self.message}", self.line)))

    def _repr_html_(self) -> str:
        kinds = {"refused": "wrong", "beaten": "right"}
        line = f"<p><code>{html.escape(self.line)}</code></p>" if self.line else ""
        return (
            f'<div class="course-verdict course-{kinds.get(self.state, "not-attempted")}" '
            f'role="status"><p><strong>{self.state.capitalize()}.</strong> '
            f"{html.escape(self.message)}</p>{line}</div>"
        )


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One open challenge.

    Parameters
    ----------
    topic
        What the line to share begins with: the chapter's name.
    title, statement, stub, answer
        As of an `Exercise`; the page adds a place for one sentence.
    measure
        ``measure(answer, held_out)`` returns a `Score`: on so many training images that are held
        out, or, if 0, on the test images. It raises `MismatchError` for an answer that breaks the
        rules.
    to_beat
        Returns the score to beat, from stored runs.
    by
        Whose score that is, in a few words.
    caution
        What a small difference may be.
    """

    topic: str
    title: str
    statement: str
    stub: str
    answer: str
    measure: Callable[[Any, int], Score] = field(repr=False)
    to_beat: Callable[[], Score] = field(repr=False)
    by: str
    caution: str = "One run of one seed: differences of less than a point are often chance."

    def check(self, answer: Any, because: Any = "", *, held_out: int = 0) -> Outcome:
        """Measure an answer; never raises on a bad one.

        With `held_out`, so many training images take the place of the test images: for trying out.
        """
        try:
            if unfinished(answer):
                raise NotAttemptedError
            score = self.measure(answer, held_out)
        except NotAttemptedError:
            return Outcome("not attempted", "Replace each ... in the cell above by your code.")
        except MismatchError as wrong:
            return Outcome(
                "refused", f"Asked for: {wrong.expected}. Got: {wrong.got}. {wrong.look}"
            )
        except Exception as error:  # an answer of a kind that nobody foresaw
            return Outcome("refused", f"{short(answer)} led to {type(error).__name__}: {error}")
        best = self.to_beat()
        if held_out:
            return Outcome(
                "scored", f"A rehearsal on {held_out:,} images held out.", f"{score}", score
            )
        beaten = score.accuracy > best.accuracy
        sentence = because.strip() if isinstance(because, str) else ""
        line = f"{self.topic}: {score}; to beat {100 * best.accuracy:.1f}%"
        if sentence.strip(". "):
            line += f" | {sentence}"
        message = f"{'More' if beaten else 'No more'} than {self.by}: {best}. {self.caution}"
        return Outcome("beaten" if beaten else "scored", message, line, score)


def on_clothes(
    answer: Any,
    held_out: int,
    *,
    recipe: Recipe,
    limit: Callable[[], Score],
    clothes: Callable[[str], LabelledImages] = fashion_mnist,
    tested: Callable[[LabelledImages], LabelledImages] = lambda images: images,
) -> Score:
    """Train what the reader's function builds on the shipped images, and test it.

    Parameters
    ----------
    answer : function
        Takes nothing; returns a network, (N, 1, 28, 28) -> (N, 10), and its peak learning rate.
    held_out : int
        See `Challenge`.
    recipe : Recipe
        Of the training; the reader's rate takes the place of its own.
    limit : function
        Returns a score, the price of which the network may reach, and not exceed by 2%.
    clothes : function
        Gives the images of "train" and "test".
    tested : function
        What is done to the images for the test alone.

    Raises
    ------
    MismatchError, NotAttemptedError
        The answer is none, or it costs too much.
    """
    network, rate = _network_and_rate(answer)
    counted, most = accepted(network), limit()
    price = {"parameters": counted.parameters, "macs": counted.macs}
    for name, told in (("parameters", "parameters"), ("macs", "multiply-adds")):
        expect(
            price[name] <= 1.02 * getattr(most, name),
            expected=f"at most {getattr(most, name):,} {told}, within 2%",
            got=f"{price[name]:,}",
            look="`account(network, (1, 28, 28)).layers` tells which layer costs what.",
        )
    own = replace(recipe, peak_rate=rate)
    return learned(network, held_out, recipe=own, clothes=clothes, tested=tested, report=say)


def accepted(network: nn.Module) -> Account:
    """Return what a network costs that takes images of clothes; see `on_clothes`."""
    scores = call(network.eval(), torch.zeros(2, 1, 28, 28))
    expect(
        isinstance(scores, Tensor) and tuple(scores.shape) == (2, 10),
        expected="scores of shape (2, 10) for two images of shape (1, 28, 28)",
        got=scores,
        look="Compare the first and the last layer with that.",
    )
    return account(network, (1, 28, 28))


def learned(
    network: nn.Module,
    held_out: int,
    *,
    recipe: Recipe,
    clothes: Callable[[str], LabelledImages] = fashion_mnist,
    tested: Callable[[LabelledImages], LabelledImages] = lambda images: images,
    report: Callable[[str], None] = silent,
    watch: Callable[[int, float], None] | None = None,
    shared: Sequence[str] = (),
) -> Score:
    """Train a network that has not learned yet, and test it; `shared` goes into the score, too."""
    training, test = split(clothes, held_out)
    few, normalisation = tested(test)[:1000], (training.mean, training.std)
    try:
        before = evaluate(network, few, normalisation=normalisation).accuracy
        if before < _KNOWN:
            found = train_and_test(
                network.train(), training, tested(test), recipe, seed=0, report=report, watch=watch
            )
    except Exception as error:  # whatever the reader's network may raise when it trains
        got = f"{type(error).__name__}: {error}"
        raise MismatchError(
            "a network that can be trained", got, "Does each step pass on a gradient?"
        ) from None
    expect(
        before < _KNOWN,
        expected="a network that has learned nothing yet",
        got=f"{before:.0%} of {len(few):,} images right before the first step",
        look="Its first weights are yours to choose, its training happens here.",
    )
    names = ("parameters", "macs", *shared)
    return Score(found["test_accuracy"], **{name: found[name] for name in names})


def _network_and_rate(answer: Any) -> tuple[nn.Module, float]:
    """Call the reader's function, its first weights from seed 0, and check what comes."""
    pair = fresh(lambda: call(answer), seed=0)
    many = isinstance(pair, tuple | list) and len(pair) == 2
    expect(
        many and isinstance(pair[0], nn.Module),
        expected="a network and its learning rate",
        got=pair,
        look="The function should end in `return network, rate`.",
    )
    network, rate = pair
    expect(
        isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < 100,
        expected="a positive learning rate",
        got=rate,
        look="Stored runs use rates from 0.006 to 1.6.",
    )
    expect(
        any(p.requires_grad for p in network.parameters()),
        expected="a network with weights to train",
        got="none",
        look="Layers must be attributes of the module, so that it knows their parameters.",
    )
    return network, float(rate)
