"""The posterior of a curve: every law, misfit and noise level, weighted by evidence.

Level and misfit are linear and Gaussian, so their share of the evidence is exact; amplitudes
lie on a grid that one eigendecomposition serves; parameters of the laws are prior draws, each
with its own weight. Nothing is optimised, so nothing can stop early.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.fit.forecast.candidates import Span, shapes
from isoflop.fit.forecast.covariance import (
    KINDS,
    Noise,
    Scales,
    misfit,
    noise_root,
    scales,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.fit.forecast.priors import Priors
    from isoflop.fit.forecast.rows import Rows


@dataclass(frozen=True)
class Basis:
    """Coordinates in which noise and misfit are both diagonal, for one kind of both.

    Args:
        kind: of noise; reach, growth: of the misfit.
        whiten: [row, row]; misfits: variance of a unit misfit in each coordinate, [row].
        ones: the level in these coordinates, [row].
        carry: covariance of the misfit everywhere with these coordinates, [everywhere, row].
        log_volume: ln of the determinant of `whiten`.
    """

    kind: Noise
    reach: float
    growth: float
    whiten: np.ndarray
    misfits: np.ndarray
    ones: np.ndarray
    carry: np.ndarray
    log_volume: float


@dataclass(frozen=True)
class Block:
    """One law in one basis: ln of its likelihood times the prior within the law, [pair, draw].

    Args:
        law: name; basis: see there; shape: ln y over the level, [draw, everywhere].
        rest: rows less shape in the basis, [row, draw].
        log_weight: [pair, draw].
    """

    law: str
    basis: Basis
    shape: np.ndarray
    rest: np.ndarray
    log_weight: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """Blocks with their grid of amplitudes, and where they can be asked.

    Args:
        rows: of the curve.
        everywhere: ln x of the rows, then of the places asked for, [everywhere].
        pairs: amplitudes.
        blocks: laws in bases.
        variance: of the rows' noise in units of one evaluation, [row].
        priors: of the laws, and how far evidence between them is trusted.
    """

    rows: Rows
    everywhere: np.ndarray
    pairs: Scales
    blocks: tuple[Block, ...]
    variance: np.ndarray
    priors: Priors

    def shares(self) -> dict[str, float]:
        """Posterior probability of each law."""
        found: dict[str, float] = {}
        for block, mass in zip(self.blocks, self._masses, strict=True):
            found[block.law] = found.get(block.law, 0.0) + float(mass.sum())
        return found

    @cached_property
    def _masses(self) -> list[np.ndarray]:
        """Weight of every component, [pair, draw] a block; all sum to one."""
        top = dict.fromkeys(self.priors.laws, -np.inf)
        for block in self.blocks:
            top[block.law] = max(top[block.law], float(block.log_weight.max()))
        masses = [np.exp(block.log_weight - top[block.law]) for block in self.blocks]
        evidence = dict.fromkeys(top, 0.0)
        for block, mass in zip(self.blocks, masses, strict=True):
            evidence[block.law] += float(mass.sum())
        power = {
            law: np.log(prior) + self.priors.trust * (np.log(evidence[law]) + top[law])
            for law, prior in self.priors.laws.items()
            if evidence[law] > 0
        }
        best = max(power.values())
        total = sum(np.exp(value - best) for value in power.values())
        return [
            mass * np.exp(power[block.law] - best) / total / evidence[block.law]
            for block, mass in zip(self.blocks, masses, strict=True)
        ]

    def choose(self, count: int) -> list[tuple[Block, np.ndarray, np.ndarray]]:
        """Return components in proportion to their weight: block, pairs and draws, [chosen].

        Systematic: a component of weight w is chosen floor or ceil of count times w times.
        """
        places = (np.arange(count) + 0.5) / count
        chosen, start = [], 0.0
        for block, mass in zip(self.blocks, self._masses, strict=True):
            sums = start + np.cumsum(mass.ravel())
            inside = places[(places >= start) & (places < sums[-1])]
            if len(inside):
                pair, draw = np.unravel_index(
                    np.minimum(np.searchsorted(sums, inside, side="right"), mass.size - 1),
                    mass.shape,
                )
                chosen.append((block, pair, draw))
            start = sums[-1]
        return chosen

    def krige(
        self, block: Block, pair: np.ndarray, target: np.ndarray, shape: np.ndarray | float
    ) -> np.ndarray:
        """Return the mean of shape + level + misfit given targets, [everywhere, chosen].

        Args:
            block, pair: the components, [chosen].
            target: rows less shape in the block's basis, [row, chosen].
            shape: added to the result, [everywhere, chosen].
        """
        basis = block.basis
        misfit2 = self.pairs.misfit[pair] ** 2
        inverse = 1 / (self.pairs.noise[pair] ** 2 + misfit2 * basis.misfits[:, None])
        level = (basis.ones[:, None] * inverse * target).sum(0) / (
            basis.ones[:, None] ** 2 * inverse
        ).sum(0)
        rest = target - basis.ones[:, None] * level
        return shape + level + misfit2 * (basis.carry @ (inverse * rest))

    def mean(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean ln y everywhere, [everywhere], and noise of an evaluation, [chosen]."""
        total, noises = np.zeros(len(self.everywhere)), []
        for block, pair, draw in self.choose(count):
            shape = block.shape[draw].T
            total += self.krige(block, pair, block.rest[:, draw], shape).sum(1)
            noises.append(self.pairs.noise[pair])
        return total / count, np.concatenate(noises)


