"""Rosenfeld et al. 2019: error in model and data size, with the plateau of random guessing."""

from math import inf
from typing import Annotated, Any

from isoflop.laws.chinchilla import chinchilla
from isoflop.laws.dimensions import ErrorRate, Examples, Exponent, Kind, Parameters, Scale
from isoflop.laws.functions import sqrt
from isoflop.laws.law import law

Floor = Annotated[Any, Kind("irreducible error", 0.0, inf, "linear", (0.01, 0.5))]
Guess = Annotated[Any, Kind("error of guessing", 0.0, inf, "log", (0.3, 1.0))]
Pole = Annotated[Any, Kind("pole", 0.0, inf, "log", (0.1, 10.0))]


@law(source="rosenfeld2019", question="how does loss depend on N and D?")
def rosenfeld(
    n: Examples,
    m: Parameters,
    *,
    a: Scale,
    alpha: Exponent,
    b: Scale,
    beta: Exponent,
    c_inf: Floor,
) -> ErrorRate:
    r"""Error in n training samples and m parameters: Chinchilla's form two years before it.

    $$\epsilon(m, n) = a n^{-\alpha} + b m^{-\beta} + c_\infty$$

    alpha belongs to the data and beta to the model, the reverse of Chinchilla. Exponents
    (alpha, beta) of the paper: ImageNet 0.75, 0.61; CIFAR-10 0.66, 0.53; CIFAR-100 0.70, 0.51;
    DTD 0.40, 1.16; Aircraft 1.10, 0.83; UCF101 0.93, 0.54; PTB 0.81, 0.34; WikiText-2 1.01, 0.22;
    WikiText-103 0.74, 0.56. Wrong for small models or data, where error stays at guessing:
    `rosenfeld.then(error_envelope)`.
    """
    return chinchilla(m, n, E=c_inf, A=b, alpha=beta, B=a, beta=alpha)


@law(source="rosenfeld2019", question="how does loss depend on N and D?")
def error_envelope(e: ErrorRate, *, e_0: Guess, eta: Pole) -> ErrorRate:
    r"""Error between random guessing and a power law.

    $$\hat\epsilon = \epsilon_0 \left|\frac{\epsilon}{\epsilon - i\eta}\right|
    = \frac{\epsilon_0\, \epsilon}{\sqrt{\epsilon^2 + \eta^2}}$$

    A link: for e far above eta the result is e_0, far below it is e e_0 / eta (so a is set to 1
    when both are fitted). Wrong for a loss that has no best guess.
    """
    return e_0 * e / sqrt(e * e + eta * eta)
