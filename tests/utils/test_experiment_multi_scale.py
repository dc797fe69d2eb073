"""Several sizes of filters against one: networks of one price, with the kernels they name."""

import pytest
from torch import nn

from utils.accounting import account
from utils.data import results
from utils.experiments.multi_scale_filters import (
    INCEPTION,
    MODULES,
    ONLY_3,
    ONLY_5,
    TWICE,
    network,
)

SHAPES = {"fashion": (1, 28, 28), "patches": (3, 64, 64)}
KERNELS = {INCEPTION: {1, 3, 5}, TWICE: {1, 3}, ONLY_3: {1, 3}, ONLY_5: {1, 5}}


@pytest.mark.parametrize("data", SHAPES)
@pytest.mark.parametrize("modules", MODULES)
def test_networks_have_one_price_and_the_kernels_they_name(modules, data):
    rows = results(f"scales_{data}")
    price = rows.loc[rows["setting"] == INCEPTION, ["parameters", "macs"]].iloc[0]
    shape = SHAPES[data]
    model = network(modules, data, num_classes=10 if shape[0] == 1 else 11, in_channels=shape[0])
    counted = account(model, shape)
    assert counted.parameters == pytest.approx(price["parameters"], rel=0.01)
    assert counted.macs == pytest.approx(price["macs"], rel=0.02)
    stored = rows[rows["setting"] == modules]
    assert set(stored["parameters"]) == {counted.parameters}
    assert set(stored["macs"]) == {counted.macs}
    inside = [m for m in model.inception3b.modules() if isinstance(m, nn.Conv2d)]
    assert {m.kernel_size[0] for m in inside} == KERNELS[modules]
