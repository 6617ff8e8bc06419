"""Golden sections find the minima of a batch of functions, smooth or kinked."""

import numpy as np
import pytest

from isoflop.laws.minimum import CLOSE, golden_sections


@pytest.mark.parametrize("shape", [(), (1,), (200, 1)])
def test_minima_of_parabolas_and_kinks(shape):
    place = np.random.default_rng(0).uniform(-0.9, 0.9, shape)
    low, high = np.full(shape, -1.0), np.full(shape, 1.0)
    # A parabola is flat to its last digit within the square root of the precision.
    found = golden_sections(lambda x: 3.0 + (x - place) ** 2, low, high)
    assert np.max(np.abs(found - place)) < 1e-7
    found = golden_sections(lambda x: np.abs(x - place), low, high)
    assert np.max(np.abs(found - place)) < CLOSE


def test_a_function_is_called_once_a_step():
    calls = []

    def function(x):
        calls.append(1)
        return (x - 0.3) ** 2

    golden_sections(function, np.array([0.0]), np.array([1.0]))
    assert len(calls) == 2 + int(np.ceil(np.log(CLOSE) / np.log((5**0.5 - 1) / 2)))


def test_a_minimum_at_an_end_is_approached():
    found = golden_sections(lambda x: x, np.array([2.0]), np.array([5.0]))
    assert found[0] == pytest.approx(2.0, abs=CLOSE)
