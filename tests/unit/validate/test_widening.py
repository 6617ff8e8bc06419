"""How far predictions must widen, learned from misses."""

import msgspec
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from isoflop.validate.rolling import Fold, Member
from isoflop.validate.widening import (
    KAPPA,
    SCALE,
    Prior,
    fit_prior,
    learn,
    log_likelihood,
    middle,
    mix,
)

PRIOR = Prior(scale=(1.4, 0.5), kappa=(0.2, 1.0))


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
    base, form = m.covariance + m.noise * np.eye(5), np.outer(m.reach, m.reach)
    expected = np.array(
        [
            [multivariate_normal.logpdf(m.error, cov=s * s * base + k * k * form) for k in KAPPA]
            for s in SCALE
        ]
    )
    # Equal up to a constant that depends on neither.
    assert found - found[0, 0] == pytest.approx(expected - expected[0, 0], abs=1e-6)


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
    assert found.kappa == pytest.approx(0.4, rel=0.25)
    assert found.scale == pytest.approx(1.0, rel=0.2)


def test_scale_is_found_from_scatter_inside_the_runs():
    rng = np.random.default_rng(5)
    folds = [fold(a=member(rng.normal(0, 0.03, 12), np.zeros(12))) for _ in range(20)]
    assert learn(PRIOR, folds, {"a": 1.0}).scale == pytest.approx(3.0, rel=0.2)


def test_larger_misses_widen_more():
    reach = np.full(4, 0.2)
    small, large = (
        learn(PRIOR, [fold(a=member(np.full(4, miss), reach))] * 3, {"a": 1.0}).kappa
        for miss in (0.005, 0.2)
    )
    assert small < PRIOR.kappa[0] < large


def test_without_folds_the_prior_remains():
    found = learn(PRIOR, [], {"a": 1.0})
    assert np.array(found.probability) == pytest.approx(np.exp(PRIOR.log_weights()))
    assert found.kappa == pytest.approx(0.2, rel=0.26)  # the grid's step
    assert found.scale == pytest.approx(1.4, rel=0.42)


def test_a_fold_without_a_fit_says_nothing():
    assert log_likelihood(fold(a=member([0.1], [0.0])), {"b": 1.0}) is None


def test_mixture_has_the_variance_between_laws():
    a, b = member([0.1, 0.1], [0.1, 0.2]), member([-0.1, -0.1], [0.1, 0.2])
    # One observation: predictions of a and b are 0.2 apart.
    b = Member(b.error, b.covariance, b.noise, b.reach, np.full(2, 0.2))
    mixed = mix(fold(a=a, b=b), {"a": 0.5, "b": 0.5})
    assert mixed is not None
    assert mixed.centre == pytest.approx([0.1, 0.1])
    assert mixed.error == pytest.approx([0.0, 0.0])
    assert mixed.covariance == pytest.approx(np.full((2, 2), 0.01))


def test_form_errs_in_one_direction_outside_and_not_at_all_inside():
    values, reach = np.full((4000, 3), 2.0), np.array([0.0, 0.1, 0.2])
    width = learn(PRIOR, [], {})
    away = reach / 0.1
    wide = width.widen(values, values[0], reach, away, logs=True, seed=0)
    assert np.all(wide[:, 0] == 2.0)
    moved = np.log(wide / 2.0)
    assert moved[:, 2] == pytest.approx(2 * moved[:, 1])
    assert abs(np.median(moved[:, 1])) < 0.005
    assert np.array_equal(wide, width.widen(values, values[0], reach, away, logs=True, seed=0))


def test_an_error_that_wanders_grows_with_the_root_of_the_distance():
    decades = np.array([0.25, 1.0, 4.0])
    values, reach = np.full((4000, 3), 2.0), 0.1 * decades
    width = learn(msgspec.structs.replace(PRIOR, growth=0.5), [], {})
    moved = np.log(width.widen(values, values[0], reach, decades, logs=True, seed=0) / 2.0)
    assert moved[:, 0] == pytest.approx(0.5 * moved[:, 1])
    assert moved[:, 2] == pytest.approx(2.0 * moved[:, 1])
    straight = learn(PRIOR, [], {}).widen(values, values[0], reach, decades, logs=True, seed=0)
    # Over the first decade both are the same.
    assert np.log(straight / 2.0)[:, 1] == pytest.approx(moved[:, 1])


