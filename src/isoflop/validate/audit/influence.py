"""Runs that decide the answer: least-squares residuals, leverage, and what leaving one out does.

Diagnosed on squared residuals of the logarithm, for which the distribution without any fault is
known; the answer itself, and how far it moves, are by the fit's own objective.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.laplace import jacobian
from isoflop.fit.result import Settings
from isoflop.fit.runs import build_problem
from isoflop.fit.solver import descend
from isoflop.validate.audit.tails import t_tail

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem
    from isoflop.validate.audit.evidence import Evidence

_STEP = 1e-5
#: Residuals of the logarithm up to this are the rounding of doubles: such runs lie on the law.
_ROUNDING = 1e-12
#: Columns whose singular value is a smaller share of the largest are made up of the others.
_RANK = 1e-10


@dataclass(frozen=True)
class Diagnosis:
    """A law fitted by least squares and linearised at its optimum.

    Args:
        problem: runs with weight are fitted.
        u: the optimum, free coordinates [parameter].
        residual: observed minus fitted, of the logarithm [run].
        slopes: orthonormal basis [run, free parameter] of what the parameters can take up.
        root: maps a gradient by u to that basis [free parameter, free parameter].
        free: mask [parameter] of those not at a bound.
    """

    problem: Problem
    u: np.ndarray
    residual: np.ndarray
    slopes: np.ndarray
    root: np.ndarray
    free: np.ndarray

    @property
    def freedom(self) -> int:
        """Runs less parameters."""
        return int(np.count_nonzero(self.problem.weights)) - self.slopes.shape[1]

    @property
    def sigma(self) -> float:
        """Standard deviation of the residuals."""
        used = self.problem.weights > 0
        return float(np.sqrt((self.residual[used] ** 2).sum() / self.freedom))

    @property
    def hat(self) -> np.ndarray:
        """Leverage [run], between 0 and 1; 0 for runs without weight."""
        return (self.slopes**2).sum(axis=1)

    def studentised(self) -> np.ndarray:
        """Residuals in units of their deviation without the run itself [run]: Student's t."""
        return studentise(self.residual, self.hat, self.freedom)

    def influence(self, gradient: np.ndarray) -> np.ndarray:
        """Return weights [run]: a residual's change of a number with this gradient by u."""
        return self.slopes @ (self.root.T @ gradient[self.free])


def studentise(residual: np.ndarray, hat: np.ndarray, freedom: int) -> np.ndarray:
    """Return externally studentised residuals [..., run]."""
    rest = np.maximum(1.0 - hat, 1e-12)
    own = residual**2 / rest
    total = (residual**2).sum(axis=-1, keepdims=True)
    variance = np.maximum((total - own) / max(freedom - 1, 1), 1e-300)
    return residual / np.sqrt(rest * variance)


def diagnose(evidence: Evidence) -> Diagnosis:
    """Fit the law by least squares, started at the fit.

    Raises:
        NotIdentified: there are not three runs more than parameters.
        InputError: the law's columns are missing.
    """
    fitted = evidence.fit
    settings = Settings(noise="squared", output=fitted.settings.output)
    problem = build_problem(evidence.runs, fitted.law, settings)
    theta = np.array([fitted.estimate[name] for name in problem.names])
    if len(problem.target) < len(theta) + 3:
        raise NotIdentified(
            f"{len(problem.target)} runs leave too little to judge {len(theta)} parameters by."
        )
    return solved(problem, problem.free(theta))


def solved(problem: Problem, start: np.ndarray) -> Diagnosis:
    """Return the least-squares optimum reached from a start, linearised."""
    u = descend(problem, start[None]).minima.u[0]
    used = problem.weights > 0
    residual = -problem.residuals(u[None])[0]
    residual = np.where(used & (np.abs(residual) > _ROUNDING), residual, 0.0)
    lower, upper = problem.bounds
    free = (u > lower) & (u < upper)
    slopes = np.where(used[:, None], jacobian(problem, u)[:, free], 0.0)
    size = np.linalg.norm(slopes, axis=0)
    size = np.where(size > 0, size, 1.0)
    left, values, right = np.linalg.svd(slopes / size, full_matrices=False)
    kept = values > _RANK * values[0]
    # Residuals are fit minus observed, so an observed logarithm moves u by minus the inverse.
    root = (right[kept].T / values[kept]) / size[:, None]
    return Diagnosis(problem, u, residual, left[:, kept], root, free)


def span(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis [run, rank] of what columns [run, column] span.

    A column that the others make up adds nothing; a QR decomposition would make a direction of
    its rounding errors, which differ from one processor to the next.
    """
    size = np.linalg.norm(columns, axis=0)
    left, values, _ = np.linalg.svd(columns / np.where(size > 0, size, 1.0), full_matrices=False)
    return left[:, values > _RANK * values[0]]


def gradient(evidence: Evidence, d: Diagnosis, name: str) -> np.ndarray:
    """Return the derivative of one of the answers by u [parameter]; NaN where it has none."""
    steps = np.concatenate([np.eye(len(d.u)), -np.eye(len(d.u))]) * _STEP
    steps = steps * np.where(d.problem.logs, 1.0, np.maximum(np.abs(d.u), 1e-3))
    columns = d.problem.columns(d.u + steps)
    value = evidence.answers(columns)[name]
    half = len(d.u)
    return (value[:half] - value[half:]) / (2 * np.abs(np.diag(steps[:half])))


def outlying(d: Diagnosis, level: float, most: int) -> tuple[list[int], np.ndarray]:
    """Return the outliers, worst first, and every run's residual about the law without them.

    By the generalised extreme studentised deviate test.

    Args:
        d: the fit of all runs.
        level: probability of finding any among runs with normal noise.
        most: how many are looked for.

    Source: Rosner 1983 (Technometrics 25), with the residuals of a regression: runs are taken
    out one by one, the worst first; the last one whose Student's t is too large by Bonferroni's
    bound, and all before it, are outliers. So they cannot hide one another.
    """
    taken: list[int] = []
    found, u = 0, d.u
    for _ in range(most):
        if d.freedom < 3:
            break
        t = np.abs(d.studentised())
        worst = int(np.argmax(t))
        taken.append(worst)
        if t_tail(float(t[worst]), d.freedom - 1) * np.count_nonzero(d.problem.weights) < level:
            found = len(taken)
        weights = d.problem.weights.copy()
        weights[worst] = 0.0
        d = solved(replace(d.problem, weights=weights), d.u)
        u = d.u if found == len(taken) else u
    return taken[:found], -d.problem.residuals(u[None])[0]


def largest_by_chance(
    d: Diagnosis, weights: np.ndarray, level: float, draws: int, seed: int = 0
) -> float:
    """Return the change by leaving one run out that noise alone exceeds with probability `level`.

    Args:
        d: the fit.
        weights: influence of a residual on the number [run].
        level: over all runs together.
        draws: simulations of normal noise on this very design.
        seed: of the draws.

    Returns:
        The largest |change| over runs, in standard errors of the number.
    """
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((draws, len(d.residual)))
    e = z - (z @ d.slopes) @ d.slopes.T
    return float(np.quantile(np.abs(changes(e, d, weights)).max(axis=1), 1 - level))


def changes(e: np.ndarray, d: Diagnosis, weights: np.ndarray) -> np.ndarray:
    """Return the change of a number by leaving out each run [..., run], in standard errors.

    The standard error is of the fit without the run, so that an outlier does not hide itself.
    """
    rest = np.maximum(1.0 - d.hat, 1e-9)
    return -studentise(e, d.hat, d.freedom) * weights / np.linalg.norm(weights) / np.sqrt(rest)
