"""The compiled kernel gives numpy's numbers."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError, MissingExtra
from isoflop.fit import fit
from isoflop.fit.noise import initial_tuning, parse_noise
from isoflop.fit.problem import Problem, differentiate
from isoflop.laws import get

pytestmark = pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")


@pytest.mark.parametrize("noise", ["huber:1e-3", "absolute", "squared", "student:4", "raw-squared"])
@pytest.mark.parametrize("known", [False, True])
def test_objective_and_derivatives_are_numpys(noise, known):
    table, rng = isoflop_runs(noise=0.01, sizes=9), np.random.default_rng(0)
    law, parsed = get("chinchilla"), parse_noise(noise)
    target = np.log(table["loss"]) if parsed.logs else table["loss"]
    problem = Problem(
        law,
        {"N": table["N"], "D": table["D"]},
        target,
        parsed,
        np.ones(27),
        rng.uniform(1.0, 300.0, 27) if known else None,
    )
    values = np.array(list(law.constants("epoch").values()))
    u = problem.free(values * rng.uniform(0.9, 1.1, (600, 5)))
    weights = rng.uniform(0.0, 3.0, (600, 27))
    targets = target + 0.01 * rng.standard_normal((600, 27))
    tuning = initial_tuning(parsed, problem.residuals(u, targets))
    expected = differentiate(problem, u, weights, targets, tuning)
    found = differentiate(replace(problem, kernel="numba"), u, weights, targets, tuning)
    for name in ("objective", "gradient", "hessian", "majoriser"):
        theirs, ours = getattr(expected, name), getattr(found, name)
        scale = np.abs(theirs).max(axis=tuple(range(1, theirs.ndim)), keepdims=True)
        assert np.all(np.abs(ours - theirs) <= 1e-10 * scale), name


def test_a_fit_and_its_samples_are_numpys():
    table = isoflop_runs(noise=0.004, sizes=9)
    plain = fit(table, "chinchilla", bootstrap=200)
    compiled = fit(table, "chinchilla", bootstrap=200, kernel="numba")
    assert compiled.objective == pytest.approx(plain.objective, rel=1e-12)
    assert compiled.settings.kernel == "numba"
    # Both end where a step would gain 1e-13 of the objective: 3e-7 in a parameter.
    np.testing.assert_allclose(compiled.samples, plain.samples, rtol=1e-5)
    again = fit(table, "chinchilla", bootstrap=200, kernel="numba")
    np.testing.assert_array_equal(again.samples, compiled.samples)


def test_an_unknown_kernel_is_refused_and_a_missing_one_named(monkeypatch):
    with pytest.raises(InputError, match="known: numpy, numba"):
        fit(isoflop_runs(), "chinchilla", kernel="fortran")
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "isoflop.fit.compiled", raising=False)
    with pytest.raises(MissingExtra, match="isoflop\\[fast\\]"):
        fit(isoflop_runs(), "chinchilla", kernel="numba")
