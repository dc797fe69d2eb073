"""What multiplies is counted, or refused: nothing is passed over in silence."""

import re
from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from .fields import POINTWISE, VIEWS, plain

COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
UNCOUNTED = (
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.Bilinear,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
# Their weights may have several axes, but are looked up or used place by place.
_NO_PRODUCTS = (nn.Embedding, nn.LayerNorm, nn.RMSNorm)
_FUNCTIONS = re.compile(
    r"conv(_transpose)?[123]d|linear|bilinear|(linalg_|chain_)?matmul|mm|mv|bmm|baddbmm|addmm|addmv|"
    r"addbmm|dot|vdot|(linalg_)?vecdot|inner|linalg_multi_dot|einsum|tensordot|"
    r"scaled_dot_product_attention|multi_head_attention_forward"
)


def macs(module: nn.Module | None, result: Tensor) -> int:
    """Count: each output value of a convolution or linear layer is one dot product."""
    if isinstance(module, COUNTED):
        return result[0].numel() * module.weight[0].numel()
    return 0


def check_module(name: str, module: nn.Module) -> None:
    """Raise a ValueError for a module that multiplies by weights that `macs` does not know of."""
    known = isinstance(module, COUNTED + _NO_PRODUCTS) or not _matrices(module.parameters())
    if isinstance(module, UNCOUNTED) or not known:
        _refuse(name)


def check_function(name: str, function: str, weights: Sequence[Tensor]) -> None:
    """Raise a ValueError for a function that multiplies maps, or a map by these weights."""
    known = POINTWISE.fullmatch(plain(function)) or VIEWS.fullmatch(function)
    if _FUNCTIONS.fullmatch(function) or (_matrices(weights) and not known):
        _refuse(name)


def _matrices(weights: Iterable[Tensor]) -> bool:
    return any(weight.ndim > 1 for weight in weights)


def _refuse(name: str) -> None:
    raise ValueError(
        f"the multiply-adds of {name} cannot be counted: only those of convolutions and linear "
        "layers that are modules (nn.Conv2d, nn.Linear) can. Count its parts."
    )
