"""Loss falls with parameters, data and compute, at any constants within the declared starts."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.linear import generic_parameters

#: Laws whose loss falls in these inputs whatever the constants.
FALLING = {
    "chinchilla": "ND",
    "gadre": "C",
    "hestness": "m",
    "henighan_parameters": "N",
    "henighan_compute": "C",
    "kaplan": "ND",
    "kaplan_parameters": "N",
    "kaplan_data": "D",
    "kaplan_compute": "C",
    "krajewski": "ND",
    "task_loss": "ND",
}


@pytest.mark.parametrize(("name", "input_name"), [(k, x) for k, xs in FALLING.items() for x in xs])
def test_loss_falls(name, input_name):
    law = laws.get(name)
    middles = {x.name: np.sqrt(np.prod(x.dimension.typical)) for x in law.inputs}
    (changed,) = [x for x in law.inputs if x.name == input_name]
    line = np.geomspace(*changed.dimension.typical, 50)
    arrays = {k: np.full(50, v) for k, v in middles.items()} | {input_name: line}
    values = law(**arrays, **generic_parameters(law, arrays, count=20))
    assert values.shape == (20, 50)
    steps = np.diff(values, axis=1)
    assert np.all(steps <= 1e-12 * np.abs(values[:, 1:]))
    # Some of the drawn constants put all of the loss into another term, to the last digit.
    assert np.mean(values[:, 0] > values[:, -1]) >= 0.5
