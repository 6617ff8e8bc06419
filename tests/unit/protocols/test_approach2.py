"""Approach 2's record by profile: the bias removed or stated, and what was assumed."""

import numpy as np
import pytest

from isoflop.errors import NotIdentified
from isoflop.protocols.approach2 import TITLES, approach2
from isoflop.protocols.data import run_data
from isoflop.protocols.models import Settings, fit_models, surface_of

ALPHA, BETA = 0.5, 0.2
BUDGETS = np.array([1e18, 1e19, 1e20, 1e21])


def best(C):
    G = (ALPHA * 4e3 / (BETA * 60)) ** (1 / (ALPHA + BETA))
    return G * (C / 6) ** (BETA / (ALPHA + BETA))


def runs(noise=0.001):
    C = np.repeat(BUDGETS, 9)
    N = (best(BUDGETS)[:, None] * np.geomspace(1 / 4, 4, 9)).ravel()
    D = C / (6 * N)
    loss = 1.7 + 4e3 / N**ALPHA + 60 / D**BETA
    loss = loss + np.random.default_rng(0).normal(0, noise, len(loss))
    return run_data({"N": N, "D": D, "C": C, "loss": loss})


def record(**how):
    data, settings = runs(), Settings(samples=100, **how)
    return approach2(fit_models(data, data, settings), settings)


@pytest.mark.parametrize("profile", ["parabola", "cubic", "akima", "corrected"])
def test_the_stated_bias_is_the_actual_one(profile):
    found = record(profile=profile, seed_noise=0.001)
    assert found.title == TITLES[profile]
    assert found.details["profile"] == profile
    minima = [o for o in found.optima if o.N is not None]
    assert len(minima) >= 3
    errors = [o.N.estimate / best(o.C) - 1 for o in minima]
    stated = [o.bias_N for o in minima]
    assert np.mean(errors) == pytest.approx(
        np.mean(stated), abs=0.08 if profile == "akima" else 0.02
    )
    if profile == "parabola":
        assert min(stated) > 0.04
    if profile == "corrected":
        assert np.abs(stated).max() < 1e-9


def test_given_exponents_are_used_and_told():
    found = record(profile="corrected", exponents=(ALPHA, BETA))
    assert any("alpha = 0.5 and beta = 0.2 (given)" in note for note in found.notes)
    errors = [o.N.estimate / best(o.C) - 1 for o in found.optima if o.N is not None]
    assert np.abs(errors).max() < 0.02


def test_fitted_exponents_widen_the_interval_of_the_given_ones():
    def width(found):
        low, high = next(o for o in found.optima if o.N is not None).N.interval
        return np.log(high / low)

    assert width(record(profile="corrected")) >= 0.9 * width(
        record(profile="corrected", exponents=(ALPHA, BETA))
    )


def test_an_interpolation_leaves_no_residual():
    found = record(profile="akima", seed_noise=0.001)
    assert all(o.rms is None for o in found.optima)
    assert all(o.rms is not None for o in record().optima)


def test_exponents_that_are_not_positive_are_a_reason_not_a_crash():
    found = record(profile="corrected", exponents=(0.3, -0.1))
    assert not found.ok
    assert "positive" in found.notes[0]


def test_two_budgets_are_needed():
    data = runs()
    with pytest.raises(NotIdentified, match="two budgets"):
        surface_of(data.where(data.budget == 1e18), Settings(samples=10))
