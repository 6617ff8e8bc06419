"""Runs that could be trained next: a ladder of sizes by a ladder of budgets near the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.design.architecture import Architecture
from isoflop.design.sweep import RATIO
from isoflop.errors import InputError
from isoflop.runs.cost import CostCurve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Sizes of a budget in the usual isoFLOP grid, and the factor between its budgets.
GRID_SIZES, GRID_BUDGETS, GRID_RATIO = 5, 3, 10**0.5
#: The smallest run that is considered costs this share of the budget: with 0.01 the error under the
#: fitted law is the same, and larger if the law is wrong (docs/log.md).
LEAST_SHARE = 0.1
#: Costs of a run that are considered, between that and all.
LEVELS = 13
#: Without a ladder: sizes considered at each budget.
OFFSETS = 9


class NextRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to train.

    Args:
        N: parameters, as the fit counts them; D: tokens, whole steps.
        C: training FLOPs.
        width: model width, if the ladder was given as widths.
        interior: whether it lies between the fitted runs and the largest new one, where a bend
            of the law would show.
    """

    N: int
    D: int
    C: float
    width: int | None = None
    interior: bool = False


@dataclass(frozen=True)
class Ladder:
    """Sizes that can be trained, and what a token costs at each.

    Args:
        N: sizes, ascending [size]; None if any whole number of parameters will do.
        flops_per_token: training FLOPs a token by N; cost: that count in words.
        step: tokens of one optimiser step; D is a whole number of them.
        widths: width of each size [size], or None.
    """

    N: np.ndarray | None
    flops_per_token: Callable[[Any], Any]
    cost: str
    step: int = 1
    widths: tuple[int, ...] | None = None

    def run(self, N: float, C: float) -> NextRun:
        """Return the run of size N (on the ladder) whose cost is nearest to C FLOPs, not above."""
        size = round(N)
        a_token = float(self.flops_per_token(float(size)))
        tokens = int(C / a_token * (1 + 1e-12)) // self.step * self.step
        width = None
        if self.widths is not None and self.N is not None:
            width = self.widths[int(np.argmin(np.abs(self.N - N)))]
        return NextRun(N=size, D=tokens, C=a_token * tokens, width=width)


def ladder(
    sizes: Sequence[float] | None = None,
    widths: Sequence[int] | None = None,
    *,
    convention: str = "matrices+head",
    template: Architecture | None = None,
    step: int = 1,
) -> Ladder:
    """Return the sizes that may be chosen.

    Args:
        sizes: parameter counts; C is counted as 6ND.
        widths: widths of the mini transformer that `isoflop train` trains, with its exact FLOPs.
        convention: which weights N counts, for widths.
        template: architecture whose width is varied.
        step: tokens of one optimiser step.

    Raises:
        InputError: both are given, or a size or step is not a positive whole number.
    """
    if sizes is not None and widths is not None:
        raise InputError("sizes and widths are two ladders; give one of them.")
    if step < 1:
        raise InputError(f"a step of {step} tokens is not positive.")
    if widths is None:
        if sizes is not None and (not len(sizes) or min(sizes) < 1):
            raise InputError(f"sizes {list(sizes)} are not positive numbers of parameters.")
        counts = None if sizes is None else np.unique(np.round(np.asarray(sizes, dtype=float)))
        return Ladder(counts, lambda N: 6.0 * N, "6ND", step)
    base = template or Architecture(width=8)
    rungs = sorted(set(widths))
    shapes = [msgspec.structs.replace(base, width=width) for width in rungs]
    N = np.array([shape.parameters(convention) for shape in shapes], dtype=float)
    costs = np.array([shape.flops_per_token() for shape in shapes])
    curve = CostCurve.from_runs(N, np.ones(len(N)), costs)
    return Ladder(N, curve.flops_per_token, "exact", step, tuple(rungs))


def candidates(
    rungs: Ladder,
    optimum: Callable[[float], float],
    budget: float,
    *,
    smallest: tuple[float, float],
    spread: float,
    least_share: float = LEAST_SHARE,
) -> list[NextRun]:
    """Return the runs to choose from, each within `budget`.

    Args:
        rungs: sizes that can be trained.
        optimum: N* by C, by the fit.
        budget: FLOPs.
        smallest: least N and D of the fitted runs; smaller ones are not considered.
        spread: factor around N* within which sizes are considered.
        least_share: of the budget, that the smallest run costs.
    """
    found: dict[tuple[int, int], NextRun] = {}
    least = float(rungs.flops_per_token(smallest[0])) * smallest[1]
    for C in budget * np.geomspace(least_share, 1.0, LEVELS):
        if least > C:
            continue
        middle = optimum(C)
        near = middle * np.geomspace(1 / spread, spread, OFFSETS)
        if rungs.N is not None:
            near = rungs.N[np.abs(np.log(rungs.N / middle)) <= np.log(spread) * (1 + 1e-9)]
        for N in near:
            run = rungs.run(N, C)
            size, tokens = smallest
            if size <= run.N and tokens <= run.D and budget * (1 + 1e-9) >= run.C:
                found[run.N, run.D] = run
    return list(found.values())


def isoflop_grid(rungs: Ladder, optimum: Callable[[float], float], budget: float) -> list[NextRun]:
    """Return the usual design at a cost: three budgets, five sizes around the optimum of each.

    Budgets are half a decade apart, sizes a factor of 1.75, as `isoflop design` places them; on a
    ladder, the nearest free rungs. What a ladder or whole steps leave of the budget is unspent.
    """
    shares = GRID_RATIO ** -np.arange(GRID_BUDGETS, dtype=float)
    budgets = budget * shares / (GRID_SIZES * shares.sum())
    offsets = np.arange(GRID_SIZES) - (GRID_SIZES - 1) / 2
    found = []
    for C in budgets:
        wanted = optimum(C) * RATIO**offsets
        runs = (rungs.run(N, C) for N in (wanted if rungs.N is None else _nearest(rungs.N, wanted)))
        found += [run for run in runs if run.D > 0]
    return found


def _nearest(rungs: np.ndarray, wanted: np.ndarray) -> list[float]:
    """Return for each wanted size the nearest rung that is still free, while there are any."""
    free, found = list(rungs), []
    for N in wanted[: len(free)]:
        found.append(min(free, key=lambda x: abs(np.log(x / N))))
        free.remove(found[-1])
    return found
