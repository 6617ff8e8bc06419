"""The best N of every row at once: a grid in ln N brackets the optimum, Brent's method finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.laws.minimum import brent

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.plan.surface import Surface

#: Sizes looked at where nothing bounds N, parameters.
SMALLEST, LARGEST = 1e2, 1e22
#: Tokens looked at when a loss is to be reached.
FEWEST, MOST = 1e2, 1e19

PER_DECADE = 6
#: Brackets in ln D, and the values there.
Ends = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
#: Rungs of a fine ladder of tokens, one a decade, and the width in ln D of dips between them.
RUNGS, _NEAR = 18, 1e-4
#: How far in ln D the tokens of a size close by may be off.
_BESIDE = 0.4


def lowest(
    along: Callable[[np.ndarray], np.ndarray],
    low: float,
    high: float,
    *,
    bounded: tuple[bool, bool],
    per_decade: float = PER_DECADE,
) -> np.ndarray:
    """Return the N [row, 1] at which a function of N is least.

    Kinks do not matter, and of several minima the lowest on the grid is found; N is good to about
    1e-8 relative, the square root of the function's precision.

    Args:
        along: value [row, k] at N [1 or row, k]; inf where N is not allowed.
        low: smallest N, parameters; high: largest.
        bounded: whether each end is a bound that the user set, so that the optimum may lie on it.
            At any other end a row has no optimum and gives NaN.
        per_decade: points of the grid.
    """
    points = max(9, int(np.log10(high / low) * per_decade) + 1)
    grid = np.linspace(np.log(low), np.log(high), points)
    values = along(np.exp(grid)[None])
    best = np.argmin(values, axis=1)
    left, right = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, points - 1)]
    x = brent(lambda x: along(np.exp(x)), left[:, None], right[:, None])
    # The ends of the range are candidates themselves: Brent's method never looks at them.
    candidates = np.concatenate([x, grid[best][:, None]], axis=1)
    found = np.concatenate(
        [along(np.exp(x)), np.take_along_axis(values, best[:, None], axis=1)], axis=1
    )
    x = np.take_along_axis(candidates, np.argmin(found, axis=1)[:, None], axis=1)
    lost = ~np.isfinite(found.min(axis=1))
    lost |= (best == 0) & (not bounded[0])
    lost |= (best == points - 1) & (not bounded[1])
    return np.where(lost[:, None], np.nan, np.exp(x))


@dataclass(frozen=True)
class _Cells:
    """Sizes that shall reach losses, each by its row of a surface.

    Args:
        surface: a loss; columns: its parameters, which broadcast with the shape.
        N: parameters; loss: to reach; both broadcast with the shape too.
        shape: of the cells.
    """

    surface: Surface
    columns: dict[str, np.ndarray]
    N: np.ndarray
    loss: np.ndarray | float
    shape: tuple[int, ...]

    def above(self, y: np.ndarray) -> np.ndarray:
        """Return how far above its loss each cell stays with ln D = y."""
        return self.surface.loss(self.N, np.exp(y), self.columns) - self.loss

    def taking(self, some: np.ndarray) -> _Cells:
        """Return the cells of a mask, [cell]: what others need is not computed."""
        parts = {name: np.broadcast_to(x, self.shape)[some] for name, x in self.columns.items()}
        N, loss = (np.broadcast_to(x, self.shape)[some] for x in (self.N, self.loss))
        return _Cells(self.surface, parts, N, loss, N.shape)


def tokens_for(
    surface: Surface, N: np.ndarray, loss: np.ndarray | float, near: np.ndarray | None = None
) -> np.ndarray:
    """Return the fewest tokens with which N parameters reach a loss; inf where they never do.

    A ladder in ln D finds where the loss is first reached; Ridders' method, which is exact for
    an exponential in ln D, finds the tokens to 1e-12. Where more tokens may raise the loss (a
    model quantised after training) the ladder is fine, and the lowest loss near its lowest rung
    is looked for before a size is given up.

    Args:
        surface: a loss.
        N: parameters [1 or row, k].
        loss: to reach, a number or [row, 1].
        near: tokens [row, k] that sizes close by need. Where the loss falls through the one to
            reach around them, no ladder is climbed.
    """
    shape = np.broadcast_shapes(N.shape, (surface.rows, 1), np.shape(loss))
    cells, falls = _Cells(surface, surface.columns, N, loss, shape), _falls(surface, N)
    if near is None:
        ends = _ladder(cells, falls)
    else:
        ends = _around(cells, np.log(near))
        _fill(ends, np.isinf(ends[1]), lambda some: _ladder(cells.taking(some), falls))
    D = np.full(shape, np.inf)
    done = np.isfinite(ends[1])
    if done.any():
        D[done] = np.exp(ridders(cells.taking(done).above, *(end[done] for end in ends)))
    return D


def _fill(ends: Ends, some: np.ndarray, find: Callable[[np.ndarray], Ends]) -> None:
    """Put what is found for some cells in the place of what they have."""
    if some.any():
        for end, found in zip(ends, find(some), strict=True):
            end[some] = found


def _around(cells: _Cells, y: np.ndarray) -> Ends:
    """Return brackets around ln D; the upper end is inf where the loss does not fall through."""
    low, high = y - _BESIDE, y + _BESIDE
    at_low, at_high = cells.above(low), cells.above(high)
    return low, np.where((at_low > 0) & (at_high <= 0), high, np.inf), at_low, at_high


def _ladder(cells: _Cells, falls: bool) -> Ends:
    """Return brackets around where each loss is first reached; the upper end is inf if never."""
    ladder = np.linspace(np.log(FEWEST), np.log(MOST), 8 if falls else RUNGS)
    rungs = np.stack([np.broadcast_to(cells.above(rung), cells.shape) for rung in ladder])
    ends = _climb(rungs, ladder)
    if not falls:
        bottom, step = ladder[np.argmin(rungs, axis=0)], ladder[1] - ladder[0]
        _fill(
            ends,
            np.isinf(ends[1]),
            lambda some: _dip(cells.taking(some).above, bottom[some], step),
        )
    return ends


def _climb(rungs: np.ndarray, ladder: np.ndarray) -> Ends:
    """Return the rungs between which a value is first 0 or less, and the values there.

    The upper rung is inf where there is none; both are the first one where that is low enough.

    Args:
        rungs: values [rung, ...] at the rungs of the ladder.
        ladder: ln D [rung].
    """
    reached = rungs <= 0
    first = np.argmax(reached, axis=0)
    before = np.maximum(first - 1, 0)
    at_low, at_high = (np.take_along_axis(rungs, k[None], axis=0)[0] for k in (before, first))
    high = np.where(reached.any(axis=0), ladder[first], np.inf)
    return ladder[before], high, at_low, at_high


def _dip(above: Callable[[np.ndarray], np.ndarray], bottom: np.ndarray, step: float) -> Ends:
    """Return brackets whose upper end is the least value near the bottom; inf if above 0."""
    before = bottom - step
    least = brent(above, before, bottom + step, close=_NEAR)
    value = above(least)
    return before, np.where(value <= 0, least, np.inf), above(before), value


def _falls(surface: Surface, N: np.ndarray) -> bool:
    """Return whether the estimate's loss never rises with tokens, at the sizes asked for."""
    sizes = np.array([[float(N.min())], [float(N.max())]])
    D = np.exp(np.linspace(np.log(FEWEST), np.log(MOST), RUNGS))
    rises = np.diff(surface.point().loss(sizes, D[None]), axis=1)
    return not np.any(rises > 1e-9)


