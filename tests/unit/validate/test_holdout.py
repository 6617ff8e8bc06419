"""Naive baselines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.validate.holdout import baselines, covered


def test_a_power_law_is_a_straight_line():
    C = np.geomspace(1e18, 1e21, 7)
    loss = 50 * C**-0.05
    found = baselines({"N": C**0.5}, C, loss, at={"N": 1e11}, at_size=1e22)
    assert found["straight line"] == pytest.approx(50 * 1e22**-0.05, rel=1e-9)
    assert found["last value"] == loss[-1]


def test_the_line_goes_through_the_lowest_loss_of_each_budget():
    C = np.array([1e18, 1e18, 1e20, 1e20])
    loss = np.array([4.0, 3.0, 2.0, 2.5])
    found = baselines({}, C, loss, at={}, at_size=1e22)
    assert found["straight line"] == pytest.approx(2.0 * 2.0 / 3.0)


def test_nearest_run():
    places = {"N": np.array([1e8, 1e9, 1e10])}
    size = np.array([1e19, 1e19, 1e19])
    loss = np.array([3.0, 2.5, 2.8])
    found = baselines(places, size, loss, at={"N": 2e9}, at_size=1e20)
    assert found["nearest run"] == 2.5


def test_one_size_has_no_line():
    found = baselines({}, np.full(3, 1e18), np.array([3.0, 2.9, 3.1]), at={}, at_size=1e19)
    assert "straight line" not in found


@given(scale=st.floats(0.1, 10.0), unit=st.floats(1e-6, 1e6))
def test_units_do_not_matter(scale, unit):
    """Scaling losses scales predictions; scaling sizes and inputs changes nothing."""
    rng = np.random.default_rng(0)
    C, loss = np.geomspace(1e3, 1e6, 6), rng.uniform(2, 3, 6)
    N = rng.uniform(1, 2, 6)
    plain = baselines({"N": N}, C, loss, at={"N": 1.5}, at_size=1e7)
    other = baselines(
        {"N": N * unit}, C * unit, loss * scale, at={"N": 1.5 * unit}, at_size=1e7 * unit
    )
    assert other == pytest.approx({k: v * scale for k, v in plain.items()}, rel=1e-6)


def test_open_ends_cover():
    assert covered((None, 3.0), 2.0)
    assert covered((1.0, None), 2.0)
    assert not covered((2.5, None), 2.0)
