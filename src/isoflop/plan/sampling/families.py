"""Success rates of problems from counts: beta-binomial, also with a share that is never solved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.laws.coverage import beta_binomial_log_likelihood, coverage_beta
from isoflop.laws.gamma import digamma, gammaln, trigamma

if TYPE_CHECKING:
    from collections.abc import Callable

#: Nodes of the success rate, evenly spaced in its logit.
_LOGITS = np.linspace(-30.0, 30.0, 601)
_RATES = 1 / (1 + np.exp(-_LOGITS))
#: Bounds of ln alpha, ln beta and the logit of the unsolvable share.
_LOW = np.array([np.log(1e-3), np.log(1e-3), -9.0])
_HIGH = np.array([np.log(1e4), np.log(1e6), 9.0])
#: Steps at most; gain of log likelihood, and step, at which a row has settled; longest step.
_STEPS, _TOLERANCE, _STILL, _LONGEST = 100, 1e-8, 1e-9, 2.0
#: Starts: alpha, and the unsolvable share as a part of the problems never solved.
_ALPHAS, _PARTS = (0.2, 1.0, 4.0), (0.2, 0.8)
FAMILIES = ("beta", "beta_unsolvable")


@dataclass(frozen=True)
class Rates:
    """A fitted distribution of success rates, for the estimate and for resampled problems.

    Args:
        family: "beta", or "beta_unsolvable" with a share of problems at rate zero.
        alpha, beta, unsolvable: parameters [1 + sample]; the estimate first.
        log_likelihood: of the counts at the estimate.
        at_bound: whether the estimate lies at a bound of the search.
    """

    family: str
    alpha: np.ndarray
    beta: np.ndarray
    unsolvable: np.ndarray
    log_likelihood: float
    at_bound: bool

    @property
    def aic(self) -> float:
        """Akaike's criterion: twice the parameters less twice the log likelihood."""
        return 2 * (3 if self.family == "beta_unsolvable" else 2) - 2 * self.log_likelihood

    def coverage(self, k: Any) -> np.ndarray:
        """Return coverage at k samples (one k, or one for each row) [1 + sample]."""
        reached = coverage_beta(np.asarray(k, dtype=float), alpha=self.alpha, beta=self.beta)
        return np.asarray((1 - self.unsolvable) * reached)

    def mean(self, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return the mean over problems of a function of the success rate [1 + sample].

        A trapezoid rule in the logit over (-30, 30) of what the function has beyond a line from
        (0, 0) to (1, 1), both of which it must pass through; the line's mean is exact.
        """
        a, b = self.alpha[:, None], self.beta[:, None]
        norm = gammaln(a + b) - gammaln(a) - gammaln(b)
        density = np.exp(a * np.log(_RATES) + b * np.log(1 - _RATES) + norm)
        beyond = (function(_RATES) - _RATES) * (_LOGITS[1] - _LOGITS[0])
        mean = density @ beyond + self.alpha / (self.alpha + self.beta)
        return (1 - self.unsolvable) * mean


def fit_rates(n: np.ndarray, c: np.ndarray, weights: np.ndarray, family: str) -> Rates:
    """Fit a distribution of success rates to counts by maximum likelihood.

    Args:
        n: attempts [problem]; c: successes [problem].
        weights: how often each problem counts [1 + sample, problem], the data as they are first.
        family: one of `FAMILIES`.

    Raises:
        NotIdentified: no attempt or every attempt succeeded.
    """
    if not 0 < c.sum() < n.sum():
        raise NotIdentified(
            f"{c.sum()} of {n.sum()} attempts succeeded.",
            "How success rates are spread over problems cannot be read from that.",
            "Sample more, or take problems that some attempts solve.",
        )
    order = np.lexsort((c, n))
    pairs, first = np.unique(np.column_stack([n, c])[order], axis=0, return_index=True)
    grouped = np.add.reduceat(weights[:, order], first, axis=1)
    size = 3 if family == "beta_unsolvable" else 2
    model = _Model(pairs[:, 0], pairs[:, 1], size)
    starts = _starts(n, c, size)
    found, value = model.climb(starts, np.repeat(grouped[:1], len(starts), axis=0))
    best = found[np.argmax(value)]
    drawn, _ = model.climb(np.repeat(best[None], len(weights), axis=0), grouped)
    drawn[0] = best
    share = np.zeros(len(drawn))
    if size == 3:
        # At its lower bound the share is none.
        share = np.where(drawn[:, 2] > _LOW[2], 1 / (1 + np.exp(-drawn[:, 2])), 0.0)
    return Rates(
        family=family,
        alpha=np.exp(drawn[:, 0]),
        beta=np.exp(drawn[:, 1]),
        unsolvable=share,
        log_likelihood=float(value.max()),
        at_bound=bool(np.any((best <= _LOW[:size]) | (best >= _HIGH[:size]))),
    )


def _starts(n: np.ndarray, c: np.ndarray, size: int) -> np.ndarray:
    mean, zero = c.sum() / n.sum(), np.mean(c == 0)
    rows = [
        [
            np.log(a),
            np.log(a * (1 - mean) / mean),
            np.log(max(part * zero, 1e-3) / (1 - part * zero)),
        ]
        for a in _ALPHAS
        for part in _PARTS
    ]
    return np.clip(np.array(rows)[:, :size], _LOW[:size], _HIGH[:size])


@dataclass(frozen=True)
class _Model:
    """Log likelihood of distinct pairs of counts with two derivatives, over batches.

    Args:
        n: attempts [pair]; c: successes [pair]; size: 2, or 3 with an unsolvable share.
    """

    n: np.ndarray
    c: np.ndarray
    size: int

    def value(self, u: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the weighted log likelihood [batch] at coordinates [batch, size]."""
        return np.sum(weights * self._parts(u)[0], axis=1)

    def _parts(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log likelihood of pairs [batch, pair], and its shares that are solvable."""
        alpha, beta = np.exp(u[:, :1]), np.exp(u[:, 1:2])
        plain = beta_binomial_log_likelihood(self.c, self.n, alpha=alpha, beta=beta)
        if self.size == 2:
            return plain, np.ones_like(plain), np.zeros_like(plain)
        none = np.where(self.c == 0, -np.logaddexp(0.0, -u[:, 2:]), -np.inf)
        some = -np.logaddexp(0.0, u[:, 2:]) + plain
        both = np.logaddexp(none, some)
        return both, np.exp(some - both), np.exp(none - both)

    def slopes(self, u: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return gradient [batch, size] and Hessian [batch, size, size]."""
        _, solvable, never = self._parts(u)
        first, second = self._beta_slopes(u)
        ones = weights * solvable
        G = np.einsum("bp,bpi->bi", ones, first)
        H = np.einsum("bp,bpij->bij", ones, second)
        H += np.einsum("bp,bpi,bpj->bij", ones * never, first, first)
        if self.size == 2:
            return G, H
        share = 1 / (1 + np.exp(-u[:, 2:]))
        last = np.sum(weights * (never - share), axis=1)
        cross = -np.einsum("bp,bpi->bi", ones * never, first)
        curve = np.sum(weights * (never * solvable - share * (1 - share)), axis=1)
        gradient = np.column_stack([G, last])
        hessian = np.zeros((len(u), 3, 3))
        hessian[:, :2, :2], hessian[:, 2, 2] = H, curve
        hessian[:, :2, 2] = hessian[:, 2, :2] = cross
        return gradient, hessian

    def _beta_slopes(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives [batch, pair, 2] and [batch, pair, 2, 2] by ln alpha and ln beta."""
        a, b = np.exp(u[:, :1]), np.exp(u[:, 1:2])
        n, c = self.n.astype(float), self.c.astype(float)
        both = digamma(a + b) - digamma(a + b + n)
        da = digamma(a + c) - digamma(a) + both
        db = digamma(b + n - c) - digamma(b) + both
        mixed = trigamma(a + b) - trigamma(a + b + n)
        daa = trigamma(a + c) - trigamma(a) + mixed
        dbb = trigamma(b + n - c) - trigamma(b) + mixed
        first = np.stack([a * da, b * db], axis=-1)
        second = np.empty((*first.shape, 2))
        second[..., 0, 0] = a * a * daa + a * da
        second[..., 1, 1] = b * b * dbb + b * db
        second[..., 0, 1] = second[..., 1, 0] = a * b * mixed
        return first, second

    def climb(self, start: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the maxima [batch, size] and their values [batch], by damped Newton steps.

        Rows that have settled are left alone, so that a few slow ones cost little.
        """
        u, value = start.copy(), self.value(start, weights)
        damping = np.full(len(u), 1e-3)
        active = np.arange(len(u))
        for _ in range(_STEPS):
            trial = self._step(u[active], weights[active], damping[active])
            after = self.value(trial, weights[active])
            gained, moved = after - value[active], np.abs(trial - u[active]).max(axis=1)
            better = gained >= 0
            rows = active[better]
            u[rows], value[rows] = trial[better], after[better]
            scale = np.where(better, 1 / 5, 8.0)
            damping[active] = np.clip(damping[active] * scale, 1e-12, 1e6)
            settled = (better & (gained <= _TOLERANCE)) | (moved < _STILL)
            active = active[~settled]
            if not len(active):
                break
        return u, value

    def _step(self, u: np.ndarray, weights: np.ndarray, damping: np.ndarray) -> np.ndarray:
        """Return where a Newton step leads [batch, size]; wrong signs of curvature are flipped."""
        gradient, hessian = self.slopes(u, weights)
        sizes, axes = np.linalg.eigh(-hessian)
        largest = np.maximum(np.abs(sizes).max(axis=1), 1e-12)
        curved = np.maximum(np.abs(sizes), 1e-12) + (damping * largest)[:, None]
        step = np.einsum("bij,bj,bkj,bk->bi", axes, 1 / curved, axes, gradient)
        low, high = _LOW[: self.size], _HIGH[: self.size]
        return np.clip(u + np.clip(step, -_LONGEST, _LONGEST), low, high)
