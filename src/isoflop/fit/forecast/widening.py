"""Wider samples for curves of few rows, or of rows that have hardly fallen.

With few rows the size of misfit and noise is a guess, and averaging over a prior of it is not
enough: forecasts of held-back rows missed by a Student t rather than by a normal distribution
(`bench/forecast_widening.py`). Samples keep their median and their order along the curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isoflop.fit.forecast.priors import Priors
    from isoflop.fit.forecast.rows import Rows

#: Fewest degrees of freedom: with one, intervals of 99 % would span everything.
_FEWEST = 2


def widened(
    log_curves: np.ndarray, noise: np.ndarray, rows: Rows, priors: Priors, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return samples as far from their median as the rows warrant.

    Args:
        log_curves: of ln y, [sample, point].
        noise: of one evaluation, [sample].
        rows: training rows.
        priors: with what rows are taken for and when a curve has hardly fallen.
        seed: of the samples.
    """
    degrees = max(len(rows.u) - priors.fitted, _FEWEST)
    chi2 = np.random.default_rng([seed, 2]).chisquare(degrees, len(noise))
    size = np.sqrt(degrees / chi2) * hardly_fallen(rows.reach, degrees, priors)
    middle = np.median(log_curves, axis=0)
    return middle + size[:, None] * (log_curves - middle), noise * size


def hardly_fallen(reach: float, degrees: float, priors: Priors) -> float:
    """Factor for curves whose ln y spans little: what comes may be as much as what was seen."""
    enough, power = priors.hardly
    return max(1.0, enough / reach) ** (power / degrees)
