"""What lies around a plan: how flat the optimum is, what another size costs, other budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.minima import spread
from isoflop.plan.answer import Regret, Row
from isoflop.plan.lifetime import SERVE_FLOPS, TRAIN_FLOPS
from isoflop.plan.limits import Limits
from isoflop.plan.optima import moved
from isoflop.plan.optimise import lowest_loss, tokens_at, tokens_of
from isoflop.samples import Estimate, interval, summarise

if TYPE_CHECKING:
    from isoflop.plan.question import Question
    from isoflop.plan.surface import Surface

#: Relative losses that count as no loss at all, and as little.
FLAT = {"0.1%": 1e-3, "1%": 1e-2}
#: Sizes, relative to the choice, whose regret is told.
SIZES = {"0.5x": 0.5, "1x": 1.0, "2x": 2.0}
#: Samples that bands of figures are read from.
BAND = 256


def loss_at(
    surface: Surface, N: np.ndarray, K: float, serving: float, limits: Limits
) -> tuple[np.ndarray, np.ndarray]:
    """Return D [k] and loss [row, k] of sizes N [k] on a budget; inf where nothing is left."""
    D = tokens_of(N[None], K, serving, limits)
    loss = surface.loss(N[None], np.where(np.isnan(D), 1.0, D))
    return D[0], np.where(np.isnan(D), np.inf, loss)


def flat_ranges(
    surface: Surface, N: float, K: float, serving: float, limits: Limits
) -> dict[str, tuple[float, float]]:
    """Return the ranges of N whose loss is within 0.1 % and 1 % of the best, by bisection.

    Args:
        surface: the loss.
        N: the best size of the cost K, whatever bounds there are on N.
        K: what the choice costs, in training FLOPs.
        serving: weighted serving FLOPs a parameter.
        limits: of the plan without bounds on N (`Limits.free_size`).
    """
    point = surface.point()

    def loss(x: np.ndarray) -> np.ndarray:
        return loss_at(point, np.exp(x), K, serving, limits)[1][0]

    best = float(loss(np.array([np.log(N)]))[0])
    shares = np.array(list(FLAT.values()))
    ends = []
    for far in (1e-6, 1e6):
        inside = np.full(len(shares), np.log(N))
        outside = np.full(len(shares), np.log(N * far))
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            good = loss(middle) <= best * (1 + shares)
            inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
        ends.append(np.exp(inside))
    return {name: (float(low), float(high)) for name, low, high in zip(FLAT, *ends, strict=True)}


def regrets(
    surface: Surface,
    N: float,
    best: np.ndarray,
    *,
    K: float,
    serving: float,
    limits: Limits,
    dollars_a_flop: float | None,
) -> dict[str, Regret]:
    """Return what half, the same and twice the size lose on the same budget.

    Args:
        surface: the loss, with its samples.
        N: the chosen size.
        best: lowest loss of the budget by row, whatever bounds there are on N.
        K: what the choice costs, in training FLOPs.
        serving: weighted serving FLOPs a parameter.
        limits: of the plan without bounds on N (`Limits.free_size`).
        dollars_a_flop: USD a training FLOP, or None.
    """
    sizes = N * np.array(list(SIZES.values()))
    D, loss = loss_at(surface, sizes, K, serving, limits)
    with np.errstate(all="ignore"):
        extra = np.maximum(loss - best[:, None], 0.0)
        needed = tokens_at(surface, np.broadcast_to(sizes, loss.shape), best[:, None])
        flops = sizes * (TRAIN_FLOPS * needed + serving) - K
        flops = np.where(np.abs(flops) < 1e-9 * K, 0.0, flops)
    found = {}
    for k, name in enumerate(SIZES):
        lost = _estimate(extra[:, k], surface.level)
        compute = _estimate(flops[:, k], surface.level)
        priced = compute is not None and dollars_a_flop is not None
        found[name] = Regret(
            N=float(sizes[k]),
            D=None if np.isnan(D[k]) else float(D[k]),
            loss=lost,
            flops=compute,
            dollars=_estimate(flops[:, k] * dollars_a_flop, surface.level) if priced else None,
        )
    return found


def _estimate(rows: np.ndarray, level: float) -> Estimate | None:
    """Return the first row with the interval of the others; None if the first is not finite."""
    if not np.isfinite(rows[0]):
        return None
    return summarise(float(rows[0]), rows[1:] if len(rows) > 1 else None, level)


def implied_serving(surface: Surface, N: float, D: float) -> float | None:
    """Return the tokens that must be served for N and D to be the cheapest way to their loss.

    From eps_N / eps_D = 1 + tokens / (3 D), with elasticities eps = -dL / d ln x of the estimate.
    None if more parameters would be cheaper even without serving.

    Source: Sardana et al. 2024, first-order condition.
    """
    point, h = surface.point(), 1e-4

    def gain(in_N: float, in_D: float) -> float:
        ends = [point.loss(np.array([[N * in_N**s]]), np.array([[D * in_D**s]])) for s in (1, -1)]
        return float(ends[1][0, 0] - ends[0][0, 0])

    step = float(np.exp(h))
    eps_N, eps_D = gain(step, 1.0), gain(1.0, step)
    if not (eps_D > 0 and eps_N >= eps_D * (1 - 1e-7)):
        return None
    return max(TRAIN_FLOPS / SERVE_FLOPS * D * (eps_N / eps_D - 1), 0.0)


def frontier(surface: Surface, question: Question, K: float) -> list[Row]:
    """Return the best plan of other budgets: two decades to both sides, half a decade apart.

    Budgets that the limits contradict, or that have no optimum, are left out.
    """
    thin, serving, limits = surface.thinned(BAND), question.serving.weighted, question.limits
    trained = question.budget is not None and not serving and limits == Limits()
    rows = []
    for budget in (float(x) for x in K * 10 ** np.arange(-2.0, 2.01, 0.5)):
        try:
            best = lowest_loss(thin, budget, serving=serving, limits=limits)
        except (InputError, NotIdentified):
            continue
        N, D = moved(thin, best, spread(thin.minima, budget) if trained else None)
        size, tokens, loss = (_estimate(x, surface.level) for x in (N, D, best.loss))
        if size is not None and tokens is not None and loss is not None:
            rows.append(Row(value=budget, N=size, D=tokens, loss=loss))
    return rows


def curve(
    surface: Surface, N: float, K: float, serving: float, limits: Limits
) -> dict[str, list[Any]]:
    """Return the loss over N at one cost, from a thirtieth to thirty times the choice."""
    sizes = N * np.geomspace(1 / 30, 30, 121)
    D, loss = loss_at(surface.thinned(BAND), sizes, K, serving, limits)
    keep = np.isfinite(loss[0])
    found: dict[str, list[Any]] = {
        "N": sizes[keep].tolist(),
        "D": D[keep].tolist(),
        "loss": loss[0, keep].tolist(),
        "low": [],
        "high": [],
    }
    if len(loss) > 1:
        ends = interval(loss[1:, keep], surface.level)
        for name, end in zip(("low", "high"), ends, strict=True):
            found[name] = [float(x) if np.isfinite(x) else None for x in end]
    return found
