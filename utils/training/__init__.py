"""Training: one plain loop, the same on a laptop, on an accelerator and under ``torchrun``.

    history = train(model, fashion_mnist("train"), fashion_mnist("test"), Recipe(epochs=3))

The loop is in `loop`; what it is about, one file each: the `recipe`, the `batches`, the
`evaluation`. What keeps it exact lies beside it: the `checkpoint` from which a stopped training
goes on, the `machine` that it runs on, the `progress`, and the `guards`.
"""

from .batches import Batches
from .checkpoint import CheckpointError
from .evaluation import Evaluation, evaluate
from .guards import DivergedError
from .loop import train
from .recipe import Recipe, seed_for

__all__ = [
    "Batches",
    "CheckpointError",
    "DivergedError",
    "Evaluation",
    "Recipe",
    "evaluate",
    "seed_for",
    "train",
]
