"""Training a model on devices: the fewest that hold it, how fast, how long, what it costs."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from isoflop.entry import worded
from isoflop.errors import InputError
from isoflop.plan import hardware
from isoflop.plan.flops import training_flops
from isoflop.plan.hardware import Device, checked_share
from isoflop.plan.memory import USABLE, Memory, Recompute, smallest_training, training_memory
from isoflop.plan.shapes import Shape, shape

_HOUR = 3600.0


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """A model being trained on devices.

    Args:
        shape, device: what and where; count: devices; fewest: that hold it.
        context: tokens of a sequence; batch: sequences a device works on at once.
        tensor, stage, recompute: see `training_memory`.
        memory: bytes on each device; usable: share that may be used.
        flops_per_token: 6 N_active and the attention, nothing recomputed.
        mfu: share of the bf16 peak; mfu_source: where it is from; None if not known.
        tokens_per_second: of all devices; None without an MFU.
        tokens, seconds, device_hours, usd: of the whole run; None where not known.
        warnings: what to know about this.
    """

    shape: Shape
    device: Device
    count: int
    fewest: int
    context: float
    batch: float
    tensor: int
    stage: int
    recompute: Recompute
    memory: Memory
    usable: float
    flops_per_token: float
    mfu: float | None = None
    mfu_source: str = ""
    tokens_per_second: float | None = None
    tokens: float | None = None
    seconds: float | None = None
    device_hours: float | None = None
    usd: float | None = None
    warnings: tuple[str, ...] = ()


@worded(
    count="whole",
    context="count",
    batch="count",
    tensor="whole",
    stage="whole",
    usable="share",
    mfu="share",
    tokens="count",
    price="USD",
)
def train_on(
    model: str | float | Shape,
    device: str | Device = "H100",
    *,
    count: int | None = None,
    context: float = 4096,
    batch: float = 1,
    tensor: int = 1,
    stage: int = 3,
    recompute: Recompute = "selective",
    gradients: str = "bf16",
    usable: float = USABLE,
    mfu: float | None = None,
    tokens: float | None = None,
    price: float | None = None,
) -> Training:
    """Return what training a model on devices takes: memory, fewest devices, time, cost.

    Args:
        model: name of a published shape, a `Shape`, or a number of parameters whose shape is
            then made up; device: name of an accelerator, or a `Device`.
        count: devices; the fewest that hold it if None.
        context, batch, tensor, stage, recompute, gradients: see `training_memory`.
        usable: share of the memory that may be used.
        mfu: share of the peak; what a published run on the device reached if None and known.
        tokens: of the run; price: USD per device-hour.

    Numbers may be text: `tokens="15T"`, `mfu="40%"`.

    Raises:
        InputError: it does not fit; with what would.
    """
    what, where = shape(model), hardware.device(device)
    _check(mfu, tokens, price)
    setting: dict[str, Any] = {"context": context, "batch": batch, "tensor": tensor}
    setting |= {"stage": stage, "recompute": recompute}
    fewest = smallest_training(where, what, usable=usable, gradients=gradients, **setting)
    n = fewest if count is None else count
    memory = training_memory(what, devices=n, gradients=gradients, **setting)
    if memory.total > usable * where.memory:
        raise _too_large(what, where, memory, usable, n, fewest)
    share = mfu or (where.mfu.value if where.mfu else None)
    each = training_flops(what, context)
    speed = None if share is None else n * where.flops() * share / each
    return Training(
        shape=what,
        device=where,
        count=n,
        fewest=fewest,
        **setting,
        memory=memory,
        usable=usable,
        flops_per_token=each,
        mfu=share,
        mfu_source=_mfu_source(where, mfu),
        tokens_per_second=speed,
        tokens=tokens,
        **_taken(n, speed, tokens, price),
        warnings=_warnings(what, where, mfu, share, tokens),
    )


def _taken(
    count: int, speed: float | None, tokens: float | None, price: float | None
) -> dict[str, Any]:
    """Return the time and cost of a run; None where not known.

    Args:
        count: devices; speed: tokens a second of all; tokens: of the run; price: USD an hour.
    """
    seconds = None if speed is None or tokens is None else tokens / speed
    hours = None if seconds is None else seconds * count / _HOUR
    usd = None if hours is None or price is None else hours * price
    return {"seconds": seconds, "device_hours": hours, "usd": usd}


def _too_large(
    what: Shape, where: Device, memory: Memory, usable: float, count: int, fewest: int
) -> InputError:
    return InputError(
        f"{what.name} needs {memory.total / 1e9:.3g} GB on each of {count} {where.name}, and "
        f"{usable:.0%} of {where.memory / 1e9:g} GB may be used.",
        do=f"Use {fewest} or more (--count {fewest}), recompute more (--recompute full), or "
        "shard more (--stage 3).",
    )


def _mfu_source(where: Device, mfu: float | None) -> str:
    if mfu is not None:
        return "as given"
    return f"{where.mfu.run}, {where.mfu.source}" if where.mfu else ""


def _warnings(
    what: Shape, where: Device, mfu: float | None, share: float | None, tokens: float | None
) -> tuple[str, ...]:
    found = [f"the shape is made up from N ({what.source})"] if what.assumed else []
    if share is None and tokens is not None:
        found.append(f"no utilisation is known for {where.name}: give --mfu for the time")
    elif mfu is None and share is not None:
        found.append(f"an MFU of {share:.3g} is another run's; give --mfu as measured")
    if what.experts:
        found.append("activations are counted as for a dense layer of the same width")
    return tuple(found)


def _check(mfu: float | None, tokens: float | None, price: float | None) -> None:
    if mfu is not None:
        checked_share("mfu", mfu)
    for name, value in (("tokens", tokens), ("price", price)):
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"{name} = {value:g} is not positive and finite.")
