"""How much wider than its samples a prediction must be, learned from past misses.

A law that fits is still not the law, and runs it has not seen scatter more than those it was
fitted to. Two numbers, different from table to table, stand for that:

    observed = predicted + scale x (samples and run noise) + kappa z reach x distance^(growth - 1)

scale multiplies the fit's own uncertainty, everywhere. kappa is the error of the form beyond the
runs, as a share of the law's reach (what it moves between the edge of its runs and the point, by
its slope there) over the first decade; z is normal and one for all points, since a curve that
bends, bends for all of them. A growth of 1 is a slope that is wrong all the way, so that the error
grows with the decades; of 1/2 a slope that wanders, so that its square does.

Their prior was learned from rolling origins in the training rows of public tables
(bench/interval_coverage.py); rolling origins in one's own runs update it. This is the manner of
conformal prediction (errors made before set the width), with a prior where too few errors have
been made to set it alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.samples import median
from isoflop.validate.rolling import Member

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.validate.rolling import Fold

#: Values of scale and kappa that are considered.
SCALE = np.geomspace(0.5, 32.0, 13)
KAPPA = np.geomspace(1e-3, 30.0, 46)

#: Robust deviations beyond which an error of a fold is one run's own, and the fewest errors that
#: tell a deviation.
FAR, ENOUGH = 6.0, 5


class Prior(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of scale and kappa before a table is seen: their logarithms are normal.

    Args:
        scale, kappa: median, and standard deviation of the logarithm.
        families: of tables it was learned from.
        growth: power of the distance that the error of the form grows with.
        once: whether the origins of one table count as one together: they share their runs.
    """

    scale: tuple[float, float]
    kappa: tuple[float, float]
    families: tuple[str, ...] = ()
    growth: float = 1.0
    once: bool = False

    def log_weights(self) -> np.ndarray:
        """Return ln probability at each value of `SCALE` and `KAPPA`, [scale, kappa]."""
        a = _log_normal(SCALE, *self.scale)[:, None]
        return a + _log_normal(KAPPA, *self.kappa)

    def evidence(self, likelihoods: Sequence[np.ndarray]) -> np.ndarray:
        """Return ln p(errors of a table | scale, kappa) from those of its folds, [scale, kappa]."""
        total = sum(likelihoods, np.zeros((len(SCALE), len(KAPPA))))
        return total / max(len(likelihoods), 1) if self.once else total


