"""The neighbourhood of an optimum: covariance, scale of the objective, conditioning.

A robust objective is not a log-likelihood: its covariance is the sandwich of an M-estimator
(Huber 1967), with scores summed by cluster and psi' smoothed over runs (Powell 1991), so that
noise may differ from run to run. The rise of the objective is scaled to match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.noise import terms
from isoflop.laws.linear import evaluate
from isoflop.samples import median

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem


#: Square of a residual that is rounding error: exact runs have no smaller scatter.
_ROUNDING = 1e-24


@dataclass(frozen=True)
class Neighbourhood:
    """Second-order picture of the objective at its optimum.

    Args:
        covariance: of the free coordinates [parameters, parameters]; infinite where singular.
        unit: by coordinate, rise of the objective that counts as one half of chi-squared 1
            [parameters].
        common: the same for all coordinates together, if noise does not vary between runs.
        condition: condition number of the Gram matrix scaled to unit diagonal.
        null: mask [parameters] of coordinates that take part in a flat direction.
        residuals: scatter of a run about the law [runs], scaled up for fitted parameters.
        pool: the same without as many of the smallest as there are parameters: a robust fit
            passes through about that many runs, and without them the scatter is that of a new
            run for any objective [runs - parameters].
    """

    covariance: np.ndarray
    unit: np.ndarray
    common: float
    condition: float
    null: np.ndarray
    residuals: np.ndarray
    pool: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of each free coordinate."""
        return np.sqrt(np.diag(self.covariance))


def jacobian(problem: Problem, u: np.ndarray) -> np.ndarray:
    """Return derivatives [runs, parameters] of the residuals by free coordinates at u."""
    columns = problem.columns(u[None])
    law = evaluate(problem.law, problem.inputs, columns, second=False)
    shape = (1, problem.target.shape[-1])
    value = np.broadcast_to(law.value, shape)
    slopes = [np.broadcast_to(law.d.get(name, 0.0), shape)[0] for name in columns]
    result = np.stack(slopes, axis=1)
    if problem.noise.logs:
        result = result / value[0][:, None]
    if problem.precision is not None:
        result = result * problem.precision[:, None]
    return result * np.where(problem.logs, problem.theta(u), 1.0)


def neighbourhood(
    problem: Problem, u: np.ndarray, tuning: float, clusters: np.ndarray | None = None
) -> Neighbourhood:
    """Describe the objective about an optimum.

    Args:
        problem: the problem.
        u: the optimum [parameters].
        tuning: of the objective.
        clusters: number of each run's cluster [runs]; runs of one are not independent.
    """
    r = problem.residuals(u[None])[0]
    runs, count = len(r), len(u)
    w = problem.weights
    _, psi, curvature, _ = (x[0] for x in terms(problem.noise, r[None], np.array([[tuning]])))
    if problem.noise.family in ("huber", "absolute"):
        curvature = _smooth_share(r, w, tuning)
    inflation = runs / max(runs - count, 0.5)
    slopes = jacobian(problem, u)
    gram = slopes.T @ (w[:, None] * slopes)
    bread, condition, null = _invert(slopes.T @ ((w * curvature)[:, None] * slopes), gram)
    meat = _scores(slopes, w * psi, clusters) * inflation
    covariance = bread @ meat @ bread
    variance = np.maximum(np.diag(covariance), 0.0)
    common = float(np.sum(w * psi * psi) / max(np.sum(w * curvature), 1e-300)) * inflation
    own = variance / np.maximum(np.diag(bread), 1e-300)
    np.fill_diagonal(covariance, np.where(null, np.inf, variance))
    return Neighbourhood(
        covariance=covariance,
        unit=np.where(null, common, np.maximum(own, 0.1 * common)) + _ROUNDING * np.sum(w),
        common=common + _ROUNDING * float(np.sum(w)),
        condition=condition,
        null=null,
        residuals=r * sqrt(inflation),
        pool=r[np.argsort(np.abs(r), kind="stable")[min(count, runs - 1) :]],
    )


def _scores(slopes: np.ndarray, psi: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Return the sum over clusters of the outer product of their scores."""
    scores = psi[:, None] * slopes
    if clusters is not None:
        total = np.zeros((int(clusters.max()) + 1, slopes.shape[1]))
        np.add.at(total, clusters, scores)
        scores = total
    return scores.T @ scores


def _smooth_share(r: np.ndarray, w: np.ndarray, tuning: float) -> np.ndarray:
    """Share of runs within +-tuning, smoothed by a logistic kernel [runs].

    The plain share counts only the few runs within a delta much smaller than the scatter.
    Bandwidth by Silverman's rule.
    """
    spread = min(float(np.std(r)), median(np.abs(r)) * 1.4826) or float(np.std(r))
    width = 0.9 * spread * len(r) ** -0.2 * sqrt(3) / pi
    if width < 1e-3 * tuning or not np.isfinite(tuning):
        return (np.abs(r) <= tuning).astype(float)
    upper, lower = (tuning - r) / width, (-tuning - r) / width
    return 0.5 * (np.tanh(0.5 * upper) - np.tanh(0.5 * lower))


def _invert(bread: np.ndarray, gram: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the inverse of the bread, the Gram matrix's condition, and flat coordinates.

    Null directions are left out of the inverse; the condition number is of the Gram matrix
    scaled to unit diagonal; a coordinate is flat if it takes part in a null direction.
    """
    size = np.sqrt(np.maximum(np.diag(gram), 0.0))
    dead = size <= 1e-150
    safe = np.where(dead, 1.0, size)
    outer = np.outer(safe, safe)
    values, vectors = np.linalg.eigh(gram / outer)
    largest = max(float(values[-1]), 1e-300)
    flat = values <= 1e-12 * largest
    null = dead | (np.abs(vectors[:, flat]).max(axis=1, initial=0.0) > 0.1)
    condition = largest / float(values[0]) if values[0] > 0 else float("inf")
    values, vectors = np.linalg.eigh(bread / outer)
    kept = values > 1e-13 * max(float(values[-1]), 1e-300)
    root = vectors[:, kept] / np.sqrt(values[kept])
    return (root @ root.T) / outer, condition, null
