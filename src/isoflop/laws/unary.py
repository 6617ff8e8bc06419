"""Functions of one dual number: value, first and second derivative of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.laws.duals import Array, Dual, Exponential
from isoflop.laws.gamma import digamma, gammaln, trigamma

if TYPE_CHECKING:
    from collections.abc import Callable


def _exp(x: Dual) -> Dual:
    return Exponential(x)


def _log1p(x: Dual) -> Dual:
    inverse = 1.0 / (1.0 + x.value)
    return x.chain(np.log1p(x.value), inverse, -inverse * inverse)


def _expm1(x: Dual) -> Dual:
    value = np.exp(x.value)
    return x.chain(np.expm1(x.value), value, value)


def _sqrt(x: Dual) -> Dual:
    root = np.sqrt(x.value)
    first = 0.5 / root
    return x.chain(root, first, -0.5 * first / x.value)


def _tanh(x: Dual) -> Dual:
    value = np.tanh(x.value)
    first = 1.0 - value * value
    return x.chain(value, first, -2.0 * value * first)


def _rates(x: Array) -> tuple[Array, Array]:
    """Return the sigmoid and its derivative, to full relative precision in both tails."""
    tail = np.exp(-np.abs(x))
    whole = 1.0 / (1.0 + tail)
    return np.where(np.asarray(x) >= 0, whole, tail * whole), tail * whole * whole


def _sigmoid(x: Dual) -> Dual:
    value, first = _rates(x.value)
    return x.chain(value, first, first * (1.0 - 2.0 * value))


def _softplus(x: Dual) -> Dual:
    rate, slope = _rates(x.value)
    return x.chain(np.logaddexp(0.0, x.value), rate, slope)


def _gammaln(x: Dual) -> Dual:
    return x.chain(gammaln(x.value), digamma(x.value), trigamma(x.value))


def _log10(x: Dual) -> Dual:
    return x.log() * (1.0 / np.log(10.0))


def _log2(x: Dual) -> Dual:
    return x.log() * (1.0 / np.log(2.0))


UNARY: dict[str, Callable[[Dual], Dual]] = {
    "exp": _exp,
    "log": Dual.log,
    "log10": _log10,
    "log2": _log2,
    "log1p": _log1p,
    "expm1": _expm1,
    "sqrt": _sqrt,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "abs": Dual.__abs__,
    "gammaln": _gammaln,
}
