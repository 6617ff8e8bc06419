import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isoflop.errors import InputError
from isoflop.runs.io import load
from isoflop.runs.table import RunTable

COLUMNS = {"N": [1e6, 2e6], "D": [3e7, 4e7], "loss": [3.25, float("nan")], "name": ["a", "b"]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_any_dataframe_in(make):
    runs = RunTable.from_frame(make(COLUMNS))
    assert runs.digest == RunTable.from_columns(COLUMNS).digest


def test_integers_nulls_and_truth():
    frame = pl.DataFrame(
        {"N": [1, None], "big": pl.Series([2**62, 1], dtype=pl.Int64), "ok": [True, None]}
    )
    runs = RunTable.from_frame(frame)
    assert runs["big"].tolist() == [2.0**62, 1.0]
    assert runs["N"][0] == 1.0
    assert np.isnan(runs["N"][1])
    assert np.isnan(runs["ok"][1])
    nullable = pd.DataFrame({"N": pd.array([1, None], dtype="Int64"), "t": ["x", None]})
    assert np.isnan(RunTable.from_frame(nullable)["N"][1])
    assert RunTable.from_frame(nullable)["t"].tolist() == ["x", ""]
    assert RunTable.from_frame(pl.DataFrame(COLUMNS).lazy())["N"].tolist() == COLUMNS["N"]


@pytest.mark.parametrize("out", ["to_pandas", "to_polars", "to_arrow"])
def test_dataframes_out_and_in_again(out):
    runs = RunTable.from_columns(COLUMNS)
    again = RunTable.from_frame(getattr(runs, out)())
    assert again.digest == runs.digest


def test_load_takes_a_dataframe_and_maps_its_columns():
    runs = load(pd.DataFrame({"params": [1, 2], "tokens": [3, 4], "val/loss": [5.0, 6.0]}))
    assert runs["N"].tolist() == [1.0, 2.0]
    assert str(runs.origin["loss"]) == "val/loss"
    assert runs["val/loss"].tolist() == [5.0, 6.0]


def test_what_is_no_dataframe_is_refused():
    with pytest.raises(InputError, match="dict"):
        RunTable.from_frame({"N": [1.0]})


def test_no_dataframe_library_is_imported_to_read_csv(tmp_path):
    RunTable.from_columns(COLUMNS).to_csv(tmp_path / "runs.csv")
    code = (
        "import sys; from isoflop.runs.io import load;"
        f"load({str(tmp_path / 'runs.csv')!r}, where='N > 1');"
        "heavy = {'pandas', 'polars', 'pyarrow', 'narwhals', 'scipy', 'torch', 'sympy'};"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
