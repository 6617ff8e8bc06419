"""Ranking of laws: ties are called ties, and a law that is clearly better wins."""

from itertools import product

import numpy as np
import pytest

from isoflop.validate.ranking import paired, rank


def test_identical_laws_tie():
    errors = np.linspace(-0.02, 0.03, 24)
    places, _ = rank({"a": errors, "b": errors.copy()}, np.repeat(np.arange(8), 3))
    assert [p.rank for p in places] == [1, 1]
    assert places[1].p == 1.0


def test_a_clearly_better_law_wins():
    noise = np.random.default_rng(0).normal(0, 0.002, (2, 24))
    errors = {"worse": 0.03 + noise[0], "better": 0.01 + noise[1]}
    places, unit = rank(errors, np.repeat(np.arange(8), 3))
    assert [(p.law, p.rank) for p in places] == [("better", 1), ("worse", 2)]
    assert places[1].p == pytest.approx(2 / 2**8)
    assert unit == "budget"


def test_order_of_laws_does_not_matter():
    noise = np.random.default_rng(1).normal(0, 0.01, (3, 30))
    errors = {name: noise[k] for k, name in enumerate("abc")}
    clusters = np.repeat(np.arange(10), 3)
    forward, _ = rank(errors, clusters)
    backward, _ = rank(dict(reversed(errors.items())), clusters)
    assert forward == backward


def test_few_budgets_fall_back_to_runs():
    errors = {"a": np.full(12, 0.01), "b": np.full(12, 0.02)}
    _, unit = rank(errors, np.repeat([0, 1], 6))
    assert unit == "run"


def test_budgets_count_once():
    """Forty runs that differ alike in one budget are one observation, not forty."""
    difference = np.array([0.01] * 40 + [0.0] * 5)
    units = np.array([0] * 40 + [1, 2, 3, 4, 5])
    assert paired(difference, units) == 1.0


def test_exact_p_by_counting_signs():
    difference = np.array([3.0, -1.0, 2.0, 2.0])
    totals = [abs(np.dot(s, difference)) for s in product((1, -1), repeat=4)]
    expected = np.mean([t >= abs(difference.sum()) - 1e-9 for t in totals])
    assert paired(difference, np.arange(4)) == pytest.approx(expected)


def test_p_is_uniform_under_exchange():
    rng = np.random.default_rng(3)
    p = np.array([paired(rng.normal(size=20), np.arange(20), seed=i) for i in range(300)])
    # 3 standard errors of a share of 300.
    assert np.mean(p < 0.1) == pytest.approx(0.1, abs=0.055)
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=0.09)


def test_one_law_has_the_first_place():
    places, _ = rank({"only": np.array([0.1, -0.2])}, np.array([0, 1]))
    assert [(p.law, p.rank, p.p) for p in places] == [("only", 1, None)]
    assert places[0].error == pytest.approx(0.15)


def test_runs_predicted_from_several_origins_count_once():
    errors = {"a": np.full(9, 0.01), "b": np.full(9, 0.02)}
    rows = np.array([4, 5, 6, 4, 5, 6, 5, 6, 6])
    places, _ = rank(errors, np.zeros(9), rows)
    assert places[1].p == 2 / 2**3
    assert [p.rank for p in places] == [1, 1]
