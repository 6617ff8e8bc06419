"""The roofline: whether work waits for memory or for arithmetic, and where that turns.

Work of F FLOPs that moves M bytes takes at least max(F / peak, M / bandwidth) seconds. All times
are lower bounds: they assume that the two overlap fully and that nothing else waits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from isoflop.errors import InputError
from isoflop.plan.flops import attention_flops, decode_attention_flops
from isoflop.plan.hardware import BYTES, checked_precision, checked_share
from isoflop.plan.lifetime import SERVE_FLOPS

if TYPE_CHECKING:
    from isoflop.plan.hardware import Device
    from isoflop.plan.shapes import Shape

Bound = Literal["memory-bound", "compute-bound"]


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """Work on devices, and what it waits for.

    Args:
        flops: FLOPs of the work; moved: bytes it reads and writes.
        compute_seconds, memory_seconds: time each alone would take; seconds: the longer one.
        bound: which one that is.
        intensity: FLOPs a byte of the work; ridge: that of the device at the same efficiencies.
    """

    flops: float
    moved: float
    compute_seconds: float
    memory_seconds: float
    seconds: float
    bound: Bound
    intensity: float
    ridge: float


def roofline(
    device: Device,
    flops: float,
    moved: float,
    *,
    count: float = 1,
    precision: str = "bf16",
    mfu: float = 1.0,
    bandwidth_share: float = 1.0,
) -> Roofline:
    """Return how long work takes at least, and what it waits for.

    Args:
        device: accelerator; count: how many share the work evenly.
        flops: FLOPs; moved: bytes between the devices and their memory.
        precision: of the matrix products.
        mfu: share of the peak that is reached; bandwidth_share: share of the bandwidth.

    Raises:
        InputError: a share is not above 0 and at most 1, or the count is not positive.
    """
    checked_share("mfu", mfu)
    checked_share("bandwidth share", bandwidth_share)
    if not 0 < count < math.inf:
        raise InputError(f"{count:g} devices cannot share work.")
    rate = count * device.flops(precision) * mfu
    speed = count * device.bandwidth * bandwidth_share
    compute, memory = flops / rate, moved / speed
    return Roofline(
        flops=flops,
        moved=moved,
        compute_seconds=compute,
        memory_seconds=memory,
        seconds=max(compute, memory),
        bound="compute-bound" if compute >= memory else "memory-bound",
        intensity=flops / moved if moved else math.inf,
        ridge=rate / speed,
    )


def critical_batch(
    device: Device, weights: str = "bf16", compute: str | None = None, sparsity: float = 1.0
) -> float:
    """Return the batch (tokens a step) from which reading the weights takes less than using them.

    Args:
        device: accelerator.
        weights: precision in which weights are stored; compute: of the products (default: the
            same, or 16 bits where the device cannot).
        sparsity: parameters over active parameters; all experts are touched.

    Source: Erdil 2025 (arXiv:2506.04645), Eq. 1 and 2: bytes a weight x peak / (2 x bandwidth).
    """
    checked_precision(weights)
    return BYTES[weights] * device.ridge(compute or weights) / SERVE_FLOPS * sparsity


def attention_crossover(shape: Shape) -> tuple[float, float]:
    """Return the contexts at which attention costs as many FLOPs as the matrices.

    Returns:
        Tokens attended to when one token is decoded, and the length of a causal prompt that is
        read at once. Both are dense counts; for experts the active parameters count.
    """
    matrices = SERVE_FLOPS * shape.N_active
    return matrices / decode_attention_flops(shape), 2 * matrices / attention_flops(shape)


def cache_crossover(
    shape: Shape, batch: float, weights: str = "bf16", cache: str = "bf16"
) -> float:
    """Return the context at which a step reads as much cache as weights.

    Beyond it a larger batch no longer spreads the reading over more tokens.

    Args:
        shape: the model; batch: sequences decoded together.
        weights, cache: precision of weights and of the key-value cache.
    """
    read = BYTES[checked_precision(weights)] * shape.weights_read(batch)
    return read / (batch * shape.cached * BYTES[checked_precision(cache)])


def matmul_intensity(rows: float, inner: float, columns: float, precision: str = "bf16") -> float:
    """Return FLOPs a byte of a product of (rows x inner) by (inner x columns).

    About `rows` in 16 bits where rows is much the smallest: the batch decides.
    """
    moved = rows * inner + inner * columns + rows * columns
    return 2.0 * rows * inner * columns / (BYTES[checked_precision(precision)] * moved)


def attention_io(context: float, head_dim: float, memory: float) -> tuple[float, float]:
    """Return the order of numbers that one head of attention moves: standard, FlashAttention.

    Standard attention writes its scores: N d + N^2. FlashAttention keeps them on the chip:
    N^2 d^2 / M. Constants are dropped, so only the growth and the ratio mean something.

    Args:
        context: N, tokens; head_dim: d; memory: M, numbers that on-chip memory holds.

    Raises:
        InputError: M is outside d to N d, for which the theorem is stated.

    Source: Dao et al. 2022 (arXiv:2205.14135), Theorem 2.
    """
    if not head_dim <= memory <= context * head_dim:
        raise InputError(
            f"on-chip memory of {memory:g} numbers is outside {head_dim:g} to "
            f"{context * head_dim:g}, for which FlashAttention's count holds.",
            do="Below it nothing fits; above it the whole head fits and moves N d numbers.",
        )
    return context * head_dim + context**2, context**2 * head_dim**2 / memory
