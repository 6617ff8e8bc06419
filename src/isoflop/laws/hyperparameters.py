"""Laws of learning rate, batch size and weight decay: DeepSeek, Step Law, Bjorck, Power Lines."""

from typing import Any

from isoflop.laws.dimensions import (
    BatchTokens,
    Dimensionless,
    Exponent,
    Flops,
    FlopsPerToken,
    LearningRate,
    Parameters,
    Scale,
    SignedExponent,
    Tokens,
)
from isoflop.laws.law import law

_RATE = "which learning rate?"
_BATCH = "which batch size?"


def flops_per_token(layers: Any, width: Any, length: Any) -> Any:
    """Return M = 72 n d^2 + 12 n d l, DeepSeek's measure of model size; C = M D.

    Embeddings are left out, attention over the sequence is counted.

    Args:
        layers: number of layers n.
        width: model width d.
        length: sequence length l, tokens.

    Returns:
        FLOPs per token.

    Source: DeepSeek LLM 2024 (arXiv:2401.02954).
    """
    return 72 * layers * width**2 + 12 * layers * width * length


@law(source="deepseek2024", equation="eta_opt", question=_RATE)
def deepseek_learning_rate(C: Flops, *, c: Scale, p: SignedExponent) -> LearningRate:
    r"""Best peak learning rate for a budget.

    $$\eta_{opt} = c\, C^{p}$$

    C = M D with M of `flops_per_token`, not 6ND. Some blogs print 0.3318 for the coefficient;
    0.3118 is right. Wrong far from compute-optimal N and D, since only C enters, and for
    another optimiser or schedule than the one it was fitted with.
    """
    return c * C**p


@law(source="deepseek2024", equation="B_opt", question=_BATCH)
def deepseek_batch(C: Flops, *, c: Scale, p: SignedExponent) -> BatchTokens:
    r"""Best batch size, in tokens, for a budget.

    $$B_{opt} = c\, C^{p}$$

    C = M D, not 6ND. Fitted on runs within 0.25 % of the best loss. Wrong where
    `deepseek_learning_rate` is.
    """
    return c * C**p


@law(source="deepseek2024", equation="M_opt", question="which N for a budget?")
def deepseek_model(C: Flops, *, c: Scale, p: SignedExponent) -> FlopsPerToken:
    r"""Compute-optimal model size, in non-embedding FLOPs per token.

    $$M_{opt} = c\, C^{p}$$

    The exponent moves with the data: early 0.450, current 0.524, OpenWebText2 0.578. A pure
    gain in token efficiency, D to q D, cannot do that: it leaves beta / (alpha + beta) alone.
    Wrong for other data, then, and where C is 6ND.
    """
    return c * C**p


@law(source="deepseek2024", equation="D_opt", question="which D for a budget?")
def deepseek_tokens(C: Flops, *, c: Scale, p: SignedExponent) -> Tokens:
    r"""Compute-optimal number of tokens.

    $$D_{opt} = c\, C^{p}$$

    Together with `deepseek_model`, M D = C. Wrong where that is.
    """
    return c * C**p


@law(source="li2025", equation="eta(N, D)", question=_RATE)
def step_law_learning_rate(
    N: Parameters, D: Tokens, *, c: Scale, a: SignedExponent, b: SignedExponent
) -> LearningRate:
    r"""Best peak learning rate for N and D, the batch retuned with D.

    $$\eta_{opt} = c\, N^{a} D^{b}$$

    N leaves out the vocabulary. b is positive: with more tokens the best batch grows and the
    rate with it. With a fixed batch the rate falls instead (`horizon_learning_rate`). Wrong for
    another optimiser or schedule than the one it was fitted with.
    """
    return c * N**a * D**b


@law(source="li2025", equation="B(D)", question=_BATCH)
def step_law_batch(D: Tokens, *, c: Scale, b: SignedExponent) -> BatchTokens:
    r"""Best batch size, in tokens, for a number of tokens.

    $$B_{opt} = c\, D^{b}$$

    N does not enter. Wrong where `step_law_learning_rate` is.
    """
    return c * D**b


@law(source="bjorck2024", equation="LR*(N, D)", question=_RATE)
def horizon_learning_rate(
    rate: LearningRate, D_from: Tokens, D_to: Tokens, *, beta: Exponent
) -> LearningRate:
    r"""Best learning rate for a longer run, from the best one of a shorter run.

    $$\eta(D_2) = \eta(D_1)\, (D_1 / D_2)^{\beta}$$

    For transfer only: the prefactor of the full law is not confirmed by any source (a public
    copy of it gives 7e-9 for 7B parameters and 1T tokens). Wrong if the batch grows with D: it
    was fixed at 0.5M tokens here, and the sign turns if it is retuned
    (`step_law_learning_rate`). By size, beta ranges from 0.32 to 0.70.
    """
    return rate * (D_from / D_to) ** beta


@law(source="bergsma2025", equation="tau_opt", question="which weight decay?")
def adamw_timescale(N: Parameters, D: Tokens, *, c: Scale, p: SignedExponent) -> Dimensionless:
    r"""Best timescale of AdamW's moving average of weights, as a share of the run.

    $$\tau_{opt} = c\, (D / N)^{p}, \quad \tau = B / (\eta \lambda D)$$

    B and D both in tokens, or both in sequences. `best_weight_decay` solves it for lambda.
    Wrong for decoupled weight decay that is not multiplied by the learning rate.
    """
    return c * (D / N) ** p


def best_weight_decay(N: Any, D: Any, batch: Any, rate: Any, *, c: Any, p: Any) -> Any:
    """Return lambda = B / (tau_opt eta D).

    Args:
        N: parameters.
        D: tokens.
        batch: batch size, tokens.
        rate: peak learning rate.
        c: prefactor of `adamw_timescale`.
        p: exponent of `adamw_timescale`.

    Source: Bergsma et al. 2025 (arXiv:2505.13738).
    """
    return batch / (adamw_timescale(N, D, c=c, p=p) * rate * D)
