"""What must be said next to a plan, whatever the reader asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from isoflop.plan import optima
from isoflop.plan.hardware import BYTES
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.limits import Limits
from isoflop.plan.memory import OPTIMISER_BYTES, USABLE
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from isoflop.plan.answer import Row
    from isoflop.plan.machine import Machine
    from isoflop.plan.optimise import Optimum
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface
    from isoflop.validate.prediction import Prediction

#: Tokens per parameter beyond which fits of shorter runs were seen to mislead.
LONG = 100.0


def warnings(
    surface: Surface,
    question: Question,
    best: Optimum,
    factors: dict[str, float],
    flat: dict[str, tuple[float, float]],
    told: Prediction | None,
) -> list[str]:
    """Return the warnings of a plan.

    Args:
        surface: the loss; question: what was asked; best: the answer by row.
        factors: how many times each input lies beyond the fitted range.
        flat: ranges of N that are as good (`around.flat_ranges`).
        told: the prediction of the choice (`optima.predicted`).
    """
    found = []
    for name, factor in factors.items():
        if factor > 1 + 1e-9:
            low, high = surface.ranges[name]
            found.append(
                f"{name} lies {times(factor)} beyond the range the law was fitted on"
                f" ({format_count(low)} to {format_count(high)}); no interval here knows what"
                " changes on the way."
            )
    if best.D[0] / best.N[0] > LONG:
        found.append(
            f"{best.D[0] / best.N[0]:,.0f} tokens per parameter: refits of one law gave alpha 0.08"
            " from runs of up to 100 and 0.18 from runs of up to 10,000 (Sardana et al. 2024);"
            " fits of shorter runs mispredict what such long training gains."
        )
    found += [*optima.caution(surface, question), *optima.loss_caution(surface, told)]
    found += general_warnings(surface)
    found += question.machine.assumed()
    found += too_large(question.machine, float(best.N[0]))
    found += [
        *_unlimited(surface, question),
        *_spending(question, best),
        *_saturated(question, best, flat),
    ]
    return [*found, *_lost(surface, question, best)]


def times(factor: float) -> str:
    """Return `5.4 times`, and `4 %` for what is hardly beyond."""
    if factor < 1.1:
        return f"{100 * (factor - 1):.1g} %"
    return f"{factor:.2g} times" if factor < 99.5 else f"{format_count(factor, 2)} times"


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
                f" on ({format_count(low)} to {format_count(high)}), by up to"
                f" {times(max(factors))}."
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


def too_large(machine: Machine, N: float) -> list[str]:
    """Return a warning where the devices that train cannot hold what training keeps a parameter.

    Args:
        machine: hardware of training; N: parameters, of experts the active ones at least.

    Source: as in `isoflop.plan.memory.training_memory`, sharded over all devices.
    """
    if machine.device is None or machine.count is None:
        return []
    each = 2 * BYTES["bf16"] + OPTIMISER_BYTES
    fewest = math.ceil(N * each / (USABLE * machine.device.memory))
    if machine.count >= fewest:
        return []
    return [
        f"{machine.count:g} {machine.device.name} do not hold this model in training: weights,"
        f" gradients and AdamW take {each:g} bytes a parameter, {N * each / 1e9:.3g} GB in all,"
        f" and {USABLE * machine.device.memory / 1e9:.3g} GB of each device may be used. {fewest}"
        " do, without activations (isoflop hardware memory)."
    ]


def _unlimited(surface: Surface, question: Question) -> list[str]:
    """Return a warning where different tokens are all that is given: compute is then free."""
    if question.given is None or "U" not in surface.others:
        return []
    return [
        "No compute is given: a larger budget reaches a lower loss with the same tokens, by"
        " more parameters or by seeing them more often (--budget)."
    ]


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


def _saturated(
    question: Question, best: Optimum, flat: dict[str, tuple[float, float]]
) -> list[str]:
    """Return a warning where tokens are capped, so that money buys parameters that do little."""
    N, D, most = float(best.N[0]), float(best.D[0]), question.limits.max_D
    small = flat["0.1%"][0]
    if question.budget is None or most * (1 - 1e-6) > D or small > 0.9 * N:
        return []
    share = small / N  # the cost is N (train D + serving), and D stays
    return [
        f"The tokens are at their limit of {format_count(most)}, so the rest of the budget buys"
        f" parameters that hardly help: {format_count(small)} of them on the same tokens cost"
        f" {100 * share:.2g} % of this plan and lose less than 0.1 % of the loss."
    ]


def _lost(surface: Surface, question: Question, best: Optimum) -> list[str]:
    lost = float(np.mean(~np.isfinite(best.N[1:]))) if surface.rows > 1 else 0.0
    if not lost:
        return []
    unbounded = not (question.budget or question.given or question.limits != Limits())
    counted = (
        "they count as endless N, D and C, and against both ends of every other interval."
        if unbounded
        else "they count against both ends of every interval."
    )
    return [
        f"{100 * lost:.3g} % of the samples have no such plan (the loss is below their floor, or"
        f" nothing is best); {counted}"
    ]
