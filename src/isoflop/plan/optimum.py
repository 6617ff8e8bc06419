"""The best size for a budget: lowest loss along C = D * flops_per_token(N), for every sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified

if TYPE_CHECKING:
    from isoflop.runs.cost import CostCurve

#: loss(N, D) -> samples of the loss, shape [sample, *shape of N].
LossSurface = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class SizeChoice:
    """N, D and loss at the optimum of every sample, shape [sample], and the loss over N.

    Args:
        N, D, loss: the optimum; NaN where a sample's optimum lies outside the searched range.
        grid: the searched N, shape [grid]; profile: loss over it, shape [sample, grid].
    """

    N: np.ndarray
    D: np.ndarray
    loss: np.ndarray
    grid: np.ndarray
    profile: np.ndarray


def best_size(
    surface: LossSurface, cost: CostCurve, C: float, *, around: float, decades: float = 2.5
) -> SizeChoice:
    """Search N along one budget, on a log grid refined by a parabola through the best three.

    Args:
        surface: loss samples as a function of N and D.
        cost: FLOPs a token by N.
        C: budget, FLOPs.
        around: centre of the search, parameters; decades: half width of the search.

    Returns:
        Optima per sample. The grid has 120 points a decade: with the parabola the optimum is
        exact to 1e-4 relative on Chinchilla-type surfaces (a test compares closed forms).

    Raises:
        NotIdentified: no sample has an interior optimum.
    """
    grid = np.geomspace(around / 10**decades, around * 10**decades, int(240 * decades) + 1)
    D = cost.tokens(grid, C)
    profile = np.atleast_2d(surface(grid, D))
    rows = np.arange(len(profile))
    best = np.argmin(profile, axis=1)
    inner = np.clip(best, 1, len(grid) - 2)
    low, mid, high = (profile[rows, inner + k] for k in (-1, 0, 1))
    curvature = low - 2 * mid + high
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(curvature > 0, (low - high) / (2 * curvature), 0.0)
    step = np.log(grid[1] / grid[0])
    N = grid[inner] * np.exp(step * shift)
    loss = mid - np.where(curvature > 0, (low - high) ** 2 / (8 * curvature), 0.0)
    outside = (best == 0) | (best == len(grid) - 1)
    if outside.all():
        raise NotIdentified(
            f"no compute-optimal size between {grid[0]:.2g} and {grid[-1]:.2g} parameters"
            f" at C = {C:.3g} FLOP.",
            "The fitted loss falls (or rises) with N over the whole range.",
            "Add runs on both sides of the optimum, or fix an exponent.",
        )
    N, loss = np.where(outside, np.nan, N), np.where(outside, np.nan, loss)
    return SizeChoice(N, cost.tokens(N, C), loss, grid, profile)


def flat_range(grid: np.ndarray, loss: np.ndarray, tolerance: float) -> tuple[float, float]:
    """Return the range of N whose loss is within `tolerance` (relative) of the lowest.

    Args:
        grid: N, ascending, shape [grid]; loss: shape [grid].
        tolerance: relative, 0.001 for 0.1 %.
    """
    within = np.flatnonzero(loss <= loss.min() * (1 + tolerance))
    return float(grid[within[0]]), float(grid[within[-1]])
