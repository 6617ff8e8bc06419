"""Tail probabilities of Student's t and Fisher's F, from the incomplete beta function."""

from __future__ import annotations

from math import exp, lgamma, log

#: Terms of the continued fraction; it converges in about the square root of the larger argument.
_TERMS = 600


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) for a, b > 0.

    Source: continued fraction DLMF 8.17.22, evaluated from its end.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    below = 1.0
    for k in range(_TERMS, 0, -1):
        m = k // 2
        if k % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        below = 1.0 + term / below
    return front / below


def t_tail(t: float, freedom: float) -> float:
    """Return the probability that |T| exceeds |t| for Student's t with this freedom."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def f_tail(f: float, first: float, second: float) -> float:
    """Return the probability that F(first, second) exceeds f."""
    if f <= 0:
        return 1.0
    return incomplete_beta(second / 2, first / 2, second / (second + first * f))
