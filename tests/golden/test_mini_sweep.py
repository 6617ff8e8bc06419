"""Approach 2 on the reference CPU sweep: published minima, exponent and lowest losses."""

import csv
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit.isoflop import fit_profile, pooled_noise
from isoflop.fit.powerlaw import fit_power_law

TABLE = Path(__file__).parents[2].parent / "shared" / "data" / "cpu_mini_sweep.csv"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not TABLE.exists(), reason="the public run tables are not here"),
]
BUDGETS = (5e10, 1.5e11, 5e11, 1.5e12)


def columns(recipe: str, N: str = "N_nonembed_plus_head") -> dict[str, np.ndarray]:
    with TABLE.open() as file:
        rows = [r for r in csv.DictReader(file) if (r["recipe"], r["use"]) == (recipe, "isoflop")]
    names = {"budget": "budget_flops", "C": "flops", "N": N, "loss": "val_loss_nats_per_token"}
    return {key: np.array([float(r[name]) for r in rows]) for key, name in names.items()}


def profiles(recipe: str, N: str = "N_nonembed_plus_head"):
    t = columns(recipe, N)
    rows = [t["budget"] == budget for budget in BUDGETS]
    return [
        fit_profile(b, t["N"][m], t["C"][m], t["loss"][m])
        for b, m in zip(BUDGETS, rows, strict=True)
    ]


def slope(profs) -> float:
    C = np.array([p.C for p in profs])
    N = np.array([p.N for p in profs])
    return fit_power_law(C, N, N[None], np.random.default_rng(0)).exponent


def test_reference_minima():
    profs = profiles("tuned")
    assert [p.status for p in profs] == ["ok"] * 4
    np.testing.assert_allclose([p.N for p in profs], [22.1e3, 38.4e3, 64.6e3, 115.9e3], rtol=2e-3)
    np.testing.assert_allclose([p.loss for p in profs], [3.648, 3.316, 2.958, 2.709], atol=1e-3)
    assert slope(profs) == pytest.approx(0.481, abs=1e-3)


@pytest.mark.parametrize(
    ("convention", "exponent"),
    [("N_nonembed", 0.59), ("N_nonembed_plus_head", 0.48), ("N_total", 0.43)],
)
def test_the_convention_decides_the_exponent(convention, exponent):
    assert slope(profiles("tuned", convention)) == pytest.approx(exponent, abs=0.006)


def test_interval_from_seed_noise_is_the_published_one():
    profs = profiles("tuned")
    C = np.array([p.C for p in profs])
    rng = np.random.default_rng(0)
    samples = np.stack([np.exp(p.sample(0.009, 4000, rng)[:, 0]) for p in profs], axis=1)
    law = fit_power_law(C, np.array([p.N for p in profs]), samples, rng)
    low, high = np.quantile(law.exponents, [0.05, 0.95])
    assert (low, high) == (pytest.approx(0.456, abs=0.01), pytest.approx(0.507, abs=0.01))


def test_pooled_noise_is_of_the_order_of_the_seed_noise():
    sigma, freedom = pooled_noise(profiles("tuned"))
    assert freedom > 0
    assert 0.003 < sigma < 0.05
