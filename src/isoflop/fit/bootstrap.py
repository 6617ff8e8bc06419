"""Samples of the parameters: resampled runs, resampled or flipped residuals, Laplace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.records import METHODS
from isoflop.fit.solver import descend

if TYPE_CHECKING:
    from isoflop.fit.laplace import Neighbourhood
    from isoflop.fit.problem import Problem
    from isoflop.fit.solver import Solution

Method = Literal["case", "residual", "wild", "laplace"]
_BATCH = 4096  # resamples refitted at once; their weights take [batch, runs] doubles


def cluster_numbers(labels: Any) -> np.ndarray:
    """Return the number 0, 1, ... of each run's cluster [runs] from its label."""
    return np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]


def resample(
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    *,
    method: str,
    count: int,
    seed: int,
    clusters: np.ndarray | None = None,
) -> np.ndarray:
    """Return samples of the free coordinates [count, parameters].

    Every resample is refitted by the kernel that found the optimum, started there (and at the
    other optima found, if there are any). A sample without a finite objective is NaN.

    Args:
        problem: the problem.
        solution: its optimum.
        around: its neighbourhood (for residual, wild and Laplace samples).
        method: "case" draws clusters of runs with replacement; "residual" draws residuals (the
            best calibrated one where noise is alike in all runs, see
            `isoflop.fit.scatter.choose_draws`); "wild" flips the signs of residuals, cluster by
            cluster; "laplace" draws from the normal approximation.
        count: number of samples.
        seed: of the draws.
        clusters: number of each run's cluster [runs]; each run is its own if None.

    Raises:
        InputError: if the method is unknown, or draws residuals of runs that are clustered.
    """
    rng = np.random.default_rng(seed)
    if method == "laplace":
        return _laplace(problem, solution, around, count, rng)
    if method not in METHODS:
        raise InputError(f"`{method}` is not a bootstrap; known: {', '.join(METHODS)}.")
    if method == "residual" and clusters is not None:
        raise InputError(
            "residuals of one cluster do not scatter independently.",
            "Drawing them one by one would make intervals too narrow.",
            "Use method='case' or method='wild' with clusters.",
        )
    runs = len(problem.weights)
    clusters = np.arange(runs) if clusters is None else clusters
    size = max(1, min(_BATCH, 4_000_000 // runs))
    parts = []
    for first in range(0, count, size):
        rows = min(size, count - first)
        if method == "case":
            weights, target = _cases(problem, clusters, rows, rng), None
        else:
            weights, target = None, _pseudo(problem, solution, around, clusters, rows, method, rng)
        parts.append(_refit(problem, solution, weights, target, rows))
    return np.concatenate(parts)


def _cases(
    problem: Problem, clusters: np.ndarray, rows: int, rng: np.random.Generator
) -> np.ndarray:
    counts = draw_counts(int(clusters.max()) + 1, rows, rng)
    return counts[:, clusters] * problem.weights


def draw_counts(groups: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of `groups` comes up in as many draws with replacement.

    Four times as fast as `rng.multinomial` at a few hundred groups.

    Returns:
        [rows, groups] doubles; each row sums to `groups`.
    """
    drawn = rng.integers(0, groups, size=(rows, groups))
    drawn += groups * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups).astype(float)


def _pseudo(
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    clusters: np.ndarray,
    rows: int,
    method: str,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return pseudo-observations: the fitted value minus a new residual, [rows, runs]."""
    if method == "wild":
        signs = rng.choice([-1.0, 1.0], size=(rows, int(clusters.max()) + 1))[:, clusters]
        drawn = signs * around.residuals
    else:
        drawn = rng.choice(around.pool, size=(rows, len(problem.weights)))
    own = problem.residuals(solution.u[None])[0]
    scale = 1.0 if problem.precision is None else 1.0 / problem.precision
    return problem.target + (own - drawn) * scale


def _refit(
    problem: Problem,
    solution: Solution,
    weights: np.ndarray | None,
    target: np.ndarray | None,
    rows: int,
) -> np.ndarray:
    best: np.ndarray | None = None
    lowest = np.full(rows, np.inf)
    for start in (solution.u, *solution.others[:2]):
        u = np.repeat(start[None], rows, axis=0)
        tuning = np.full((rows, 1), solution.tuning) if problem.noise.family == "student" else None
        # Most resamples have their optimum near the data's: further ones are left early.
        found = descend(problem, u, weights=weights, target=target, tuning=tuning, below=lowest)
        better = found.objective < lowest
        best = np.full_like(u, np.nan) if best is None else best
        best[better] = found.minima.u[better]
        lowest = np.minimum(lowest, found.objective)
    assert best is not None  # noqa: S101 - the loop runs at least once
    return best


def _laplace(
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw from the normal approximation, clipped to bounds; flat directions are NaN."""
    flat = ~np.isfinite(np.diag(around.covariance))
    covariance = np.where(np.outer(flat, flat) | flat | flat[:, None], 0.0, around.covariance)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = solution.u + rng.standard_normal((count, len(values))) @ root.T
    draws[:, flat] = np.nan
    lower, upper = problem.bounds
    return np.clip(draws, lower, upper)
