"""Mixtures of experts: Clark, Krajewski, joint law, Abnar, Ling, Zhao; sparse weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws import chinchilla as chinchilla_laws
from isoflop.laws.experts import best_granularity, cutoff, dense_equivalent, saturate
from isoflop.laws.joint_moe import at_experts, parameter_counts

CLARK = laws.get("clark")
JOINT = laws.get("joint_moe")
LING = laws.get("ling")


def value(name, *inputs, of=""):
    law = laws.get(name)
    return law(*inputs, **law.constants(of))


# Clark --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("E", "effective"), [(1, 1.847), (8, 8.6152), (128, 91.405)])
def test_clark_effective_experts(E, effective):
    assert saturate(E - 1, 1.847, 314.478) == pytest.approx(effective, rel=1e-5)


def test_effective_experts_saturate():
    for name in CLARK.published:
        c = CLARK.constants(name)
        assert saturate(0, c["E_start"], c["E_max"]) == pytest.approx(c["E_start"], rel=1e-12)
        assert saturate(1e12, c["E_start"], c["E_max"]) == pytest.approx(c["E_max"], rel=1e-8)


def test_clark_vectors():
    assert value("clark", 1e9, 1.0) == pytest.approx(2.2846, abs=6e-5)
    assert value("clark", 1e9, 128.0) == pytest.approx(2.05615, abs=6e-6)
    constants = CLARK.constants("s-base")
    equivalent = dense_equivalent(5e6, 128.0, **constants)
    assert equivalent == pytest.approx(5.18e7, rel=1e-3)
    assert CLARK(equivalent, 1.0, **constants) == pytest.approx(CLARK(5e6, 128.0, **constants))


def test_clark_is_in_base_10():
    dense = value("kaplan_parameters", 1e9, of="clark-dense")
    assert dense == pytest.approx(2.2651, abs=6e-5)
    c = CLARK.constants("s-base")
    x, y = math.log(1e9), math.log(c["E_start"])
    base_e = math.exp(c["a"] * x + c["b"] * y + c["c"] * x * y + c["d"])
    assert base_e == pytest.approx(0.58, abs=0.03)
    assert abs(value("clark", 1e9, 1.0) - dense) < 0.03 < abs(base_e - dense)


def test_printed_cutoffs_are_kept_because_rounded_constants_do_not_give_them():
    derived = {
        name: cutoff(b=CLARK.constants(name)["b"], c=CLARK.constants(name)["c"])
        for name in CLARK.published
    }
    expected = {"s-base": 1.0e12, "rl-r": 3.2e10, "hash": 2.2e11}
    for name, printed in (("s-base", "937B"), ("rl-r", "85B"), ("hash", "83B")):
        assert derived[name] == pytest.approx(expected[name], rel=0.03)
        assert printed in CLARK.published[name].note
    assert "N_cut" not in CLARK.derived


# Krajewski ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("G", "expected"), [(1, 3.276133), (8, 3.140393), (32, 3.108349)])
def test_krajewski(G, expected):
    assert value("krajewski", 1e9, 2e10, G) == pytest.approx(expected, abs=6e-7)


def test_krajewski_dense_is_lower_at_equal_size_so_size_is_not_what_is_equal():
    dense = value("chinchilla", 1e9, 2e10, of="krajewski-dense")
    assert dense == pytest.approx(2.980305, abs=6e-7)
    assert dense < value("krajewski", 1e9, 2e10, 32.0)
    assert "never at equal N" in laws.get("krajewski").published["moe"].note


# Joint law ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("E", "effective", "m", "mu", "n", "nu"),
    [
        (1, 2.0732, 30.399, -0.1818, 53.843, -0.1964),
        (8, 8.8124, 21.841, -0.1676, 119.84, -0.2339),
        (32, 29.704, 16.545, -0.1557, 234.63, -0.2653),
    ],
)
def test_joint_law_at_a_number_of_experts(E, effective, m, mu, n, nu):
    constants = JOINT.constants()
    fixed = at_experts(E, **constants)
    assert saturate(E - 1, constants["E_start"], constants["E_max"]) == pytest.approx(
        effective, rel=2e-5
    )
    assert (fixed["A"], fixed["B"]) == pytest.approx((m, n), rel=5e-5)
    assert (-fixed["alpha"], -fixed["beta"]) == pytest.approx((mu, nu), abs=6e-5)


@pytest.mark.parametrize(
    ("E", "C", "N", "D"),
    [
        (1, 1e20, 1.727e9, 9.65e9),
        (1, 1e22, 18.88e9, 88.3e9),
        (8, 1e20, 990e6, 16.84e9),
        (8, 1e22, 14.48e9, 115.1e9),
        (32, 1e20, 674e6, 24.7e9),
        (32, 1e22, 12.28e9, 135.7e9),
    ],
)
def test_joint_law_optimum(E, C, N, D):
    best = chinchilla_laws.optimum(C, **at_experts(E, **JOINT.constants()))
    assert best[:2] == pytest.approx((N, D), rel=2e-3)


@pytest.mark.parametrize(("E", "expected"), [(1, 2.5776), (4, 2.5352), (8, 2.5088), (32, 2.4546)])
def test_joint_law_loss(E, expected):
    assert value("joint_moe", 1e9, 2e10, E) == pytest.approx(expected, abs=6e-5)


def test_joint_law_signs_are_the_papers():
    c = JOINT.constants()
    assert c["alpha"] < 0
    assert c["beta"] < 0
    # What a survey prints, every sign flipped: loss would grow with the model.
    flip = dict.fromkeys(("alpha", "beta", "delta", "gamma", "omega", "zeta"), -1)
    flipped = {k: v * flip.get(k, 1) for k, v in c.items()}
    sizes = np.array([1e8, 1e10])
    assert np.diff(JOINT(sizes, 2e10, 8.0, **c)) < 0 < np.diff(JOINT(sizes, 2e10, 8.0, **flipped))


def test_joint_law_counts_embeddings_twice():
    active, total = parameter_counts(1024, 16, 8, 50257)
    assert active == 2 * 1024 * 50257 + 13 * 16 * 1024**2
    assert total - active == (8 - 1) * 9 * 16 * 1024**2
    assert parameter_counts(1024, 16, 1, 50257) == (active, active)


# Abnar, Ling, Zhao, Frantar -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("N", "D", "S", "expected"),
    [(1e9, 2e10, 0.0, 2.565681), (8e9, 2e10, 0.875, 2.381266), (1e10, 1e11, 0.9, 2.149838)],
)
def test_abnar(N, D, S, expected):
    assert value("abnar", N, D, S) == pytest.approx(expected, abs=6e-7)


def test_abnar_second_term_falls_with_sparsity():
    c = laws.get("abnar").constants()
    assert c["lambda_S"] < 0
    only = {**c, "e": 0.0, "a": 0.0, "b": 0.0, "d": 0.0}
    assert laws.get("abnar")(1e9, 1e10, 0.9, **only) < laws.get("abnar")(1e9, 1e10, 0.0, **only)


def test_ling():
    c = LING.constants()
    assert LING(0.031, 12.0, 1e22, **c) == pytest.approx(7.245, abs=6e-4)
    assert LING(1.0, 1.0, 1e22, **c) == pytest.approx(0.9928, abs=6e-5)
    best = best_granularity(gamma=c["gamma"], beta=c["beta"])
    assert best == pytest.approx(11.3, abs=0.06)
    assert math.log2(best) == pytest.approx(3.503, abs=6e-4)
    around = LING(0.031, best * np.array([0.9, 1.0, 1.1]), 1e22, **c)
    assert np.argmax(around) == 1


def test_ling_base_of_the_logarithms():
    c, A, G, C = LING.constants(), 0.031, 12.0, 1e22
    share = saturate(A, c["A_start"], c["A_max"])
    assert share == pytest.approx(A + 0.0163, rel=1e-12)
    y = math.log(G)
    natural = share ** (c["a"] + c["d"] * math.log10(C) + c["gamma"] * y * y + c["beta"] * y)
    assert natural == pytest.approx(6.875, abs=6e-4)
    assert natural < 7 < LING(A, G, C, **c)
    assert math.exp(-c["beta"] / (2 * c["gamma"])) == pytest.approx(33, abs=0.5)
    assert "inferred" in LING.published["fitted"].convention["log"]


def test_zhao():
    law = laws.get("zhao")
    c = law.constants()
    assert law(16e9, 1.4e9, 1e12, 7.0, 0.31, **c) == pytest.approx(2.240364, abs=6e-7)
    assert law.derived["G_opt"](e=c["e"], f=c["f"]) == pytest.approx(6.778, abs=6e-4)
    assert law.derived["S_opt"](m=c["m"], n=c["n"]) == pytest.approx(0.3148, abs=6e-5)
    G = law(16e9, 1.4e9, 1e12, np.array([6.5, 6.778, 7.1]), 0.31, **c)
    S = law(16e9, 1.4e9, 1e12, 7.0, np.array([0.29, 0.3148, 0.34]), **c)
    assert np.argmin(G) == np.argmin(S) == 1


def test_frantar_sparsity_helps_at_equal_nonzero_weights():
    losses = value("frantar", np.array([0.0, 0.5, 0.875]), 1e8, 1e11, of="t5-c4")
    assert np.all(np.diff(losses) < 0)
    c = laws.get("frantar").constants("t5-c4")
    dense = (c["a_S"] + c["c_S"]) / 1e8 ** c["b_N"] + (c["a_D"] / 1e11) ** c["b_D"] + c["c"]
    assert losses[0] == pytest.approx(dense)
