"""All experiments whose results ship with the package, by name, in the order in which they run."""

from .auxiliary_classifiers import AUX_RATES, AUX_START, AUX_TRAINING
from .classify_images import CALIBRATION, FED
from .compare_networks import COMPARE_TIMES, DISTURBED, NAMED
from .concatenation import MERGING, MERGING_RATES
from .disguises import DISGUISES
from .fine_tuning import TUNING, TUNING_RATES, TUNING_SLIPS
from .global_pooling import HEADS_FULL, HEADS_PROBED, HEADS_RATES
from .googlenet import STAGE_TIMES
from .harness import Experiment
from .heads_on_few_images import AUX_FEW, AUX_FEW_RATES
from .looking_inside import ANSWERS, OFF
from .multi_scale_filters import FASHION, PATCHES
from .multi_scale_filters import RATES as SCALES_RATES
from .one_by_one_reduction import BOTTLENECKS
from .record import MINUTES, STEPS
from .sizes_and_branches import FASHION as FACTORS_FASHION
from .sizes_and_branches import PATCHES as FACTORS_PATCHES
from .sizes_and_branches import RATES as FACTORS_RATES
from .step_times import STEP_TIMES
from .training import LOOKS, POOLS, RATES, RECIPE

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        *(RATES, RECIPE, POOLS, LOOKS),
        *(SCALES_RATES, FASHION, PATCHES),
        *(FACTORS_RATES, FACTORS_FASHION, FACTORS_PATCHES, BOTTLENECKS),
        *(MERGING_RATES, MERGING),
        *(HEADS_RATES, HEADS_PROBED, HEADS_FULL),
        *(STAGE_TIMES, STEP_TIMES, STEPS, MINUTES),
        *(AUX_START, AUX_RATES, AUX_TRAINING),
        *(AUX_FEW_RATES, AUX_FEW),
        *(FED, CALIBRATION, DISGUISES),
        *(OFF, ANSWERS),
        *(COMPARE_TIMES, NAMED, DISTURBED),
        *(TUNING_RATES, TUNING, TUNING_SLIPS),
    )
}