def test_errors_that_wander_are_told_from_those_that_run_straight():
    """The evidence of many folds is higher under the growth that made them."""
    rng = np.random.default_rng(3)
    decades = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
    for growth in (0.5, 1.0):
        size = 0.1 * decades**growth
        folds = [
            Fold(
                1.0, np.arange(5), decades, {"a": member(0.4 * rng.normal() * size, 0.1 * decades)}
            )
            for _ in range(100)
        ]
        best = {g: sum(log_likelihood(f, {"a": 1.0}, g).max() for f in folds) for g in (0.5, 1.0)}
        assert max(best, key=best.get) == growth


def test_origins_of_one_table_count_as_one_where_they_are_said_to():
    folds = [fold(a=member(np.full(4, 0.2), np.full(4, 0.2)))] * 5
    once = msgspec.structs.replace(PRIOR, once=True)
    five, one = (learn(once, x, {"a": 1.0}) for x in (folds, folds[:1]))
    assert np.array(five.probability) == pytest.approx(np.array(one.probability))
    assert five.folds == 5
    assert learn(PRIOR, folds, {"a": 1.0}).kappa > five.kappa


def test_samples_without_a_value_do_not_undo_the_others():
    values = np.full((100, 3), 2.0)
    values[:4, 0], values[:4, 1], values[:, 2] = np.nan, np.inf, np.nan
    assert middle(values)[:2] == pytest.approx([2.0, 2.0])
    assert np.isnan(middle(values)[2])
    zero = np.zeros(3)
    wide = learn(PRIOR, [], {}).widen(values, middle(values), zero, zero, logs=True, seed=0)
    assert np.isnan(wide[:4, 0]).all()
    assert wide[4:, :2] == pytest.approx(2.0)


@pytest.mark.parametrize("logs", [True, False])
def test_scale_stretches_deviations(logs):
    values = np.random.default_rng(0).normal(2.0, 0.01, (4000, 1))
    narrow = Prior(scale=(4.0, 0.01), kappa=(0.1, 0.1))
    width = learn(narrow, [], {})
    wide = width.widen(values, np.array([2.0]), np.zeros(1), np.zeros(1), logs=logs, seed=0)
    assert np.std(wide) / np.std(values) == pytest.approx(4.0, rel=0.03)


def test_prior_is_recovered_from_many_tables():
    rng = np.random.default_rng(2)
    reach = np.full(6, 0.3)
    found = {}
    for table in range(80):
        kappa = 0.25 * np.exp(0.5 * rng.normal())
        folds = [
            fold(a=member(kappa * rng.normal() * reach + rng.normal(0, 0.01, 6), reach))
            for _ in range(4)
        ]
        found[f"t{table}"] = [[log_likelihood(f, {"a": 1.0}) for f in folds]]
    learned = fit_prior(found)
    assert learned.kappa[0] == pytest.approx(0.25, rel=0.3)
    assert 0.3 <= learned.kappa[1] <= 0.8
    assert learned.scale[0] == pytest.approx(1.0, rel=0.15)
    assert learned.families == tuple(sorted(found))


def test_a_run_that_diverged_does_not_widen_everything():
    rng = np.random.default_rng(3)
    error = rng.normal(0, 0.012, 20)
    calm = learn(PRIOR, [fold(a=member(error, np.full(20, 0.05)))], {"a": 1.0})
    error[7] = 1.2  # its loss is three times what was predicted
    shaken = learn(PRIOR, [fold(a=member(error, np.full(20, 0.05)))], {"a": 1.0})
    assert shaken.scale <= 2 * calm.scale
    # Three of four that miss as far are no accident of one run.
    few = learn(PRIOR, [fold(a=member([0.01, 1.2, 1.2, 1.2], np.full(4, 0.05)))], {"a": 1.0})
    assert few.scale > 4 * calm.scale
