"""Akima's interpolation of many curves over the same places, and their lowest points.

Between two places the curve is a cubic; the slope at a place is a mean of its neighbours' that
prefers the side where the slope changes less, so that one bad run does not bend the whole curve.

Source: Akima 1970, J. ACM 17(4); ends continued as there. Used for isoFLOP curves by Porian et
al. 2024 (arXiv:2406.19146).
"""

from __future__ import annotations

import numpy as np

from isoflop.errors import InputError

#: Slopes that change by less than this share of the largest change count as equal.
EQUAL = 1e-9


def evaluate(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the curves at places between the first and the last.

    Args:
        x: places, ascending, shape [place]; y: values, shape [curve, place].
        at: where to read, shape [point].

    Returns:
        Array [curve, point].

    Raises:
        InputError: fewer than three places, or places that do not ascend.
    """
    cubics = _cubics(x, y)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    return _value(cubics[:, :, piece], at - x[piece])


def lowest(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return place and value of each curve's lowest point, exactly.

    Args:
        x: places, ascending, shape [place]; y: values, shape [curve, place].

    Returns:
        Place and value, each [curve]; NaN where the lowest point is the first or last place.

    Raises:
        InputError: fewer than three places, or places that do not ascend.
    """
    cubics = _cubics(x, y)
    _, c1, c2, c3 = cubics
    # The cubic's minimum is the root of its derivative where the curvature is positive.
    with np.errstate(invalid="ignore", divide="ignore"):
        step = -c1 / (c2 + np.sqrt(c2 * c2 - 3 * c1 * c3))
    inside = (step > 0) & (step < np.diff(x))
    step = np.where(inside, step, 0.0)
    values = np.concatenate([_value(cubics, step), y[:, -1:]], axis=1)
    places = np.concatenate([x[:-1] + step, np.broadcast_to(x[-1], (len(y), 1))], axis=1)
    best = np.argmin(values, axis=1)[:, None]
    place = np.take_along_axis(places, best, axis=1)[:, 0]
    value = np.take_along_axis(values, best, axis=1)[:, 0]
    interior = (place > x[0]) & (place < x[-1])
    return np.where(interior, place, np.nan), np.where(interior, value, np.nan)


def _cubics(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the coefficients of 1, d, d^2, d^3 of each piece, [4, curve, piece]."""
    if len(x) < 3 or not np.all(np.diff(x) > 0):
        raise InputError(
            f"{len(x)} places; interpolation needs three or more, ascending and distinct.",
            do="Average repeated sizes first.",
        )
    width = np.diff(x)
    m = _chords(y, width)
    change = np.abs(np.diff(m, axis=1))
    after, before = change[:, 2:], change[:, :-2]
    total = after + before
    slope = 0.5 * (m[:, 3:] + m[:, :-3])
    uneven = total > EQUAL * total.max(axis=1, keepdims=True)
    weighted = after * m[:, 1:-2] + before * m[:, 2:-1]
    slope = np.divide(weighted, total, out=slope, where=uneven)
    left, right, chord = slope[:, :-1], slope[:, 1:], m[:, 2:-2]
    c2 = (3 * chord - 2 * left - right) / width
    c3 = (left + right - 2 * chord) / width**2
    return np.stack([y[:, :-1], left, c2, c3])


def _chords(y: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return the pieces' mean slopes, continued by two on each side, [curve, piece + 4]."""
    m = np.diff(y, axis=1) / width
    first = 2 * m[:, :1] - m[:, 1:2]
    last = 2 * m[:, -1:] - m[:, -2:-1]
    return np.concatenate([2 * first - m[:, :1], first, m, last, 2 * last - m[:, -1:]], axis=1)


def _value(cubics: np.ndarray, d: np.ndarray) -> np.ndarray:
    c0, c1, c2, c3 = cubics
    return c0 + d * (c1 + d * (c2 + d * c3))
