"""Akima's interpolation against scipy's, and its exact minimum against a fine grid."""

import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator

from isoflop.errors import InputError
from isoflop.fit.akima import evaluate, lowest


@pytest.mark.parametrize("points", [3, 4, 5, 9])
def test_values_are_those_of_scipy(points):
    rng = np.random.default_rng(points)
    x = np.sort(rng.uniform(-3, 3, points))
    y = rng.normal(size=(20, points))
    at = np.linspace(x[0], x[-1], 301)
    expected = np.stack([Akima1DInterpolator(x, row)(at) for row in y])
    np.testing.assert_allclose(evaluate(x, y, at), expected, atol=1e-12)


def test_equal_slopes_have_scipys_fill_value():
    x = np.arange(7.0)
    y = np.abs(x - 3.0)[None]
    at = np.linspace(0, 6, 97)
    np.testing.assert_allclose(evaluate(x, y, at)[0], Akima1DInterpolator(x, y[0])(at), atol=1e-14)


def test_a_straight_line_is_kept():
    x = np.array([0.0, 0.5, 2.0, 3.0, 7.0])
    at = np.linspace(0, 7, 50)
    np.testing.assert_allclose(evaluate(x, 2 * x[None] - 1, at)[0], 2 * at - 1, atol=1e-14)


def test_the_minimum_is_exact():
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-3, 3, 8))
    y = 0.3 * x**2 + rng.normal(0, 0.1, (50, 8))
    where, value = lowest(x, y)
    fine = np.linspace(x[0], x[-1], 200_001)
    for k in range(50):
        curve = Akima1DInterpolator(x, y[k])(fine)
        at = int(np.argmin(curve))
        if at in (0, len(fine) - 1):
            assert np.isnan(where[k])
        else:
            # On the curve, and nowhere on a fine grid is the curve lower.
            own = Akima1DInterpolator(x, y[k])(where[k])
            assert value[k] == pytest.approx(own, abs=1e-12)
            assert value[k] <= curve[at] + 1e-12
            assert where[k] == pytest.approx(fine[at], abs=1e-3)


@pytest.mark.parametrize("slope", [1.0, -1.0])
def test_a_minimum_at_an_end_is_none(slope):
    x = np.linspace(0, 4, 5)
    where, value = lowest(x, slope * x[None])
    assert np.isnan(where).all()
    assert np.isnan(value).all()


@pytest.mark.parametrize("x", [[0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 2.0, 1.0]])
def test_places_that_do_not_ascend_are_refused(x):
    with pytest.raises(InputError):
        lowest(np.array(x), np.zeros((1, len(x))))
