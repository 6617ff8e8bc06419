"""`isoflop compare` as a user calls it."""

import json

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.cli.main import run
from isoflop.runs.table import RunTable


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    one, two = (isoflop_runs(span=8.0, noise=0.003, seed=k) for k in (0, 1))
    columns = {name: np.concatenate([one[name], two[name]]) for name in ("N", "D", "loss")}
    label = np.repeat(np.array(["filtered", "raw"], dtype=object), len(one["N"]))
    RunTable.from_columns({**columns, "corpus": label}).to_csv(path)
    return path


QUICK = ("--bootstrap", "100", "--state", "loss=nats/token,N=all")


def test_text(source, capsys):
    assert run(["compare", str(source), "--by", "corpus", "--baseline", "raw", *QUICK]) == 0
    told = capsys.readouterr()
    assert "compute that raw needs for the same loss, over the arm's own:" in told.out
    assert "of sampling alone: the law is taken as right" in told.out
    assert "as the runs count: N all" in told.out
    assert "counted as 6ND" in told.err
    assert "mixed-corpus" not in told.err  # that is what is asked about


def test_json(source, capsys):
    assert run(["compare", str(source), "--by", "corpus", "--json", *QUICK]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [arm["label"] for arm in found["arms"]] == ["filtered", "raw"]
    assert found["unit"] == "nats/token"
    assert len(found["arms"][1]["at"]) == 4


def test_a_column_that_is_not_there(source, capsys):
    assert run(["compare", str(source), "--by", "optimizer"]) == 2
    assert "there is no column `optimizer`" in capsys.readouterr().err
