"""Functions of one dual number: value, first and second derivative of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.laws.duals import Dual, Exponential
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


def _sigmoid(x: Dual) -> Dual:
    value = 0.5 * (1.0 + np.tanh(0.5 * x.value))
    first = value * (1.0 - value)
    return x.chain(value, first, first * (1.0 - 2.0 * value))


def _softplus(x: Dual) -> Dual:
    rate = 0.5 * (1.0 + np.tanh(0.5 * x.value))
    return x.chain(np.logaddexp(0.0, x.value), rate, rate * (1.0 - rate))


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
