"""What a network costs and sees: parameters, multiply-adds, memory, receptive fields.

Two ways to know: arithmetic on the numbers of a layer (`convolution_cost` and its kin), and an
account of a whole network, node by node, from its `torch.fx` graph (`account`).

A multiply-add is one multiplication and the addition of its product; those of convolutions and
linear layers are counted, as in the papers, and nothing else (no biases, ReLUs, pools).
"""

from .costs import Cost, break_even, convolution_cost, module_costs, reduced_cost
from .network import Account, account

__all__ = [
    "Account",
    "Cost",
    "account",
    "break_even",
    "convolution_cost",
    "module_costs",
    "reduced_cost",
]
