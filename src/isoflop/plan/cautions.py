"""What must be said next to a plan, whatever the reader asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from isoflop.plan.answer import Row
    from isoflop.plan.optimise import Optimum
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface

#: Tokens per parameter beyond which fits of shorter runs were seen to mislead.
LONG = 100.0


def warnings(
    surface: Surface, question: Question, best: Optimum, factors: dict[str, float]
) -> list[str]:
    """Return the warnings of a plan.

    Args:
        surface: the loss; question: what was asked; best: the answer by row.
        factors: how many times each input lies beyond the fitted range.
    """
    found = []
    for name, factor in factors.items():
        if factor > 1 + 1e-9:
            low, high = surface.ranges[name]
            found.append(
                f"{name} lies {factor:.2g} times beyond the range the law was fitted on"
                f" ({format_count(low)} to {format_count(high)}); no interval here knows what"
                " changes on the way."
            )
    if best.D[0] / best.N[0] > LONG:
        found.append(
            f"{best.D[0] / best.N[0]:,.0f} tokens per parameter: refits of one law gave alpha 0.08"
            " from runs of up to 100 and 0.18 from runs of up to 10,000 (Sardana et al. 2024);"
            " fits of shorter runs mispredict what such long training gains."
        )
    found += general_warnings(surface)
    found += question.machine.assumed()
    return [*found, *_spending(question, best), *_lost(surface, best)]


def rows_outside(surface: Surface, rows: list[Row]) -> list[str]:
    """Return a sentence for each of N and D that some rows have outside the fitted range."""
    found = []
    for name, column in ((surface.size, "N"), ("D", "D")):
        values = [getattr(row, column).estimate for row in rows]
        factors = [surface.outside(**{name: value}).get(name, 1.0) for value in values]
        beyond = sum(factor > 1 + 1e-9 for factor in factors)
        if beyond:
            low, high = surface.ranges[name]
            found.append(
                f"{name} of {beyond} of {len(rows)} rows lies beyond the range the law was fitted"
                f" on ({format_count(low)} to {format_count(high)}), by up to {max(factors):.2g}"
                " times."
            )
    return found


def general_warnings(surface: Surface) -> list[str]:
    """Return what must be said of every plan with this law and these constants."""
    found = []
    unknown = [x for x in (surface.size, "D") if x not in surface.ranges]
    if unknown and not {"C", "M"} <= set(surface.law.input_names):
        found.append(
            f"The range of {' and '.join(unknown)} that these constants were fitted on is not"
            " recorded, so nothing says how far this extrapolates."
        )
    found += surface.warnings
    if surface.samples is None and "no samples" not in " ".join(found):
        found.append(
            "Published constants come without samples: nothing here has an interval. The same law"
            " with other published constants can differ by a factor of two in N (--compare)."
        )
    return found


def _spending(question: Question, best: Optimum) -> list[str]:
    if question.budget is None:
        return []
    spent = TRAIN_FLOPS * float(best.N[0]) * float(best.D[0])
    over = spent / question.budget.flops
    if question.serving.tokens and not question.lifetime and over > 1 + 1e-6:
        return [
            f"Training takes {format_flops(spent)} FLOPs, {over:.3g} times the budget: the extra"
            " is paid back by cheaper serving. A budget that training must keep is"
            " --deadline or --max-C; one that pays for serving too is --lifetime."
        ]
    total = float(best.cost[0])
    if not question.serving.tokens and total < question.budget.flops * (1 - 1e-6):
        share = total / question.budget.flops
        return [f"The bounds leave {100 * (1 - share):.3g} % of the budget unspent."]
    return []


def _lost(surface: Surface, best: Optimum) -> list[str]:
    lost = float(np.mean(~np.isfinite(best.N[1:]))) if surface.rows > 1 else 0.0
    if not lost:
        return []
    return [
        f"{100 * lost:.3g} % of the samples have no such plan (the loss is below their floor, or"
        " nothing is best); they count against both ends of every interval."
    ]
