"""Resamples that start at further optima too: given up early, with the same result."""

import numpy as np
import pytest

from isoflop.fit import newton
from isoflop.fit.fitting import fit
from isoflop.laws import get
from isoflop.runs.table import RunTable
from isoflop.samples import interval


def kaplan_runs():
    """Forty runs of Kaplan's law with 1 % noise; the fit finds more than one optimum."""
    rng = np.random.default_rng(4)
    N, D = 10 ** rng.uniform(7.5, 9.5, 40), 10 ** rng.uniform(9, 11, 40)
    loss = get("kaplan")(N, D, **get("kaplan").constants("kaplan2020")) * np.exp(
        0.01 * rng.standard_normal(40)
    )
    return RunTable.from_columns({"N": N, "D": D, "loss": loss})


def test_intervals_do_not_depend_on_when_a_start_is_given_up(monkeypatch):
    runs = kaplan_runs()
    early = fit(runs, "kaplan", bootstrap=300, method="case", profile=False)
    monkeypatch.setattr(newton, "_HOPE", 1e300)  # never
    late = fit(runs, "kaplan", bootstrap=300, method="case", profile=False)
    a, b = (f.predict(N=np.array([1e10]), D=np.array([2e11])) for f in (early, late))
    ends, other = np.ravel(interval(a, 0.9)), np.ravel(interval(b, 0.9))
    # Three hundred samples know an end of the interval to about 8 % of its width.
    assert ends == pytest.approx(other, abs=0.03 * np.ptp(other))
    assert np.mean(np.abs(np.log(a / b)) > 1e-6) < 0.05
