"""The global optimum with evidence: screen, polish, count how many starts agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.newton import TOLERANCE, Minima, minimise
from isoflop.fit.noise import initial_tuning, next_tuning, reported
from isoflop.fit.problem import differentiate, rows_of
from isoflop.fit.screen import Screen, screen

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem

#: Starts polished with up to one, with two, and with more nonlinear parameters.
POLISHED = (8, 12, 32)
#: Runs used to find the basins; the best of them are polished on all runs.
SAMPLE = 2048
AGREE = 1e-6  # relative difference in objective within which two starts found the same optimum
_STAGES = 40
#: Relative change of the tuning below which a stage is solved to full precision, and below which
#: it was the last; the tolerance of the stages before.
_NEAR, _SETTLED, _ROUGH = 0.05, 1e-7, 1e-6


@dataclass
class Descent:
    """Where rows of a batch ended, with the tuning of the objective there.

    Args:
        minima: the last stage's minima.
        tuning: [batch, 1]
        objective: as reported [batch]; infinite where nothing was found.
    """

    minima: Minima
    tuning: np.ndarray
    objective: np.ndarray


@dataclass(frozen=True)
class Solution:
    """The best optimum found and the evidence for it.

    Args:
        u: free coordinates [parameters].
        tuning: tuning of the objective there.
        objective: as reported.
        gradient: derivatives of the objective by u [parameters], at fixed tuning.
        hessian: second derivatives [parameters, parameters].
        majoriser: see `Derivatives`.
        converged: whether Newton's method ended by its criterion.
        moved: whether the best start moved at all.
        scheme: how starts were placed.
        screened: cells evaluated; polished: starts polished; agree: starts of those within
            `AGREE` of the best objective.
        iterations: Newton steps of the best start.
        others: further optima, best first: [optima, parameters].
    """

    u: np.ndarray
    tuning: float
    objective: float
    gradient: np.ndarray
    hessian: np.ndarray
    majoriser: np.ndarray
    converged: bool
    moved: bool
    scheme: str
    screened: int
    polished: int
    agree: int
    iterations: int
    others: np.ndarray


def descend(
    problem: Problem,
    u: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    target: np.ndarray | None = None,
    tuning: np.ndarray | None = None,
    held: np.ndarray | None = None,
    damping: float = 0.1,
    below: np.ndarray | None = None,
) -> Descent:
    """Minimise from each row of u, through the stages of a tuning that is not fixed.

    Args:
        problem: the problem.
        u: starts [batch, parameters].
        weights: [runs] or [batch, runs]; the problem's if None.
        target: [runs] or [batch, runs]; the problem's if None.
        tuning: [batch, 1]; from the residuals at u if None.
        held: mask [parameters] or [batch, parameters] of coordinates that stay.
        damping: at the first step.
        below: see `isoflop.fit.newton.minimise`; only where the tuning is fixed.
    """
    weights = problem.weights if weights is None else weights
    target = problem.target if target is None else target
    held = np.broadcast_to(np.zeros(u.shape[1], dtype=bool) if held is None else held, u.shape)
    if tuning is None:
        r = np.nan_to_num(problem.residuals(u, target), nan=1e3)
        tuning = initial_tuning(problem.noise, r)
    tuning = np.array(tuning, dtype=float)
    found = minimise(
        problem,
        u,
        weights=weights,
        target=target,
        tuning=tuning,
        held=held,
        damping=damping,
        tolerance=_ROUGH if problem.noise.staged else TOLERANCE,
        below=None if problem.noise.staged else below,
    )
    objective = _stages(problem, found, weights, target, tuning, held)
    return Descent(found, tuning, objective)


def _stages(
    problem: Problem,
    found: Minima,
    weights: np.ndarray,
    target: np.ndarray,
    tuning: np.ndarray,
    held: np.ndarray,
) -> np.ndarray:
    """Follow the minima through the stages of the tuning, in place; return the objective."""
    objective = np.full(len(tuning), np.inf)
    fine = np.full(len(tuning), not problem.noise.staged)
    active = np.flatnonzero(np.isfinite(found.at.objective))
    for _ in range(_STAGES):
        r = problem.residuals(found.u[active], rows_of(target, active))
        w = rows_of(weights, active)
        tuning[active], change = next_tuning(problem.noise, r, w, tuning[active])
        objective[active] = reported(problem.noise, r, w, tuning[active])
        goes_on = ~fine[active] | (change > _SETTLED)
        active, near = active[goes_on], bool(np.all(change[goes_on] < _NEAR))
        if not len(active):
            break
        stage = minimise(
            problem,
            found.u[active],
            weights=rows_of(weights, active),
            target=rows_of(target, active),
            tuning=tuning[active],
            held=held[active],
            tolerance=TOLERANCE if near else _ROUGH,
        )
        found.u[active], fine[active] = stage.u, near
        found.at.assign(active, stage.at, np.arange(len(active)))
        found.converged[active] = stage.converged
        found.iterations[active] += stage.iterations
    return objective


def solve(problem: Problem, seed: int = 0, extra: np.ndarray | None = None) -> Solution:
    """Find the best optimum of a problem.

    Args:
        problem: the problem.
        seed: of the space-filling starts.
        extra: further starts [starts, parameters] in free coordinates.

    Raises:
        InputError: if the law is undefined at every start.
    """
    small = _sample(problem, seed)
    cells = screen(small, seed)
    nonlinear = len(problem.names) - len(problem.law.linear)
    chosen = cells.best(POLISHED[0 if nonlinear < 2 else 1 if nonlinear == 2 else 2])
    starts, tuning = cells.u[chosen], cells.tuning[chosen]
    if extra is not None and len(extra):
        r = np.nan_to_num(small.residuals(extra), nan=1e3)
        starts = np.concatenate([extra, starts])
        tuning = np.concatenate([initial_tuning(problem.noise, r), tuning])
    if not len(starts):
        raise InputError(
            f"`{problem.law.name}` is undefined on these runs for all {len(cells.u)} starts.",
            "Its value must be positive where residuals are of logarithms.",
            "Check the units of the inputs, or use noise='raw-huber:...'.",
        )
    polished = descend(small, starts, tuning=tuning)
    order = np.argsort(polished.objective, kind="stable")
    best = polished.objective[order[0]]
    close = polished.objective <= best + AGREE * abs(best) + 1e-20
    distinct = _distinct(polished, order)
    if small is not problem:
        polished = descend(problem, polished.minima.u[distinct[:4]])
        distinct = _distinct(polished, np.argsort(polished.objective, kind="stable"))
    return _solution(problem, polished, distinct, cells, starts, int(close.sum()))


def _sample(problem: Problem, seed: int) -> Problem:
    runs = len(problem.weights)
    if runs <= 2 * SAMPLE:
        return problem
    rng = np.random.default_rng(seed)
    return problem.taking(np.sort(rng.choice(runs, SAMPLE, replace=False)))


def _distinct(polished: Descent, order: np.ndarray) -> np.ndarray:
    """Return rows with different optima, best first."""
    kept: list[int] = []
    for row in order:
        value = polished.objective[row]
        known = polished.objective[kept]
        if np.isfinite(value) and not np.any(np.abs(known - value) <= AGREE * np.abs(value)):
            kept.append(int(row))
    return np.array(kept, dtype=int)


def _solution(
    problem: Problem,
    polished: Descent,
    distinct: np.ndarray,
    cells: Screen,
    starts: np.ndarray,
    agree: int,
) -> Solution:
    best = distinct[0]
    u, tuning = polished.minima.u[best : best + 1], polished.tuning[best : best + 1]
    at = differentiate(problem, u, problem.weights, problem.target, tuning)
    return Solution(
        u=u[0],
        tuning=float(tuning[0, 0]),
        objective=float(polished.objective[best]),
        gradient=at.gradient[0],
        hessian=at.hessian[0],
        majoriser=at.majoriser[0],
        converged=bool(polished.minima.converged[best]),
        moved=not bool(np.any(np.all(cells.u == u, axis=1))),
        scheme=cells.scheme,
        screened=len(cells.u),
        polished=len(starts),
        agree=agree,
        iterations=int(polished.minima.iterations[best]),
        others=polished.minima.u[distinct[1:5]],
    )
