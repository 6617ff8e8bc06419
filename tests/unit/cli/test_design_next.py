"""`isoflop design next`: the acceptance document, its text, and wrong input."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from isoflop.cli.main import run
from isoflop.fit import fit


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    C = np.repeat([1e17, 3e17, 1e18, 3e18], 5)
    N = 0.1 * C**0.5 * np.tile([0.33, 0.57, 1.0, 1.75, 3.0], 4)
    D = C / (6 * N)
    loss = (1.8 + 480 / N**0.35 + 2080 / D**0.37) * np.exp(0.003 * rng.standard_normal(len(C)))
    place = tmp_path_factory.mktemp("fit") / "fit.json"
    fit({"N": N, "D": D, "loss": loss}, "chinchilla", bootstrap=200).save(place)
    return place


def ask(path, *flags):
    return run(["design", "next", "--fit", str(path), "--budget", "3e19", *flags])


def test_acceptance(path, capsys):
    assert ask(path, "--target", "C=1e22", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert all({"N", "D", "C"} <= set(row) for row in answer["runs"])
    assert sum(row["C"] for row in answer["runs"]) <= 3e19
    expected = answer["expected"]
    low, high = expected["after"]["interval"]
    assert low < expected["after"]["estimate"] < high
    assert high - low < np.diff(expected["grid"]["interval"])[0]
    assert np.diff(expected["grid"]["interval"])[0] < np.diff(expected["now"]["interval"])[0]
    assert 0 < answer["compute_share"] < 1


def test_text(path, capsys):
    assert ask(path, "--target", "N=10B,D=200B", "--sizes", "50M,100M,200M,400M,800M") == 0
    said = capsys.readouterr().out
    assert "N = 10B, D = 200B" in said
    assert "after the isoFLOP grid (15 runs)" in said
    assert "shows a bend" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--target", "C"], "NAME=VALUE"),
        (["--target", "N=7B"], "either C, or N and D"),
        (["--target", "C=1e22", "--budget", "1e9"], "buys no run"),
        (["--target", "C=1e22", "--widths", "1.5"], "whole positive"),
        (["--target", "C=1e22", "--level", "90"], "level"),
        (["--target", "C=1e22", "--fit", "nowhere.json"], "nowhere.json"),
        (["--budget", "cheap", "--target", "C=1e22"], "cheap"),
        ([], "--target"),
    ],
)
def test_wrong_input(path, capsys, flags, words):
    assert ask(path, *flags) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_file_that_is_no_fit_and_a_fit_without_samples(path, capsys, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"runs": []}')
    assert ask(other, "--target", "C=1e22") == 2
    assert "fit" in capsys.readouterr().err
    bare = tmp_path / "bare.json"
    document = json.loads(path.read_text())
    document["samples"] = None
    bare.write_text(msgspec.json.encode(document).decode())
    assert ask(bare, "--target", "C=1e22") == 2
    assert "--bootstrap 1000" in capsys.readouterr().err


def test_the_plain_verb_still_designs_a_sweep(capsys):
    flags = ["--budgets", "5e10", "--dry-run", "--json", "--quiet"]
    assert run(["design", *flags]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert run(["design", "sweep", *flags]) == 0
    assert json.loads(capsys.readouterr().out) == plain
    assert run(["design"]) == 2
    assert "--budgets" in capsys.readouterr().err
