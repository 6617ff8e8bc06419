"""The bias of approach 2 on asymmetric surfaces: the published table (Czech 2026, bias 1)."""

import numpy as np
import pytest

from isoflop.fit.isoflop import fit_profile, parabola_bias

E, A, B = 1.69, 406.4, 410.7


@pytest.mark.parametrize(
    ("k", "dw", "N_error", "D_error", "D_error_asymmetric"),
    [
        (2, 0.00142220, 0.00328, -0.00327, -0.0167),
        (4, 0.00568780, 0.01318, -0.01301, -0.0650),
        (8, 0.01279376, 0.02990, -0.02903, -0.1391),
        (16, 0.02273491, 0.05374, -0.05100, -0.2312),
    ],
)
def test_published_table(k, dw, N_error, D_error, D_error_asymmetric):
    x = np.log(10.0) * np.linspace(-np.log10(k), np.log10(k), 15)
    bias = parabola_bias(0.34, 0.28, x)
    assert np.log10(1 + bias) == pytest.approx(dw, abs=5e-9)
    assert bias == pytest.approx(N_error, abs=5e-6)
    assert 1 / (1 + bias) - 1 == pytest.approx(D_error, abs=5e-5)
    asymmetric = parabola_bias(0.465, 0.155, x)
    assert 1 / (1 + asymmetric) - 1 == pytest.approx(D_error_asymmetric, abs=5e-5)


def test_no_bias_on_a_symmetric_surface():
    assert parabola_bias(0.31, 0.31, np.linspace(-2, 2, 15)) == pytest.approx(0.0, abs=1e-12)


def test_a_fitted_profile_has_the_computed_bias():
    C, alpha, beta = 1e19, 0.34, 0.28
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    best = G * (C / 6) ** (beta / (alpha + beta))
    N = best * np.geomspace(1 / 4, 4, 15)
    loss = E + A / N**alpha + B / (C / 6 / N) ** beta
    profile = fit_profile(C, N, np.full(15, C), loss, window=10.0)
    assert profile.ok
    assert profile.N / best - 1 == pytest.approx(
        parabola_bias(alpha, beta, np.log(N / best)), abs=1e-9
    )
