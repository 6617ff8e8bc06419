"""Where the runs of each budget have their minimum, beside where the fitted law has it.

A law of N and D bends as its form allows, so its optimum can lie off the runs' own minima, and the
samples, which all have that form, do not know by how much. The misses at the fitted budgets do
(`isoflop.fit.misses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.fit.allocation import best_split
from isoflop.fit.isoflop import fit_profile
from isoflop.fit.records import Minimum
from isoflop.fit.runs import column, numbers
from isoflop.runs.budgets import grouped_by_compute

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.fit.target import Target
    from isoflop.laws.law import Law


def own_minimum(N: np.ndarray, C: np.ndarray, loss: np.ndarray) -> float | None:
    """Return N at the minimum of one budget's runs, or None without one inside them.

    It is the geometric mean of those of a parabola and of an interpolation; both must be inside.

    Args:
        N: parameters [run]; C: FLOPs [run]; loss: [run].
    """
    both = [fit_profile(float(C.mean()), N, C, loss, profile=x) for x in ("parabola", "akima")]
    if not all(one.ok for one in both):
        return None
    return float(np.sqrt(both[0].N * both[1].N))


def budget_minima(
    table: Any, law: Law, estimate: dict[str, float], output: str, target: Target
) -> tuple[Minimum, ...]:
    """Return the budgets whose runs have a minimum inside, with the law's minimum beside it.

    Args:
        table: the runs; law: fitted to them, of N and D alone; estimate: its parameters.
        output: column that the law explains; target: what FLOPs a token are counted by.
    """
    N, D, loss = numbers(table, "N"), numbers(table, "D"), numbers(table, output)
    C = _known(table, "C")
    C = target.flops(N) * D if C is None else C
    budget = _known(table, "budget")
    budget = grouped_by_compute(C) if budget is None else budget
    single = {name: np.full((1, 1), value) for name, value in estimate.items()}
    return minima_beside(
        lambda at: float(best_split(law, single, at, target.flops, {})[0][0]), N, C, loss, budget
    )


def minima_beside(
    best: Callable[[float], float], N: np.ndarray, C: np.ndarray, loss: np.ndarray, budget: Any
) -> tuple[Minimum, ...]:
    """Return the budgets whose runs have a minimum inside, with a model's minimum beside it.

    Args:
        best: N of the model's lowest loss at a budget in FLOPs; NaN without one.
        N: parameters; C: FLOPs; loss; budget: nominal FLOPs; each [run].
    """
    found = []
    for value in np.unique(budget):
        own = budget == value
        size = own_minimum(N[own], C[own], loss[own])
        if size is None:
            continue
        at = float(C[own].mean())
        law = best(at)
        if np.isfinite(law):
            found.append(Minimum(C=at, N=size, law=law))
    return tuple(found)


def _known(table: Any, name: str) -> np.ndarray | None:
    """Return a column of positive numbers, or None if there is none or it has gaps."""
    values = column(table, name) if name in table else np.array([""])
    if values.dtype.kind not in "iuf" or not np.all(np.isfinite(values) & (values > 0)):
        return None
    return values.astype(float)
