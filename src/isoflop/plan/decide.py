"""Plan: choose N and D for a budget or a loss, for the estimate and every sample of a law."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.plan import around, money
from isoflop.plan.answer import Bound, Choice, Comparison, Interval, Plan, Row, Rule
from isoflop.plan.lifetime import TRAIN_FLOPS, Serving
from isoflop.plan.limits import Limits
from isoflop.plan.machine import Machine
from isoflop.plan.optimise import Optimum, lowest_cost, lowest_loss, lowest_reachable
from isoflop.plan.recipe import recipe
from isoflop.samples import Estimate, interval, summarise
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from isoflop.plan.budget import Budget
    from isoflop.plan.link import Link
    from isoflop.plan.surface import Surface


#: Tokens per parameter beyond which fits of shorter runs were seen to mislead.
LONG = 100.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a law.

    Args:
        budget: what may be spent; with serving it sets the loss (what training alone would reach
            with it), unless `lifetime`.
        loss: to reach instead of a budget; accuracy: the same through a link.
        serving: tokens over the model's life.
        lifetime: whether the budget pays for serving too.
        limits: bounds on N, D and training FLOPs.
        machine: hardware and prices, for costs.
        rule: of batch and learning rate; empty for none.
        link: from the loss to accuracy, or None.
    """

    budget: Budget | None = None
    loss: float | None = None
    accuracy: float | None = None
    serving: Serving = field(default_factory=Serving)
    lifetime: bool = False
    limits: Limits = field(default_factory=Limits)
    machine: Machine = field(default_factory=Machine)
    rule: str = "step_law"
    link: Link | None = None

    def __post_init__(self) -> None:
        given = [x for x in ("budget", "loss", "accuracy") if getattr(self, x) is not None]
        if len(given) != 1:
            what = " and ".join(given) if given else "neither a budget nor a loss"
            raise InputError(
                f"{what} {'are' if given else 'is'} given.",
                "A plan spends a budget as well as it can, or reaches a loss as cheaply as it can.",
                "Give one of  --budget 1e23  --loss 2.1  --accuracy 0.6 (with --link).",
            )
        if self.loss is not None and not 0 < self.loss < np.inf:
            raise InputError(f"a loss of {self.loss:g} is not positive.")
        if self.lifetime and self.budget is None:
            raise InputError(
                "--lifetime says what a budget covers, and none is given.",
                do="A plan for a loss always counts training and serving together.",
            )


def decide(surface: Surface, question: Question) -> Plan:
    """Answer a question with a law.

    Returns:
        The plan. Its row of the estimate is the choice, its intervals are of the samples.

    Raises:
        InputError: the loss cannot be reached, or bounds and budget contradict each other.
        NotIdentified: the law has no best size.
    """
    objective, target, best = _optimise(surface, question)
    N, D, K = float(best.N[0]), float(best.D[0]), float(best.cost[0])
    serving = question.serving.weighted
    drawn, rule = _quantities(surface, question, best)
    loss = surface.loss(np.array([[N]]), np.array([[D]]))[:, 0]
    drawn["loss"] = loss
    limits = question.limits.free_size()
    free = _free(surface, best, K, serving, limits)
    known = {surface.size: N, "D": D, "C": TRAIN_FLOPS * N * D, "M": D / N, **surface.others}
    factors = surface.outside(**known)
    return Plan(
        objective=objective,
        law=surface.law.name,
        constants_from=surface.constants_from,
        constants={name: float(surface.constants[name]) for name in surface.law.parameter_names},
        inputs=dict(surface.others),
        convention={**surface.counted, "plan": "C = 6 N D"},
        budget=question.budget,
        target=target,
        bounds=_bounds(question.limits, N, D),
        choice=Choice(**{name: float(drawn[name][0]) for name in _fields(drawn)}),
        loss=float(loss[0]),
        loss_unit=surface.law.output.unit,
        accuracy=_accuracy(question, loss, surface.level),
        link=question.link.name if question.link else "",
        intervals=_intervals(drawn, surface.level),
        level=surface.level,
        samples=surface.rows - 1,
        flat=around.flat_ranges(surface, float(free.N[0]), K, serving, limits),
        regret=around.regrets(
            surface,
            N,
            free.loss,
            K=K,
            serving=serving,
            limits=limits,
            dollars_a_flop=money.dollars_a_flop(question.machine),
        ),
        frontier=around.frontier(surface, K, serving, question.limits),
        curve=around.curve(surface, N, K, serving, limits),
        cost=money.split(N, D, question.serving, question.machine),
        serving=_comparison(surface, question, best),
        implied_serving=around.implied_serving(surface, N, D),
        rule=rule,
        distance=factors,
        warnings=_warnings(surface, question, best, factors),
    )


# Objectives ---------------------------------------------------------------------------------------
def _optimise(surface: Surface, question: Question) -> tuple[str, float | None, Optimum]:
    serving, limits = question.serving.weighted, question.limits
    if question.budget is None:
        target = _target(question)
        best = lowest_cost(surface, target, serving=serving, limits=limits)
        if not np.isfinite(best.N[0]):
            raise _unreachable(surface, target, limits)
        cost = "lifetime cost (training and serving)" if serving else "training cost"
        return f"lowest {cost} for a loss", target, best
    K = question.budget.flops
    if serving and not question.lifetime:
        reached = lowest_loss(surface, K, limits=limits)
        rows = reached.loss[:, None]
        best = reached.cheaper(lowest_cost(surface, rows, serving=serving, limits=limits), serving)
        return (
            "lowest lifetime cost (training and serving) for the loss that the budget reaches"
            " when only training is paid for",
            float(reached.loss[0]),
            best,
        )
    best = lowest_loss(surface, K, serving=serving, limits=limits)
    if 0 < limits.min_N == limits.max_N and 0 < limits.min_D == limits.max_D:
        return "the run as it was fixed", None, best
    pays = "training and serving together" if serving else "training"
    return f"lowest loss for a budget of {pays}", None, best


