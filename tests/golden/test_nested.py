"""Nested laws on Epoch's 240 digitised Chinchilla runs: what they can and cannot tell apart."""

import csv
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.fit import compare, fit
from isoflop.laws import get

FILE = Path(__file__).parents[2] / "../shared/data/chinchilla-epoch-svg.csv"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not here"),
]
LAW = get("chinchilla")


@pytest.fixture(scope="module")
def runs() -> dict[str, np.ndarray]:
    with FILE.open() as file:
        rows = [row for row in csv.DictReader(file) if row["epoch_outlier"] == "0"]
    names = {"N": "params_N", "D": "tokens_D", "loss": "loss"}
    return {k: np.array([float(row[x]) for row in rows]) for k, x in names.items()}


@pytest.fixture(scope="module")
def large(runs):
    return fit(runs, LAW, profile=False)


def test_equal_exponents_are_not_refuted(runs, large):
    # Published standard errors are 0.02 on each exponent, and they differ by 0.02.
    tied = fit(runs, LAW.tie(beta="alpha"), profile=False)
    found = compare(runs, tied, large)
    assert found.parameters == 1
    assert found.fall > 0
    assert found.p_value > 0.05


@pytest.mark.parametrize(("name", "value"), [("E", 1.6934), ("beta", 0.2849)])
def test_published_values_of_hoffmann_are_refuted(runs, large, name, value):
    # Besiroglu et al. 2024 print p = 2.6e-6 for E and 1.1e-4 for beta, from the bootstrap.
    fixed = fit(runs, LAW.fix(**{name: value}), profile=False)
    assert compare(runs, fixed, large).p_value < 1e-2


def test_a_group_that_is_only_noise_is_not_kept(runs, large):
    labelled = dict(runs) | {"half": np.where(np.arange(240) % 2 == 0, "a", "b")}
    grouped = fit(labelled, LAW.by("half", "A"), profile=False)
    pooled = fit(labelled, LAW, profile=False)
    assert pooled.objective == pytest.approx(large.objective, rel=1e-9)
    assert compare(labelled, pooled, grouped).p_value > 0.01


def test_a_law_that_does_not_contain_the_other_is_refused(runs):
    labelled = dict(runs) | {"half": np.where(np.arange(240) % 2 == 0, "a", "b")}
    good = fit(labelled, LAW.fix(E=1.8), profile=False)
    poor = fit(labelled, LAW.fix(beta=0.05).by("half", "A"), profile=False)
    with pytest.raises(InputError, match="fits worse"):
        compare(labelled, good, poor)
