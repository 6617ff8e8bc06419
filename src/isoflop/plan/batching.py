"""How many devices and how large a batch: what fits, what is fast enough, what is cheapest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import InputError
from isoflop.plan.decoding import Setting, Step, decode_step, prefill_step
from isoflop.plan.hardware import checked_share
from isoflop.plan.memory import Memory, serving_memory, smallest_serving
from isoflop.plan.roofline import critical_batch

if TYPE_CHECKING:
    from isoflop.plan.hardware import Device
    from isoflop.plan.shapes import Shape

#: Counts tried besides the fewest that hold the model: powers of two, up to this many times it.
SPREAD = 8
_LARGEST_BATCH = 1 << 20


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What one request is, and what it may take.

    Args:
        prompt, output: tokens that it reads and generates.
        latency: seconds a token that decoding may take; None: any.
        usable: share of a device's memory that may be used.
    """

    prompt: float
    output: float
    latency: float | None = None
    usable: float

    def __post_init__(self) -> None:
        for name, value in (("prompt", self.prompt), ("output", self.output)):
            if not 1 <= value < math.inf:
                raise InputError(f"{name} = {value:g} tokens: a request has one or more.")
        if self.latency is not None and not 0 < self.latency < math.inf:
            raise InputError(f"a latency of {self.latency:g} s is not positive and finite.")
        checked_share("usable", self.usable)

    @property
    def full(self) -> float:
        """Tokens cached at its end."""
        return self.prompt + self.output

    @property
    def middle(self) -> float:
        """Mean context while it is decoded."""
        return self.prompt + self.output / 2


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve: devices, batch and what they give.

    Args:
        count: devices; batch: sequences decoded together.
        prefill: reading as few prompts at once as use the arithmetic fully, one if it is long.
        decode: a step of the whole batch at the mean context.
        input_device_seconds, output_device_seconds: devices x seconds for a token.
    """

    count: int
    batch: int
    prefill: Step
    decode: Step
    input_device_seconds: float
    output_device_seconds: float


def options(
    shape: Shape,
    device: Device,
    setting: Setting,
    request: Request,
    *,
    count: int | None = None,
    batch: int | None = None,
) -> tuple[Option, ...]:
    """Return the ways to serve that fit and are fast enough, by number of devices.

    Args:
        shape, device, setting: what, where and how; the setting's count is not used.
        request: what is served.
        count: devices; if None the fewest that hold the model, and powers of two above.
        batch: sequences; if None the most that memory and latency allow.

    Raises:
        InputError: it does not fit, or is too slow in every way; with what would do.
    """
    fewest = smallest_serving(
        device,
        shape,
        usable=request.usable,
        context=request.full,
        batch=batch or 1,
        weights=setting.weights,
        cache=setting.cache,
    )
    if count is not None and count < fewest:
        raise InputError(
            f"{shape.name} in {setting.weights} with {batch or 1} sequences of {request.full:g} "
            f"tokens needs {fewest} {device.name}, not {count}.",
            f"One holds {request.usable:.0%} of {device.memory / 1e9:g} GB.",
            f"Use {fewest} (--count {fewest}), a smaller batch or context, or fewer bits "
            "(--weights fp8).",
        )
    found = []
    for n in _counts(fewest) if count is None else [count]:
        option = _option(shape, device, msgspec.structs.replace(setting, count=n), request, batch)
        found += [option] if option else []
    if not found:
        raise _too_slow(shape, device, setting, request, count or _counts(fewest)[-1], batch)
    return tuple(found)


def _counts(fewest: int) -> list[int]:
    power = 1 << math.ceil(math.log2(fewest))
    counts = {fewest, *(power << k for k in range(SPREAD.bit_length()))}
    return sorted(n for n in counts if n <= SPREAD * fewest)


def _option(
    shape: Shape, device: Device, setting: Setting, request: Request, batch: int | None
) -> Option | None:
    """Return an option, or None if it is too slow."""
    size = batch or _largest_batch(shape, device, setting, request)
    if not size:
        return None
    decode = decode_step(shape, device, setting, batch=size, context=request.middle)
    if request.latency is not None and decode.seconds > request.latency:
        return None
    full = critical_batch(device, setting.weights, setting.compute, shape.N / shape.N_active)
    full *= setting.mfu / setting.bandwidth_share
    prompts = max(1, min(size, math.ceil(full / request.prompt)))
    prefill = prefill_step(shape, device, setting, batch=prompts, context=request.prompt)
    return Option(
        count=setting.count,
        batch=size,
        prefill=prefill,
        decode=decode,
        input_device_seconds=setting.count / prefill.tokens_per_second,
        output_device_seconds=setting.count / decode.tokens_per_second,
    )


def memory_of(shape: Shape, setting: Setting, request: Request, batch: int) -> Memory:
    """Return what serving a batch holds on each device at the end of its requests."""
    return serving_memory(
        shape,
        context=request.full,
        batch=batch,
        devices=setting.count,
        weights=setting.weights,
        cache=setting.cache,
    )


def _largest_batch(shape: Shape, device: Device, setting: Setting, request: Request) -> int:
    """Return the most sequences that fit into memory and decode in time; 0 if none does."""

    def allowed(batch: int) -> bool:
        memory = memory_of(shape, setting, request, batch)
        # The tolerance is that of `smallest_serving`, so that its count is allowed.
        if memory.total > request.usable * device.memory * (1 + 1e-12):
            return False
        step = decode_step(shape, device, setting, batch=batch, context=request.middle)
        return request.latency is None or step.seconds <= request.latency

    low, high = 0, 1
    while high <= _LARGEST_BATCH and allowed(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if allowed(middle) else (low, middle)
    return low


def _too_slow(
    shape: Shape,
    device: Device,
    setting: Setting,
    request: Request,
    count: int,
    batch: int | None,
) -> InputError:
    most = msgspec.structs.replace(setting, count=count)
    alone = decode_step(shape, device, most, batch=batch or 1, context=request.middle)
    return InputError(
        f"{shape.name} on {count} {device.name} decodes a token in {1e3 * alone.seconds:.3g} ms at "
        f"batch {batch or 1}, not in {1e3 * (request.latency or 0):.3g} ms.",
        f"It waits for {'memory' if alone.roofline.bound == 'memory-bound' else 'arithmetic'}"
        + (" and for messages." if alone.communication else "."),
        "Use more devices (--count), fewer bits (--weights fp8) or a smaller batch.",
    )
