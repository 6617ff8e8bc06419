"""Brent's method finds the minima of a batch of functions, smooth or kinked."""

import numpy as np
import pytest

from isoflop.laws.minimum import CLOSE, brent


@pytest.mark.parametrize("shape", [(), (1,), (200, 1)])
def test_minima_of_parabolas_and_kinks(shape):
    place = np.random.default_rng(0).uniform(-0.9, 0.9, shape)
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    # A parabola is flat to its last digit within the square root of the precision.
    found = brent(lambda x: 3.0 + (x - place) ** 2, low, high)
    assert np.max(np.abs(found - place)) < 1e-7
    found = brent(lambda x: np.abs(x - place), low, high)
    assert np.max(np.abs(found - place)) < CLOSE


@pytest.mark.parametrize(
    ("function", "most"),
    [
        (lambda x: (x - 0.3) ** 2, 8),
        (lambda x: np.cosh(3 * x - 1) + 0.1 * x**3, 14),
        (lambda x: np.abs(x - 0.3), 60),
        (lambda x: np.where(x < 0.3, np.inf, x), 60),
    ],
)
def test_few_values_are_looked_at(function, most):
    """A parabola at once, a smooth function soon, a kink or a wall as by golden sections."""
    calls = []

    def counted(x):
        calls.append(1)
        return function(x)

    found = brent(counted, np.array([-1.0]), np.array([1.0]))
    grid = found + np.linspace(-1e-3, 1e-3, 2001)
    assert function(found)[0] <= function(grid).min() + 1e-8
    assert len(calls) <= most


def test_agrees_with_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(1)
    a, b, c = rng.uniform(0.2, 3.0, (3, 50))
    found = brent(lambda x: a * np.exp(-b * x) + c * np.exp(0.5 * x), a * 0 - 9, a * 0 + 9)
    for k in range(50):
        one = optimize.minimize_scalar(
            lambda x, k=k: a[k] * np.exp(-b[k] * x) + c[k] * np.exp(0.5 * x),
            bounds=(-9, 9), method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        assert found[k] == pytest.approx(one.x, abs=1e-6)


def test_a_minimum_at_an_end_is_approached():
    found = brent(lambda x: x, np.array([2.0]), np.array([5.0]))
    assert found[0] == pytest.approx(2.0, abs=CLOSE)
