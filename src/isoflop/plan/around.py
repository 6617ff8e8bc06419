"""What lies around a plan: how flat the optimum is, what another size costs, other budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit import misses
from isoflop.plan import closed, optima
from isoflop.plan.answer import Regret, Row
from isoflop.plan.lifetime import SERVE_FLOPS, TRAIN_FLOPS
from isoflop.plan.optimise import lowest_loss, tokens_at, tokens_of
from isoflop.samples import Estimate, interval, summarise

if TYPE_CHECKING:
    from isoflop.plan.limits import Limits
    from isoflop.plan.optimise import Optimum
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
    """Return D and loss [row, k] of sizes N on a budget, [k] or [row, k]; inf with none left.

    D is of the first row.
    """
    sizes = np.atleast_2d(N)
    D = tokens_of(sizes, K, serving, limits)
    loss = surface.loss(sizes, np.where(np.isnan(D), 1.0, D))
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
    deviation: float | None = None,
) -> dict[str, Regret]:
    """Return what half, the same and twice the size lose on the same budget.

    Where the law's optimum is known to lie off, each sample's law is moved in ln N by its draw of
    that (`optima.moved`): a size is then as far from the best one as it is in the interval of N.

    Args:
        surface: the loss, with its samples.
        N: the chosen size.
        best: lowest loss of the budget by row, whatever bounds there are on N.
        K: what the choice costs, in training FLOPs.
        serving: weighted serving FLOPs a parameter.
        limits: of the plan without bounds on N (`Limits.free_size`).
        dollars_a_flop: USD a training FLOP, or None.
        deviation: of ln N by which the law's optimum is off (`optima.off`), or None.
    """
    sizes, holds = N * np.array(list(SIZES.values())), misses.held(deviation)
    seen = sizes / optima.factors(surface, deviation)[:, None]
    D, loss = loss_at(surface, seen, K, serving, limits)
    with np.errstate(all="ignore"):
        extra = np.maximum(loss - best[:, None], 0.0)
        needed = tokens_at(surface, seen, best[:, None])
        flops = seen * (TRAIN_FLOPS * needed + serving) - K
        flops = np.where(np.abs(flops) < 1e-9 * K, 0.0, flops)
    dollars = flops * (np.nan if dollars_a_flop is None else dollars_a_flop)
    return {
        name: Regret(
            N=float(sizes[k]),
            D=None if np.isnan(D[k]) else float(D[k]),
            loss=_estimate(extra[:, k], surface.level, holds),
            flops=_estimate(flops[:, k], surface.level, holds),
            dollars=_estimate(dollars[:, k], surface.level, holds),
        )
        for k, name in enumerate(SIZES)
    }


def _estimate(rows: np.ndarray, level: float, holds: str) -> Estimate | None:
    """Return the first row with the interval of the others; None if the first is not finite."""
    return _summary(rows, level, holds) if np.isfinite(rows[0]) else None


def _summary(rows: np.ndarray, level: float, holds: str) -> Estimate:
    return summarise(float(rows[0]), rows[1:] if len(rows) > 1 else None, level, holds)


def row(
    surface: Surface, value: float, N: np.ndarray, D: np.ndarray, deviation: float | None
) -> Row:
    """Return a line of a frontier or sweep.

    Args:
        surface: the law; value: what was varied.
        N, D: of the line's plan, each [row]; deviation: by which they are widened (`optima.off`).
    """
    mean = surface.loss(np.array([[N[0]]]), np.array([[D[0]]]))[:, 0]
    told = optima.predicted(surface, float(N[0]), float(D[0]))
    (loss, loss_holds), holds = optima.run_loss(surface, told, mean), misses.held(deviation)
    return Row(
        value=value,
        N=_summary(N, surface.level, holds),
        D=_summary(D, surface.level, holds),
        loss=_summary(loss, surface.level, loss_holds),
    )


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


def frontier(surface: Surface, question: Question, best: Optimum) -> list[Row]:
    """Return the best plan of other budgets: two decades to both sides, half a decade apart.

    Budgets that the limits contradict, or that have no optimum, are left out. The row of the
    choice's own budget is the choice, where it is the optimum of that budget.
    """
    K, serving, limits = float(best.cost[0]), question.serving.weighted, question.limits
    trained = question.budget is not None and optima.unbounded(question)
    # Without serving a closed form is as quick for all samples as a search is for some.
    quick = trained and closed.as_chinchilla(surface) is not None
    thin = surface if quick else surface.thinned(BAND)
    rows = []
    for budget in (float(x) for x in K * 10 ** np.arange(-2.0, 2.01, 0.5)):
        own = trained and budget == K
        try:
            found = best if own else lowest_loss(thin, budget, serving=serving, limits=limits)
        except (InputError, NotIdentified):
            continue
        law = surface if own else thin
        deviation = optima.deviation_at(law, budget) if trained else None
        N, D = optima.moved(law, found, deviation)
        if np.isfinite([N[0], D[0], found.loss[0]]).all():
            rows.append(row(law, budget, N, D, deviation))
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
