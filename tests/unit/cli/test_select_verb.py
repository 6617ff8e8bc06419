"""`isoflop select` as a user calls it."""

import json

import numpy as np
import pytest

from isoflop.cli.main import run
from isoflop.runs.table import RunTable


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rng = np.random.default_rng(0)
    size = np.tile(np.geomspace(1e3, 1e6, 9), 2)
    kind = np.repeat(["a", "b"], 9).astype(object)
    loss = 1 + 0.3 * (kind == "b") + 60 / size**0.5
    columns = {
        "examples": size,
        "kind": kind,
        "val": loss * np.exp(0.002 * rng.standard_normal(18)),
        "split": np.where(size < 2e5, "train", "test").astype(object),
    }
    path = tmp_path_factory.mktemp("select") / "runs.csv"
    RunTable.from_columns(columns).to_csv(path)
    return str(path)


ARGUMENTS = ["--output", "val", "--input", "examples", "--train", "split == 'train'"]


def test_a_law_is_chosen_and_what_was_not_training_is_predicted(path, capsys):
    assert run(["select", path, *ARGUMENTS, "--group", "kind", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chosen"] == "L_inf + A0/examples^alpha0"
    assert found["along"] == "examples"
    assert [g["group"] for g in found["groups"]] == ["a", "b"]
    assert found["groups"][1]["constants"]["val"]["L_inf"] == pytest.approx(1.3, rel=0.02)
    rows = [p["row"] for g in found["groups"] for p in g["predictions"]]
    assert rows == [7, 8, 16, 17]
    one = found["groups"][0]["predictions"][0]
    assert one["predicted"]["val"] == pytest.approx(one["observed"]["val"], rel=0.02)
    assert found["predicted"] == 4
    assert found["r2"] > 0.97
    assert found["relative_error"] < 0.02


def test_the_text_names_choice_candidates_and_score(path, capsys):
    assert run(["select", path, *ARGUMENTS, "--law", "c + k*log(examples)"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("chosen: c + k*log(examples)\n")
    assert "val: c = " in text
    assert "4 other rows predicted: R2 " in text


def test_without_rows_to_predict_there_is_no_score(path, capsys):
    assert run(["select", path, "--output", "val", "--input", "examples", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["predicted"], found["r2"], found["relative_error"]) == (0, None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input", "nothing"], "there is no column `nothing`"),
        (["--input", "kind"], "`kind` is text, not an input of numbers"),
        (["--output", "missing"], "missing"),
        (["--most", "1"], "more than 1 parameters"),
        (["--train", "split == 'dev'"], "is true of none of 18 runs"),
    ],
)
def test_bad_input_is_told(path, capsys, arguments, said):
    assert run(["select", path, *ARGUMENTS, *arguments]) == 2
    assert said in capsys.readouterr().err
