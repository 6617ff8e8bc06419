"""`isoflop fit --approach`: the approaches of Hoffmann et al. 2022 on a table or a study."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from isoflop.cli.main import run
from isoflop.protocols.settings import StudySettings
from isoflop.store import Store

LAW = {"E": 1.7, "A": 400.0, "alpha": 0.5, "B": 40.0, "beta": 0.2}


def best(C):
    a, b = LAW["alpha"], LAW["beta"]
    return (a * LAW["A"] / (b * LAW["B"])) ** (1 / (a + b)) * (C / 6) ** (b / (a + b))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = ["N,D,C,loss"]
    for C in (1e18, 1e19, 1e20, 1e21):
        for N in best(C) * np.geomspace(1 / 4, 4, 9):
            D = C / (6 * N)
            loss = LAW["E"] + LAW["A"] / N**0.5 + LAW["B"] / D**0.2 + rng.normal(0, 0.001)
            rows.append(f"{N},{D},{C},{loss}")
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def printed(capsys, arguments: list[str]) -> str:
    assert run(["fit", *arguments]) == 0
    return capsys.readouterr().out


def document(capsys, arguments: list[str]) -> dict:
    return json.loads(printed(capsys, [*arguments, "--json"]))


@pytest.fixture
def made_study_folder(tmp_path: Path) -> Path:
    from made_study import design_study, make_study

    settings = StudySettings(samples=100)
    store = Store(tmp_path / "study")
    specs = {spec.id: spec for spec in design_study(settings, "corpus").specs}
    store.add(specs.values())
    runs, points = make_study(settings)
    for made in runs:
        lines = msgspec.json.Encoder(enc_hook=float).encode_lines(points[made.id])
        (store.run_folder(made.id) / "points.jsonl").write_bytes(lines)
        with store.writer(made.id) as writer:
            loss, bits = float(made.loss or 0.0), float(made.bits_per_byte or 0.0)
            writer.finish(msgspec.structs.replace(made, loss=loss, bits_per_byte=bits))
    return tmp_path / "study"


@pytest.mark.parametrize("profile", ["parabola", "cubic", "akima", "corrected"])
def test_json_has_minima_with_intervals_bias_and_exponents(capsys, table, profile):
    arguments = [str(table), "--approach", "2", "--profile", profile, "--bootstrap", "100"]
    found = document(capsys, [*arguments, "--run-noise", "0.001"])["approach2"]
    assert found["ok"]
    assert found["details"]["profile"] == profile
    assert found["N_exponent"]["estimate"] == pytest.approx(2 / 7, abs=0.02)
    usable = [o for o in found["optima"] if o["status"] == "ok"]
    assert len(usable) >= 3
    for o in usable:
        low, high = o["N"]["interval"]
        assert low < o["N"]["estimate"] < high
        bias = o["bias_N"]
        assert abs(o["N"]["estimate"] / best(o["C"]) / (1 + bias) - 1) < (
            0.25 if profile == "akima" else 0.05
        )


def test_text_is_a_table_of_budgets_and_the_power_laws(capsys, table):
    out = printed(capsys, [str(table), "--approach", "2", "--bootstrap", "100"])
    lines = out.splitlines()
    assert lines[0].startswith("Approach 2: isoFLOP parabolas")
    assert any(line.startswith("budget") and "bias of N*" in line for line in lines)
    assert sum(line.startswith(("1e18", "1e19", "1e20", "1e21")) for line in lines) == 4
    assert any(line.startswith("N* = ") and "C^0.28" in line for line in lines)
    assert any(line.startswith("D* = ") for line in lines)
    assert "--profile corrected" in out


def test_a_budget_without_a_minimum_says_why(capsys, table):
    where = f"not (C == 1e21 and N > {best(1e21)})"
    out = printed(capsys, [str(table), "--approach", "2", "--bootstrap", "100", "--where", where])
    assert "the largest model" in out


def test_given_exponents(capsys, table):
    arguments = [str(table), "--approach", "2", "--profile", "corrected", "--bootstrap", "100"]
    found = document(capsys, [*arguments, "--exponents", "0.5,0.2"])["approach2"]
    assert any("(given)" in note for note in found["notes"])


def test_all_side_by_side(capsys, table):
    assert run(["fit", str(table), "--approach", "all", "--bootstrap", "100"]) == 1
    out = capsys.readouterr().out
    assert out.index("Approach 1") < out.index("Approach 2") < out.index("Approach 3")
    assert "training curves" in out  # a table has none: approach 1 says so
    assert "beta / (alpha + beta)" in out or "alpha" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "cubic"], ["--profile", "--approach"]),
        (["--approach", "2", "--law", "kaplan"], ["--law", "--approach"]),
        (["--approach", "2", "--exponents", "0.5,0.2"], ["--exponents", "corrected"]),
        (["--approach", "2", "--profile", "corrected", "--exponents", "0.5"], ["two"]),
        (["--approach", "1", "--profile", "cubic"], ["--profile", "2"]),
        (["--approach", "2", "--bootstrap", "0"], ["--bootstrap"]),
        (["--approach", "2", "--run-noise", "-1"], ["--run-noise"]),
    ],
)
def test_flags_that_do_not_go_together(capsys, table, arguments, words):
    assert run(["fit", str(table), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for word in words:
        assert word in captured.err


def test_approach_1_reads_a_studys_curves(capsys, tmp_path, made_study_folder):
    out = printed(capsys, [str(made_study_folder), "--approach", "all", "--bootstrap", "100"])
    assert "Approach 1: lower envelope" in out
    assert out.count("N* = ") == 3
