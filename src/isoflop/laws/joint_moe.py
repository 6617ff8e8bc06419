"""Ludziejewski et al. 2025: one law of active parameters, tokens and experts."""

from typing import Annotated, Any

from isoflop.laws.chinchilla import chinchilla
from isoflop.laws.dimensions import (
    Experts,
    Irreducible,
    Kind,
    NatsPerToken,
    Parameters,
    Scale,
    SignedExponent,
    Tokens,
)
from isoflop.laws.experts import FewExperts, ManyExperts, saturate
from isoflop.laws.functions import log
from isoflop.laws.law import law

#: Exponents as the paper has them: the loss falls with N^alpha, alpha negative.
Falling = Annotated[Any, Kind("falling exponent", -5.0, 0.0, "linear", (-0.6, -0.05))]
Drift = Annotated[Any, Kind("drift of an exponent", -1.0, 1.0, "linear", (-0.05, 0.05))]


@law(source="ludziejewski2025", question="what do experts buy?")
def joint_moe(
    N_act: Parameters,
    D: Tokens,
    E: Experts,
    *,
    a: Scale,
    alpha: Falling,
    delta: SignedExponent,
    gamma: Drift,
    b: Scale,
    beta: Falling,
    omega: SignedExponent,
    zeta: Drift,
    E_start: FewExperts,
    E_max: ManyExperts,
    c: Irreducible,
) -> NatsPerToken:
    r"""Loss in active parameters, tokens and number of experts, one of them active.

    $$L = a \hat E^{\delta} N_{act}^{\alpha + \gamma \ln \hat E}
    + b \hat E^{\omega} D^{\beta + \zeta \ln \hat E} + c$$

    E experts count for $\hat E$ (`saturate`). alpha and beta are negative, logarithms natural.
    N_act counts embedding and unembedding (`parameter_counts`). For a fixed number of experts it
    is Chinchilla's law (`at_experts`). Wrong with several active experts, and beyond a few
    hundred tokens per parameter.
    """
    terms = {"a": a, "alpha": alpha, "delta": delta, "gamma": gamma}
    terms |= {"b": b, "beta": beta, "omega": omega, "zeta": zeta, "c": c}
    fixed = at_experts(E, **terms, E_start=E_start, E_max=E_max)
    return chinchilla(N_act, D, **fixed)


def at_experts(
    E: Any,
    *,
    a: Any,
    alpha: Any,
    delta: Any,
    gamma: Any,
    b: Any,
    beta: Any,
    omega: Any,
    zeta: Any,
    E_start: Any,
    E_max: Any,
    c: Any,
) -> dict[str, Any]:
    """Return the constants of `chinchilla`, in N_act, for a fixed number of experts.

    The compute-optimal size follows from them: `chinchilla.optimum(C, **at_experts(8, ...))`.

    Args:
        E: experts.
        a: scale of the parameter term.
        alpha: its exponent, negative.
        delta: growth of the scale with effective experts.
        gamma: growth of the exponent with their logarithm.
        b: scale of the data term.
        beta: its exponent, negative.
        omega: growth of the scale with effective experts.
        zeta: growth of the exponent with their logarithm.
        E_start: effective experts of one expert.
        E_max: effective experts at saturation.
        c: irreducible loss.

    Returns:
        E, A, alpha, B and beta of `chinchilla`, whose exponents are positive.

    Source: Ludziejewski et al. 2025, Table 4.
    """
    effective = saturate(E - 1, E_start, E_max)
    y = log(effective)
    return {
        "E": c,
        "A": a * effective**delta,
        "alpha": -(alpha + gamma * y),
        "B": b * effective**omega,
        "beta": -(beta + zeta * y),
    }


def parameter_counts(d_model: Any, n_blocks: Any, experts: Any, vocabulary: Any) -> tuple[Any, Any]:
    """Return active and total parameters as the law counts them, embeddings twice.

    Args:
        d_model: width; the hidden width of a SwiGLU expert is 3 d_model.
        n_blocks: depth (the paper's models have d_model / 64).
        experts: number of experts, one active.
        vocabulary: number of tokens in the vocabulary.

    Source: Ludziejewski et al. 2025.
    """
    embeddings = 2 * d_model * vocabulary
    active = embeddings + 13 * n_blocks * d_model**2
    return active, embeddings + (4 + 9 * experts) * n_blocks * d_model**2
