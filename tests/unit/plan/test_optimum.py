"""The best size for a budget: closed forms, flat ranges, and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError, NotIdentified
from isoflop.plan.optimum import best_size, flat_range
from isoflop.runs.cost import CostCurve

SIX_N = CostCurve.from_runs(np.array([1e8, 1e9]), np.array([1e9, 1e9]), 6e9 * np.array([1e8, 1e9]))
TEX = {"E": 1.693374, "A": 406.401018, "B": 410.722827, "alpha": 0.33917084, "beta": 0.2849083}


def chinchilla(E, A, B, alpha, beta):
    return lambda N, D: (E + A / N**alpha + B / D**beta)[None]


@pytest.mark.parametrize(
    ("C", "N", "D", "L"),
    [
        (1e21, 2.2170e9, 7.5178e10, 2.29549),
        (5.76e23, 4.0361e10, 2.3785e12, 1.9184),
        (3.8e25, 2.7324e11, 2.3179e13, 1.8110),
    ],
)
def test_published_optima_of_the_full_precision_constants(C, N, D, L):
    choice = best_size(chinchilla(**TEX), SIX_N, C, around=1e10)
    assert choice.N[0] == pytest.approx(N, rel=2e-4)
    assert choice.D[0] == pytest.approx(D, rel=2e-4)
    assert choice.loss[0] == pytest.approx(L, abs=5e-5)


@given(alpha=st.floats(0.2, 0.7), beta=st.floats(0.2, 0.7), C=st.floats(1e18, 1e24))
def test_the_search_agrees_with_the_closed_form(alpha, beta, C):
    A, B = 400.0, 900.0
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    N = G * (C / 6) ** (beta / (alpha + beta))
    choice = best_size(chinchilla(1.7, A, B, alpha, beta), SIX_N, C, around=2 * N)
    assert choice.N[0] == pytest.approx(N, rel=1e-4)


def test_a_loss_that_only_falls_has_no_best_size():
    with pytest.raises(NotIdentified):
        best_size(lambda N, D: (1 + 1 / N)[None], SIX_N, 1e21, around=1e9)


def test_a_sample_without_an_optimum_is_nan_and_the_others_stay():
    def surface(N, D):
        return np.stack([1 + 1 / N, 1.7 + 400 / N**0.34 + 410 / D**0.28])

    choice = best_size(surface, SIX_N, 1e21, around=1e9)
    assert np.isnan(choice.N[0])
    assert np.isfinite(choice.N[1])


def test_flat_range_holds_the_best_and_grows_with_the_tolerance():
    choice = best_size(chinchilla(**TEX), SIX_N, 1e21, around=1e9)
    loss = choice.profile[0]
    tight, wide = (flat_range(choice.grid, loss, t) for t in (0.001, 0.01))
    assert wide[0] < tight[0] < choice.N[0] < tight[1] < wide[1]


def test_cost_that_counts_six_N_is_exact_everywhere():
    N = np.array([1e3, 1e8, 1e12])
    np.testing.assert_allclose(SIX_N.flops_per_token(N), 6 * N, rtol=1e-12)


def test_cost_that_is_no_function_of_N_is_refused():
    with pytest.raises(InputError, match="same N"):
        CostCurve.from_runs(np.array([1e8, 1e8]), np.array([1e9, 1e9]), np.array([6e17, 8e17]))