def posterior(rows: Rows, asked: np.ndarray, priors: Priors) -> Posterior:
    """Return the posterior of a curve.

    Args:
        rows: training rows.
        asked: ln x of the places to predict in units of the last row, [asked].
        priors: see there.
    """
    target, variance = rows.log_y, 1 / rows.evaluations
    if rows.tied.any():
        target, variance = _working(rows, asked, priors)
    return _posterior(rows, asked, priors, target, variance)


def _posterior(
    rows: Rows, asked: np.ndarray, priors: Priors, target: np.ndarray, variance: np.ndarray
) -> Posterior:
    everywhere = np.concatenate([rows.u, asked])
    span = Span(
        float(rows.u[0]),
        float(max(everywhere.max(), 0.0)),
        float(max(rows.log_y.max() - rows.log_y[-1], 1e-3)),
    )
    drawn = {law: shapes(law, everywhere, span, priors) for law in priors.laws}
    pairs = scales(rows, priors)
    blocks = [
        _block(law, basis, shape, target, pairs, np.log(priors.reaches[basis.reach] / len(shape)))
        for basis in _bases(rows, everywhere, variance, priors)
        for law, shape in drawn.items()
        if len(shape)
    ]
    return Posterior(rows, everywhere, pairs, tuple(blocks), variance, priors)


def _bases(
    rows: Rows, everywhere: np.ndarray, variance: np.ndarray, priors: Priors
) -> Sequence[Basis]:
    found = []
    n = len(rows.u)
    for kind in KINDS:
        root = noise_root(rows, variance, kind, priors)
        plain = np.linalg.inv(root)
        for reach in priors.reaches:
            for growth in priors.growths:
                carry = misfit(everywhere, rows.u, reach, growth)
                inner = plain @ carry[:n] @ plain.T
                values, vectors = np.linalg.eigh((inner + inner.T) / 2)
                whiten = vectors.T @ plain
                found.append(
                    Basis(
                        kind,
                        reach,
                        growth,
                        whiten,
                        np.maximum(values, 0.0),
                        whiten.sum(1),
                        carry @ whiten.T,
                        -float(np.log(np.diag(root)).sum()),
                    )
                )
    return found


def _block(
    law: str,
    basis: Basis,
    shape: np.ndarray,
    target: np.ndarray,
    pairs: Scales,
    log_draw: float,
) -> Block:
    n = len(target)
    rest = basis.whiten @ (target[:, None] - shape[:, :n].T)
    inverse = 1 / (pairs.noise[:, None] ** 2 + pairs.misfit[:, None] ** 2 * basis.misfits)
    level = (basis.ones**2 * inverse).sum(1)
    squares = inverse @ rest**2 - ((basis.ones * inverse) @ rest) ** 2 / level[:, None]
    volume = 0.5 * np.log(inverse).sum(1) - 0.5 * np.log(level) + basis.log_volume
    log_weight = (pairs.log_prior + volume)[:, None] - 0.5 * squares + log_draw
    return Block(law, basis, shape, rest, log_weight)


def _working(rows: Rows, asked: np.ndarray, priors: Priors) -> tuple[np.ndarray, np.ndarray]:
    """Targets and noise variances that stand for rows of a running minimum, [row] each.

    A tied row says that its evaluation was at least y: ln of the normal survival function, which
    is replaced by the parabola of equal slope and curvature at the current mean (Laplace).
    """
    plain = 1 / rows.evaluations
    target, variance = rows.log_y, np.where(rows.tied, 1e3 * plain, plain)
    quick = replace(
        priors,
        laws=_heaviest(priors.laws),
        reaches=_heaviest(priors.reaches),
        growths=priors.growths[:1],
    )
    for _ in range(3):
        mean, noise = _posterior(rows, asked, quick, target, variance).mean(200)
        deviation = np.exp(np.mean(np.log(noise))) * np.sqrt(plain)
        z = (rows.log_y - mean[: len(rows.u)]) / deviation
        hazard = _hazard(z)
        curvature = np.clip(hazard * (hazard - z), 1e-3, 1.0)
        pulled = mean[: len(rows.u)] + deviation * hazard / curvature
        target = np.where(rows.tied, pulled, rows.log_y)
        variance = np.where(rows.tied, plain / curvature, plain)
    return target, variance


def _heaviest(weights: Mapping[Any, float]) -> dict[Any, float]:
    best = max(weights, key=lambda name: weights[name])
    return {best: 1.0}


def _hazard(z: np.ndarray) -> np.ndarray:
    """Density over survival of the standard normal, z held between -8 and 8."""
    from math import erfc

    z = np.clip(z, -8.0, 8.0)
    survival = np.array([0.5 * erfc(v / np.sqrt(2)) for v in z])
    return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / survival
