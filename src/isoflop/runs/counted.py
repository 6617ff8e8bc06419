"""Numbers in another unit, or counted otherwise: by size, tokens a parameter, and C over 6ND."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.finding import Finding
from isoflop.samples import median
from isoflop.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable

#: N and D below which they look as if in thousands, millions or billions, ...
FEWEST_N, FEWEST_D = 100.0, 1e4
#: ... and N where D does: 180 beside 15 is 180B parameters and 15T tokens.
FEWEST_N_BESIDE = 1e4
#: Tokens a parameter of the median run outside of which N or D must be in another unit.
FEWEST_TOKENS, MOST_TOKENS = 1e-3, 1e6
#: C over 6ND by more than this, or under it, is no way of counting but another unit.
OTHER_UNIT = 10.0
#: C within this share of 2ND is taken for the FLOPs of the forward pass.
FORWARD = 0.05
#: C a parameter that varies by no more than this (standard deviation of its logarithm) over runs
#: whose D varies by more than that does not count the tokens.
STEADY, VARIED = 0.1, 0.3
#: Decades within which a ratio is taken for a unit: C counts attention, N other weights.
CLOSE = 0.6
#: Tokens a parameter of compute-optimal training, Hoffmann et al. 2022; only to suggest a unit.
TOKENS = 20.0
#: Units that a column may be in.
_UNITS = (1e3, 1e6, 1e9, 1e12)


def scale(table: RunTable) -> Iterator[Finding]:
    """Find N or D that must be in another unit: by size, or by tokens a parameter."""
    columns = _numbers(table, ("N", "D"))
    least = {"N": FEWEST_N, "D": FEWEST_D}
    if "D" in columns and columns["D"].max() < FEWEST_D:
        least["N"] = FEWEST_N_BESIDE
    small = {n: float(x.max()) for n, x in columns.items() if x.max() < least[n]}
    ratio = median(columns["D"] / columns["N"]) if len(columns) == 2 else 0.0
    for name, largest in small.items():
        told = _factor(name, ratio) if len(small) == 1 and ratio else ""
        yield _other_unit(name, f"the largest {name} is {largest:g}.", largest, told=told)
    if not small and ratio and not FEWEST_TOKENS <= ratio <= MOST_TOKENS:
        name, told = ("D" if ratio < 1 else "N"), f"{ratio:.3g} tokens a parameter"
        yield _other_unit(name, f"the median run has {told}.", ratio, told=_factor(name, ratio))


def flops(table: RunTable) -> Iterator[Finding]:
    """Find C that is not 6ND: in another unit, without the tokens, or counted otherwise."""
    columns = _numbers(table, ("N", "D", "C"))
    if len(columns) < 3:
        return
    ratio = columns["C"] / (6.0 * columns["N"] * columns["D"])
    if not 1 / OTHER_UNIT <= median(ratio) <= OTHER_UNIT and _without_tokens(columns):
        yield _a_token(columns)
    elif not list(scale(table)) and (told := _unit_of_C(median(ratio))):
        yield told
    else:
        yield from _not_6nd(table, ratio)


def _numbers(table: RunTable, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {n: table[n] for n in names if n in table.columns and table[n].dtype.kind != "O"}


def _factor(name: str, ratio: float) -> str:
    """Say by which unit of a column the median run comes nearest to Hoffmann's tokens a parameter.

    Args:
        name: "N" or "D"; ratio: tokens a parameter of the median run as the columns are.
    """
    after = {f: ratio * f if name == "D" else ratio / f for f in _UNITS}
    best = min(after, key=lambda f: abs(np.log(after[f] / TOKENS)))
    return f'{name} * {best:g}"  (the median run then has {after[best]:.3g} tokens a parameter)'


def _other_unit(name: str, message: str, number: float, which: str = "", told: str = "") -> Finding:
    told = told or f'{name} * 1e9"  if it is in billions'
    return Finding(
        code="scale",
        severity="warning",
        message=message,
        numbers={"found": number},
        why=f"{name} looks as if in thousands, millions or billions; N* and D* follow.",
        remedy=f'Convert it:  --column "{name}={told}',
    )


def _unit_of_C(ratio: float) -> Finding | None:
    """Return the finding that C over 6ND is a unit of one of them, if it is, N and D agreeing."""
    thousands, days = _thousands(ratio), UNITS["pf-day"][1]
    if abs(np.log10(ratio * days)) < CLOSE:
        which, do = "C looks as if in PF-days", f'"C=C * {days:g}"'
    elif thousands < 0:
        which, do = "C looks as if in another unit", f'"C=C * 1e{-3 * thousands}"'
    elif thousands > 0 and thousands % 2 == 0:
        unit = 10.0 ** (3 * thousands / 2)
        which = f"N and D look as if both in units of {unit:g}, or C looks as if in another unit"
        do = f'"N=N * {unit:g}" --column "D=D * {unit:g}"'
    elif thousands > 0:
        which = "N, D or C looks as if in another unit"
        do = f'"D=D * 1e{3 * thousands}"  if it is D'
    else:
        return None
    return Finding(
        code="scale",
        severity="warning",
        message=f"C is {ratio:.3g} x 6ND, about 1e{round(np.log10(ratio)):+d}.",
        numbers={"found": ratio},
        why=f"{which}; N* and D* at a budget follow.",
        remedy=f"Convert it:  --column {do}",
    )


def _without_tokens(columns: dict[str, np.ndarray]) -> bool:
    """Tell whether C goes with N alone although D varies at each N."""
    N, D, C = (np.log(columns[name]) for name in ("N", "D", "C"))
    own = np.unique(np.round(N, 6), return_inverse=True)[1]
    count = np.bincount(own)

    def within(x: np.ndarray) -> float:
        """Return the standard deviation inside the groups of one N."""
        return float(np.sqrt(np.mean((x - (np.bincount(own, weights=x) / count)[own]) ** 2)))

    return within(C) <= STEADY and within(D) >= VARIED


def _a_token(columns: dict[str, np.ndarray]) -> Finding:
    each = columns["C"] / columns["N"]
    times = float(columns["D"].max() / columns["D"].min())
    return Finding(
        code="not-6nd",
        severity="warning",
        message=f"C does not grow with D, which spans {times:.3g}x: it is {median(each):.3g} a"
        " parameter at every D, as the FLOPs of a token, a sequence or a step are.",
        numbers={"a parameter": median(each), "span of D": times},
        why="Budgets and N* at a budget are of the FLOPs of a whole run.",
        remedy='Count the whole run:  --column "C=6*N*D"',
    )


def _not_6nd(table: RunTable, ratio: np.ndarray) -> Iterator[Finding]:
    stated = table.convention.C
    low, middle, high = float(ratio.min()), median(ratio), float(ratio.max())
    least = table.convention.N in {"matrices", "matrices+head"} and middle < 0.97
    far = not 1 / OTHER_UNIT <= middle <= OTHER_UNIT
    off = np.abs(ratio - 1) > 0.01
    sound = stated == "nominal" or (stated == "exact" and not least)
    if (sound and not far) or not off.any():
        return
    forward = abs(3 * middle - 1) < FORWARD
    loud = far or forward or stated in {"6ND", "exact"}
    yield Finding(
        code="not-6nd",
        severity="warning" if loud else "note",
        message=f"C is {middle:.3g} x 6ND (from {low:.3g} to {high:.3g}) and differs by "
        f"more than 1 % in {off.sum()} of {len(off)} runs; the table says C is {stated}."
        + (" It looks like the forward pass alone." if forward else "")
        + (" Some of N, D and C must be in another unit." if far else "")
        + (" Exact FLOPs are 6ND at least." if stated == "exact" else ""),
        numbers={"median": middle, "smallest": low, "largest": high, "rows": float(off.sum())},
        why="N of another convention, forward FLOPs only, or a count with attention: each "
        "moves N* and its exponent.",
        remedy='Say how C was counted, or count it as 6ND:  --column "C=6*N*D"',
    )


def _thousands(ratio: float) -> int:
    """Return the power of a thousand that a ratio is within half a decade of; 0 is none."""
    power = round(np.log10(ratio) / 3)
    return power if abs(np.log10(ratio) - 3 * power) < CLOSE else 0
