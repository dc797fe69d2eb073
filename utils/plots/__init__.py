"""The course's static figures: each function draws one, and returns a `Picture`.

An Inception module is drawn as in the interactive figures: four branches side by side, in the four
colours of `style`, with widths in proportion to channels.
"""

from .branches import branch_maps, by_branch, lost_by_class, shuffle_tests
from .costs import costs_by_module
from .gradients import (
    gradient_maps,
    gradients_by_stage,
    learning_curves,
    signal_by_stage,
    ways_of_gradients,
)
from .maps import block_matrix, heat_maps
from .module import inception_module
from .picture import Gallery, Picture
from .pixels import by_pixels
from .reliability import reliability
from .runs import runs
from .sizes import by_size
from .slips import points_lost
from .strengths import by_strength
from .training import Screen, gains, rate_range, rates_tried, schedules, time_spent, training_film
from .variance import kept_variance
from .windows import named_filters, receptive_field

__all__ = [
    "Gallery",
    "Picture",
    "Screen",
    "block_matrix",
    "branch_maps",
    "by_branch",
    "by_pixels",
    "by_size",
    "by_strength",
    "costs_by_module",
    "gains",
    "gradient_maps",
    "gradients_by_stage",
    "heat_maps",
    "inception_module",
    "kept_variance",
    "learning_curves",
    "lost_by_class",
    "named_filters",
    "points_lost",
    "rate_range",
    "rates_tried",
    "receptive_field",
    "reliability",
    "runs",
    "schedules",
    "shuffle_tests",
    "signal_by_stage",
    "time_spent",
    "training_film",
    "ways_of_gradients",
]
