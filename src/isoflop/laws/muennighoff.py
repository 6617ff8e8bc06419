"""Muennighoff et al. 2023: what repeated tokens, and parameters in excess of the data, are worth.

Two transforms, to be put into any law of N and D:
`chinchilla.replace(D=repeated_tokens, N=excess_parameters)`.
"""

from typing import Any

from isoflop.laws.allocate import allocate
from isoflop.laws.chaining import through
from isoflop.laws.chinchilla import balance, chinchilla
from isoflop.laws.dimensions import Exponent, Parameters, Repetitions, Scale, Tokens, UniqueTokens
from isoflop.laws.functions import exp, expm1, minimum
from isoflop.laws.law import law


def _worth(total: Any, unique: Any, R: Any) -> Any:
    """Return what `total` is worth if only `unique` of it is new; exactly total if all is."""
    # `unique` may depend on many parameters: the chain rule is applied once, at the end.
    return through(_saturating, {"total": total, "unique": unique, "R": R}, {"unique"})


def _saturating(total: Any, unique: Any, R: Any) -> Any:
    return unique * (1 - R * expm1((1 - total / unique) / R))


@law(
    source="muennighoff2023",
    question="what does repetition cost?",
    derived={"ceiling": lambda *, R_D: 1 + R_D},
)
def repeated_tokens(D: Tokens, U: UniqueTokens, *, R_D: Repetitions) -> Tokens:
    r"""Tokens of new text that D tokens are worth if only U of them are different.

    $$D' = U_D + U_D R_D^* \left(1 - e^{-R / R_D^*}\right),\quad
    U_D = \min(U, D),\quad R = D / U_D - 1$$

    A repeated token loses 1/e of its value every R_D epochs: four epochs are worth 93 %, and D'
    never exceeds (1 + R_D) U (derived: `ceiling`). With D at most U it is D exactly. Wrong where
    repetition hurts: it is monotone, and runs that got worse were left out of the fit. R_D
    depends on the recipe (weight decay, dropout).
    """
    return _worth(D, minimum(U, D), R_D)


@law(source="muennighoff2023", question="what does repetition cost?")
def excess_parameters(
    N: Parameters,
    D: Tokens,
    U: UniqueTokens,
    *,
    A: Scale,
    alpha: Exponent,
    B: Scale,
    beta: Exponent,
    R_N: Repetitions,
) -> Parameters:
    r"""Parameters that N are worth on data that would be compute-optimal for fewer.

    $$N' = U_N + U_N R_N^* \left(1 - e^{-R / R_N^*}\right),\quad
    U_N = \min(N, N_{opt}(U_D)),\quad R = N / U_N - 1$$

    N_opt is Chinchilla's best size for U_D = min(U, D) tokens, so A, alpha, B and beta are shared
    with the law it is put into. Wrong with weight decay tuned for repetition, which makes large
    models on little data far better than this.
    """
    return _worth(N, minimum(N, size_for(minimum(U, D), A=A, alpha=alpha, B=B, beta=beta)), R_N)


def size_for(D: Any, *, A: Any, alpha: Any, B: Any, beta: Any) -> Any:
    """Return the N for which D tokens are compute-optimal, G (G D)^(beta / alpha).

    Args:
        D: tokens, seen once.
        A: scale of the parameter term of `chinchilla`.
        alpha: exponent of the parameter term.
        B: scale of the data term.
        beta: exponent of the data term.

    Source: Hoffmann et al. 2022, Eq. 4, solved for N at D_opt = D.
    """
    G = balance(A=A, alpha=alpha, B=B, beta=beta)
    return G * (G * D) ** (beta / alpha)


def marginal_value(epochs: Any, *, R_D: Any) -> Any:
    """Return what the next token is worth after some epochs, relative to a new one.

    Args:
        epochs: passes over the unique tokens, at least 1.
        R_D: of `repeated_tokens`.

    Source: derivative of Muennighoff et al. 2023, the law of repeated tokens.
    """
    return exp(-(epochs - 1) / R_D)


#: Chinchilla's law of repeated tokens and excess parameters.
data_constrained = chinchilla.replace(D=repeated_tokens, N=excess_parameters)


def optimum(C: float, U: float, **constants: float) -> tuple[float, float, float]:
    """Return N, D and the loss of the best run for a budget of C = 6ND and U unique tokens.

    There is no closed form: the loss is minimised over N (see `allocate`).

    Args:
        C: FLOPs.
        U: unique tokens.
        constants: E, A, alpha, B, beta, R_D and R_N of `data_constrained`.

    Returns:
        Parameters, tokens (D / U epochs), loss in nats per token.

    Raises:
        NotIdentified: if no N between 1e4 and 1e15 is best.
    """
    return allocate(lambda N, D: data_constrained(N=N, D=D, U=U, **constants), C)
