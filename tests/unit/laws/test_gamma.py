"""log Gamma and its derivatives against scipy and against the recurrence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop.laws.functions import gammaln as lawful
from isoflop.laws.gamma import digamma, gammaln, trigamma

X = np.concatenate([np.geomspace(1e-6, 1e8, 400), [1.0, 2.0, 15.0, np.nextafter(15.0, 0)]])


def test_log_gamma_and_derivatives_agree_with_scipy():
    special = pytest.importorskip("scipy.special")
    np.testing.assert_allclose(gammaln(X), special.gammaln(X), rtol=1e-13, atol=5e-14)
    np.testing.assert_allclose(digamma(X), special.digamma(X), rtol=1e-13, atol=5e-14)
    np.testing.assert_allclose(trigamma(X), special.polygamma(1, X), rtol=1e-13)


def test_log_gamma_agrees_with_the_standard_library_one_number_at_a_time():
    for x in (0.15, 1.5, 14.999, 15.0, 1e5):
        assert lawful(x) == pytest.approx(math.lgamma(x), rel=1e-14)


def test_digamma_and_trigamma_follow_their_recurrences():
    x = np.array([0.3, 4.2, 14.5, 40.0])
    np.testing.assert_allclose(digamma(x + 1) - digamma(x), 1 / x, rtol=1e-11)
    np.testing.assert_allclose(trigamma(x) - trigamma(x + 1), 1 / x**2, rtol=1e-9)
