"""A table of runs analysed like a study: the same answers as the verbs give, and refusals."""

import numpy as np
import pytest
from synthetic_runs import EPOCH, isoflop_runs

from isoflop.errors import InputError
from isoflop.laws.chinchilla import optimum
from isoflop.protocols.document import load_result, save_result
from isoflop.protocols.from_table import analyse_table
from isoflop.protocols.models import Settings
from isoflop.protocols.question import plan
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable

SAID = Convention(N="all", loss="nats/token")
QUICK = Settings(samples=100)


def table(convention=SAID, **changes):
    runs = isoflop_runs(budgets=(1e18, 3e18, 1e19, 3e19, 1e20), span=8.0, noise=0.002)
    return RunTable.from_columns({**runs, **changes}, convention=convention, source="runs.csv")


@pytest.fixture(scope="module")
def result():
    return analyse_table(table(), target=1e21, settings=QUICK)


def test_the_plan_is_that_of_the_verb_and_near_the_truth(result):
    assert result.plan.N == plan(table(), 1e21, settings=QUICK).N
    N, D, loss = optimum(1e21, **EPOCH)
    assert result.plan.N.estimate == pytest.approx(N, rel=0.1)
    assert result.plan.D.estimate == pytest.approx(D, rel=0.1)
    low, high = result.plan.loss.interval
    assert low < loss < high


def test_the_largest_budget_is_predicted_from_the_others(result):
    assert result.heldout.fitted_budgets == pytest.approx([1e18, 3e18, 1e19, 3e19], rel=1e-6)
    assert len(result.heldout.cells) == 7
    assert result.heldout.budget == pytest.approx(1e20)


def test_a_condition_holds_out_what_it_says():
    found = analyse_table(table(), holdout="C > 2e19", settings=QUICK)
    assert len(found.heldout.cells) == 14
    assert found.settings["target"] == pytest.approx(1e21)  # ten times the largest


def test_what_is_missing_is_said_and_not_an_error(result):
    assert not result.approach1.ok
    assert "training curves" in result.approach1.notes[0]
    codes = {f.code for f in result.findings}
    assert "approach1" not in codes
    assert {"heldout", "outliers"} <= codes
    assert result.settings["counted"] == {"N": "all", "D": "unstated", "C": "unstated"}


def test_it_is_a_document_like_a_study(result, tmp_path):
    save_result(result, tmp_path)
    assert load_result(tmp_path).plan == result.plan


def test_counts_of_n_that_the_table_stores_are_compared():
    runs = table(Convention(N="matrices", loss="nats/token"))
    N = runs["N"]
    several = runs.with_columns(N_matrices=N, N_all=N + 30 * np.sqrt(N))
    assert set(analyse_table(several, settings=QUICK).conventions) == {"matrices", "all"}


@pytest.mark.parametrize(
    ("runs", "how", "message"),
    [
        (table(Convention(N="all")), {}, "does not say how it counts loss"),
        (table(Convention(loss="bits/byte")), {}, "counts loss as `bits/byte`"),
        (table(), {"target": -1.0}, "not positive"),
        (table(), {"holdout": "C > 1e30"}, "holds out 0 of 35 runs"),
        (table(), {"holdout": "rolling"}, "needs a law"),
        (table().select("N", "C"), {}, "no column `loss`"),
    ],
)
def test_refusals(runs, how, message):
    with pytest.raises(InputError, match=message):
        analyse_table(runs, settings=QUICK, **how)


def test_flops_that_are_not_there_are_6nd():
    runs = table().select("N", "D", "loss")
    assert analyse_table(runs, settings=QUICK).settings["counted"]["C"] == "6ND"
