"""Kaplan et al. 2020: numbers of the paper, closed forms against each other, its traps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import ConventionError, InputError
from isoflop.laws import kaplan as kaplan_laws
from isoflop.laws.kaplan_batch import batch_excess, learning_rate
from isoflop.laws.kaplan_frontier import (
    compute_to_reach,
    early_stop,
    exponent_compute,
    off_optimum,
    optimum,
    scale_compute,
)

PF_DAY = 8.64e19
INF = math.inf


def value(name, *inputs):
    law = laws.get(name)
    return law(*inputs, **law.constants())


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("kaplan_parameters", (1e6,), 4.015880),
        ("kaplan_parameters", (1e8,), 2.829963),
        ("kaplan_parameters", (1.5e9,), 2.303552),
        ("kaplan_parameters", (175e9,), 1.604389),
        ("kaplan_data", (1e9,), 2.815642),
        ("kaplan_data", (22e9,), 2.099168),
        ("kaplan_compute_min", (1.0,), 2.658080),
        ("kaplan_compute", (1.0,), 2.574156),
        ("kaplan", (1e9, 22e9), 2.369316),
        ("kaplan", (1e9, INF), 2.318834),
        ("kaplan", (3e8, 1e9), 2.855511),
        ("kaplan", (1e8, 1e8), 3.514273),
        ("kaplan_steps", (1e8, 1e4), 3.108227),
        ("kaplan_steps", (1e9, 1e5), 2.400514),
        ("kaplan_critical_batch", (4.0,), 285277),
        ("kaplan_critical_batch", (3.0,), 1.122570e6),
        ("kaplan_critical_batch", (2.5,), 2.674649e6),
        ("kaplan_critical_batch", (2.0,), 7.740039e6),
        ("kaplan_learning_rate", (1e9,), 3.4810e-4),
        ("kaplan_learning_rate", (1e10,), 2.69e-5),
    ],
)
def test_vectors(name, inputs, expected):
    digits = 2e-3 if expected < 1e-3 else 2e-6
    assert value(name, *inputs) == pytest.approx(expected, rel=digits)


def test_no_overfitting_rule_meets_its_target():
    D = value("kaplan_enough_data", 1e9)
    assert pytest.approx(2.2854e10, rel=1e-4) == D
    constants = laws.get("kaplan").constants()
    excess = kaplan_laws.overfitting(1e9, D, **constants)
    assert excess == pytest.approx(0.02103, abs=5e-6)
    assert excess == pytest.approx(value("kaplan", 1e9, D) / value("kaplan", 1e9, INF) - 1)
    exponent = laws.get("kaplan").derived["data_exponent"]
    assert exponent(alpha_N=0.076, alpha_D=0.103) == pytest.approx(0.74, abs=0.003)


def test_batch_adjustments():
    B, L = 2.0**19, 3.0
    steps, compute = batch_excess(B, value("kaplan_critical_batch", L))
    assert steps == pytest.approx(3.141132, rel=1e-6)
    assert compute == pytest.approx(1.467043, rel=1e-6)
    assert (steps - 1) * (compute - 1) == pytest.approx(1.0, rel=1e-14)
    assert value("minimum_steps", 1e4, B, L) == pytest.approx(1e4 / steps, rel=1e-14)
    assert value("minimum_compute", 5.0, B, L) == pytest.approx(5.0 / compute, rel=1e-14)
    critical = value("kaplan_critical_batch", L)
    assert batch_excess(critical, critical) == (2.0, 2.0)
    assert value("kaplan_critical_batch", L * 2**-0.21) == pytest.approx(2 * critical)
    assert pytest.approx(0.1355, abs=5e-5) == 1 - 2**-0.21


def test_stopping_step():
    gap = value("kaplan", 3e8, 1e9) - value("kaplan", 3e8, INF)
    stop = kaplan_laws.stopping_step(gap, S_c=2.1e3, alpha_S=0.76)
    assert stop == pytest.approx(9622.0, rel=1e-5)


# Compute-optimal training -------------------------------------------------------------------------
STEPS = {"N_c": 6.5e13, "alpha_N": 0.077, "S_c": 2.1e3, "alpha_S": 0.76}
BATCH = {"B_star": 2.1e8, "alpha_B": 0.21}


def test_constants_of_the_closed_form_are_the_published_ones():
    assert laws.get("kaplan_steps").constants() == STEPS
    assert laws.get("kaplan_critical_batch").constants() == BATCH


def test_closed_form_at_one_petaflop_day():
    alpha_C = exponent_compute(alpha_N=0.077, alpha_S=0.76, alpha_B=0.21)
    assert alpha_C == pytest.approx(0.052453, abs=5e-7)
    assert alpha_C / 0.077 == pytest.approx(0.68121, abs=5e-6)
    C_c = scale_compute(**STEPS, B_star=2.1e8)
    assert C_c == pytest.approx(1.390849e28, rel=1e-6)
    assert C_c / PF_DAY == pytest.approx(1.60978e8, rel=1e-5)
    N, S, B, L = optimum(1.0, **STEPS, **BATCH)
    assert pytest.approx(5.84408e8, rel=1e-6) == N
    assert pytest.approx(2.694443, rel=1e-6) == L
    assert pytest.approx(13160.7, rel=1e-5) == S
    assert pytest.approx(1.87226e6, rel=1e-5) == B
    assert pytest.approx(1.0, rel=1e-14) == 6 * N * B * S / PF_DAY
    assert laws.get("kaplan_steps")(N, S, **STEPS) == pytest.approx(L, rel=1e-14)
    converged = laws.get("kaplan_steps")(N, INF, **STEPS)
    excess = laws.get("kaplan_steps").derived["excess"](alpha_N=0.077, alpha_S=0.76)
    assert (1 + excess) * converged == pytest.approx(L, rel=1e-14)


def test_closed_form_is_the_least_compute_for_its_loss():
    N, _, _, L = optimum(1.0, **STEPS, **BATCH)
    assert compute_to_reach(N, L, **STEPS, **BATCH) == pytest.approx(1.0, rel=1e-12)
    sizes = N * np.exp(np.linspace(-0.3, 0.3, 2001))
    spent = compute_to_reach(sizes, L, **STEPS, **BATCH)
    assert sizes[np.argmin(spent)] == pytest.approx(5.84410e8, rel=4e-4)
    compute, steps = off_optimum(sizes / N, alpha_N=0.077, alpha_S=0.76)
    np.testing.assert_allclose(compute, spent, rtol=1e-10)
    np.testing.assert_allclose(compute / steps, sizes / N, rtol=1e-12)


def test_printed_consequences():
    N, S = early_stop(0.077 / 0.76, 0.02, alpha_N=0.077, alpha_S=0.76)
    assert pytest.approx(2.708, abs=5e-4) == N
    assert pytest.approx(0.1308, abs=5e-5) == S
    compute, steps = off_optimum(2.2, alpha_N=0.077, alpha_S=0.76)
    assert compute == pytest.approx(1.2037, abs=5e-5)
    assert steps == pytest.approx(0.547, abs=5e-4)


def test_table_6():
    at_one = ("parameters", 1.3e9), ("batch", 2e6), ("steps", 5.4e3), ("tokens", 2e10)
    powers = {"parameters": 0.73, "batch": 0.24, "steps": 0.03, "tokens": 0.27}
    for name, expected in at_one:
        assert value(f"kaplan_optimal_{name}", 1.0) == expected
        tenfold = value(f"kaplan_optimal_{name}", 10.0)
        assert math.log10(tenfold / expected) == pytest.approx(powers[name])
    # Twice the least compute at the critical batch: the tokens that fit the parameters.
    tokens = 2 * PF_DAY / (6 * value("kaplan_optimal_parameters", 1.0))
    assert tokens == pytest.approx(2.2e10, rel=0.01)


# Traps --------------------------------------------------------------------------------------------
def test_three_pairs_of_constants_are_three_laws():
    pairs = {
        (law["alpha_N"], law["N_c"])
        for law in (
            laws.get(name).constants() for name in ("kaplan_parameters", "kaplan", "kaplan_steps")
        )
    }
    assert pairs == {(0.076, 8.8e13), (0.076, 6.4e13), (0.077, 6.5e13)}


def test_naive_and_least_compute_cannot_exchange_constants():
    with pytest.raises(InputError, match="missing"):
        laws.get("kaplan_compute")(1.0, **laws.get("kaplan_compute_min").constants())


def test_compute_is_in_petaflop_days():
    law = laws.get("kaplan_compute")
    assert law.inputs[0].dimension.unit == "PF-days"
    in_flops = law.replace(C=laws.get("petaflop_days"))
    assert in_flops.inputs[0].dimension.unit == "FLOP"
    assert in_flops(PF_DAY, **law.constants()) == pytest.approx(2.574156, rel=1e-6)
    # The constants read as FLOP would be off by a factor, not by rounding.
    assert law(PF_DAY, **law.constants()) < 0.3


def test_compute_of_a_run_is_adjusted_in_one_composition():
    law = laws.get("kaplan_compute_min").replace(C_min=laws.get("minimum_compute"))
    given = {**laws.get("kaplan_compute_min").constants(), **BATCH}
    expected = value("kaplan_compute_min", 5.0 / 1.4670428)
    assert law(C=5.0, B=2.0**19, L=3.0, **given) == pytest.approx(expected, rel=1e-7)
    with pytest.raises(ConventionError):
        laws.get("kaplan_compute_min").replace(C_min=laws.get("minimum_steps"))


def test_critical_batch_is_in_tokens_and_its_prefactor_2e8():
    law = laws.get("kaplan_critical_batch")
    assert law.output.unit == "tokens/batch"
    assert law.constants("text")["B_star"] == 2e8
    assert 1 / law.constants()["alpha_B"] == pytest.approx(4.7619, abs=1e-4)


def test_learning_rate_is_natural_log_and_refuses_large_models():
    assert learning_rate(1e9) == pytest.approx(0.003239 - 0.0001395 * math.log(1e9))
    assert value("kaplan_learning_rate", 1.2126e10) == pytest.approx(0.0, abs=1e-8)
    assert value("kaplan_learning_rate", 2e10) < 0
    with pytest.raises(InputError, match="does not hold"):
        learning_rate(1.1e10)
