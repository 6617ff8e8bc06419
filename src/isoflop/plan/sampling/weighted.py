"""Weighted voting over recorded attempts: each attempt votes for its answer with its score."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from isoflop.errors import InputError

Seed = int | list[int]
#: Draws of k attempts that are all looked at, and how many are drawn where there are more.
MOST, DRAWN = 1000, 200
#: Summed weights closer than this, relatively, tie.
_TIE = 1e-12


def weighted_vote(answers: np.ndarray, weights: np.ndarray, k: int, seed: Seed) -> float:
    """Return the chance that the right answer wins a weighted vote of k of the given attempts.

    k attempts are drawn without replacement, so this estimates a vote of k fresh samples without
    bias. Up to `MOST` draws are all counted and the number is exact; beyond, `DRAWN` are drawn at
    random, whose own error (at most 0.035 a problem) is small beside that of the problems.

    Args:
        answers: what each attempt said [attempt], 0 for what is right.
        weights: of each vote, zero or more [attempt]. Ties are split evenly.
        k: attempts that vote, at most all.
        seed: of the draws; equal seeds give equal draws.

    Raises:
        InputError: k is below 1 or above the number of attempts.
    """
    if not 1 <= k <= len(answers):
        raise InputError(
            f"a vote of {k} samples out of {len(answers)}.",
            "No unbiased estimate exists for more votes than samples.",
        )
    draws = _draws(len(answers), k, seed)
    count = int(answers.max()) + 1
    place = np.arange(len(draws))[:, None] * count + answers[draws]
    votes = np.bincount(place.ravel(), minlength=len(draws) * count).reshape(-1, count)
    score = np.bincount(place.ravel(), weights[draws].ravel(), len(draws) * count)
    score = np.where(votes > 0, score.reshape(-1, count), -np.inf)
    best = score >= score.max(axis=1, keepdims=True) * (1 - _TIE)
    return float(np.mean(best[:, 0] / best.sum(axis=1)))


def _draws(n: int, k: int, seed: Seed) -> np.ndarray:
    """Return draws of k of n attempts [draw, k]: all of them, or some at random."""
    if comb(n, k) <= MOST:
        return np.array(list(combinations(range(n), k)))
    order = np.random.default_rng(seed).random((DRAWN, n)).argsort(axis=1)
    return order[:, :k]
