"""Best-of-n with a verifier of stated quality: how often the chosen sample is right."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from isoflop.errors import InputError

_NODES = 401
_REACH = 9.0


class Scorer(msgspec.Struct, frozen=True, kw_only=True):
    """A verifier that scores samples; the best score is chosen.

    Scores of right and wrong samples are normal with one variance; only how far they lie
    apart matters, and the area under the ROC curve says that.

    Args:
        auc: probability that a right sample scores above a wrong one, in (0, 1); 1/2 is chance.
    """

    auc: float

    def __post_init__(self) -> None:
        if not 0 < self.auc < 1:
            raise InputError(
                f"auc = {self.auc:g} is not between 0 and 1.",
                "It is the probability that a right sample scores above a wrong one.",
                "A verifier that is always right is coverage itself.",
            )

    def accuracy(self, p: Any, n: Any) -> np.ndarray:
        """Return the probability that the best of n samples is right.

        The integral over the best score x of n p f(x - d) (p F(x - d) + (1 - p) F(x))^(n - 1),
        with d = sqrt 2 times the normal quantile of the AUC; trapezoid rule in x, to nine
        digits for n up to 1e4.

        Args:
            p: probability that one sample is right, any shape.
            n: number of samples, broadcast against p.

        Returns:
            Shape of p and n together.
        """
        p, n = np.broadcast_arrays(np.asarray(p, dtype=float), np.asarray(n, dtype=float))
        distance = math.sqrt(2.0) * _quantile(self.auc)
        x = np.linspace(-_REACH - abs(distance), _REACH + abs(distance), 4 * _NODES)
        below, right = _cumulative(x), _cumulative(x - distance)
        density = np.exp(-0.5 * (x - distance) ** 2) / math.sqrt(2 * math.pi)
        mixed = p[..., None] * right + (1 - p[..., None]) * below
        inner = mixed ** (n[..., None] - 1) * density * (n * p)[..., None]
        return np.clip(inner.sum(axis=-1) * (x[1] - x[0]), 0.0, 1.0)


class Checker(msgspec.Struct, frozen=True, kw_only=True):
    """A verifier that accepts or rejects; one accepted sample is chosen at random.

    If none is accepted, one of all is chosen.

    Args:
        tpr: probability that a right sample is accepted; fpr: that a wrong one is.
    """

    tpr: float
    fpr: float

    def __post_init__(self) -> None:
        for name in ("tpr", "fpr"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} = {getattr(self, name):g} is not between 0 and 1.")

    def accuracy(self, p: Any, n: Any) -> np.ndarray:
        """Return the probability that the chosen sample is right.

        (1 - (1 - a)^n) tpr p / a + (1 - a)^n (1 - tpr) p / (1 - a), with a the probability that
        a sample is accepted. With false acceptances it levels off at tpr p / a.

        Args:
            p: probability that one sample is right, any shape.
            n: number of samples, broadcast against p.
        """
        p, n = np.asarray(p, dtype=float), np.asarray(n, dtype=float)
        a = p * self.tpr + (1 - p) * self.fpr
        none = (1 - a) ** n
        with np.errstate(divide="ignore", invalid="ignore"):
            accepted = np.where(a > 0, self.tpr * p / a, 0.0)
            rejected = np.where(a < 1, (1 - self.tpr) * p / (1 - a), 0.0)
        return np.asarray((1 - none) * accepted + none * rejected)


Verifier = Scorer | Checker


def _cumulative(x: np.ndarray) -> np.ndarray:
    """Normal distribution function; numpy has none."""
    return np.array([0.5 * math.erfc(-v / math.sqrt(2.0)) for v in x.ravel()]).reshape(x.shape)


def _quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)
