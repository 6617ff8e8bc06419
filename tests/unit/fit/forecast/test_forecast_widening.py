"""Samples of curves of few rows: heavier tails about the same median."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.priors import PRIORS
from isoflop.fit.forecast.rows import read_rows
from isoflop.fit.forecast.widening import hardly_fallen, widened

SAMPLES = 40_000


def rows_of(count: int, fall: float = 1.0):
    x = np.geomspace(1.0, 1e3, count)
    return read_rows(x, np.exp(-fall * np.linspace(0, 1, count)))


def drawn(count: int, fall: float = 1.0, priors=PRIORS):
    deviates = np.random.default_rng(0).normal([0.0, 3.0], 1.0, (SAMPLES, 2))
    return deviates, widened(deviates, np.ones(SAMPLES), rows_of(count, fall), priors, 0)


@pytest.mark.parametrize(("count", "degrees"), [(4, 2), (5, 2), (6, 3), (10, 7), (33, 30)])
def test_normal_samples_become_student_t_with_three_degrees_fewer_than_rows(count, degrees):
    _, (found, noise) = drawn(count)
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    wanted = stats.t.ppf(levels, degrees)
    # Standard errors of these quantiles with 40,000 samples lie below 0.03.
    np.testing.assert_allclose(np.quantile(found[:, 0], levels), wanted, atol=0.1)
    # Noise has the same factor, whose square is degrees over a chi-square variate.
    shares = np.quantile(degrees / noise**2, levels)
    np.testing.assert_allclose(shares, stats.chi2.ppf(levels, degrees), rtol=0.1)


def test_the_median_stays_and_every_sample_stays_on_its_side_of_it():
    before, (after, _) = drawn(5)
    middle = np.median(before, axis=0)
    np.testing.assert_allclose(np.median(after, axis=0), middle, atol=1e-3)
    np.testing.assert_array_equal(after > middle, before > middle)


def test_many_rows_are_left_nearly_alone():
    before, (after, _) = drawn(128)
    ratio = np.quantile(after, 0.95) / np.quantile(before, 0.95)
    assert ratio == pytest.approx(1, abs=0.02)


def test_a_curve_that_has_hardly_fallen_is_widened_less_the_more_rows_it_has():
    enough, power = PRIORS.hardly
    assert hardly_fallen(enough, 3, PRIORS) == 1
    assert hardly_fallen(5.0, 3, PRIORS) == 1
    assert hardly_fallen(enough / 8, 3, PRIORS) == pytest.approx(8 ** (power / 3), rel=1e-12)
    factors = [hardly_fallen(0.01, degrees, PRIORS) for degrees in (2, 3, 10, 100)]
    assert np.all(np.diff(factors) < 0)
    assert factors[-1] < 1.03


def test_intervals_of_few_noisy_rows_cover():
    """Nominal 90 % over 24 power laws with floors, six rows, noise that six rows cannot tell."""

    def share(priors):
        inside = []
        for seed in range(24):
            rng = np.random.default_rng(seed)
            c, floor, deviation = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8), 0.03
            x = np.geomspace(1 / 32, 2, 7)
            y = (floor + (1 - floor) * x**-c) * np.exp(rng.normal(0, deviation, 7))
            low, high = forecast(x[:6], y[:6], x[6:], samples=200, priors=priors).interval(0.9)
            inside.append((low <= y[6:]) & (y[6:] <= high))
        return float(np.mean(inside))

    shipped = share(PRIORS)
    # Standard error of a share of 24: 6 points.
    assert 0.8 <= shipped <= 1.0
    assert shipped > share(replace(PRIORS, fitted=-(10**6), hardly=(0.15, 0.0)))
