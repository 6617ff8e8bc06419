"""How far the estimate moves under choices that others would have made."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.noise import Noise, parse_noise
from isoflop.fit.records import Shift
from isoflop.fit.runs import numbers
from isoflop.fit.solver import descend, solve
from isoflop.fit.target import find_target
from isoflop.laws.compose import keywords
from isoflop.runs.convention import STORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.fit.problem import Problem
    from isoflop.fit.records import Settings
    from isoflop.fit.solver import Solution

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
    return [*found, *_other_conventions(table, problem, settings)]


def _other_conventions(table: Any, problem: Problem, settings: Settings) -> list[Shift]:
    """Return a line for each further count of an input that the table stores."""
    found = []
    for field, value, values in _counts(table, problem):
        changed = replace(problem, inputs={**problem.inputs, field: values})
        solution = solve(changed, settings.seed)
        line = _line(
            changed,
            solution.u,
            "convention",
            f"{field} counted as {value}",
            int(np.count_nonzero(problem.weights)),
        )
        N = values if field == "N" else None
        target = find_target(table, problem.law, settings.target, N)
        found.append(line if target is None else target.shifted(problem.law, line))
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
    found = []
    for (word, order), count in product(orders.items(), DROPPED):
        left = len(order) - count
        if left <= len(problem.names):
            continue
        weights = problem.weights.copy()
        weights[order[:count]] = 0.0
        number, s = ("", "") if count == 1 else (f"{count} ", "s")
        words = f"without the {number}{word} run{s}"
        found.append(_shift(replace(problem, weights=weights), starts, "dropped", words, left))
    return found


def _other_deltas(problem: Problem, starts: np.ndarray) -> list[Shift]:
    noise, runs = problem.noise, int(np.count_nonzero(problem.weights))
    if noise.family != "huber" or noise.free:
        return []
    changed = (Noise("huber", delta, logs=noise.logs) for delta in DELTAS if delta != noise.delta)
    return [
        _shift(_with_noise(problem, new), starts, "delta", f"delta {new.delta:g}", runs)
        for new in changed
    ]


def _other_noise(problem: Problem, starts: np.ndarray) -> list[Shift]:
    runs = int(np.count_nonzero(problem.weights))
    raw = "" if problem.noise.logs else "raw-"
    changed = (parse_noise(raw + name) for name in NOISES if name != problem.noise.family)
    return [
        _shift(_with_noise(problem, new), starts, "noise", f"{new.family} residuals", runs)
        for new in changed
    ]


def _with_noise(problem: Problem, noise: Noise) -> Problem:
    return replace(problem, noise=noise)


def _shift(problem: Problem, starts: np.ndarray, kind: str, choice: str, runs: int) -> Shift:
    found = descend(problem, starts)
    return _line(problem, found.minima.u[int(np.argmin(found.objective))], kind, choice, runs)


def _line(problem: Problem, u: np.ndarray, kind: str, choice: str, runs: int) -> Shift:
    theta = problem.theta(u)
    estimate = dict(zip(problem.names, map(float, theta), strict=True))
    for name, function in problem.law.derived.items():
        estimate[name] = float(function(**{k: estimate[k] for k in keywords(function)}))
    return Shift(kind=kind, choice=choice, estimate=estimate, runs=runs)
