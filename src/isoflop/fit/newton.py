"""Batched damped Newton on the true objective, within bounds.

The damping matrix is the Gram matrix of the residuals' derivatives with weights psi(r)/r. Steps
are therefore the same in any linear recombination of the coordinates: centring the logs of N
and D, which removes a condition number of some 1e11 for other methods, changes nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.problem import Derivatives, differentiate, rows_of

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem

#: A step that is predicted to lower the objective by less than this share is the last.
TOLERANCE = 1e-13
ITERATIONS = 120
_RIDGE = 1e-13  # of the damping matrix's diagonal, against exact singularity
_CAP = 4.0  # largest change of a coordinate in one step
#: A row that must come below a number is given up where ten times the fall predicted for its next
#: step, after the first few, would not bring it there.
_HOPE, _TRIED = 10.0, 5
_PATIENCE = 20  # steps after which a row in a flat valley is asked for progress
_STEPS = (5.0, 0.3)  # factors on the damping after a poor and after a good step


@dataclass
class Minima:
    """Where each row of a batch ended.

    Args:
        u: free coordinates [batch, parameters].
        at: objective and derivatives there.
        converged: [batch]
        iterations: steps tried [batch].
    """

    u: np.ndarray
    at: Derivatives
    converged: np.ndarray
    iterations: np.ndarray


def minimise(
    problem: Problem,
    u: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    target: np.ndarray | None = None,
    tuning: np.ndarray,
    held: np.ndarray | None = None,
    damping: float = 0.1,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
    below: np.ndarray | None = None,
) -> Minima:
    """Minimise the objective from each row of u at fixed tuning.

    Args:
        problem: the problem.
        u: starts [batch, parameters] in free coordinates; not changed.
        weights: [runs] or [batch, runs]; the problem's if None.
        target: [runs] or [batch, runs]; the problem's if None.
        tuning: [batch, 1], see `isoflop.fit.noise.terms`.
        held: mask [parameters] or [batch, parameters] of coordinates that stay as they are.
        damping: at the first step.
        iterations: steps tried at most.
        tolerance: see `TOLERANCE`.
        below: objective [batch] that is of interest only if it falls below this; infinite if None.
    """
    with np.errstate(all="ignore"):  # a start may lie where the law overflows: refused below
        return _minimise(
            problem,
            u,
            problem.weights if weights is None else weights,
            problem.target if target is None else target,
            tuning,
            held,
            damping,
            iterations,
            tolerance,
            np.full(len(u), np.inf) if below is None else below,
        )


def _minimise(
    problem: Problem,
    u: np.ndarray,
    weights: np.ndarray,
    target: np.ndarray,
    tuning: np.ndarray,
    held: np.ndarray | None,
    damping: float,
    iterations: int,
    tolerance: float,
    below: np.ndarray,
) -> Minima:
    lower, upper = problem.bounds
    u = np.clip(u, lower, upper)
    held = np.broadcast_to(np.zeros(u.shape[1], dtype=bool) if held is None else held, u.shape)
    at = differentiate(problem, u, weights, target, tuning)
    converged = np.zeros(len(u), dtype=bool)
    count = np.zeros(len(u), dtype=int)
    strength = np.full(len(u), damping)
    # The objective of exact data is rounding error: log residuals of one unit in the last place.
    floor = 1e-31 * np.maximum(np.broadcast_to(weights, (len(u), target.shape[-1])).sum(1), 1.0)
    active = np.flatnonzero(np.isfinite(at.objective))
    before = at.objective.copy()
    for iteration in range(1, iterations + 1):
        if iteration % _PATIENCE == 0:
            active = active[_progressing(before[active], at.objective[active], target.shape[-1])]
            before = at.objective.copy()
        if not len(active):
            break
        count[active] += 1
        now = at.take(active)
        fixed = _blocked(u[active], now.gradient, lower, upper) | held[active]
        here = u[active]
        step, gain, strength[active] = _step(
            now, fixed, strength[active], lower - here, upper - here
        )
        moved = np.clip(u[active] + step, lower, upper)
        small = gain <= tolerance * now.objective + floor[active]
        w, y = rows_of(weights, active), rows_of(target, active)
        then = differentiate(problem, moved, w, y, tuning[active])
        fall = now.objective - then.objective
        better = fall >= 0
        u[active[better]] = moved[better]
        at.assign(active[better], then, np.flatnonzero(better))
        strength[active] = _damping(strength[active], fall, gain)
        converged[active] = small
        goes_on = ~small & (strength[active] < 1e12)
        if iteration > _TRIED:
            goes_on &= at.objective[active] - _HOPE * gain < below[active]
        active = active[goes_on]
    return Minima(u, at, converged, count)


def _progressing(before: np.ndarray, now: np.ndarray, runs: int) -> np.ndarray:
    """Mask of rows whose last steps mattered: by more than 1e-4 of a run's share."""
    return before - now > 1e-4 * now / runs


