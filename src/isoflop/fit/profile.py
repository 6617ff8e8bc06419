"""Profile likelihood: how far a parameter can go before the runs object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.solver import descend

if TYPE_CHECKING:
    from isoflop.fit.laplace import Neighbourhood
    from isoflop.fit.problem import Problem
    from isoflop.fit.solver import Solution

_WIDENINGS, _HALVINGS = 14, 8
_FAR_LOG, _FAR = 12.0, 8.0  # distance in u at which a side counts as open: a factor of e^12


@dataclass(frozen=True)
class Profile:
    """Where the profile of each parameter leaves the optimum behind.

    Args:
        interval: by parameter, in its own units; an end that is None is open: the objective
            does not rise enough before the parameter's bound, or within a factor of e^12.
        better: a point with a lower objective than the optimum [parameters], if one was met.
    """

    interval: dict[str, tuple[float | None, float | None]]
    better: np.ndarray | None


def profile(
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    names: list[str],
    level: float = 0.9,
) -> Profile:
    """Return profile-likelihood intervals of the named parameters.

    Each end is where the objective, minimised over the other parameters, has risen by
    unit * chi-squared(1, level) / 2 (`Neighbourhood.unit`). All ends are searched for at once:
    widening steps until the rise is reached, then interpolation of its square root.

    Source: Venzon and Moolgavkar 1988 (definition); M-estimation scale as in `laplace`.
    """
    sides = [(problem.names.index(name), sign) for name in names for sign in (-1.0, 1.0)]
    if not sides:
        return Profile({}, None)
    from statistics import NormalDist

    places = [k for k, _ in sides]
    threshold = 0.5 * around.unit[places] * NormalDist().inv_cdf(0.5 + level / 2) ** 2
    walk = _Walk(problem, solution, around, sides, threshold)
    walk.widen()
    walk.narrow()
    ends = walk.ends()
    interval = {name: (ends[2 * k], ends[2 * k + 1]) for k, name in enumerate(names)}
    return Profile(interval, walk.better)


class _Walk:
    """The search for all ends: one row for each side of each parameter."""

    def __init__(
        self,
        problem: Problem,
        solution: Solution,
        around: Neighbourhood,
        sides: list[tuple[int, float]],
        threshold: np.ndarray,
    ) -> None:
        self.problem, self.solution, self.threshold = problem, solution, threshold
        self.place = np.array([k for k, _ in sides])
        self.sign = np.array([sign for _, sign in sides])
        count = len(sides)
        lower, upper = problem.bounds
        self.limit = np.where(self.sign < 0, lower[self.place], upper[self.place])
        self.far = np.where(problem.logs[self.place], _FAR_LOG, _FAR)
        first = np.where(np.isfinite(around.deviation), around.deviation, 0.1)[self.place]
        self.step = np.clip(1.5 * first, 1e-6, 1.0)
        self.inner, self.outer = np.zeros(count), np.full(count, np.nan)
        self.low, self.high = np.zeros(count), np.full(count, np.nan)
        self.open = np.zeros(count, dtype=bool)
        self.u = np.repeat(solution.u[None], count, axis=0)
        self.better: np.ndarray | None = None

    def _rise(self, rows: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return the rise of the profile at distances from the optimum, over the threshold."""
        u = self.u[rows].copy()
        place = self.place[rows]
        line = np.arange(len(rows))
        target = self.solution.u[place] + self.sign[rows] * distance
        lower, upper = self.problem.bounds
        u[line, place] = np.clip(target, lower[place], upper[place])
        held = np.zeros(u.shape, dtype=bool)
        held[line, place] = True
        found = descend(self.problem, u, held=held)
        rise = found.objective - self.solution.objective
        finite = np.isfinite(rise)
        self.u[rows[finite]] = found.minima.u[finite]
        lowest = int(np.argmin(np.where(finite, rise, np.inf)))
        if rise[lowest] < -1e-6 * abs(self.solution.objective) - 1e-3 * self.threshold.min():
            self.better = found.minima.u[lowest]
        return np.where(finite, rise, np.inf) / self.threshold[rows]

    def widen(self) -> None:
        """Step outwards until the rise is reached, or the side is open."""
        rows = np.arange(len(self.sign))
        for _ in range(_WIDENINGS):
            if not len(rows):
                return
            room = np.abs(self.limit[rows] - self.solution.u[self.place[rows]])
            end = np.minimum(room, self.far[rows])
            distance = np.minimum(self.inner[rows] + self.step[rows], end)
            rise = self._rise(rows, distance)
            reached = rise >= 1.0
            self.outer[rows[reached]], self.high[rows[reached]] = distance[reached], rise[reached]
            self.inner[rows[~reached]] = distance[~reached]
            self.low[rows[~reached]] = np.maximum(rise[~reached], 0.0)
            ended = ~reached & (distance >= end)
            self.open[rows[ended]] = True
            self.step[rows] *= 1.8
            rows = rows[~reached & ~ended]
        self.open[rows] = True

    def narrow(self) -> None:
        """Close in on the rise between the last two distances."""
        rows = np.flatnonzero(~self.open)
        for _ in range(_HALVINGS):
            width = self.outer[rows] - self.inner[rows]
            rows = rows[width > 2e-3 * self.outer[rows]]
            if not len(rows):
                return
            inner, outer = self.inner[rows], self.outer[rows]
            low, high = np.sqrt(self.low[rows]), np.sqrt(np.minimum(self.high[rows], 1e6))
            share = np.clip((1.0 - low) / np.maximum(high - low, 1e-12), 0.05, 0.95)
            distance = inner + share * (outer - inner)
            rise = self._rise(rows, distance)
            above = rise >= 1.0
            self.outer[rows[above]], self.high[rows[above]] = distance[above], rise[above]
            self.inner[rows[~above]] = distance[~above]
            self.low[rows[~above]] = np.maximum(rise[~above], 0.0)

    def ends(self) -> list[float | None]:
        """Return the ends in the parameters' own units; None where open."""
        ends: list[float | None] = []
        for row, k in enumerate(self.place):
            u = self.solution.u.copy()
            low, high = np.sqrt(self.low[row]), np.sqrt(min(self.high[row], 1e6))
            share = (1.0 - low) / max(high - low, 1e-12)
            middle = self.inner[row] + min(max(share, 0.0), 1.0) * (
                self.outer[row] - self.inner[row]
            )
            u[k] += self.sign[row] * middle
            ends.append(None if self.open[row] else float(self.problem.theta(u)[k]))
        return ends
