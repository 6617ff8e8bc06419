"""How one model's accuracy grows with samples: what was observed, and laws beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.plan.sampling.families import FAMILIES, Rates, fit_rates
from isoflop.plan.sampling.power import Power, fit_power

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.laws.law import Law
    from isoflop.plan.sampling.attempts import Attempts
    from isoflop.plan.sampling.verifier import Verifier

Selector = Literal["coverage", "majority", "weighted", "best", "verifier"]

#: Points of the curve that the power law is fitted to, evenly spaced in log k.
_POINTS = 20
_FARTHEST = 1e12


@dataclass(frozen=True)
class Observed:
    """Attempts with their resamples.

    Args:
        attempts: the counts.
        weights: how often each problem counts [1 + sample, problem]; ones first.
        seed: of the choice of family by sample.
    """

    attempts: Attempts
    weights: np.ndarray
    seed: int

    def accuracy(self, k: int, how: Selector, verifier: Verifier | None = None) -> np.ndarray:
        """Return accuracy at k samples [1 + sample], the estimate first.

        Unbiased from the attempts where each problem has k; from the fitted distribution beyond
        and for a verifier. NaN where there is neither (votes of more than the attempts).
        """
        if how == "verifier":
            if verifier is None:
                raise InputError("no verifier was stated.", do="--verifier auc=0.8")
            judged = verifier
            return self.mixed([r.mean(lambda p: judged.accuracy(p, k)) for r in self.rates])
        if k <= self.attempts.fewest:
            seed = (self.seed,) if how == "weighted" else ()
            each = getattr(self.attempts, how)(k, *seed)
            return self.weights @ each / self.weights.sum(axis=1)
        if how == "coverage":
            return self.predicted(k)
        return np.full(len(self.weights), np.nan)

    def predicted(self, k: float) -> np.ndarray:
        """Return coverage at k by the fitted families [1 + sample]; NaN if none can be fitted."""
        return self.mixed([rates.coverage(k) for rates in self.rates])

    def mixed(self, values: list[np.ndarray]) -> np.ndarray:
        """Mix the families' values [1 + sample]: means for the estimate, draws for the samples."""
        if not values:
            return np.full(len(self.weights), np.nan)
        stacked = np.stack(values)
        rng = np.random.default_rng(self.seed)
        drawn = rng.choice(len(values), size=stacked.shape[1], p=self.family_weights)
        found = stacked[drawn, np.arange(stacked.shape[1])]
        found[0] = self.family_weights @ stacked[:, 0]
        return found

    @cached_property
    def rates(self) -> list[Rates]:
        """Fitted distributions of success rates; none if all attempts ended alike."""
        n, c = self.attempts.n, self.attempts.c
        try:
            return [fit_rates(n, c, self.weights, family) for family in FAMILIES]
        except NotIdentified:
            return []

    @cached_property
    def family_weights(self) -> np.ndarray:
        """Akaike weight of each family."""
        aic = np.array([rates.aic for rates in self.rates])
        share = np.exp(-0.5 * (aic - aic.min()))
        return share / share.sum()

    @cached_property
    def power(self) -> Power | None:
        """The exponentiated power law through the observed curve; None if it has no curve."""
        most = self.attempts.fewest
        k = np.unique(np.round(np.geomspace(1, most, _POINTS)).astype(int))
        if len(k) < 3 or not self.attempts.c.any():
            return None
        curve = np.stack([self.accuracy(int(x), "coverage") for x in k], axis=1)
        return fit_power(k, curve)

    def reach(self, wanted: float) -> np.ndarray:
        """Return the samples at which predicted coverage reaches `wanted` [1 + sample].

        Infinite where it stays below (problems that are never solved) or takes more than 1e12.
        """
        if not self.rates:
            return np.full(len(self.weights), np.inf)
        found = self.mixed([_reach(rates, wanted) for rates in self.rates])
        found[0] = _first(lambda k: float(self.predicted(k)[0]), wanted)
        return found


@dataclass(frozen=True)
class Stated:
    """Published constants of a coverage law: one curve, no samples."""

    law: Law
    constants: dict[str, float]

    def accuracy(self, k: int, how: Selector, verifier: Verifier | None = None) -> np.ndarray:
        """Return coverage at k samples [1].

        Raises:
            InputError: something else than coverage is asked for.
        """
        if how != "coverage":
            raise InputError(
                f"constants of `{self.law.name}` give coverage only, not {how}.",
                "Votes and verifiers need the attempts themselves.",
            )
        return self.predicted(k)

    def predicted(self, k: float) -> np.ndarray:
        """Return coverage at k samples [1]."""
        return np.atleast_1d(self.law(float(k), **self.constants))

    def reach(self, wanted: float) -> np.ndarray:
        """Return the samples at which coverage reaches `wanted` [1], by halving; inf past 1e12."""
        return np.array([_first(lambda k: float(self.predicted(k)[0]), wanted)])


def _first(coverage: Callable[[float], float], wanted: float) -> float:
    """Return the k at which a rising curve reaches `wanted`; infinite past 1e12."""
    if coverage(_FARTHEST) < wanted:
        return float("inf")
    low, high = 0.0, float(np.log(_FARTHEST))
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = coverage(float(np.exp(middle))) < wanted
        low, high = (middle, high) if below else (low, middle)
    return float(np.exp(high))


def _reach(rates: Rates, wanted: float) -> np.ndarray:
    low, high = np.zeros(len(rates.alpha)), np.full(len(rates.alpha), np.log(_FARTHEST))
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = rates.coverage(np.exp(middle)) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(rates.coverage(_FARTHEST) < wanted, np.inf, np.exp(high))
