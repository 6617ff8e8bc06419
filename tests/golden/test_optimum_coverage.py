"""The shipped records of how often intervals of N* held are those that the benchmark measures."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit.misses import LAWS, STUDIES

ROOT = Path(__file__).parents[2]
DATA = ROOT / "../shared/data"
FILE = DATA / "porian-isoflop-points.csv"
#: Records are printed with two digits.
ROUNDED = 0.006
ONE = "porian rw/base/long/kaplan/standard/val"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not here"),
]


@pytest.fixture(scope="module")
def bench():
    names = ("holdout_cases", "optimum_coverage")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            spec = spec_from_file_location(name, ROOT / "bench" / f"{name}.py")
            module = module_from_spec(spec)
            patch.setitem(sys.modules, name, module)
            spec.loader.exec_module(module)
        yield sys.modules["optimum_coverage"]


def shares(bench, found):
    """Share inside 90 %, by the samples alone and widened."""
    column = 0 if found[0].what == "regret" else bench.LEVELS.index(0.9)
    inside = np.array([[x.inside[k][column] for k in (0, 1)] for x in found], dtype=float)
    return bench.weights(found) @ inside


def test_one_table_holds_more_when_widened(bench):
    found = bench.held_out(DATA, ONE)
    for what in (*bench.MODELS, "regret"):
        alone, widened = shares(bench, [x for x in found if x.what == what])
        assert widened >= 0.8, what
        assert widened >= alone, what
    assert shares(bench, [x for x in found if x.what == "law"])[0] < 0.5


@pytest.mark.exhaustive
def test_the_records_are_what_the_benchmark_measures(bench):
    cases = bench.isoflop_cases(DATA)
    found = [x for name in cases for x in bench.held_out(DATA, name)]
    for what, record in (("law", LAWS), ("both", STUDIES)):
        some = [x for x in found if x.what == what]
        told = (len(some), len({x.table for x in some}), len({x.family for x in some}))
        assert told == (record.holdouts, record.tables, record.families)
        expected = (record.alone, record.widened)
        assert shares(bench, some) == pytest.approx(expected, abs=ROUNDED)
