"""The graph of a network, node by node: what each makes, costs and sees."""

import inspect
import math
from collections import Counter, OrderedDict
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from .fields import Axis, Field, behind, pair, plain, widest
from .guards import COUNTED, UNCOUNTED, check_function, check_module, macs
from .page import text

_FUNCTIONAL_POOLS = {
    F.max_pool2d: nn.MaxPool2d,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
}


def record(model: nn.Module, input_size: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return the rows of an account, one for each node that makes a tensor; errors as there."""
    return _Recorder(_trace(model)).record(input_size)


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
        whole = isinstance(module, COUNTED + UNCOUNTED)
        return whole or super().is_leaf_module(module, name)


class _Recorder(fx.Interpreter):
    """Runs a graph on the meta device and notes what each node makes, costs and sees."""

    BATCH = 2  # batch normalisation refuses to train on a single value

    def record(self, input_size: tuple[int, ...]) -> list[dict[str, Any]]:
        self.extra_traceback = False  # no page of graph under our messages
        self.rows: list[dict[str, Any]] = []
        self.uses: Counter[str] = Counter()
        self.fields: dict[fx.Node, Field] = {}
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
        if node.op == "call_module":
            check_module(node.name, self.fetch_attr(node.target))
        elif node.op.startswith("call"):
            given = [str(n.target) for n in node.all_input_nodes if n.op == "get_attr"]
            weights = [p for name in given for p in self.parameters.get(name, [])]
            check_function(node.name, _function(node), weights)
        try:
            result = super().run_node(node)
        except Exception as error:
            tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
            shapes = ", ".join(text(tuple(a.shape[1:])) for a in tensors)
            raise ValueError(
                f"the network cannot take this input: {node.target} fails on {shapes}. {error}"
            ) from error
        if node.op == "placeholder" and isinstance(result, Tensor):
            axes = tuple(Axis(1, 1, 1, size) for size in result.shape[2:])
            self.fields[node] = axes if len(axes) == 2 else None
        elif node.op not in ("placeholder", "output"):
            module = self._module(node, args, kwargs)
            self._note_field(node, module, args, kwargs, result)
            if isinstance(result, Tensor):
                self.rows.append(self._row(node, module, (*args, *kwargs.values()), result))
        return result

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
            "macs": macs(module, result),
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
        merged = tuple(widest(axes) for axes in zip(*sources, strict=True))
        name = plain(_function(node) if module is None else type(module).__name__)
        self.fields[node] = behind(merged, name, module, args, kwargs, result)


class _Run(nn.Module):
    """Lets `functional_call` lend the interpreter weights without storage."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__()
        self.module = recorder.module
        self.run = recorder.run

    def forward(self, x: Tensor) -> Any:
        return self.run(x)


def _function(node: fx.Node) -> str:
    """Return the name of what a node calls: "relu", "flatten", "add"."""
    return node.target if isinstance(node.target, str) else node.target.__name__


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_holds_tensors, value))
    return isinstance(value, Tensor)


def _operation(node: fx.Node, module: nn.Module | None) -> str:
    if module is None:
        return _function(node)
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return type(module).__name__
    stride = pair(module.stride)
    moved = "" if set(stride) == {1} else f"/{stride[0]}"
    return f"{type(module).__name__} {text(pair(kernel), 'x')}{moved}"


def _whole(value: float) -> float:
    """Return an int where that is exact: adaptive pools can step by parts of a unit."""
    return int(value) if float(value).is_integer() else value
