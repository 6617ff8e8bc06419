"""How laws did on parts of the training rows that they were not fitted to, and the choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import IsoflopError, NotIdentified
from isoflop.validate.ranking import FEWEST
from isoflop.validate.rolling import inputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable
    from isoflop.validate.folds import Part
    from isoflop.validate.rolling import How

#: Share of the best score below which two laws differ by rounding: one law written in two ways.
EQUAL = 1e-6


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """How one law did on the held-out parts of the training rows.

    Args:
        law: its name; parameters: their number.
        score: mean squared error, each output in units of its variance over the training rows
            (of logarithms if the noise is); None if the law failed in a part.
        excess: score minus the best law's; error: standard error of that difference, paired.
        reason: why it failed.
    """

    law: str
    parameters: int
    score: float | None = None
    excess: float | None = None
    error: float | None = None
    reason: str = ""

    @property
    def close(self) -> bool:
        """Whether it is within one standard error of the best law, or equal up to rounding.

        A law that errs more than twice as much is not, however large the standard error: one wild
        prediction makes both large.
        """
        if self.score is None or self.excess is None or self.error is None:
            return False
        best = self.score - self.excess
        return self.excess <= max(min(self.error, best), EQUAL * self.score)


def scores_of(
    rows: RunTable, laws: Sequence[Law], parts: Sequence[Part], hows: Sequence[How]
) -> tuple[list[Candidate], str]:
    """Return the candidates, best first, and the unit that standard errors count.

    Args:
        rows: training rows; laws: to compare; parts: of the rows; hows: one an output.

    Raises:
        NotIdentified: if no law could be fitted in every part.
    """
    spread = [_spread(rows, how) for how in hows]
    squares: dict[str, np.ndarray] = {}
    reasons: dict[str, str] = {}
    for law in laws:
        try:
            found = [_squares(rows, law, part, hows, spread) for part in parts]
        except IsoflopError as error:
            reasons[law.name] = error.what
            continue
        squares[law.name] = np.concatenate(found)
    if not squares:
        raise NotIdentified("no law could be fitted in every part.", " ".join(reasons.values()))
    number = np.concatenate([np.full(part.test.sum(), k) for k, part in enumerate(parts)])
    unit = "part" if len(parts) >= FEWEST else "run"
    units = number if unit == "part" else np.arange(len(number))
    best = min(squares.values(), key=lambda x: float(x.mean()))
    found = [_candidate(law, squares, best, units, reasons) for law in laws]
    return sorted(found, key=lambda c: np.inf if c.score is None else c.score), unit


def _spread(rows: RunTable, how: How) -> float:
    values = np.asarray(rows[how.output], dtype=float)
    return float(np.std(np.log(values) if how.logs else values)) or 1.0


def _squares(
    rows: RunTable, law: Law, part: Part, hows: Sequence[How], spread: Sequence[float]
) -> np.ndarray:
    """Return a law's squared errors in a part, mean over the outputs, [predicted run].

    Raises:
        NotIdentified: if a prediction is not a number.
    """
    train, test = rows.where(part.train), rows.where(part.test)
    total = np.zeros(len(test))
    for how, unit in zip(hows, spread, strict=True):
        with np.errstate(all="ignore"):
            point = point_of(how.fit(train, law, 0), test)
            observed = np.asarray(test[how.output], dtype=float)
            away = np.log(point / observed) if how.logs else point - observed
        total += (away / unit) ** 2
    if not np.all(np.isfinite(total)):
        raise NotIdentified(f"a prediction of `{law.name}` is not a number.")
    return total / len(hows)


def point_of(fitted: Fit, test: RunTable) -> np.ndarray:
    """Return a fit's point prediction of each run, [run]."""
    return np.broadcast_to(fitted.point(**inputs_of(fitted.law, test)), len(test)).astype(float)


def _candidate(
    law: Law,
    squares: dict[str, np.ndarray],
    best: np.ndarray,
    units: np.ndarray,
    reasons: dict[str, str],
) -> Candidate:
    size = len(law.parameters)
    if law.name not in squares:
        return Candidate(law=law.name, parameters=size, reason=reasons[law.name])
    own = squares[law.name]
    excess = float((own - best).mean())
    # Standard error of a mean over units that hold different numbers of runs.
    totals = np.bincount(units, weights=own - best - excess)
    count = len(totals)
    error = float(np.sqrt(np.sum(totals**2) * count / max(count - 1, 1)) / len(own))
    score = float(own.mean())
    return Candidate(law=law.name, parameters=size, score=score, excess=excess, error=error)


def choose(candidates: Sequence[Candidate]) -> str:
    """Return the smallest law within one standard error of the best."""
    close = [c for c in candidates if c.close]
    return min(close, key=lambda c: (c.parameters, c.score)).law
