"""Which runs to train next: those that make a target surest for a budget, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.design.candidates import (
    GRID_BUDGETS,
    GRID_SIZES,
    LEAST_SHARE,
    NextRun,
    isoflop_grid,
    ladder,
)
from isoflop.design.outlook import Outlook
from isoflop.design.sweep import RATIO
from isoflop.design.target import (
    Target,
    check,
    find_target,
    grid_warning,
    nothing_affordable,
    warnings_of,
)
from isoflop.entry import worded
from isoflop.samples import Estimate, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.design.belief import Belief
    from isoflop.fit.result import Fit

    #: Name of a design -> belief about its places and the target, and the places observed.
    Beliefs = dict[str, tuple[Belief, list[int]]]

#: Half width of the sizes considered at a budget, as a factor: that of the usual grid.
SPREAD = RATIO ** ((GRID_SIZES - 1) / 2)
#: Runs of the usual grid.
GRID_RUNS = GRID_SIZES * GRID_BUDGETS


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """How sure the loss at the target is, now and after two designs of one cost.

    Args:
        now: the fit's own interval; after: expected after the chosen runs; grid: expected after
            the usual isoFLOP grid of that cost, None if the ladder allows no such grid.
        deviations: standard deviation of the logarithm of the loss at the target (of the loss
            itself if the fit's noise is raw): "now", "after", "grid", and "bound", below which no
            design of any number of runs on these candidates comes.
    """

    now: Estimate
    after: Estimate
    deviations: dict[str, float]
    grid: Estimate | None = None


class NextRuns(msgspec.Struct, frozen=True, kw_only=True):
    """A design of the next runs, with what it is expected to bring.

    Args:
        law: the fitted law; target: the number to be known.
        budget: FLOPs of all runs together; cost: FLOPs that the runs take; counted: how C is
            counted.
        runs: the runs, by cost.
        grid: the usual isoFLOP grid of that cost.
        expected: intervals of the loss at the target.
        compute_share: the share of the budget at which this kind of design is as sure as the
            grid by its expected standard deviation; None if it is not, even with all of it, or
            there is no grid.
        noise: standard deviation of one run about the law that was reckoned with.
        level: of the intervals; samples: number of samples used; seed: of the expected noise.
        warnings: what may make the answer wrong.
    """

    law: str
    target: Target
    budget: float
    cost: float
    counted: str
    runs: tuple[NextRun, ...]
    grid: tuple[NextRun, ...]
    expected: Expected
    compute_share: float | None
    noise: float
    level: float
    samples: int
    seed: int
    warnings: tuple[str, ...]


@worded(
    budget="FLOP", C="FLOP", N="count", D="count", step="whole", most="whole", least_share="share"
)
def next_runs(
    fit: Fit,
    budget: float,
    *,
    C: float | None = None,
    N: float | None = None,
    D: float | None = None,
    sizes: Sequence[float] | None = None,
    widths: Sequence[int] | None = None,
    convention: str = "matrices+head",
    step: int = 1,
    most: int = GRID_RUNS,
    spread: float = SPREAD,
    least_share: float = LEAST_SHARE,
    sigma: float | None = None,
    level: float | None = None,
    seed: int = 0,
    **others: float,
) -> NextRuns:
    """Choose the runs that make the loss at a target surest for a budget (c-optimal design).

    How the fit's samples of the loss at a candidate and at the target vary together says what
    that candidate would tell about the target. Runs are chosen by what they tell for their
    cost, greedily and by exchanges, each at most once; one of them lies between the fitted runs
    and the largest new one, so that a bend of the law would show.

    Wrong where the law is: the design lowers the variance within the fitted law and sees a wrong
    law through the runs inside only. Noise is taken to be alike for all runs.

    Args:
        fit: a fit with samples of a law with inputs N and D.
        budget: FLOPs of all new runs together.
        C: the target is the loss at the compute-optimal N and D of this many FLOPs.
        N: parameters of the target, with `D`, in place of `C`.
        D: tokens of the target.
        sizes: parameter counts that can be trained; any whole number if None. C is 6ND.
        widths: widths of `isoflop train`'s models instead, with their exact FLOPs.
        convention: which weights N counts, for widths.
        step: tokens of one optimiser step; D is a whole number of steps.
        most: largest number of runs; by default as many as the grid has.
        spread: factor around N* within which sizes are considered at each budget.
        least_share: of the budget, that the smallest run costs. Smaller runs are better where the
            law is right, larger ones where it is wrong (docs/log.md).
        sigma: standard deviation of a run about the law, of the logarithm of the loss (of the
            loss if the fit's noise is raw); that of the fit's residuals if None.
        level: of the intervals; the fit's if None.
        seed: of the noise in the expected samples.
        **others: values of the law's further inputs.

    Numbers may be text: `budget="3e19"`, `N="7B"`.

    Raises:
        InputError: the law has no N and D, the fit no samples, the target costs no more than the
            budget, or the budget buys no run.
        NotIdentified: the fit has no compute-optimal size at the target.

    Source: Elfving 1952 (c-optimality), from samples in place of derivatives.
    """
    check(fit, budget, most, spread, least_share, others)
    rungs = ladder(sizes, widths, convention=convention, step=step)
    blank = Outlook(fit, {}, rungs, most, spread, sigma, others, least_share)
    target = find_target(blank, budget, C, N, D)
    outlook = replace(blank, target={"N": target.N, "D": target.D})
    possible = outlook.possible(budget)
    if not possible:
        raise nothing_affordable(outlook, budget)
    belief = outlook.belief(possible)
    chosen = outlook.choose(possible, belief, budget)
    runs = _in_order(outlook, possible, chosen)
    grid = isoflop_grid(rungs, lambda C: outlook.optimum(C)[0], budget)
    beliefs: Beliefs = {"now": (belief, []), "after": (belief, chosen)}
    if len(grid) == GRID_RUNS:
        beliefs["grid"] = (outlook.belief(grid), list(range(GRID_RUNS)))
    level = fit.settings.level if level is None else level
    bound = outlook.bound(possible, belief, budget)
    expected = _expected(outlook, beliefs, bound, level, seed)
    to_reach = expected.deviations.get("grid")
    return NextRuns(
        law=fit.law.name,
        target=target,
        budget=float(budget),
        cost=sum(run.C for run in runs),
        counted=rungs.cost,
        runs=runs,
        grid=tuple(grid),
        expected=expected,
        compute_share=None
        if to_reach is None
        else outlook.share(possible, belief, budget, to_reach),
        noise=belief.noise,
        level=level,
        samples=len(belief.target),
        seed=seed,
        warnings=(*warnings_of(fit, target, runs), *grid_warning(fit, grid, expected.deviations)),
    )


def _in_order(outlook: Outlook, possible: list[NextRun], chosen: list[int]) -> tuple[NextRun, ...]:
    """Return the chosen runs by cost, marked where they lie inside the span of the choice."""
    inner = outlook.inside(np.array([run.C for run in possible]))(chosen)
    runs = [msgspec.structs.replace(possible[k], interior=bool(inner[k])) for k in chosen]
    return tuple(sorted(runs, key=lambda run: (float(f"{run.C:.2e}"), run.N)))


def _expected(
    outlook: Outlook, beliefs: Beliefs, bound: float, level: float, seed: int
) -> Expected:
    """Return intervals and deviations of the loss at the target under each design."""
    fit = outlook.fit
    point = float(fit.point(**outlook.target, **outlook.others))
    raw = fit.noise.startswith("raw-")

    def interval(belief: Belief, places: list[int]) -> Estimate:
        moved = belief.after(places, seed)
        return summarise(point, point + moved if raw else point * np.exp(moved), level)

    deviations = {name: belief.deviation(places) for name, (belief, places) in beliefs.items()}
    return Expected(
        **{name: interval(*pair) for name, pair in beliefs.items()},
        deviations=deviations | {"bound": bound},
    )
