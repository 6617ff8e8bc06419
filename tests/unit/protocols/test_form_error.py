"""A study's predictions widen beyond its budgets, by what past misses needed."""

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.protocols.data import run_data
from isoflop.protocols.form_error import form_error
from isoflop.protocols.models import Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout

SETTINGS = Settings(samples=200)


def fitted_to(budgets):
    data = run_data(isoflop_runs(budgets=budgets, noise=0.003), "all")
    return fit_models(data, data, SETTINGS)


@pytest.fixture(scope="module")
def four():
    return fitted_to((1e18, 3e18, 1e19, 3e19))


def at(C):
    C = np.atleast_1d(C)
    return 0.1 * C**0.5, C / (0.6 * C**0.5)


def test_width_grows_with_distance(four):
    form = form_error(four, SETTINGS)
    assert form.width.folds == 2
    N, D = at(np.array([1e19, 1e20, 1e21, 1e22]))
    wide = np.log(form.add(np.full((2000, 4), 2.5), N, D))
    widths = np.quantile(wide, 0.95, axis=0) - np.quantile(wide, 0.05, axis=0)
    assert widths[0] == pytest.approx(0.0, abs=1e-9)
    assert np.all(np.diff(widths) > 0)


def test_two_budgets_say_that_they_have_no_origin_of_their_own():
    form = form_error(fitted_to((1e18, 1e19)), SETTINGS)
    assert form.width.folds == 0
    assert "too few budgets" in form.sentence(0.9, 0.5)
    assert "90 % nominal" in form.sentence(0.9, 0.5)


def test_heldout_prediction_and_plan_are_widened(four, monkeypatch):
    held = run_data(isoflop_runs(budgets=(1e20,), noise=0.003, seed=1), "all")
    wide = predict_heldout(four, held, SETTINGS)
    plan = plan_run(four, 1e21, SETTINGS)
    monkeypatch.setattr("isoflop.protocols.form_error.FormError.add", lambda _s, x, _n, _d: x)
    plain = predict_heldout(four, held, SETTINGS)
    for a, b in zip(wide.cells, plain.cells, strict=True):
        assert a.interval[1] - a.interval[0] > b.interval[1] - b.interval[0]
        assert a.predicted == b.predicted
    assert any("is widened" in note for note in wide.notes)
    before = plan_run(four, 1e21, SETTINGS)
    assert plan.N == before.N
    assert plan.loss.estimate == before.loss.estimate
    ends, narrow = plan.loss.interval, before.loss.interval
    assert ends[1] - ends[0] > narrow[1] - narrow[0]
