"""The question of a design: the target, and what is refused or warned of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from isoflop.errors import InputError
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.design.candidates import NextRun
    from isoflop.design.outlook import Outlook
    from isoflop.fit.result import Fit

#: A target farther than this from the fitted runs, in N or D, gets a warning.
FAR = 100.0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The number that is to be known: the loss at N and D.

    Args:
        N: parameters; D: tokens; C: FLOPs of that run.
        kind: "C" if N and D are the compute-optimal ones of a budget, "ND" if they were given.
        distance: how many times it lies outside the fitted range, by input.
    """

    N: float
    D: float
    C: float
    kind: Literal["C", "ND"]
    distance: dict[str, float]


def check(
    fit: Fit,
    budget: float,
    most: int,
    spread: float,
    least_share: float,
    others: dict[str, float],
) -> None:
    """Refuse a law without N and D, further inputs without values, and impossible numbers.

    Raises:
        InputError: see above.
    """
    names = set(fit.law.input_names)
    if not {"N", "D"} <= names:
        raise InputError(
            f"`{fit.law.name}` has inputs {', '.join(fit.law.input_names)}, not N and D.",
            "Runs are chosen by their size and their tokens.",
            "Fit a law in N and D:  isoflop fit runs.csv --law chinchilla --out fit.json",
        )
    if names - {"N", "D"} != set(others):
        further = ", ".join(sorted(names - {"N", "D"}))
        raise InputError(
            f"`{fit.law.name}` {f'also takes {further}' if further else 'takes N and D alone'},"
            f" and {', '.join(sorted(others)) or 'nothing'} is given.",
            do="Give each further input one value:  --input U=25e9",
        )
    if not (math.isfinite(budget) and budget > 0):
        raise InputError(f"a budget of {budget:g} FLOPs is not positive.")
    if most < 1:
        raise InputError(f"{most} runs are too few; at least one.")
    if not 0 < least_share <= 1:
        raise InputError(
            f"least_share = {least_share:g} is not between 0 and 1.",
            "It is the share of the budget that the smallest run costs.",
        )
    if not spread >= 1:
        raise InputError(
            f"spread = {spread:g} is below 1.",
            "Sizes from N* / spread to N* x spread are considered.",
        )


def find_target(
    outlook: Outlook, budget: float, C: float | None, N: float | None, D: float | None
) -> Target:
    """Return the target of a design.

    Args:
        outlook: fit and ladder.
        budget: FLOPs of the new runs together.
        C: FLOPs at whose compute-optimal N and D the loss is wanted; or
        N: parameters and
        D: tokens themselves.

    Raises:
        InputError: both or neither are given, or the budget pays for the target.
    """
    fit, flops = outlook.fit, outlook.rungs.flops_per_token
    pair = N is not None and D is not None
    if (C is not None) == pair or (C is not None and (N is not None or D is not None)):
        raise InputError(
            "the target is either C, or N and D.",
            do="--target C=1e22, or --target N=70B,D=1.4T",
        )
    given = [x for x in (C, N, D) if x is not None]
    if not all(math.isfinite(x) and x > 0 for x in given):
        raise InputError(f"the target {', '.join(f'{x:g}' for x in given)} is not positive.")
    if C is not None:
        N, D = outlook.optimum(C)
    assert N is not None and D is not None  # noqa: S101, PT018 - checked above
    cost = float(flops(N)) * D
    found = Target(
        N=N, D=D, C=cost, kind="ND" if C is None else "C", distance=fit.extrapolation(N=N, D=D)
    )
    if budget >= cost:
        raise InputError(
            f"a budget of {format_flops(budget)} FLOPs pays for the target run itself"
            f" ({format_flops(cost)}).",
            "Nothing tells more about a run than the run.",
            "Train it, or give the budget of the smaller runs before it.",
        )
    return found


def nothing_affordable(outlook: Outlook, budget: float) -> InputError:
    """Return the error for a budget that buys no run of the fitted runs' size or more."""
    N, D = outlook.smallest
    free = outlook.rungs.N is None
    return InputError(
        f"a budget of {format_flops(budget)} FLOPs buys no run near the optimum of its cost"
        + ("." if free else " on this ladder."),
        f"Runs smaller than the smallest fitted ones (N {format_count(N)}, D {format_count(D)})"
        " tell nothing new about a larger target.",
        f"Give more than {format_flops(outlook.cheapest)} FLOPs"
        + ("." if free else f", or sizes within {outlook.spread:.3g}x of the optimum."),
    )


def grid_warning(fit: Fit, grid: Sequence[NextRun], deviations: dict[str, float]) -> list[str]:
    """Say why the usual grid may come out surer: by runs that are smaller than any fitted one."""
    N, D = fit.ranges["N"][0], fit.ranges["D"][0]
    below = sum(run.N < N or run.D < D for run in grid)
    if not below or deviations.get("grid", math.inf) >= deviations["after"]:
        return []
    return [
        f"by the fitted law the usual grid comes out surer, but {below} of its {len(grid)} runs are"
        f" smaller than any that was fitted (N {format_count(N)}, D {format_count(D)}). Whether the"
        " law holds there is not known, so such runs are not proposed."
    ]


def warnings_of(fit: Fit, target: Target, runs: tuple[NextRun, ...]) -> list[str]:
    """Return what may make a design's expectation wrong, a sentence each."""
    found = []
    if all(x <= 1 for x in target.distance.values()):
        spans = (f"{k} {format_count(a)} to {format_count(b)}" for k, (a, b) in fit.ranges.items())
        found.append(
            f"the target lies inside the fitted runs ({', '.join(spans)}): nothing is extrapolated,"
            " and new runs can only narrow the interval."
        )
    far = {name: x for name, x in target.distance.items() if x > FAR}
    if far:
        said = " and ".join(f"{x:.3g}x in {name}" for name, x in far.items())
        found.append(
            f"the target lies {said} outside the fitted runs; the intervals hold only if the law"
            " does that far."
        )
    unknown = [name for name, sure in fit.identified.items() if not sure]
    if unknown:
        found.append(
            f"the runs do not identify {', '.join(unknown)}: the samples show less of the doubt"
            " than there is."
        )
    if not any(run.interior for run in runs):
        found.append(
            "no affordable run lies between the fitted runs and the largest new one, so"
            " a bend of the law would not show."
        )
    return found
