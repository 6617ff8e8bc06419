"""Checks of the design: budgets, their minima, and how wide everything spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import InputError, IsoflopError, NotIdentified
from isoflop.fit.isoflop import SIDES
from isoflop.fit.surface import IsoflopSurface, minimum_bias
from isoflop.runs.finding import Finding, Move
from isoflop.validate.audit.hidden import BY_CHANCE, hidden
from isoflop.validate.selfcheck import check_minima, check_ratio, check_slope, check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.fit.isoflop import Profile
    from isoflop.validate.audit.evidence import Evidence

#: A grid whose middle is further than this factor from the minimum is off centre.
OFF_CENTRE = 2.0
#: A grid that reaches further than this factor to either side is wide.
WIDE = 8.0
#: Relative biases of N* that are told, and that are a fault.
BIAS, FAULT = 0.05, 0.10


def check_grid_minima(e: Evidence) -> Iterator[Finding]:
    """Every budget's minimum is enclosed by its sizes."""
    try:
        surface = e.surface
    except NotIdentified:
        yield from _edges_without_a_line(e)
        return
    found = check_minima(surface)
    moves = _naive(e, surface) if found else ()
    lost = [p for p in surface.profiles if not p.ok]
    for finding, profile in zip(found, lost, strict=True):
        yield _by_noise(e, surface, profile, msgspec.structs.replace(finding, moves=moves))
    if not found:
        yield Finding(
            code="minimum",
            severity="ok",
            message=f"all {len(surface.profiles)} budgets have their minimum inside the sizes.",
        )


def _by_noise(e: Evidence, surface: IsoflopSurface, profile: Profile, finding: Finding) -> Finding:
    """Return the finding as a note if noise alone hides such a minimum."""
    share = hidden(e, surface, profile)
    if share is None or share < BY_CHANCE:
        return finding
    return msgspec.structs.replace(
        finding,
        severity="note",
        message=f"{finding.message} The fitted law has it inside the sizes; noise of"
        f" {surface.noise:.3g} nats alone hides it in {100 * share:.0f} % of draws.",
        numbers=finding.numbers | {"hidden by noise": share, "noise": surface.noise},
        why="The sizes enclose the minimum, but the loss between them differs by little more than"
        " the noise; the budget counts in the law (approach 3) and not in N*(C) (approach 2).",
        remedy="Repeat this budget's runs with another seed, or spread its sizes further.",
    )


def _edges_without_a_line(e: Evidence) -> Iterator[Finding]:
    """Say where the best size of each budget lies when no line can be put through minima."""
    budgets = e.budgets  # raises where there is no isoFLOP design
    N, loss = e.runs["N"], e.runs["loss"]
    edges = {}
    for value in np.unique(budgets[np.isfinite(budgets)]):
        rows = budgets == value
        best = N[rows][np.argmin(loss[rows])]
        edges[value] = min((N[rows] < best).sum(), (N[rows] > best).sum()) < SIDES
    yield Finding(
        code="minimum",
        severity="error",
        message=f"in {sum(edges.values())} of {len(edges)} budgets the best size has fewer than"
        f" {SIDES} sizes below or above it, and fewer than two budgets have a minimum.",
        numbers={"at an edge": float(sum(edges.values())), "budgets": float(len(edges))},
        why="A minimum at the edge of the sizes is where the sizes end, not where the loss is"
        " lowest.",
        remedy="Add sizes on the side of the edge; until then judge a law of N and D, not minima.",
    )


def _naive(e: Evidence, surface: IsoflopSurface) -> tuple[Move, ...]:
    """The exponent by the best run of every budget, edges included, against the minima's."""
    known = np.isfinite(e.budgets)
    C, N, loss, budget = e.runs["C"], e.runs["N"], e.runs["loss"], e.budgets
    best = [
        rows[np.argmin(loss[rows])]
        for rows in (np.flatnonzero(budget == b) for b in np.unique(budget[known]))
    ]
    naive = float(np.polyfit(np.log(C[best]), np.log(N[best]), 1)[0])
    return (
        Move(
            what="exponent of N* (approach 2)",
            now=naive,
            then=float(surface.N_opt.exponent),
            how="budgets without an enclosed minimum left out",
        ),
    )


