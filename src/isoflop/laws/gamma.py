"""log Gamma and its first two derivatives on numpy arrays, for beta-binomial laws."""

from __future__ import annotations

from typing import Any

import numpy as np

_SHIFT = 15  # Stirling's series has sixteen digits from here on
#: Bernoulli numbers B_2, B_4, ... of Stirling's series.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)


def _shifted(x: Any) -> tuple[Any, Any, Any]:
    """Return x, x moved to where the series holds, and the factors passed [..., shift]."""
    x = np.asarray(x, dtype=float)
    near = x < _SHIFT
    factors = np.where(near[..., None], x[..., None] + np.arange(_SHIFT), 1.0)
    return near, np.where(near, x + _SHIFT, x), factors


def gammaln(x: Any) -> Any:
    """Return log Gamma(x) for x > 0, any shape."""
    _, y, factors = _shifted(x)
    series = sum(
        b / ((2 * k) * (2 * k - 1) * y ** (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1)
    )
    stirling = (y - 0.5) * np.log(y) - y + 0.5 * np.log(2 * np.pi) + series
    return (stirling - np.log(np.prod(factors, axis=-1)))[()]


def digamma(x: Any) -> Any:
    """Return the derivative of log Gamma at x > 0, any shape."""
    near, y, factors = _shifted(x)
    series = sum(b / (2 * k * y ** (2 * k)) for k, b in enumerate(_BERNOULLI, 1))
    passed = np.where(near, np.sum(1 / factors, axis=-1), 0.0)
    return (np.log(y) - 0.5 / y - series - passed)[()]


def trigamma(x: Any) -> Any:
    """Return the second derivative of log Gamma at x > 0, any shape."""
    near, y, factors = _shifted(x)
    series = sum(b / y ** (2 * k + 1) for k, b in enumerate(_BERNOULLI, 1))
    passed = np.where(near, np.sum(1 / factors**2, axis=-1), 0.0)
    return (1 / y + 0.5 / y**2 + series + passed)[()]
