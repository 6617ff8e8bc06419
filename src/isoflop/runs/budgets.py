"""Runs that share a compute budget: the groups of an isoFLOP design."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Runs whose C are closer than this factor to the next one share a budget.
APART = 1.1


def grouped_by_compute(C: np.ndarray) -> np.ndarray:
    """Return a budget [run] in FLOPs for every run: the geometric mean of its group.

    Sorted by C, a group ends where the next run's C is more than 10 % larger.
    """
    order = np.argsort(C)
    logs = np.log(C[order])
    group = np.cumsum(np.diff(logs, prepend=logs[:1]) > np.log(APART))
    mean = np.bincount(group, weights=logs) / np.bincount(group)
    budget = np.empty(len(C))
    budget[order] = np.exp(mean)[group]
    return budget


def with_budget(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return columns with a `budget`; where the table names its budgets they are kept."""
    found = dict(columns)
    if "budget" not in found and "C" in found:
        found["budget"] = grouped_by_compute(np.asarray(found["C"], dtype=float))
    return found


def crossed(N: np.ndarray, D: np.ndarray) -> bool:
    """Tell whether N and D both take few values, so that runs are a grid of the two."""
    few = [len(np.unique([f"{x:.3g}" for x in column])) for column in (N, D)]
    return max(few) <= len(N) / 3
