"""Where to start: a coarse search of the nonlinear parameters, the linear ones projected out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.noise import initial_tuning, terms
from isoflop.fit.problem import chunks
from isoflop.laws.linear import evaluate

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem

LINE, SQUARE = 64, 24  # cells a side with one and with two nonlinear parameters
POINTS, POINTS_HIGH = 1024, 4096  # space-filling points with three, with more
_FLOOR = 1e-3  # share of the output below which a term on a log scale is not allowed to start


@dataclass(frozen=True)
class Screen:
    """Starts of the search, best first.

    Args:
        u: free coordinates of every cell [cells, parameters].
        objective: objective of every cell at its projected linear parameters [cells].
        tuning: tuning to start the search with [cells, 1].
        scheme: how cells were placed, in words.
        blocks: block of the search range a cell lies in [cells].
    """

    u: np.ndarray
    objective: np.ndarray
    tuning: np.ndarray
    scheme: str
    blocks: np.ndarray

    def best(self, count: int) -> np.ndarray:
        """Return cells to polish: half the best overall, half the best of further blocks."""
        order = np.argsort(self.objective, kind="stable")
        order = order[np.isfinite(self.objective[order])]
        chosen = list(order[: count // 2])
        seen = set(self.blocks[chosen].tolist())
        for cell in order[count // 2 :]:
            if len(chosen) == count:
                break
            if self.blocks[cell] not in seen:
                seen.add(self.blocks[cell])
                chosen.append(cell)
        rest = [cell for cell in order if cell not in set(chosen)]
        return np.array([*chosen, *rest[: count - len(chosen)]], dtype=int)


def screen(problem: Problem, seed: int) -> Screen:
    """Evaluate the objective over the nonlinear parameters' start ranges.

    One or two nonlinear parameters get a grid; more get a space-filling sequence (Roberts'
    additive recurrence, shifted by the seed).
    """
    names = problem.names
    linear = [name for name in names if name in problem.law.linear]
    free = [name for name in names if name not in problem.law.linear]
    unit, scheme, blocks = _cells(len(free), seed)
    ranges = problem.ranges()
    values = {name: _spread(unit[:, k : k + 1], *ranges[name]) for k, name in enumerate(free)}
    theta = np.empty((len(unit), len(names)))
    for k, name in enumerate(names):
        if name in values:
            theta[:, k] = values[name][:, 0]
    objective = np.empty(len(unit))
    tuning = np.empty((len(unit), 1))
    with np.errstate(all="ignore"):
        for part in chunks(len(unit), len(problem.weights)):
            cells = {name: value[part] for name, value in values.items()}
            solved, fitted = _project(problem, cells, linear, len(unit[part]))
            for k, name in enumerate(linear):
                theta[part, names.index(name)] = solved[:, k]
            objective[part], tuning[part] = _value(problem, fitted)
    objective[~np.isfinite(objective)] = np.inf
    lower, upper = problem.bounds
    return Screen(np.clip(problem.free(theta), lower, upper), objective, tuning, scheme, blocks)


def _cells(count: int, seed: int) -> tuple[np.ndarray, str, np.ndarray]:
    """Return points of the unit cube [cells, count], the scheme's name and the cells' blocks."""
    if count == 0:
        return np.empty((1, 0)), "no nonlinear parameter", np.zeros(1, dtype=int)
    if count <= 2:
        side = LINE if count == 1 else SQUARE
        line = (np.arange(side) + 0.5) / side
        points = np.stack(np.meshgrid(*[line] * count, indexing="ij"), axis=-1).reshape(-1, count)
        scheme = f"grid of {' x '.join([str(side)] * count)}"
    else:
        points = space_filling(POINTS if count == 3 else POINTS_HIGH, count, seed)
        scheme = f"{len(points)} space-filling points in {count} nonlinear parameters"
    sides = np.minimum((points * 4).astype(int), 3)
    blocks = sides @ (4 ** np.arange(count))
    return points, scheme, blocks


def space_filling(points: int, count: int, seed: int) -> np.ndarray:
    """Return points of the unit cube that leave no large gap: [points, count].

    Source: M. Roberts, "The unreasonable effectiveness of quasirandom sequences" (2018): steps
    of 1/g, 1/g^2, ... with g the positive root of g^(count+1) = g + 1.
    """
    g = 2.0
    for _ in range(60):
        g = (1.0 + g) ** (1.0 / (count + 1))
    shift = np.random.default_rng(seed).random(count)
    return (shift + np.outer(np.arange(1, points + 1), g ** -np.arange(1.0, count + 1))) % 1.0


def _spread(unit: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map the unit interval to a range, geometrically where both ends are positive."""
    return low * (high / low) ** unit if low > 0 else low + (high - low) * unit


