"""Muennighoff et al. 2023 (repeated data) and Gadre et al. 2024 (over-training)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError, NotIdentified
from isoflop.laws import chinchilla as chinchilla_laws
from isoflop.laws import gadre as gadre_laws
from isoflop.laws.allocate import allocate
from isoflop.laws.muennighoff import data_constrained, marginal_value, optimum, size_for

CHINCHILLA = laws.get("chinchilla")
REPEATED = laws.get("repeated_tokens")
EXCESS = laws.get("excess_parameters")
BASE = CHINCHILLA.constants("muennighoff")
ALL = {**BASE, **REPEATED.constants(), **EXCESS.constants()}
SPLIT = {k: v for k, v in BASE.items() if k != "E"}


@pytest.mark.parametrize(
    ("epochs", "share", "value"),
    [
        (1, 1.000000, 1.000000),
        (2, 0.984100, 0.937080),
        (4, 0.931418, 0.822867),
        (8, 0.828015, 0.634507),
        (16, 0.661404, 0.377267),
        (40, 0.379187, 0.079303),
    ],
)
def test_worth_of_epochs(epochs, share, value):
    U = 1e10
    worth = REPEATED(epochs * U, U, **REPEATED.constants())
    assert worth / (epochs * U) == pytest.approx(share, abs=6e-7)
    assert marginal_value(epochs, **REPEATED.constants()) == pytest.approx(value, abs=6e-7)


def test_ceilings():
    assert REPEATED(1e16, 1e10, **REPEATED.constants()) == pytest.approx(16.387756e10)
    assert REPEATED.derived["ceiling"](**REPEATED.constants()) == pytest.approx(16.387756)
    small = size_for(1e10, **SPLIT)
    worth = EXCESS(1e16, 1e10, 1e10, **EXCESS.constants())
    assert worth / small == pytest.approx(6.309743)


def test_constants_of_the_notebooks():
    assert math.log(BASE["A"]) == pytest.approx(6.255414, abs=1e-12)
    assert math.log(BASE["B"]) == pytest.approx(7.3049974, abs=1e-12)
    assert math.log(BASE["E"]) == pytest.approx(0.6254804, abs=1e-12)
    assert pytest.approx(520.82495, abs=6e-6) == BASE["A"]
    assert pytest.approx(1487.71609, abs=6e-6) == BASE["B"]
    assert pytest.approx(1.8691437, abs=6e-8) == BASE["E"]
    printed = CHINCHILLA.constants("muennighoff-printed")
    assert [round(BASE[k], 0) for k in "AB"] == [printed[k] for k in "AB"]
    assert {k: EXCESS.constants()[k] for k in SPLIT} == SPLIT


def test_unique_optimum_is_proportional():
    G = chinchilla_laws.balance(**SPLIT)
    assert pytest.approx(0.22580194, abs=6e-9) == G
    for C in (1e19, 1e23):
        N, D, _ = chinchilla_laws.optimum(C, **BASE)
        assert pytest.approx(19.6130, abs=6e-5) == D / N
        assert size_for(D, **SPLIT) == pytest.approx(N, rel=1e-12)
        assert pytest.approx(0.0509865, abs=6e-8) == N / D


def test_size_for_is_the_inverse_of_the_optimum_for_unequal_exponents():
    tex = CHINCHILLA.constants("tex")
    N, D, _ = chinchilla_laws.optimum(1e22, **tex)
    assert size_for(D, **{k: tex[k] for k in SPLIT}) == pytest.approx(N, rel=1e-12)


def test_two_runs_of_figure_1():
    N, D, U = 8.7e9, 178e9, 25e9
    assert EXCESS(N, D, U, **EXCESS.constants()) == pytest.approx(5.783343e9, rel=1e-6)
    assert REPEATED(D, U, **REPEATED.constants()) == pytest.approx(1.5123695e11, rel=1e-7)
    large = data_constrained(N=N, D=D, U=U, **ALL)
    longer = data_constrained(N=6.34e9, D=242e9, U=U, **ALL)
    assert large == pytest.approx(2.226848, abs=6e-7)
    assert longer == pytest.approx(2.225644, abs=6e-7)


def test_repeated_against_unique():
    assert data_constrained(N=1e9, D=4e10, U=1e10, **ALL) == pytest.approx(2.501663, abs=6e-7)
    assert CHINCHILLA(1e9, 4e10, **BASE) == pytest.approx(2.489482, abs=6e-7)


def test_optimum_under_a_budget_of_unique_tokens():
    N, D, L = optimum(9.3e21, 25e9, **ALL)
    assert pytest.approx(6.8152e9, rel=1e-5) == N
    assert pytest.approx(2.27434e11, rel=1e-5) == D
    assert pytest.approx(9.10, abs=5e-3) == D / 25e9
    assert pytest.approx(2.2250888, abs=6e-8) == L
    N, D, _ = optimum(1e22, 25e9, **ALL)
    assert pytest.approx(7.02e9, rel=1e-3) == N
    assert pytest.approx(2.37e11, rel=3e-3) == D


def test_small_budgets_are_not_repeated():
    U = 25e9
    C = 0.99 * 6 * 0.0509865 * U**2
    N, D, L = optimum(C, U, **ALL)
    expected = chinchilla_laws.optimum(C, **BASE)
    assert pytest.approx(expected[:2], rel=1e-5) == (N, D)
    assert pytest.approx(expected[2], rel=1e-12) == L
    assert D < U


# Traps --------------------------------------------------------------------------------------------
def test_fewer_tokens_than_are_unique_give_the_base_law_exactly():
    law = CHINCHILLA.replace(D=REPEATED)
    N, D = np.logspace(7, 11, 9), np.logspace(8, 10.5, 9)
    for U in (D, 1.5 * D, 1e3 * D):
        np.testing.assert_array_equal(
            law(N, D, U, **BASE, **REPEATED.constants()), CHINCHILLA(N, D, **BASE)
        )
        small = 0.9 * size_for(D, **SPLIT)
        whole = data_constrained(N=small, D=D, U=U, **ALL)
        np.testing.assert_array_equal(whole, CHINCHILLA(small, D, **BASE))


def test_law_is_monotone_and_cannot_say_that_epochs_hurt():
    D = np.logspace(10, 14, 50)
    losses = data_constrained(N=1e9, D=D, U=1e10, **ALL)
    assert np.all(np.diff(losses) <= 0)


def test_parameters_are_shared_with_the_law_and_linear_where_they_can_be():
    assert data_constrained.parameter_names == ("E", "A", "alpha", "B", "beta", "R_D", "R_N")
    assert set(data_constrained.input_names) == {"N", "D", "U"}
    assert "E" in data_constrained.linear
    only_tokens = CHINCHILLA.replace(D=REPEATED)
    assert {"E", "A", "B"} <= only_tokens.linear


def test_allocation_agrees_with_chinchillas_closed_form():
    for name in ("tex", "epoch"):
        constants = CHINCHILLA.constants(name)
        for C in (1e18, 5.76e23):
            N, D, L = allocate(lambda N, D, c=constants: CHINCHILLA(N, D, **c), C)
            expected = chinchilla_laws.optimum(C, **constants)
            assert pytest.approx(expected[:2], rel=1e-6) == (N, D)
            assert pytest.approx(expected[2], rel=1e-14) == L


def test_allocation_without_a_minimum_is_refused():
    with pytest.raises(NotIdentified, match="no minimum"):
        allocate(lambda N, D: 1 / N + 0 * D, 1e20)


# Over-training ------------------------------------------------------------------------------------
def test_gadre_says_the_same_as_chinchilla():
    constants = {"E": 1.8, "A": 500.0, "alpha": 0.35, "B": 500.0, "beta": 0.35}
    N, D = 3e9, 6e11
    same = gadre_laws.from_chinchilla(**constants)
    loss = gadre_laws.gadre(6 * N * D, D / N, **same)
    assert loss == pytest.approx(2.078702035930459, rel=1e-14)
    assert loss == pytest.approx(CHINCHILLA(N, D, **constants), rel=1e-14)


def test_best_ratio_is_chinchillas():
    same = gadre_laws.from_chinchilla(**BASE)
    del same["E"]
    assert gadre_laws.optimal_ratio(**same) == pytest.approx(19.6130, abs=6e-5)


def test_coefficients_of_the_authors_code_are_in_two_conventions():
    same = gadre_laws.from_chinchilla(**BASE)
    eta, N, M = same["eta"], 1e9, 40.0
    p, alpha_c, beta_c = -2 * eta, same["a"] * 6**-eta, same["b"]
    in_code = alpha_c * N**p + beta_c * 6 ** (p / 2) * (M * N) ** p + same["E"]
    assert gadre_laws.gadre(6 * M * N**2, M, **same) == pytest.approx(in_code, rel=1e-14)
    assert alpha_c == pytest.approx(BASE["A"])


def test_unequal_exponents_are_refused():
    with pytest.raises(InputError, match="differ"):
        gadre_laws.from_chinchilla(**CHINCHILLA.constants("tex"))
