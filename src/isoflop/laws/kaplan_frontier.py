"""Kaplan et al. 2020: compute-optimal training, as fitted (Table 6) and in closed form (App. B).

The two disagree by 2.2 in N and 2 in C_c at one PF-day. They are separate fits; neither corrects
the other.
"""

from typing import Any

from isoflop.laws.dimensions import (
    BatchTokens,
    Exponent,
    Parameters,
    PetaflopDays,
    Scale,
    Steps,
    Tokens,
)
from isoflop.laws.kaplan import FLOP_PER_PETAFLOP_DAY, kaplan_parameters, stopping_step
from isoflop.laws.kaplan_batch import kaplan_critical_batch
from isoflop.laws.law import law


@law(source="kaplan2020", equation="Table 6", question="which N for a budget?")
def kaplan_optimal_parameters(C_min: PetaflopDays, *, N_e: Scale, p_N: Exponent) -> Parameters:
    r"""Best number of parameters without embeddings for a budget, as fitted.

    $$N_{opt} = N_e C_{min}^{p_N}$$

    C_min is in PF-days. Wrong for models counted with embeddings or above about 1e9 parameters:
    leaving embeddings out of small models is what raises p_N to 0.73 (see `total_parameters`).
    """
    return N_e * C_min**p_N


@law(source="kaplan2020", equation="Table 6", question="which batch size?")
def kaplan_optimal_batch(C_min: PetaflopDays, *, B_e: Scale, p_B: Exponent) -> BatchTokens:
    r"""Critical batch at the end of compute-optimal training, as fitted; train well below it.

    $$B = B_e C_{min}^{p_B}$$

    C_min is in PF-days. Wrong as the batch of the whole run: it is the critical one at its end.
    """
    return B_e * C_min**p_B


@law(source="kaplan2020", equation="Table 6", question="how many steps for a budget?")
def kaplan_optimal_steps(C_min: PetaflopDays, *, S_e: Scale, p_S: Exponent) -> Steps:
    r"""Lower bound on the steps of compute-optimal training, as fitted.

    $$S_{min} = S_e C_{min}^{p_S}$$

    C_min is in PF-days. Wrong as a number of steps to take: at the critical batch it is twice.
    """
    return S_e * C_min**p_S


@law(source="kaplan2020", equation="Table 6", question="which D for a budget?")
def kaplan_optimal_tokens(C_min: PetaflopDays, *, D_e: Scale, p_D: Exponent) -> Tokens:
    r"""Tokens of compute-optimal training in one epoch, as fitted.

    $$D_{opt} = D_e C_{min}^{p_D}$$

    C_min is in PF-days. Wrong by two between places of the paper: Eq. 6.7 prints 4e10 tokens.
    """
    return D_e * C_min**p_D


# Closed forms: kaplan_steps at the critical batch ------------------------------------------------
def exponent_compute(*, alpha_N: Any, alpha_S: Any, alpha_B: Any) -> Any:
    """Return alpha_C of L_opt ~ C^-alpha_C: 1 / (1/alpha_S + 1/alpha_B + 1/alpha_N).

    Source: Kaplan et al. 2020, Eq. B.7 (the printed 0.054 of Eq. 6.4 does not follow).
    """
    return 1 / (1 / alpha_S + 1 / alpha_B + 1 / alpha_N)


def scale_compute(*, N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any, B_star: Any) -> Any:
    """Return C_c of L_opt = (C_c / C)^alpha_C, in FLOP.

    Args:
        N_c: scale of the parameters in `kaplan_steps`.
        alpha_N: their exponent.
        S_c: scale of the steps there.
        alpha_S: their exponent.
        B_star: critical batch at one nat, tokens.

    Source: Kaplan et al. 2020, Eq. B.6.
    """
    excess = 1 + alpha_N / alpha_S
    return (
        6
        * N_c
        * B_star
        * S_c
        * excess ** (1 / alpha_S + 1 / alpha_N)
        * (alpha_S / alpha_N) ** (1 / alpha_S)
    )


