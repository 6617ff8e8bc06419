"""Laws as shapes of a curve: ln(y / y at the last row) for parameters drawn from their priors.

In units of the last training row, x = 1 and y = 1 there, so a law of p parameters has p - 1; the
level is left to the posterior, where it is linear.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.laws import get

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.fit.forecast.priors import Normal, Priors

_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


@dataclass(frozen=True)
class Span:
    """Where a curve was seen and is asked for.

    Args:
        first: ln x of the first training row in units of the last; farthest: of the farthest
            row asked for.
        above: ln of the largest training value over the last.
    """

    first: float
    farthest: float
    above: float


def shapes(name: str, u: np.ndarray, span: Span, priors: Priors) -> np.ndarray:
    """Return ln(y / y(last row)) of a law for draws of its parameters, [draw, row].

    Args:
        name: m1 to m4, bnsl, bnsl2 or flat.
        u: ln x in units of the last training row, [row].
        span: of the curve.
        priors: of the parameters.
    """
    if name == "flat":
        return np.zeros((1, len(u)))
    draw, dimensions = _DRAWS[name]
    uniform = _halton(priors.draws, dimensions)
    value = draw(get(name), np.exp(u)[None, :], uniform, span, priors)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(value)
    return logarithm[np.isfinite(logarithm).all(axis=1)]


@lru_cache(maxsize=16)
def _halton(count: int, dimensions: int) -> np.ndarray:
    """Evenly spread points of the unit cube, [point, dimension] (Halton 1960)."""
    out = np.zeros((count, dimensions))
    for j, base in enumerate(_PRIMES[:dimensions]):
        rest, weight = np.arange(1, count + 1), 1.0 / base
        while rest.any():
            out[:, j] += weight * (rest % base)
            rest, weight = rest // base, weight / base
    out.setflags(write=False)
    return out


@lru_cache(maxsize=64)
def _standard(count: int, dimensions: int, column: int) -> np.ndarray:
    inverse = NormalDist().inv_cdf
    return np.array([inverse(v) for v in _halton(count, dimensions)[:, column]])[:, None]


def _normal(uniform: np.ndarray, column: int, prior: Normal) -> np.ndarray:
    """Draws of a normal prior, [draw, 1]."""
    return prior[0] + prior[1] * _standard(*uniform.shape, column)


def _floor(uniform: np.ndarray, column: int, span: Span, priors: Priors) -> np.ndarray:
    """Floors in units of the last y, from two priors in equal parts.

    What is left to fall goes with the size of y in curves that have only begun to fall, and with
    what has fallen already in those that are nearly done.
    """
    spread = _halton(*uniform.shape)[:, column, None]
    of_fall = spread >= 0.5
    z = _split(*uniform.shape, column)
    in_y, in_fall = priors.floor, priors.floor_of_fall
    left = np.where(
        of_fall,
        np.exp(in_fall[0] + in_fall[1] * z) * np.expm1(span.above),
        np.exp(in_y[0] + in_y[1] * z),
    )
    return 1 / (1 + left)


@lru_cache(maxsize=64)
def _split(count: int, dimensions: int, column: int) -> np.ndarray:
    """Standard normals of either half of a column of the cube, [point, 1]."""
    inverse = NormalDist().inv_cdf
    halves = 2 * _halton(count, dimensions)[:, column] % 1.0
    return np.array([inverse(min(max(v, 1e-6), 1 - 1e-6)) for v in halves])[:, None]


def _m1(law: Any, x: Any, uniform: np.ndarray, _span: Span, priors: Priors) -> Any:
    return law(x, beta=1.0, c=-np.exp(_normal(uniform, 0, priors.pure_exponent)))


def _m2(law: Any, x: Any, uniform: np.ndarray, span: Span, priors: Priors) -> Any:
    c, floor = np.exp(_normal(uniform, 0, priors.exponent)), _floor(uniform, 1, span, priors)
    return law(x, eps_inf=floor, beta=1 - floor, c=-c)


def _m3(law: Any, x: Any, uniform: np.ndarray, _span: Span, priors: Priors) -> Any:
    c = np.exp(_normal(uniform, 0, priors.exponent))
    gamma = np.exp(_normal(uniform, 1, priors.inverse))
    return law(x, beta=(1 + gamma) ** -c, gamma=gamma, c=c)


def _m4(law: Any, x: Any, uniform: np.ndarray, span: Span, priors: Priors) -> Any:
    c, floor = np.exp(_normal(uniform, 0, priors.exponent)), _floor(uniform, 1, span, priors)
    ceiling = np.exp(span.above + np.exp(_normal(uniform, 2, priors.ceiling)))
    alpha = np.exp(_normal(uniform, 3, priors.sharpness))
    beta = (1 - floor) / (ceiling - 1) ** alpha
    return law(x, eps_inf=floor, eps_0=ceiling, beta=beta, c=-c, alpha=alpha)


def _bnsl(law: Any, x: Any, uniform: np.ndarray, span: Span, priors: Priors) -> Any:
    slope, floor = np.exp(_normal(uniform, 0, priors.exponent)), _floor(uniform, 1, span, priors)
    given = {"c0": slope}
    for i in range(1, 1 + (uniform.shape[1] - 2) // 3):
        column = 3 * i - 1
        after = slope * np.exp(_normal(uniform, column + 1, priors.turn))
        place = span.first + (span.farthest - span.first) * uniform[:, column, None]
        given |= {
            f"c{i}": after - slope,
            f"d{i}": np.exp(place),
            f"f{i}": np.exp(_normal(uniform, column + 2, priors.gradual)),
        }
        slope = after
    here = law(np.ones((1, 1)), a=0.0, b=1.0, **given)
    return law(x, a=floor, b=(1 - floor) / here, **given)


#: Law -> how its parameters are drawn, and from how many uniform numbers.
_DRAWS: dict[str, tuple[Callable[..., Any], int]] = {
    "m1": (_m1, 1),
    "m2": (_m2, 2),
    "m3": (_m3, 2),
    "m4": (_m4, 4),
    "bnsl": (_bnsl, 5),
    "bnsl2": (_bnsl, 8),
}
