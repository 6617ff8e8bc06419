"""`isoflop data` and `isoflop replay` as a user runs them, right and wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isoflop.cli.main import run
from isoflop.protocols.replay import names
from isoflop.runs import public

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def run_json(capsys, *arguments):
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_list_and_show(capsys):
    code, listed = run_json(capsys, "data", "list")
    assert code == 0
    assert [entry["name"] for entry in listed] == public.names()
    code, shown = run_json(capsys, "data", "show", "gadre-overtraining")
    assert code == 0
    assert len(shown["files"]) == 208
    assert shown["convention"]["C"] == "6ND"
    assert run(["data", "show", "gadre-overtraining"]) == 0
    out = capsys.readouterr().out
    assert "and 188 more" in out
    assert "licence   MIT" in out


def test_an_unknown_table_is_one_clear_error(capsys):
    assert run(["data", "fetch", "chinchilla"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("InputError: no public table is named `chinchilla`.")
    assert "Traceback" not in error


def test_a_folder_without_the_table(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    assert run(["data", "fetch", "evo-optima"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("DataError: ISOFLOP_DATA is")
    assert "unset ISOFLOP_DATA" in error


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public tables ../shared/data are absent")
def test_fetch_writes_a_table_that_fits(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(DATA))
    out = tmp_path / "runs.csv"
    code, found = run_json(capsys, "data", "fetch", "chinchilla-epoch-svg", "--out", str(out))
    assert code == 0
    assert found["runs"] == 245
    assert found["out"] == str(out)
    code = run(["fit", str(out), "--where", "epoch_outlier == 0", "--law", "chinchilla", "--json"])
    assert code == 0
    assert json.loads(capsys.readouterr().out)["estimate"]["beta"] == pytest.approx(
        0.36717, abs=1e-4
    )


def test_replays_are_listed(capsys):
    code, listed = run_json(capsys, "replay")
    assert code == 0
    assert [item["name"] for item in listed] == names()
    assert names()[0] == "kaplan-chinchilla"
    assert {"gadre-overtraining", "openclip", "olmo-ladder"} <= set(names())


def test_an_unknown_replay_is_one_clear_error(capsys):
    assert run(["replay", "chinchilla"]) == 2
    error = capsys.readouterr().err
    assert "kaplan-chinchilla" in error
    assert "Traceback" not in error


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="the public tables ../shared/data are absent")
def test_steps_of_a_replay_as_json(capsys, monkeypatch):
    monkeypatch.setenv("ISOFLOP_DATA", str(DATA))
    code, found = run_json(capsys, "replay", "gadre-overtraining")
    assert code == 0
    wanted = {"name", "computed", "published", "interval", "agrees", "text", "part"}
    assert all(wanted <= set(step) for step in found["steps"])
    headline = [step for step in found["steps"] if step["published"] is not None]
    assert [step["published"] for step in headline] == [0.7103, 0.732, 3.6365, 0.0464]
    assert all(step["agrees"] for step in headline)


def test_a_replay_without_its_data_still_answers(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    page = tmp_path / "saga.html"
    assert run(["replay", "kaplan-chinchilla", "--out", str(page), "--quiet"]) == 0
    assert "Not computed here" in capsys.readouterr().out
    assert page.stat().st_size > 1e6
