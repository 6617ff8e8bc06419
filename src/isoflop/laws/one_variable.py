"""Alabdulmohsin et al. 2022: M1 to M4, error as a function of one quantity."""

from typing import Annotated, Any

import numpy as np

from isoflop.laws.dimensions import ErrorRate, Examples, Exponent, Irreducible, Kind, Scale
from isoflop.laws.duals import value_of
from isoflop.laws.functions import exp, log, sigmoid, softplus, where
from isoflop.laws.law import law

_QUESTION = "how does a metric depend on one quantity?"
#: M1, M2 and M4 carry their exponent's sign: c <= 0.
NegativeExponent = Annotated[Any, Kind("negative exponent", -5.0, 0.0, "linear", (-1.5, -0.03))]
InverseExamples = Annotated[Any, Kind("inverse examples", 0.0, np.inf, "log", (1e-9, 1e-1))]
Guessing = Annotated[Any, Kind("error of random guessing", 0.0, 1.0, "linear", (0.5, 1.0))]
Floor = Annotated[Any, Kind("irreducible error", 0.0, 1.0, "linear", (0.01, 0.4))]
#: Beyond this logit, error and random guessing are one double-precision number.
_LOGIT = 36.0


@law(source="alabdulmohsin2022", equation="M1", question=_QUESTION)
def m1(x: Examples, *, beta: Scale, c: NegativeExponent) -> ErrorRate:
    r"""A power law.

    $$y = \beta x^{c}, \quad c \le 0$$

    Wrong once the irreducible error, or random guessing, is near.
    """
    return beta * x**c


@law(source="alabdulmohsin2022", equation="M2", question=_QUESTION)
def m2(x: Examples, *, eps_inf: Irreducible, beta: Scale, c: NegativeExponent) -> ErrorRate:
    r"""A power law above an irreducible error.

    $$y = \epsilon_\infty + \beta x^{c}, \quad c \le 0$$

    Wrong for few examples, where it exceeds random guessing.
    """
    return eps_inf + beta * x**c


@law(source="alabdulmohsin2022", equation="M3", question=_QUESTION)
def m3(x: Examples, *, beta: Scale, gamma: InverseExamples, c: Exponent) -> ErrorRate:
    r"""A power law that levels off at beta gamma^c.

    $$y = \beta (1/x + \gamma)^{c}, \quad c \ge 0$$

    The sign of c differs from M1, M2 and M4. Wrong for few examples, as M2 is.
    """
    return beta * (1 / x + gamma) ** c


@law(source="alabdulmohsin2022", equation="M4", question=_QUESTION)
def m4(
    x: Examples,
    *,
    eps_inf: Floor,
    eps_0: Guessing,
    beta: Scale,
    c: NegativeExponent,
    alpha: Exponent,
) -> ErrorRate:
    r"""A power law between random guessing and an irreducible error.

    $$\frac{y - \epsilon_\infty}{(\epsilon_0 - y)^{\alpha}} = \beta x^{c}, \quad c \le 0$$

    eps_0 is the error of random guessing; alpha = 0 is M2. The equation has one root between
    eps_inf and eps_0, found by Newton's method.

    Wrong where the curve has more than one bend (`bnsl`).
    """
    # The bounds of a search allow eps_inf >= eps_0, the model does not: the error is NaN there.
    outside = np.asarray(value_of(eps_inf) >= value_of(eps_0), dtype=bool)
    span = where(outside, 1.0, eps_0 - eps_inf)
    # With s = (y - eps_inf) / span: log s - alpha log(1 - s) = right, s the sigmoid of z.
    right = log(beta) + c * log(x) - (1 - alpha) * log(span)
    a, goal = value_of(alpha), value_of(right)
    z: Any = np.minimum(goal, 0.0)
    for _ in range(100):
        moved = np.clip(_step(z, a, goal), -700.0, _LOGIT)
        settled = np.all((np.abs(moved - z) <= 1e-13 * (1 + np.abs(z))) | ~np.isfinite(moved))
        z = moved
        if settled:
            break
    # Two more steps on the dual numbers carry first and second derivatives over exactly.
    z = _step(_step(z, alpha, right), alpha, right)
    y = eps_inf * exp(-softplus(z)) + eps_0 * exp(-softplus(-z))
    return y + np.where(outside, np.nan, 0.0)


def _step(z: Any, alpha: Any, right: Any) -> Any:
    """Return Newton's next logit of M4's equation."""
    left = alpha * softplus(z) - softplus(-z)
    slope = sigmoid(-z) + alpha * sigmoid(z) + 1e-14  # zero where alpha is and y is eps_0
    return z + (right - left) / slope