def ridders(
    above: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    at_low: np.ndarray,
    at_high: np.ndarray,
) -> np.ndarray:
    """Return where functions cross 0 within brackets, by Ridders' method, to 1e-12.

    Args:
        above: values at points, both of the brackets' shape; each falls through 0.
        low: lower ends, with values `at_low` of 0 or more; high: upper ends, `at_high` 0 or less.
        at_low: values at the lower ends; at_high: at the upper ones.
    """
    y = high
    for _ in range(12):
        middle = 0.5 * (low + high)
        at_middle = above(middle)
        with np.errstate(all="ignore"):
            scale = np.sqrt(at_middle**2 - at_low * at_high)
            step = (middle - low) * at_middle / scale
        before, y = y, middle + np.where(np.isfinite(step), step, 0.0)
        value = above(y)
        # Keep the tightest pair of points with the root between them; the value falls with y.
        inner_low = np.where(at_middle > 0, middle, low)
        inner_high = np.where(at_middle > 0, high, middle)
        low_value = np.where(at_middle > 0, at_middle, at_low)
        high_value = np.where(at_middle > 0, at_high, at_middle)
        within = (y > inner_low) & (y < inner_high)
        right = within & (value > 0)
        left = within & (value <= 0)
        low, at_low = np.where(right, y, inner_low), np.where(right, value, low_value)
        high, at_high = np.where(left, y, inner_high), np.where(left, value, high_value)
        if float(np.max(np.abs(y - before))) < 1e-12:
            break
    return y
