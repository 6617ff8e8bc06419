"""Whether runs scatter alike, and how samples are then drawn."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.fit import Fit, fit
from isoflop.fit.records import Settings
from isoflop.fit.runs import build_problem
from isoflop.fit.scatter import ALIKE, equal_scatter
from isoflop.laws import get

LAW = get("chinchilla")
BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)


def runs(seed, slope=0.0):
    """45 runs whose scatter falls as N**-slope about 0.3 %."""
    table = isoflop_runs(budgets=BUDGETS, sizes=9)
    z = np.log(table["N"]) - np.mean(np.log(table["N"]))
    drawn = np.random.default_rng(seed).standard_normal(45)
    return {**table, "loss": table["loss"] * np.exp(0.003 * np.exp(-slope * z) * drawn)}


def p_values(slope, count):
    found = []
    for seed in range(count):
        problem = build_problem(runs(seed, slope), LAW, Settings())
        estimate = fit(runs(seed, slope), LAW, profile=False).estimate
        u = problem.free(np.array([[estimate[name] for name in problem.names]]))
        found.append(equal_scatter(problem, problem.residuals(u)[0]))
    return np.array(found)


def test_the_test_has_its_size_and_some_power():
    """At most a tenth of equal studies is refused (binomial, 60 studies: 11 at 2.2 sigma)."""
    assert np.count_nonzero(p_values(0.0, 60) < ALIKE) <= 11
    # Measured over 200 studies: 98 % are found where noise spans a factor of a hundred.
    assert np.count_nonzero(p_values(0.6, 20) < ALIKE) >= 17


def test_equal_runs_exchange_residuals_and_unequal_ones_do_not():
    equal = fit(runs(0), LAW, bootstrap=20, profile=False)
    assert equal.draws.method == "residual"
    assert equal.draws.p_value >= ALIKE
    unequal = fit(runs(0, 0.6), LAW, bootstrap=20, profile=False)
    assert unequal.draws.method == "case"
    assert unequal.draws.p_value < ALIKE
    for found in (equal, unequal):
        named = fit(
            runs(0, 0.6 * (found is unequal)),
            LAW,
            bootstrap=20,
            method=found.draws.method,
            profile=False,
        )
        np.testing.assert_array_equal(named.samples, found.samples)
        assert named.draws.reason == "as asked for"
        assert Fit.from_json(found.to_json()).draws == found.draws
        assert found.draws.reason in str(found)


@pytest.mark.parametrize(
    ("changes", "settings", "method", "word"),
    [
        ({"run": np.arange(45) // 3}, {"cluster": "run"}, "case", "cluster"),
        ({"w": 1.0 + np.arange(45) % 2}, {"weight": "w"}, "case", "weight"),
        ({"w": np.full(45, 2.0)}, {"weight": "w"}, "residual", "alike"),
    ],
)
def test_what_decides_before_the_test(changes, settings, method, word):
    found = fit({**runs(0), **changes}, LAW, bootstrap=5, profile=False, **settings)
    assert found.draws.method == method
    assert word in found.draws.reason


def test_a_few_runs_exchange_residuals():
    found = fit(isoflop_runs(noise=0.003, sizes=5), LAW, bootstrap=5, profile=False)
    assert found.draws.method == "residual"
    assert found.draws.p_value is None
    assert "too few" in found.draws.reason
    assert fit(isoflop_runs(), LAW).draws is None


def test_as_many_runs_as_parameters_tell_nothing_of_their_scatter():
    """Every residual may be zero then: there is nothing to test, and nothing breaks."""
    table = {name: values[::9] for name, values in runs(0).items()}
    assert len(table["N"]) == len(LAW.parameters)
    problem = build_problem(table, LAW, Settings())
    assert equal_scatter(problem, np.zeros(5)) is None
    assert fit(table, LAW, bootstrap=5).samples is not None
