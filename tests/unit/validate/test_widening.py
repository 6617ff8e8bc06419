"""How far predictions must widen, learned from misses."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from isoflop.validate.rolling import Fold, Member
from isoflop.validate.widening import GRID, Prior, fit_prior, learn, log_likelihood, mix, widen

PRIOR = Prior(centre=0.2, spread=1.0)


def member(error, reach, noise=1e-4, covariance=None):
    error = np.asarray(error, dtype=float)
    zero = np.zeros((len(error), len(error)))
    return Member(
        error=error,
        covariance=zero if covariance is None else covariance,
        noise=noise,
        reach=np.asarray(reach, dtype=float),
        centre=np.zeros(len(error)),
    )


def fold(**members):
    count = len(next(iter(members.values())).error)
    return Fold(1.0, np.arange(count), np.ones(count), members)


def test_likelihood_is_the_multivariate_normal():
    rng = np.random.default_rng(0)
    root = rng.normal(0, 0.01, (5, 5))
    m = member(rng.normal(0, 0.03, 5), rng.uniform(0.05, 0.3, 5), covariance=root @ root.T)
    found = log_likelihood(fold(a=m), {"a": 1.0})
    expected = [
        multivariate_normal.logpdf(
            m.error, cov=m.covariance + m.noise * np.eye(5) + k * k * np.outer(m.reach, m.reach)
        )
        for k in GRID
    ]
    # Equal up to a constant that does not depend on kappa.
    assert found - found[0] == pytest.approx(np.array(expected) - expected[0], abs=1e-8)


def test_kappa_is_found_from_many_folds():
    rng = np.random.default_rng(1)
    reach = np.linspace(0.05, 0.3, 8)
    folds = [
        fold(a=member(0.4 * rng.normal() * reach + rng.normal(0, 0.01, 8), reach))
        for _ in range(200)
    ]
    found = learn(PRIOR, folds, {"a": 1.0})
    assert found.folds == 200
    # The standard error of a standard deviation from 200 draws is 5 %.
    assert found.kappa == pytest.approx(0.4, rel=0.2)


def test_larger_misses_widen_more():
    reach = np.full(4, 0.2)
    small, large = (
        learn(PRIOR, [fold(a=member(np.full(4, miss), reach))] * 3, {"a": 1.0}).kappa
        for miss in (0.005, 0.2)
    )
    assert small < PRIOR.centre < large


def test_without_folds_the_prior_remains():
    found = learn(PRIOR, [], {"a": 1.0})
    assert found.probability == pytest.approx(PRIOR.weights())
    assert found.kappa == pytest.approx(0.2, rel=0.15)


def test_a_fold_inside_the_runs_says_nothing():
    assert log_likelihood(fold(a=member([0.1, 0.2], [0.0, 0.0])), {"a": 1.0}) is None


def test_mixture_has_the_variance_between_laws():
    a, b = member([0.1, 0.1], [0.1, 0.2]), member([-0.1, -0.1], [0.1, 0.2])
    # One observation: predictions of a and b are 0.2 apart.
    b = Member(b.error, b.covariance, b.noise, b.reach, np.full(2, 0.2))
    mixed = mix(fold(a=a, b=b), {"a": 0.5, "b": 0.5})
    assert mixed is not None
    assert mixed.centre == pytest.approx([0.1, 0.1])
    assert mixed.error == pytest.approx([0.0, 0.0])
    assert mixed.covariance == pytest.approx(np.full((2, 2), 0.01))


def test_nothing_widens_inside_and_one_direction_outside():
    values = np.full((4000, 3), 2.0)
    wide = widen(values, np.array([0.0, 0.1, 0.2]), learn(PRIOR, [], {}), logs=True, seed=0)
    assert np.all(wide[:, 0] == 2.0)
    moved = np.log(wide / 2.0)
    assert moved[:, 2] == pytest.approx(2 * moved[:, 1])
    assert abs(np.median(moved[:, 1])) < 0.005
    assert np.array_equal(
        wide, widen(values, np.array([0.0, 0.1, 0.2]), learn(PRIOR, [], {}), logs=True, seed=0)
    )


def test_prior_is_recovered_from_many_tables():
    rng = np.random.default_rng(2)
    reach = np.full(6, 0.3)
    found = {}
    for table in range(150):
        kappa = 0.25 * np.exp(0.5 * rng.normal())
        folds = [
            fold(a=member(kappa * rng.normal() * reach + rng.normal(0, 0.01, 6), reach))
            for _ in range(4)
        ]
        found[f"t{table}"] = [np.sum([log_likelihood(f, {"a": 1.0}) for f in folds], axis=0)]
    learned = fit_prior(found)
    assert learned.centre == pytest.approx(0.25, rel=0.25)
    assert 0.3 <= learned.spread <= 0.8
