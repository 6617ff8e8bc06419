"""Shapes of an isoFLOP profile: each finds the minimum of its own family exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.fit.shapes import PROFILES, profile_bias, shape_of

X = np.linspace(-1.2, 1.5, 7)


@given(st.floats(-0.8, 0.8), st.floats(0.01, 1.0))
def test_a_parabola_finds_a_parabola(at, curvature):
    loss = 3.0 + curvature * (X - at) ** 2
    x, low, c = shape_of("parabola", X).minima(loss[None])[0]
    assert x == pytest.approx(at, abs=1e-9)
    assert low == pytest.approx(3.0, abs=1e-10)
    assert c == pytest.approx(curvature, rel=1e-9)


@given(st.floats(-0.8, 0.8), st.floats(-0.02, 0.02))
def test_a_cubic_finds_a_cubic(at, skew):
    loss = 3.0 + 0.1 * (X - at) ** 2 + skew * (X - at) ** 3
    x, low, c = shape_of("cubic", X).minima(loss[None])[0]
    assert x == pytest.approx(at, abs=1e-8)
    assert low == pytest.approx(3.0, abs=1e-9)
    assert c == pytest.approx(0.1, rel=1e-7)


@pytest.mark.parametrize("at", [-2.0, 2.5])
def test_a_cubic_does_not_extrapolate_its_minimum(at):
    assert np.isnan(shape_of("cubic", X).minima((3.0 + 0.1 * (X - at) ** 2)[None])).all()


def test_a_cubic_that_only_falls_has_no_minimum():
    assert np.isnan(shape_of("cubic", X).minima((3.0 - X - X**3)[None])).all()


def law(x, at, alpha, beta, R=0.05):
    return 2.0 + R * (beta / alpha * np.exp(-alpha * (x - at)) + np.exp(beta * (x - at)))


@given(st.floats(-0.8, 0.8), st.floats(0.1, 0.8), st.floats(0.1, 0.8))
def test_the_corrected_shape_finds_the_laws_own_minimum(at, alpha, beta):
    shape = shape_of("corrected", X, (alpha, beta))
    x, low, c = shape.minima(law(X, at, alpha, beta)[None])[0]
    assert x == pytest.approx(at, abs=1e-7)
    assert low == pytest.approx(law(at, at, alpha, beta), abs=1e-10)
    assert c == pytest.approx(0.05 * beta * (alpha + beta) / 2, rel=1e-6)


def test_the_corrected_shape_tends_to_the_parabola_for_small_exponents():
    loss = (3.0 + 0.1 * (X - 0.3) ** 2 + np.random.default_rng(0).normal(0, 0.01, 7))[None]
    parabola = shape_of("parabola", X).minima(loss)
    np.testing.assert_allclose(
        shape_of("corrected", X, (1e-5, 1e-5)).minima(loss), parabola, rtol=1e-6
    )


def test_one_pair_of_exponents_a_sample():
    pairs = np.array([[0.34, 0.28], [0.465, 0.155]])
    losses = np.stack([law(X, 0.2, *pair) for pair in pairs])
    shape = shape_of("corrected", X, (0.3, 0.3))
    np.testing.assert_allclose(shape.minima(losses, pairs)[:, 0], 0.2, atol=1e-9)


def test_akima_goes_through_the_runs():
    loss = 3.0 + 0.1 * (X - 0.25) ** 2
    shape = shape_of("akima", X)
    np.testing.assert_allclose(shape.curve(loss, X), loss, rtol=1e-12)
    assert shape.minima(loss[None])[0, 0] == pytest.approx(0.25, abs=0.03)


def test_akima_takes_the_mean_of_repeated_sizes():
    x = np.array([-1.0, 0.0, 0.0, 1.0, 2.0])
    loss = np.array([2.2, 2.0, 2.1, 2.3, 2.8])
    shape = shape_of("akima", x)
    assert shape.curve(loss, np.array([0.0]))[0] == pytest.approx(np.sqrt(2.0 * 2.1))
    assert shape.enough


@pytest.mark.parametrize("name", PROFILES)
def test_a_curve_has_its_lowest_point_at_the_minimum(name):
    shape = shape_of(name, X, (0.34, 0.28) if name == "corrected" else None)
    loss = law(X, 0.1, 0.34, 0.28, R=0.5)
    x, low, _ = shape.minima(loss[None])[0]
    fine = np.linspace(-1.2, 1.5, 5401)
    curve = shape.curve(loss, fine)
    assert fine[np.argmin(curve)] == pytest.approx(x, abs=1e-3)
    assert curve.min() == pytest.approx(low, abs=1e-6)


@pytest.mark.parametrize(("name", "runs"), [("parabola", 4), ("cubic", 5), ("corrected", 4)])
def test_how_many_sizes_leave_a_check(name, runs):
    exponents = (0.3, 0.3) if name == "corrected" else None
    assert shape_of(name, X[:runs], exponents).enough
    assert not shape_of(name, X[: runs - 1], exponents).enough


def test_the_corrected_shape_needs_its_exponents():
    with pytest.raises(InputError, match="exponents"):
        shape_of("corrected", X)
    with pytest.raises(InputError, match="positive"):
        shape_of("corrected", X, (0.3, -0.1))


def test_unknown_shapes_are_named():
    with pytest.raises(InputError, match="parabola"):
        shape_of("spline", X)


def test_bias_by_shape_on_a_wide_grid():
    x = np.linspace(-np.log(16), np.log(16), 15)
    bias = {name: abs(profile_bias(name, 0.465, 0.155, x)) for name in PROFILES}
    assert bias["parabola"] > 0.3
    assert bias["cubic"] < bias["parabola"] / 10
    assert bias["akima"] < bias["parabola"] / 10
    assert bias["corrected"] < 1e-9