def _target(question: Question) -> float:
    if question.loss is not None:
        return question.loss
    if question.link is None or question.accuracy is None:
        raise InputError(
            "an accuracy is asked for without a link from the loss.",
            do="Name one: --link exponential_error --link-constants c4-46",
        )
    return question.link.loss_for(question.accuracy)


def _unreachable(surface: Surface, target: float, limits: Limits) -> InputError:
    try:
        lowest = lowest_reachable(surface, limits=limits)
    except (InputError, NotIdentified):
        lowest = float("nan")
    unit = surface.law.output.unit
    bounded = limits != Limits()
    where = "within these bounds" if bounded else "however much is spent"
    return InputError(
        f"a loss of {target:.6g} {unit} cannot be reached with `{surface.law.name}`"
        f" ({surface.constants_from}) {where}.",
        f"The closest that can be reached {'is' if bounded else 'is its floor of'}"
        f" {lowest:.6g} {unit}.",
        f"Ask for more than that:  --loss {lowest * 1.02:.3g}"
        + (", or widen the bounds." if bounded else ""),
    )


def sweep_row(surface: Surface, question: Question, value: float) -> Row:
    """Return one line of a sweep: the best N, D and loss, by the estimate and the samples."""
    _, _, best = _optimise(surface, question)
    N, D, loss = (
        summarise(float(x[0]), x[1:] if len(x) > 1 else None, surface.level)
        for x in (best.N, best.D, best.loss)
    )
    return Row(value=value, N=N, D=D, loss=loss)


def _free(surface: Surface, best: Optimum, K: float, serving: float, limits: Limits) -> Optimum:
    """Return what would be best at the cost of the choice if N were free; regret is told by it."""
    try:
        return lowest_loss(surface, K, serving=serving, limits=limits)
    except NotIdentified:
        return best


# What follows from the optimum --------------------------------------------------------------------
def _quantities(
    surface: Surface, question: Question, best: Optimum
) -> tuple[dict[str, np.ndarray], Rule | None]:
    drawn = {
        "N": best.N,
        "D": best.D,
        "C": TRAIN_FLOPS * best.N * best.D,
        "tokens_per_parameter": best.D / best.N,
    }
    if "U" in surface.others:
        drawn["epochs"] = np.maximum(best.D / surface.others["U"], 1.0)
    if not question.rule:
        return drawn, None
    rule, found = recipe(question.rule, best.N, best.D)
    return {**drawn, **found}, rule


def _fields(drawn: dict[str, np.ndarray]) -> list[str]:
    return [name for name in Choice.__struct_fields__ if name in drawn]


def _bounds(limits: Limits, N: float, D: float) -> dict[str, Bound]:
    """Return the bounds that were set, and which of them the choice lies on."""
    values = {"N": N, "D": D, "C": TRAIN_FLOPS * N * D}
    found = {}
    for name in ("min_N", "max_N", "min_D", "max_D", "max_C"):
        bound = getattr(limits, name)
        if 0 < bound < np.inf:
            reached = abs(values[name[-1]] / bound - 1) < 1e-6
            found[name] = Bound(bound, limits.reasons.get(name, ""), bool(reached))
    return found


def _intervals(drawn: dict[str, np.ndarray], level: float) -> dict[str, Interval] | None:
    if len(drawn["N"]) < 2:
        return None
    found: dict[str, Interval] = {}
    for name, rows in drawn.items():
        low, high = (float(end) for end in interval(rows[1:], level))
        found[name] = (low if np.isfinite(low) else None, high if np.isfinite(high) else None)
    return found


def _accuracy(question: Question, loss: np.ndarray, level: float) -> Estimate | None:
    if question.link is None:
        return None
    rows = question.link.value(loss)
    return summarise(float(rows[0]), rows[1:] if len(rows) > 1 else None, level)


def _comparison(surface: Surface, question: Question, best: Optimum) -> Comparison | None:
    if not question.serving.tokens:
        return None
    point, serving = surface.point(), question.serving.weighted
    alone = lowest_cost(point, float(best.loss[0]), limits=question.limits)
    other = alone.N * (TRAIN_FLOPS * alone.D + serving)
    training = best.N[0] * best.D[0] / (alone.N[0] * alone.D[0]) - 1
    return Comparison(
        tokens=question.serving.tokens,
        N=float(alone.N[0]),
        D=float(alone.D[0]),
        size=float(best.N[0] / alone.N[0]),
        data=float(best.D[0] / alone.D[0]),
        training=float(training),
        lifetime=float(1 - best.cost[0] / other[0]),
    )


# Warnings -----------------------------------------------------------------------------------------
def _warnings(
    surface: Surface, question: Question, best: Optimum, factors: dict[str, float]
) -> list[str]:
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
