"""What is held out by which rule."""

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate.split import groups_of, size_of, splits, usable, with_compute

LAW = resolve("chinchilla")


@pytest.fixture
def table():
    return RunTable.from_columns(isoflop_runs(budgets=(1e18, 1e19, 1e20, 1e21)))


def test_largest_budget(table):
    (split,) = splits(table, size_of(table, [LAW]), "largest-budget")
    assert np.array_equal(split.test, table["C"] == 1e21)
    assert np.array_equal(split.train, ~split.test)
    assert split.origin == 1e20


@pytest.mark.parametrize(("rule", "column"), [("largest-N", "N"), ("longest-D", "D")])
def test_largest_of_a_column(table, rule, column):
    (split,) = splits(table, size_of(table, [LAW]), rule)
    assert table[column][split.test].min() > table[column][split.train].max()


def test_condition(table):
    (split,) = splits(table, size_of(table, [LAW]), "C > 5e19")
    assert np.array_equal(split.test, table["C"] > 5e19)


def test_rolling_fits_the_smaller_and_predicts_all_larger(table):
    found = splits(table, size_of(table, [LAW]), "rolling", least=6)
    assert [s.origin for s in found] == [1e19, 1e20]
    for s in found:
        assert table["C"][s.train].max() == s.origin < table["C"][s.test].min()
        assert np.all(s.train ^ s.test)


@pytest.mark.parametrize("holdout", ["C > 1e30", "C > 0", "D > 1e6"])
def test_nothing_held_out_or_nothing_left(table, holdout):
    with pytest.raises(InputError, match="holds out"):
        splits(table, size_of(table, [LAW]), holdout, least=6)


def test_rolling_without_enough_groups():
    table = RunTable.from_columns(isoflop_runs(budgets=(1e18, 1e19)))
    with pytest.raises(InputError, match="2 groups"):
        splits(table, size_of(table, [LAW]), "rolling", least=6)


def test_compute_is_derived_and_said():
    runs = isoflop_runs()
    table, said = with_compute(RunTable.from_columns({k: runs[k] for k in ("N", "D", "loss")}))
    assert table["C"] == pytest.approx(runs["C"])
    assert "6ND" in said
    assert table.convention.C == "6ND"
    same, nothing = with_compute(table)
    assert same is table
    assert nothing == ""


def test_size_is_the_single_input_of_a_curve():
    table = RunTable.from_columns({"x": [1.0, 2, 4, 8], "loss": [4.0, 3, 2, 1]})
    assert size_of(table, [resolve("m2")]).name == "x"


def test_size_of_odd_inputs_is_the_widest():
    table = RunTable.from_columns({"N": [1.0, 2, 4], "P": [1.0, 100, 1e4], "loss": [3.0, 2, 1]})
    size = size_of(table, [resolve("E + A/(N*P)^alpha", columns=("N", "P"))])
    assert size.name == "P"
    assert "widest" in size.note


def test_inputs_without_a_size():
    """Shares of a mixture: held out by a condition, and nothing is larger."""
    table = RunTable.from_columns({"x": [0.0, 0.5, 1.0], "loss": [3.0, 2, 1]})
    size = size_of(table, [resolve("a*x + b", columns=("x",))])
    assert "no rolling origin" in size.note
    (split,) = splits(table, size, "x > 0.7")
    assert split.test.tolist() == [False, False, True]
    with pytest.raises(InputError, match="holds out 3 of 3"):
        splits(table, size, "largest-budget")


def test_groups_within_ten_percent():
    assert groups_of(np.array([1.0, 1.05, 3.0, 3.2, 10.0])).tolist() == [0, 0, 1, 1, 2]


def test_a_continuum_is_cut_into_bins():
    groups = groups_of(np.geomspace(1.0, 1e4, 400))
    assert len(np.unique(groups)) == 8
    assert np.all(np.diff(groups) >= 0)


def test_runs_without_a_value_are_left_out_and_counted(table):
    loss = table["loss"].copy()
    loss[:3] = np.nan
    kept, said = usable(table.with_columns(loss=loss), [LAW], "loss", logs=True)
    assert len(kept) == len(table) - 3
    assert said.startswith(f"3 of {len(table)} runs")


def test_no_usable_run(table):
    with pytest.raises(InputError, match="none of"):
        usable(table.with_columns(loss=np.full(len(table), np.nan)), [LAW], "loss", logs=True)


def test_runs_are_finished_by_any_of_the_usual_words_and_losses_below_zero_need_other_noise():
    law = resolve("E + A/x^alpha", columns=("x",))
    columns = {
        "x": np.arange(1.0, 5),
        "loss": np.array([-1.0, -2, -3, -4]),
        "status": np.array(["Completed", "success", "failed", ""], dtype=object),
    }
    kept, note = usable(RunTable.from_columns(columns), [law], "loss", logs=False)
    assert len(kept) == 3
    assert note.startswith("1 of 4 runs")
    with pytest.raises(InputError, match=r"not positive in any of 3 runs.*") as refused:
        usable(RunTable.from_columns(columns), [law], "loss", logs=True)
    assert "--noise raw-squared" in refused.value.do
