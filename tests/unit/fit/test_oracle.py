"""Ten synthetic surfaces: the same optimum as scipy's best of random starts."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import lowest
from synthetic_runs import isoflop_runs

from isoflop.fit import fit

SURFACES = [
    {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28},
    {"E": 1.69, "A": 400.0, "alpha": 0.31, "B": 400.0, "beta": 0.31},
    {"E": 1.69, "A": 406.4, "alpha": 0.465, "B": 410.7, "beta": 0.155},
    {"E": 0.5, "A": 50.0, "alpha": 0.2, "B": 80.0, "beta": 0.22},
    {"E": 3.0, "A": 3000.0, "alpha": 0.5, "B": 9000.0, "beta": 0.45},
    {"E": 0.0, "A": 30.0, "alpha": 0.12, "B": 40.0, "beta": 0.13},
    {"E": 1.8, "A": 500.0, "alpha": 0.7, "B": 2000.0, "beta": 0.37},
    {"E": 1.2, "A": 100.0, "alpha": 0.25, "B": 1e5, "beta": 0.6},
    {"E": 2.2, "A": 1e4, "alpha": 0.6, "B": 1e4, "beta": 0.5},
    {"E": 1.0, "A": 20.0, "alpha": 0.15, "B": 1e3, "beta": 0.4},
]


def compare(surface, starts, seed):
    table = isoflop_runs(noise=0.01, sizes=9, seed=seed, **surface)
    found = fit(table, "chinchilla")
    oracle = lowest(table, starts, seed=seed)
    assert found.objective <= oracle * (1 + 1e-9)
    return found.objective / oracle


@pytest.mark.parametrize("number", range(len(SURFACES)))
def test_no_start_of_scipy_finds_a_lower_objective(number):
    compare(SURFACES[number], 8, number)


@pytest.mark.exhaustive
def test_nor_do_two_hundred_starts():
    ratios = [compare(surface, 200, 100 + k) for k, surface in enumerate(SURFACES)]
    assert np.median(ratios) == pytest.approx(1.0, rel=1e-6)
