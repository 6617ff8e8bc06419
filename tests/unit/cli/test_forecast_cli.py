"""`isoflop forecast`: its document, its text, its errors, and that hidden rows stay hidden."""

import json
from pathlib import Path

import numpy as np
import pytest

from isoflop.cli.main import run

X = np.geomspace(1e6, 1e9, 24)


def write(path: Path, change=lambda split, y: y, keep=lambda split: True) -> Path:
    rng = np.random.default_rng(0)
    rows = ["curve,seen,loss,split"]
    for curve, floor in (("a", 0.2), ("b|1", 0.5)):
        for i, x in enumerate(X):
            split = "train" if i < 18 else "test"
            y = (floor + 200 * x**-0.4) * np.exp(rng.normal(0, 0.005))
            if keep(split):
                rows.append(f"{curve},{x!r},{change(split, y)!r},{split}")
    path.write_text("\n".join(rows).replace("np.float64(", "").replace(")", "") + "\n")
    return path


ARGUMENTS = ["--x", "seen", "--y", "loss", "--group", "curve", "--train", "split == 'train'"]


def document(capsys, path: Path, *more: str) -> dict:
    assert run(["forecast", str(path), *ARGUMENTS, *more, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def bare(groups: list[dict]) -> list:
    keys = ("x", "median", "low", "high")
    return [[[p[k] for k in keys] for p in group["predictions"]] for group in groups]


def test_document(capsys, tmp_path):
    found = document(capsys, write(tmp_path / "curves.csv"))["groups"]
    assert [group["group"] for group in found] == ["a", "b|1"]
    for group in found:
        assert [p["x"] for p in group["predictions"]] == pytest.approx(X[18:])
        assert all(p["low"] < p["median"] < p["high"] for p in group["predictions"])
        assert group["rmsle"] < 0.02
        error = [np.log(p["median"] / p["observed"]) for p in group["predictions"]]
        assert group["rmsle"] == pytest.approx(np.sqrt(np.mean(np.square(error))))
        assert sum(group["weights"].values()) == pytest.approx(1, abs=1e-5)


def test_hidden_rows_have_no_influence(capsys, tmp_path):
    plain = document(capsys, write(tmp_path / "plain.csv"))["groups"]
    values = iter(np.random.default_rng(1).uniform(1e-3, 1e3, 99))

    def scramble(split, y):
        return y if split == "train" else float(next(values))

    other = document(capsys, write(tmp_path / "other.csv", change=scramble))["groups"]
    assert bare(other) == bare(plain)
    assert other[0]["rmsle"] != plain[0]["rmsle"]


def test_hidden_rows_may_be_unknown_or_absent(capsys, tmp_path):
    plain = document(capsys, write(tmp_path / "plain.csv"))["groups"]
    unknown = write(tmp_path / "unknown.csv", change=lambda s, y: y if s == "train" else "")
    unknown.write_text(unknown.read_text().replace("''", ""))
    found = document(capsys, unknown)["groups"]
    assert bare(found) == bare(plain)
    assert all(group["rmsle"] is None and group["coverage"] is None for group in found)
    absent = write(tmp_path / "absent.csv", keep=lambda s: s == "train")
    at = ",".join(f"{float(x)!r}" for x in X[18:])
    asked = document(capsys, absent, "--at", at)["groups"]
    for mine, theirs in zip(bare(asked), bare(plain), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_one_curve_without_groups_and_conditions(capsys, tmp_path):
    path = write(tmp_path / "curves.csv")
    arguments = ["forecast", str(path), "--x", "seen", "--y", "loss", "--where", "curve == 'a'"]
    assert run([*arguments, "--at", "2e9,1e10", "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert group["group"] == ""
    assert [p["x"] for p in group["predictions"]] == [2e9, 1e10]
    assert group["training_rows"] == 24
    assert group["decades"] == pytest.approx(1)


def test_text(capsys, tmp_path):
    assert run(["forecast", str(write(tmp_path / "curves.csv")), *ARGUMENTS]) == 0
    out = capsys.readouterr().out
    assert "a: 18 training rows to seen = " in out
    assert "90 % of one evaluation" in out
    assert "RMSLE 0.0" in out
    assert "weights: " in out


def test_a_group_that_cannot_be_forecast_does_not_stop_the_others(capsys, tmp_path):
    path = write(tmp_path / "curves.csv")
    plain = document(capsys, path)["groups"]
    more = ["few,1e6,0.5,train", "few,2e6,0.4,train", "few,4e6,0.3,test"]
    more += [f"done,{x:g},0.5,train" for x in X] + [f"zero,{x:g},0,train" for x in X]
    path.write_text(path.read_text() + "\n".join([*more, "zero,2e9,0.1,test"]) + "\n")
    found = document(capsys, path)["groups"]
    assert bare(found[:2]) == bare(plain)
    assert [group["group"] for group in found[2:]] == ["few", "done", "zero"]
    reasons = ("2 training rows of `few`", "nothing to predict for `done`", "not positive numbers")
    for group, reason in zip(found[2:], reasons, strict=True):
        assert group["predictions"] == []
        assert group["rmsle"] is None
        assert group["noise"] is None
        assert reason in group["notes"][0]
    assert run(["forecast", str(path), *ARGUMENTS]) == 0
    assert "few: 2 training rows\nno forecast: 2 training rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["--x", "seen", "--y", "loss"], "nothing to predict", 2),
        (["--x", "seen", "--y", "split", "--at", "2e9"], "is text, not numbers", 2),
        (["--x", "none", "--y", "loss", "--at", "2e9"], "no column `none`", 2),
        ([*ARGUMENTS[:-1], "split == 'x'"], "no row of 48 meets", 2),
        ([*ARGUMENTS[:-1], "seen < 1.5e6"], "are too few", 1),
        ([*ARGUMENTS, "--at=-1"], "-1", 2),
        ([*ARGUMENTS, "--level", "1.5"], "not between 0 and 1", 2),
    ],
)
def test_wrong_input(capsys, tmp_path, arguments, words, code):
    assert run(["forecast", str(write(tmp_path / "curves.csv")), *arguments]) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert not captured.out


def test_rows_before_the_first_step_and_gaps_of_a_chart_are_left_out_and_told(capsys, tmp_path):
    path = tmp_path / "x.csv"
    rows = [f"{x},{2 + 30 * x**-0.5}" for x in (10, 20, 40, 80, 160, 320)]
    path.write_text("\n".join(["step,loss", "0,11.0", *rows, "30,"]) + "\n")
    assert run(["forecast", str(path), "--x", "step", "--y", "loss", "--at", "640", "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert group["training_rows"] == 6
    assert (
        "training rows left out: 1 at x = 0, which has no logarithm and 1 without a y"
        in (group["notes"])
    )
    assert run(["forecast", str(path), "--x", "step", "--y", "loss", "--at", "-3"]) == 2


def test_several_curves_read_as_one_are_told(capsys, tmp_path):
    path = tmp_path / "x.csv"
    rows = [f"{x},{f * (2 + 30 * x**-0.5)}" for x in (10, 20, 40, 80, 160) for f in (1, 1.02, 3)]
    path.write_text("\n".join(["step,loss", *rows]) + "\n")
    assert run(["forecast", str(path), "--x", "step", "--y", "loss", "--at", "640"]) == 0
    assert "at one x rows differ by a factor of 3" in capsys.readouterr().out
    alike = [row for row in rows if not row.endswith(tuple(rows[2::3]))]
    path.write_text("\n".join(["step,loss", *alike]) + "\n")
    assert run(["forecast", str(path), "--x", "step", "--y", "loss", "--at", "640"]) == 0
    told = capsys.readouterr().out
    assert "were averaged" in told
    assert "differ by a factor" not in told
