"""Kaplan et al. 2020: loss in parameters, tokens, compute and steps.

N leaves out embeddings. C is in PF-days (`petaflop_days`). The paper fits three different pairs
(alpha_N, N_c), one for each of `kaplan_parameters`, `kaplan` and `kaplan_steps`; they are three
laws and their constants must not be mixed.
"""

from typing import Annotated, Any

from isoflop.laws.dimensions import (
    Exponent,
    Flops,
    NatsPerToken,
    Parameters,
    PetaflopDays,
    Scale,
    Steps,
    Tokens,
    scale_of,
)
from isoflop.laws.law import law

#: FLOP in one PF-day: 1e15 FLOP/s for a day.
FLOP_PER_PETAFLOP_DAY = 1e15 * 86400


@law(source="kaplan2020", equation="1.3", question="which unit is compute in?")
def petaflop_days(C: Flops) -> PetaflopDays:
    r"""Compute in PF-days, the unit of C in the laws of Kaplan and Henighan: 8.64e19 FLOP.

    $$C_{PF-days} = C / (10^{15} \cdot 86400)$$

    As a transform it lets those laws take FLOPs: `kaplan_compute.replace(C=petaflop_days)`. Wrong
    for days on a given machine: it counts operations done, not those that hardware could do.
    """
    return C / FLOP_PER_PETAFLOP_DAY


@law(source="kaplan2020", equation="1.1", question="how does loss depend on N?")
def kaplan_parameters(
    N: Parameters, *, N_c: Annotated[Any, scale_of("N")], alpha_N: Exponent
) -> NatsPerToken:
    r"""Power law in parameters, trained to convergence on unlimited data.

    $$L(N) = (N_c / N)^{\alpha_N}$$

    Wrong where the entropy of text is felt (it has no irreducible term), for one-layer models,
    for runs stopped early, and if N counts embeddings.
    """
    return (N_c / N) ** alpha_N


@law(source="kaplan2020", equation="1.2", question="how does loss depend on D?")
def kaplan_data(
    D: Tokens, *, D_c: Annotated[Any, scale_of("D")], alpha_D: Exponent
) -> NatsPerToken:
    r"""Power law in unique tokens of a large model, stopped early.

    $$L(D) = (D_c / D)^{\alpha_D}$$

    Wrong if D counts tokens processed instead of tokens in the data set, or at one epoch.
    """
    return (D_c / D) ** alpha_D


@law(source="kaplan2020", equation="Table 5", question="how does loss depend on compute?")
def kaplan_compute(
    C: PetaflopDays, *, C_c: Annotated[Any, scale_of("C")], alpha_C: Exponent
) -> NatsPerToken:
    r"""Power law in the compute spent at a fixed batch of 2^19 tokens, best N at each C.

    $$L(C) = (C_c / C)^{\alpha_C}$$

    C is in PF-days and not adjusted for the batch size; `kaplan_compute_min` is the adjusted law
    and its constants do not go with this one. Wrong where the fixed batch is far from critical.
    """
    return (C_c / C) ** alpha_C


@law(source="kaplan2020", equation="1.3", question="how does loss depend on compute?")
def kaplan_compute_min(
    C_min: PetaflopDays,
    *,
    C_c_min: Annotated[Any, scale_of("C_min")],
    alpha_C_min: Exponent,
) -> NatsPerToken:
    r"""Power law in the least compute: best N, and a batch far below the critical one.

    $$L(C_{min}) = (C_c^{min} / C_{min})^{\alpha_C^{min}}$$

    C_min is in PF-days; `minimum_compute` gets it from the compute of a run. Wrong beyond about
    1e4 PF-days, where it asks for less loss than L(D) allows on the data it sees (section 6.3).
    """
    return (C_c_min / C_min) ** alpha_C_min


