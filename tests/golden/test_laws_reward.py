"""Cards B1 and C1: reward over-optimisation, RL compute."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.overoptimisation import (
    best_of_n_kl,
    best_of_n_reward,
    iterated_rl_reward,
    regressional_goodhart,
    rl_reward,
    rl_zero,
)
from isoflop.laws.rl_compute import rl_compute

TOY = {"alpha": 1.0, "beta": 0.3}


def test_kl_of_best_of_n_in_nats():
    n = np.array([1, 2, 4, 10, 100, 1000, 60000])
    expected = [0, 0.1931471806, 0.6362943611, 1.4025850930, 3.6151701860, 5.9087552790]
    np.testing.assert_allclose(best_of_n_kl(n), [*expected, 10.0021165079], atol=6e-11)
    with pytest.raises(InputError, match="n starts at 1"):
        best_of_n_kl(0)


def test_best_of_n_reward_and_its_peak():
    d = np.array([0.5, 1, 2, 3])
    np.testing.assert_allclose(best_of_n_reward(d, **TOY), [0.425, 0.7, 0.8, 0.3], rtol=1e-14)
    peak = best_of_n_reward.derived["d_peak"](**TOY)
    assert peak == pytest.approx(1.6666667, abs=6e-8)
    assert best_of_n_reward.derived["R_peak"](**TOY) == pytest.approx(0.8333333, abs=6e-8)
    assert best_of_n_reward(peak, **TOY) == pytest.approx(0.8333333, abs=6e-8)


def test_rl_reward_takes_the_natural_logarithm():
    d = np.array([0.5, 1, 2, 10])
    expected = [0.6039720771, 1.0, 1.5841116917, 3.0922447210]
    np.testing.assert_allclose(rl_reward(d, **TOY), expected, atol=6e-11)
    peak = rl_reward.derived["d_peak"](**TOY)
    assert peak == pytest.approx(10.3122585, abs=6e-8)
    assert rl_reward.derived["R_peak"](**TOY) == pytest.approx(3.0936775, abs=6e-8)
    assert rl_reward(peak, **TOY) == pytest.approx(3.0936775, abs=6e-8)
    assert rl_reward(rl_zero(**TOY), **TOY) == pytest.approx(0.0, abs=1e-12)


def test_iterated_reward():
    assert iterated_rl_reward(5.0, 4.0, **TOY) == pytest.approx(4.6652846730, abs=6e-11)
    assert iterated_rl_reward(5.0, 1.0, **TOY) == pytest.approx(rl_reward(5.0, **TOY))


def test_regressional_goodhart_against_simulation():
    rng = np.random.default_rng(0)
    gold, noise = rng.normal(0.5, 1.0, 400_000), rng.normal(0.2, 0.8, 400_000)
    near = np.abs(gold + noise - 2.0) < 0.05
    expected = regressional_goodhart(
        2.0, mean=0.5, noise_mean=0.2, variance=1.0, noise_variance=0.64
    )
    assert np.mean(gold[near]) == pytest.approx(expected, abs=0.02)


def test_no_constants_that_exist_only_as_figures():
    for name in ("best_of_n_reward", "rl_reward", "iterated_rl_reward", "rl_compute"):
        assert not laws.get(name).published


SCALE_RL = {"R_0": 0.2, "A": 0.645, "C_mid": 3000.0, "B": 1.70}


def test_rl_compute():
    C = np.array([1000, 2000, 8000, 16000, 100000])
    expected = [0.2595476426, 0.3487149428, 0.5743474236, 0.6205690969, 0.6438562044]
    np.testing.assert_allclose(rl_compute(C, **SCALE_RL), expected, atol=6e-11)
    tail = SCALE_RL["A"] - rl_compute.derived["D_tail"](**SCALE_RL) / 1e5**1.70
    assert tail == pytest.approx(0.6438532569, abs=6e-11)


def test_rl_compute_counts_gpu_hours_and_passes_half_the_gain_at_C_mid():
    assert rl_compute.inputs[0].dimension.unit == "GB200 GPU-hours"
    assert rl_compute(3000.0, **SCALE_RL) == pytest.approx((0.2 + 0.645) / 2)
