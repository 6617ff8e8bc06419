"""Grattafiori et al. 2024 (Llama 3): best number of tokens for a budget."""

from isoflop.laws.dimensions import Exponent, Flops, Scale, Tokens
from isoflop.laws.law import law


@law(source="grattafiori2024", equation="3.2.1", question="which D for a budget?")
def llama3_tokens(C: Flops, *, A: Scale, alpha: Exponent) -> Tokens:
    r"""Compute-optimal number of tokens, fitted to the minima of isoFLOP curves.

    $$D_{opt} = A\, C^{\alpha}$$

    At 3.8e25 FLOPs the constants of the figure give 1.63e13 tokens, those of the text 1.05e13;
    the paper says 16.55T tokens and 402B parameters. Under C = 6ND the figure's constants give
    389B, and their rounding leaves 377B to 401B. Wrong for other data: the exponent is theirs.
    """
    return A * C**alpha
