"""Cards 15.2 to 15.5: DeepSeek, Step Law, Bjorck's transfer, Power Lines."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.hyperparameters import best_weight_decay, flops_per_token

TAU = laws.get("adamw_timescale")


def at(name, *inputs, published=""):
    law = laws.get(name)
    return law(*inputs, **law.constants(published))


def test_power_lines_timescale():
    N = 1e9
    tau = at("adamw_timescale", N, N * np.array([1.0, 20.0, 1000.0]))
    np.testing.assert_allclose(tau, [1.084, 0.223556, 0.028447], atol=6e-7)


def test_weight_decay_solves_the_timescale():
    N, D, batch, rate = 1e9, 2e10, 5e5, 1e-3
    decay = best_weight_decay(N, D, batch, rate, **TAU.constants())
    assert decay == pytest.approx(batch * 20**0.527 / (1.084 * rate * D))
    assert batch / (rate * decay * D) == pytest.approx(at("adamw_timescale", N, D))


@pytest.mark.parametrize(
    ("C", "rate", "batch"),
    [
        (1e20, 9.8600e-4, 1.01714e6),
        (1e23, 4.1579e-4, 9.74278e6),
    ],
)
def test_deepseek_learning_rate_and_batch(C, rate, batch):
    assert at("deepseek_learning_rate", C, published="deepseek") == pytest.approx(rate, rel=2e-5)
    assert at("deepseek_batch", C) == pytest.approx(batch, rel=5e-6)


def test_deepseek_coefficient_is_not_the_misprint():
    assert laws.get("deepseek_learning_rate").constants("deepseek")["c"] == 0.3118


def test_deepseek_allocation_spends_the_budget():
    M, D = at("deepseek_model", 1e20), at("deepseek_tokens", 1e20)
    assert pytest.approx(5.25127e9, rel=5e-6) == M
    assert pytest.approx(1.90453e10, rel=5e-6) == D
    assert pytest.approx(1.0001e20, rel=1e-4) == M * D


@pytest.mark.parametrize(
    ("layers", "width", "without", "with_vocabulary"),
    [
        (8, 512, 0.4286, 1.3214),
        (80, 8192, 0.9231, 0.9351),
    ],
)
def test_six_N_is_not_deepseeks_M(layers, width, without, with_vocabulary):
    """C uses M D, not 6 N D: for small models they differ by more than a factor of two."""
    M = flops_per_token(layers, width, 4096)
    N = 12 * layers * width**2
    assert pytest.approx(without, abs=6e-5) == 6 * N / M
    assert 6 * (N + 102400 * width) / M == pytest.approx(with_vocabulary, abs=6e-5)


def test_deepseek_sets_say_that_C_is_not_6ND():
    for name in ("deepseek_learning_rate", "deepseek_batch", "deepseek_model", "deepseek_tokens"):
        assert laws.get(name).published["deepseek"].convention["C"].startswith("M D")


def test_token_efficiency_cannot_move_the_allocation_exponent():
    """Card 11.4: D to q D leaves beta / (alpha + beta)."""
    from isoflop.laws.chinchilla import optimum

    tex = laws.get("chinchilla").constants("tex")
    C = np.array([1e20, 1e22])
    slopes = []
    for q in (1.0, 2.0):
        N, _, _ = optimum(C, **{**tex, "B": tex["B"] * q ** -tex["beta"]})
        slopes.append(np.log(N[1] / N[0]) / np.log(100))
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-12)


@pytest.mark.parametrize(
    ("N", "D", "rate", "batch"),
    [
        (1e9, 1e11, 1.632499e-3, 1.107715e6),
        (7e9, 1.4e12, 9.165570e-4, 4.998815e6),
    ],
)
def test_step_law(N, D, rate, batch):
    assert at("step_law_learning_rate", N, D) == pytest.approx(rate, rel=1e-6)
    assert at("step_law_batch", D) == pytest.approx(batch, rel=1e-6)


def test_step_law_bootstrap_is_its_headline():
    for name in ("step_law_learning_rate", "step_law_batch"):
        law = laws.get(name)
        headline, mean = law.constants("printed"), law.constants("bootstrap")
        for key, value in headline.items():
            assert mean[key] == pytest.approx(value, rel=5e-3)
    assert np.exp(0.586308) == pytest.approx(1.7973, abs=6e-5)
    assert np.exp(-0.543542) == pytest.approx(0.58069, abs=6e-6)


def test_signs_with_and_without_a_retuned_batch_are_opposite():
    """More tokens raise Step Law's rate and lower Bjorck's."""
    step = at("step_law_learning_rate", 1e9, np.array([1e10, 1e11]))
    assert step[1] > step[0]
    assert at("horizon_learning_rate", 1e-3, 1e10, 1e11) < 1e-3


def test_bjorck_transfers_only():
    assert at("horizon_learning_rate", 1e-3, 1e10, 1e12) == pytest.approx(1e-3 * 0.01**0.32)
    assert at("horizon_learning_rate", 1e-3, 1e10, 1e10) == 1e-3
    assert laws.get("horizon_learning_rate").parameter_names == ("beta",)  # no prefactor
