"""One step of serving on a roofline: decoding a token for a batch, and reading prompts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import InputError
from isoflop.plan.flops import decode_flops, prefill_flops
from isoflop.plan.hardware import BYTES, Device, checked_precision
from isoflop.plan.memory import cache_bytes, weight_bytes
from isoflop.plan.roofline import Roofline, roofline

if TYPE_CHECKING:
    from isoflop.plan.shapes import Shape

#: Reductions over all devices a layer: two after attention, two after the MLP (Erdil 2025).
REDUCTIONS = 4


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is served.

    Args:
        count: devices that share each layer.
        weights, cache: precision in which weights and the key-value cache are stored.
        compute: precision of the products; that of the weights, where the device can, if None.
        mfu: share of the peak that products reach; bandwidth_share: share of the bandwidth. At 1
            every time is a lower bound and every throughput an upper one.
        overhead: seconds a step besides (launches, sampling); hop: seconds that a message takes
            between two devices, 0 to leave communication out.
    """

    count: int = 1
    weights: str = "bf16"
    cache: str = "bf16"
    compute: str | None = None
    mfu: float = 1.0
    bandwidth_share: float = 1.0
    overhead: float = 0.0
    hop: float = 0.0

    def __post_init__(self) -> None:
        for precision in (self.weights, self.cache, self.compute or self.weights):
            checked_precision(precision)
        if self.count < 1 or self.count != int(self.count):
            raise InputError(f"{self.count:g} devices cannot serve a model.")
        if not (0 <= self.overhead < math.inf and 0 <= self.hop < math.inf):
            raise InputError("overhead and hop are seconds of zero or more.")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of decoding, or the reading of prompts.

    Args:
        batch: sequences; tokens: tokens that the step makes or reads, of all sequences.
        context: tokens that each sequence has then.
        roofline: what it does and waits for; communication: seconds of messages and overhead.
        seconds: of the step; tokens_per_second: of all sequences together.
    """

    batch: int
    tokens: float
    context: float
    roofline: Roofline
    communication: float
    seconds: float
    tokens_per_second: float


def decode_step(
    shape: Shape, device: Device, setting: Setting, *, batch: int, context: float
) -> Step:
    """Return the step that decodes one token for each sequence of a batch.

    It reads the weights once (of experts, those that are touched) and each sequence's cache, and
    computes 2 N_active FLOPs a token and attention over its context:

    max((p N + b T kv) / (n B), b (2 N_active + attention T) / (n C)) + communication.

    Args:
        shape: the model; device, setting: where and how.
        batch: sequences; context: tokens that each attends to.
    """
    _check(batch, context)
    read = shape.weights_read(batch) * BYTES[setting.weights]
    read += batch * context * cache_bytes(shape, setting.cache)
    flops = batch * decode_flops(shape, context)
    return _step(shape, device, setting, batch, batch, context, flops, read)


def prefill_step(
    shape: Shape, device: Device, setting: Setting, *, batch: int, context: float
) -> Step:
    """Return the step that reads the prompts of a batch, `context` tokens each, at once.

    The weights are read once and the cache is written; scores stay on the chip, as in
    FlashAttention.
    """
    _check(batch, context)
    moved = shape.weights_read(batch * context) * BYTES[setting.weights]
    moved += batch * context * cache_bytes(shape, setting.cache)
    flops = batch * prefill_flops(shape, context)
    return _step(shape, device, setting, batch, batch * context, context, flops, moved)


def reduction_seconds(
    layers: float, count: float, hop: float, reductions: float = REDUCTIONS
) -> float:
    """Return the seconds that reductions over `count` devices add to a step.

    layers x reductions x hop x 2 (sqrt(count) - 1): reductions along rows, then columns, of a
    square of devices.

    Source: Erdil 2025 (arXiv:2506.04645), section 2.
    """
    return layers * reductions * hop * 2 * (math.sqrt(count) - 1)


def fastest(
    shape: Shape,
    device: Device,
    *,
    weights: str = "bf16",
    hop: float = 1e-6,
    bandwidth_share: float = 1.0,
) -> tuple[float, float]:
    """Return the number of devices of least latency at batch 1, and the seconds a token then.

    More devices read the weights faster and wait longer for each other. The count is not rounded
    and the context is short; the latency grows as the square root of N.

    Args:
        shape: the model; device: accelerator; weights: precision.
        hop: seconds of a message between two devices; about a microsecond within a node.
        bandwidth_share: share of the memory's bandwidth that is reached.

    Source: Erdil 2025 (arXiv:2506.04645), section 2.
    """
    wait = shape.layers * REDUCTIONS * hop
    read = weight_bytes(shape, weights) * shape.N_active / shape.N
    alone = read / (device.bandwidth * bandwidth_share)
    if wait == 0:
        return math.inf, 0.0
    count = max(alone / wait, 1.0) ** (2 / 3)
    return count, reduction_seconds(shape.layers, count, hop) + alone / count


def _step(
    shape: Shape,
    device: Device,
    setting: Setting,
    batch: int,
    tokens: float,
    context: float,
    flops: float,
    moved: float,
) -> Step:
    work = roofline(
        device,
        flops,
        moved,
        count=setting.count,
        precision=setting.compute or setting.weights,
        mfu=setting.mfu,
        bandwidth_share=setting.bandwidth_share,
    )
    waiting = reduction_seconds(shape.layers, setting.count, setting.hop) + setting.overhead
    seconds = work.seconds + waiting
    return Step(
        batch=batch,
        tokens=tokens,
        context=context,
        roofline=work,
        communication=waiting,
        seconds=seconds,
        tokens_per_second=tokens / seconds,
    )


def _check(batch: float, context: float) -> None:
    if batch < 1 or batch != int(batch):
        raise InputError(f"a batch of {batch:g} sequences is not a whole number above 0.")
    if not 0 <= context < math.inf:
        raise InputError(f"a context of {context:g} tokens is not possible.")