def optimum(
    C: Any, *, N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any, B_star: Any, alpha_B: Any
) -> tuple[Any, Any, Any, Any]:
    """Return N, steps, batch and loss of compute-optimal training at the critical batch.

    Args:
        C: compute in PF-days, any shape.
        N_c: scale of the parameters in `kaplan_steps`.
        alpha_N: their exponent.
        S_c: scale of the steps there.
        alpha_S: their exponent.
        B_star: critical batch at one nat, tokens.
        alpha_B: its inverse exponent.

    Returns:
        N without embeddings; S_min in steps; the critical batch B in tokens; the loss in nats per
        token. 6 N B S_min is C exactly; training at the batch B takes twice S_min and twice C.

    Source: Kaplan et al. 2020, App. B.
    """
    steps = {"N_c": N_c, "alpha_N": alpha_N, "S_c": S_c, "alpha_S": alpha_S}
    alpha_C = exponent_compute(alpha_N=alpha_N, alpha_S=alpha_S, alpha_B=alpha_B)
    C_c = scale_compute(**steps, B_star=B_star)
    ratio, excess = C * FLOP_PER_PETAFLOP_DAY / C_c, 1 + alpha_N / alpha_S
    N = N_c * ratio ** (alpha_C / alpha_N) * excess ** (1 / alpha_N)
    S = C_c / (6 * N_c * B_star) * excess ** (-1 / alpha_N) * ratio ** (alpha_C / alpha_S)
    L = ratio**-alpha_C
    return N, S, kaplan_critical_batch(L, B_star=B_star, alpha_B=alpha_B), L


def compute_to_reach(
    N: Any, L: Any, *, N_c: Any, alpha_N: Any, S_c: Any, alpha_S: Any, B_star: Any, alpha_B: Any
) -> Any:
    """Return the compute in PF-days at which a model of N parameters reaches a loss.

    Args:
        N: parameters without embeddings.
        L: the loss, nats per token; it must lie above the converged loss of N.
        N_c: scale of the parameters in `kaplan_steps`.
        alpha_N: their exponent.
        S_c: scale of the steps there.
        alpha_S: their exponent.
        B_star: critical batch at one nat, tokens.
        alpha_B: its inverse exponent.

    Source: Kaplan et al. 2020, Eq. B.3 (with 1/alpha_B for the bare 5 of Eq. B.4).
    """
    B = kaplan_critical_batch(L, B_star=B_star, alpha_B=alpha_B)
    S = stopping_step(L - kaplan_parameters(N, N_c=N_c, alpha_N=alpha_N), S_c=S_c, alpha_S=alpha_S)
    return 6 * N * B * S / FLOP_PER_PETAFLOP_DAY


def off_optimum(ratio: Any, *, alpha_N: Any, alpha_S: Any) -> tuple[Any, Any]:
    """Return what a model of another than the efficient size costs at equal loss.

    Args:
        ratio: N / N_efficient; too small a model cannot reach the loss (nan).
        alpha_N: exponent of the parameters in `kaplan_steps`.
        alpha_S: exponent of the steps there.

    Returns:
        Compute and steps, relative to those of the efficient size.

    Source: Kaplan et al. 2020, App. B.
    """
    steps = (1 + alpha_S / alpha_N * (1 - ratio**-alpha_N)) ** (-1 / alpha_S)
    return ratio * steps, steps


def early_stop(f: Any, other: Any, *, alpha_N: Any, alpha_S: Any) -> tuple[Any, Any]:
    """Return N and steps of training that stops at one excess loss, relative to another.

    Args:
        f: the loss reached is 1 + f times the converged loss of the model.
        other: the same, of the training it is compared with.
        alpha_N: exponent of the parameters in `kaplan_steps`.
        alpha_S: exponent of the steps there.

    Returns:
        N_f / N_other and S_f / S_other at equal loss.

    Source: Kaplan et al. 2020, App. B.
    """
    parameters = ((1 + f) / (1 + other)) ** (1 / alpha_N)
    return parameters, ((1 + 1 / f) / (1 + 1 / other)) ** (1 / alpha_S)
