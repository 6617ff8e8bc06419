import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.runs.checks import check
from isoflop.runs.chosen import best_of_setup, last_of_run, run_of
from isoflop.runs.table import RunTable


def curves():
    """Two runs of three checkpoints, out of order, and a seed that tells nothing apart."""
    return RunTable.from_columns(
        {
            "N": [1e8, 2e8, 1e8, 2e8, 1e8, 2e8],
            "D": [3e9, 1e9, 1e9, 2e9, 2e9, 3e9],
            "step": [30, 10, 10, 20, 20, 30],
            "loss": [3.0, 3.5, 3.6, 3.2, 3.3, 2.9],
            "hyper_id": [0, 1, 0, 1, 0, 1],
            "seed": [42] * 6,
        }
    )


def test_the_last_row_of_each_run_is_the_one_with_the_most_tokens():
    runs = curves().with_columns(run=["a", "b", "a", "b", "a", "b"])
    assert last_of_run(runs).tolist() == [True, False, False, False, False, True]
    assert runs.where("last_of_run and N > 150M")["loss"].tolist() == [2.9]
    by_steps = runs.select("step", "loss", "run")
    assert by_steps.where("last_of_run")["loss"].tolist() == [3.0, 2.9]


def test_the_last_row_needs_runs_and_a_way_through_them():
    with pytest.raises(InputError, match="no column `run`"):
        curves().where("last_of_run")
    with pytest.raises(InputError, match="neither D nor a count of steps"):
        curves().with_columns(run=["a"] * 6).select("loss", "run").where("last_of_run")


def sweep():
    """Two setups at two rates, the better with two seeds; one run diverged."""
    return RunTable.from_columns(
        {
            "N": [1e8] * 4 + [2e8] * 3,
            "D": [2e9] * 7,
            "lr": [1e-3, 1e-3, 2e-3, 4e-3, 1e-3, 2e-3, 2e-3],
            "seed": [0, 1, 0, 0, 0, 0, 1],
            "loss": [3.1, 3.2, 3.0, np.nan, 2.9, 2.8, 2.85],
        }
    )


def test_the_best_rate_of_each_setup_is_kept_with_its_seeds():
    assert best_of_setup(sweep()).tolist() == [False, False, True, False, False, True, True]
    assert sweep().where("best_of_setup and N > 150M")["loss"].tolist() == [2.8, 2.85]


def test_without_a_rate_the_best_run_of_each_setup_is_kept():
    runs = sweep().select("N", "D", "loss")
    assert runs.where("best_of_setup")["loss"].tolist() == [3.0, 2.8]


def test_setups_differ_in_their_corpus_too():
    runs = sweep().with_columns(corpus=["a", "b", "a", "a", "a", "a", "a"])
    assert runs.where("best_of_setup")["loss"].tolist() == [3.2, 3.0, 2.8, 2.85]


def test_a_column_that_tells_runs_apart_is_named_in_the_warning():
    assert run_of(curves()) == "hyper_id"
    (finding,) = [f for f in check(curves()) if f.code == "checkpoints"]
    assert "`hyper_id` may tell the runs apart" in finding.message
    assert "run=hyper_id" in finding.remedy


def test_a_label_under_which_a_step_is_there_twice_or_sizes_differ_is_no_run():
    runs = curves().with_columns(hyper_id=[0, 0, 0, 0, 1, 1])
    assert run_of(runs) == "N"  # each size was trained once
    mixed = curves().with_columns(hyper_id=[0, 0, 1, 1, 1, 0], step=[30, 10, 10, 20, 30, 20])
    assert run_of(mixed) is None
    assert run_of(curves().select("N", "loss", "hyper_id")) is None


def test_a_column_of_the_table_goes_before_a_condition_of_that_name():
    runs = curves().with_columns(last_of_run=[1, 0, 0, 0, 0, 0])
    assert runs.where("last_of_run == 1")["loss"].tolist() == [3.0]
