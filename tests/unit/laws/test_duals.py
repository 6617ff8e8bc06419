"""Dual numbers against central differences and known derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.laws import functions as f
from isoflop.laws.duals import Dual, seed

X = np.array([[0.3], [1.7], [2.4]])
Y = np.array([[0.8], [0.2], [1.9]])

EXPRESSIONS = {
    "sum of products": lambda x, y: 3.0 + x * y - 2.0 * x + y / 4.0 - (1.0 - y),
    "quotient": lambda x, y: (x + 1.0) / (y + x * x),
    "power of a constant": lambda x, y: 2.5**x + 7.0**-y + x / 3.0**y,
    "constant power": lambda x, y: x**1.5 + y**2 + x**-0.5,
    "power of both": lambda x, y: (1.0 + x) ** (y / 2.0),
    "nested powers": lambda x, y: (2.0**x * 3.0**y) ** 0.5 / 5.0 ** (x * y),
    "exp and log": lambda x, y: f.exp(-x * y) + f.log(x + y) + f.log(f.exp(x)) * y,
    "log1p, expm1, sqrt": lambda x, y: f.log1p(x * y) + f.expm1(x) * f.sqrt(y),
    "bases": lambda x, y: f.log10(x) * f.log2(y),
    "bounded": lambda x, y: f.tanh(x - y) + f.sigmoid(x * y) + f.softplus(y - x),
    "minimum": lambda x, y: f.minimum(x * x, y) + f.maximum(x, 3.0 * y) + f.minimum(x, 1.0),
    "where": lambda x, y: f.where(x > y, x * x, y * x) + f.absolute(x - y),
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_derivatives(expression):
    runs = np.array([1.0, 2.0, 3.0])

    def at(x, y, second=True):
        values = seed({"x": x, "y": y}, second)
        return expression(values["x"], values["y"]) * runs

    exact, step = at(X, Y), 1e-6
    assert isinstance(exact, Dual)
    np.testing.assert_allclose(exact.value, expression(X, Y) * runs)
    shape = exact.value.shape
    for name, dx, dy in (("x", step, 0.0), ("y", 0.0, step)):
        high, low = at(X + dx, Y + dy, False), at(X - dx, Y - dy, False)
        assert high.h is None
        numeric = (high.value - low.value) / (2 * step)
        np.testing.assert_allclose(np.broadcast_to(exact.d[name], shape), numeric, rtol=1e-7)
        for other in ("x", "y"):
            pair = (min(name, other), max(name, other))
            curved = np.broadcast_to(exact.h.get(pair, 0.0), shape)
            slope = (
                np.broadcast_to(high.d.get(other, 0.0), shape)
                - np.broadcast_to(low.d.get(other, 0.0), shape)
            ) / (2 * step)
            np.testing.assert_allclose(curved, slope, rtol=1e-6, atol=1e-7)


def test_tangents_stay_sparse():
    values = seed({"E": X, "A": X, "alpha": Y})
    loss = values["E"] + values["A"] / np.array([1e8, 1e9]) ** values["alpha"]
    assert loss.d["E"] == 1.0
    assert loss.h.keys() == {("A", "alpha"), ("alpha", "alpha")}


def test_powers_do_not_overflow_between_numerator_and_denominator():
    values = seed({"a": np.array([[60.0]])})
    ratio = 1e10 ** values["a"] / 1e11 ** values["a"]
    np.testing.assert_allclose(ratio.value, 1e-60)
    np.testing.assert_allclose(ratio.d["a"], -np.log(10.0) * 1e-60)


def test_numbers_and_arrays_pass_through_functions():
    assert f.exp(1.0) == pytest.approx(np.e)
    np.testing.assert_allclose(f.sigmoid(np.array([-800.0, 0.0, 800.0])), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(f.where(X > Y, X, Y), np.maximum(X, Y))
