"""How verbs read a table of runs: units of loss, what is counted, FLOPs that are not there."""

import json
import re

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.runs.table import RunTable

BITS = 1 / np.log(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of a lab: its own names and units, no FLOPs; and losses in bits per byte."""
    folder = tmp_path_factory.mktemp("runs")
    runs = isoflop_runs(budgets=(1e18, 3e18, 1e19, 3e19, 1e20), noise=0.003)
    own = {"params (M)": runs["N"] / 1e6, "Tokens (B)": runs["D"] / 1e9}
    lab = own | {"val loss (bits/token)": runs["loss"] * BITS}
    RunTable.from_columns(lab).to_csv(folder / "lab.csv")
    RunTable.from_columns(own | {"eval/bpb": runs["loss"] / 3}).to_csv(folder / "bytes.csv")
    RunTable.from_columns({n: runs[n] for n in ("N", "D", "loss")}).to_csv(folder / "plain.csv")
    return folder


def told(capsys, *arguments, code=0):
    assert run([str(x) for x in arguments]) == code
    return capsys.readouterr()


def test_bits_and_millions_are_the_same_fit(capsys, folder):
    quick = ("--bootstrap", "0", "--no-sensitivity", "--json")
    lab = json.loads(told(capsys, "fit", folder / "lab.csv", *quick).out)
    plain = json.loads(told(capsys, "fit", folder / "plain.csv", *quick).out)
    assert lab["estimate"] == pytest.approx(plain["estimate"], rel=1e-6)
    assert lab["convention"]["loss"] == "nats/token"


def test_how_columns_were_read_is_told_by_every_verb(capsys, folder):
    read = "loss is read from 0.693147 x val loss (bits/token)"
    assert read in told(capsys, "runs", folder / "lab.csv").err
    plan = told(capsys, "plan", folder / "lab.csv", "--budget", "1e21")
    assert read in plan.err
    assert "The table has no C; it is counted as 6ND." in plan.err
    assert "loss (nats/token)" in plan.out


def test_a_plan_is_in_the_unit_of_the_runs(capsys, folder):
    fit = folder / "bytes.json"
    source = (folder / "bytes.csv", "--column", "loss=eval/bpb")
    quick = ("--bootstrap", "50", "--no-sensitivity", "--out", fit)
    text = told(capsys, "fit", *source, *quick).out
    assert "as the runs count: N unstated, D unstated, loss bits/byte" in text
    assert re.search(
        r"loss .* bits/byte\n", told(capsys, "plan", "--fit", fit, "--budget", "1e21").out
    )
    reached = told(capsys, "plan", "--fit", fit, "--loss", "0.01", code=2).err
    assert "bits/byte" in reached
    assert "nats" not in reached
    runs = told(capsys, "plan", *source, "--budget", "1e21").out
    assert "loss (bits/byte)" in runs


def test_names_of_a_fit_are_explained(capsys, folder):
    quick = ("--bootstrap", "0", "--no-sensitivity", "--state", "N=all")
    text = told(capsys, "fit", folder / "lab.csv", *quick).out
    assert "as the runs count: N all, D unstated, loss nats/token" in text
    assert "a of N_opt ~ C^a under C = 6ND; b of D_opt" in text
    assert "tex, printed, epoch: published constants (isoflop laws show chinchilla)." in text


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("N=every", "`every` is not a convention for N; known: matrices"),
        ("X=all", "`X` has no convention; known: N, D, C, loss."),
        ("all", "--state takes NAME=COUNT, not `all`."),
    ],
)
def test_statements_that_are_none(capsys, folder, state, message):
    assert message in told(capsys, "runs", folder / "lab.csv", "--state", state, code=2).err


def test_the_column_to_name_can_be_pasted(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N,D,my loss (smoothed)\n1e6,1e8,3\n2e6,2e8,2.9\n")
    error = told(capsys, "plan", path, "--budget", "1e21", code=2).err
    assert '--column "loss=my loss (smoothed)"' in error
