"""Compute-optimal allocation of a law without a closed form, at C = 6ND."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.laws.minimum import brent

if TYPE_CHECKING:
    from collections.abc import Callable

_GRID = 600  # points at which the loss is first looked at


def allocate(
    loss: Callable[[Any, Any], Any], C: float, low: float = 1e4, high: float = 1e15
) -> tuple[float, float, float]:
    """Return N, D and the loss where loss(N, C / 6N) is least.

    The least point of a logarithmic grid is refined by Brent's method in ln N, so kinks do not
    matter and of several minima the lowest on the grid is found.

    Args:
        loss: of N in parameters and D in tokens, arrays of equal shape.
        C: budget in FLOPs.
        low: smallest N looked at.
        high: largest N looked at.

    Returns:
        N to about 1e-8 relative (the square root of the loss's precision), D, the loss.

    Raises:
        NotIdentified: if the loss is least at an end of the range or nowhere a number.
    """

    def along(x: Any) -> Any:
        N = np.exp(x)
        return loss(N, C / (6 * N))

    grid = np.linspace(np.log(low), np.log(high), _GRID)
    values = np.asarray(along(grid), dtype=float)
    k = int(np.argmin(np.where(np.isnan(values), np.inf, values)))
    if k in (0, _GRID - 1) or np.isnan(values).all():
        raise NotIdentified(
            f"the loss at C = {C:.4g} has no minimum between N = {low:g} and {high:g}.",
            "It falls towards an end of the range, so no allocation is the best one.",
            "Look at the exponents of the law, or widen the range.",
        )
    N = float(np.exp(brent(along, grid[k - 1], grid[k + 1])))
    return N, C / (6 * N), float(loss(N, C / (6 * N)))
