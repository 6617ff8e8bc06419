"""Compute-optimal allocation from a fit, and comparison of nested laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError
from isoflop.fit import fit
from isoflop.fit.allocation import allocate, shifted_allocations
from isoflop.fit.nested import chi_squared_tail, compare
from isoflop.laws import get
from isoflop.laws.chinchilla import optimum


@pytest.fixture(scope="module")
def fitted():
    return fit(isoflop_runs(noise=0.003), "chinchilla", bootstrap=60, sensitivity=True)


@pytest.mark.parametrize("C", [1e18, 5.76e23, 3.8e25])
def test_search_agrees_with_the_closed_form(fitted, C):
    found = allocate(fitted, C)
    N, D, loss = optimum(C, **fitted.estimate)
    np.testing.assert_allclose([found.N, found.D], [N, D], rtol=1e-6)
    assert found.loss == pytest.approx(loss, rel=1e-12)
    columns = {name: fitted.samples[:, k] for k, name in enumerate(fitted.parameters)}
    there = fitted.predict(N=found.N, D=found.D)
    expected = np.stack([*optimum(C, **columns)[:2], there], axis=1)
    np.testing.assert_allclose(found.samples, expected, rtol=1e-6)
    estimates = found.estimates()
    assert estimates["N"].interval[0] < found.N < estimates["N"].interval[1]
    assert estimates["tokens_per_parameter"].estimate == pytest.approx(D / N, rel=1e-6)


def test_another_cost_moves_the_optimum(fitted):
    plain = allocate(fitted, 1e20)
    dear = allocate(fitted, 1e20, flops_per_token=lambda N: 6 * N + 1e9, cost="with attention")
    assert dear.cost == "with attention"
    assert dear.D < plain.D
    np.testing.assert_allclose(dear.D * (6 * dear.N + 1e9), 1e20)


def test_sensitivity_reaches_the_allocation(fitted):
    rows = shifted_allocations(fitted, 1e21)
    assert len(rows) == len(fitted.sensitivity)
    for (_, N, D), shift in zip(rows, fitted.sensitivity, strict=True):
        values = {name: shift.estimate[name] for name in fitted.parameters}
        np.testing.assert_allclose([N, D], optimum(1e21, **values)[:2], rtol=1e-6)


def test_laws_without_tokens_are_refused():
    D = np.geomspace(1e7, 1e10, 12)
    found = fit({"D": D, "loss": 2 + 300 / D**0.3}, "E + B/D^beta")
    with pytest.raises(InputError, match="has no input N"):
        allocate(found, 1e20)
    with pytest.raises(InputError, match="no sensitivity table"):
        shifted_allocations(found, 1e20)


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("x", [0.0, 0.3, 2.7, 30.0])
def test_chi_squared_tail(x, dof):
    assert chi_squared_tail(x, dof) == pytest.approx(chi2.sf(x, dof), rel=1e-12)


@pytest.mark.parametrize("noise", ["squared", "huber:1e-3", "absolute", "student:4"])
def test_comparison_sees_a_difference_and_only_that(noise):
    web = isoflop_runs(noise=0.004, sizes=12)
    same, other = (
        isoflop_runs(noise=0.004, sizes=12, seed=1, A=482.01 * factor) for factor in (1.0, 1.1)
    )
    law = get("chinchilla")
    p_values = []
    for code in (same, other):
        table = {k: np.concatenate([web[k], code[k]]) for k in web}
        table["data"] = np.array(["web"] * 36 + ["code"] * 36)
        small, large = (
            fit(table, x, noise=noise, profile=False) for x in (law, law.by("data", "A"))
        )
        found = compare(table, small, large)
        assert found.parameters == 1
        p_values.append(found.p_value)
    assert p_values[0] > 0.01
    assert p_values[1] < 1e-6


def test_comparison_refuses_what_is_not_nested(fitted):
    table = isoflop_runs(noise=0.003)
    other = fit(table, "chinchilla", noise="squared")
    with pytest.raises(InputError, match="cannot be compared"):
        compare(table, fitted, other)
    with pytest.raises(InputError, match="no more parameters"):
        compare(table, other, other)


def test_comparison_has_the_size_it_states():
    """Under the special case the p-value is uniform: about a tenth lie below 0.1."""
    law, low = get("chinchilla"), 0
    for seed in range(60):
        table = isoflop_runs(noise=0.004, sizes=15, seed=seed)
        table["data"] = np.array(["a", "b"])[np.random.default_rng(seed).integers(0, 2, 45)]
        small, large = (
            fit(table, x, noise="squared", profile=False) for x in (law, law.by("data", "A"))
        )
        low += compare(table, small, large).p_value < 0.1
    assert 1 <= low <= 13