def _project(
    problem: Problem, cells: dict[str, np.ndarray], linear: list[str], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Solve for the linear parameters of each cell by weighted least squares.

    Weights are 1/L^2 if residuals are of logs: log fit - log observed is relative to first order.

    Returns:
        linear parameters [cells, linear], fitted output [cells, runs].
    """
    observed = problem.observed
    shape = (count, len(observed))
    ones = {name: np.ones((count, 1)) for name in linear}
    law = evaluate(problem.law, problem.inputs, {**cells, **ones}, second=False)
    value = np.broadcast_to(law.value, shape)
    if not linear:
        return np.empty((count, 0)), value
    basis = np.stack([np.broadcast_to(law.d.get(name, 0.0), shape) for name in linear], axis=1)
    offset = value - basis.sum(axis=1)
    weights = problem.weights / (observed**2 if problem.noise.logs else 1.0)
    if problem.precision is not None:
        weights = weights * problem.precision**2
    weighted = basis * weights
    gram = weighted @ basis.transpose(0, 2, 1)
    right = np.einsum("bkn,bn->bk", weighted, observed - offset)
    size = float(np.sum(weights * observed**2))
    solved = _bounded(problem, gram, right, linear, size)
    return solved, offset + np.einsum("bk,bkn->bn", solved, basis)


def _bounded(
    problem: Problem, gram: np.ndarray, right: np.ndarray, linear: list[str], size: float
) -> np.ndarray:
    """Solve the normal equations, moving the worst violation to its bound one at a time."""
    kinds = {p.name: p for p in problem.law.parameters}
    scale = np.sqrt(np.maximum(np.einsum("bkk->bk", gram), 1e-300))
    lower = np.broadcast_to([kinds[name].lower for name in linear], scale.shape).copy()
    upper = np.broadcast_to([kinds[name].upper for name in linear], scale.shape).copy()
    logs = np.array([kinds[name].scale == "log" for name in linear])
    lower[:, logs] = np.maximum(lower[:, logs], _FLOOR * np.sqrt(size) / scale[:, logs])
    unit = gram / (scale[:, :, None] * scale[:, None, :])
    held = np.zeros(scale.shape, dtype=bool)
    value = np.zeros(scale.shape)
    for _ in range(len(linear) + 1):
        known = np.where(held, value * scale, 0.0)
        rest = right / scale - np.einsum("bij,bj->bi", unit, known)
        matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, unit)
        np.einsum("bkk->bk", matrix)[:] += np.where(held, 1.0, 1e-11)
        solved = np.linalg.solve(matrix, np.where(held, 0.0, rest)[:, :, None])[:, :, 0] / scale
        value = np.where(held, value, solved)
        excess = np.maximum(lower - value, value - upper) * scale
        excess[held] = -np.inf
        worst = np.argmax(excess, axis=1)
        rows = np.flatnonzero(excess[np.arange(len(worst)), worst] > 0)
        if not len(rows):
            break
        held[rows, worst[rows]] = True
        value = np.where(held, np.clip(value, lower, upper), value)
    return np.clip(value, lower, upper)


def _value(problem: Problem, fitted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return objective [cells] and tuning [cells, 1] of fitted outputs.

    Where a scale is estimated, cells are compared by the sum of absolute residuals.
    """
    r = (np.log(fitted) if problem.noise.logs else fitted) - problem.target
    if problem.precision is not None:
        r = r * problem.precision
    tuning = initial_tuning(problem.noise, np.nan_to_num(r, nan=1e3))
    if problem.noise.scaled or problem.noise.family == "absolute":
        return np.sum(problem.weights * np.abs(r), axis=1), tuning
    return np.sum(problem.weights * terms(problem.noise, r, tuning)[0], axis=1), tuning
