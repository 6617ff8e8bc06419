"""Wrong input at the command line: one clear error on stderr, the right code, no traceback."""

import json
from pathlib import Path

import msgspec
import pytest
from made_study import make_study

from isoflop.cli.main import run
from isoflop.protocols.settings import quick

HEADER = "N,D,C,loss\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = []
    for C in (1e18, 1e19, 1e20):
        for k in (0.25, 0.5, 1.0, 2.0, 4.0):
            N = k * 0.1 * C**0.5
            D = C / (6 * N)
            rows.append(f"{N},{D},{C},{1.7 + 400 / N**0.34 + 410 / D**0.28}")
    path = tmp_path / "runs.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], *words: str, code: int = 2):
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err


@pytest.mark.parametrize("verb", ["study", "design", "train", "runs", "fit", "validate", "plan"])
def test_unknown_flags(capsys, verb):
    fails(capsys, [verb, "--no-such-flag"], "--no-such-flag")


def test_unknown_verb(capsys):
    fails(capsys, ["fti"], "fti")


@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "nowhere.csv"],
        ["fit", "nowhere.csv"],
        ["validate", "nowhere.csv"],
        ["plan", "nowhere.csv", "--budget", "1e20"],
        ["train", "nowhere.json"],
        ["report", "nowhere"],
        ["study", "--corpus", "nowhere", "--out", "x"],
    ],
)
def test_missing_files(capsys, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    fails(capsys, arguments, "nowhere")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("flag", ["--corpus", "--out"])
def test_an_empty_path_is_not_the_current_folder(capsys, flag):
    """As of a shell variable that is not set."""
    fails(capsys, ["study", "--dry-run", flag, ""], flag, "names no file or folder")


def test_a_corpus_without_text_says_so(capsys, tmp_path):
    text = tmp_path / "text"
    text.mkdir()
    (text / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    out = tmp_path / "out"
    fails(capsys, ["study", "--corpus", str(text), "--out", str(out)], "no text", "not UTF-8")
    assert not out.exists()


def test_a_table_without_the_columns_names_those_it_has(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("size,perplexity\n1,2\n")
    fails(capsys, ["fit", str(path)], "size", "--column")


def test_malformed_run_files(capsys, tmp_path):
    folder = tmp_path / "study" / "runs" / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"id": "0123')
    fails(capsys, ["runs", str(tmp_path / "study")], "run.json")
    assert (folder / "run.json").read_text() == '{"id": "0123'


def test_a_sweep_that_is_none(capsys, tmp_path):
    path = tmp_path / "sweep.json"
    path.write_text("[1, 2]")
    fails(capsys, ["train", str(path)], "sweep")


def test_a_corpus_too_small_for_the_budget(capsys, tmp_path):
    text = tmp_path / "text"
    text.mkdir()
    for i in range(60):
        words = " ".join(f"w{(i * 37 + k * k) % 997}" for k in range(400))
        (text / f"{i}.txt").write_text(words)
    out = tmp_path / "out"
    fails(capsys, ["study", "--corpus", str(text), "--out", str(out)], "tokens", "--corpus")
    assert not out.exists()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--budgets", "5e10"], "budget"),
        (["--budgets", "0,1,2"], "positive"),
        (["--budgets", "cheap"], "cheap"),
        (["--budgets", "5e10,1e11,2e11", "--sizes", "2"], "sizes"),
        (["--budgets", "5e10,1e11,2e11", "--widths", "12"], "head"),
        (["--budgets", "5e10,1e11", "--heldout", "6e10"], "larger"),
        (["--level", "90"], "level"),
        (["--workers", "0"], "workers"),
    ],
)
def test_impossible_studies(capsys, tmp_path, monkeypatch, flags, word):
    monkeypatch.chdir(tmp_path)
    fails(capsys, ["study", "--dry-run", "--quiet", *flags], word)


def test_a_folder_that_cannot_be_made(capsys, tmp_path):
    (tmp_path / "file").write_text("kept")
    out = tmp_path / "file" / "study"
    fails(capsys, ["study", "--quick", "--quiet", "--out", str(out)], str(out), "lost")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_full_disk_is_named(capsys, table):
    assert run(["runs", str(table), "--out", "/dev/full"]) == 2
    told = capsys.readouterr().err
    assert "No space left" in told
    assert "Free some space" in told


def test_a_bad_condition_gets_a_caret(capsys, table):
    fails(capsys, ["runs", str(table), "--where", "loss <"], "^")
    fails(capsys, ["runs", str(table), "--where", "__import__('os')"], "^")


def test_a_bad_formula_gets_a_caret(capsys, table):
    fails(capsys, ["fit", str(table), "--law", "E + A/N^"], "^")


def test_an_unknown_law_names_the_known_ones(capsys, table):
    fails(capsys, ["fit", str(table), "--law", "chinchila"], "chinchilla")


def test_nothing_held_out(capsys, table):
    fails(capsys, ["validate", str(table), "--holdout", "C > 1e30"], "holds out 0")


def test_the_verbs_work_on_a_table(capsys, table):
    assert run(["runs", str(table), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 15
    assert run(["plan", str(table), "--budget", "1e21", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    G = (0.34 * 400 / (0.28 * 410)) ** (1 / 0.62)
    assert plan["by_model"]["approach3"]["N"]["estimate"] == pytest.approx(
        G * (1e21 / 6) ** (0.28 / 0.62), rel=0.01
    )
    assert run(["validate", str(table), "--json"]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["cells"]
    assert run(["fit", str(table), "--bootstrap", "0", "--json"]) in (0, 1)
    fit = json.loads(capsys.readouterr().out)
    assert fit["estimate"]["alpha"] == pytest.approx(0.34, abs=1e-4)
    assert fit["intervals"] is None


def test_the_table_of_a_study_is_in_order_and_says_how_it_counts(capsys, tmp_path):
    runs, _ = make_study(quick())
    for made in runs:
        folder = tmp_path / "study" / "runs" / made.id
        folder.mkdir(parents=True)
        (folder / "run.json").write_bytes(msgspec.json.encode(made))
    assert run(["runs", str(tmp_path / "study")]) == 0
    header, *rows, last = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["role", "budget", "N"]
    roles = [(row.split()[0], float(row.split()[1])) for row in rows]
    assert len(rows) == len(runs)
    assert roles == sorted(roles)
    assert last.startswith(f"{len(runs)} runs")
    assert "N matrices+head" in last
    assert "loss nats/token" in last


def test_a_condition_holds_out_the_runs_it_names(capsys, table, tmp_path):
    out = tmp_path / "answer.json"
    flags = ["--holdout", "C > 5e19", "--json", "--out", str(out)]
    assert run(["validate", str(table), *flags]) in (0, 1)
    answer = json.loads(capsys.readouterr().out)
    assert json.loads(out.read_bytes()) == answer
    assert [cell["C"] for cell in answer["cells"]] == [1e20] * 5
    assert max(answer["fitted_budgets"]) == pytest.approx(1e19)


def test_known_noise_is_a_number_or_a_column(capsys, table):
    arguments = ["fit", str(table), "--bootstrap", "0", "--noise", "squared", "--json"]
    objectives = []
    for sigma in ("0.01", "0.02"):
        assert run([*arguments, "--sigma", sigma]) in (0, 1)
        fit = json.loads(capsys.readouterr().out)
        assert fit["settings"]["sigma"] == float(sigma)
        objectives.append(fit["estimate"]["alpha"])
    assert objectives[0] == pytest.approx(objectives[1], rel=1e-6)
    fails(capsys, [*arguments, "--sigma", "no_such_column"], "no_such_column")


def test_runs_of_two_corpora_do_not_fit_together(capsys, tmp_path):
    runs, _ = make_study(quick())
    runs[0] = msgspec.structs.replace(runs[0], corpus="another")
    for run_ in runs:
        folder = tmp_path / "study" / "runs" / run_.id
        folder.mkdir(parents=True)
        (folder / "run.json").write_bytes(msgspec.json.encode(run_))
    fails(capsys, ["fit", str(tmp_path / "study")], "corpus", "another")
    fails(capsys, ["plan", str(tmp_path / "study"), "--budget", "1e13"], "corpus")
