"""`forecast`: what it recovers, what it ignores, and what it does not change with."""

import numpy as np
import pytest

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.forecast import forecast
from isoflop.laws import get

X = np.geomspace(1e6, 1e9, 40)
FAR = np.geomspace(1.1e9, 2e9, 8)


def power(x):
    return get("m2")(x, eps_inf=0.2, beta=200.0, c=-0.4)


def noisy(seed: int, deviation: float = 0.01):
    return power(X) * np.exp(np.random.default_rng(seed).normal(0, deviation, len(X)))


@pytest.mark.parametrize(
    ("law", "constants"),
    [
        ("m1", {"beta": 20.0, "c": -0.2}),
        ("m2", {"eps_inf": 0.2, "beta": 200.0, "c": -0.4}),
        ("m3", {"beta": 5.0, "gamma": 1e-9, "c": 0.2}),
        ("m4", {"eps_inf": 0.1, "eps_0": 1.0, "beta": 2e3, "c": -0.5, "alpha": 1.0}),
    ],
)
def test_registered_laws_without_noise_are_continued(law, constants):
    found = forecast(X, get(law)(X, **constants), FAR)
    # Twice as far: two per cent, of a curve that falls by 4 to 13 per cent there.
    np.testing.assert_allclose(found.median(), get(law)(FAR, **constants), rtol=0.02)


def test_a_flat_curve_stays_flat_and_weights_follow_the_evidence():
    flat = forecast(X, np.exp(np.random.default_rng(1).normal(0, 0.01, 40)), FAR)
    np.testing.assert_allclose(flat.median(), 1.0, rtol=0.01)
    falls = forecast(X, noisy(1), FAR)
    assert falls.weights["flat"] < 0.2 * flat.weights["flat"]
    assert sum(falls.weights.values()) == pytest.approx(1, abs=1e-9)


def test_scale_of_y_and_unit_of_x_do_not_matter():
    y = noisy(2)
    plain = forecast(X, y, FAR)
    scaled = forecast(X * 1e-6, y * 37.0, FAR * 1e-6)
    np.testing.assert_allclose(scaled.samples, plain.samples * 37.0, rtol=1e-6)


def test_order_of_rows_does_not_matter():
    y = noisy(3)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = forecast(X[order], y[order], FAR)
    np.testing.assert_array_equal(shuffled.samples, forecast(X, y, FAR).samples)


def test_what_is_predicted_at_a_place_does_not_hang_on_the_other_places():
    y = noisy(4)
    both, alone = forecast(X, y, [1.5e9, 2e9]), forecast(X, y, [2e9])
    # Breaks may lie as far as the farthest place, so both ask up to 2e9; samples differ.
    assert both.median()[1] == pytest.approx(alone.median()[0], rel=0.004)


def test_equal_seeds_give_equal_samples_and_others_do_not():
    y = noisy(5)
    one = forecast(X, y, FAR, seed=1)
    np.testing.assert_array_equal(one.samples, forecast(X, y, FAR, seed=1).samples)
    assert not np.array_equal(one.samples, forecast(X, y, FAR, seed=2).samples)
    np.testing.assert_allclose(one.median(), forecast(X, y, FAR, seed=2).median(), rtol=0.004)


def test_uncertainty_grows_with_distance_and_with_noise():
    def width(found):
        low, high = np.quantile(found.curves, [0.05, 0.95], axis=0)
        return high / low

    near = width(forecast(X, noisy(6), np.array([1.1e9, 2e9, 1e10, 1e11])))
    assert np.all(np.diff(near) > 0)
    assert width(forecast(X, noisy(6, 0.03), FAR))[-1] > width(forecast(X, noisy(6), FAR))[-1]


def test_noise_of_an_evaluation_is_found():
    levels = [np.median(forecast(X, noisy(s, 0.02), FAR, samples=200).noise) for s in range(8)]
    assert np.mean(levels) == pytest.approx(0.02, rel=0.15)


def test_rows_that_average_more_evaluations_at_the_end_tell_the_noise_of_one():
    """Evaluations every 1e6, averaged in bins of 5 per cent once these are wider."""
    step, found = 1e6, []
    for seed in range(6):
        grid = step * np.arange(1, 1200)
        z = power(grid) * np.exp(np.random.default_rng(seed).normal(0, 0.03, len(grid)))
        edges = [float(step * k) for k in range(1, 20)]
        while edges[-1] < grid[-1]:
            edges.append(edges[-1] * 1.06)
        place = np.searchsorted(edges, grid, side="right")
        x = np.array([grid[place == p].mean() for p in np.unique(place)])
        y = np.array([z[place == p].mean() for p in np.unique(place)])
        found.append(np.median(forecast(x, y, [2e9], samples=200).noise))
    assert np.mean(found) == pytest.approx(0.03, rel=0.3)


