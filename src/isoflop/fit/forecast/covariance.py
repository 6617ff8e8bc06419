"""What a law does not say: a smooth misfit that goes on, and noise of the rows.

ln y = level + shape + misfit + noise. The misfit is a Gaussian process in ln x with a Matern
3/2 covariance; far from the data it is as large as its amplitude, so what is extrapolated is
uncertain along the whole curve, and more so the farther it goes (Kennedy and O'Hagan 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from isoflop.fit.forecast.priors import Priors
    from isoflop.fit.forecast.rows import Rows

#: Amplitudes tried: standard deviations of the misfit's prior, and noise levels.
_MISFITS = np.linspace(-2.4, 2.4, 7)
_NOISES = np.linspace(-3.0, 3.0, 25)


@dataclass(frozen=True)
class Scales:
    """Pairs of amplitudes on a grid, [pair]: noise of one evaluation, misfit, prior weight."""

    noise: np.ndarray
    misfit: np.ndarray
    log_prior: np.ndarray


def scales(rows: Rows, priors: Priors) -> Scales:
    """Return the grid of amplitudes, in units of ln y, for a curve."""
    noise, misfit = (a.ravel() for a in np.meshgrid(_NOISES, _MISFITS, indexing="ij"))
    log_prior = -0.5 * (noise**2 + misfit**2)
    log_prior -= np.log(np.exp(log_prior).sum())
    size = np.log(rows.reach)
    return Scales(
        np.exp(size + priors.noise[0] + priors.noise[1] * noise),
        np.exp(size + priors.misfit[0] + priors.misfit[1] * misfit),
        log_prior,
    )


def misfit(a: np.ndarray, b: np.ndarray, reach: float, growth: float) -> np.ndarray:
    """Covariance of the misfit of unit amplitude between ln x of a and of b, [a, b]."""
    s = np.sqrt(3) * np.abs(a[:, None] - b[None, :]) / reach
    return amplitude(a, growth)[:, None] * amplitude(b, growth) * (1 + s) * np.exp(-s)


def amplitude(u: np.ndarray, growth: float) -> np.ndarray:
    """Amplitude of the misfit at ln x, relative to that at the last row and beyond, [row]."""
    return np.exp(growth * np.maximum(-u, 0.0))


@dataclass(frozen=True)
class Noise:
    """A kind of noise.

    Args:
        shared: whether neighbouring rows have a part of it in common.
        absolute: whether its size is that of y rather than of ln y: then it is smaller, in ln y,
            where y is larger.
    """

    shared: bool
    absolute: bool


#: The kinds that are tried, all with equal prior weight.
KINDS = tuple(Noise(shared, absolute) for shared in (False, True) for absolute in (False, True))


def noise_root(rows: Rows, variance: np.ndarray, kind: Noise, priors: Priors) -> np.ndarray:
    """Return the Cholesky factor [row, row] of noise; one evaluation at the end has unit noise.

    Args:
        rows: of the curve.
        variance: of each row's own noise, [row].
        kind: of noise.
        priors: with the share that neighbours have in common, and how far it reaches.
    """
    deviation = np.sqrt(variance)
    if kind.absolute:
        deviation = deviation * np.exp(np.min(rows.log_y) - rows.log_y)
    if not kind.shared:
        return np.diag(deviation)
    share, length = priors.memory
    near = np.exp(-np.abs(rows.u[:, None] - rows.u[None, :]) / length)
    both = (1 - share) * np.eye(len(deviation)) + share * near
    return deviation[:, None] * np.linalg.cholesky(both)
