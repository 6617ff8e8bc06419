"""Gadre et al. 2024: loss in compute and tokens per parameter, for over-trained models."""

from typing import Any

from isoflop.errors import InputError
from isoflop.laws.dimensions import (
    Exponent,
    Flops,
    Irreducible,
    NatsPerToken,
    Scale,
    TokensPerParameter,
)
from isoflop.laws.law import law


def optimal_ratio(*, a: Any, b: Any, eta: Any) -> Any:
    """Return the tokens per parameter of least loss at any compute: (b / a)^(1 / (2 eta)).

    Source: Gadre et al. 2024.
    """
    return (b / a) ** (1 / (2 * eta))


@law(
    source="gadre2024",
    question="how does loss depend on compute?",
    derived={"M_opt": optimal_ratio},
)
def gadre(
    C: Flops, M: TokensPerParameter, *, E: Irreducible, a: Scale, b: Scale, eta: Exponent
) -> NatsPerToken:
    r"""Chinchilla's law with equal exponents, in compute and tokens per parameter M = D/N.

    $$L(C, M) = E + (a M^\eta + b M^{-\eta})\, C^{-\eta}$$

    C is 6ND, and eta is half of Chinchilla's exponent (`from_chinchilla`): over-training shifts
    the curve in C but keeps its slope. In the authors' code the fitted `alpha_c` is a 6^-eta and
    `beta_c` is b. Wrong if alpha and beta differ.
    """
    return E + (a * M**eta + b * M**-eta) * C**-eta


def from_chinchilla(*, E: Any, A: Any, alpha: Any, B: Any, beta: Any) -> dict[str, Any]:
    """Return the constants of `gadre` that say the same as those of `chinchilla`.

    Args:
        E: irreducible loss.
        A: scale of the parameter term.
        alpha: exponent of the parameter term.
        B: scale of the data term.
        beta: exponent of the data term; it must equal alpha.

    Raises:
        InputError: if the exponents differ.
    """
    if alpha != beta:
        raise InputError(
            f"alpha = {alpha:g} and beta = {beta:g} differ.",
            "In compute and tokens per parameter the law needs one exponent for both terms.",
            "Fit with chinchilla.tie(beta='alpha').",
        )
    eta = alpha / 2
    return {"E": E, "a": A * 6**eta, "b": B * 6**eta, "eta": eta}