def check_centre(e: Evidence) -> Iterator[Finding]:
    """Grids are centred on their minima and narrow enough that approach 2's bias is small."""
    surface = e.surface
    alpha, beta = e.exponents
    offsets, widths, biases, noise = [], [], [], []
    drawn = iter(surface.minima)
    for profile in surface.profiles:
        if not profile.ok:
            continue
        sizes = e.runs["N"][e.budgets == profile.budget]
        used = sizes[profile.used]
        offsets.append(np.log(np.sqrt(sizes.min() * sizes.max()) / profile.N))
        widths.append(np.log(used.max() / used.min()) / 2)
        bias = minimum_bias(surface, profile.C, used, alpha, beta)
        biases.append(0.0 if bias is None else bias)
        noise.append(float(np.nanstd(next(drawn)[:, 0])))
    yield _centre(e, surface, *(np.array(x) for x in (offsets, widths, biases, noise)))


def _centre(
    e: Evidence,
    surface: IsoflopSurface,
    offsets: np.ndarray,
    widths: np.ndarray,
    biases: np.ndarray,
    noise: np.ndarray,
) -> Finding:
    off = np.abs(offsets) - 2 * noise > np.log(OFF_CENTRE)
    wide = widths > np.log(WIDE) + 1e-9
    told = np.abs(biases) > BIAS
    fault = off.mean() >= 0.5 or (np.abs(biases) > np.maximum(FAULT, 2 * noise)).any()
    parts = [f"the middle of the sizes is {_times(offsets)} the minimum"]
    parts.append(f"they reach up to {np.exp(widths.max()):.3g}x to either side")
    parts.append(f"approach 2's N* is biased by {_range(biases)} for it")
    any_found = fault or off.any() or wide.any() or told.any()
    return Finding(
        code="centre",
        severity="warning" if fault else "note" if any_found else "ok",
        message="; ".join(parts) + ".",
        numbers={
            "largest offset": float(np.exp(np.abs(offsets).max())),
            "off centre": float(off.sum()),
            "widest": float(np.exp(widths.max())),
            "largest bias": float(biases[np.argmax(np.abs(biases))]),
        },
        why="A profile is not symmetric: a parabola's minimum is off by a factor that grows with"
        " the width of the grid and its distance from the minimum, and an offset that drifts with"
        " C bends the exponent too."
        if any_found
        else "",
        remedy="isoflop fit runs.csv --approach 2 --profile corrected" if any_found else "",
        moves=_corrected(e, surface) if any_found else (),
    )


def _corrected(e: Evidence, surface: IsoflopSurface) -> tuple[Move, ...]:
    try:
        better = e.profiled("corrected")
    except IsoflopError:
        return ()
    how = "the profile corrected for its asymmetry (--profile corrected)"
    C = e.at
    return (
        Move(
            what="exponent of N* (approach 2)",
            now=float(surface.N_opt.exponent),
            then=float(better.N_opt.exponent),
            how=how,
        ),
        Move(
            what=f"N* at {C:.3g} FLOPs (approach 2)",
            now=float(surface.N_opt.point(C)),
            then=float(better.N_opt.point(C)),
            how=how,
        ),
    )


def _times(offsets: np.ndarray) -> str:
    low, high = np.exp(offsets.min()), np.exp(offsets.max())
    return f"{low:.2g} to {high:.2g} times"


def _range(biases: np.ndarray) -> str:
    return f"{100 * biases.min():+.1f} to {100 * biases.max():+.1f} %"


def check_compute_span(e: Evidence) -> Iterator[Finding]:
    """Compute spans two decades or more."""
    C = e.runs["C"]
    if C.max() <= C.min():
        raise InputError("every run has the same C.")
    yield check_span(C)


def check_loss_slope(e: Evidence) -> Iterator[Finding]:
    """The slope of ln L* over ln C does not steepen."""
    yield check_slope(e.surface)


def check_tokens_ratio(e: Evidence) -> Iterator[Finding]:
    """Tokens per parameter at the optimum are of a plausible size."""
    if e.cost is None:
        raise InputError("C is not a function of N and D in this table.")
    finding = check_ratio(e.surface)
    if finding.severity != "warning" or e.table.convention.C == "exact":
        yield finding
        return
    # The plausible range is of tuned studies with N = matrices + head; other counts of N and other
    # data have their own.
    yield msgspec.structs.replace(finding, severity="note")
