"""Pearce and Song 2024: Chinchilla in Kaplan's variables."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws import chinchilla as chinchilla_laws
from isoflop.laws import pearce

OMEGA = 47491.0
CHINCHILLA = laws.get("chinchilla")
TOTAL = laws.get("total_parameters")


def constants(name):
    found = CHINCHILLA.constants(name)
    del found["E"]
    return {**found, "omega": OMEGA}


@pytest.mark.parametrize(
    ("N", "total", "C", "g"),
    [
        (768, 4.357e5, 1.331e12, 0.7624),
        (1e5, 2.304e6, 6.793e14, 0.8297),
        (1e6, 5.749e6, 8.994e15, 0.9628),
        (1e7, 2.023e7, 1.028e17, 0.8532),
        (1e8, 1.220e8, 2.618e18, 0.6128),
        (1.5e9, 1.554e9, 3.315e20, 0.5300),
        (1e10, 1.010e10, 1.251e22, 0.5176),
    ],
)
def test_table(N, total, C, g):
    given = constants("epoch")
    assert TOTAL(N, **TOTAL.constants()) == pytest.approx(total, rel=5e-4)
    assert pearce.frontier_compute(N, **given) == pytest.approx(C, rel=5e-4)
    exponents = {k: given[k] for k in ("alpha", "beta", "omega")}
    assert pearce.local_exponent(N, **exponents) == pytest.approx(g, abs=6e-5)


def test_exponent_is_the_slope_of_the_frontier():
    N, h, given = np.logspace(3, 11, 33), 1e-5, constants("epoch")
    log_C = [np.log(pearce.frontier_compute(N * np.exp(s * h), **given)) for s in (1, -1)]
    exponents = {k: given[k] for k in ("alpha", "beta", "omega")}
    slope = pearce.local_exponent(N, **exponents)
    np.testing.assert_allclose(slope, 2 * h / (log_C[0] - log_C[1]), rtol=1e-8)
    assert slope.max() > 0.96
    limits = pearce.local_exponent(np.array([1e-9, 1e30]), **exponents)
    np.testing.assert_allclose(limits, [0.75934, 0.51261], atol=6e-6)


def test_frontier_is_where_the_composed_law_is_least():
    law = CHINCHILLA.replace(N=TOTAL)
    C = np.array([1e15, 1e18, 1e21])
    N, D = pearce.optimum(C, **constants("epoch"))
    np.testing.assert_allclose(6 * N * D, C, rtol=1e-12)
    np.testing.assert_allclose(pearce.frontier_compute(N, **constants("epoch")), C, rtol=1e-11)
    given = {**CHINCHILLA.constants("epoch"), "omega": OMEGA}
    around = np.exp(np.linspace(-0.2, 0.2, 4001))[:, None]
    loss = law(N * around, D / around, **given)
    best = around[np.argmin(loss, axis=0), 0]
    np.testing.assert_allclose(best, 1.0, atol=2e-4)


@pytest.mark.parametrize(("name", "expected"), [("epoch", 0.7751), ("tex", 0.7414)])
def test_one_power_law_over_kaplans_range(name, expected):
    law = CHINCHILLA.replace(N=TOTAL)
    N, C = np.logspace(2.9, 9.2, 20), np.logspace(12.95, 20.7, 100)
    loss = law(N, C[:, None] / (6 * N), **CHINCHILLA.constants(name), omega=OMEGA)
    best = N[np.argmin(loss, axis=1)]
    slope = np.polyfit(np.log(C), np.log(best), 1)[0]
    assert slope == pytest.approx(expected, abs=6e-5)


# Traps --------------------------------------------------------------------------------------------
def test_aspect_ratio_of_the_fitted_constant():
    assert pearce.embedding_scale(32000, 39.2) == pytest.approx(OMEGA, rel=2e-3)
    d_model, n_layer = 1024.0, 1024.0 / 39.2
    N = 12 * n_layer * d_model**2
    omega = pearce.embedding_scale(32000, 39.2)
    assert TOTAL(N, omega=omega) == pytest.approx(N + 32000 * d_model)


def test_without_embeddings_it_is_chinchilla():
    given = {**CHINCHILLA.constants("tex")}
    N, D, _ = chinchilla_laws.optimum(1e21, **given)
    del given["E"]
    assert pearce.optimum(1e21, **given, omega=0.0) == pytest.approx((N, D), rel=1e-10)


def test_input_is_named_so_that_the_two_counts_cannot_be_confused():
    assert CHINCHILLA.replace(N=TOTAL).input_names == ("N_nonembedding", "D")
