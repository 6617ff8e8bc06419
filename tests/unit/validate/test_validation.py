"""Laws fitted on small runs and scored on large ones."""

import msgspec
import numpy as np
import pytest
from synthetic_runs import isoflop_runs

import isoflop as iso
from isoflop.errors import InputError, NotIdentified
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate.rolling import How
from isoflop.validate.validation import TOGETHER, Validation, validate

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)
HOW = How(samples=100)
LAWS = [resolve(text) for text in ("chinchilla", "A/N^alpha + B/D^beta")]


def runs(**changes):
    return RunTable.from_columns(isoflop_runs(budgets=BUDGETS, noise=0.003, **changes))


@pytest.fixture(scope="module")
def answer():
    return validate(runs(), LAWS, holdout="C > 2e19", how=HOW)


def test_errors_are_those_of_the_predictions(answer):
    told = np.array([c.predicted["chinchilla"] for c in answer.predictions])
    seen = np.array([c.observed for c in answer.predictions])
    error = answer.errors["chinchilla"]
    assert error.runs == len(seen) == answer.heldout == 14
    assert error.relative == pytest.approx(np.sqrt(np.mean((told / seen - 1) ** 2)))
    assert error.log == pytest.approx(np.sqrt(np.mean(np.log(told / seen) ** 2)))
    assert error.bias == pytest.approx(np.mean(told / seen - 1))
    assert error.worst == pytest.approx(np.max(np.abs(told / seen - 1)))


def test_skill_is_over_each_baseline(answer):
    seen = np.array([c.observed for c in answer.predictions])
    told = np.array([c.predicted["chinchilla"] for c in answer.predictions])
    last = np.array([c.baselines["last value"] for c in answer.predictions])
    own, naive = (np.sqrt(np.mean(np.log(x / seen) ** 2)) for x in (told, last))
    assert set(answer.skill["chinchilla"]) == {"last value", "nearest run", "straight line"}
    assert answer.skill["chinchilla"]["last value"] == pytest.approx(1 - own / naive)
    assert answer.useful


def test_coverage_counts_the_intervals(answer):
    (at,) = (c for c in answer.coverage["chinchilla"] if c.nominal == 0.9)
    inside = [
        c.interval["chinchilla"][0] <= c.observed <= c.interval["chinchilla"][1]
        for c in answer.predictions
    ]
    assert at.observed == pytest.approx(np.mean(inside))
    assert [c.nominal for c in answer.coverage[TOGETHER]] == [0.5, 0.8, 0.9, 0.95]


def test_the_law_of_the_runs_wins(answer):
    assert [(p.law, p.rank) for p in answer.ranking] == [
        ("chinchilla", 1),
        ("A/N^alpha + B/D^beta", 2),
    ]
    assert sum(answer.weights.values()) == pytest.approx(1.0)


def test_a_law_under_two_names_ties_with_itself():
    twin = resolve("E + A/N^alpha + B/D^beta")
    found = validate(runs(), [LAWS[0], twin], holdout="largest-budget", how=HOW)
    assert [p.rank for p in found.ranking] == [1, 1]


def test_heldout_losses_do_not_change_what_is_predicted(answer):
    table = runs()
    loss = table["loss"].copy()
    held = table["C"] > 2e19
    loss[held] = np.random.default_rng(0).permutation(loss[held]) * 1.7
    other = validate(table.with_columns(loss=loss), LAWS, holdout="C > 2e19", how=HOW)
    assert other.weights == answer.weights
    for a, b in zip(answer.predictions, other.predictions, strict=True):
        assert a.predicted == b.predicted
        assert a.interval == b.interval
        assert a.baselines == b.baselines
        assert a.observed != b.observed


def test_rolling_uses_every_origin_and_says_so():
    found = validate(runs(), LAWS[:1], holdout="rolling", how=HOW)
    assert sorted({c.origin for c in found.predictions}) == [3e18, 1e19, 3e19]
    assert found.heldout == 7 * (3 + 2 + 1)
    assert any("origins" in note for note in found.notes)
    assert found.growth["chinchilla"].per_decade is not None
    assert sum(b.runs for b in found.growth["chinchilla"].bands) == found.heldout


def test_a_table_without_compute():
    data = isoflop_runs(budgets=BUDGETS, noise=0.003)
    del data["C"]
    found = validate(RunTable.from_columns(data), LAWS[:1], how=HOW)
    assert found.size == "C"
    assert any("6ND" in note for note in found.notes)
    assert found.heldout == 7


def test_a_law_in_another_input():
    x = np.geomspace(10, 1e4, 20)
    table = RunTable.from_columns({"x": x, "loss": 0.1 + 2 * x**-0.4})
    found = validate(table, [resolve("m2"), resolve("m1")], holdout="x > 3000", how=HOW)
    assert found.size == "x"
    assert found.ranking[0].law == "m2"
    assert found.errors["m2"].log < 1e-3


def test_outputs_that_are_not_positive():
    """No logarithms: errors are in the output's unit."""
    x = np.geomspace(10, 1e4, 24)
    noise = np.random.default_rng(0).normal(0, 0.005, 24)
    table = RunTable.from_columns({"x": x, "gain": -2 + 3 * x**-0.3 + noise})
    law = resolve("a + B/x^alpha", columns=("x",))
    how = How(samples=100, noise="raw-huber:1e-2", output="gain")
    found = validate(table, [law], holdout="x > 3000", how=how)
    assert found.errors[law.name].log is None
    assert found.errors[law.name].absolute < 0.1
    assert found.output == "gain"


def test_json_both_ways(answer):
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Validation) == answer


def test_an_ensemble_for_what_comes_next(answer):
    both = answer.ensemble(runs())
    assert set(both.weights) == set(answer.laws)
    assert both.fits[0].runs == 35
    found = iso.predict(both, runs(), N=1e10, D=2e11)
    assert found.samples.shape == (100,)


def test_the_public_function_takes_laws_as_text():
    found = iso.validate(runs(), laws=["chinchilla"], holdout="C > 2e19", how=HOW)
    assert isinstance(found, Validation)
    assert list(found.errors) == ["chinchilla"]


def test_wrong_questions():
    with pytest.raises(InputError, match="2 laws are given, 1 of them different"):
        validate(runs(), [LAWS[0], LAWS[0]], how=HOW)
    with pytest.raises(InputError, match="holds out"):
        validate(runs(), LAWS, holdout="C > 1e30", how=HOW)
    with pytest.raises(InputError, match="needs a law"):
        iso.validate(runs(), holdout="rolling")


def test_no_law_can_be_fitted():
    table = runs().take(np.arange(0, 35, 6))
    wide = resolve("E + A/N^alpha + B/D^beta + G/C^gamma")
    with pytest.raises((NotIdentified, InputError)):
        validate(table, [wide], how=HOW)
