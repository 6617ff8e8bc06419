"""Every registered law is fitted: exact runs give an exact fit, or `not identified`."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.fit import Verdict, fit
from isoflop.laws.linear import generic_inputs, generic_parameters

RUNS = 50
#: Integrals and sums of many terms: seconds a fit.
SLOW = ("coverage_kumaraswamy", "coverage_scaled_beta")
NAMES = [
    pytest.param(name, marks=pytest.mark.exhaustive) if name in SLOW else name
    for name in laws.names()
]


def exact_runs(law):
    inputs = generic_inputs(law, RUNS, seed=1)
    rng = np.random.default_rng(2)
    if law.published:
        first = next(iter(law.published.values()))
        for name, (low, high) in first.range.items():
            inputs[name] = np.exp(rng.uniform(np.log(low), np.log(high), RUNS))
        values = first.constants
    else:
        drawn = generic_parameters(law, inputs, 1, seed=5)
        values = {name: float(x[0, 0]) for name, x in drawn.items()}
    return inputs, np.broadcast_to(law(**inputs, **values), RUNS), values


@pytest.mark.parametrize("name", NAMES)
def test_exact_runs_are_fitted_exactly(name):
    law = laws.get(name)
    if not law.parameters:
        with pytest.raises(InputError, match="no parameters to fit"):
            fit({**generic_inputs(law, 5), "y": np.ones(5)}, law, output="y")
        return
    inputs, output, values = exact_runs(law)
    noise = "squared" if np.all(output > 0) else "raw-squared"
    found = fit({**inputs, "y": output}, law, output="y", noise=noise, profile=False)
    assert np.isfinite(found.objective)
    scale = 1.0 if noise == "squared" else np.mean(output**2)
    error = np.sqrt(2 * found.objective / RUNS / scale)
    if found.verdict in (Verdict.NOT_IDENTIFIED, Verdict.NOT_CONVERGED):
        assert error < 0.02
        return
    assert error < 1e-9
    for parameter, value in values.items():
        if found.identified[parameter]:
            close = pytest.approx(value, rel=1e-5, abs=1e-9)
            assert found.estimate[parameter] == close, parameter


def test_most_laws_are_identified_by_generic_runs():
    """The refusal above is for the few laws with too many parameters for fifty generic runs."""
    names = [name for name in laws.names() if name not in SLOW and laws.get(name).parameters]
    found = 0
    for name in names:
        inputs, output, _ = exact_runs(laws.get(name))
        noise = "squared" if np.all(output > 0) else "raw-squared"
        fitted = fit(
            {**inputs, "y": output}, laws.get(name), output="y", noise=noise, profile=False
        )
        found += fitted.verdict in (Verdict.CONVERGED, Verdict.AT_BOUND)
    assert found >= 0.85 * len(names)
