"""Card 13a: parameters and loss at few bits."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.precision import retention

PARAMETERS, QUANTISATION = laws.get("precision_parameters"), laws.get("quantisation_loss")
G = PARAMETERS.constants("printed")
C = QUANTISATION.constants("printed")


def test_retention_of_weights():
    bits = np.array([16, 8, 6, 4, 3])
    expected = [0.997477, 0.949774, 0.893904, 0.775887, 0.674276]
    np.testing.assert_allclose(retention(bits, G["g_w"]), expected, atol=6e-7)


def test_all_three_at_one_precision():
    assert PARAMETERS(1.0, 8, 8, 8, **G) == pytest.approx(0.924107, abs=6e-7)
    assert PARAMETERS(1.0, 4, 4, 4, **G) == pytest.approx(0.638919, abs=6e-7)


def test_loss_of_quantising_after_training():
    assert QUANTISATION(1.7e9, 26e9, 4.0, **C) == pytest.approx(0.008705, abs=6e-7)


def test_more_tokens_make_quantising_worse_and_more_bits_or_parameters_better():
    base = QUANTISATION(1e9, 1e10, 4.0, **C)
    assert QUANTISATION(1e9, 1e11, 4.0, **C) > base
    assert QUANTISATION(1e9, 1e10, 8.0, **C) < base
    assert QUANTISATION(1e10, 1e10, 4.0, **C) < base


def test_composition_uses_effective_parameters():
    law = QUANTISATION.replace(N=PARAMETERS)
    low = law(N=1.7e9, D=26e9, P_post=4.0, P_w=8.0, P_a=8.0, P_kv=8.0, **C, **G)
    assert low == pytest.approx(0.008705 * 0.924107 ** -C["g_N"], rel=1e-4)
    whole = laws.get("chinchilla").replace(N=PARAMETERS) + law
    assert set(whole.input_names) == {"N", "D", "P_post", "P_w", "P_a", "P_kv"}


def test_unified_form_vanishes_at_the_training_precision_and_tends_to_the_simple_one():
    law = laws.get("trained_quantisation_loss")
    C_x = {"C_w": 0.7, "C_a": 0.5, "C_kv": 0.9}
    simple = QUANTISATION(1.7e9, 26e9, 4.0, **C)
    assert law(1.7e9, 26e9, 4.0, 4.0, 16.0, 16.0, **C, **C_x) == 0.0
    assert law(1.7e9, 26e9, 4.0, 3.0, 3.0, 16.0, **C, **C_x) == 0.0  # never below zero
    assert law(1.7e9, 26e9, 4.0, 1e3, 1e3, 1e3, **C, **C_x) == pytest.approx(simple)
    one = law(1.7e9, 26e9, 4.0, 6.0, 1e3, 1e3, **C, **C_x)
    assert one == pytest.approx(simple * (1 - np.exp(-0.7 * 2)))
    assert not law.published
