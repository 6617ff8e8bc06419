"""The training rows of one curve: sorted, without duplicates, and what their spacing says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, NotIdentified

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A level, a slope and a bend need four rows; fewer give no forecast.
FEWEST = 4
#: Rows of one x that differ by a larger factor are said to be of several curves.
MIXED = 1.5
#: More rows than this are averaged in equal bins of ln x.
MOST = 128


@dataclass(frozen=True)
class Rows:
    """Training rows of a curve in logarithms.

    Args:
        last: x of the last row.
        u: ln(x / last), ascending, [row].
        log_y: ln y, [row].
        evaluations: how many evaluations a row is the mean of, [row].
        tied: whether a row repeats the one before it in a curve that never rises: then the
            rows are a running minimum, and the value itself was at least this, [row].
        notes: what was done to the rows, in words.
    """

    last: float
    u: np.ndarray
    log_y: np.ndarray
    evaluations: np.ndarray
    tied: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def reach(self) -> float:
        """Range of ln y."""
        return float(max(np.ptp(self.log_y), 1e-6))


def read_rows(x: Any, y: Any, name: str = "") -> Rows:
    """Sort and check the training rows of a curve.

    Args:
        x, y: positive numbers, [row], in any order.
        name: of the curve, for messages.

    Raises:
        InputError: lengths differ, or a value is missing or not positive.
        NotIdentified: fewer than four different x.
    """
    x, y = np.asarray(x, dtype=float).ravel(), np.asarray(y, dtype=float).ravel()
    of = f" of {name}" if name else ""
    if x.shape != y.shape:
        raise InputError(f"{len(x)} values of x do not go with {len(y)} of y{of}.")
    for what, values in (("x", x), ("y", y)):
        check_positive(values, f"{what} in the training rows{of}")
    x, y, merged, apart = _merge(x, y)
    if len(x) < FEWEST:
        raise NotIdentified(
            f"{len(x)} training rows{of} at different x are too few for a forecast.",
            f"A level, a slope and how the slope changes need {FEWEST} rows, better ten.",
            "Give more training rows, or evaluate the curve more often.",
        )
    notes = [f"{merged} rows with an x that was there already were averaged"] if merged else []
    if apart > MIXED:
        notes.append(
            f"at one x rows differ by a factor of {apart:.3g}, as those of several curves do:"
            " name the column that tells them apart (--group)"
        )
    if y[-1] > y[0]:
        notes.append(
            "y ends above its start, and every law here falls: forecast 1 - y of a score"
            ' (--column "error=1-SCORE" --y error)'
        )
    tied = np.zeros(len(x), dtype=bool)
    if np.all(np.diff(y) <= 0):
        tied[1:] = np.diff(y) == 0
    if tied.any():
        notes.append(f"{tied.sum()} rows of a running minimum were read as bounds from below")
    u, log_y = np.log(x / x[-1]), np.log(y)
    columns = [u, log_y, _evaluations(x), tied.astype(float)]
    if len(x) > MOST:
        notes.append(f"{len(x)} rows were averaged in bins of ln x")
        columns = _binned(columns)
    u, log_y, evaluations, ties = columns
    return Rows(float(x[-1]), u, log_y, evaluations, ties > 1 - 1e-9, tuple(notes))


def check_positive(values: np.ndarray, what: str) -> None:
    """Raise InputError, with the first offender, unless all values are positive and finite."""
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise InputError(
            f"{bad.sum()} of {len(values)} values of {what} are not positive numbers,"
            f" the first {values[bad][0]:g}.",
            "Curves are fitted in logarithms.",
            "Leave these rows out (--where), or forecast a quantity that is positive (a loss, an"
            ' error:  --column "error=1-SCORE" --y error).',
        )


def _merge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Sort by x; rows of one x become their geometric mean, in an order that y does not change.

    Returns:
        x and y, how many rows went, and the largest factor between rows of one x.
    """
    unique, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    order = np.lexsort((y, x))
    sums = np.bincount(place[order], np.log(y[order]), len(unique))
    first = y[order][np.searchsorted(x[order], unique)]
    means = np.where(counts > 1, np.exp(sums / counts), first)
    last = y[order][np.searchsorted(x[order], unique, side="right") - 1]
    return unique, means, int(len(x) - len(unique)), float(np.max(last / first))


def _evaluations(x: np.ndarray) -> np.ndarray:
    """How many evaluations a row averages: 1, or its spacing in units of the first ones.

    A run is evaluated every so many steps, from its start. Rows that begin with the first few
    evaluations, at equal distances, and end at distances several times larger were averaged on
    the way. Rows at equal ratios from the first on are a design, and each is one evaluation.
    """
    steps = np.diff(x)
    first = steps[:5]
    step = np.median(first)
    even = first.max() <= 2 * first.min() and x[0] <= 5 * step
    if len(x) < 2 * FEWEST or not even or steps[-1] < 3 * step:
        return np.ones(len(x))
    return np.maximum(np.gradient(x) / step, 1.0)


def _binned(columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    u, log_y, evaluations, tied = columns
    edges = np.linspace(u[0], u[-1], MOST + 1)
    place = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, MOST - 1)
    _, place = np.unique(place, return_inverse=True)
    counts = np.bincount(place)
    mean = [np.bincount(place, column) / counts for column in (u, log_y, tied)]
    return [mean[0], mean[1], np.bincount(place, evaluations), mean[2]]
