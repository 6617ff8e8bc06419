"""Approach 2: interior minima only, intervals from noise, power laws through the minima."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import NotIdentified
from isoflop.fit.isoflop import fit_profile, pooled_noise
from isoflop.fit.powerlaw import fit_power_law
from isoflop.fit.surface import fit_surface
from isoflop.runs.cost import CostCurve

C = np.full(5, 1e18)


def parabola(x0: float, N: np.ndarray) -> np.ndarray:
    return 3.0 + 0.1 * (np.log(N) - x0) ** 2


def test_the_vertex_of_an_exact_parabola_is_found():
    N = np.geomspace(1e6, 1e8, 5)
    profile = fit_profile(1e18, N, C, parabola(np.log(9e6), N), window=9.0)
    assert profile.ok
    assert pytest.approx(9e6, rel=1e-9) == profile.N
    assert profile.loss == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize(("at", "side"), [(1.2e6, "smaller"), (9e7, "larger"), (1e5, "smaller")])
def test_a_minimum_that_is_not_enclosed_is_refused(at, side):
    N = np.geomspace(1e6, 1e8, 5)
    profile = fit_profile(1e18, N, C, parabola(np.log(at), N), window=99.0)
    assert not profile.ok
    assert profile.side == side
    assert profile.reason


def test_a_profile_that_bends_down_is_refused():
    N = np.geomspace(1e6, 1e8, 5)
    loss = np.array([3.0, 3.2, 2.9, 3.2, 3.0])
    assert fit_profile(1e18, N, C, loss).status == "not convex"


def test_three_runs_have_no_check_and_are_refused():
    N = np.geomspace(1e6, 1e8, 3)
    assert fit_profile(1e18, N, C[:3], parabola(np.log(1e7), N)).status == "too few"


def test_far_runs_are_left_out_of_the_parabola():
    N = np.geomspace(1e5, 1e9, 9)
    profile = fit_profile(1e18, N, np.full(9, 1e18), parabola(np.log(1e7), N), window=0.3)
    assert profile.used.sum() == 3
    assert pytest.approx(1e7, rel=1e-9) == profile.N


def test_samples_spread_as_the_least_squares_theory_says():
    N = np.geomspace(1e6, 1e8, 5)
    profile = fit_profile(1e18, N, C, parabola(np.log(1e7), N), window=9.0)
    drawn = profile.sample(1e-3, 20_000, np.random.default_rng(0))
    x = np.log(N / 1e7)
    X = np.stack([np.ones(5), x, x**2], axis=1)
    cov = 1e-6 * np.linalg.inv(X.T @ X)
    assert drawn[:, 0].std() == pytest.approx(np.sqrt(cov[1, 1]) / (2 * 0.1), rel=0.03)


def test_pooled_noise_counts_degrees_of_freedom():
    rng = np.random.default_rng(1)
    N = np.geomspace(1e6, 1e8, 7)
    profiles = [
        fit_profile(
            1e18,
            N,
            np.full(7, 1e18),
            parabola(np.log(1e7), N) + rng.normal(0, 0.01, 7),
            window=9,
        )
        for _ in range(400)
    ]
    sigma, freedom = pooled_noise(profiles)
    assert freedom == 1600
    assert sigma == pytest.approx(0.01, rel=0.06)


@given(st.floats(0.2, 0.8), st.floats(1e-3, 1e3))
def test_a_power_law_is_recovered(exponent, coefficient):
    C = np.array([1e18, 1e19, 1e20])
    y = coefficient * C**exponent
    law = fit_power_law(C, y, np.tile(y, (10, 1)), np.random.default_rng(0))
    assert law.exponent == pytest.approx(exponent, abs=1e-9)
    np.testing.assert_allclose(law.point(1e22), coefficient * 1e22**exponent, rtol=1e-9)
    assert np.allclose(law.exponents, exponent)


def test_scatter_beyond_the_points_own_noise_widens_the_samples():
    C = np.geomspace(1e18, 1e21, 4)
    y = C**0.5 * np.exp([0.3, -0.3, -0.3, 0.3])
    law = fit_power_law(C, y, np.tile(y, (4000, 1)), np.random.default_rng(0))
    assert law.scatter == pytest.approx(np.sqrt(4 * 0.09 / 2), rel=1e-6)
    x = np.log(C) - np.log(C).mean()
    assert law.exponents.std() == pytest.approx(law.scatter / np.sqrt(x @ x), rel=0.05)


def test_a_sample_leaves_out_what_has_no_minimum_and_is_open_with_fewer_than_two():
    C = np.array([1e18, 1e19, 1e20])
    samples = C**0.5 * np.array([[1.0, 1, 1], [1, np.nan, 1], [1, np.nan, np.nan]])
    law = fit_power_law(C, C**0.5, samples, np.random.default_rng(0))
    assert law.exponents[:2] == pytest.approx([0.5, 0.5], abs=1e-12)
    assert np.isnan(law.exponents[2])


def surface_data():
    N_star = {C: 3e7 * (C / 1e18) ** 0.5 for C in (1e18, 1e19, 1e20)}
    rows = [
        (n, c, 3 * (c / 1e18) ** -0.05 * (1 + 0.03 * np.log(n / best) ** 2), c)
        for c, best in N_star.items()
        for n in best * np.geomspace(1 / 4, 4, 5)
    ]
    return (np.array(v) for v in zip(*rows, strict=True))


def test_the_surface_predicts_its_own_runs_and_beyond():
    N, C, loss, budget = surface_data()
    cost = CostCurve.from_runs(N, C / (6 * N), C)
    rng = np.random.default_rng(0)
    surface = fit_surface(N, C, loss, budget, cost=cost, samples=50, rng=rng)
    np.testing.assert_allclose(surface.point(N, C / (6 * N)), loss, rtol=2e-4)
    assert surface.N_opt.exponent == pytest.approx(0.5, abs=0.01)
    assert surface.N_opt.exponent + surface.D_opt.exponent == pytest.approx(1.0, abs=1e-6)
    far = surface.sample(np.array([3e7 * 1e3**0.5]), np.array([1e21 / (6 * 3e7 * 1e3**0.5)]))
    assert far.shape == (50, 1)
    assert far.mean() == pytest.approx(3 * 1e3**-0.05, rel=2e-3)


def test_one_usable_budget_is_not_a_line():
    N, C, loss, budget = surface_data()
    keep = (budget == 1e18) | (N > 2.9e8)
    cost = CostCurve.from_runs(N, C / (6 * N), C)
    with pytest.raises(NotIdentified, match="interior minimum"):
        fit_surface(
            N[keep], C[keep], loss[keep], budget[keep], cost=cost, rng=np.random.default_rng(0)
        )


def test_a_cubic_with_four_sizes_is_refused():
    N = np.geomspace(1e6, 1e8, 4)
    loss = parabola(np.log(1e7), N)
    found = fit_profile(1e18, N, C[:4], loss, window=9.0, profile="cubic")
    assert (found.status, found.ok) == ("too few", False)
    assert "five" in found.reason


def test_weights_decide_which_points_a_power_law_follows():
    C = np.array([1e18, 1e19, 1e20])
    y = C**0.5 * np.array([1.0, 1.0, 2.0])
    rng = np.random.default_rng(0)
    law = fit_power_law(C, y, np.tile(y, (9, 1)), rng, weights=np.array([1e6, 1e6, 1e-6]))
    assert law.exponent == pytest.approx(0.5, abs=1e-6)
    even = fit_power_law(C, y, np.tile(y, (9, 1)), rng, weights=np.ones(3))
    assert even.exponent == pytest.approx(np.polyfit(np.log(C), np.log(y), 1)[0])


def test_with_weights_a_draw_without_a_minimum_leaves_that_budget_out():
    C = np.array([1e18, 1e19, 1e20, 1e21])
    y = C**0.5
    samples = np.tile(y, (3, 1))
    samples[1, 3] = np.nan
    samples[2, 1:] = np.nan
    law = fit_power_law(C, y, samples, np.random.default_rng(0), weights=np.ones(4))
    np.testing.assert_allclose(law.exponents[:2], 0.5)
    assert np.isnan(law.exponents[2])


def test_repeats_of_one_size_are_one_size():
    N = np.array([1e6, 1e6, 1e6, 1e7, 1e8])
    profile = fit_profile(1e18, N, C, parabola(np.log(1e7), N), window=99.0)
    assert profile.status == "too few"
    assert "3 sizes" in profile.reason
