"""What a network costs and sees: parameters, multiply-adds, memory, receptive fields.

Two ways to know: arithmetic on the numbers of a layer (`convolution_cost` and its kin), and an
account of a whole network, node by node, from its `torch.fx` graph (`account`).

A multiply-add is one multiplication and the addition of its product; those of convolutions and
linear layers are counted, as in the papers, and nothing else (no biases, ReLUs, pools).
"""

import html
import inspect
import math
import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from .support.checks import height_width, positive_int


class Cost(NamedTuple):
    """Parameters and multiply-adds; costs add up, also with `sum`."""

    parameters: int
    macs: int

    def __add__(self, other: "Cost") -> "Cost":  # type: ignore[override]
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.parameters + other.parameters, self.macs + other.macs)

    def __radd__(self, other: int) -> "Cost":
        return self if other == 0 else NotImplemented  # sum() starts from 0


def convolution_cost(
    c_in: int, c_out: int, *, kernel_size: int, size: tuple[int, int], bias: bool = False
) -> Cost:
    """Cost of a k x k convolution, C_in to C_out channels, on an output of `size` = (H, W).

    k²·C_in·C_out weights (and C_out biases), each weight used once at every output position.
    """
    height, width = height_width(size)
    c_out = positive_int(c_out, "c_out")
    weights = positive_int(kernel_size, "kernel_size") ** 2 * positive_int(c_in, "c_in") * c_out
    return Cost(weights + bool(bias) * c_out, weights * height * width)


def reduced_cost(
    c_in: int,
    c_red: int,
    c_out: int,
    *,
    kernel_size: int,
    size: tuple[int, int],
    bias: bool = False,
) -> Cost:
    """Cost of the same with a 1x1 reduction to C_red channels first: C_red·(C_in + k²·C_out)."""
    reduction = convolution_cost(c_in, c_red, kernel_size=1, size=size, bias=bias)
    return reduction + convolution_cost(c_red, c_out, kernel_size=kernel_size, size=size, bias=bias)


def break_even(c_in: int, c_out: int, *, kernel_size: int) -> float:
    """Return the C_red below which a reduction saves weights: k²·C_in·C_out / (C_in + k²·C_out)."""
    c_in = positive_int(c_in, "c_in")
    outputs = positive_int(kernel_size, "kernel_size") ** 2 * positive_int(c_out, "c_out")
    return c_in * outputs / (c_in + outputs)


