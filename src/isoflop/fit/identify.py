"""Which parameters the runs determine, and what would determine the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.laplace import jacobian
from isoflop.fit.profile import Profile, profile

if TYPE_CHECKING:
    from isoflop.fit.laplace import Neighbourhood
    from isoflop.fit.problem import Problem
    from isoflop.fit.solver import Solution

#: A parameter further than this many standard deviations from its bounds (on a log scale: whose
#: standard deviation is below `_CLEAR_LOG`) is determined without a profile.
_CLEAR, _CLEAR_LOG = 4.0, 0.75
_REACH = 4.0  # how far beyond the runs a proposed run may lie


@dataclass(frozen=True)
class Identification:
    """What the runs determine.

    Args:
        identified: by parameter.
        reasons: a sentence for each parameter that is not identified or at a bound.
        at_bound: parameters at a bound.
        profiles: profile intervals of the parameters that were profiled.
        better: a better optimum that a profile met, in free coordinates, or None.
    """

    identified: dict[str, bool]
    reasons: dict[str, str] = field(default_factory=dict)
    at_bound: tuple[str, ...] = ()
    profiles: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    better: np.ndarray | None = None


def identify(
    problem: Problem, solution: Solution, around: Neighbourhood, level: float, profiled: bool
) -> Identification:
    """Decide for each parameter whether the runs determine it on both sides.

    Args:
        problem: the problem.
        solution: its optimum.
        around: its neighbourhood.
        level: of the profile intervals.
        profiled: whether doubtful parameters are profiled; otherwise doubt counts as no.
    """
    runs, count = int(np.count_nonzero(problem.weights)), len(problem.names)
    if runs <= count:
        why = f"{runs} runs are as many as parameters, and none is left to tell their scatter"
        return Identification(
            dict.fromkeys(problem.names, False),
            {name: f"`{name}` is not identified: {why}." for name in problem.names},
        )
    lower, upper = problem.bounds
    edge = (solution.u <= lower) | (solution.u >= upper)
    clear = _clear(problem, solution.u, around.deviation) & ~edge
    doubtful = [name for name, sure in zip(problem.names, clear, strict=True) if not sure]
    found = profile(problem, solution, around, doubtful, level) if profiled else Profile({}, None)
    identified = {name: bool(sure) for name, sure in zip(problem.names, clear, strict=True)}
    for name, (low, high) in found.interval.items():
        identified[name] = low is not None and high is not None
    at_bound = tuple(name for name, at in zip(problem.names, edge, strict=True) if at)
    reasons: dict[str, str] = {}
    for name in problem.names:
        if name in at_bound:
            reasons[name] = _bound_reason(problem, solution, name)
        elif not identified[name]:
            reasons[name] = _open_reason(problem, solution, around, name, found.interval)
    return Identification(identified, reasons, at_bound, found.interval, found.better)


def _clear(problem: Problem, u: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    lower, upper = problem.bounds
    with np.errstate(invalid="ignore", divide="ignore"):
        room = np.minimum(u - lower, upper - u) / deviation
    small = np.where(problem.logs, deviation < _CLEAR_LOG, deviation < np.maximum(np.abs(u), 1e-9))
    unbounded = ~np.isfinite(lower) & ~np.isfinite(upper)
    return np.isfinite(deviation) & (unbounded | ((room > _CLEAR) & small))


def _bound_reason(problem: Problem, solution: Solution, name: str) -> str:
    value = problem.theta(solution.u)[problem.names.index(name)]
    return f"`{name}` is at its bound {value:g}: the runs would take it further."


def _open_reason(
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    name: str,
    intervals: dict[str, tuple[float | None, float | None]],
) -> str:
    value = problem.theta(solution.u)[problem.names.index(name)]
    low, high = intervals.get(name, (None, None))
    if low is None and high is None:
        what = "any value fits about as well"
    elif low is None:
        what = f"every value below {high:.3g} fits about as well"
    else:
        what = f"every value above {low:.3g} fits about as well"
    best = most_informative(problem, solution.u, name)
    run = ", ".join(f"{k} = {v:.2g}" for k, v in best.items())
    remedy = f"; a run at {run} would say most" if run else ""
    return f"`{name}` = {value:.3g} is not identified: {what}{remedy}."


def most_informative(problem: Problem, u: np.ndarray, name: str) -> dict[str, float]:
    """Return numeric inputs of the run that would shrink the variance of a parameter most.

    Candidates are the corners and edges of the runs' box and of one `_REACH` times larger each
    way; the law is linearised at u. Empty if the law is undefined there.
    """
    numeric = [k for k, x in problem.inputs.items() if np.issubdtype(x.dtype, np.number)]
    lines = []
    for k in numeric:
        low, high = float(problem.inputs[k].min()), float(problem.inputs[k].max())
        middle = sqrt(low * high) if low > 0 else 0.5 * (low + high)
        lines.append((low / _REACH, low, middle, high, high * _REACH))
    points = np.array(list(product(*lines)))
    inputs = {k: np.resize(x[:1], len(points)) for k, x in problem.inputs.items()}
    inputs.update({k: points[:, i] for i, k in enumerate(numeric)})
    ones = np.ones(len(points))
    candidates = replace(problem, inputs=inputs, target=0 * ones, weights=ones, precision=None)
    with np.errstate(all="ignore"):
        gain = _gain(problem, candidates, u, problem.names.index(name))
    if not np.isfinite(gain).any():
        return {}
    best = int(np.argmax(np.where(np.isfinite(gain), gain, -1.0)))
    return {k: float(points[best, i]) for i, k in enumerate(numeric)}


def _gain(problem: Problem, candidates: Problem, u: np.ndarray, place: int) -> np.ndarray:
    """Return by how much each candidate run would shrink the variance of a parameter [run]."""
    new, old = jacobian(candidates, u), jacobian(problem, u)
    size = np.sqrt(np.mean(old**2, axis=0)) + 1e-300
    new, old = new / size, old / size
    gram = old.T @ (problem.weights[:, None] * old)
    ridge = 1e-9 * np.trace(gram)
    if not (np.isfinite(gram).all() and ridge > 0):
        return np.full(len(new), np.nan)
    inverse = np.linalg.inv(gram + ridge * np.eye(len(u)))
    return (new @ inverse[place]) ** 2 / (1.0 + np.einsum("np,pq,nq->n", new, inverse, new))
