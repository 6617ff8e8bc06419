"""`isoflop predict` and `isoflop validate --law` as a user calls them."""

import json

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.cli.predict import points_of
from isoflop.errors import InputError
from isoflop.runs.table import RunTable
from isoflop.validate.prediction import Prediction

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)
AT = ["--at", "N=70B,D=1.4T"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    RunTable.from_columns(isoflop_runs(budgets=BUDGETS, noise=0.003)).to_csv(folder / "runs.csv")
    fit = [str(folder / "runs.csv"), "--bootstrap", "100", "--no-sensitivity"]
    assert run(["fit", *fit, "--out", str(folder / "fit.json")]) == 0
    return folder


def printed(capsys, arguments, code=0):
    assert run(arguments) == code
    return json.loads(capsys.readouterr().out)


def test_runs(capsys, folder, tmp_path):
    out = tmp_path / "prediction.json"
    start = ["predict", str(folder / "runs.csv"), "--law", "chinchilla"]
    found = printed(
        capsys,
        [*start, *AT, "--at", "N=300M,D=10B", "--out", str(out), "--json"],
    )
    far, near = found["predictions"]
    assert far["inputs"] == {"N": 70e9, "D": 1.4e12}
    assert far["distance"] == pytest.approx(np.log10(6 * 70e9 * 1.4e12 / 1e20))
    assert near["distance"] == 0
    for line in (far, near):
        (low, high), (inner, outer) = line["new_run"], line["samples_only"]
        assert low < line["estimate"] < high
        assert high - low > outer - inner
        assert line["coverage"]["nominal"] == 0.9
        assert "past hold-outs" in line["coverage"]["text"]
    assert Prediction.from_json(out.read_bytes()).samples.shape == (1000, 2)


def test_a_fit(capsys, folder):
    alone = printed(capsys, ["predict", str(folder / "fit.json"), *AT, "--json"])
    both = ["--runs", str(folder / "runs.csv")]
    known = printed(capsys, ["predict", str(folder / "fit.json"), *both, *AT, "--json"])
    assert alone["widening"]["folds"] == 0
    assert known["widening"]["folds"] == 3
    assert alone["predictions"][0]["estimate"] == known["predictions"][0]["estimate"]
    assert alone["predictions"][0]["distance"] < known["predictions"][0]["distance"]


def test_text(capsys, folder):
    assert run(["predict", str(folder / "runs.csv"), "--law", "chinchilla", *AT]) == 0
    text = capsys.readouterr().out
    assert "N = 70B, D = 1.4T" in text
    assert "decades outside the runs; 90 % nominal; on" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "N=70B"], "needs D"),
        (["--at", "70B"], "NAME=VALUE"),
        (["--at", "N=70X,D=1T"], "70X"),
        (["--at", "N=1B,D=1T", "--at", "N=1B"], "different inputs"),
        ([*AT, "--level", "1.5"], "not between 0 and 1"),
        ([*AT, "--law", "chinchila"], "chinchilla"),
        (["--at", "N=big,D=1T"], "number"),
        ([*AT, "--runs", "other.csv"], "--runs"),
    ],
)
def test_wrong_arguments(capsys, folder, arguments, words):
    assert run(["predict", str(folder / "runs.csv"), *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_not_a_fit(capsys, tmp_path, folder):
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert run(["predict", str(other), *AT]) == 2
    assert "not a fit" in capsys.readouterr().err
    assert run(["predict", str(folder / "fit.json"), "--law", "kaplan", *AT]) == 2
    assert "is a fit" in capsys.readouterr().err


def test_points_keep_words_and_read_counts():
    found = points_of(["N=70B,corpus=web", "N=1e9,corpus=code"])
    assert found["N"].tolist() == [70e9, 1e9]
    assert found["corpus"].tolist() == ["web", "code"]
    with pytest.raises(InputError):
        points_of(["=3"])


def test_validate_laws(capsys, folder):
    laws = ["--law", "chinchilla", "--law", "A/N^alpha + B/D^beta"]
    arguments = ["validate", str(folder / "runs.csv"), *laws, "--holdout", "C > 2e19"]
    found = printed(capsys, [*arguments, "--json"])
    for key in ("errors", "skill", "coverage"):
        assert set(found[key]) == {"chinchilla", "A/N^alpha + B/D^beta", "ensemble"}
    assert found["ranking"][0]["law"] == "chinchilla"
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert "skill of chinchilla" in text
    assert "(paired, by run)" in text


def test_validate_without_laws_has_the_same_keys(capsys, folder):
    found = printed(capsys, ["validate", str(folder / "runs.csv"), "--json"])
    assert set(found["errors"]) == {"ensemble", "approach2", "approach3"}
    assert found["errors"]["ensemble"]["log"] < 0.05
    assert "straight line" in found["skill"]["ensemble"]
    assert 0 <= found["coverage"] <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--holdout", "rolling"], "needs a law"),
        (["--noise", "squared"], "--law"),
        (["--law", "chinchilla", "--holdout", "C > 1e30"], "holds out 0 of 35"),
        (["--law", "chinchilla", "--law", "chinchilla"], "2 laws are given, 1"),
        (["--law", "chinchilla", "--output", "accuracy"], "accuracy"),
    ],
)
def test_validate_wrong_arguments(capsys, folder, arguments, words):
    assert run(["validate", str(folder / "runs.csv"), *arguments]) == 2
    assert words in capsys.readouterr().err
