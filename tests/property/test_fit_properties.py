"""Invariances of the fit that hold for every table and law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_runs import EPOCH, isoflop_runs

from isoflop.fit import Fit, fit
from isoflop.laws import get

COMMON = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

constants = st.fixed_dictionaries(
    {
        "E": st.floats(0.2, 2.5),
        "A": st.floats(50, 2000),
        "alpha": st.floats(0.2, 0.6),
        "B": st.floats(50, 5000),
        "beta": st.floats(0.2, 0.6),
    }
)


@COMMON
@given(constants)
def test_noiseless_runs_give_back_any_constants(values):
    table = isoflop_runs(span=30.0, sizes=9, **values)
    found = fit(table, "chinchilla", profile=False)
    for name, value in values.items():
        assert found.estimate[name] == pytest.approx(value, rel=1e-4), name


@COMMON
@given(
    st.floats(1e-9, 1e9),
    st.floats(1e-9, 1e9),
    st.floats(1e-3, 1e3),
    st.integers(0, 5),
)
def test_units_do_not_matter(unit_N, unit_D, unit_loss, seed):
    table = isoflop_runs(noise=0.004, sizes=9, seed=seed)
    plain = fit(table, "chinchilla", profile=False)
    scaled = {
        "N": table["N"] * unit_N,
        "D": table["D"] * unit_D,
        "loss": table["loss"] * unit_loss,
    }
    other = fit(scaled, "chinchilla", profile=False)
    assert other.objective == pytest.approx(plain.objective, rel=1e-8)
    expected = {
        "E": plain.estimate["E"] * unit_loss,
        "A": plain.estimate["A"] * unit_loss * unit_N ** plain.estimate["alpha"],
        "alpha": plain.estimate["alpha"],
        "B": plain.estimate["B"] * unit_loss * unit_D ** plain.estimate["beta"],
        "beta": plain.estimate["beta"],
    }
    for name, value in expected.items():
        assert other.estimate[name] == pytest.approx(value, rel=2e-4), name


@COMMON
@given(st.permutations(range(21)), st.integers(0, 5))
def test_order_does_not_matter(order, seed):
    table = isoflop_runs(noise=0.004, seed=seed)
    plain = fit(table, "chinchilla", profile=False)
    other = fit({k: x[list(order)] for k, x in table.items()}, "chinchilla", profile=False)
    assert other.objective == pytest.approx(plain.objective, rel=1e-9)
    for name, value in plain.estimate.items():
        assert other.estimate[name] == pytest.approx(value, rel=1e-5), name


@COMMON
@given(st.lists(st.integers(0, 3), min_size=27, max_size=27), st.integers(0, 5))
def test_duplication_is_weight(counts, seed):
    counts = np.array(counts)
    if np.count_nonzero(counts) < 15:
        counts = counts + 1
    table = isoflop_runs(noise=0.004, sizes=9, seed=seed)
    weighted = fit(
        {**table, "weight": counts.astype(float)}, "chinchilla", weight="weight", profile=False
    )
    repeated = {k: np.repeat(x, counts) for k, x in table.items()}
    plain = fit(repeated, "chinchilla", profile=False)
    assert weighted.objective == pytest.approx(plain.objective, rel=1e-8)


@COMMON
@given(st.floats(0.1, 0.98), st.floats(0.1, 0.98), st.integers(0, 100))
def test_intervals_are_nested(first, second, seed):
    low, high = sorted((first, second))
    table = isoflop_runs(noise=0.004)
    found = fit(table, "chinchilla", bootstrap=60, seed=seed, profile=False)
    for name in ("a", "b", "gamma"):
        inner, outer = found.derived(name, low).interval, found.derived(name, high).interval
        assert outer[0] <= inner[0] <= inner[1] <= outer[1]


@COMMON
@given(
    st.sampled_from(["huber:1e-3", "squared", "student:3", "raw-huber:0.05"]),
    st.integers(0, 20),
    st.integers(0, 100),
)
def test_documents_go_round(noise, bootstrap, seed):
    table = isoflop_runs(noise=0.01, seed=seed)
    found = fit(table, "chinchilla", noise=noise, bootstrap=bootstrap, seed=seed, profile=False)
    again = Fit.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    assert again.estimate == found.estimate
    np.testing.assert_array_equal(again.predict(N=1e9, D=2e10), found.predict(N=1e9, D=2e10))


@COMMON
@given(st.integers(5, 12), st.floats(1.05, 6.0), st.floats(0.0, 0.05), st.integers(0, 1000))
def test_any_small_table_is_answered(sizes, span, noise, seed):
    """Ten to twenty-four runs of two budgets: an answer or `not identified`, never a crash."""
    table = isoflop_runs(budgets=(1e17, 2e17), sizes=sizes, span=span, noise=noise, seed=seed)
    found = fit(table, "chinchilla", bootstrap=10, seed=seed)
    assert np.isfinite(found.objective)
    assert np.all(np.isfinite(list(found.estimate.values())))
    again = get("chinchilla")(table["N"], table["D"], **found.estimate)
    assert np.all(again > 0)
    for name, (low, high) in (found.profiles or {}).items():
        assert found.identified[name] == (low is not None and high is not None)
        for end, sign in ((low, -1), (high, 1)):
            if end is not None:
                assert sign * (end - found.estimate[name]) >= -1e-9 * abs(found.estimate[name])


@COMMON
@given(st.floats(0.1, 3.0), st.integers(0, 10))
def test_weights_scale_the_objective_only(factor, seed):
    table = {**isoflop_runs(noise=0.004, seed=seed), "weight": np.full(21, factor)}
    plain = fit(table, "chinchilla", profile=False)
    other = fit(table, "chinchilla", weight="weight", profile=False)
    assert other.objective == pytest.approx(factor * plain.objective, rel=1e-9)
    for name in EPOCH:
        assert other.estimate[name] == pytest.approx(plain.estimate[name], rel=1e-5)