def module_costs(
    in_channels: int, spec: Any, *, size: tuple[int, int], bias: bool = False, kernel5x5: int = 5
) -> dict[str, Cost]:
    """Cost of an Inception module by branch: "1x1", "3x3", "5x5", "pool".

    Parameters
    ----------
    in_channels : int
    spec : utils.blocks.InceptionSpec
        Its reductions and projection may be None.
    size : (int, int)
        Height and width of the map.
    bias : bool
        Whether to count biases.
    kernel5x5 : int
        3 for torchvision's "5x5" branch.
    """
    if not hasattr(spec, "conv1x1"):
        raise TypeError(f"spec must be an InceptionSpec, got {spec!r}: MODULES holds the paper's.")

    def branch(c_red: int | None, c_out: int, kernel_size: int) -> Cost:
        options = {"kernel_size": kernel_size, "size": size, "bias": bias}
        if c_red is None:
            return convolution_cost(in_channels, c_out, **options)
        return reduced_cost(in_channels, c_red, c_out, **options)

    return {
        "1x1": branch(None, spec.conv1x1, 1),
        "3x3": branch(spec.reduce3x3, spec.conv3x3, 3),
        "5x5": branch(spec.reduce5x5, spec.conv5x5, kernel5x5),
        "pool": Cost(0, 0) if spec.pool_proj is None else branch(None, spec.pool_proj, 1),
    }


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
        if by not in ("stages", "layers"):
            raise ValueError(f'by must be "stages" or "layers", got {by!r}.')
        caption = f"{self.name}, one image of {_text(self.input_size)}"
        if self.unused:
            caption += f" ({_text(self.unused)} further parameters are not used in this mode)"
        totals = {name: getattr(self, name) for name in _SUMS}
        return _html_table(getattr(self, by), caption, totals)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return (
            f"Account({self.name}, one image of {_text(self.input_size)}: {self.parameters:,} "
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

    modes = {module: module.training for module in model.modules()}
    model.train(training)
    try:
        rows = _Recorder(_trace(model)).record(sizes)
    finally:
        for module, mode in modes.items():
            module.training = mode

    columns = ["output", *_SUMS, "rf_min", "rf_max", "jump"]
    layers = pd.DataFrame(rows, columns=["name", "stage", "operation", *columns]).set_index("name")
    sums = layers.groupby("stage", sort=False)[list(_SUMS)].sum()
    ends = layers.drop_duplicates("stage", keep="last").set_index("stage")
    stages = sums.join(ends.drop(columns=list(_SUMS)))[columns]
    unused = sum(p.numel() for p in model.parameters()) - int(layers["parameters"].sum())
    return Account(layers, stages, type(model).__name__, sizes, unused)


def _trace(model: nn.Module) -> fx.GraphModule:
    tracer = _Tracer()
    if tracer.is_leaf_module(model, ""):  # a layer alone: a network of one
        model = nn.Sequential(OrderedDict({type(model).__name__.lower(): model}))
    others = list(inspect.signature(model.forward).parameters.values())[1:]
    given = {p.name: p.default for p in others if p.default is not p.empty}
    try:
        return fx.GraphModule(model, tracer.trace(model, concrete_args=given or None))
    except Exception as error:
        raise ValueError(
            f"torch.fx cannot trace {type(model).__name__}, so it cannot be counted: {error}. "
            "Its forward may not branch on the values or shapes of tensors; count its parts."
        ) from error


class _Tracer(fx.Tracer):
    """Takes layers with weights whole, also those of classes derived from PyTorch's."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        whole = isinstance(module, _COUNTED + _UNCOUNTED)
        return whole or super().is_leaf_module(module, name)


class _Axis(NamedTuple):
    """What a unit of a map sees along one axis, in input pixels; `size` is the map's, in units."""

    low: float
    high: float
    jump: float
    size: int

    def through(self, kernel: float, stride: float, size: int) -> "_Axis":
        """Look at this map through a window of `kernel` units, moved in steps of `stride`."""
        grown = (kernel - 1) * self.jump
        return _Axis(self.low + grown, self.high + grown, self.jump * stride, size)


_Field = tuple[_Axis, _Axis] | None  # height and width; None where it is not known


def _widest(axes: tuple[_Axis, ...]) -> _Axis:
    """Merge what meets in a concatenation or a sum: the narrowest and the widest path."""
    largest = max(axes, key=lambda axis: axis.size)
    return largest._replace(low=min(a.low for a in axes), high=max(a.high for a in axes))


class _Recorder(fx.Interpreter):
    """Runs a graph on the meta device and notes what each node makes, costs and sees."""

    BATCH = 2  # batch normalisation refuses to train on a single value

    def record(self, input_size: tuple[int, ...]) -> list[dict[str, Any]]:
        self.extra_traceback = False  # no page of graph under our messages
        self.rows: list[dict[str, Any]] = []
        self.uses: Counter[str] = Counter()
        self.fields: dict[fx.Node, _Field] = {}
        self.counted: set[int] = set()  # parameters, by identity: a shared one counts once
        self.parameters = {name: list(m.parameters()) for name, m in self.module.named_modules()}
        self.parameters |= {name: [p] for name, p in self.module.named_parameters()}

        state = dict(self.module.named_parameters()) | dict(self.module.named_buffers())
        meta = {f"module.{name}": torch.empty_like(t, device="meta") for name, t in state.items()}
        dtype = next((t.dtype for t in meta.values() if t.is_floating_point()), torch.float32)
        images = torch.empty(self.BATCH, *input_size, dtype=dtype, device="meta")
        torch.func.functional_call(_Run(self), meta, images)
        return self.rows

    def run_node(self, node: fx.Node) -> Any:
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        if node.op.startswith("call"):
            self._check_countable(node)
        try:
            result = super().run_node(node)
        except Exception as error:
            tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
            shapes = ", ".join(_text(tuple(a.shape[1:])) for a in tensors)
            raise ValueError(
                f"the network cannot take this input: {node.target} fails on {shapes}. {error}"
            ) from error
        if node.op == "placeholder" and isinstance(result, Tensor):
            axes = tuple(_Axis(1, 1, 1, size) for size in result.shape[2:])
            self.fields[node] = axes if len(axes) == 2 else None
        elif node.op not in ("placeholder", "output"):
            module = self._module(node, args, kwargs)
            self._note_field(node, module, args, kwargs, result)
            if isinstance(result, Tensor):
                self.rows.append(self._row(node, module, (*args, *kwargs.values()), result))
        return result

    def _check_countable(self, node: fx.Node) -> None:
        """Refuse what multiplies by more weights, or by other maps, than `_macs` knows of."""
        if node.op == "call_module":
            module = self.fetch_attr(node.target)
            matrices = any(p.ndim > 1 for p in module.parameters())
            known = isinstance(module, _COUNTED + _NO_PRODUCTS) or not matrices
            unknown = isinstance(module, _UNCOUNTED) or not known
        else:
            given = [str(n.target) for n in node.all_input_nodes if n.op == "get_attr"]
            weights = [p for name in given for p in self.parameters.get(name, []) if p.ndim > 1]
            name = _function(node)
            known = _POINTWISE.fullmatch(_plain(name)) or _VIEWS.fullmatch(name)
            unknown = _UNCOUNTED_FUNCTIONS.fullmatch(name) or (weights and not known)
        if unknown:
            raise ValueError(
                f"the multiply-adds of {node.name} cannot be counted: only those of convolutions "
                "and linear layers that are modules (nn.Conv2d, nn.Linear) can. Count its parts."
            )

    def _module(self, node: fx.Node, args: tuple, kwargs: dict) -> nn.Module | None:
        """Return the module a node calls; for a functional pool, the module that does the same."""
        if node.op == "call_module":
            return self.fetch_attr(node.target)
        if node.target in _FUNCTIONAL_POOLS:
            options = {name: value for name, value in kwargs.items() if name != "input"}
            return _FUNCTIONAL_POOLS[node.target](*args[len(kwargs) == len(options) :], **options)
        return None

    def _row(
        self, node: fx.Node, module: nn.Module | None, args: tuple, result: Tensor
    ) -> dict[str, Any]:
        path = self._path(node)
        self.uses[path] += 1

        own = self.parameters.get(str(node.target), []) if node.op != "call_function" else []
        new = {id(p): p.numel() for p in own if id(p) not in self.counted}
        self.counted |= set(new)

        earlier = [a for a in args if isinstance(a, Tensor)]
        written = node.op != "get_attr" and not any(
            result.untyped_storage() is tensor.untyped_storage() for tensor in earlier
        )
        field = self.fields.get(node)
        return {
            "name": path if self.uses[path] == 1 else f"{path} ({self.uses[path]})",
            "stage": path.split(".")[0],
            "operation": _operation(node, module),
            "output": tuple(result.shape[1:]),
            "parameters": sum(new.values()),
            "macs": _macs(module, result),
            "activation_bytes": result.nbytes // self.BATCH if written else 0,
            "rf_min": _whole(min(axis.low for axis in field)) if field else math.nan,
            "rf_max": _whole(max(axis.high for axis in field)) if field else math.nan,
            "jump": _whole(max(axis.jump for axis in field)) if field else math.nan,
        }

    def _path(self, node: fx.Node) -> str:
        """Return the node's place in the network, as "inception3a.branch1.relu"."""
        if node.op in ("call_module", "get_attr"):
            return str(node.target)
        owner = next(reversed(node.meta.get("nn_module_stack", {"": None})))
        owner = owner.split("@")[0]  # "block@1" is the second call of "block"
        return f"{owner}.{_function(node)}" if owner else _function(node)

    def _note_field(
        self, node: fx.Node, module: nn.Module | None, args: tuple, kwargs: dict, result: Any
    ) -> None:
        """Note what the result sees of the input; nothing if it does not come from it."""
        sources = [self.fields[source] for source in node.all_input_nodes if source in self.fields]
        if not sources or not _holds_tensors(result):
            return
        self.fields[node] = None
        if None in sources or not isinstance(result, Tensor) or result.shape[:1] != (self.BATCH,):
            return
        merged = tuple(_widest(axes) for axes in zip(*sources, strict=True))
        before = tuple(axis.size for axis in merged)
        after = tuple(result.shape[2:]) if result.ndim == 4 else (1, 1)
        name = _plain(_function(node) if module is None else type(module).__name__)
        if _POINTWISE.fullmatch(name) or _VIEWS.fullmatch(name):
            # A vector made from a map remembers the map's size, for a layer that sees all of it.
            self.fields[node] = merged if result.ndim == 2 or after == before else None
            return
        if _REDUCTIONS.fullmatch(name):
            dim = getattr(module, "dim", kwargs.get("dim", args[1] if len(args) > 1 else None))
            windows = _reduction(args[0] if args else kwargs["input"], dim, before, result)
        elif isinstance(module, nn.Linear):
            windows = [(size, 1) for size in before] if result.ndim == 2 else None
        else:
            windows = _windows(module, before, after)
        if windows:
            zipped = zip(merged, windows, after, strict=True)
            self.fields[node] = tuple(axis.through(*window, size) for axis, window, size in zipped)


class _Run(nn.Module):
    """Lets `functional_call` lend the interpreter weights without storage."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__()
        self.module = recorder.module
        self.run = recorder.run

    def forward(self, x: Tensor) -> Any:
        return self.run(x)


_FUNCTIONAL_POOLS = {
    F.max_pool2d: nn.MaxPool2d,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
}
_COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_UNCOUNTED = (
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.Bilinear,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
# Their weights may have several axes, but are looked up or used place by place.
_NO_PRODUCTS = (nn.Embedding, nn.LayerNorm, nn.RMSNorm)
_UNCOUNTED_FUNCTIONS = re.compile(
    r"conv(_transpose)?[123]d|linear|bilinear|(linalg_|chain_)?matmul|mm|mv|bmm|baddbmm|addmm|addmv|"
    r"addbmm|dot|vdot|(linalg_)?vecdot|inner|linalg_multi_dot|einsum|tensordot|"
    r"scaled_dot_product_attention|multi_head_attention_forward"
)
# What is known to look at one place only, function or module: the names as `_plain` writes them.
_POINTWISE = re.compile(
    r"(leaky|p|r)?relu6?|[cgs]?elu|silu|mish|hardtanh|hardswish|(hard|log)?sigmoid|tanh|softplus|"
    r"softsign|threshold|identity|(alpha|feature)?dropout[12]?d?|stochasticdepth|"
    r"(sync)?batchnorm[12]?d?|localresponsenorm|i?(add|sub|mul|truediv)|rsub|div|neg|pow|square|"
    r"r?sqrt|reciprocal|abs|exp|log|clamp|clip|maximum|minimum|lerp|where|cat|concat|concatenate|"
    r"contiguous|clone|detach|to|float|half|double|bfloat16|type"
)
_VIEWS = re.compile(r"flatten|view|reshape|squeeze|unsqueeze")
_REDUCTIONS = re.compile(r"mean|sum|amax|amin|std|var|prod|(log)?softmax|logsumexp")


def _function(node: fx.Node) -> str:
    """Return the name of what a node calls: "relu", "flatten", "add"."""
    return node.target if isinstance(node.target, str) else node.target.__name__


def _plain(name: str) -> str:
    """Write the names of functions, methods and modules alike: "leakyrelu" for `LeakyReLU`."""
    return name.replace("_", "").lower()


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_holds_tensors, value))
    return isinstance(value, Tensor)


def _macs(module: nn.Module | None, result: Tensor) -> int:
    """Count: each output value of a convolution or linear layer is one dot product."""
    if isinstance(module, _COUNTED):
        return result[0].numel() * module.weight[0].numel()
    return 0


def _operation(node: fx.Node, module: nn.Module | None) -> str:
    if module is None:
        return _function(node)
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return type(module).__name__
    stride = _pair(module.stride)
    moved = "" if set(stride) == {1} else f"/{stride[0]}"
    return f"{type(module).__name__} {_text(_pair(kernel), 'x')}{moved}"


def _windows(
    module: nn.Module | None, before: tuple[int, int], after: tuple[int, int]
) -> list[tuple[float, float]] | None:
    """Return (kernel, stride) along height and width, in units of the map before."""
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        dilation = _pair(getattr(module, "dilation", 1))
        sizes = zip(_pair(module.kernel_size), dilation, strict=True)
        kernels = [(kernel - 1) * step + 1 for kernel, step in sizes]
        return list(zip(kernels, _pair(module.stride), strict=True))
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        return [_adaptive(n, m) for n, m in zip(before, after, strict=True)]
    return None


def _adaptive(n: int, m: int) -> tuple[float, float]:
    """Return (kernel, stride) of an adaptive pool from n units to m.

    Its windows differ in size. The widest, moved in even steps, must reach from edge to edge.
    """
    kernel = max(-(-(i + 1) * n // m) - i * n // m for i in range(m))
    return kernel, (n - kernel) / (m - 1) if m > 1 else n


def _reduction(
    x: Tensor, dim: Any, before: tuple[int, int], result: Tensor
) -> list[tuple[int, int]] | None:
    """Return (kernel, stride) of a mean or its like: all of the map along what it reduces."""
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    if not all(type(d) is int for d in dims):
        return None
    dims = {d % x.ndim for d in dims}
    seen = [1 in dims] * 2 if x.ndim == 2 else [axis in dims for axis in (2, 3)]
    if 0 in dims or not (result.ndim == x.ndim or all(seen)):
        return None
    return [(n if whole else 1, 1) for n, whole in zip(before, seen, strict=True)]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _whole(value: float) -> float:
    """Return an int where that is exact: adaptive pools can step by parts of a unit."""
    return int(value) if float(value).is_integer() else value


# Tables for a page


_HEADS = {
    "operation": "Operation",
    "output": "Output",
    "parameters": "Parameters",
    "macs": "Multiply-adds",
    "activation_bytes": "Activations, bytes",
    "rf_min": "Narrowest receptive field, px",
    "rf_max": "Widest receptive field, px",
    "jump": "Jump, px",
}
_STYLE = """<style>
.account {border-collapse: collapse; font-variant-numeric: tabular-nums}
.account caption {text-align: start}
.account td, .account th {padding: 0.15em 0.5em; text-align: end}
.account thead th {max-width: 7em; white-space: normal; vertical-align: bottom}
.account th[scope=row], .account th:first-child, .account td.text {text-align: start}
.account tfoot {border-top: 1px solid}
</style>"""


def _html_table(frame: pd.DataFrame, caption: str, totals: dict[str, int]) -> str:
    columns = [column for column in frame.columns if column in _HEADS]
    first = "Layer" if "operation" in columns else "Stage"

    def cell(value: Any) -> str:
        kind = ' class="text"' if isinstance(value, str) else ""
        return f"<td{kind}>{html.escape(_text(value))}</td>"

    def row(name: str, values: list[Any]) -> str:
        return f'<tr><th scope="row">{html.escape(name)}</th>{"".join(map(cell, values))}</tr>'

    heads = "".join(f'<th scope="col">{_HEADS.get(c, c)}</th>' for c in (first, *columns))
    body = "\n".join(
        row(str(r.Index), [getattr(r, c) for c in columns]) for r in frame.itertuples()
    )
    foot = row("Total", [totals.get(column, "") for column in columns])
    return (
        f'{_STYLE}\n<div style="overflow-x: auto" role="group" tabindex="0" '
        f'aria-label="{html.escape(caption)}">\n<table class="dataframe account">\n'
        f"<caption>{html.escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n<tfoot>{foot}</tfoot>\n</table>\n</div>"
    )


def _text(value: Any, cross: str = "×") -> str:
    """Write a value for people: 1,234,567; 64×28×28; ? for what is not known."""
    if isinstance(value, tuple):
        return cross.join(str(size) for size in value)
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "?"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
