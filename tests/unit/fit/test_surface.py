"""Approach 2 by profile: known errors on an asymmetric surface, uncertain exponents, refusals."""

import numpy as np
import pytest

from isoflop.fit.surface import fit_surface
from isoflop.runs.cost import CostCurve

ALPHA, BETA = 0.465, 0.155


def asymmetric_data(noise=0.0, sizes=7, k=8.0, budgets=(1e18, 1e19, 1e20, 1e21), seed=0):
    rng = np.random.default_rng(seed)
    G = (ALPHA * 406.4 / (BETA * 410.7)) ** (1 / (ALPHA + BETA))
    rows = []
    for c in budgets:
        best = G * (c / 6) ** (BETA / (ALPHA + BETA))
        for n in best * np.geomspace(1 / k, k, sizes):
            loss = 1.69 + 406.4 / n**ALPHA + 410.7 / (c / 6 / n) ** BETA
            rows.append((n, c, loss + rng.normal(0, noise) if noise else loss, best))
    return (np.array(v) for v in zip(*rows, strict=True))


def asymmetric_surface(profile, noise=0.0, **how):
    N, C, loss, best = asymmetric_data(noise)
    cost = CostCurve.from_runs(N, C / (6 * N), C)
    rng = np.random.default_rng(0)
    surface = fit_surface(
        N, C, loss, C, cost=cost, samples=200, rng=rng, window=99.0, profile=profile, **how
    )
    truth = dict(zip(C, best, strict=True))
    return surface, np.array([p.N / truth[p.budget] - 1 for p in surface.usable])


def test_each_profile_has_its_known_error_on_an_asymmetric_surface():
    errors = {
        name: np.abs(asymmetric_surface(name, exponents=(ALPHA, BETA), seed_noise=1e-5)[1])
        for name in ("parabola", "cubic", "akima", "corrected")
    }
    assert all(errors["parabola"] > 0.15)
    assert all(errors["cubic"] < 0.02)
    assert all(errors["akima"] < 0.1)
    assert all(errors["corrected"] < 1e-9)


def test_uncertain_exponents_widen_the_corrected_minima():
    rng = np.random.default_rng(1)
    pairs = np.array([ALPHA, BETA]) + rng.normal(0, 0.05, (200, 2))
    sure = asymmetric_surface("corrected", 0.003, exponents=(ALPHA, BETA))[0]
    unsure = asymmetric_surface(
        "corrected", 0.003, exponents=(ALPHA, BETA), exponent_samples=pairs
    )[0]
    spread = [s.minima[:, :, 0].std(axis=1) for s in (sure, unsure)]
    assert all(spread[1] > 2 * spread[0])
    np.testing.assert_array_equal([p.N for p in sure.profiles], [p.N for p in unsure.profiles])


def test_a_sample_without_positive_exponents_has_no_minimum():
    pairs = np.full((200, 2), (ALPHA, BETA))
    pairs[7] = (-0.1, BETA)
    pairs[8] = (np.nan, BETA)
    surface = asymmetric_surface(
        "corrected", 0.001, exponents=(ALPHA, BETA), exponent_samples=pairs
    )[0]
    assert np.isnan(surface.minima[:, [7, 8]]).all()
    assert np.isfinite(surface.minima[:, 9]).all()


def test_exponents_are_of_the_profile_when_cost_is_not_proportional_to_size():
    # FLOPs a token grow as N^0.8: along a budget D falls as N^-0.8, so the loss rises as
    # N^(0.8 beta), and the minimum moves; the corrected profile follows.
    alpha, beta, slope = 0.4, 0.3, 0.8
    rows = []
    for c in (1e18, 1e19, 1e20):
        best = (alpha * 400 / (slope * beta * 400)) ** (1 / (alpha + slope * beta)) * (c / 60) ** (
            beta / (alpha + slope * beta)
        )
        sizes = best * np.geomspace(1 / 8, 8, 7)
        rows += [(n, c, c / (60 * n**slope), best) for n in sizes]
    N, C, D, best = (np.array(v) for v in zip(*rows, strict=True))
    surface = fit_surface(
        N,
        C,
        2 + 400 / N**alpha + 400 / D**beta,
        C,
        cost=CostCurve.from_runs(N, D, C),
        samples=20,
        rng=np.random.default_rng(0),
        window=99.0,
        profile="corrected",
        exponents=(alpha, beta),
    )
    truth = dict(zip(C, best, strict=True))
    for p in surface.usable:
        assert pytest.approx(truth[p.budget], rel=1e-6) == p.N


def test_akima_is_weighted_by_what_its_minima_are_known_to():
    N, C, loss, _ = asymmetric_data(0.002)
    cost = CostCurve.from_runs(N, C / (6 * N), C)
    surface = fit_surface(
        N,
        C,
        loss,
        C,
        cost=cost,
        seed_noise=0.002,
        samples=300,
        rng=np.random.default_rng(0),
        profile="akima",
    )
    assert surface.noise == pytest.approx(0.002)
    assert surface.N_opt.exponent == pytest.approx(BETA / (ALPHA + BETA), abs=0.03)
    for p, drawn in zip(surface.usable, surface.minima, strict=True):
        assert np.log(p.N) == pytest.approx(np.nanmedian(drawn[:, 0]))


def test_a_minimum_that_most_noise_removes_is_not_identified():
    N, C, loss, best = asymmetric_data(sizes=5)
    flat = np.where(C == 1e20, 2.5 + 1e-4 * (np.log(N / best)) ** 2, loss)
    cost = CostCurve.from_runs(N, C / (6 * N), C)
    surface = fit_surface(
        N,
        C,
        flat,
        C,
        cost=cost,
        seed_noise=0.02,
        rng=np.random.default_rng(0),
        profile="corrected",
        exponents=(ALPHA, BETA),
        window=9.0,
    )
    found = {p.budget: p for p in surface.profiles}
    assert found[1e20].status == "not identified"
    assert "% of noise samples" in found[1e20].reason
    assert surface.minima.shape[0] == len(surface.usable) == 3
