"""Best-of-n with a verifier of stated quality: exact cases, simulation, limits."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.plan.sampling.exchange import exchange, training_share
from isoflop.plan.sampling.verifier import Checker, Scorer

P = np.array([0.0, 0.02, 0.3, 0.8, 1.0])


def test_one_sample_is_right_as_often_as_samples_are():
    for verifier in (Scorer(auc=0.8), Checker(tpr=0.9, fpr=0.2)):
        np.testing.assert_allclose(verifier.accuracy(P, 1), P, atol=1e-9)


def test_a_verifier_without_skill_changes_nothing():
    for n in (2, 10, 1000):
        np.testing.assert_allclose(Scorer(auc=0.5).accuracy(P, n), P, atol=1e-9)
        np.testing.assert_allclose(Checker(tpr=0.3, fpr=0.3).accuracy(P, n), P, atol=1e-12)


def test_a_perfect_checker_is_coverage():
    for n in (1, 5, 100):
        found = Checker(tpr=1.0, fpr=0.0).accuracy(P, n)
        np.testing.assert_allclose(found, 1 - (1 - P) ** n, atol=1e-12)
    near = Scorer(auc=1 - 1e-9).accuracy(P, 20)
    np.testing.assert_allclose(near, 1 - (1 - P) ** 20, atol=1e-6)


def test_two_scored_samples():
    """Both right, or one right and scored above the wrong one."""
    p, auc = 0.3, 0.77
    expected = p * p + 2 * p * (1 - p) * auc
    assert Scorer(auc=auc).accuracy(p, 2) == pytest.approx(expected, abs=1e-9)


def test_scorer_agrees_with_simulation():
    rng = np.random.default_rng(0)
    p, n, auc, studies = 0.2, 16, 0.8, 200_000
    right = rng.random((studies, n)) < p
    scores = rng.standard_normal((studies, n)) + right * math.sqrt(2) * 0.8416212335729143
    chosen = right[np.arange(studies), np.argmax(scores, axis=1)]
    deviation = 0.5 / math.sqrt(studies)
    assert Scorer(auc=auc).accuracy(p, n) == pytest.approx(chosen.mean(), abs=4 * deviation)


def test_checker_equals_enumeration():
    p, n, tpr, fpr = 0.3, 4, 0.8, 0.25
    kinds = [(r, a) for r in (True, False) for a in (True, False)]
    chance = {
        (r, a): (p if r else 1 - p) * ((tpr if r else fpr) if a else 1 - (tpr if r else fpr))
        for r, a in kinds
    }
    total = 0.0
    for outcome in product(kinds, repeat=n):
        pool = [r for r, a in outcome if a] or [r for r, _ in outcome]
        total += np.prod([chance[kind] for kind in outcome]) * np.mean(pool)
    assert Checker(tpr=tpr, fpr=fpr).accuracy(p, n) == pytest.approx(total, abs=1e-12)


def test_false_acceptances_level_off():
    p, judge = 0.1, Checker(tpr=0.9, fpr=0.1)
    plateau = 0.9 * p / (0.9 * p + 0.1 * (1 - p))
    assert judge.accuracy(p, 10_000) == pytest.approx(plateau)
    values = judge.accuracy(p, np.array([1, 10, 100, 1000]))
    assert np.all(np.diff(values) > 0)


@pytest.mark.parametrize("make", [lambda: Scorer(auc=1.0), lambda: Checker(tpr=1.2, fpr=0.0)])
def test_impossible_qualities(make):
    with pytest.raises(InputError, match="between 0 and 1"):
        make()


def test_impossible_exchanges():
    for scale, ratio in ((1.0, 1.0), (2.0, 0.0), (math.nan, 1.0)):
        with pytest.raises(InputError):
            exchange(scale, ratio)
    with pytest.raises(InputError, match="not positive"):
        training_share(0.0, 1.0)
