"""Distributions of success rates: the likelihood's maximum, recovery, intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from isoflop.errors import NotIdentified
from isoflop.laws.coverage import beta_binomial_log_likelihood, coverage_beta
from isoflop.plan.sampling.families import FAMILIES, _Model, fit_rates


def draw(problems, n, alpha, beta, never, seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(alpha, beta, size=problems) * (rng.random(problems) >= never)
    return np.full(problems, n), rng.binomial(n, p)


@pytest.mark.parametrize("size", [2, 3])
def test_derivatives(size):
    model = _Model(np.array([20, 20, 20, 7]), np.array([0, 3, 20, 0]), size)
    rng = np.random.default_rng(0)
    u = rng.normal(size=(5, size))
    weights = rng.uniform(0, 2, size=(5, 4))
    gradient, hessian = model.slopes(u, weights)
    for i in range(size):
        step = np.zeros(size)
        step[i] = 1e-5
        up, down = model.value(u + step, weights), model.value(u - step, weights)
        np.testing.assert_allclose(gradient[:, i], (up - down) / 2e-5, rtol=1e-6, atol=1e-7)
        above, below = model.slopes(u + step, weights)[0], model.slopes(u - step, weights)[0]
        np.testing.assert_allclose(hessian[:, i], (above - below) / 2e-5, rtol=1e-6, atol=1e-6)


def test_the_maximum_is_scipys():
    n, c = draw(150, 50, 0.4, 1.5, 0.0, 3)
    found = fit_rates(n, c, np.ones((1, 150)), "beta")

    def loss(u):
        return -beta_binomial_log_likelihood(c, n, alpha=np.exp(u[0]), beta=np.exp(u[1])).sum()

    oracle = minimize(
        loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-9}
    )
    assert found.log_likelihood == pytest.approx(-oracle.fun, abs=1e-6)
    assert found.alpha[0] == pytest.approx(np.exp(oracle.x[0]), rel=1e-4)


def test_a_weighted_problem_counts_as_often_as_its_weight():
    n, c = draw(40, 30, 0.4, 1.5, 0.0, 4)
    weights = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40)).astype(float)
    both = fit_rates(n, c, np.stack([np.ones(40), weights]), "beta")
    rows = np.repeat(np.arange(40), weights.astype(int))
    alone = fit_rates(n[rows], c[rows], np.ones((1, 40)), "beta")
    assert both.alpha[1] == pytest.approx(alone.alpha[0], rel=1e-5)
    assert both.beta[1] == pytest.approx(alone.beta[0], rel=1e-5)


@pytest.mark.parametrize("never", [0.0, 0.3])
def test_recovery(never):
    n, c = draw(4000, 60, 0.5, 2.0, never, 6)
    family = "beta_unsolvable" if never else "beta"
    found = fit_rates(n, c, np.ones((1, 4000)), family)
    assert found.alpha[0] == pytest.approx(0.5, rel=0.1)
    assert found.beta[0] == pytest.approx(2.0, rel=0.12)
    assert found.unsolvable[0] == pytest.approx(never, abs=0.04)
    assert not found.at_bound


def test_the_likelihood_tells_whether_some_problems_are_never_solved():
    for never, family in ((0.0, "beta"), (0.4, "beta_unsolvable")):
        n, c = draw(1000, 100, 1.5, 3.0, never, 7)
        fits = [fit_rates(n, c, np.ones((1, 1000)), name) for name in FAMILIES]
        assert min(fits, key=lambda fit: fit.aic).family == family


def test_coverage_of_a_family():
    n, c = draw(300, 60, 0.5, 2.0, 0.0, 8)
    found = fit_rates(n, c, np.ones((1, 300)), "beta")
    alpha, beta = found.alpha[0], found.beta[0]
    assert found.coverage(10)[0] == coverage_beta(10.0, alpha=alpha, beta=beta)
    assert found.coverage(1)[0] == pytest.approx(c.sum() / n.sum(), rel=0.05)


@pytest.mark.parametrize("c", [[0, 0, 0], [5, 5, 5]])
def test_counts_that_say_nothing(c):
    with pytest.raises(NotIdentified, match="attempts succeeded"):
        fit_rates(np.full(3, 5), np.array(c), np.ones((1, 3)), "beta")
