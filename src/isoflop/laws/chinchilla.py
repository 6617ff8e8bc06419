"""Hoffmann et al. 2022: loss in parameters and tokens, and its compute-optimal allocation."""

from typing import Any

from isoflop.laws.dimensions import Exponent, Irreducible, NatsPerToken, Parameters, Scale, Tokens
from isoflop.laws.law import law


def exponent_N(*, alpha: Any, beta: Any) -> Any:
    """Return a of N_opt ~ C^a under C = 6ND: beta / (alpha + beta).

    Source: Hoffmann et al. 2022, Eq. 4.
    """
    return beta / (alpha + beta)


def exponent_D(*, alpha: Any, beta: Any) -> Any:
    """Return b of D_opt ~ C^b under C = 6ND: alpha / (alpha + beta).

    Source: Hoffmann et al. 2022, Eq. 4.
    """
    return alpha / (alpha + beta)


def balance(*, A: Any, alpha: Any, B: Any, beta: Any) -> Any:
    """Return G of N_opt = G (C/6)^a: (alpha A / (beta B))^(1 / (alpha + beta)).

    Source: Hoffmann et al. 2022, Eq. 4.
    """
    return (alpha * A / (beta * B)) ** (1 / (alpha + beta))


def exponent_loss(*, alpha: Any, beta: Any) -> Any:
    """Return gamma of L_opt - E ~ C^-gamma: alpha beta / (alpha + beta).

    Source: Hoffmann et al. 2022, Eq. 4 put into Eq. 2.
    """
    return alpha * beta / (alpha + beta)


@law(
    source="hoffmann2022",
    equation="10",
    question="how does loss depend on N and D?",
    derived={"a": exponent_N, "b": exponent_D, "gamma": exponent_loss, "G": balance},
)
def chinchilla(
    N: Parameters,
    D: Tokens,
    *,
    E: Irreducible,
    A: Scale,
    alpha: Exponent,
    B: Scale,
    beta: Exponent,
) -> NatsPerToken:
    r"""Irreducible loss plus one power law in parameters and one in tokens.

    $$L(N, D) = E + A N^{-\alpha} + B D^{-\beta}$$

    Wrong when data repeat (see `repeated_tokens`), when a run is not annealed to its end, and
    where D/N is below about 0.4 (five of Epoch's 245 points move beta by 0.09).
    """
    return E + A / N**alpha + B / D**beta


def optimum(C: Any, *, E: Any, A: Any, alpha: Any, B: Any, beta: Any) -> tuple[Any, Any, Any]:
    """Return N_opt, D_opt and the loss there for a budget of C = 6ND FLOPs.

    Args:
        C: training FLOPs, any shape that broadcasts with the parameters.
        E: irreducible loss, nats per token.
        A: scale of the parameter term.
        alpha: exponent of the parameter term.
        B: scale of the data term.
        beta: exponent of the data term.

    Returns:
        N_opt in parameters, D_opt in tokens, the loss in nats per token.

    Source: Hoffmann et al. 2022, Eq. 4.
    """
    G = balance(A=A, alpha=alpha, B=B, beta=beta)
    N = G * (C / 6) ** exponent_N(alpha=alpha, beta=beta)
    D = (C / 6) ** exponent_D(alpha=alpha, beta=beta) / G
    return N, D, chinchilla(N, D, E=E, A=A, alpha=alpha, B=B, beta=beta)
