"""Change a network from inside, ask what a score came from, and look for what a part answers to.

with replaced(network, {"inception4a.branch3": torch.zeros_like}):
    scores = network(images)                      # as if the 5x5 branch were not there
maps = grad_cam(network, images, classes, "inception4a")
image = ascend(lambda x: features(network, x, ["conv1"])["conv1"][:, 7].mean(), start)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .activations import branches, features
from .support.checks import integer, non_negative, positive_int


@contextmanager
def replaced(model: nn.Module, changes: Mapping[str, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """Replace what comes out of some parts of a network, until the end of the `with`.

    Parameters
    ----------
    model : nn.Module
    changes : dict
        A part, by the names that `utils.activations.features` takes -> a function from the map that
        comes out of it, (N, C, H, W), to what goes on in its place, of the same shape. It must not
        change the map that it is given.

    Raises
    ------
    ValueError
        There is no such part; or, when the network runs, a function gives another shape.
    """
    short, parts = branches(model), dict(model.named_modules())

    def hook(name: str, change: Callable[[Tensor], Tensor]) -> Callable:
        def put(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            new = change(output)
            if new.shape != output.shape:
                raise ValueError(
                    f"what takes the place of {name!r} must have its shape, {tuple(output.shape)}; "
                    f"got {tuple(new.shape)}."
                )
            return new

        return put

    for name in changes:
        if short.get(name, name) not in parts or not name:
            raise ValueError(
                f"the network has no part {name!r}: utils.activations.branches(model) and "
                "model.named_modules() list them."
            )
    with ExitStack() as stack:
        for name, change in changes.items():
            part = parts[short.get(name, name)]
            stack.callback(part.register_forward_hook(hook(name, change)).remove)
        yield


def grad_cam(
    model: nn.Module,
    x: Tensor,
    classes: Tensor | Sequence[int],
    stage: str,
    *,
    relu: bool = True,
    scores: str = "fc",
) -> Tensor:
    """Return where each image speaks for a class, seen at one stage: (N, H, W).

    Each channel of the stage's map is weighed by the mean, over places, of the gradient of the
    class's score with respect to it. At the last stage, if a global average and one linear layer
    follow, that is the class activation map divided by the number of places.

    Parameters
    ----------
    model : nn.Module
        In evaluation mode.
    x : Tensor
        Images as the network takes them, (N, C, H, W).
    classes : (N,) whole numbers
        The class that each image is asked for.
    stage : str
        By the names that `utils.activations.features` takes.
    relu : bool
        Whether what speaks against the class is left out, as published.
    scores : str
        The layer that gives the scores.

    Raises
    ------
    ValueError
        As many classes as images are wanted; from `features`, a part that is not there.

    References
    ----------
    Selvaraju et al. (2017), Grad-CAM, arXiv:1610.02391.
    """
    classes = torch.as_tensor(classes)
    if classes.shape != x.shape[:1]:
        raise ValueError(f"expected a class for each of {len(x)} images, got {classes.tolist()}.")
    with torch.enable_grad():
        found = features(model, x.detach().requires_grad_(), [stage, scores])
        of_class = found[scores][torch.arange(len(x)), classes].sum()
        (slopes,) = torch.autograd.grad(of_class, found[stage])
    maps = (slopes.mean((2, 3), keepdim=True) * found[stage].detach()).sum(1)
    return F.relu(maps) if relu else maps


def ascend(
    objective: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    steps: int = 100,
    rate: float = 0.02,
    shift: int = 0,
    blur: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """Change images, step by step, so that something in a network answers more to them.

    Parameters
    ----------
    objective : function
        From images, (N, 3, H, W) in 0..1, to the number that is to grow. For several images that
        do not know of each other, a sum over them.
    start : Tensor
        Images to begin with, (N, 3, H, W) in 0..1.
    steps : int
    rate : float
        How far a step moves an image: the root of its mean squared change, in 0..1.
    shift : int
        Before each step the images are rolled by up to so many pixels, at random, and back after
        it: what a network sees at one place alone does not grow.
    blur : float
        After each step the images are smoothed by a Gaussian of this standard deviation, in pixels:
        fine patterns are lost unless the gradient keeps drawing them.
    seed : int
        Of the shifts.

    Returns
    -------
    Tensor
        (N, 3, H, W), in 0..1.

    References
    ----------
    Mordvintsev, Olah, Tyka (2015), Inceptionism; Olah, Mordvintsev, Schubert (2017), Feature
    visualization, doi:10.23915/distill.00007.
    """
    steps, shift = positive_int(steps, "steps"), integer(shift, "shift", least=0)
    rate, blur = non_negative(rate, "rate"), non_negative(blur, "blur")
    random = torch.Generator().manual_seed(seed)
    images = start.detach().clone()
    with torch.enable_grad():
        for _ in range(steps):
            by = torch.randint(-shift, shift + 1, (2,), generator=random).tolist()
            moved = images.roll(by, (2, 3)).requires_grad_()
            (slope,) = torch.autograd.grad(objective(moved).sum(), moved)
            size = slope.square().mean((1, 2, 3), keepdim=True).sqrt()
            moved = moved.detach() + rate * slope / (size + 1e-12)  # 0 stays where it is
            if blur:
                moved = smoothed(moved, blur)
            images = moved.roll([-d for d in by], (2, 3)).clamp(0, 1)
    return images


def smoothed(images: Tensor, sigma: float) -> Tensor:
    """Smooth images, (N, C, H, W), by a Gaussian of `sigma` pixels; edges are mirrored."""
    reach = max(1, round(3 * sigma))
    places = torch.arange(-reach, reach + 1, dtype=images.dtype)
    kernel = torch.exp(-(places**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    x = F.pad(images, 4 * (reach,), mode="reflect")
    x = F.conv2d(x, kernel[:, :, :, None], groups=len(kernel))
    return F.conv2d(x, kernel[:, :, None], groups=len(kernel))