class Widening(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of scale and kappa after the table's own rolling origins.

    Args:
        probability: of each value of `SCALE` and `KAPPA`, [scale][kappa].
        folds: origins that were used; growth: of the prior.
    """

    probability: tuple[tuple[float, ...], ...]
    folds: int = 0
    growth: float = 1.0

    @property
    def kappa(self) -> float:
        """Median of kappa."""
        return _median(KAPPA, np.sum(self.probability, axis=0))

    @property
    def scale(self) -> float:
        """Median of the scale."""
        return _median(SCALE, np.sum(self.probability, axis=1))

    def widen(
        self,
        values: np.ndarray,
        centre: np.ndarray,
        reach: np.ndarray,
        distance: np.ndarray,
        *,
        logs: bool,
        seed: int,
    ) -> np.ndarray:
        """Return samples [sample, *shape] with scale and the error of the form applied.

        Args:
            values: samples of a mean or of runs [sample, *shape].
            centre: what deviations are scaled about; reach; distance: decades; all [*shape].
            logs: whether deviations are of logarithms; seed: equal seeds give equal draws.
        """
        rng = np.random.default_rng([seed, 11])
        flat = np.ravel(self.probability)
        drawn = rng.choice(flat.size, size=len(values), p=flat / flat.sum())
        shape = (-1, *(1,) * np.ndim(reach))
        scale = SCALE[drawn // len(KAPPA)].reshape(shape)
        form = (KAPPA[drawn % len(KAPPA)] * rng.standard_normal(len(values))).reshape(shape)
        form = form * grown(reach, distance, self.growth)
        with np.errstate(all="ignore"):
            if logs:
                return centre * (values / centre) ** scale * np.exp(form)
            return centre + (values - centre) * scale + form


def grown(reach: np.ndarray, distance: np.ndarray, growth: float) -> np.ndarray:
    """Return reach x distance^(growth - 1), [*shape]: what kappa is a share of.

    It is zero inside the runs; where a distance is not finite it is the reach.
    """
    away = np.where(np.isfinite(distance) & (distance > 0), distance, 1.0)
    return np.asarray(reach * away ** (growth - 1.0))


def middle(values: np.ndarray) -> np.ndarray:
    """Return the median [*shape] of those samples [sample, *shape] that are finite numbers."""
    known = np.isfinite(values)
    empty = ~known.any(axis=0)
    found = np.nanmedian(np.where(empty, 0.0, np.where(known, values, np.nan)), axis=0)
    return np.where(empty, np.nan, found)


def learn(prior: Prior, folds: Sequence[Fold], weights: Mapping[str, float]) -> Widening:
    """Update the prior with the misses of a table's own rolling origins.

    Args:
        prior: of scale and kappa; folds: of `rolling.backtest`; weights: of the laws, by name.
    """
    likelihoods = [log_likelihood(fold, weights, prior.growth) for fold in folds]
    return update(prior, [x for x in likelihoods if x is not None])


def update(prior: Prior, likelihoods: Sequence[np.ndarray]) -> Widening:
    """Return the posterior of scale and kappa from `log_likelihood` of some folds."""
    total = prior.log_weights() + prior.evidence(likelihoods)
    probability = np.exp(total - total.max())
    probability = probability / probability.sum()
    return Widening(
        probability=tuple(map(tuple, probability.tolist())),
        folds=len(likelihoods),
        growth=prior.growth,
    )


def log_likelihood(
    fold: Fold, weights: Mapping[str, float], growth: float = 1.0
) -> np.ndarray | None:
    """Return ln p(errors of a fold | scale, kappa), [scale, kappa], or None without a fit.

    Errors are normal with scale^2 times the covariance of the samples, the laws and the runs' own
    noise, and kappa^2 g g^T with g the `grown` reach. All larger runs hang on the same few smaller
    ones, so a fold says little of kappa, however many runs it has: its z is one draw. A run that
    diverged says nothing of the others: errors far from the rest are moved in.
    """
    mixed = mix(fold, weights)
    if mixed is None:
        return None
    count = len(mixed.error)
    root = np.linalg.cholesky(mixed.covariance + mixed.noise * np.eye(count))
    e = np.linalg.solve(root, _moved_in(mixed.error, mixed.noise))
    h = np.linalg.solve(root, grown(mixed.reach, fold.distance, growth))
    ee, eh, hh = float(e @ e), float(e @ h), float(h @ h)
    s, k = SCALE[:, None] ** 2, KAPPA**2
    # Matrix determinant lemma and Sherman-Morrison for s base + k h h^T.
    determinant = count * np.log(s) + np.log1p(k * hh / s)
    return -0.5 * (determinant + (ee - k * eh**2 / (s + k * hh)) / s)


def _moved_in(error: np.ndarray, noise: float) -> np.ndarray:
    """Return a fold's errors [run] with those moved in that lie `FAR` deviations from the middle.

    A deviation is that of the errors (1.4826 times the median absolute one), or of the noise if
    that is more; fewer than `ENOUGH` errors are as they are.
    """
    if len(error) < ENOUGH:
        return error
    centre = median(error)
    bound = FAR * max(1.4826 * median(np.abs(error - centre)), np.sqrt(noise))
    return np.clip(error, centre - bound, centre + bound)


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


def fit_prior(
    likelihoods: Mapping[str, Sequence[Sequence[np.ndarray]]], start: Prior | None = None
) -> Prior:
    """Learn the prior from the likelihoods of many tables.

    Args:
        likelihoods: family of tables -> for each of its tables, `log_likelihood` of its folds.
            A family counts once, however many tables it has.
        start: the prior that is begun with; it says `growth` and `once`.

    Returns:
        The medians and spreads under which the families' errors are most probable, on a grid,
        by turns for scale and kappa until neither changes.
    """
    middles = {"scale": np.geomspace(0.7, 8.0, 25), "kappa": np.geomspace(0.01, 3.0, 30)}
    spreads = np.linspace(0.1, 3.0, 30)
    start = start or Prior(scale=(1.4, 0.5), kappa=(0.2, 1.0))
    best = msgspec.structs.replace(start, families=tuple(sorted(likelihoods)))
    evidence = {name: [best.evidence(x) for x in tables] for name, tables in likelihoods.items()}
    while True:
        before = best
        for name, centres in middles.items():
            tried = [
                msgspec.structs.replace(best, **{name: (float(c), float(s))})
                for c in centres
                for s in spreads
            ]
            best = tried[int(np.argmax(_evidence(tried, evidence)))]
        if best == before:
            return best


def _evidence(priors: Sequence[Prior], found: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Return ln p(errors | prior), the sum over families of the mean over tables, [prior]."""
    weights = np.exp([np.ravel(prior.log_weights()) for prior in priors])
    total = np.zeros(len(priors))
    for tables in found.values():
        logs = np.array([np.ravel(x) for x in tables])
        top = logs.max(axis=1, keepdims=True)
        # A prior that gives an error no probability at all is not minus infinity but very bad.
        each = np.log(np.maximum(np.exp(logs - top) @ weights.T, 1e-300)) + top
        total += each.mean(axis=0)
    return total


def _log_normal(grid: np.ndarray, centre: float, spread: float) -> np.ndarray:
    """Return ln probability of each value of a grid under a log-normal distribution."""
    density = -0.5 * (np.log(grid / centre) / spread) ** 2
    return density - np.logaddexp.reduce(density)


def _median(grid: np.ndarray, probability: np.ndarray) -> float:
    return float(grid[np.searchsorted(np.cumsum(probability), 0.5)])
