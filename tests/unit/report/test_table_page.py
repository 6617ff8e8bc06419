"""The page of a table of runs: nothing of a trainer in it, everything as the table counts it."""

import re

import msgspec
import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.protocols.from_table import analyse_table
from isoflop.protocols.models import Settings
from isoflop.protocols.result import StudyResult
from isoflop.report import render, summary_text, write_report
from isoflop.report.figures import isoflop_parabolas
from isoflop.report.figures.heldout import drawn
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable

RUNS = isoflop_runs(budgets=(1e18, 3e18, 1e19, 3e19, 1e20), span=8.0, noise=0.002)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    RunTable.from_columns({n: RUNS[n] for n in ("N", "D", "loss")}).to_csv(path)
    return path


def words(document):
    """The text of a page outside scripts and styles."""
    bare = re.sub(r"<(script|style).*?</\1>", " ", document, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_the_page_says_how_the_table_counts():
    runs = RunTable.from_columns(RUNS, convention=Convention(N="all", loss="nats/token"))
    text = words(render(analyse_table(runs, target=1e21, settings=Settings(samples=100))))
    assert "isoflop report of a table" in text
    assert "N counts all, C is training compute, FLOPs as the table counts them." in text
    assert "Training tokens, as the table has them (unstated)" in text
    for foreign in ("Corpus", "Where the time went", "exact FLOPs", "is not drawn", "this study"):
        assert foreign not in text


def test_the_verb_writes_it_and_prints_the_answer(source, tmp_path, capsys):
    out = tmp_path / "page.html"
    say = ["--state", "loss=nats/token", "--target", "1e21", "--out", str(out)]
    assert run(["report", str(source), *say]) == 0
    told = capsys.readouterr()
    assert "With 10²¹ training FLOPs, train a model of" in told.out
    assert told.out.rstrip().endswith(f"Report: {out}")
    assert "The table has no C; it is counted as 6ND." in told.err
    assert "FLOPs counted as 6ND" in words(out.read_text())


def test_what_it_cannot_say_is_asked_for(source, capsys):
    assert run(["report", str(source)]) == 2
    assert "--state loss=nats/token" in capsys.readouterr().err


def test_flags_of_a_table_are_refused_for_a_study(tmp_path, capsys):
    assert run(["report", str(tmp_path), "--target", "1e21", "--seed", "1"]) == 2
    assert "--target, --seed has no effect on a finished study." in capsys.readouterr().err


def test_from_python(tmp_path):
    runs = RunTable.from_columns(RUNS, convention=Convention(N="all", loss="nats/token"))
    path = write_report(runs, tmp_path / "page.html", settings=Settings(samples=50))
    assert "isoflop report of a table" in path.read_text()


def test_an_open_interval_is_kept_and_not_praised():
    runs = RunTable.from_columns(RUNS, convention=Convention(N="all", loss="nats/token"))
    result = analyse_table(runs, settings=Settings(samples=50))
    first, *rest = result.heldout.cells
    cells = [msgspec.structs.replace(first, interval=(None, None)), *rest]
    held = msgspec.structs.replace(result.heldout, cells=cells, interval=(None, None))
    result = msgspec.structs.replace(result, heldout=held)
    read = msgspec.json.decode(msgspec.json.encode(result), type=StudyResult)
    assert read.heldout == held
    assert "! Held-out prediction" in " ".join(summary_text(read).split())
    assert "Intervals that are open, and so hold anything: 1." in words(render(read))


def test_many_held_out_runs_are_thinned_and_said():
    runs = RunTable.from_columns(RUNS, convention=Convention(N="all", loss="nats/token"))
    result = analyse_table(runs, holdout="C > 5e18", settings=Settings(samples=50))
    assert len(result.heldout.cells) == 21
    sizes = [cell.N for cell in drawn(result)]
    every = sorted(cell.N for cell in result.heldout.cells)
    assert len(sizes) == 12
    assert (sizes[0], sizes[-1]) == (every[0], every[-1])
    assert sizes == sorted(sizes)
    assert "12 of 21 runs are drawn." in words(render(result))


def test_budgets_of_too_few_sizes_share_one_look():
    N = 1e8 * 1.3 ** np.arange(9)
    alone = {"N": N, "D": 1e17 * 3.0 ** np.arange(9) / (6 * N), "loss": 4.0 - 0.1 * np.arange(9)}
    table = {name: np.concatenate([RUNS[name], alone[name]]) for name in ("N", "D", "loss")}
    runs = RunTable.from_columns(table, convention=Convention(N="all", loss="nats/token"))
    figure = isoflop_parabolas(analyse_table(runs, settings=Settings(samples=50)))
    names = [trace.name for trace in figure.data if trace.mode == "markers"]
    assert names.count("budgets of too few sizes") == 1
    assert not any("too few)" in name for name in names)
    shown = sum(len(trace.x) for trace in figure.data if trace.mode == "markers")
    assert shown >= len(runs)  # every run is there; the rest are minima
