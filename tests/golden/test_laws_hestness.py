"""Hestness et al. 2017 and Rosenfeld et al. 2019."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws

HESTNESS = laws.get("hestness")
ROSENFELD = laws.get("rosenfeld")
ENVELOPE = laws.get("error_envelope")


@pytest.mark.parametrize(("m", "expected"), [(1e6, 4.781311), (1e9, 3.030728)])
def test_word_language_models(m, expected):
    assert HESTNESS(m, **HESTNESS.constants("word-lm")) == pytest.approx(expected, abs=6e-7)


def test_exponent_is_negative_as_printed():
    slope = next(p for p in HESTNESS.parameters if p.name == "beta_g")
    assert slope.upper == 0.0
    assert HESTNESS.constants()["beta_g"] < 0
    losses = HESTNESS(np.array([1e6, 1e9]), alpha=11.9, beta_g=-0.066, gamma=0.5)
    assert losses[0] > losses[1] > 0.5


def test_model_size_grows_with_the_data():
    size = laws.get("hestness_model_size")
    assert size(1e9, k=10.0, beta_p=0.68) == pytest.approx(10.0 * 1e9**0.68)
    assert size.output.unit == "parameters"


# Rosenfeld ----------------------------------------------------------------------------------------
VALUES = {"a": 3.0, "alpha": 0.75, "b": 2.0, "beta": 0.61, "c_inf": 0.05}


def test_alpha_is_the_exponent_of_the_data_and_beta_of_the_model():
    n, m = 1e4, 1e6
    expected = 3.0 * n**-0.75 + 2.0 * m**-0.61 + 0.05
    assert ROSENFELD(n, m, **VALUES) == pytest.approx(expected, rel=1e-14)
    assert ROSENFELD(np.inf, m, **VALUES) - 0.05 == pytest.approx(2.0 * m**-0.61)
    assert ROSENFELD(n, np.inf, **VALUES) - 0.05 == pytest.approx(3.0 * n**-0.75)


def test_envelope_is_the_modulus_of_the_complex_ratio():
    e, e_0, eta = np.logspace(-3, 3, 13), 0.999, 0.4
    expected = e_0 * np.abs(e / (e - 1j * eta))
    np.testing.assert_allclose(ENVELOPE(e, e_0=e_0, eta=eta), expected, rtol=1e-14)
    assert ENVELOPE(1e9, e_0=e_0, eta=eta) == pytest.approx(e_0)
    assert ENVELOPE(1e-9, e_0=e_0, eta=eta) == pytest.approx(1e-9 * e_0 / eta)


def test_whole_law_stays_below_guessing():
    whole = ROSENFELD.then(ENVELOPE)
    given = {**VALUES, "e_0": 0.9, "eta": 0.3}
    errors = whole(np.logspace(0, 8, 30), np.full(30, 1e6), **given)
    assert np.all(np.diff(errors) < 0)
    assert errors[0] == pytest.approx(0.9, abs=0.01)
    assert errors[0] < 0.9
