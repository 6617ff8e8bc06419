"""Settings and runs that cannot be fitted are refused with a sentence, never a traceback."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.errors import InputError
from isoflop.fit import fit
from isoflop.runs.table import RunTable


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(InputError, match="not between 0 and 1"):
        fit(isoflop_runs(), "chinchilla", level=level)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"bootstrap": -1}, {"method": "jackknife"}])
def test_other_settings_are_refused_before_anything_is_solved(wrong):
    with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
        fit(isoflop_runs(), "chinchilla", **wrong)


@pytest.mark.parametrize("verb", ["fit", "predict", "validate", "forecast"])
@pytest.mark.parametrize("flags", [["--level", "1.5"], ["--level", "nan"], ["--seed", "-1"]])
def test_verbs_refuse_level_and_seed_with_exit_code_2(verb, flags, tmp_path, capsys):
    (tmp_path / "runs.csv").write_text("N,D,loss\n1e9,2e10,3\n")
    needed = {
        "predict": ["--at", "N=1e9,D=1e9"],
        "validate": ["--holdout", "N > 1e9"],
        "forecast": ["--x", "D", "--y", "loss", "--at", "1e12"],
    }
    code = run([verb, str(tmp_path / "runs.csv"), *needed.get(verb, []), *flags])
    assert code == 2
    assert flags[1] in capsys.readouterr().err


def test_as_many_runs_as_parameters_are_answered():
    runs = isoflop_runs(budgets=(1e18, 1e20), sizes=4, noise=0.003)
    few = {name: column[[0, 2, 3, 5, 7]] for name, column in runs.items()}
    found = fit(few, "chinchilla", bootstrap=20)
    assert found.draws is not None
    assert "too few runs" in found.draws.reason
    assert not any(found.identified.values())
    assert "none is left to tell their scatter" in found.message
    assert set(found.intervals.values()) == {(None, None)}
    assert found.derived("a").interval == (None, None)


@pytest.mark.parametrize(("samples", "said"), [(19, True), (20, False)])
def test_too_few_samples_for_an_interval_are_said(samples, said):
    found = fit(isoflop_runs(noise=0.003), "chinchilla", bootstrap=samples)
    assert ("samples are too few for a 90 % interval: that takes 20" in str(found)) is said


@pytest.mark.parametrize(("clusters", "said"), [(3, True), (21, False)])
def test_few_clusters_are_said(clusters, said):
    runs = isoflop_runs(noise=0.003)
    runs["run"] = np.arange(len(runs["N"])) % clusters
    found = fit(runs, "chinchilla", bootstrap=5, cluster="run")
    assert ("3 clusters are so few" in str(found)) is said


def test_a_search_that_did_not_converge_is_no_answer(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("isoflop.fit.solver.TOLERANCE", -1.0)  # never small enough
    RunTable.from_columns(isoflop_runs(noise=0.003)).to_csv(tmp_path / "runs.csv")
    code = run(["fit", str(tmp_path / "runs.csv"), "--bootstrap", "0", "--no-sensitivity"])
    assert "not_converged" in capsys.readouterr().out
    assert code == 1


def test_one_loss_for_all_runs_is_answered_without_an_overflow():
    runs = isoflop_runs(budgets=(1e18, 1e19, 1e20), sizes=6)
    runs["loss"] = np.full_like(runs["N"], 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(runs, "chinchilla", bootstrap=20)
        text = str(found)
    assert not all(found.identified.values())
    assert "a ?" in text


def test_the_output_cannot_explain_itself():
    with pytest.raises(InputError, match="`loss`"):
        fit(isoflop_runs(), "2*loss + a")
