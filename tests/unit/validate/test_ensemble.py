"""Several laws for the same runs."""

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate.ensemble import Ensemble, as_ensemble, ensemble, weights_of
from isoflop.validate.rolling import How

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)
HOW = How(samples=100)
LAWS = [resolve(text) for text in ("chinchilla", "A/N^alpha + B/D^beta")]
AT = {"N": np.array([1e9, 7e10]), "D": np.array([2e10, 1.4e12])}


@pytest.fixture(scope="module")
def table():
    return RunTable.from_columns(isoflop_runs(budgets=BUDGETS, noise=0.003))


@pytest.fixture(scope="module")
def both(table):
    return ensemble(table, LAWS, how=HOW)


def test_weights_sum_to_one_and_favour_the_law_of_the_runs(both):
    assert sum(both.weights.values()) == pytest.approx(1.0)
    assert both.weights["chinchilla"] > 0.8
    assert both.folds == 3


def test_samples_concatenate_in_proportion(both):
    drawn = both.predict(size=200, **AT)
    assert drawn.shape == (200, 2)
    own = both.fits[0].predict(**AT)
    from_first = np.isin(drawn[:, 0], own[:, 0]).sum()
    assert from_first == pytest.approx(200 * both.weights["chinchilla"], abs=1)


def test_point_is_the_weighted_mean(both):
    points = [f.point(**AT) for f in both.fits]
    weights = list(both.weights.values())
    assert both.point(**AT) == pytest.approx(weights[0] * points[0] + weights[1] * points[1])


def test_json_both_ways(both):
    again = Ensemble.from_json(both.to_json())
    assert again.weights == both.weights
    assert again.scores == both.scores
    assert np.array_equal(again.predict(new_run=True, **AT), both.predict(new_run=True, **AT))


@pytest.mark.parametrize("document", ["{}", "[]", "nothing", '{"schema": "isoflop.fit/1"}'])
def test_other_documents_are_refused(document):
    with pytest.raises(InputError):
        Ensemble.from_json(document)


def test_without_origins_weights_are_equal_and_said():
    table = RunTable.from_columns(isoflop_runs(budgets=(1e18, 1e19), noise=0.003))
    found = ensemble(table, LAWS, how=HOW)
    assert found.folds == 0
    assert list(found.weights.values()) == [0.5, 0.5]
    assert set(found.scores.values()) == {None}


def test_a_law_that_cannot_be_fitted_is_left_out(table):
    few = table.take(np.arange(0, 35, 9))
    found = ensemble(few, [LAWS[0], LAWS[1]], how=HOW)
    assert list(found.weights) == ["A/N^alpha + B/D^beta"]
    assert "cannot determine" in found.reasons["chinchilla"]


def test_weights_must_go_with_the_fits(both):
    with pytest.raises(InputError, match="weights"):
        Ensemble(fits=both.fits, weights={"chinchilla": 1.0})


def test_a_fit_is_an_ensemble_of_one(both):
    one = as_ensemble(both.fits[0])
    assert np.array_equal(
        np.sort(one.predict(**AT)[:, 0]), np.sort(both.fits[0].predict(**AT)[:, 0])
    )


def test_a_fold_counts_once():
    scores = {"a": -1.0, "b": -2.0}
    assert weights_of(scores, 2, ["a", "b"])["a"] == pytest.approx(1 / (1 + np.exp(-2)))
