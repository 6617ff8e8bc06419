"""Compute-optimal inference: which model, and how many samples, for a budget a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.plan.sampling.answer import Choice, Option, Step
from isoflop.samples import summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.plan.sampling.curve import Observed, Selector, Stated
    from isoflop.plan.sampling.verifier import Verifier

#: Choices that are read from the attempts and not extrapolated past them.
VOTES = ("majority", "weighted", "best")
#: Budgets of the frontier, evenly spaced in the logarithm, and numbers of samples between two
#: of them at which a change of the best model is looked for.
_BUDGETS, _CHANGES = 60, 200


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What samples of one model cost for one problem: prompt + k sample, in one unit for all.

    Args:
        sample: of one sample; prompt: once a problem (a shared prompt is read once).
    """

    sample: float
    prompt: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sample) and self.sample > 0 and self.prompt >= 0):
            raise InputError(
                f"a sample costs {self.sample:g} and a prompt {self.prompt:g}.",
                "A sample costs more than nothing, a prompt not less.",
            )

    def of(self, k: int) -> float:
        """Return the cost of k samples."""
        return self.prompt + k * self.sample

    def buys(self, budget: float) -> int:
        """Return the number of samples that a budget buys."""
        return int((budget - self.prompt) / self.sample * (1 + 1e-12)) if budget > 0 else 0


def choose_model(
    curves: Mapping[str, Observed | Stated],
    costs: Mapping[str, Cost],
    budget: float,
    *,
    how: Selector = "coverage",
    verifier: Verifier | None = None,
    unit: str = "FLOP",
    level: float = 0.9,
) -> Choice:
    """Return which model to sample, how often, for a budget a problem.

    For votes and best-of-n, which are read from the attempts, a model is sampled at most as
    often as its problems were attempted.

    Args:
        curves: accuracy by model.
        costs: by model.
        budget: for one problem, in the unit of the costs.
        how: how one answer is chosen: "coverage" (a checker that is always right), "majority",
            "weighted" (a vote by scores), "best" (by score) or "verifier".
        verifier: for "verifier".
        unit: of the costs, for the record.
        level: of the intervals.

    Raises:
        InputError: costs are missing, or the budget buys no sample of any model.

    Source: the problem of Wu et al. 2025 (arXiv:2408.00724), section 3, by enumeration.
    """
    missing = sorted(set(curves) ^ set(costs))
    if missing:
        raise InputError(
            f"costs are given for {', '.join(costs) or 'no model'}, the models are"
            f" {', '.join(name or '(one)' for name in curves)}.",
            do="--cost small=1e12,large=1e13 names each model once",
        )
    cheapest = min(cost.of(1) for cost in costs.values())
    if not budget >= cheapest:
        raise InputError(
            f"a budget of {budget:g} {unit} a problem buys no sample; the cheapest costs"
            f" {cheapest:g} {unit}.",
            do="Costs and budget are for one problem, in one unit.",
        )
    bought = {}
    for name, curve in curves.items():
        k = _samples(curve, costs[name].buys(budget), how)
        if k:
            bought[name] = (k, curve.accuracy(k, how, verifier))
    return Choice(
        budget=float(budget),
        unit=unit,
        selector=how,
        options=_options(bought, costs, level),
        frontier=_frontier(curves, costs, budget, how, verifier),
    )


def _samples(curve: Observed | Stated, k: int, how: Selector) -> int:
    attempts = getattr(curve, "attempts", None)
    return min(k, attempts.fewest) if attempts is not None and how in VOTES else k


def _options(
    bought: dict[str, tuple[int, np.ndarray]], costs: Mapping[str, Cost], level: float
) -> tuple[Option, ...]:
    values = {name: accuracy for name, (_, accuracy) in bought.items()}
    sampled = all(len(x) > 1 for x in values.values())
    shares: dict[str, float | None] = dict.fromkeys(values)
    if sampled and len({len(x) for x in values.values()}) == 1:
        stacked = np.nan_to_num(np.stack([x[1:] for x in values.values()]), nan=-1.0)
        best = stacked >= stacked.max(axis=0)
        shares = dict(zip(values, np.mean(best / best.sum(axis=0), axis=1).tolist(), strict=True))
    found = [
        Option(
            model=name,
            k=k,
            cost=costs[name].of(k),
            accuracy=summarise(float(x[0]), x[1:], level),
            best_share=shares[name],
        )
        for name, (k, x) in bought.items()
    ]
    return tuple(sorted(found, key=lambda option: -np.nan_to_num(option.accuracy.estimate, nan=-1)))


def _frontier(
    curves: Mapping[str, Observed | Stated],
    costs: Mapping[str, Cost],
    budget: float,
    how: Selector,
    verifier: Verifier | None,
) -> tuple[Step, ...]:
    """Steps where the best model changes; the last budget closes them.

    A grid of budgets finds the changes; each is then at a budget that buys one of the models
    another sample, which a bisection among those finds.
    """
    low = min(cost.of(1) for cost in costs.values())
    known: dict[tuple[str, int], float] = {}

    def best(amount: float) -> tuple[float, str, int] | None:
        """Accuracy, model and samples that are best for an amount."""
        ways = []
        for name, curve in curves.items():
            k = _samples(curve, costs[name].buys(amount * (1 + 1e-9)), how)
            if k and (name, k) not in known:
                known[name, k] = float(curve.accuracy(k, how, verifier)[0])
            if k and np.isfinite(known[name, k]):
                ways.append((known[name, k], name, k))
        return max(ways) if ways else None

    steps: list[Step] = []
    before = low
    for amount in map(float, np.geomspace(low, max(budget, low), _BUDGETS)):
        found = best(amount)
        if found is not None and (not steps or steps[-1].model != found[1]):
            at = _change(best, costs, before, amount, found[1]) if steps else amount
            steps.append(_step(at, best(at) or found))
        if found is not None and amount >= budget * (1 - 1e-9) > steps[-1].budget:
            steps.append(_step(amount, found))
        before = amount
    return tuple(steps)


def _step(amount: float, found: tuple[float, str, int]) -> Step:
    accuracy, name, k = found
    return Step(budget=amount, model=name, k=k, accuracy=accuracy)


def _change(
    best: Callable[[float], tuple[float, str, int] | None],
    costs: Mapping[str, Cost],
    low: float,
    high: float,
    name: str,
) -> float:
    """Return the budget above `low`, where another model is best, from which one is, by `high`."""
    amounts = {
        float(cost.of(int(k)))
        for cost in costs.values()
        for k in np.unique(np.linspace(cost.buys(low), cost.buys(high), _CHANGES).astype(int))
    }
    between = [*sorted(x for x in amounts if low < x < high), high]
    first, last = 0, len(between) - 1
    while first < last:
        middle = (first + last) // 2
        found = best(between[middle])
        if found is not None and found[1] == name:
            last = middle
        else:
            first = middle + 1
    return between[first]
