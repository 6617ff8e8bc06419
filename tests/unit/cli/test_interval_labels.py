"""Every printed interval says what it holds, as text and as JSON."""

import csv
import json

import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.samples import MISSES, RUN, SAMPLING


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folder with runs.csv, and fit.json fitted to it."""
    folder = tmp_path_factory.mktemp("labels")
    table = isoflop_runs(noise=0.003, sizes=9)
    with (folder / "runs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    flags = ["--bootstrap", "100", "--no-sensitivity", "--out", str(folder / "fit.json")]
    assert run(["fit", str(folder / "runs.csv"), *flags]) == 0
    return folder


def printed(capsys, *words):
    """What a command prints, in one line: sentences are wrapped."""
    capsys.readouterr()
    assert run([str(word) for word in words]) == 0
    return " ".join(capsys.readouterr().out.split())


def said_to_be(capsys, *words):
    return json.loads(printed(capsys, *words, "--json"))


def test_a_fit(runs, capsys):
    words = ("fit", runs / "runs.csv", "--bootstrap", 100, "--no-sensitivity")
    shown = printed(capsys, *words)
    assert f"Intervals, but those of N* and D*: {SAMPLING}" in shown
    assert "widened by how far the optimum lies off the minima" in shown
    assert "By the samples alone" in shown
    found = said_to_be(capsys, *words)
    assert found["holds"] == SAMPLING
    assert found["optimum"]["N"]["holds"] == MISSES
    assert found["optimum"]["loss"]["holds"] == SAMPLING
    assert set(found["optimum"]["sampling"]) == {"N", "D", "tokens_per_parameter"}


def test_a_plan_of_a_fit(runs, capsys):
    words = ("plan", "--fit", runs / "fit.json", "--budget", "1e21")
    shown = printed(capsys, *words)
    assert f"By the samples alone ({SAMPLING}): N " in shown
    assert f"intervals: {MISSES}" in shown
    assert "The interval of the loss is that of one run" in shown
    found = said_to_be(capsys, *words)
    assert (found["holds"]["N"], found["holds"]["loss"]) == (MISSES, RUN)
    assert found["regret"]["2x"]["loss"]["holds"] == MISSES
    assert {"N", "D", "loss"} <= set(found["sampling"])


def test_a_plan_of_runs(runs, capsys):
    words = ("plan", runs / "runs.csv", "--budget", "1e21")
    assert "approach 2 by a factor of" in printed(capsys, *words)
    found = said_to_be(capsys, *words)
    assert (found["N"]["holds"], found["loss"]["holds"]) == (MISSES, RUN)
    assert found["by_model"]["approach3"]["loss"]["holds"] == SAMPLING


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "runs.csv", "--approach", "3", "--bootstrap", "100"),
        ("design", "next", "--fit", "fit.json", "--budget", "3e19", "--target", "C=1e21"),
        ("audit", "runs.csv"),
    ],
)
def test_what_takes_the_law_as_right_says_so(runs, capsys, monkeypatch, words):
    monkeypatch.chdir(runs)
    assert SAMPLING in printed(capsys, *words)


def test_constants_without_samples_hold_nothing(capsys):
    found = said_to_be(capsys, "plan", "--law", "chinchilla", "--budget", "1e21")
    assert found["intervals"] is None
    assert (found["holds"], found["sampling"]) == ({}, {})
