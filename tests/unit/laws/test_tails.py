"""sigmoid and softplus keep full relative precision in both tails, derivatives included."""

from __future__ import annotations

import numpy as np

from isoflop.laws.duals import seed
from isoflop.laws.functions import sigmoid, softplus

X = np.array([-600.0, -40.0, -30.0, -1.0, 0.0, 1.0, 30.0, 600.0])


def test_values_and_derivatives_of_sigmoid_in_the_tails():
    x = seed({"x": X})["x"]
    result = sigmoid(x)
    small = np.exp(X[:3])
    np.testing.assert_allclose(sigmoid(X)[:3], small, rtol=1e-12)
    np.testing.assert_allclose(result.value[:3], small, rtol=1e-12)
    np.testing.assert_allclose(result.d["x"][:3], small, rtol=1e-12)
    np.testing.assert_allclose(sigmoid(-x).d["x"], -result.d["x"], rtol=1e-12)
    np.testing.assert_allclose(result.value + sigmoid(-x).value, 1.0, rtol=1e-15)


def test_first_derivative_of_softplus_is_the_sigmoid():
    x = seed({"x": X})["x"]
    np.testing.assert_allclose(softplus(x).d["x"], sigmoid(X), rtol=1e-14)
