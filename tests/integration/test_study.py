"""A whole study through the command line: real text, real training, a report, a resume."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FLAGS = ["--budgets", "4e9,8e9,1.6e10", "--widths", "8,16,24,32", "--no-probes", "--quiet"]


def isoflop(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "isoflop", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "tiny"
    done = isoflop("study", "--out", str(folder), *FLAGS, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def test_the_acceptance_document(study):
    folder, _ = study
    text = (folder / "result.json").read_text(encoding="utf-8")
    result = json.loads(text, parse_constant=refuse)
    assert Path(result["report"]).read_text(encoding="utf-8").startswith("<!")
    assert result["runs"]["finished"] == len(result["table"]["id"]) >= 12
    assert result["runs"]["failed"] == 0
    for name in ("approach1", "approach2", "approach3"):
        approach = result[name]
        assert approach["ok"] == (approach["N_exponent"] is not None)
        if approach["ok"]:
            low, high = approach["N_exponent"]["interval"]
            assert low < approach["N_exponent"]["estimate"] < high
    assert sum(result[f"approach{k}"]["ok"] for k in (1, 2, 3)) >= 2
    heldout = result["heldout"]
    assert heldout["interval"][0] < heldout["predicted"] < heldout["interval"][1]
    assert 1.0 < heldout["observed"] < 6.0
    for name in ("N", "D", "loss"):
        low, high = result["plan"][name]["interval"]
        assert 0 < low < result["plan"][name]["estimate"] < high
    assert result["plan"]["C"] == pytest.approx(10 * 1.6e10)


def test_models_learn(study):
    _, result = study
    table = result["table"]
    uniform = 6.24  # ln 512
    assert all(1.0 < loss < uniform - 1 for loss in table["loss"])


def test_the_same_command_repeats_nothing(study):
    folder, result = study
    files = {p: p.stat().st_mtime_ns for p in (folder / "runs").glob("*/run.json")}
    again = isoflop("study", "--out", str(folder), *FLAGS, "--json")
    assert again.returncode == 0, again.stderr
    assert {p: p.stat().st_mtime_ns for p in (folder / "runs").glob("*/run.json")} == files
    other = json.loads(again.stdout)
    for name in ("table", "approach2", "approach3", "heldout", "plan"):
        assert other[name] == result[name]


def test_the_other_verbs_read_the_folder(study):
    folder, result = study
    runs = isoflop("runs", str(folder), "--json")
    assert runs.returncode == 0, runs.stderr
    assert len(json.loads(runs.stdout)["runs"]) == len(result["table"]["id"])
    report = isoflop("report", str(folder), "--out", str(folder / "again.html"))
    assert report.returncode == 0, report.stderr
    assert (folder / "again.html").exists()
    fit = isoflop("fit", str(folder), "--bootstrap", "50", "--json")
    assert fit.returncode in (0, 1), fit.stderr
    assert json.loads(fit.stdout)["runs"] == len(result["table"]["id"])


def test_a_sweep_is_designed_and_trained(tmp_path):
    sweep, folder = tmp_path / "sweep.json", tmp_path / "runs"
    designed = isoflop(
        "design", "--budgets", "2e9", "--widths", "8,16", "--out", str(sweep), "--json"
    )
    assert designed.returncode == 0, designed.stderr
    asked = isoflop("train", str(sweep), "--out", str(folder), "--dry-run", "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["runs"] == json.loads(designed.stdout)["runs"]
    assert not folder.exists()
    trained = isoflop("train", str(sweep), "--out", str(folder), "--quiet", "--json")
    assert trained.returncode == 0, trained.stderr
    runs = json.loads(isoflop("runs", str(folder), "--json").stdout)["runs"]
    assert sorted(run["id"] for run in runs) == sorted(
        run["id"] for run in json.loads(designed.stdout)["runs"]
    )


def test_a_token_file_of_any_vocabulary(tmp_path):
    """GPT-2's ids, say: the models get the vocabulary that the file needs."""
    path, folder = tmp_path / "tokens.bin", tmp_path / "runs"
    tokens = np.cumsum(np.random.default_rng(0).integers(-3, 4, size=4096 * 30)) % 1000
    tokens.astype("<u2").tofile(path)
    sweep = tmp_path / "sweep.json"
    flags = ["--budgets", "4e9", "--widths", "8,16", "--corpus", str(path)]
    designed = isoflop("design", *flags, "--out", str(sweep), "--json")
    assert designed.returncode == 0, designed.stderr
    head = 8 * 1000  # width times vocabulary
    assert json.loads(designed.stdout)["runs"][0]["N"] == 2 * 12 * 8**2 + head
    trained = isoflop(
        "train", str(sweep), "--corpus", str(path), "--out", str(folder), "--quiet", "--json"
    )
    assert trained.returncode == 0, trained.stderr + trained.stdout
    (first, second) = json.loads(isoflop("runs", str(folder), "--json").stdout)["runs"]
    assert {first["vocab"], second["vocab"]} == {1000}
    assert max(first["loss"], second["loss"]) < np.log(1000) - 1
    assert first["bits_per_byte"] is None