def test_a_running_minimum_is_not_taken_at_its_word():
    """Read as bounds, tied rows lead closer to what all evaluations would have given."""
    naive, read = [], []
    for seed in range(12):
        y = noisy(seed, 0.02)
        lowest = np.minimum.accumulate(y)
        whole = forecast(X, y, FAR, samples=300).median()
        found = forecast(X, lowest, FAR, samples=300)
        assert any("running minimum" in note for note in found.notes)
        read.append(np.log(found.median() / whole).mean())
        untied = lowest * (1 - 1e-9 * np.arange(len(X)))
        naive.append(np.log(forecast(X, untied, FAR, samples=300).median() / whole).mean())
    assert np.mean(naive) < -0.003
    assert abs(np.mean(read)) < 0.005
    assert np.sqrt(np.mean(np.square(read))) < 0.9 * np.sqrt(np.mean(np.square(naive)))


def test_intervals_of_synthetic_curves_cover():
    """Nominal 90 % over 24 curves of M2 with floors and exponents from everywhere."""
    inside = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        c, floor = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)
        curve = get("m2")(X / 1e9, eps_inf=floor, beta=1 - floor, c=-c)
        far = get("m2")(FAR / 1e9, eps_inf=floor, beta=1 - floor, c=-c)
        y = curve * np.exp(rng.normal(0, 0.01, len(X)))
        seen = far * np.exp(rng.normal(0, 0.01, len(FAR)))
        low, high = forecast(X, y, FAR, samples=300).interval(0.9)
        inside.append(np.mean((low <= seen) & (seen <= high)))
    # 24 curves whose points hang together: a standard error of about 4 points.
    assert 0.82 <= np.mean(inside) <= 0.99


def test_equal_x_are_averaged_and_it_is_said():
    y = noisy(7)
    found = forecast(np.append(X, X[-3:]), np.append(y, y[-3:]), FAR)
    assert any("averaged" in note for note in found.notes)
    np.testing.assert_allclose(found.median(), forecast(X, y, FAR).median(), rtol=1e-9)


def test_many_rows_are_averaged_in_bins():
    x = np.geomspace(1e6, 1e9, 3000)
    y = power(x) * np.exp(np.random.default_rng(0).normal(0, 0.02, len(x)))
    found = forecast(x, y, FAR)
    assert found.rows <= 128
    np.testing.assert_allclose(found.median(), power(FAR), rtol=0.02)
    assert np.median(found.noise) == pytest.approx(0.02, rel=0.25)


def test_log_density_is_a_density():
    found = forecast(X, noisy(8), [1.5e9])
    grid = np.linspace(0.15, 0.4, 2001)
    density = np.exp([found.log_density(np.array([v]))[0] for v in grid])
    assert np.sum(density) * (grid[1] - grid[0]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("x", "y", "at", "words"),
    [
        ([1, 2, 3], [3, 2, 1], [4], "3 training rows"),
        ([1, 2, 3, 4], [3, 2, 1], [5], "do not go with"),
        ([1, 2, 3, -4], [4, 3, 2, 1], [5], "not positive numbers, the first -4"),
        ([1, 2, 3, 4], [4, 3, 2, 0], [5], "not positive numbers, the first 0"),
        ([1, 2, 3, 4], [4, 3, np.nan, 1], [5], "not positive numbers, the first nan"),
        ([1, 2, 3, 4], [4, 3, 2, 1], [], "no x to predict"),
        ([1, 2, 3, 4], [4, 3, 2, 1], [0], "x to predict"),
    ],
)
def test_what_cannot_be_forecast_is_refused(x, y, at, words):
    with pytest.raises((InputError, NotIdentified), match=words):
        forecast(x, y, at)


def test_a_rising_curve_and_a_far_place_are_said():
    found = forecast([1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5], [1e3])
    assert any("forecast 1 - y of a score" in note for note in found.notes)
    assert any("200 times the last training x" in note for note in found.notes)


def test_four_rows_are_enough():
    found = forecast([1, 2, 4, 8], [0.9, 0.7, 0.6, 0.55], [16])
    low, high = found.interval(0.9)
    assert low[0] < found.median()[0] < high[0]


def test_a_collapse_does_not_turn_around():
    """The misfit returns to the laws, which never fell so fast; the curve may not rise with it."""
    x = np.geomspace(100, 740, 14)
    y = 2.1 / (1 + (x / 620) ** 9)
    found = forecast(x, y, [760, 850, 930])
    assert found.median()[-1] < y[-1]
