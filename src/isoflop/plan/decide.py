"""Plan: choose N and D for a budget or a loss, for the estimate and every sample of a law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit import misses
from isoflop.plan import around, money, optima
from isoflop.plan.answer import Bound, Choice, Comparison, Interval, Plan, Row, Rule
from isoflop.plan.cautions import warnings
from isoflop.plan.given import best_with
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.limits import Limits, checked_size
from isoflop.plan.optimise import Optimum, lowest_cost, lowest_loss, lowest_losses, lowest_reachable
from isoflop.plan.recipe import recipe
from isoflop.samples import SAMPLING, Estimate, interval, summarise

if TYPE_CHECKING:
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface
    from isoflop.validate.prediction import Prediction


def decide(surface: Surface, question: Question) -> Plan:
    """Answer a question with a law.

    Returns:
        The plan. Its row of the estimate is the choice, its intervals are of the samples.

    Raises:
        InputError: the loss cannot be reached, or bounds and budget contradict each other.
        NotIdentified: the law has no best size.
    """
    objective, target, best = _optimise(surface, question)
    N, D = float(best.N[0]), float(best.D[0])
    deviation = optima.off(surface, question)
    told = optima.predicted(surface, N, D)
    known = {surface.size: N, "D": D, "C": TRAIN_FLOPS * N * D, "M": D / N, **surface.others}
    factors = surface.outside(**known)
    near = _around(surface, question, best, deviation)
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
        loss_unit=surface.loss_unit,
        link=question.link.name if question.link else "",
        **_answered(surface, question, best, deviation, told),
        level=surface.level,
        samples=surface.rows - 1,
        **near,
        cost=money.split(N, D, question.serving, question.machine),
        serving=_comparison(surface, question, best),
        implied_serving=around.implied_serving(surface, N, D),
        distance=factors,
        warnings=warnings(surface, question, best, factors, near["flat"], told),
    )


def _answered(
    surface: Surface,
    question: Question,
    best: Optimum,
    deviation: float | None,
    told: Prediction | None,
) -> dict[str, Any]:
    """Return the choice, its loss and accuracy, their intervals and what these hold."""
    drawn, rule = _quantities(surface, question, best, deviation)
    alone, _ = _quantities(surface, question, best, None)
    alone["loss"] = surface.loss(best.N[:1, None], best.D[:1, None])[:, 0]
    drawn["loss"], loss_holds = optima.run_loss(surface, told, alone["loss"])
    holds = dict.fromkeys(drawn, misses.held(deviation)) | {"C": SAMPLING, "loss": loss_holds}
    return {
        "choice": Choice(**{name: float(drawn[name][0]) for name in _fields(drawn)}),
        "loss": float(drawn["loss"][0]),
        "accuracy": _accuracy(question, drawn["loss"], surface.level, loss_holds),
        "intervals": _intervals(drawn, surface.level),
        "rule": rule,
        "holds": holds if surface.rows > 1 else {},
        "sampling": _differing(drawn, alone, surface.level),
    }


# Objectives ---------------------------------------------------------------------------------------
def _optimise(surface: Surface, question: Question) -> tuple[str, float | None, Optimum]:
    objective, target, best = _best(surface, question)
    checked_size(float(best.N[0]), float(best.D[0]))
    return objective, target, best


def _best(surface: Surface, question: Question) -> tuple[str, float | None, Optimum]:
    serving, limits = question.serving.weighted, question.limits
    if question.given is not None:
        found = best_with(surface, question.given, serving=serving, limits=limits)
        words = question.given.words
        if serving:
            return f"run of {words} that reaches its loss at the lowest lifetime cost", None, found
        return f"compute-optimal run of {words}", None, found
    if question.budget is None:
        target = _target(question)
        best = lowest_cost(surface, target, serving=serving, limits=limits)
        if not np.isfinite(best.N[0]):
            raise _unreachable(surface, question, target)
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


def _unreachable(surface: Surface, question: Question, target: float) -> InputError:
    bounded = question.limits != Limits()
    try:
        lowest = lowest_reachable(surface, limits=question.limits)
    except (InputError, NotIdentified):
        lowest = float("nan")
    unit = surface.loss_unit
    where = "within these bounds" if bounded else "however much is spent"
    goal = f"a loss of {target:.6g} {unit}"
    closest = f"{'' if bounded else 'its floor of '}{lowest:.6g} {unit}"
    flag = f"--loss {lowest * 1.02:.3g}"
    if question.link is not None and question.accuracy is not None:
        goal = f"an accuracy of {question.accuracy:g}, {goal},"
        closest += f", an accuracy of {float(question.link.value(lowest)):.4g}"
        flag = f"--accuracy {float(question.link.value(lowest * 1.02)):.3g}"
    return InputError(
        f"{goal} cannot be reached with `{surface.law.name}` ({surface.constants_from}) {where}.",
        f"The closest that can be reached is {closest}.",
        f"Ask for less than that:  {flag}" + (", or widen the bounds." if bounded else ""),
    )


def sweep_row(surface: Surface, question: Question, value: float) -> tuple[str, Row]:
    """Return the objective and one line of a sweep: the best N, D and loss, with the samples'."""
    objective, _, best = _optimise(surface, question)
    endless = _endless(surface, question, best)
    deviation = optima.off(surface, question)
    N, D = (np.where(endless, np.inf, x) for x in optima.moved(surface, best, deviation))
    return objective, around.row(surface, value, N, D, deviation)


