"""The course's interactive figures: a function each, which returns an `Interactive`.

As the last line of a cell a figure needs neither a kernel nor the network; its ``.widget()`` is the
same figure as a widget that Python can read and move. The drawing is in one JavaScript module a
figure, beside this file; the starting numbers, the presets and the text alternative come from here.
"""

from .bottleneck_calculator import bottleneck_calculator
from .build_a_module import build_a_module
from .cost_and_accuracy import cost_and_accuracy
from .few_labels import few_labels
from .gradient_steps import gradient_steps
from .live_network import live_network
from .module_flow import module_flow
from .multi_scale_lens import multi_scale_lens
from .network_map import network_map
from .pool_a_map import pool_a_map
from .sliding_window import sliding_window
from .training_film import training_film

__all__ = [
    "bottleneck_calculator",
    "build_a_module",
    "cost_and_accuracy",
    "few_labels",
    "gradient_steps",
    "live_network",
    "module_flow",
    "multi_scale_lens",
    "network_map",
    "pool_a_map",
    "sliding_window",
    "training_film",
]
