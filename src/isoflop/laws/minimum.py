"""Minima of functions of one variable, many at once: Brent's method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

#: Golden section of a bracket: the shorter part.
_SECTION = (3 - 5**0.5) / 2
#: Half the width of a bracket at which a search ends. Of a smooth function, values within about
#: the square root of the precision, 1e-8, of its minimum are equal to the last digit.
CLOSE = 1e-8
#: Steps at most: twice as many as golden sections alone would need from a bracket of 1e6.
_STEPS = 140

#: Places and the values there.
_Points = tuple[np.ndarray, np.ndarray]


def brent(
    function: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    close: float = CLOSE,
) -> np.ndarray:
    """Return where a function is least within brackets; kinks do not matter.

    Steps go to the vertex of the parabola through the three lowest points, and by golden section
    where that leaves the bracket or does not halve the step before the last.

    Args:
        function: values at points, both of the brackets' shape; called once a step.
        low: lower ends of the brackets, any shape.
        high: upper ends; the function has one minimum between the two.
        close: half the width of a bracket at which its search ends.

    Returns:
        The lowest points looked at, each within about `close` of a minimum. The ends themselves
        are never looked at.

    Source: Brent 1973, Algorithms for Minimization without Derivatives, ch. 5.
    """
    x = low + _SECTION * (high - low)
    first = second = third = (x, function(x))
    before = step = np.zeros_like(x)
    for _ in range(_STEPS):
        x, at_x = first
        middle = 0.5 * (low + high)
        done = np.abs(x - middle) + 0.5 * (high - low) <= close
        if np.all(done):
            break
        longer = np.where(x < middle, high, low) - x
        vertex, usable = _vertex(first, second, third)
        usable &= (np.abs(vertex) < 0.5 * np.abs(before)) & (low < x + vertex) & (x + vertex < high)
        before, step = np.where(usable, step, longer), np.where(usable, vertex, _SECTION * longer)
        # No step is shorter than what tells two values apart, and none comes that near an end.
        short = 0.5 * close
        crowded = usable & (np.minimum(x + step - low, high - x - step) < 2 * short)
        towards = np.where(crowded, middle - x, step)
        step = np.where(
            crowded | (np.abs(step) < short), np.where(towards < 0, -short, short), step
        )
        u = np.where(done, x, x + step)
        new = (u, function(u))
        better, right = new[1] <= at_x, u >= x
        low = np.where(better & right, x, np.where(~better & ~right, u, low))
        high = np.where(better & ~right, x, np.where(~better & right, u, high))
        first, second, third = _ordered(new, first, second, third)
    return first[0]


def _vertex(first: _Points, second: _Points, third: _Points) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps from the first points to the parabolas' vertices, and where there are."""
    (x, at_x), (w, at_w), (v, at_v) = first, second, third
    with np.errstate(all="ignore"):
        r, q = (x - w) * (at_x - at_v), (x - v) * (at_x - at_w)
        step = ((x - v) * q - (x - w) * r) / (2 * (r - q))
    return step, np.isfinite(step)


def _ordered(
    new: _Points, first: _Points, second: _Points, third: _Points
) -> tuple[_Points, _Points, _Points]:
    """Return the three lowest of four points, of equal ones the new one first."""
    (_, at_u), (x, at_x), (w, at_w), (v, at_v) = new, first, second, third
    best = at_u <= at_x
    next_ = ~best & ((at_u <= at_w) | (w == x))
    last = ~best & ~next_ & ((at_u <= at_v) | (v == x) | (v == w))
    down = best | next_

    def take(mask: np.ndarray, one: _Points, other: _Points) -> _Points:
        return np.where(mask, one[0], other[0]), np.where(mask, one[1], other[1])

    return (
        take(best, new, first),
        take(best, first, take(next_, new, second)),
        take(down, second, take(last, new, third)),
    )
