"""How far off a fitted law's best N and D may be, beyond what its samples know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.fit.minima import rms_miss, spread
from isoflop.plan.limits import Limits

if TYPE_CHECKING:
    from isoflop.plan.optimise import Optimum
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface


class Record(msgspec.Struct, frozen=True):
    """What 90 % intervals of N* held on budgets that nobody had fitted.

    Args:
        holdouts: predicted minima; tables, families: of runs; alone: share that intervals of the
            samples alone held; widened: share that the widened ones did (families count alike).
    """

    holdouts: int
    tables: int
    families: int
    alone: float
    widened: float


Rows = np.ndarray
#: Measured by bench/optimum_coverage.py on 2026-11-26.
RECORD = Record(holdouts=709, tables=20, families=3, alone=0.29, widened=0.94)


def off(surface: Surface, question: Question) -> float | None:
    """Return the standard deviation of ln N by which the law's answer is off, where it is known.

    That is at the training optimum of a budget, without bounds: nothing else was compared with
    runs.
    """
    if question.budget is None or question.serving.tokens or question.limits != Limits():
        return None
    return spread(surface.minima, question.budget.flops)


def moved(surface: Surface, best: Optimum, deviation: float | None) -> tuple[Rows, Rows]:
    """Return N and D [row] of an optimum with the law's own misses added to the samples.

    ln N of each sample moves by a normal draw, ln D by its opposite, so that the cost stays.

    Args:
        surface: the law; best: its optimum; deviation: of ln N, None for none.
    """
    if deviation is None or surface.rows < 2:
        return best.N, best.D
    drawn = np.random.default_rng([surface.seed, 23]).standard_normal(surface.rows - 1)
    factor = np.exp(np.append(0.0, deviation * drawn))
    return best.N * factor, best.D / factor


def caution(surface: Surface, question: Question) -> list[str]:
    """Return what must be said of the intervals of N and D of a fit with samples."""
    limits = question.limits
    if surface.rows < 2 or limits.min_N == limits.max_N:
        return []
    alone = (
        f"On {RECORD.holdouts} held-out budgets of {RECORD.tables} public tables 90 % intervals of"
        f" the samples alone held the runs' own minimum in {100 * RECORD.alone:.0f} %"
    )
    deviation = off(surface, question)
    if deviation is None:
        return [f"The intervals of N and D are those of the law's samples alone. {alone}."]
    return [
        "The intervals of N and D are widened by how far the law's optimum lies off the minima of"
        f" its own runs: at {len(surface.minima)} budgets by a factor of"
        f" {np.exp(rms_miss(surface.minima)):.2f} (root mean square), more beyond them. {alone},"
        f" those so widened in {100 * RECORD.widened:.0f} %."
    ]
