"""How far the estimate moves under choices that others would have made."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.noise import parse_noise
from isoflop.fit.records import Shift
from isoflop.fit.runs import numbers
from isoflop.fit.solver import descend, solve
from isoflop.fit.target import find_target
from isoflop.laws.derived import keywords
from isoflop.runs.convention import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.fit.problem import Problem
    from isoflop.fit.records import Settings
    from isoflop.fit.solver import Solution
    from isoflop.fit.target import Target

DROPPED = (1, 5)
DELTAS = (1e-4, 1e-2)
NOISES = ("squared", "absolute")


def shifts(table: Any, problem: Problem, solution: Solution, settings: Settings) -> list[Shift]:
    """Return the estimate without the k worst runs, with other deltas, noise and conventions.

    Each is polished from the optimum (and the other optima found); a fit to inputs counted
    another way is searched for afresh. The worst runs are those with the largest absolute
    residual at the optimum, and those with the highest output (the rule of Besiroglu et al.
    2024).
    """
    starts = np.concatenate([solution.u[None], solution.others])
    target = find_target(table, problem.law, settings.target)
    found = [
        *_without_worst(problem, solution, starts),
        *_other_deltas(problem, starts),
        *_other_noise(problem, starts),
    ]
    if target is not None:
        found = [target.shifted(problem.law, shift) for shift in found]
    return [*found, *_other_conventions(table, problem, settings.seed, target)]


def _other_conventions(
    table: Any, problem: Problem, seed: int, target: Target | None
) -> list[Shift]:
    """Return a line for each further count of an input that the table stores.

    N* and D* are at the same C as everywhere; FLOPs a token follow from N as it is counted.
    """
    found = []
    for field, value, values in _counts(table, problem):
        changed = replace(problem, inputs={**problem.inputs, field: values})
        solution = solve(changed, seed)
        line = _line(
            changed,
            solution.u,
            "convention",
            f"{field} counted as {value}",
            int(np.count_nonzero(problem.weights)),
        )
        if target is not None:
            given = {**target.others, "C": target.C}
            counted = find_target(table, problem.law, given, values if field == "N" else None)
            line = line if counted is None else counted.shifted(problem.law, line)
        found.append(line)
    return found


def _counts(table: Any, problem: Problem) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (input, what the column counts, its values) for counts other than the fitted one."""
    for (field, value), names in STORED.items():
        stored = next((name for name in names if name in table), None)
        if field not in problem.inputs or stored is None:
            continue
        try:
            values = numbers(table, stored)
        except InputError:  # a count with gaps is no alternative for all runs
            continue
        if np.all(values > 0) and not np.allclose(values, problem.inputs[field], rtol=1e-9):
            yield field, value, values


def worst_runs(problem: Problem, u: np.ndarray) -> np.ndarray:
    """Return the numbers of the runs with weight, largest absolute residual first."""
    return _ordered(problem, np.abs(problem.residuals(u[None])[0]))


def _ordered(problem: Problem, size: np.ndarray) -> np.ndarray:
    order = np.argsort(-np.where(problem.weights > 0, size, -np.inf), kind="stable")
    return order[: np.count_nonzero(problem.weights)]


def _without_worst(problem: Problem, solution: Solution, starts: np.ndarray) -> list[Shift]:
    orders = {
        "worst-fitted": worst_runs(problem, solution.u),
        f"highest-{problem.law.output.name}": _ordered(problem, problem.observed),
    }
    rows, choices = [], []
    for (word, order), count in product(orders.items(), DROPPED):
        left = len(order) - count
        if left <= len(problem.names):
            continue
        weights = problem.weights.copy()
        weights[order[:count]] = 0.0
        number, s = ("", "") if count == 1 else (f"{count} ", "s")
        rows.append(weights)
        choices.append((f"without the {number}{word} run{s}", left))
    if not rows:
        return []
    best = _polished(problem, starts, np.array(rows))
    return [
        _line(problem, u, "dropped", words, left)
        for u, (words, left) in zip(best, choices, strict=True)
    ]


def _other_deltas(problem: Problem, starts: np.ndarray) -> list[Shift]:
    noise, runs = problem.noise, int(np.count_nonzero(problem.weights))
    if noise.family != "huber" or noise.free:
        return []
    deltas = [delta for delta in DELTAS if delta != noise.delta]
    weights = np.repeat(problem.weights[None], len(deltas), axis=0)
    best = _polished(problem, starts, weights, np.array(deltas)[:, None])
    return [
        _line(problem, u, "delta", f"delta {delta:g}", runs)
        for u, delta in zip(best, deltas, strict=True)
    ]


def _polished(
    problem: Problem, starts: np.ndarray, weights: np.ndarray, tuning: np.ndarray | None = None
) -> np.ndarray:
    """Return the best optimum from all starts for each row of weights [rows, parameters].

    Args:
        problem: the problem.
        starts: [starts, parameters].
        weights: [rows, runs].
        tuning: of the objective [rows, 1]; the problem's if None.
    """
    rows, count = len(weights), len(starts)
    found = descend(
        problem,
        np.tile(starts, (rows, 1)),
        weights=np.repeat(weights, count, axis=0),
        tuning=None if tuning is None else np.repeat(tuning, count, axis=0),
    )
    best = np.argmin(found.objective.reshape(rows, count), axis=1)
    return found.minima.u.reshape(rows, count, -1)[np.arange(rows), best]


def _other_noise(problem: Problem, starts: np.ndarray) -> list[Shift]:
    runs = int(np.count_nonzero(problem.weights))
    raw = "" if problem.noise.logs else "raw-"
    changed = (parse_noise(raw + name) for name in NOISES if name != problem.noise.family)
    found = []
    for noise in changed:
        other = replace(problem, noise=noise)
        best = _polished(other, starts, problem.weights[None])[0]
        found.append(_line(other, best, "noise", f"{noise.family} residuals", runs))
    return found


def _line(problem: Problem, u: np.ndarray, kind: str, choice: str, runs: int) -> Shift:
    theta = problem.theta(u)
    estimate = dict(zip(problem.names, map(float, theta), strict=True))
    for name, function in problem.law.derived.items():
        estimate[name] = float(function(**{k: estimate[k] for k in keywords(function)}))
    return Shift(kind=kind, choice=choice, estimate=estimate, runs=runs)
