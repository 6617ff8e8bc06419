"""What is written reads back, and the digest knows exactly what it should."""

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.runs.combine import join
from isoflop.runs.convention import Convention
from isoflop.runs.io import load
from isoflop.runs.table import RunTable

FLOATS = st.floats(allow_infinity=False)
#: Text that is no number and no gap, with everything CSV has to quote.
TEXT = st.text("ab ,;|\t\"'\n\r\u2028é", max_size=8).map(lambda text: f"x{text}x")
SAID = Convention(N="all", D="processed", C="6ND", loss="nats/token")


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 6))
    numbers = draw(st.lists(st.lists(FLOATS, min_size=rows, max_size=rows), min_size=1, max_size=4))
    words = draw(st.lists(TEXT, min_size=rows, max_size=rows))
    columns = {f"x{i}": [0.5, *column[1:]] for i, column in enumerate(numbers)}
    return RunTable.from_columns({**columns, "word": words})


@settings(deadline=None)
@given(tables())
def test_csv_reads_back_to_the_same_digest(tmp_path_factory, runs):
    path = tmp_path_factory.mktemp("csv") / "runs.csv"
    assert load(runs.to_csv(path)).digest == runs.digest


@given(tables(), st.randoms())
def test_the_digest_ignores_column_order_and_knows_row_order(runs, random):
    names = list(runs)
    random.shuffle(names)
    assert runs.select(*names).digest == runs.digest
    rows = np.arange(len(runs))
    random.shuffle(rows)
    moved = runs.take(rows)
    same = all(
        np.array_equal(moved[n], runs[n], equal_nan=moved[n].dtype.kind != "O") for n in runs
    )
    assert (moved.digest == runs.digest) == same


@given(tables(), tables())
def test_joined_tables_hold_the_rows_of_both(first, second):
    both = join(
        RunTable.from_columns(first.columns, convention=SAID),
        RunTable.from_columns(second.columns, convention=SAID),
    )
    assert len(both) == len(first) + len(second)
    assert both["word"].tolist() == [*first["word"], *second["word"]]


@given(st.integers(1, 10**30), st.integers(1, 10**30))
def test_flops_are_right_whatever_the_size(n, d):
    runs = RunTable.from_columns({"N": [n], "D": [d]})
    product = 6 * n * d
    assert abs(float(6.0 * runs["N"][0] * runs["D"][0]) - product) <= product * 1e-15


def test_units_and_samples_do_not_import_numpy():
    code = "import isoflop.units, isoflop.samples, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
