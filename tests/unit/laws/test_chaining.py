"""The chain rule through intermediate inputs gives the derivatives of direct evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.laws.chaining import through
from isoflop.laws.duals import Dual, seed
from isoflop.laws.functions import exp, log
from isoflop.laws.linear import evaluate, generic_inputs, generic_parameters
from isoflop.laws.resolve import resolve


def inner(x, y, z):
    return x * y / 3.0 + exp(z * y) + z


def outer(t, x, s):
    return log(t) * t**x + s / t + x * s


def test_same_derivatives_as_direct_evaluation():
    rng = np.random.default_rng(0)
    values = seed({name: rng.uniform(0.5, 1.5, (4, 1)) for name in "sxyz"})
    runs = rng.uniform(0.5, 2.0, 6)
    t = inner(values["x"], values["y"], values["z"]) * runs
    direct = outer(t, values["x"], values["s"])
    chained = through(outer, {"t": t, "x": values["x"], "s": values["s"]}, {"t"})
    assert isinstance(chained, Dual)
    np.testing.assert_allclose(chained.value, direct.value)
    assert chained.d.keys() == direct.d.keys()
    assert chained.h.keys() == direct.h.keys()
    for name, slope in direct.d.items():
        np.testing.assert_allclose(chained.d[name], slope, rtol=1e-12)
    for pair, curved in direct.h.items():
        np.testing.assert_allclose(chained.h[pair], curved, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["chinchilla[D=repeated_tokens]", "chinchilla[D=repeated_tokens,N=excess_parameters]"]
)
def test_composition_agrees_with_central_differences(name):
    law = resolve(name)
    inputs = {**generic_inputs(law, 6, 1), "U": np.full(6, 3e9)}
    values = generic_parameters(law, inputs, 3, 2)
    exact, shape = evaluate(law, inputs, values), (3, 6)
    for p in law.parameter_names:
        step = 1e-6 * np.abs(values[p])
        high, low = (
            evaluate(law, inputs, {**values, p: values[p] + sign * step}, False) for sign in (1, -1)
        )
        numeric = (high.value - low.value) / (2 * step)
        size = np.abs(exact.value) / np.abs(values[p])
        slope = np.broadcast_to(exact.d.get(p, 0.0), shape)
        assert np.all(np.abs(slope - numeric) <= 1e-6 * (np.abs(slope) + size)), p


def test_numbers_are_passed_on():
    assert through(outer, {"t": 2.0, "x": 1.0, "s": 3.0}, {"t"}) == outer(2.0, 1.0, 3.0)
