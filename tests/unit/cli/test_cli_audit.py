"""`isoflop audit` and `iso.audit`: output, exit codes, wrong input, tables of any kind."""

import csv
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from audited_runs import clean
from hypothesis import given, settings
from hypothesis import strategies as st

import isoflop as iso
from isoflop.cli.main import run
from isoflop.errors import InputError
from isoflop.runs.table import RunTable
from isoflop.validate.audit import Audit, audit_table


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    return clean().to_csv(tmp_path_factory.mktemp("sound") / "runs.csv")


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> Path:
    table = clean()
    loss = table["loss"].copy()
    loss[20] *= 1.2
    path = tmp_path_factory.mktemp("bad") / "runs.csv"
    return table.with_columns(loss=loss, C=table["C"] / 3).to_csv(path)


def document(capsys, *arguments, code):
    assert run(["audit", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_sound_table(capsys, sound):
    assert run(["audit", str(sound)]) == 0
    out = capsys.readouterr().out
    assert "nothing above a note" in out or "nothing wrong" in out
    assert "passed:" in out
    assert "not checked: units" in out
    assert document(capsys, sound, code=0)["sound"] is True


def test_findings_as_json(capsys, bad):
    found = document(capsys, bad, "--column", "N=N_all", "--target", "C=1e22", code=1)
    codes = {f["code"]: f for f in found["findings"]}
    assert {"outliers", "not-6nd", "extrapolation"} <= set(codes)
    for finding in found["findings"]:
        assert finding["severity"] in ("error", "warning", "note")
        assert finding["remedy"]
        assert all(isinstance(x, float | int) for x in finding["numbers"].values())
    move = codes["outliers"]["moves"][0]
    assert set(move) == {"what", "now", "then", "how"}
    assert codes["extrapolation"]["numbers"]["decades"] > 1
    assert all(skip["reason"] for skip in found["skipped"])
    assert msgspec.convert(found, Audit).findings[0].code == found["findings"][0]["code"]


def test_findings_as_text(capsys, bad):
    assert run(["audit", str(bad)]) == 1
    out = capsys.readouterr().out
    assert "warning [outliers]" in out
    assert "exponent of N*:" in out
    assert "->" in out
    assert "Besiroglu" in out


def test_a_fit_that_is_given(capsys, sound, tmp_path):
    path = tmp_path / "fit.json"
    assert run(["fit", str(sound), "--bootstrap", "0", "--out", str(path)]) == 0
    capsys.readouterr()
    found = document(capsys, sound, "--fit", path, code=0)
    assert "fit" in {f["code"] for f in found["passed"]}
    assert "fit" not in {s["check"] for s in found["skipped"]}


def test_python_and_command_line_agree(capsys, bad):
    found = document(capsys, bad, "--where", "N > 1e7", code=1)
    again = msgspec.json.encode(iso.audit(bad, where="N > 1e7"))
    assert json.loads(again) == found
    table = iso.load(bad)
    assert iso.audit(table).findings == iso.audit(str(bad)).findings


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere.csv"], "does not exist"),
        (["SOUND", "--target", "N=1e9"], "--target"),
        (["SOUND", "--target", "C=soon"], "soon"),
        (["SOUND", "--target", "C=0"], "positive"),
        (["SOUND", "--column", "N=nope"], "nope"),
        (["SOUND", "--where", "N >"], "N >"),
        (["SOUND", "--fit", "nowhere.json"], "nowhere.json"),
        (["SOUND", "--law", "chinchila"], "chinchila"),
        (["SOUND", "--law", "gadre"], "--column M="),
    ],
)
def test_wrong_input_is_one_clear_error(capsys, sound, arguments, word):
    arguments = [str(sound) if a == "SOUND" else a for a in arguments]
    assert run(["audit", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert word in captured.err
    assert "Traceback" not in captured.err


def test_a_target_that_is_not_positive():
    with pytest.raises(InputError):
        iso.audit(clean(), target=-1.0)


def test_a_table_without_anything_to_check(capsys, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    found = document(capsys, path, code=1)
    assert found["findings"][0]["code"] == "missing"
    assert "--column N=" in found["findings"][0]["remedy"]
    assert len(found["skipped"]) > 15


@pytest.mark.parametrize("lost", ["N", "D", "C", "loss"])
def test_a_table_that_lacks_a_column(lost):
    table = clean()
    audit = audit_table(table.select(*(n for n in ("N", "D", "C", "loss") if n != lost)))
    if lost in ("N", "loss"):
        assert not audit.sound
        assert audit.answer == {}
    else:
        assert audit.answer["exponent of N*"].estimate == pytest.approx(0.513, abs=0.03)


def test_few_runs():
    for rows in (0, 1, 2, 3, 5, 9):
        audit = audit_table(clean().take(np.arange(rows)))
        assert audit.runs == rows


VALUES = st.one_of(
    st.floats(1e-3, 1e25), st.sampled_from([0.0, -1.0, 1.0, float("nan"), float("inf"), 7e8])
)
NAMES = ("N", "D", "C", "loss", "U", "lr", "batch", "steps", "budget", "bits_per_byte", "seed")
TEXTS = ("run", "status", "recipe", "role", "kind", "param_convention")


@settings(max_examples=60)
@given(st.data())
def test_no_table_makes_it_fail(data):
    rows = data.draw(st.integers(1, 14))
    columns = {
        name: data.draw(st.lists(VALUES, min_size=rows, max_size=rows))
        for name in data.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    }
    words = st.sampled_from(["a", "b", "finished", "lr_probe", ""])
    for name in data.draw(st.lists(st.sampled_from(TEXTS), unique=True)):
        columns[name] = data.draw(st.lists(words, min_size=rows, max_size=rows))
    with np.errstate(all="ignore"):
        audit = audit_table(RunTable.from_columns(columns))
    assert msgspec.json.encode(audit)


def test_text_in_a_file_where_numbers_belong(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        rows = [["N", "D", "loss"], ["70B", "1.4T", "high"], ["7B", "140B", "low"]]
        csv.writer(file).writerows(rows)
    found = document(capsys, path, code=1)
    assert "loss" in found["findings"][0]["message"]
