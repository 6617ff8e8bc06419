"""What N and C are for a model: weights by convention, exact FLOPs a token, and 6N beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.runs.decoder import CONVENTIONS, Decoder
from isoflop.runs.model_config import decoder_of, read_config

if TYPE_CHECKING:
    from pathlib import Path

#: Tokens of a training sequence if none are given.
CONTEXT = 4096


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A model counted in every way that tables of runs count.

    Args:
        shape: the decoder; context: tokens of a training sequence.
        N: weights by convention ("matrices", "matrices+head", "all"), all experts included.
        active: weights that one token is multiplied with, head included; N of "active".
        groups: weights by group.
        training: exact training FLOPs a token, causal attention at half the context.
        attention: share of attention in them.
        over_6N: training over 6N, by what N counts: what C counted as 6ND leaves out (above 1) or
            counts too much (below 1).
        reading: forward FLOPs a token of a prompt as long as the context, on average;
            writing: of one token that attends to the whole context.
        even: context at which attention costs as much as the matrices in training, tokens.
    """

    shape: Decoder
    context: int
    N: dict[str, int]
    active: int
    groups: dict[str, int]
    training: float
    attention: float
    over_6N: dict[str, float]
    reading: float
    writing: float
    even: float


def count(config: str | Path | None = None, *, context: int = CONTEXT, **shape: Any) -> Counted:
    """Count a model's weights and FLOPs.

    Args:
        config: its `config.json` (Hugging Face), or None where the shape is given.
        context: tokens of a training sequence.
        **shape: fields of `isoflop.runs.decoder.Decoder`; with a file, what it does not say.

    Raises:
        InputError: a size is missing or impossible, or the file cannot be read.

    Example:
        >>> import isoflop as iso
        >>> gpt2 = iso.count(width=768, layers=12, heads=12, vocab=50257, gated=False, tied=True)
        >>> f"{gpt2.N['matrices']:,}"
        '84,934,656'

    Source: `Decoder.training_flops`.
    """
    if context < 1:
        raise InputError(f"context = {context} is not positive.")
    decoder = decoder_of(shape) if config is None else read_config(config, **shape)
    training = decoder.training_flops(context)
    sizes = {name: decoder.parameters(name) for name in CONVENTIONS}
    counted = {**sizes, "active": decoder.multiplied} if decoder.experts else sizes
    return Counted(
        shape=decoder,
        context=context,
        N=sizes,
        active=decoder.multiplied,
        groups=decoder.groups(),
        training=training,
        attention=3.0 * decoder.attention_flops(context / 2) / training,
        over_6N={name: training / (6.0 * N) for name, N in counted.items()},
        reading=decoder.forward_flops(context / 2),
        writing=decoder.forward_flops(context),
        even=4.0 * decoder.multiplied / decoder.attention_flops(1.0),
    )
