"""Henighan et al. 2020: autoregressive models of images, video, mathematics and text."""

from typing import Annotated, Any

from isoflop.laws.dimensions import (
    Exponent,
    Irreducible,
    NatsPerToken,
    Parameters,
    PetaflopDays,
    scale_of,
)
from isoflop.laws.kaplan import kaplan_compute, kaplan_parameters
from isoflop.laws.law import law


@law(source="henighan2020", equation="Table 1", question="how does loss depend on N?")
def henighan_parameters(
    N: Parameters,
    *,
    L_inf: Irreducible,
    N_0: Annotated[Any, scale_of("N", (1e-9, 1e6))],
    alpha_N: Exponent,
) -> NatsPerToken:
    r"""Entropy of the data plus a power law in parameters without embeddings.

    $$L(N) = L_\infty + (N_0 / N)^{\alpha_N}$$

    The second term estimates the KL divergence to the data. N_0 scales with the loss: a larger
    N_0 is a larger loss. L_inf of language is not identified (printed as 0), not zero. Wrong
    across domains and tokenizations: nats per token of an image are not those of a text.
    """
    return L_inf + kaplan_parameters(N, N_c=N_0, alpha_N=alpha_N)


@law(source="henighan2020", equation="Table 1", question="how does loss depend on compute?")
def henighan_compute(
    C: PetaflopDays,
    *,
    L_inf: Irreducible,
    C_0: Annotated[Any, scale_of("C")],
    alpha_C: Exponent,
) -> NatsPerToken:
    r"""Entropy of the data plus a power law in compute, best N at each budget.

    $$L(C) = L_\infty + (C_0 / C)^{\alpha_C}$$

    C is in PF-days (`petaflop_days`). Wrong across domains and tokenizations, as L(N) is.
    """
    return L_inf + kaplan_compute(C, C_c=C_0, alpha_C=alpha_C)


@law(source="henighan2020", equation="Table 1", question="which N for a budget?")
def henighan_optimal_parameters(
    C: PetaflopDays, *, C_0: Annotated[Any, scale_of("C", (1e-15, 1.0))], beta: Exponent
) -> Parameters:
    r"""Best number of parameters without embeddings for a budget.

    $$N_{opt}(C) = (C / C_0)^\beta$$

    C is in PF-days. Exponents near 0.7 share the protocol of Kaplan's 0.73: no embeddings, one
    schedule for all sizes. Wrong as advice for a budget today: that protocol is known to make the
    exponent too high for language, and models too large.
    """
    return (C / C_0) ** beta
