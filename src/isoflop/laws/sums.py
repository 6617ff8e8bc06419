"""Sums over groups of consecutive terms, for laws that add up a schedule or a quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.laws.duals import Dual


def segment_sums(x: Any, starts: np.ndarray, count: int) -> Any:
    """Return the sums of consecutive segments along the last axis, derivatives included.

    Args:
        x: [..., count] terms (or what broadcasts to it), an array or dual number.
        starts: [segment] where each begins; none is empty.
        count: number of terms.

    Returns:
        [..., segment] array or dual number.
    """

    def total(part: Any) -> Any:
        part = np.asarray(part, dtype=float)
        full = np.broadcast_to(part, (*part.shape[:-1], count))
        return np.add.reduceat(full, starts, axis=-1)

    if not isinstance(x, Dual):
        return total(x)
    h = None if x.h is None else {key: total(value) for key, value in x.h.items()}
    return Dual(total(x.value), {key: total(value) for key, value in x.d.items()}, h)
