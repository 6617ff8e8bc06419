"""Card I4: c-optimal designs of a straight line in log-log, extrapolated past its data."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.design.information import c_optimal, gains, information, variance

LOW, HIGH = 18.0, 21.0


def line(x):
    """Derivatives of a + b x by a and b."""
    return np.stack([np.ones_like(x), x], axis=-1)


def spread(points, at):
    """Variance at `at` of a line through points of noise 1."""
    return variance(line(np.array(at)), information(line(np.asarray(points, dtype=float)), 1.0))


@pytest.mark.parametrize(
    ("at", "equal", "ends", "best", "upper"),
    [
        (22, 1.5, 0.9444, 0.6944, 0.8),
        (24, 4.3, 2.5, 2.25, 0.6667),
        (26, 8.7, 4.9444, 4.6944, 0.6154),
    ],
)
def test_four_runs_of_a_line(at, equal, ends, best, upper):
    assert spread([18, 19, 20, 21], at) == pytest.approx(equal, abs=5e-5)
    assert spread([18, 18, 21, 21], at) == pytest.approx(ends, abs=5e-5)
    grid = np.linspace(LOW, HIGH, 13)
    shares, left = c_optimal(line(grid), line(np.array(float(at))), budget=4)
    assert left == pytest.approx(best, abs=5e-5)
    assert shares[-1] == pytest.approx(upper, abs=1e-3)
    assert shares[0] == pytest.approx(1 - upper, abs=1e-3)
    elfving = ((at - LOW) + (at - HIGH)) ** 2 / (HIGH - LOW) ** 2 / 4
    assert left == pytest.approx(elfving, rel=2e-6)


def test_a_cost_moves_runs_to_the_cheap_end():
    """By Elfving the share of the budget is the share of runs times the root of the cost."""
    grid, target = np.array([LOW, HIGH]), line(np.array(22.0))
    plain, _ = c_optimal(line(grid), target)
    costly, _ = c_optimal(line(grid), target, costs=np.array([1.0, 9.0]))
    assert plain[1] / plain[0] == pytest.approx(4.0, rel=1e-3)
    assert costly[1] / costly[0] == pytest.approx(4.0 * 3.0, rel=1e-3)
    runs = costly / np.array([1.0, 9.0])
    assert runs[1] / runs[0] < plain[1] / plain[0]


def test_a_number_that_the_runs_do_not_determine_has_infinite_variance():
    assert spread([19, 19, 19], 22) == np.inf
    assert c_optimal(line(np.array([19.0])), line(np.array(22.0)))[1] == np.inf


def test_gain_of_a_run_is_the_fall_of_the_variance():
    rng = np.random.default_rng(3)
    before, runs, target = rng.normal(size=(6, 4)), rng.normal(size=(5, 4)), rng.normal(size=4)
    known = information(before, 0.3)
    found = gains(runs, target, np.linalg.inv(known), 0.3)
    for k in range(len(runs)):
        after = information(runs[k : k + 1], 0.3, prior=known)
        assert found[k] == pytest.approx(variance(target, known) - variance(target, after))


def test_no_whole_design_beats_the_bound():
    rng = np.random.default_rng(4)
    runs, target = rng.normal(size=(12, 3)), rng.normal(size=3)
    costs = rng.uniform(1, 5, size=12)
    prior = np.eye(3)
    _, bound = c_optimal(runs, target, costs=costs, budget=10, noise=0.5, prior=prior)
    for _ in range(500):
        chosen = rng.integers(12, size=4)
        if costs[chosen].sum() <= 10:
            assert variance(target, information(runs[chosen], 0.5, prior=prior)) >= bound


def test_a_wider_gap_gives_a_lower_bound_within_it():
    rng = np.random.default_rng(4)
    runs, target = rng.normal(size=(12, 3)), rng.normal(size=3)
    bounds = [c_optimal(runs, target, prior=np.eye(3), gap=gap)[1] for gap in (1e-2, 1e-6)]
    assert 0.99 * bounds[1] * (1 - 1e-6) <= bounds[0] < bounds[1]
