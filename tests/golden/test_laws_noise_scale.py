"""Card 15.1: gradient noise scale."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.errors import InputError, NotIdentified
from isoflop.laws.noise_scale import (
    average_noise,
    batch_examples,
    batch_learning_rate,
    batch_steps,
    gradient_norm,
    two_batch_noise,
)


def test_two_batch_estimator_on_the_deterministic_vector():
    noise = two_batch_noise(32, 10.0, 1024, 2.0)
    assert noise.squared_norm == pytest.approx(1.741935, abs=6e-7)
    assert noise.trace == pytest.approx(264.258065, abs=6e-7)
    assert noise.B_simple == pytest.approx(151.703704, abs=6e-7)


def test_estimator_solves_the_expectation_exactly():
    G2, trace = 3.0, 500.0
    small, big = gradient_norm(np.array([8.0, 512.0]), G2=G2, trace=trace)
    noise = two_batch_noise(8, small, 512, big)
    assert (noise.squared_norm, noise.trace) == pytest.approx((G2, trace))


def test_estimator_is_unbiased_and_the_mean_of_ratios_is_not():
    """The card's setting: 200 dimensions, sigma 3, batches of 8 and 512, 4000 draws."""
    rng = np.random.default_rng(0)
    G = rng.normal(size=200) * 0.93
    true, trace = G @ G, 200 * 9.0
    noisy = {B: G + 3 / np.sqrt(B) * rng.normal(size=(4000, 200)) for B in (8, 512)}
    norms = {B: np.sum(g**2, axis=1) for B, g in noisy.items()}
    pairs = zip(norms[8], norms[512], strict=True)
    estimates = [two_batch_noise(8, small, 512, big) for small, big in pairs]
    mean = average_noise(estimates)
    assert mean.squared_norm == pytest.approx(true, rel=2e-3)
    assert mean.trace == pytest.approx(trace, rel=1e-2)
    assert mean.B_simple == pytest.approx(trace / true, rel=1e-2)


def test_averages_numerator_and_denominator_apart():
    estimates = [two_batch_noise(32, 10.0, 1024, 2.0), two_batch_noise(32, 12.0, 1024, 9.0)]
    mean = average_noise(estimates)
    assert mean.B_simple == pytest.approx(
        sum(x.trace for x in estimates) / sum(x.squared_norm for x in estimates)
    )
    assert mean.B_simple != pytest.approx(np.mean([x.B_simple for x in estimates]), rel=0.1)


def test_noise_above_the_gradient_is_not_identified_and_batches_in_order():
    with pytest.raises(NotIdentified, match="not positive"):
        _ = two_batch_noise(32, 10.0, 1024, 0.1).B_simple
    with pytest.raises(InputError, match="small < big"):
        two_batch_noise(1024, 2.0, 32, 10.0)


def test_steps_and_examples_trade_off():
    B = np.array([10.0, 151.7, 4000.0])
    S = batch_steps(B, S_min=1000.0, B_crit=151.7)
    E = batch_examples(B, E_min=1000.0 * 151.7, B_crit=151.7)
    np.testing.assert_allclose(E, B * S)
    np.testing.assert_allclose((S / 1000 - 1) * (E / 151700 - 1), 1.0)
    assert S[1] == pytest.approx(2000)
    assert E[1] == pytest.approx(2 * 151700)


def test_step_size_saturates_at_large_batches():
    rates = batch_learning_rate(np.array([1e-6, 100.0, 1e9]), eps_max=0.1, B_noise=100.0)
    np.testing.assert_allclose(rates, [1e-9, 0.05, 0.1], rtol=1e-6)
