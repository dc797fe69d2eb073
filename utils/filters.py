"""Named filters, made from formulas: what a feature is, before a network learns one."""

import math

import torch

from .support.checks import odd_int, positive_int


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
    size = odd_int(size, "size", least=3, hint=" to show a wave")
    orientations = positive_int(orientations, "orientations")
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


def mean_filter(size: int) -> torch.Tensor:
    """Return the filter that answers with the mean of its window.

    Parameters
    ----------
    size
        Rows and columns of the window, in pixels; odd, so that it has a middle.

    Returns
    -------
    torch.Tensor
        float32, (1, 1, size, size): a weight for `conv2d`.

    Raises
    ------
    TypeError, ValueError
        `size` is no odd number.
    """
    size = odd_int(size, "size")
    return torch.full((1, 1, size, size), 1 / size**2)


def difference_of_gaussians(
    size: int, *, sigma: float | None = None, ratio: float = 1.6
) -> torch.Tensor:
    """Return a filter that answers to spots: the mean of its centre less that of its surround.

    Both means are weighted by a Gaussian, and the weights of each add up to 1. So the answer is in
    the units of the picture, a plain surface gives none, and a spot gives the more, the better its
    size fits: a spot of another size fills the surround too, or only part of the centre.

    Parameters
    ----------
    size
        Rows and columns of the filter, in pixels; odd, so that it has a middle, and at least 3.
    sigma
        Standard deviation of the centre's Gaussian, in pixels. By default a sixth of `size`.
    ratio
        That of the surround's, against it; Marr recommends 1.6.

    Returns
    -------
    torch.Tensor
        float32, (1, 1, size, size): a weight for `conv2d`.

    Raises
    ------
    TypeError, ValueError
        A number out of these bounds, or none.

    References
    ----------
    D. Marr (1982), Vision, W. H. Freeman.
    """
    size = odd_int(size, "size", least=3, hint=" to have a surround")
    sigma = size / 6 if sigma is None else sigma
    for name, value, least in (("sigma", sigma, 0), ("ratio", ratio, 1)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, got {value!r}.")
        if not least < value < math.inf:
            raise ValueError(f"{name} must be greater than {least} and finite, got {value!r}.")
    distances = (torch.arange(size, dtype=torch.float64) - size // 2) ** 2
    centre, surround = (
        torch.exp(-(distances[:, None] + distances) / (2 * width**2))
        for width in (sigma, ratio * sigma)
    )
    return (centre / centre.sum() - surround / surround.sum()).float()[None, None]
