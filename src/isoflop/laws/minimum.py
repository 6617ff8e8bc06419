"""Minima of functions of one variable, many at once: golden sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_RATIO = (5**0.5 - 1) / 2
#: Width of a bracket at which sections end. Of a smooth function, values within about the square
#: root of the precision, 1e-8, of its minimum are equal to the last digit.
CLOSE = 1e-9


def golden_sections(
    function: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    close: float = CLOSE,
) -> np.ndarray:
    """Return where a function is least within brackets, to about 1e-8; kinks do not matter.

    Args:
        function: values at points, both of the brackets' shape; called once a step.
        low: lower ends of the brackets, any shape.
        high: upper ends; the function has one minimum between the two.
        close: width of a bracket at which its sections end.

    Returns:
        Middles of the brackets when all are narrower than `close`. The ends themselves are never
        looked at.
    """
    width = float(np.max(high - low))
    a, b = high - _RATIO * (high - low), low + _RATIO * (high - low)
    at_a, at_b = function(a), function(b)
    while width > close:
        left = at_a < at_b
        low, high = np.where(left, low, a), np.where(left, b, high)
        new = np.where(left, high - _RATIO * (high - low), low + _RATIO * (high - low))
        value = function(new)
        a, b = np.where(left, new, b), np.where(left, a, new)
        at_a, at_b = np.where(left, value, at_b), np.where(left, at_a, value)
        width *= _RATIO
    return 0.5 * (low + high)
