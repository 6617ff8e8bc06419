"""Cards E1 and E2: M1 to M4 and the broken neural scaling law."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.bnsl import bnsl, broken_law
from isoflop.laws.one_variable import m1, m2, m3, m4

X = np.array([10.0, 1e3, 1e6])
M4 = {"eps_0": 1.0, "eps_inf": 0.1, "beta": 2.0, "c": -0.3}


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (1.0, [0.5505336216, 0.2810267412, 0.1276515814]),
        (1.5, [0.4780183364, 0.2602108520, 0.1259041064]),
    ],
)
def test_m4(alpha, expected):
    np.testing.assert_allclose(m4(X, alpha=alpha, **M4), expected, atol=6e-11)


def test_m2_exceeds_random_guessing_where_m4_does_not():
    y = m2(X, eps_inf=0.1, beta=2.0, c=-0.3)
    np.testing.assert_allclose(y[:2], [1.1023744673, 0.3517850824], atol=6e-11)
    assert y[2] == pytest.approx(0.1 + 2 * 10**-1.8, rel=1e-14)
    for alpha in (0.0, 1e-3, 0.1, 1.0, 3.0):
        assert np.all(m4(X, alpha=alpha, **M4) <= 1.0)
    np.testing.assert_allclose(m4(X, alpha=0.0, **M4)[1:], y[1:], rtol=1e-12)


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0, 2.5, 5.0])
def test_m4_solves_its_equation(alpha):
    x = np.geomspace(30.0, 1e12, 60)
    values = {**M4, "eps_inf": 1e-9, "alpha": alpha}
    y = m4(x, **values)
    left = (y - 1e-9) / (1.0 - y) ** alpha
    inside = y < 1 - 1e-9
    np.testing.assert_allclose(left[inside], (2 * x**-0.3)[inside], rtol=1e-6)
    assert np.all(np.diff(y[inside]) < 0)


def test_m4_without_room_between_its_errors_is_not_a_number():
    assert np.isnan(m4(10.0, eps_inf=0.6, eps_0=0.5, beta=2.0, c=-0.3, alpha=1.0))


def test_family_is_nested_and_the_sign_of_c_differs_in_m3():
    np.testing.assert_allclose(m2(X, eps_inf=0.0, beta=2.0, c=-0.3), m1(X, beta=2.0, c=-0.3))
    np.testing.assert_allclose(m3(X, beta=2.0, gamma=0.0, c=0.3), m1(X, beta=2.0, c=-0.3))
    assert m3(1e30, beta=2.0, gamma=1e-4, c=0.3) == pytest.approx(2 * 1e-4**0.3)
    bounds = {law.name: law.parameters[-1 if law is not m4 else -2] for law in (m1, m2, m3, m4)}
    assert {name: p.upper <= 0 for name, p in bounds.items()} == {
        "m1": True,
        "m2": True,
        "m3": False,
        "m4": True,
    }


def test_bnsl_on_the_authors_constants():
    x = np.array([160, 416, 612.5836172918001, 928, 4095])
    expected = [2.1358239865, 2.0467547876, 1.6815325506, 0.5625980687, 0.4139151547]
    np.testing.assert_allclose(bnsl(x, **bnsl.constants("addition")), expected, atol=6e-11)


def test_bnsl_with_three_breaks_is_not_monotone():
    law = laws.get("bnsl3")
    y = law(np.array([1, 1e6, 1e14, 1e21]), **law.constants("figure1"))
    expected = [4659.9977523, 1972.3233820, 0.4276464515, 0.5154515319]
    np.testing.assert_allclose(y, expected, rtol=6e-11, atol=6e-11)


RAW = np.array([
    [160, 192, 256, 320, 384, 448, 480, 512, 544, 576, 608, 640, 672, 736, 800, 864, 928],
    [2.13809046, 2.11813418, 2.08955508, 2.06988398, 2.05404987, 2.03837089, 2.02814281,
     2.00496872, 1.95576149, 1.86313841, 1.70891537, 1.50637664, 1.29754721, 0.96559684,
     0.75856477, 0.64768338, 0.55695445],
])  # fmt: skip


def rmsle(y, predicted):
    return np.sqrt(np.mean((np.log(y) - np.log(predicted)) ** 2))


def test_bnsl_constants_are_the_fit_of_the_raw_points():
    x, y = RAW
    predicted = bnsl(x, **bnsl.constants("addition"))
    assert rmsle(y[:14], predicted[:14]) == pytest.approx(5.98487e-4, rel=1e-4)
    assert rmsle(y[14:], predicted[14:]) == pytest.approx(1.09157e-2, rel=1e-4)


def test_authors_constants_minimise_their_objective():
    """Gradient and curvature of the squared error of log(y + 1) on the first 14 points."""
    from isoflop.laws.functions import log1p
    from isoflop.laws.linear import evaluate

    x, y = RAW[:, :14]
    result = log1p(evaluate(bnsl, {"x": x}, bnsl.constants("addition"), second=False))
    residual = result.value - np.log1p(y)
    J = np.stack([np.broadcast_to(result.d[name], x.shape) for name in bnsl.parameter_names])
    # The Gauss-Newton step to the optimum, relative to each constant, is small.
    step = np.linalg.lstsq(J.T, -residual, rcond=None)[0]
    size = np.array(list(bnsl.constants("addition").values()))
    assert np.max(np.abs(step / size)) < 1e-5


def test_bnsl_slopes_between_breaks_and_no_overflow():
    values = {"a": 0.0, "b": 1.0, "c0": 0.1, "c1": 0.4, "d1": 1e6, "f1": 1e-3}
    x = np.array([1e2, 1e3, 1e9, 1e10])
    log_y = np.log10(bnsl(x, **values))
    assert log_y[1] - log_y[0] == pytest.approx(-0.1)
    assert log_y[3] - log_y[2] == pytest.approx(-0.5)


def test_any_number_of_breaks():
    assert broken_law(1) is bnsl
    law = broken_law(5)
    assert len(law.parameters) == 3 + 3 * 5
    flat = {f"{k}{i}": v for i in range(2, 6) for k, v in (("c", 0.0), ("d", 1.0), ("f", 1.0))}
    constants = bnsl.constants("addition")
    assert law(x=416.0, **constants, **flat) == pytest.approx(bnsl(416.0, **constants))
