"""Card 15.7: multi-power law, annealing form, 1 - sqrt cooldown."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.schedules import cooldown, multi_power_losses

LAW = laws.get("multi_power")
T, PEAK, END = 24000, 3e-4, 3e-5
CONSTANT = np.full(T, PEAK)
COSINE = END + 0.5 * (PEAK - END) * (1 + np.cos(np.pi * np.arange(T) / T))
STABLE = 20000
WSD = np.concatenate(
    [CONSTANT[:STABLE], PEAK * (END / PEAK) ** (np.arange(1, T - STABLE + 1) / (T - STABLE))]
)


@pytest.mark.parametrize(
    ("model", "constant", "cosine", "wsd"),
    [
        ("25M", 3.2330, 3.2060, 3.1526),
        ("100M", 2.8973, 2.8584, 2.7986),
        ("400M", 2.6554, 2.6001, 2.5375),
    ],
)
def test_final_losses_of_three_schedules(model, constant, cosine, wsd):
    values = LAW.constants(model)
    final = [float(multi_power_losses(rates, **values)[0]) for rates in (CONSTANT, COSINE, WSD)]
    assert final == pytest.approx([constant, cosine, wsd], abs=6e-5)


def direct(rates, t, S_W, *, L0, A, alpha, B, C, beta, gamma):
    """Return the law after t steps, written as the card writes it."""
    drop = 0.0
    for k in range(1, t):
        S_k = sum(rates[k:t])
        drop += (rates[k - 1] - rates[k]) * (1 - (C * rates[k] ** -gamma * S_k + 1) ** -beta)
    return L0 + A * (sum(rates[:t]) + S_W) ** -alpha - B * drop


def test_law_on_every_step_is_the_double_sum():
    values = LAW.constants("100M")
    rates = np.array([3e-4, 3e-4, 2e-4, 2e-4, 1e-4, 3e-4, 5e-5])
    expected = [direct(rates, t, 0.324, **values) for t in range(1, len(rates) + 1)]
    np.testing.assert_allclose(LAW(rates, np.full(7, 0.324), **values), expected, rtol=1e-12)
    some = multi_power_losses(rates, [2, 7], 0.324, **values)
    np.testing.assert_allclose(some, [expected[1], expected[6]], rtol=1e-12)


def test_decay_lowers_the_loss_and_a_rise_raises_it():
    """The sign trap: the authors' code adds a drop with gaps of the opposite sign."""
    values = LAW.constants("25M")
    flat = multi_power_losses(np.full(100, 3e-4), S_W=0.3, **values)[0]
    power = values["L0"] + values["A"] * (0.03 + 0.3) ** -values["alpha"]
    assert flat == pytest.approx(power)
    down = multi_power_losses(np.r_[np.full(50, 4e-4), np.full(50, 2e-4)], S_W=0.3, **values)[0]
    up = multi_power_losses(np.r_[np.full(50, 2e-4), np.full(50, 4e-4)], S_W=0.3, **values)[0]
    assert down < flat < up  # the summed rates are equal


def test_schedules_the_law_cannot_take_are_refused():
    values = LAW.constants("25M")
    with pytest.raises(InputError, match="positive"):
        multi_power_losses(np.array([3e-4, 0.0]), **values)
    with pytest.raises(InputError, match="1 to 2"):
        multi_power_losses(np.array([3e-4, 3e-4]), [3], **values)
    with pytest.raises(InputError, match="fewer"):
        multi_power_losses(COSINE, np.arange(1, T + 1), **values)


def test_annealing_form_on_the_toy_vector():
    law = laws.get("annealing")
    loss = law(3.0, 1.855, L0=2.0, A=0.5, alpha=0.5, C=0.1)
    assert loss == pytest.approx(2.103175, abs=6e-7)
    assert not law.published


def test_cooldown():
    np.testing.assert_allclose(cooldown([0, 0.25, 0.5, 1]), [1, 0.5, 0.292893, 0], atol=6e-7)
