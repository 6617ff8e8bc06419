"""Minima of budgets beside the law's."""

import msgspec
import numpy as np
import pytest

from isoflop.fit import Fit, fit
from isoflop.fit.minima import own_minimum
from isoflop.fit.misses import rms_miss
from isoflop.fit.records import Minimum
from isoflop.laws.chinchilla import chinchilla

EVEN = {"E": 1.7, "A": 400.0, "alpha": 0.3, "B": 400.0, "beta": 0.3}


def runs(shift=0.0, budgets=(1e18, 1e19, 1e20), sizes=9):
    """Budgets of a law whose N* is sqrt(C / 6); each one's loss is moved by a factor exp(shift)."""
    C, x = (z.ravel() for z in np.meshgrid(budgets, np.linspace(-1.5, 1.5, sizes)))
    N = np.sqrt(C / 6) * np.exp(x)
    moved = N * np.exp(-shift)
    return {"N": N, "D": C / 6 / N, "C": C, "loss": chinchilla(moved, C / 6 / moved, **EVEN)}


def test_the_minimum_of_even_runs_is_in_their_middle():
    table = runs(budgets=(6e18,))
    assert own_minimum(table["N"], table["C"], table["loss"]) == pytest.approx(1e9, rel=1e-9)
    edge = {name: x[:4] for name, x in table.items()}
    assert own_minimum(edge["N"], edge["C"], edge["loss"]) is None


def test_a_fit_keeps_its_misses_and_they_survive_json():
    found = fit(runs(), "chinchilla", bootstrap=20)
    assert [one.C for one in found.minima] == pytest.approx([1e18, 1e19, 1e20])
    assert [one.law / one.N for one in found.minima] == pytest.approx([1.0] * 3, rel=1e-3)
    assert Fit.from_json(found.to_json()).minima == found.minima
    assert fit(runs(), "chinchilla").minima == ()  # no interval, nothing to widen


def test_a_miss_is_the_logarithm_of_the_runs_minimum_over_the_laws():
    """Runs whose minimum lies exp(0.3) times above that of the fitted ones (0.3 % by parabola)."""
    bent = runs(shift=0.3, budgets=(1e19,))
    law = fit(runs(), "chinchilla", bootstrap=5).minima[1].law
    size = own_minimum(bent["N"], bent["C"], bent["loss"])
    assert rms_miss([Minimum(C=1e19, N=size, law=law)]) == pytest.approx(0.3, abs=3e-3)


def test_gaps_in_C_and_laws_of_more_inputs_have_no_minima():
    table = runs()
    assert fit(
        {**table, "C": np.where(table["C"] > 5e19, np.nan, table["C"])}, "chinchilla", bootstrap=5
    ).minima  # C is then 6ND, where the budgets are seen as well
    repeated = fit({**table, "U": np.full(27, 1e12)}, "chinchilla[D=repeated_tokens]", bootstrap=5)
    assert repeated.minima == ()
    assert msgspec.json.decode(repeated.to_json())["minima"] == []
