"""Where the runs of each budget have their minimum, beside where the fitted law has it.

A law of N and D bends as its form allows, so its optimum can lie off the runs' own minima, and the
samples, which all have that form, do not know by how much. The misses at the fitted budgets do:
`spread` carries them to another budget as a slope that is off.
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
    from collections.abc import Sequence

    from isoflop.fit.target import Target
    from isoflop.laws.law import Law

#: Minima that a miss is learned from at least.
FEWEST = 2


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
    found = []
    for value in np.unique(budget):
        own = budget == value
        size = own_minimum(N[own], C[own], loss[own])
        if size is None:
            continue
        at = float(C[own].mean())
        best = float(best_split(law, single, at, target.flops, {})[0][0])
        if np.isfinite(best):
            found.append(Minimum(C=at, N=size, law=best))
    return tuple(found)


def _known(table: Any, name: str) -> np.ndarray | None:
    """Return a column of positive numbers, or None if there is none or it has gaps."""
    values = column(table, name) if name in table else np.array([""])
    if values.dtype.kind not in "iuf" or not np.all(np.isfinite(values) & (values > 0)):
        return None
    return values.astype(float)


def rms_miss(minima: Sequence[Minimum]) -> float:
    """Return the root mean square of ln N of the runs' minima over the law's."""
    return float(np.sqrt(np.mean([np.log(one.N / one.law) ** 2 for one in minima])))


def spread(minima: Sequence[Minimum], C: float) -> float | None:
    """Return the standard deviation of ln N by which a law's optimum at a budget is off.

    The root mean square of its misses at the fitted budgets, grown with the decades beyond the
    largest of them as if the slope were off by that much over their span. None with fewer than
    `FEWEST` minima, or where they span nothing.
    """
    places = np.log10([one.C for one in minima])
    if len(minima) < FEWEST or not np.ptp(places) > 0:
        return None
    outside = max(np.log10(C) - places.max(), places.min() - np.log10(C), 0.0)
    return rms_miss(minima) * (1 + float(outside / np.ptp(places)))
