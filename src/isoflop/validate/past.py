"""What was learned from past predictions on public tables, as shipped with the package.

The numbers are in `past.json`, written by `bench/interval_coverage.py --write` from tables that
are not shipped; it names each table, its hold-out and what was covered.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.validate.widening import Prior

if TYPE_CHECKING:
    from isoflop.laws.law import Law

SCHEMA = "isoflop.past/1"
FILE = Path(__file__).with_name("past.json")
#: How intervals are made: the samples of one law's mean; the same with run noise; several laws,
#: widened; one law, widened; one law, widened without rolling origins in its own runs.
METHODS = ("samples", "samples and noise", "widened", "widened, one law", "prior only")
#: Nominal levels that are measured.
LEVELS = (0.5, 0.8, 0.9, 0.95)
#: Upper ends, decades, of the distances that are told apart; the last is open.
NEAR, FAR = 0.5, 1.5
_FEW = 5


class PastHoldout(msgspec.Struct, frozen=True, kw_only=True):
    """One hold-out that was predicted with the shipped rule, the prior learned without its family.

    Args:
        table: its name; family: tables that share runs; kind: of laws (`kind_of`).
        holdout: rule or condition; laws: of the ensemble.
        runs: held-out runs; distance: their median distance, decades.
        covered: by method (`METHODS`), the share of runs inside the interval at each of `LEVELS`.
        error: root mean square of the ensemble's log errors.
    """

    table: str
    family: str
    kind: str
    holdout: str
    laws: tuple[str, ...]
    runs: int
    distance: float
    covered: dict[str, tuple[float, ...]]
    error: float


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """The shipped record.

    Args:
        priors: of scale and kappa by kind of laws (`kind_of`), learned from all families of it.
        holdouts: what was measured; made: version, date and command.
    """

    priors: dict[str, Prior]
    holdouts: tuple[PastHoldout, ...]
    made: dict[str, str]
    schema: str = SCHEMA


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Nominal and observed coverage of past predictions like one at hand.

    Args:
        nominal: the level; observed: share of held-out runs inside, mean over hold-outs; None
            where there is no past hold-out.
        holdouts: number of past hold-outs; runs: held-out runs in them.
        kind: which hold-outs were counted, in words.
    """

    nominal: float
    observed: float | None
    holdouts: int
    runs: int
    kind: str

    def __str__(self) -> str:
        if self.observed is None:
            return f"{100 * self.nominal:g} % nominal; no past hold-out to compare with"
        return (
            f"{100 * self.nominal:g} % nominal; on {self.holdouts} past hold-outs of this kind"
            f" ({self.kind}) it covered {100 * self.observed:.0f} %"
        )


@cache
def past() -> Past:
    """Return the shipped record of past predictions."""
    return msgspec.json.decode(FILE.read_bytes(), type=Past)


def prior(kind: str) -> Prior:
    """Return the shipped prior for laws of a kind; that of all kinds if too few tables had it."""
    known = past().priors
    return known.get(kind, known["all"])


def kind_of(law: Law) -> str:
    """Return the kind of a law, by its inputs, that past hold-outs are counted by."""
    names = set(law.input_names)
    if {"N", "D"} <= names or "C" in names:
        return "N, D, C"
    numeric = [x for x in law.inputs if not x.dimension.text]
    return "one variable" if len(numeric) == 1 else "several variables"


def past_coverage(kind: str, distance: float, level: float, method: str = "widened") -> Coverage:
    """Return how often past predictions of a kind and at about a distance were covered.

    Where fewer than five hold-outs lie at about the distance, all of the kind are counted; where
    these are too few as well, all there are. A level between the measured ones is interpolated.

    Args:
        kind: of `kind_of`; distance: decades outside; level: nominal.
        method: how the interval is made, one of `METHODS`.
    """
    every = past().holdouts
    same = [h for h in every if h.kind == kind]
    near = [h for h in same if band(h.distance) == band(distance)]
    words = f"laws in {kind}"
    groups = {f"{words}, {band(distance)}": near, words: same, "all laws": every}
    enough = (name for name, found in groups.items() if len(found) >= _FEW)
    name = next(enough, "all laws")
    found = groups[name]
    if not found:
        return Coverage(nominal=level, observed=None, holdouts=0, runs=0, kind=name)
    shares = np.mean([h.covered[method] for h in found], axis=0)
    observed = np.interp(level, (0.0, *LEVELS, 1.0), (0.0, *shares, 1.0))
    return Coverage(
        nominal=level,
        observed=float(observed),
        holdouts=len(found),
        runs=sum(h.runs for h in found),
        kind=name,
    )


def band(distance: float) -> str:
    """Return the band of a distance in decades, in words."""
    if distance <= 0:
        return "inside the runs"
    if distance <= NEAR:
        return f"up to {NEAR:g} decades outside"
    return f"{NEAR:g} to {FAR:g} decades outside" if distance <= FAR else f"over {FAR:g} decades"
