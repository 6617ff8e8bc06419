"""What runs tell about one number: Fisher information, and the design that tells most for its cost.

A run with features J (derivatives of its expected value by the parameters) and noise s adds
J J' / s^2 to the information matrix M; a number with derivatives c then has variance c' M^-1 c. A
design that minimises this variance is c-optimal (Elfving 1952, Ann. Math. Stat. 23:255).
"""

from __future__ import annotations

import numpy as np

_ITERATIONS, _GAP = 5000, 1e-6


def information(
    features: np.ndarray, noise: float, *, prior: np.ndarray | None = None
) -> np.ndarray:
    """Return the information matrix of runs: sum of J J' / noise^2, plus that known before.

    Args:
        features: derivatives by the parameters [run, parameter].
        noise: standard deviation of one run, in the unit of the features.
        prior: information from earlier runs [parameter, parameter]; none if None.

    Returns:
        [parameter, parameter].
    """
    known = np.zeros((features.shape[1],) * 2) if prior is None else prior
    return known + features.T @ features / noise**2


def variance(target: np.ndarray, matrix: np.ndarray) -> float:
    """Return the variance c' M^-1 c of a number; infinite if M does not determine it.

    Args:
        target: its derivatives c by the parameters [parameter].
        matrix: information M [parameter, parameter].
    """
    return _solved(target, matrix)[1]


def _solved(target: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Return M^-1 c, and c' M^-1 c or infinity."""
    solved = np.linalg.pinv(matrix, rcond=1e-12, hermitian=True) @ target
    missed = np.abs(matrix @ solved - target).max()
    known = missed <= 1e-6 * np.abs(target).max()
    return solved, float(target @ solved) if known else float("inf")


def gains(
    features: np.ndarray, target: np.ndarray, covariance: np.ndarray, noise: float
) -> np.ndarray:
    """Return by how much each run alone would lower the variance of the target [run].

    Args:
        features: derivatives [run, parameter].
        target: derivatives of the number [parameter].
        covariance: of the parameters before, M^-1 [parameter, parameter].
        noise: standard deviation of one run.
    """
    spread = features @ covariance
    return (spread @ target) ** 2 / (noise**2 + np.einsum("ij,ij->i", spread, features))


def c_optimal(
    features: np.ndarray,
    target: np.ndarray,
    *,
    costs: np.ndarray | None = None,
    budget: float = 1.0,
    noise: float = 1.0,
    prior: np.ndarray | None = None,
    gap: float = _GAP,
) -> tuple[np.ndarray, float]:
    """Return the share of a budget that each run gets in the best design, and the variance left.

    Shares need not make whole runs, so the variance is one that no design of whole runs with
    the same features can beat. By the multiplicative algorithm, whose gap to the optimum is
    known at each step (the problem is convex).

    Args:
        features: derivatives [run, parameter].
        target: derivatives of the number [parameter].
        costs: cost of each run [run]; 1 if None, so that the budget is a number of runs.
        budget: what may be spent, in the unit of the costs.
        noise: standard deviation of one run.
        prior: information from earlier runs [parameter, parameter]; none if None.
        gap: to the optimum at which it stops, as a share of the variance.

    Returns:
        Shares [run], which sum to 1, and a lower bound of the variance (the variance itself but
        for the gap); infinite if the runs do not determine the target.

    Source: Elfving 1952; the algorithm: Fellman 1974, Silvey, Titterington & Torsney 1978.
    """
    cost = np.ones(len(features)) if costs is None else np.asarray(costs, dtype=float)
    scaled = features * np.sqrt(budget / cost)[:, None]
    shares = np.full(len(features), 1 / len(features))
    left, bound = float("inf"), 0.0
    for _ in range(_ITERATIONS):
        matrix = information(np.sqrt(shares)[:, None] * scaled, noise, prior=prior)
        solved, left = _solved(target, matrix)
        if not np.isfinite(left):
            return shares, left
        slopes = (scaled @ solved) ** 2 / noise**2
        bound = max(bound, left - float(slopes.max() - shares @ slopes))
        if left - bound <= gap * left:
            break
        shares = shares * np.sqrt(slopes)
        shares /= shares.sum()
    return shares, bound
