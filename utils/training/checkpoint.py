"""A training in a file, from which it goes on as if it had never stopped.

What has changed meanwhile in the recipe, but for its seed, in the test images or among pictures in
folders holds from the start of the running epoch on; any other change is refused. A file without a
step is replaced.

The file is a safetensors file: weights, the optimiser's momentum, and in its metadata, as JSON,
what was trained how, and how far it is. Reading it runs no code.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..support.atomic import write_whole
from ..support.checks import positive_int
from .batches import Batches
from .evaluation import TestBatches
from .guards import check_finite
from .progress import Progress, Sums

FORMAT = "2"  # of the file; another one is refused
#: What may change on the way, of what `Keeper` calls the training; of the recipe not the seed.
MAY_CHANGE = r"recipe\.(?!seed)|test|data\.(pictures|sha256 of places|size|distort)$"


class CheckpointError(ValueError):
    """A checkpoint is damaged, belongs to another training, or cannot be read or written."""


class Keeper:
    """Saves a training now and then, and finds it again.

    Parameters
    ----------
    path : path, optional
        None keeps nothing.
    model, optimiser, progress
        What there is to keep.
    batches, test
        What it is trained and tested on.
    every : int, optional
        Steps after which to save within an epoch.
    strict : bool
        Refuse what was trained otherwise in any way, also where it could go on.
    """

    def __init__(
        self,
        path: str | PathLike | None,
        model: nn.Module,
        optimiser: torch.optim.SGD,
        progress: Progress,
        *,
        batches: Batches,
        test: TestBatches | None,
        every: int | None,
        strict: bool,
    ) -> None:
        self.path = None if path is None else _resolved(path)
        self.every = None if every is None else positive_int(every, "save_every_steps")
        self.model = model
        self.optimiser = optimiser
        self.progress = progress
        self.machine = progress.machine
        self.recipe = batches.recipe
        self.strict = strict
        if self.path is not None:
            self.training = {
                "recipe": asdict(batches.recipe),
                "data": batches.description,
                "test": None if test is None else test.description,
                "network": _layers(model),
            }
            self.conditions = self.machine.conditions(batches.recipe.precision, model)

    def save_now_and_then(self) -> None:
        """Save within an epoch, if enough steps have been taken."""
        if self.every and self.progress.step % self.every == 0:
            check_finite(self.model, self.recipe)
            self.save()

    def save(self) -> None:
        """Write everything that the next step depends on."""
        if self.path is None:
            return
        sums = self.progress.joined()
        if self.machine.rank > 0:
            return
        tensors = {f"weights.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum
        facts = {
            "training": self.training,
            "conditions": self.conditions,
            "progress": {
                "step": self.progress.step,
                "rows": self.progress.rows,
                "sums": asdict(sums),
            },
            "steps_per_epoch": self.progress.steps_per_epoch,
        }
        write(self.path, tensors, facts)

    def restore(self) -> None:
        """Take up the training where the file left it, and report so, if there is one.

        The first process gives what it has read to the others, which may be on other machines.
        """
        if self.path is None:
            return
        first = self.machine.rank == 0
        found = self.machine.from_first(self._found(self.path) if first else None)
        if found is None:
            self.save()  # a place that cannot be written to is found now, not after an epoch
            return
        tensors, facts, changed = found
        self.model.load_state_dict(_with_prefix(tensors, "weights."))
        momenta = _with_prefix(tensors, "momentum.")
        for name, parameter in self.model.named_parameters():
            if name in momenta:
                momentum = torch.empty_like(parameter).copy_(momenta[name])
                self.optimiser.state[parameter]["momentum_buffer"] = momentum
        self.progress.restore(**facts["progress"])
        changed |= _differences(facts["conditions"], self.conditions)
        note = f" ({'; '.join(changed.values())}: not the same bit for bit)" if changed else ""
        self.progress.report(f"going on after step {self.progress.step}, from {self.path}{note}")

    def _found(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, str]] | None:
        """Read what there is to go on from, and what has changed; None if there is nothing."""
        content = read(path)
        if content is None:
            return None
        tensors, facts = content
        progress, length = facts["progress"], self.progress.steps_per_epoch
        changed = _differences(facts["training"], json.loads(json.dumps(self.training)))
        if not changed:
            return tensors, facts, changed
        if progress["step"] == 0:
            self.progress.report(f"{path} held another training, without a step: replaced")
            return None
        other = [told for name, told in changed.items() if not re.match(MAY_CHANGE, name)]
        if other or self.strict:
            raise _refused(path, "another training", other or list(changed.values()))
        epochs = progress["step"] // facts["steps_per_epoch"]
        rows = progress["rows"][:epochs]  # not that of an epoch that was ended early
        facts["progress"] = {"step": epochs * length, "rows": rows, "sums": asdict(Sums())}
        if epochs * length >= self.recipe.steps(length):
            advice = "Ask for more, with epochs= or max_images="
            raise _refused(path, "a finished training", list(changed.values()), advice)
        return tensors, facts, changed


def _layers(model: nn.Module) -> dict[str, str]:
    """Say which network this is: its layers as PyTorch prints them, its tensors, parts at rest."""
    # Where in memory a function lies is not the same in the next process.
    printed = re.sub(" at 0x[0-9a-fA-F]+", "", str(model))
    layers = {f"line {number}": text for number, text in enumerate(printed.splitlines(), 1)}
    tensors = {
        name: f"{tuple(value.shape)} {value.dtype}{'' if value.requires_grad else ', frozen'}"
        for name, value in model.state_dict(keep_vars=True).items()
    }
    kept = {
        f"mode of {name}": "evaluation" for name, part in model.named_modules() if not part.training
    }
    return layers | tensors | kept


def _resolved(path: str | PathLike) -> Path:
    """Resolve a path now: a link stays a link, and a notebook may change its folder meanwhile."""
    try:
        return Path(path).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        message = f"checkpoint={str(path)!r} is no place for a file: {error}."
        raise CheckpointError(message) from None


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint, or raise a CheckpointError and leave what was saved before."""
    # Copies: the file knows no weights that two layers share, and no views.
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    try:
        write_whole(path, save(copies, {"facts": json.dumps({"format": FORMAT, **facts})}))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror}): make room, or give another place. What "
            "was saved before is still there."
        ) from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read a checkpoint, its tensors and its facts; None if there is no file.

    Raises
    ------
    CheckpointError
        The file is no checkpoint, not as it was written, or cannot be read.
    """
    try:
        if not path.exists():
            return None
        if not path.is_file():  # a device or a pipe would be read without an end
            raise OSError(0, "it is no file")
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            facts = json.loads((file.metadata() or {})["facts"])
        if facts["format"] != FORMAT:
            raise ValueError("not by this version")
        return tensors, facts
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): checkpoint= wants the path of a file."
        ) from error
    except (SafetensorError, ValueError, KeyError, TypeError):
        raise CheckpointError(
            f"{path} is no checkpoint of a training, or is damaged, or of another version of this "
            "package: delete it to start anew, or put back a good copy."
        ) from None


def _refused(
    path: Path, what: str, changed: list[str], advice: str = "Go back to what it was"
) -> CheckpointError:
    more = [f"and {len(changed) - 3} more"] if len(changed) > 3 else []
    return CheckpointError(
        f"{path} holds {what}: {'; '.join([*changed[:3], *more])}. {advice}, name another place "
        "with checkpoint=, or delete the file to begin anew."
    )


def _differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    then, now = _flat(then), _flat(now)
    return {
        name: f"{name} was {_short(then.get(name))}, is {_short(now.get(name))}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    }


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _flat(facts: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(facts, Mapping):
        return {prefix: facts}
    flat = {}
    for name, value in facts.items():
        flat |= _flat(value, f"{prefix}.{name}" if prefix else name)
    return flat


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
