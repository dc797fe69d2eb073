"""Feature maps of any network of this package, by stage and by branch.

    features(model, images, ["inception4a", "inception4a.branch2"])

Shapes are (N, C, H, W).
"""

import difflib
from collections.abc import Iterable

from torch import Tensor, nn

from .blocks import Branches, Residual


def stages(model: nn.Module) -> tuple[str, ...]:
    """Return the names of a network's stages, in forward order, its head left out."""
    layers = getattr(getattr(model, "config", None), "layers", None)
    return tuple(layers if layers is not None else (name for name, _ in model.named_children()))


def branches(model: nn.Module) -> dict[str, str]:
    """Return the branches of every stage that has some: name -> path of the module in the network.

    "inception_a1.branch2" is the second branch of a module, before concatenation, wherever it lies
    inside that stage. A residual without branches has "body" and, if it projects, "shortcut".
    """
    found = {}
    for stage in stages(model):
        inside = dict(model.get_submodule(stage).named_modules(prefix=stage))
        paths = [path for path, module in inside.items() if isinstance(module, Branches)]
        paths += [path for path, module in inside.items() if isinstance(module, Residual)]
        for path in paths[:1]:
            parts = [name for name, _ in inside[path].named_children()]
            found |= {f"{stage}.{name}": f"{path}.{name}" for name in parts}
    return found


def features(model: nn.Module, x: Tensor, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """Run a network once and return what comes out of some of its parts.

    What comes later in the network is computed from these very tensors, so that ``torch.autograd``
    gives the gradients of one part ("fc", the scores) with respect to another. A method that hooks
    `torch.nn.ReLU` modules to change gradients there, as guided backpropagation, finds none in this
    package, whose ReLUs are functions: without an error, what it gives is the plain gradient.

    Parameters
    ----------
    model : nn.Module
        In the mode it is in: call ``model.eval()`` first, and wrap the call in
        ``torch.no_grad()`` unless gradients are wanted.
    x : Tensor
        Images, (N, C, H, W).
    names : iterable of str, optional
        Of `stages`, of `branches`, or the path of any module in the network. By default all stages.

    Returns
    -------
    dict
        Name -> feature map, in the order of `names`.

    Raises
    ------
    ValueError
        The network has no such part, and the message suggests names that are close; or a part takes
        no part in this mode, as auxiliary heads in evaluation mode; or it gives no tensor.
    """
    names = [names] if isinstance(names, str) else names
    names = stages(model) if names is None else tuple(names)
    modules = dict(model.named_modules())
    short = branches(model)
    for name in names:
        if not name or (name not in short and name not in modules):
            known = [*stages(model), *short]
            close = difflib.get_close_matches(name, known, n=3) or known[:3]
            raise ValueError(
                f"the network has no part {name!r}; there are {', '.join(close)} and others: see "
                "stages(model) and branches(model)."
            )

    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> nn.Module:
        def hook(module: nn.Module, args: tuple, output: Tensor) -> Tensor:
            if not isinstance(output, Tensor):
                raise ValueError(
                    f"{name!r} gives no map, but a {type(output).__name__}: name a part inside it."
                )
            outputs[name] = output
            return output.clone()  # what follows may change its input in place, as some ReLUs do

        return modules[short.get(name, name)].register_forward_hook(hook)

    handles = [keep(name) for name in names]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    if unused := [name for name in names if name not in outputs]:
        why = "" if model.training else "; auxiliary heads only do after model.train()"
        raise ValueError(f"{', '.join(map(repr, unused))} took no part in these scores{why}.")
    return {name: outputs[name] for name in names}
