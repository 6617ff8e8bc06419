"""What a forecast says: samples, medians and intervals, and which laws stand behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.samples import interval

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, eq=False)
class Forecast:
    """A forecast of one curve.

    Args:
        x: where it was asked for, [point].
        samples: of y of one evaluation at x: curve and noise, [sample, point].
        curves: of the curve itself, without the noise of an evaluation, [sample, point].
        noise: standard deviation of ln y of one evaluation, [sample].
        weights: posterior probability of each law.
        rows: training rows used, at different x.
        last: x of the last training row.
        notes: what was done to the rows, in words.
    """

    x: np.ndarray
    samples: np.ndarray
    curves: np.ndarray
    noise: np.ndarray
    weights: Mapping[str, float]
    rows: int
    last: float
    notes: tuple[str, ...] = ()

    def median(self) -> np.ndarray:
        """Median of the curve, [point]."""
        return np.median(self.curves, axis=0)

    def interval(self, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the central interval of one evaluation, [point] each."""
        return interval(self.samples, level)

    def log_density(self, y: np.ndarray) -> np.ndarray:
        """Ln of the predictive density of y itself (not of ln y), [point]."""
        y = np.asarray(y, dtype=float)
        z = (np.log(y) - np.log(self.curves)) / self.noise[:, None]
        terms = -0.5 * z**2 - np.log(self.noise[:, None])
        top = terms.max(axis=0)
        mean = np.exp(terms - top).mean(axis=0)
        return top + np.log(mean) - 0.5 * np.log(2 * np.pi) - np.log(y)

    def rank(self, y: np.ndarray) -> np.ndarray:
        """Share of samples below y, [point]: uniform where the forecast is calibrated."""
        return (self.samples < np.asarray(y, dtype=float)).mean(axis=0)


class Prediction(msgspec.Struct, frozen=True):
    """A predicted row.

    Args:
        x: where.
        median: of the curve.
        low: lower end of the interval of one evaluation at x.
        high: upper end.
        observed: what was seen there, if anything; it had no part in the forecast.
    """

    x: float
    median: float
    low: float
    high: float
    observed: float | None = None


class CurveForecast(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of one group of a table.

    Args:
        group: value of the group column; "" without one.
        predictions: one a row that is not training, by x; none where no forecast could be made,
            of which the notes say why: then weights are empty, and noise and last None.
        rmsle: root mean squared difference of natural logarithms of median and observed y;
            None where no y is known.
        coverage: share of observed y inside their intervals; None where no y is known.
        level: of the intervals.
        weights: posterior probability of each law.
        noise: median standard deviation of ln y of one evaluation.
        training_rows: at different x; last: x of the last one.
        decades: log10 of how far beyond it the farthest prediction lies; zero if none does.
        notes: what was done to the rows, in words.
    """

    group: str
    predictions: list[Prediction]
    rmsle: float | None
    coverage: float | None
    level: float
    weights: dict[str, float]
    noise: float | None
    training_rows: int
    last: float | None
    decades: float
    notes: list[str] = []
