"""FLOPs of a transformer by token: training, prefill, decoding; the utilisation they imply.

Two FLOPs a multiplication with an addition. The matrices cost 2 N a token forward; attention
costs 4 x heads x head_dim a layer for each token attended to (scores and values). Norms, softmax
and embedding look-ups are not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.plan.lifetime import SERVE_FLOPS, TRAIN_FLOPS

if TYPE_CHECKING:
    from isoflop.plan.hardware import Device
    from isoflop.plan.shapes import Shape


def attention_flops(shape: Shape) -> float:
    """Return the forward FLOPs that each token attended to costs, for one token, all layers.

    The rotary part that latent attention adds to its scores is left out.

    Source: PaLM (arXiv:2204.02311), appendix B; Kaplan et al. 2020 count half of it (causal).
    """
    return 4.0 * shape.layers * shape.heads * shape.head_dim


def decode_attention_flops(shape: Shape) -> float:
    """Return `attention_flops` when one token is decoded from the cache.

    Multi-head latent attention reads only the latent, with the projections of keys and values
    absorbed into those of queries and outputs: each head's scores cost 2 (latent + rope) and its
    values 2 latent a token, more than four times as much as with keys and values expanded.

    Source: DeepSeek-V2 (arXiv:2405.04434), section 2.1.2; counts derived.
    """
    if shape.latent:
        return 2.0 * shape.layers * shape.heads * (2 * shape.latent + shape.rope)
    return attention_flops(shape)


def training_flops(shape: Shape, context: float, *, causal: bool = False) -> float:
    """Return the training FLOPs a token: 6 N_active and three times the forward attention.

    Args:
        shape: the model; context: tokens of a sequence.
        causal: count only what a causal mask leaves, half; the usual MFU counts all.

    Source: PaLM (arXiv:2204.02311), appendix B.
    """
    seen = context / 2 if causal else context
    passes = TRAIN_FLOPS / SERVE_FLOPS
    return TRAIN_FLOPS * shape.N_active + passes * attention_flops(shape) * seen


def recomputed_flops(shape: Shape, context: float) -> float:
    """Return the FLOPs a token that the hardware does if every activation is recomputed.

    One forward pass more than `training_flops`; a utilisation of the model does not count it.
    """
    return training_flops(shape, context) * (1 + SERVE_FLOPS / TRAIN_FLOPS)


def decode_flops(shape: Shape, context: float) -> float:
    """Return the FLOPs of decoding one token that attends to `context` tokens."""
    return SERVE_FLOPS * shape.N_active + decode_attention_flops(shape) * context


def prefill_flops(shape: Shape, tokens: float) -> float:
    """Return the FLOPs of reading a prompt of `tokens` tokens under a causal mask."""
    return SERVE_FLOPS * shape.N_active * tokens + attention_flops(shape) * tokens**2 / 2


def utilisation(
    tokens_per_second: float,
    flops_per_token: float,
    device: Device,
    count: float,
    precision: str = "bf16",
) -> float:
    """Return the share of the peak that a throughput reaches (MFU).

    Args:
        tokens_per_second: of all devices; flops_per_token: as `training_flops` counts.
        device: accelerator; count: how many; precision: of the matrix products.

    Raises:
        InputError: it would be above 1, so one of the numbers is counted otherwise.

    Source: PaLM (arXiv:2204.02311), appendix B.
    """
    share = tokens_per_second * flops_per_token / (count * device.flops(precision))
    if share > 1:
        raise InputError(
            f"{tokens_per_second:g} tokens/s at {flops_per_token:.3g} FLOPs each is {share:.2f} of "
            f"the peak of {count:g} {device.name}.",
            "No device computes faster than its dense peak.",
            "Check the throughput (of all devices), the count and what N counts.",
        )
    return share