def _blocked(
    u: np.ndarray, gradient: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Mask of coordinates at a bound that the objective pushes against."""
    return ((u <= lower) & (gradient > 0)) | ((u >= upper) & (gradient < 0))


def _step(
    at: Derivatives, fixed: np.ndarray, strength: np.ndarray, down: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a descent step, the fall it predicts, and the damping it took.

    Args:
        at: objective and derivatives.
        fixed: coordinates that do not move.
        strength: damping [batch].
        down: room to the lower bound, as a negative step [batch, parameters].
        up: room to the upper bound.
    """
    gradient, step, strength = at.gradient, np.zeros_like(at.gradient), strength.copy()
    todo = np.arange(len(step))
    for _ in range(30):
        matrix = at.hessian[todo] + strength[todo, None, None] * at.majoriser[todo]
        diagonal = np.einsum("bii->bi", at.majoriser[todo])
        ridge = _RIDGE * (diagonal + 1e-9 * diagonal.max(axis=1, keepdims=True)) + 1e-290
        np.einsum("bii->bi", matrix)[:] += ridge * (1 + strength[todo, None])
        tried, wrong = _bounded(matrix, gradient[todo], fixed[todo], down[todo], up[todo])
        slope = np.einsum("bi,bi->b", tried, gradient[todo])
        curve = np.einsum("bi,bij,bj->b", tried, matrix, tried)
        good = np.isfinite(slope) & (slope + 0.5 * curve <= 0) & (curve >= 0) & ~wrong
        step[todo[good]] = tried[good]
        todo = todo[~good]
        if not len(todo):
            break
        strength[todo] = np.maximum(strength[todo] * 10.0, 1e-3)
    longest = np.abs(step).max(axis=1, initial=0.0)
    step *= np.minimum(1.0, _CAP / np.maximum(longest, 1e-300))[:, None]
    slope = np.einsum("bi,bi->b", step, gradient)
    curve = np.einsum("bi,bij,bj->b", step, at.hessian, step)
    return step, np.maximum(-slope - 0.5 * curve, 0.0), strength


def _bounded(
    matrix: np.ndarray, gradient: np.ndarray, fixed: np.ndarray, down: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the quadratic model within the bounds: who would leave stops there.

    Coordinates that would pass a bound are put on it, and the others are solved for again. If
    one of them then pulls inwards, the model was not convex; such rows are marked as wrong.

    Returns:
        step [batch, parameters], wrong [batch].
    """
    if not fixed.any():
        step = -_solve(matrix, gradient)
        if not ((step < down) | (step > up)).any():
            return step, np.zeros(len(step), dtype=bool)
    held, step = fixed.copy(), np.zeros_like(gradient)
    rows = np.arange(len(step))
    for _ in range(step.shape[1] + 1):
        pair = held[rows, :, None] | held[rows, None, :]
        free = np.where(pair, 0.0, matrix[rows])
        np.einsum("bii->bi", free)[:] += held[rows]
        placed = np.where(held[rows], step[rows], 0.0)
        right = gradient[rows] + np.einsum("bij,bj->bi", matrix[rows], placed)
        step[rows] = placed - _solve(free, np.where(held[rows], 0.0, right))
        outside = ~held[rows] & ((step[rows] < down[rows]) | (step[rows] > up[rows]))
        if not outside.any():
            break
        held[rows] |= outside
        clipped = np.clip(step[rows], down[rows], up[rows])
        step[rows] = np.where(outside, clipped, step[rows])
        rows = rows[outside.any(axis=1)]
    rows = np.flatnonzero((held & ~fixed).any(axis=1))
    pull = gradient[rows] + np.einsum("bij,bj->bi", matrix[rows], step[rows])
    inwards = ((step[rows] <= down[rows]) & (pull < 0)) | ((step[rows] >= up[rows]) & (pull > 0))
    wrong = np.zeros(len(step), dtype=bool)
    wrong[rows] = (held[rows] & ~fixed[rows] & inwards).any(axis=1)
    return step, wrong


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve [batch, p, p] systems after scaling them to unit diagonal; NaN where singular."""
    size = np.sqrt(np.abs(np.einsum("bii->bi", matrix)))
    size = np.where(size > 0, size, 1.0)
    scaled = matrix / (size[:, :, None] * size[:, None, :])
    try:
        return np.linalg.solve(scaled, (right / size)[:, :, None])[:, :, 0] / size
    except np.linalg.LinAlgError:
        if len(matrix) == 1:
            return np.full_like(right, np.nan)
        return np.concatenate(
            [_solve(matrix[k : k + 1], right[k : k + 1]) for k in range(len(matrix))]
        )


def _damping(strength: np.ndarray, fall: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Return the damping of the next step from the fall reached and the fall predicted."""
    poor, good = _STEPS
    ratio = fall / np.maximum(gain, 1e-300)
    strength = np.where(ratio > 0.1, strength, np.maximum(strength * poor, 1e-4))
    strength = np.where(ratio > 0.3, strength * good, strength)
    return np.where(strength < 1e-9, 0.0, strength)
