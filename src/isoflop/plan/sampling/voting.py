"""Majority and weighted voting over samples, exactly: from answer probabilities or from counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.gamma import gammaln

if TYPE_CHECKING:
    from collections.abc import Sequence


def vote(masses: Sequence[float], n: int, *, weights: Any = None) -> float:
    """Return the probability that the first answer wins a vote of n independent samples.

    Ties are split evenly among the answers that tie and have a vote. Exact but for rounding: no
    sampling, no normal approximation.

    Args:
        masses: probability of each answer, the correct one first; what is missing to 1 is
            spread over answers that never agree and never beat a vote of two, so it is refused.
        n: number of samples.
        weights: for weighted voting, the distribution of one vote's weight by answer [answer,
            level + 1]: the probability that a vote weighs 0, 1, ... units. Every vote weighs one
            unit if None (majority).

    Raises:
        InputError: the masses are no distribution, or the weights are none.

    Source: the setting of Wu et al. 2025 (arXiv:2408.00724), theorems 1 and 2, at finite n.
    """
    p = _distribution(masses, "answer probabilities")
    levels = _levels(weights, len(p))
    if n < 1:
        raise InputError(f"a vote of {n} samples; at least one.")
    left = np.append(1.0, 1.0 - np.cumsum(p))
    shares = np.clip(p / np.maximum(left[:-1], np.finfo(float).tiny), 0.0, 1.0)
    # After the last answer nothing may remain, whatever the rounding of the sums.
    shares[-1] = 1.0
    return _won(n, [_binomial(n, share) for share in shares], levels)


def vote_of_counts(counts: Sequence[int] | np.ndarray, n: int) -> float:
    """Return the chance that the first answer wins a vote of n of the given samples.

    n samples are drawn without replacement, so this estimates `vote` without bias (as pass@k
    does for coverage); putting counts / total into `vote` would not.

    Args:
        counts: samples that gave each answer, the correct one first.
        n: samples that vote, at most the sum of the counts.

    Raises:
        InputError: n is below 1 or above the number of samples.
    """
    counted = np.asarray(counts, dtype=int)
    total = int(counted.sum())
    if not 1 <= n <= total or np.any(counted < 0):
        raise InputError(
            f"a vote of {n} samples out of {total}.",
            "No unbiased estimate exists for more votes than samples.",
        )
    others = counted[1:][counted[1:] > 0]
    counted = np.append(counted[0], others)
    pools = total - np.append(0, np.cumsum(counted)[:-1])
    steps = [
        _hypergeometric(n, int(size), int(pool)) for size, pool in zip(counted, pools, strict=True)
    ]
    return _won(n, steps, np.tile([0.0, 1.0], (len(counted), 1)))


def vote_limit(masses: Sequence[float], mean_weights: Sequence[float] | None = None) -> float:
    """Return the probability that the first answer wins a vote of infinitely many samples.

    One if its mass (times the mean weight of its votes) is the largest, zero if it is not, and
    an even share of ties.

    Source: Wu et al. 2025 (arXiv:2408.00724), theorems 1 and 2.
    """
    score = _distribution(masses, "answer probabilities")
    if mean_weights is not None:
        score = score * np.asarray(mean_weights, dtype=float)
    best = np.isclose(score, score.max(), rtol=1e-12, atol=0.0)
    return float(best[0] / best.sum())


def vote_rate(masses: Sequence[float]) -> float:
    """Return c > 1 so that a majority of n misses the most likely answer with at most c^-n.

    c = 1 / (1 - (sqrt p1 - sqrt p2)^2) for the two largest masses (Chernoff's bound of one pair).
    """
    first, second = np.sort(_distribution(masses, "answer probabilities"))[::-1][:2]
    return float(1 / (1 - (np.sqrt(first) - np.sqrt(second)) ** 2))


def _won(n: int, steps: list[np.ndarray], levels: np.ndarray) -> float:
    """Return the probability that answer 0 wins.

    Answers take their votes one after the other: `steps[a][r, i]` is the probability that
    answer a takes i of the r votes left. The state is [node, score of the winner, votes left].
    A tie of t others counts 1 / (t + 1), the integral of z^t over (0, 1), which Gauss's rule
    gives exactly at few nodes z.
    """
    tied = min(len(steps) - 1, n - 1)
    nodes, weights = np.polynomial.legendre.leggauss(tied // 2 + 1)
    z = (nodes + 1)[:, None] / 2
    scores = [_scores(n, row) for row in levels]
    first = steps[0][n]
    state = np.zeros((len(z), scores[0].shape[1], n + 1))
    for i in np.flatnonzero(first[1:]) + 1:
        state[:, :, n - i] = first[i] * scores[0][i]
    for step, score in zip(steps[1:], scores[1:], strict=True):
        below = np.cumsum(score, axis=1) - score
        after = np.zeros_like(state)
        for i in np.flatnonzero(step.any(axis=0)):
            # Without a vote an answer cannot win, whatever the winner's score.
            factor = below[i] + z * score[i] if i else np.ones((len(z), 1))
            after[:, :, : n + 1 - i] += state[:, :, i:] * step[i:, i] * factor[..., None]
        state = after
    return float(weights @ state[:, :, 0].sum(axis=1) / 2)


def _scores(n: int, level: np.ndarray) -> np.ndarray:
    """Return the distribution [votes, score] of the summed weight of 0 to n votes."""
    found = np.zeros((n + 1, n * (len(level) - 1) + 1))
    found[0, 0] = 1.0
    for i in range(1, n + 1):
        found[i] = np.convolve(found[i - 1], level)[: found.shape[1]]
    return found


def _binomial(n: int, p: float) -> np.ndarray:
    """Return the probability [r, i] of i successes in r trials, r up to n."""
    r, i = np.arange(n + 1)[:, None], np.arange(n + 1)
    if p in (0.0, 1.0):
        return (i == r * p).astype(float)
    chosen = _log_choose(r, i) + i * np.log(p) + (r - i) * np.log1p(-p)
    return np.where(i <= r, np.exp(np.where(i <= r, chosen, 0.0)), 0.0)


def _hypergeometric(n: int, size: int, pool: int) -> np.ndarray:
    """Return the probability [r, i] that i of r samples drawn from a pool are of one answer."""
    r, i = np.arange(n + 1)[:, None], np.arange(n + 1)
    possible = (i <= r) & (i <= size) & (r - i <= pool - size) & (r <= pool)
    logs = _log_choose(size, i) + _log_choose(pool - size, r - i) - _log_choose(pool, r)
    return np.where(possible, np.exp(np.where(possible, logs, 0.0)), 0.0)


def _log_choose(n: Any, k: Any) -> np.ndarray:
    """Return ln C(n, k); values outside 0 <= k <= n are without meaning."""
    n, k = np.asarray(n, dtype=float), np.asarray(k, dtype=float)
    top, chosen, rest = n + 1, np.maximum(k, 0) + 1, np.maximum(n - k, 0) + 1
    return gammaln(top) - gammaln(chosen) - gammaln(rest)


def _distribution(values: Any, what: str) -> np.ndarray:
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or not len(found) or not np.all(found >= 0):
        raise InputError(f"the {what} {found.tolist()} are not numbers of zero and more.")
    if abs(found.sum() - 1) > 1e-9:
        raise InputError(
            f"the {what} add up to {found.sum():.9g}, not 1.",
            "Every sample gives one of the answers.",
            "Add the mass of all other answers, or divide by the sum.",
        )
    return found


def _levels(weights: Any, answers: int) -> np.ndarray:
    """Return the distribution of a vote's weight [answer, level]; one unit each if None."""
    if weights is None:
        return np.tile([0.0, 1.0], (answers, 1))
    found = np.asarray(weights, dtype=float)
    if found.ndim != 2 or len(found) != answers or found.shape[1] < 2:
        raise InputError(
            f"weights of shape {found.shape} for {answers} answers.",
            "Each answer has a distribution over 0, 1, ... units of weight.",
        )
    for row in found:
        _distribution(row, "weights of a vote")
    return found
