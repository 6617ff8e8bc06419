"""How much wider than its samples an interval of N* and D* must be: one rule for all who print one.

The samples of a law all have its form, so they agree on where the optimum must lie by that form
and are wrong together. How far the law misses the minima of its own runs says by how much; a miss
is carried to another budget as a slope that is off. There is no constant in it that was tuned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.samples import MISSES, SAMPLING
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from isoflop.fit.records import Interval, Minimum

#: Minima that a miss is learned from at least.
FEWEST = 2
_STREAM = 23


class Record(msgspec.Struct, frozen=True):
    """What 90 % intervals held on budgets that nobody had fitted.

    Args:
        holdouts: predictions; tables, families: of runs; alone: share that intervals of the
            samples alone held; widened: share that the widened ones did (families count alike).
    """

    holdouts: int
    tables: int
    families: int
    alone: float
    widened: float

    def __str__(self) -> str:
        return (
            f"On {self.holdouts} held-out budgets of {self.tables} public tables 90 % intervals of"
            f" the samples alone held the runs' own minimum in {100 * self.alone:.0f} %"
        )

    def caution(self, known: Sequence[str], unknown: Sequence[str] = ()) -> str:
        """Return what must be said of intervals of N* and D*.

        Args:
            known: models by whose misses they are widened, with how far each is off; unknown:
                models whose misses are not known.
        """
        if not known:
            return f"The intervals of N and D are those of the samples alone. {self}."
        others = f" (that of {' and '.join(unknown)} is not known)" if unknown else ""
        return (
            "The intervals of N and D are widened by how far the optimum lies off the minima of"
            f" the fitted runs: {'; '.join(known)}{others} (root mean square), more beyond them."
            f" {self}, those so widened in {100 * self.widened:.0f} %."
        )


#: Measured by bench/optimum_coverage.py on 2026-11-26: N* of a law, and of approaches 2 and 3
#: together, as a study and `isoflop plan` on runs give it.
LAWS = Record(holdouts=709, tables=20, families=3, alone=0.31, widened=0.94)
STUDIES = Record(holdouts=700, tables=19, families=3, alone=0.50, widened=0.97)


def rms_miss(minima: Sequence[Minimum], line: int = 0) -> float:
    """Return the root mean square of ln N of the runs' minima over the law's.

    Args:
        minima: of budgets; line: coefficients that were fitted to these minima themselves.
    """
    squares = [np.log(one.N / one.law) ** 2 for one in minima]
    return float(np.sqrt(np.sum(squares) / (len(squares) - line)))


def spread(minima: Sequence[Minimum], C: float, line: int = 0) -> float | None:
    """Return the standard deviation of ln N by which a law's optimum at a budget is off.

    The root mean square of its misses at the fitted budgets, grown with the decades beyond the
    largest of them as if the slope were off by that much over their span. None with fewer than
    `FEWEST` minima (and one more than `line`), or where they span nothing.

    Args:
        minima: of the fitted budgets, in FLOPs as C; C: the budget.
        line: coefficients that were fitted to these minima themselves.
    """
    places = np.log10([one.C for one in minima])
    if len(minima) < max(FEWEST, line + 1) or not np.ptp(places) > 0:
        return None
    outside = max(np.log10(C) - places.max(), places.min() - np.log10(C), 0.0)
    return rms_miss(minima, line) * (1 + float(outside / np.ptp(places)))


def factors(count: int, deviation: float | None, seed: int) -> np.ndarray:
    """Return the factors [sample] by which samples of N* move; D* moves by one over them.

    So the cost stays. Equal seeds give equal draws, at any budget.

    Args:
        count: of samples; deviation: of ln N (`spread`), None for no move; seed: the fit's.
    """
    drawn = np.random.default_rng([seed, _STREAM]).standard_normal(count)
    return np.exp((deviation or 0.0) * drawn)


def held(deviation: float | None) -> str:
    """Return what an interval of N* or D* holds (`isoflop.samples`)."""
    return SAMPLING if deviation is None else MISSES


def caution(minima: Sequence[Minimum], *, known: bool) -> str:
    """Return what must be said of a law's intervals of N* and D*.

    Args:
        minima: of the fitted budgets; known: whether the intervals are widened by their misses.
    """
    if not known:
        return LAWS.caution([])
    return LAWS.caution([f"by a factor of {np.exp(rms_miss(minima)):.2f} at {len(minima)} budgets"])


def alone(sampling: Mapping[str, Interval]) -> str:
    """Return the intervals with the law taken as right, of what is widened, as one sentence.

    Args:
        sampling: interval by name; empty gives no sentence.
    """
    shown = [
        f"{name} {_end(sampling[name][0], write)} to {_end(sampling[name][1], write)}"
        for name, write in (("N", format_count), ("D", format_count), ("loss", format_loss))
        if name in sampling
    ]
    return f"By the samples alone ({SAMPLING}): {', '.join(shown)}." if shown else ""


def _end(value: float | None, write: Callable[[float], str]) -> str:
    return "open" if value is None else write(value)
