"""Curves drawn from a posterior: laws, level and misfit together, hanging together along x."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.forecast.covariance import amplitude, misfit, noise_root

if TYPE_CHECKING:
    from isoflop.fit.forecast.posterior import Posterior
    from isoflop.fit.forecast.priors import Priors


def draw_curves(
    found: Posterior, count: int, priors: Priors, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw curves from the posterior.

    Args:
        found: the posterior.
        count: of curves; rounded up to an even number, since every draw of the misfit is used
            with both signs, which makes medians steady.
        priors: as for the posterior.
        seed: of the draws.

    Returns:
        ln y where it was asked, [sample, asked], and noise of one evaluation, [sample].
    """
    generator = np.random.default_rng(seed)
    half = (count + 1) // 2
    n = len(found.rows.u)
    curves, noises = [], []
    roots: dict[tuple[float, float], np.ndarray] = {}
    for block, pair, draw in found.choose(half):
        basis = block.basis
        key = (basis.reach, basis.growth)
        if key not in roots:
            roots[key] = _root(found.everywhere, *key)
        deviation = roots[key] @ generator.standard_normal((len(found.everywhere), len(pair)))
        deviation *= found.pairs.misfit[pair]
        noise = noise_root(found.rows, found.variance, basis.kind, priors)
        error = noise @ generator.standard_normal((n, len(pair))) * found.pairs.noise[pair]
        mean = found.krige(block, pair, block.rest[:, draw], block.shape[draw].T)
        # What was simulated less its own prediction has the posterior's distribution.
        simulated = basis.whiten @ (deviation[:n] + error)
        spread = deviation - found.krige(block, pair, simulated, 0.0)
        curves += [(mean + spread)[n:].T, (mean - spread)[n:].T]
        noises += [found.pairs.noise[pair]] * 2
    return np.concatenate(curves), np.concatenate(noises)


def _root(everywhere: np.ndarray, reach: float, growth: float) -> np.ndarray:
    full = misfit(everywhere, everywhere, reach, growth)
    jitter = 1e-9 * amplitude(everywhere, growth) ** 2
    return np.linalg.cholesky(full + np.diag(jitter))
