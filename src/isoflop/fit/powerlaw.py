"""A power law through a few uncertain points: a straight line in log-log, with samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.errors import NotIdentified


@dataclass(frozen=True)
class PowerLaw:
    """ln y = level + exponent (ln C - centre), as a point and as samples.

    Args:
        centre: mean of ln C of the points, where level and exponent are uncorrelated.
        level, exponent: the point estimate.
        levels, exponents: samples, shape [sample].
        scatter: standard deviation of the points about the line beyond their own noise (in ln y).
    """

    centre: float
    level: float
    exponent: float
    levels: np.ndarray
    exponents: np.ndarray
    scatter: float

    def point(self, C: np.ndarray | float) -> np.ndarray:
        """Return y at C (FLOPs), shape of C."""
        return np.exp(self.level + self.exponent * (np.log(C) - self.centre))

    def sample(self, C: np.ndarray | float) -> np.ndarray:
        """Return samples of y at C, shape [sample, *shape of C]."""
        x = np.log(np.asarray(C, dtype=float)) - self.centre
        shape = (-1,) + (1,) * x.ndim
        return _exp(self.levels.reshape(shape) + self.exponents.reshape(shape) * x)

    def coefficient(self) -> tuple[float, np.ndarray]:
        """Return y at C = 1 FLOP: the prefactor of C**exponent, point and samples [sample]."""
        point = float(_exp(self.level - self.exponent * self.centre))
        return point, _exp(self.levels - self.exponents * self.centre)


def _exp(x: np.ndarray | float) -> np.ndarray:
    """The exponential, kept finite: a wild sample is a very wide one, not an error."""
    return np.exp(np.clip(x, -700.0, 700.0))


def fit_power_law(
    C: np.ndarray,
    y: np.ndarray,
    samples: np.ndarray,
    rng: np.random.Generator,
    *,
    weights: np.ndarray | None = None,
) -> PowerLaw:
    """Fit a straight line to ln y over ln C by least squares, for the point and every sample.

    Where the points scatter about the line by more than their own samples say, the rest is
    model error: it is added to every sample as independent noise, so that intervals widen.

    Args:
        C: compute of each point, FLOPs, shape [point].
        y: estimates, shape [point], positive.
        samples: samples of y, shape [sample, point]; NaN marks a sample without an optimum. It
            is left out of its line, as a budget without one is left out of the estimate; a line
            needs two, and is NaN with fewer: summaries count it as lying anywhere.
        rng: source of the scatter noise.
        weights: of the squares, shape [point]; equal if None.

    Raises:
        NotIdentified: fewer than two distinct values of C.
    """
    x = np.log(np.asarray(C, dtype=float))
    if len(x) < 2 or np.ptp(x) < 1e-9:
        raise NotIdentified(
            f"a power law of C needs at least two budgets; there are {len(np.unique(x))}.",
            do="Add a budget at least three times larger or smaller.",
        )
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    centre = float(w @ x / w.sum())
    level, exponent = _lines(x - centre, np.log(y)[None], w)[0]
    with np.errstate(invalid="ignore"):
        logs = np.log(samples)  # NaN where a wild sample is negative
    scatter = _scatter(np.log(y) - level - exponent * (x - centre), logs, w)
    noisy = logs + rng.normal(0.0, scatter, logs.shape) if scatter > 0 else logs
    lines = _lines(x - centre, noisy, w)
    return PowerLaw(centre, float(level), float(exponent), lines[:, 0], lines[:, 1], scatter)


def _lines(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return level and slope of the weighted line through each row of y, [row, 2].

    Missing points are left out; a row of fewer than two is NaN.

    Args:
        x: shape [point]; y: [row, point]; w: [point].
    """
    known = np.isfinite(y)
    use = known * w
    filled = np.where(known, y, 0.0)
    total, moment, square = use.sum(axis=1), use @ x, use @ x**2
    first, cross = (use * filled).sum(axis=1), (use * filled) @ x
    enough = known.sum(axis=1) >= 2
    determinant = np.where(enough, total * square - moment**2, np.nan)
    slope = (total * cross - moment * first) / determinant
    return np.stack([(first - slope * moment) / np.where(enough, total, np.nan), slope], axis=1)


def _scatter(residual: np.ndarray, logs: np.ndarray, w: np.ndarray) -> float:
    """Standard deviation beyond the points' own noise; zero where two points define the line."""
    freedom = len(residual) - 2
    if freedom < 1:
        return 0.0
    share = w / w.sum()
    own = float(share @ np.nan_to_num(np.nanvar(logs, axis=0)))
    return float(np.sqrt(max(0.0, share @ residual**2 * len(residual) / freedom - own)))
