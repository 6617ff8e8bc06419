"""A textbook optimiser that stops at an absolute gradient: what Hoffmann et al. met.

Not for fitting: `isoflop.fit` reaches the optimum whatever the objective is divided by. Here the
stopping rule is the subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

#: The usual default of such optimisers: largest component of the gradient at which they stop.
GRADIENT = 1e-5
_STEPS = 500
_SUFFICIENT = 1e-4  # Armijo's share of the predicted decrease


class Descent(NamedTuple):
    """Where a descent went.

    Args:
        path: points [step, parameter], the start first.
        values: objective [step].
        gradient: largest component of the gradient at the end.
    """

    path: np.ndarray
    values: np.ndarray
    gradient: float


def bfgs(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    *,
    gradient: float = GRADIENT,
) -> Descent:
    """Minimise by BFGS with backtracking until no component of the gradient exceeds a number.

    Args:
        function: gives the value and its gradient [parameter] at a point [parameter].
        start: point [parameter].
        gradient: absolute, as in most libraries; it does not know the objective's scale.

    Source: Nocedal and Wright 2006, algorithm 6.1.
    """
    x = np.array(start, dtype=float)
    value, slope = function(x)
    inverse = np.eye(len(x)) / max(1.0, float(np.linalg.norm(slope)))
    path, values = [x], [value]
    while np.max(np.abs(slope)) > gradient and len(path) <= _STEPS:
        direction = -inverse @ slope
        step, after, new_slope = _backtrack(function, x, value, slope, direction)
        if step is None:
            break
        inverse = _updated(inverse, step, new_slope - slope, first=len(path) == 1)
        x, value, slope = x + step, after, new_slope
        path.append(x)
        values.append(value)
    return Descent(np.array(path), np.array(values), float(np.max(np.abs(slope))))


def _backtrack(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    x: np.ndarray,
    value: float,
    slope: np.ndarray,
    direction: np.ndarray,
) -> tuple[np.ndarray | None, float, np.ndarray]:
    """Return the first halved step that lowers the value enough; None if there is none."""
    predicted = float(direction @ slope)
    share = 1.0
    while share > 1e-14:
        after, new_slope = function(x + share * direction)
        if np.isfinite(after) and after <= value + _SUFFICIENT * share * predicted:
            return share * direction, after, new_slope
        share *= 0.5
    return None, value, slope


def _updated(
    inverse: np.ndarray, step: np.ndarray, change: np.ndarray, *, first: bool
) -> np.ndarray:
    """Return the inverse Hessian after a step; unchanged where the curvature is not positive."""
    curvature = float(step @ change)
    if curvature <= 1e-14 * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return inverse
    if first:
        inverse = np.eye(len(step)) * curvature / float(change @ change)
    left = np.eye(len(step)) - np.outer(step, change) / curvature
    return left @ inverse @ left.T + np.outer(step, step) / curvature
