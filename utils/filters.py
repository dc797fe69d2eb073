"""Named filters, made from formulas: what a feature is, before a network learns one."""

import math

import torch

from .checks import odd_int, positive_int


def gabor_bank(
    wavelengths: tuple[float, ...] = (3.0, 4.5, 7.0, 10.0), *, orientations: int = 8, size: int = 15
) -> torch.Tensor:
    """Gabor filters: a wave under a Gaussian window, a model of cells that answer to edges.

    For each wavelength and orientation there are two filters, an even one (cosine: it answers to
    lines) and an odd one (sine: it answers to edges). Each has zero mean, so a plain surface gives
    no answer, and unit norm, so all speak equally loud. The idea of recognising objects with fixed
    banks of Gabor filters of several sizes is that of Serre et al. (2007), which the GoogLeNet
    paper names as a model; the numbers here are our own choice.

    Parameters
    ----------
    wavelengths
        In pixels, each longer than 2 (a shorter wave cannot be told from a longer one, and at 2 a
        sine is zero at every pixel) and at most `size`, so that a whole wave fits in.
    orientations
        How many directions between 0 and 180 degrees.
    size
        Rows and columns of a filter, in pixels; odd, so that it has a middle, and at least 3.

    Returns
    -------
    torch.Tensor
        float32, (2 * wavelengths * orientations, 1, size, size): a weight for `conv2d`.

    Raises
    ------
    TypeError, ValueError
        A number out of these bounds, or none.
    """
    size, orientations = odd_int(size, "size"), positive_int(orientations, "orientations")
    if size == 1:
        raise ValueError("size must be at least 3: a single pixel shows no wave.")
    if len(wavelengths) == 0 or not all(2 < wavelength <= size for wavelength in wavelengths):
        raise ValueError(
            f"wavelengths must be longer than 2 and at most {size} pixels, the size of a filter, "
            f"got {wavelengths}."
        )

    # In float64 up to the end, whatever the default: little of a long wave's cosine remains.
    places = torch.arange(size, dtype=torch.float64) - size // 2
    y, x = torch.meshgrid(places, places, indexing="ij")
    filters = []
    for wavelength in wavelengths:
        # A window of about one octave: the usual choice for models of the visual cortex.
        window = torch.exp(-(x**2 + y**2) / (2 * (0.56 * wavelength) ** 2))
        for step in range(orientations):
            angle = math.pi * step / orientations
            wave = 2 * math.pi / wavelength * (x * math.cos(angle) + y * math.sin(angle))
            filters += [window * wave.cos(), window * wave.sin()]
    bank = torch.stack(filters)[:, None]
    bank = bank - bank.mean(dim=(2, 3), keepdim=True)
    return (bank / bank.norm(dim=(2, 3), keepdim=True)).float()
