"""Predictions: samples, intervals that widen, distance and coverage."""

from itertools import pairwise

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError
from isoflop.fit import fit
from isoflop.runs.table import RunTable
from isoflop.validate.past import LEVELS, past, past_coverage, prior
from isoflop.validate.prediction import Prediction, calibrate, predict
from isoflop.validate.rolling import How
from isoflop.validate.widening import learn

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)
AT = {"N": np.array([3e8, 7e10]), "D": np.array([1e10, 1.4e12])}


@pytest.fixture(scope="module")
def table():
    return RunTable.from_columns(isoflop_runs(budgets=BUDGETS, noise=0.003))


@pytest.fixture(scope="module")
def fitted(table):
    return fit(table, "chinchilla", bootstrap=300)


@pytest.fixture(scope="module")
def answer(fitted, table):
    return predict(fitted, table, **AT)


def test_inside_it_is_the_fit_and_outside_it_is_wider(answer, fitted):
    assert answer.distance[0] == 0.0
    assert answer.distance[1] == pytest.approx(np.log10(6 * 7e10 * 1.4e12 / 1e20))
    (low, high), (inner, outer) = answer.interval(), answer.interval(of="plain")
    assert np.all(high - low > outer - inner)
    assert high[1] - low[1] > 1.2 * (outer[1] - inner[1])
    assert answer.reach[0] == pytest.approx(0.0, abs=1e-12)
    assert answer.reach[1] > 0.1
    assert answer.point == pytest.approx(fitted.point(**AT))


def test_width_grows_with_distance(fitted, table):
    C = 1e20 * np.array([10.0, 1e2, 1e3, 1e4])
    far = predict(fitted, table, N=0.1 * C**0.5, D=C / (0.6 * C**0.5))
    low, high = far.interval(of="mean")
    assert np.all(np.diff((high - low) / far.point) > 0)


def test_levels_nest(answer):
    ends = [answer.interval(level) for level in LEVELS]
    for (low, high), (lower, higher) in pairwise(ends):
        assert np.all(lower <= low)
        assert np.all(higher >= high)


def test_both_coverages_are_told(answer):
    for coverage in answer.coverage:
        assert coverage.nominal == 0.9
        assert coverage.holdouts >= 5
        assert 0 < coverage.observed <= 1
        assert str(coverage).startswith("90 % nominal; on ")


def test_without_runs_the_prior_alone_widens(fitted):
    alone = predict(fitted, **AT)
    assert alone.folds == 0
    before = learn(prior("N, D, C"), [], {})
    assert (alone.scale, alone.kappa) == (before.scale, before.kappa)
    assert any("not known" in note for note in alone.notes)


def test_a_widening_can_be_given(fitted, table, answer):
    width = calibrate(fitted, table)
    again = predict(fitted, None, widening=width, **AT)
    assert width.folds == 3
    assert again.kappa == answer.kappa


def test_shape_of_inputs_is_kept(fitted, table):
    N, D = np.meshgrid(np.geomspace(1e9, 1e11, 3), np.geomspace(1e10, 1e12, 2))
    grid = predict(fitted, table, N=N, D=D)
    assert grid.samples.shape == (300, 2, 3)
    assert grid.interval()[0].shape == grid.distance.shape == (2, 3)
    assert len(grid.coverage) == 6
    single = predict(fitted, table, N=1e9, D=2e10)
    assert single.samples.shape == (300,)


def test_json_both_ways(answer):
    again = Prediction.from_json(answer.to_json())
    assert np.array_equal(again.samples, answer.samples)
    assert again.coverage == answer.coverage
    with pytest.raises(InputError, match="not a prediction"):
        Prediction.from_json("{}")


def test_runs_are_fitted_by_the_usual_forms(table):
    found = predict(table, how=How(samples=60), **AT)
    assert next(iter(found.weights)) == "chinchilla"
    assert len(found.weights) == 3
    assert sum(found.weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"N": 1e9}, "needs D"),
        ({"N": 1e9, "D": 2e10, "C": 1e20}, "no input C"),
        ({"N": -1e9, "D": 2e10}, "not a positive number"),
        ({"N": 1e9, "D": float("nan")}, "not a positive number"),
    ],
)
def test_wrong_inputs(fitted, inputs, words):
    with pytest.raises(InputError, match=words):
        predict(fitted, **inputs)


def test_a_fit_without_samples_is_refused(table):
    with pytest.raises(InputError, match="no samples"):
        predict(fit(table, "chinchilla"), N=1e9, D=2e10)


def test_residuals_not_of_logs(table):
    raw = fit(table, "chinchilla", noise="raw-huber:1e-3", bootstrap=100)
    found = predict(raw, table, **AT)
    assert np.all(np.isfinite(found.samples))
    low, high = found.interval()
    assert high[1] - low[1] > high[0] - low[0]


# What was measured before ------------------------------------------------------------------------
def test_the_record_names_where_it_is_from():
    record = past()
    assert set(record.made) == {"version", "date", "command"}
    # A family without rolling origins (mixtures: nothing is larger) teaches no prior.
    assert set(record.priors["all"].families) <= {h.family for h in record.holdouts}
    assert set(record.priors["N, D, C"].families) < set(record.priors["all"].families)
    for h in record.holdouts:
        assert {len(x) for x in h.covered.values()} == {len(LEVELS)}
        assert 0 <= min(h.covered["widened"]) <= max(h.covered["widened"]) <= 1
        assert h.runs > 0
        assert h.laws


def test_coverage_is_the_mean_over_holdouts_of_the_kind():
    near = [h for h in past().holdouts if h.kind == "N, D, C" and 0.5 < h.distance <= 1.5]
    found = past_coverage("N, D, C", 1.0, 0.9)
    assert found.holdouts == len(near)
    assert found.observed == pytest.approx(np.mean([h.covered["widened"][2] for h in near]))
    half = past_coverage("N, D, C", 1.0, 0.85).observed
    assert past_coverage("N, D, C", 1.0, 0.8).observed <= half <= found.observed


def test_few_holdouts_of_a_kind_are_joined():
    assert past_coverage("N, D, C", 1e9, 0.9).holdouts >= 5
