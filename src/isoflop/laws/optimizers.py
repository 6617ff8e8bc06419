"""Volkova et al. 2026: what a better optimiser is worth, in parameters and tokens."""

from isoflop.laws.dimensions import Parameters, Positive, Tokens
from isoflop.laws.law import law

_QUESTION = "how much does a better optimiser save?"


@law(source="volkova2026", equation="L_opt(N, D)", question=_QUESTION)
def efficient_parameters(N: Parameters, *, rho_N: Positive) -> Parameters:
    r"""Parameters that the same number trained by AdamW would have to be; replaces N.

    $$N \to \rho_N N$$

    rho_N = 1 is AdamW. The paper's ratios are about 1. Wrong as `efficient_tokens` is.
    """
    return rho_N * N


@law(source="volkova2026", equation="L_opt(N, D)", question=_QUESTION)
def efficient_tokens(D: Tokens, *, rho_D: Positive) -> Tokens:
    r"""Tokens that AdamW would have needed for the same loss; replaces D of another law.

    $$D \to \rho_D D, \quad L_{opt}(N, D) = E + A (\rho_N N)^{-\alpha} + B (\rho_D D)^{-\beta}$$

    rho_D = 1 is AdamW. Use it as `chinchilla.replace(D=efficient_tokens).by("optimizer",
    "rho_D")`, with AdamW's rho_D fixed to 1: otherwise rho_D and B are one parameter.

    Wrong where optimisers differ in the exponents, and as a saving of compute: a step of some
    optimisers costs more. That rho_D enters inside the power is taken from summaries of the
    paper, not from its text.
    """
    return rho_D * D
