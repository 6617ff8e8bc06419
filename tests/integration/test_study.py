"""A whole study through the command line: real text, real training, a report, a resume."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

FLAGS = ["--budgets", "4e9,8e9,1.6e10", "--widths", "8,16,24,32", "--no-probes", "--quiet"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def isoflop(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ISOFLOP_CACHE": str(cache)}
    command = [sys.executable, "-m", "isoflop", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def study(cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "tiny"
    done = isoflop(cache, "study", "--out", str(folder), *FLAGS, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_acceptance_keys_are_there(study):
    folder, result = study
    assert Path(result["report"]).read_text(encoding="utf-8").startswith("<!")
    assert result["runs"]["finished"] >= 12
    assert result["runs"]["failed"] == 0
    for name in ("approach1", "approach2", "approach3"):
        assert "N_exponent" in result[name]
    assert result["heldout"] is None or {"predicted", "interval", "observed"} <= set(
        result["heldout"]
    )
    assert (folder / "result.json").exists()


def test_models_learn(study):
    _, result = study
    table = result["table"]
    uniform = 6.24  # ln 512
    assert all(1.0 < loss < uniform - 1 for loss in table["loss"])


def test_the_same_command_repeats_nothing(cache, study):
    folder, result = study
    files = {p: p.stat().st_mtime_ns for p in (folder / "runs").glob("*/run.json")}
    again = isoflop(cache, "study", "--out", str(folder), *FLAGS, "--json")
    assert again.returncode == 0, again.stderr
    assert {p: p.stat().st_mtime_ns for p in (folder / "runs").glob("*/run.json")} == files
    other = json.loads(again.stdout)
    for name in ("table", "approach2", "approach3", "heldout", "plan"):
        assert other[name] == result[name]


def test_the_other_verbs_read_the_folder(cache, study):
    folder, result = study
    runs = isoflop(cache, "runs", str(folder), "--json")
    assert runs.returncode == 0, runs.stderr
    assert len(json.loads(runs.stdout)["runs"]) == len(result["table"]["id"])
    report = isoflop(cache, "report", str(folder), "--out", str(folder / "again.html"))
    assert report.returncode == 0, report.stderr
    assert (folder / "again.html").exists()
    fit = isoflop(cache, "fit", str(folder), "--bootstrap", "50", "--json")
    assert fit.returncode in (0, 1), fit.stderr
    assert json.loads(fit.stdout)["runs"] == len(result["table"]["id"])


def test_a_sweep_is_designed_and_trained(cache, tmp_path):
    sweep, folder = tmp_path / "sweep.json", tmp_path / "runs"
    designed = isoflop(
        cache, "design", "--budgets", "2e9", "--widths", "8,16", "--out", str(sweep), "--json"
    )
    assert designed.returncode == 0, designed.stderr
    trained = isoflop(cache, "train", str(sweep), "--out", str(folder), "--quiet", "--json")
    assert trained.returncode == 0, trained.stderr
    runs = json.loads(isoflop(cache, "runs", str(folder), "--json").stdout)["runs"]
    assert sorted(run["id"] for run in runs) == sorted(
        run["id"] for run in json.loads(designed.stdout)["runs"]
    )