def data_exponent(*, alpha_N: Any, alpha_D: Any) -> Any:
    """Return the power of N as which data must grow to keep overfitting constant.

    Source: Kaplan et al. 2020, Eq. 4.3.
    """
    return alpha_N / alpha_D


@law(
    source="kaplan2020",
    equation="1.5",
    question="how does loss depend on N and D?",
    derived={"data_exponent": data_exponent},
)
def kaplan(
    N: Parameters,
    D: Tokens,
    *,
    N_c: Annotated[Any, scale_of("N")],
    alpha_N: Exponent,
    D_c: Annotated[Any, scale_of("D")],
    alpha_D: Exponent,
) -> NatsPerToken:
    r"""Loss of a model stopped early on a finite data set.

    $$L(N, D) = \left[(N_c / N)^{\alpha_N / \alpha_D} + D_c / D\right]^{\alpha_D}$$

    D counts unique tokens, seen as often as helps: C = 6ND does not hold, and the law gives no
    compute-optimal allocation. Wrong on very small data (the 2e7-token runs were left out).
    """
    return ((N_c / N) ** (alpha_N / alpha_D) + D_c / D) ** alpha_D


def overfitting(N: Any, D: Any, *, N_c: Any, alpha_N: Any, D_c: Any, alpha_D: Any) -> Any:
    """Return how far finite data raise the loss of `kaplan`, relative to unlimited data.

    Args:
        N: parameters without embeddings.
        D: unique tokens.
        N_c: scale of the parameters.
        alpha_N: exponent of the parameters.
        D_c: scale of the tokens.
        alpha_D: exponent of the tokens.

    Returns:
        L(N, D) / L(N, inf) - 1, a ratio and not a difference of losses.

    Source: Kaplan et al. 2020, Eq. 4.3.
    """
    return (1 + (N / N_c) ** (alpha_N / alpha_D) * D_c / D) ** alpha_D - 1


@law(source="kaplan2020", equation="4.4", question="how much data does a model need?")
def kaplan_enough_data(N: Parameters, *, D_1: Scale, exponent: Exponent) -> Tokens:
    r"""Unique tokens that keep overfitting below the noise between runs, about 0.02.

    $$D \ge D_1 N^{b}$$

    A bound for training on many epochs with early stopping. Wrong as a compute-optimal D, and for
    models counted with embeddings.
    """
    return D_1 * N**exponent


@law(
    source="kaplan2020",
    equation="1.6",
    question="how does loss depend on N and steps?",
    derived={"excess": lambda *, alpha_N, alpha_S: alpha_N / alpha_S},
)
def kaplan_steps(
    N: Parameters,
    S_min: Steps,
    *,
    N_c: Annotated[Any, scale_of("N")],
    alpha_N: Exponent,
    S_c: Annotated[Any, scale_of("S_min", (1e-3, 1e3))],
    alpha_S: Exponent,
) -> NatsPerToken:
    r"""Loss along training on unlimited data, after the warm-up.

    $$L(N, S_{min}) = (N_c / N)^{\alpha_N} + (S_c / S_{min})^{\alpha_S}$$

    S_min counts steps at a batch far above the critical one (`minimum_steps`). Compute is best
    spent by stopping at 1 + alpha_N / alpha_S times the converged loss (derived: `excess`).
    Wrong during warm-up and for losses at the end of a decayed learning rate.
    """
    return (N_c / N) ** alpha_N + (S_c / S_min) ** alpha_S


def stopping_step(gap: Any, *, S_c: Any, alpha_S: Any) -> Any:
    """Return the lower bound on the step at which a data-limited run should stop.

    Args:
        gap: L(N, D) - L(N, inf) of `kaplan`, nats per token.
        S_c: scale of the steps in `kaplan_steps`.
        alpha_S: exponent of the steps there.

    Returns:
        S_min in optimiser steps.

    Source: Kaplan et al. 2020, Eq. 5.7.
    """
    return S_c / gap ** (1 / alpha_S)