def _around(
    surface: Surface, question: Question, best: Optimum, deviation: float | None
) -> dict[str, Any]:
    """Return what lies around the choice: flat range, regret, frontier and curve."""
    N, K, serving = float(best.N[0]), float(best.cost[0]), question.serving.weighted
    limits = question.limits.free_size()
    free = _free(surface, best, K, serving, limits)
    price = money.dollars_a_flop(question.machine)
    return {
        "flat": around.flat_ranges(surface, float(free.N[0]), K, serving, limits),
        "regret": around.regrets(
            surface,
            N,
            free.loss,
            K=K,
            serving=serving,
            limits=limits,
            dollars_a_flop=price,
            deviation=deviation,
        ),
        "frontier": around.frontier(surface, question, best),
        "curve": around.curve(surface, N, K, serving, limits),
    }


def _free(surface: Surface, best: Optimum, K: float, serving: float, limits: Limits) -> Optimum:
    """Return what would be best at the cost of the choice if N were free; regret is told by it."""
    try:
        return lowest_loss(surface, K, serving=serving, limits=limits)
    except NotIdentified:
        return best


# What follows from the optimum --------------------------------------------------------------------
def _quantities(
    surface: Surface, question: Question, best: Optimum, deviation: float | None
) -> tuple[dict[str, np.ndarray], Rule | None]:
    endless = _endless(surface, question, best)
    N, D = optima.moved(surface, best, deviation)
    drawn = {
        "N": np.where(endless, np.inf, N),
        "D": np.where(endless, np.inf, D),
        "C": np.where(endless, np.inf, TRAIN_FLOPS * best.N * best.D),
        "tokens_per_parameter": D / N,
    }
    if "U" in surface.others:
        drawn["epochs"] = np.maximum(D / surface.others["U"], 1.0)
    if not question.rule:
        return drawn, None
    rule, found = recipe(question.rule, N, D)
    return {**drawn, **found}, rule


def _endless(surface: Surface, question: Question, best: Optimum) -> np.ndarray:
    """Return the rows [row] whose floor lies above the loss asked for: no N and D are enough.

    Towards a floor the best N, D and cost grow without end, so these rows count as infinite.
    Within bounds a row without a plan says nothing of the kind.
    """
    if question.budget or question.given or question.limits != Limits():
        return np.zeros(len(best.N), dtype=bool)
    return ~np.isfinite(best.N) & (lowest_losses(surface) >= _target(question))


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


def _differing(
    drawn: dict[str, np.ndarray], alone: dict[str, np.ndarray], level: float
) -> dict[str, Interval]:
    """Return the intervals of the samples alone, of quantities that are widened."""
    given, plain = _intervals(drawn, level), _intervals(alone, level)
    if given is None or plain is None:
        return {}
    return {name: ends for name, ends in plain.items() if ends != given[name]}


def _accuracy(question: Question, loss: np.ndarray, level: float, holds: str) -> Estimate | None:
    if question.link is None:
        return None
    rows = question.link.value(loss)
    return summarise(float(rows[0]), rows[1:] if len(rows) > 1 else None, level, holds)


def _comparison(surface: Surface, question: Question, best: Optimum) -> Comparison | None:
    if not question.serving.tokens:
        return None
    point, serving = surface.point(), question.serving.weighted
    # What the other model's training may cost does not matter here, nor the N or D given.
    limits = question.limits.free_size() if question.given else question.limits
    limits = msgspec.structs.replace(limits, max_C=np.inf)
    alone = lowest_cost(point, float(best.loss[0]), limits=limits)
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
