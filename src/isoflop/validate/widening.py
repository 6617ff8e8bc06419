"""How much wider than its samples a prediction must be, learned from past misses.

A law that fits is still not the law. Beyond its runs the error of the form grows with distance.
It is counted as a share kappa of the law's reach (what the law moves between the edge of its runs
and the point, by its slope there):

    observed = predicted + samples + run noise + kappa z reach,    z normal, one for all points

kappa differs from table to table. Its prior, log-normal, was learned from rolling origins in the
training rows of public tables (bench/interval_coverage.py); rolling origins in one's own runs
update it. This is the manner of conformal prediction (errors made before set the width), with a
prior where too few errors have been made to set it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.validate.rolling import Member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.validate.rolling import Fold

#: Values of kappa that are considered.
GRID = np.geomspace(1e-3, 30.0, 90)


class Prior(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of kappa before a table is seen: ln kappa is normal.

    Args:
        centre: median of kappa; spread: standard deviation of ln kappa.
        tables: families of tables it was learned from.
    """

    centre: float
    spread: float
    tables: tuple[str, ...] = ()

    def weights(self) -> np.ndarray:
        """Return the probability of each value of `GRID`."""
        z = (np.log(GRID) - np.log(self.centre)) / self.spread
        density = np.exp(-0.5 * z * z)
        return density / density.sum()


class Widening(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of kappa after the table's own rolling origins.

    Args:
        probability: of each value of `GRID`.
        folds: origins that were used.
    """

    probability: tuple[float, ...]
    folds: int = 0

    @property
    def kappa(self) -> float:
        """Median of kappa."""
        return float(GRID[np.searchsorted(np.cumsum(self.probability), 0.5)])

    def draw(self, reach: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
        """Return shifts [sample, *shape] on the scale of residuals for reaches [*shape].

        One sample errs in the same direction everywhere: a curve that bends, bends for all points.
        """
        kappa = rng.choice(GRID, size=samples, p=np.asarray(self.probability))
        z = rng.standard_normal(samples)
        return (kappa * z).reshape(-1, *(1,) * reach.ndim) * reach


def learn(prior: Prior, folds: Sequence[Fold], weights: Mapping[str, float]) -> Widening:
    """Update the prior with the misses of a table's own rolling origins.

    Args:
        prior: of kappa; folds: of `rolling.backtest`; weights: of the laws, by name.
    """
    likelihoods = [log_likelihood(fold, weights) for fold in folds]
    return update(prior, [x for x in likelihoods if x is not None])


def update(prior: Prior, likelihoods: Sequence[np.ndarray]) -> Widening:
    """Return the posterior of kappa from `log_likelihood` of some folds."""
    total = np.log(np.maximum(prior.weights(), 1e-300)) + sum(likelihoods, np.zeros(len(GRID)))
    probability = np.exp(total - total.max())
    probability = probability / probability.sum()
    return Widening(probability=tuple(probability.tolist()), folds=len(likelihoods))


def widen(
    values: np.ndarray, reach: np.ndarray, width: Widening, *, logs: bool, seed: int
) -> np.ndarray:
    """Return samples [sample, *shape] with the error of the form added.

    Args:
        values: samples of a mean or of runs; reach: [*shape]; width: of kappa.
        logs: whether reaches are of logarithms; seed: equal seeds give equal errors.
    """
    shift = width.draw(reach, len(values), np.random.default_rng([seed, 11]))
    with np.errstate(over="ignore", invalid="ignore"):
        return values * np.exp(shift) if logs else values + shift


def log_likelihood(fold: Fold, weights: Mapping[str, float]) -> np.ndarray | None:
    """Return ln p(errors of a fold | kappa) for each kappa of `GRID`, or None without a fit.

    Errors are normal with the covariance of the samples and the laws, the runs' own noise, and
    kappa^2 reach reach^T. All larger runs hang on the same few smaller ones, and the folds on each
    other, so a fold counts as one observation and not as one for each of its runs.
    """
    mixed = mix(fold, weights)
    if mixed is None or not np.any(mixed.reach > 0):
        return None
    # Runs without noise would make the matrix singular: a millionth is the least that is resolved.
    least = 1e-12 * max(1.0, float(np.mean(mixed.centre**2)))
    least += 1e-10 * float(np.max(np.diag(mixed.covariance)))
    base = mixed.covariance + (mixed.noise + least) * np.eye(len(mixed.error))
    root = np.linalg.cholesky(base)
    e = np.linalg.solve(root, mixed.error)
    h = np.linalg.solve(root, mixed.reach)
    ee, eh, hh = float(e @ e), float(e @ h), float(h @ h)
    # Matrix determinant lemma and Sherman-Morrison for base + kappa^2 h h^T.
    scale = 1.0 + GRID**2 * hh
    return -0.5 * (np.log(scale) + ee - GRID**2 * eh**2 / scale)


def mix(fold: Fold, weights: Mapping[str, float]) -> Member | None:
    """Return a fold's prediction by the laws together: mean, covariance, noise and reach."""
    found = [(m, weights.get(name, 0.0)) for name, m in fold.members.items()]
    found = [(m, w) for m, w in found if w > 0]
    if not found:
        return None
    members = [m for m, _ in found]
    share = np.array([w for _, w in found])
    share = share / share.sum()
    centres = np.stack([m.centre for m in members])
    centre = share @ centres
    gaps = centres - centre
    between = np.einsum("m,mi,mj->ij", share, gaps, gaps)
    within = np.tensordot(share, np.stack([m.covariance for m in members]), 1)
    observed = members[0].error + members[0].centre
    return Member(
        error=observed - centre,
        covariance=within + between,
        noise=float(share @ [m.noise for m in members]),
        reach=np.sqrt(share @ np.square([m.reach for m in members])),
        centre=centre,
    )


def fit_prior(likelihoods: Mapping[str, Sequence[np.ndarray]]) -> Prior:
    """Learn the prior of kappa from the likelihoods of many tables.

    Args:
        likelihoods: family of tables -> for each of its tables, ln p(errors | kappa) on `GRID`.
            A family counts once, however many tables it has.

    Returns:
        The median and spread under which the families' errors are most probable.
    """
    best, chosen = -np.inf, (1.0, 1.0)
    for centre in np.geomspace(0.01, 3.0, 60):
        for spread in np.linspace(0.2, 4.0, 39):
            prior = np.log(np.maximum(Prior(centre=centre, spread=spread).weights(), 1e-300))
            total = 0.0
            for tables in likelihoods.values():
                each = [np.logaddexp.reduce(prior + x) for x in tables]
                total += float(np.mean(each))
            if total > best:
                best, chosen = total, (float(centre), float(spread))
    return Prior(centre=chosen[0], spread=chosen[1], tables=tuple(sorted(likelihoods)))
