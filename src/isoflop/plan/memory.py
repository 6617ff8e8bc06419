"""Bytes on a device: weights, gradients, optimiser, activations, key-value cache; how many devices.

Training is mixed precision with AdamW: 16-bit weights and gradients, and a 32-bit master copy with
two moments (2 + 2 + 12 bytes a parameter). Activations are those of Korthikanti et al. 2022.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from isoflop.errors import InputError
from isoflop.plan.hardware import BYTES, Device, checked_precision

if TYPE_CHECKING:
    from isoflop.plan.shapes import Shape

Recompute = Literal["none", "selective", "full"]
#: Bytes a parameter of AdamW in mixed precision: master copy and two moments, 32 bits each.
OPTIMISER_BYTES = 12.0
#: Share of a device's memory that is planned for; serving engines reserve the same by default.
USABLE = 0.9
_MOST_DEVICES = 1_000_000


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on one device, by what needs them.

    Args:
        weights, gradients, optimiser, activations, cache: bytes; 0 where not needed.
    """

    weights: float
    gradients: float = 0.0
    optimiser: float = 0.0
    activations: float = 0.0
    cache: float = 0.0

    @property
    def total(self) -> float:
        """All of it, bytes."""
        return self.weights + self.gradients + self.optimiser + self.activations + self.cache


def cache_bytes(shape: Shape, precision: str = "bf16") -> float:
    """Return the bytes that the key-value cache holds for each token of a sequence."""
    return shape.cached * BYTES[checked_precision(precision)]


def weight_bytes(shape: Shape, precision: str = "bf16") -> float:
    """Return the bytes of all weights; the scales of quantised blocks are not counted."""
    return shape.N * BYTES[checked_precision(precision)]


def activation_bytes(
    shape: Shape, context: float, batch: float, recompute: Recompute = "selective"
) -> float:
    """Return the bytes of activations kept for the backward pass, all layers.

    A layer keeps s b h (34 + 5 a s / h) bytes; with the attention matrix recomputed (selective,
    or FlashAttention) 34 s b h; with everything recomputed from its input 2 s b h. It counts a
    GPT layer (multi-head attention, GELU at 4 h, dropout); other layers differ by some tens of
    percent. Embeddings and logits are not counted.

    Args:
        shape: the model, h its width and a its heads; context: s, tokens; batch: b, sequences.
        recompute: what is computed again instead of kept.

    Source: Korthikanti et al. 2022 (arXiv:2205.05198), Eq. 1, 5 and 6.
    """
    s, b, h = context, batch, shape.width
    each = {"none": 34 + 5 * shape.heads * s / h, "selective": 34.0, "full": 2.0}
    if recompute not in each:
        raise InputError(
            f"`{recompute}` is no way to recompute.", do=f"Use one of {', '.join(each)}."
        )
    return shape.layers * s * b * h * each[recompute]


def training_memory(
    shape: Shape,
    *,
    context: float,
    batch: float = 1,
    devices: int = 1,
    tensor: int = 1,
    stage: int = 3,
    recompute: Recompute = "selective",
    gradients: str = "bf16",
) -> Memory:
    """Return the bytes on each of some devices that train a model.

    Args:
        shape: the model; context: tokens of a sequence; batch: sequences a device works on at
            once.
        devices: all of them; tensor: how many share each matrix, which divides everything,
            activations too (tensor with sequence parallelism).
        stage: of ZeRO over the rest: 0 none, 1 optimiser, 2 and gradients, 3 and weights sharded.
        recompute: see `activation_bytes`; gradients: precision ("bf16" or "fp32").

    Raises:
        InputError: the counts do not go together.

    Source: ZeRO (arXiv:1910.02054), section 3; activations as in `activation_bytes`.
    """
    if devices < 1 or tensor < 1 or devices % tensor:
        raise InputError(
            f"{devices} devices cannot be groups of {tensor}.",
            do="The devices that share a matrix divide all devices.",
        )
    if stage not in (0, 1, 2, 3):
        raise InputError(f"ZeRO has stages 0 to 3, not {stage}.")
    replicas, share = devices // tensor, shape.N / tensor

    def sharded(per_parameter: float, since: int) -> float:
        return share * per_parameter / (replicas if stage >= since else 1)

    return Memory(
        weights=sharded(BYTES["bf16"], 3),
        gradients=sharded(BYTES[checked_precision(gradients)], 2),
        optimiser=sharded(OPTIMISER_BYTES, 1),
        activations=activation_bytes(shape, context, batch, recompute) / tensor,
    )


def serving_memory(
    shape: Shape,
    *,
    context: float,
    batch: float = 1,
    devices: int = 1,
    weights: str = "bf16",
    cache: str = "bf16",
) -> Memory:
    """Return the bytes on each of some devices that share the serving of a model evenly.

    Args:
        shape: the model; context: tokens cached a sequence; batch: sequences.
        devices: how many; weights, cache: precisions.

    With fewer heads of keys than devices the cache is repeated in practice, which is not counted.
    """
    return Memory(
        weights=weight_bytes(shape, weights) / devices,
        cache=batch * context * cache_bytes(shape, cache) / devices,
    )


def smallest_training(device: Device, shape: Shape, *, usable: float = USABLE, **kwargs) -> int:
    """Return the fewest devices on which a model trains.

    Args:
        device: accelerator; shape: the model.
        usable: share of a device's memory that may be planned for.
        kwargs: of `training_memory`, all but `devices`.

    Raises:
        InputError: no number is enough, with what does not shrink.
    """
    tensor = kwargs.get("tensor", 1)

    def fits(groups: int) -> bool:
        memory = training_memory(shape, devices=groups * tensor, **kwargs)
        return memory.total <= usable * device.memory

    if not fits(_MOST_DEVICES):
        least = training_memory(shape, devices=_MOST_DEVICES * tensor, **kwargs)
        raise InputError(
            f"{least.total / 1e9:.3g} GB a device do not fit into {usable:.0%} of the "
            f"{device.memory / 1e9:.3g} GB of {device.name}, however many there are: activations "
            f"of {least.activations / 1e9:.3g} GB are not sharded.",
            do="Recompute them (--recompute full), share matrices over more devices (--tensor 8), "
            "take a shorter context, or shard the weights (--stage 3).",
        )
    return tensor * _least(fits)


def smallest_serving(device: Device, shape: Shape, *, usable: float = USABLE, **kwargs) -> int:
    """Return the fewest devices whose memory holds a model and the cache of a batch.

    Args:
        device: accelerator; shape: the model; usable: as in `smallest_training`.
        kwargs: of `serving_memory`, all but `devices`.
    """
    whole = serving_memory(shape, **kwargs).total
    return max(1, math.ceil(whole / (usable * device.memory) * (1 - 1e-12)))


def _least(fits) -> int:
    """Return the least count that fits; more always fit if some do."""
    low, high = 0, 1
    while not fits(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
