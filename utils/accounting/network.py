"""The account of a whole network, by layer and by stage."""

from dataclasses import dataclass

import pandas as pd
from torch import nn

from ..support.checks import one_of, positive_int
from ..support.modes import modes_kept
from .graph import record
from .page import html_table, text


@dataclass(frozen=True, repr=False, eq=False)
class Account:
    """What a network costs and sees, for one image. Shown in a notebook, it is a table by stage.

    Attributes
    ----------
    layers : pandas.DataFrame
        A row for each node of the graph, in forward order, indexed by its place in the network
        ("inception3a.branch2.1.conv", "inception3a.cat"). Columns:

        - ``stage``: the direct child of the network that the node belongs to;
        - ``operation``: "Conv2d 3x3", "cat", ...;
        - ``output``: shape without the batch, (C, H, W) or (C,);
        - ``parameters``: weights, biases, scales and shifts, counted where they are first used;
        - ``macs``: multiply-adds of convolutions and linear layers;
        - ``activation_bytes``: memory newly written for the output (0 for views and in-place work);
        - ``rf_min``, ``rf_max``: theoretical receptive field of one output unit, in input pixels,
          along the narrowest and the widest path (of the shorter and the longer side);
        - ``jump``: distance between neighbouring units, in input pixels. An adaptive pool that
          does not divide its map evenly counts as windows of its largest size, evenly spaced.

        The last three are NaN behind an operation whose reach is not known here. Batch
        normalisation counts as seeing one place, as it does in evaluation.
    stages : pandas.DataFrame
        The same by stage: sums, and output, receptive field and jump at the end of each.
    name : str
        The network's class.
    input_size : tuple of int
        (C, H, W).
    unused : int
        Parameters that this forward pass does not reach: auxiliary heads, in evaluation mode.
    """

    layers: pd.DataFrame
    stages: pd.DataFrame
    name: str
    input_size: tuple[int, ...]
    unused: int

    @property
    def parameters(self) -> int:
        """Parameters that the forward pass uses."""
        return int(self.layers["parameters"].sum())

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return int(self.layers["macs"].sum())

    @property
    def activation_bytes(self) -> int:
        """Bytes that the forward pass writes for one image."""
        return int(self.layers["activation_bytes"].sum())

    def to_html(self, by: str = "stages") -> str:
        """Return the table by "stages" or by "layers", with totals, as HTML."""
        one_of(by, ("stages", "layers"), "by")
        caption = f"{self.name}, one image of {text(self.input_size)}"
        if self.unused:
            caption += f" ({text(self.unused)} further parameters are not used in this mode)"
        totals = {name: getattr(self, name) for name in _SUMS}
        return html_table(getattr(self, by), caption, totals)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return (
            f"Account({self.name}, one image of {text(self.input_size)}: {self.parameters:,} "
            f"parameters, {self.macs:,} multiply-adds, {self.activation_bytes:,} bytes written)"
        )


_SUMS = ("parameters", "macs", "activation_bytes")


def account(
    model: nn.Module, input_size: tuple[int, ...] = (3, 224, 224), *, training: bool = False
) -> Account:
    """Count a network's parameters, multiply-adds and memory, and trace its receptive fields.

    The network is followed by `torch.fx` and run on tensors without storage (the meta device): it
    is not changed, and neither its size nor that of the input matters.

    Parameters
    ----------
    model : nn.Module
        Any network, or part of one, that takes one tensor and that `torch.fx` can trace; further
        arguments keep their defaults. It may live on the meta device.
    input_size : tuple of int
        (C, H, W) of one image, in pixels.
    training : bool
        Count the pass in training mode, which includes auxiliary heads.

    Raises
    ------
    TypeError
        `model` is not a network.
    ValueError
        `torch.fx` cannot trace the network, the network cannot take such an input, or it contains
        an operation whose multiply-adds this function cannot count (attention, for one).
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
    if not isinstance(input_size, tuple | list):
        raise TypeError(f"input_size must be (C, H, W), as (3, 224, 224); got {input_size!r}.")
    sizes = tuple(positive_int(size, f"input_size[{i}]") for i, size in enumerate(input_size))

    with modes_kept(model):
        rows = record(model.train(training), sizes)

    columns = ["output", *_SUMS, "rf_min", "rf_max", "jump"]
    layers = pd.DataFrame(rows, columns=["name", "stage", "operation", *columns]).set_index("name")
    sums = layers.groupby("stage", sort=False)[list(_SUMS)].sum()
    ends = layers.drop_duplicates("stage", keep="last").set_index("stage")
    stages = sums.join(ends.drop(columns=list(_SUMS)))[columns]
    unused = sum(p.numel() for p in model.parameters()) - int(layers["parameters"].sum())
    return Account(layers, stages, type(model).__name__, sizes, unused)
