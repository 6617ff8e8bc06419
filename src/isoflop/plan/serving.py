"""Serving a model: what fits, how fast it is, how many devices a demand needs, what it costs."""

from __future__ import annotations

import math

import msgspec

from isoflop.entry import worded
from isoflop.errors import InputError
from isoflop.plan import hardware
from isoflop.plan.batching import Option, Request, memory_of, options
from isoflop.plan.decoding import Setting, fastest
from isoflop.plan.hardware import BYTES, Device
from isoflop.plan.memory import USABLE, Memory
from isoflop.plan.precision import Penalty, quantisation_penalty
from isoflop.plan.roofline import attention_crossover, cache_crossover, critical_batch
from isoflop.plan.shapes import Shape, shape

#: Costs this close to the cheapest count as equal; then fewer devices are better.
FLAT = 0.01
_HOUR = 3600.0


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens to serve over a model's life, and what that takes.

    Args:
        input_tokens, output_tokens: read and generated; flops: that they take.
        device_hours: devices x hours, busy at the speeds of the plan.
        seconds: over which they are served, evenly; None if not given.
        replicas, devices: copies of the model and devices busy together; None without `seconds`.
        usd: total; None without a price.
    """

    input_tokens: float
    output_tokens: float
    flops: float
    device_hours: float
    seconds: float | None = None
    replicas: int | None = None
    devices: int | None = None
    usd: float | None = None


class Crossovers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the bottleneck of serving changes.

    Args:
        batch: from which decoding at a short context is compute-bound.
        attention, prompt: context at which attention costs as many FLOPs as the matrices, when
            one token is decoded and when a prompt is read.
        cache: context at which a step of the chosen batch reads as much cache as weights.
        fastest_count, fastest_seconds: devices of least latency at batch 1, and the seconds a
            token then; None without `hop`.
    """

    batch: float
    attention: float
    prompt: float
    cache: float
    fastest_count: float | None = None
    fastest_seconds: float | None = None


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A model on devices: memory, speed, cost. Every time is a lower bound.

    Args:
        shape, device, setting, request: what, where, how and for what.
        chosen: of the options within 1 % of the cheapest generated token that of fewest devices;
            options: all, by number of devices.
        memory: bytes on each device of the chosen one.
        seconds_per_request: to read a prompt and generate its answer, while the devices do
            nothing else but decode the rest of the batch.
        crossovers: where the bottleneck changes.
        price: USD per device-hour, as given; usd_per_million_input, usd_per_million_output: of
            the chosen option; None without a price.
        penalty: loss that quantised weights add; None at 16 bits or without training tokens.
        demand: None unless tokens were given.
        warnings: what to know about all this.
    """

    shape: Shape
    device: Device
    setting: Setting
    request: Request
    chosen: Option
    options: tuple[Option, ...]
    memory: Memory
    seconds_per_request: float
    crossovers: Crossovers
    price: float | None = None
    usd_per_million_input: float | None = None
    usd_per_million_output: float | None = None
    penalty: Penalty | None = None
    demand: Demand | None = None
    warnings: tuple[str, ...] = ()


@worded(
    count="whole",
    batch="whole",
    prompt="count",
    output="count",
    mfu="share",
    bandwidth_share="share",
    overhead="s",
    hop="s",
    usable="share",
    latency="s",
    price="USD",
    input_tokens="count",
    output_tokens="count",
    over="s",
    trained_on="count",
)
def serve(
    model: str | float | Shape,
    device: str | Device = "H100",
    *,
    count: int | None = None,
    batch: int | None = None,
    prompt: float = 1024,
    output: float = 256,
    weights: str = "bf16",
    cache: str = "bf16",
    compute: str | None = None,
    mfu: float = 1.0,
    bandwidth_share: float = 1.0,
    overhead: float = 0.0,
    hop: float = 0.0,
    usable: float = USABLE,
    latency: float | None = None,
    price: float | None = None,
    input_tokens: float = 0.0,
    output_tokens: float = 0.0,
    over: float | None = None,
    trained_on: float | None = None,
) -> Serving:
    """Return how a model is served on a device: memory, speed, devices, cost.

    Args:
        model: name of a published shape, a `Shape`, or a number of parameters whose shape is
            then made up; device: name of an accelerator, or a `Device`.
        count: devices for one copy of the model; if None the cheapest a token of the fewest that
            hold it and the powers of two above.
        batch: sequences decoded together; the most that memory and `latency` allow if None.
        prompt, output: tokens of a request, read and generated.
        weights, cache, compute, mfu, bandwidth_share, overhead, hop: see `Setting`; at their
            defaults all speeds are upper bounds that no system reaches.
        usable: share of the memory that may be used.
        latency: seconds a token that decoding may take at most.
        price: USD per device-hour.
        input_tokens, output_tokens: to serve over the model's life; over: seconds of it.
        trained_on: tokens of its training, for the penalty of quantised weights.

    Numbers may be text: `latency="20 ms"`, `output_tokens="5T"`, `over="2 years"`.

    Raises:
        InputError: it does not fit, or is too slow; with what would do.
    """
    what, where = shape(model), hardware.device(device)
    setting = Setting(
        weights=weights,
        cache=cache,
        compute=compute,
        mfu=mfu,
        bandwidth_share=bandwidth_share,
        overhead=overhead,
        hop=hop,
    )
    request = Request(prompt=prompt, output=output, latency=latency, usable=usable)
    _check(price, input_tokens, output_tokens, over)
    found = options(what, where, setting, request, count=count, batch=batch)
    chosen = _cheapest(found)
    setting = msgspec.structs.replace(setting, count=chosen.count)
    penalty = quantisation_penalty(what.N, trained_on, weights) if trained_on else None
    return Serving(
        shape=what,
        device=where,
        setting=setting,
        request=request,
        chosen=chosen,
        options=found,
        memory=memory_of(what, setting, request, chosen.batch),
        seconds_per_request=chosen.prefill.seconds + output * chosen.decode.seconds,
        crossovers=_crossovers(what, where, setting, chosen.batch),
        price=price,
        usd_per_million_input=_per_million(chosen.input_device_seconds, price),
        usd_per_million_output=_per_million(chosen.output_device_seconds, price),
        penalty=penalty,
        demand=_demand(chosen, price, input_tokens, output_tokens, over),
        warnings=_warnings(what, setting, penalty),
    )


def _cheapest(found: tuple[Option, ...]) -> Option:
    """Return of the options within `FLAT` of the cheapest generated token the first."""
    least = min(x.output_device_seconds for x in found)
    return next(x for x in found if x.output_device_seconds <= least * (1 + FLAT))


def _per_million(device_seconds: float, price: float | None) -> float | None:
    """Return USD per million tokens that take device-seconds each."""
    return None if price is None else price / _HOUR * 1e6 * device_seconds


def _crossovers(what: Shape, where: Device, setting: Setting, batch: int) -> Crossovers:
    attention, prompt = attention_crossover(what)
    share = setting.bandwidth_share
    best = None
    if setting.hop:
        best = fastest(what, where, weights=setting.weights, hop=setting.hop, bandwidth_share=share)
    sparsity = what.N / what.N_active
    turn = critical_batch(where, setting.weights, setting.compute, sparsity)
    return Crossovers(
        batch=turn * setting.mfu / share,
        attention=attention,
        prompt=prompt,
        cache=cache_crossover(what, batch, setting.weights, setting.cache),
        fastest_count=best and best[0],
        fastest_seconds=best and best[1],
    )


def _demand(
    chosen: Option, price: float | None, read: float, written: float, seconds: float | None
) -> Demand | None:
    if not read and not written:
        return None
    busy = read * chosen.input_device_seconds + written * chosen.output_device_seconds
    replicas = None if seconds is None else math.ceil(busy / chosen.count / seconds - 1e-9)
    reading = chosen.prefill.roofline.flops / chosen.prefill.tokens
    writing = chosen.decode.roofline.flops / chosen.decode.tokens
    return Demand(
        input_tokens=read,
        output_tokens=written,
        flops=read * reading + written * writing,
        device_hours=busy / _HOUR,
        seconds=seconds,
        replicas=replicas,
        devices=replicas and replicas * chosen.count,
        usd=None if price is None else price * busy / _HOUR,
    )


def _warnings(what: Shape, setting: Setting, penalty: Penalty | None) -> tuple[str, ...]:
    found = []
    if setting.mfu == setting.bandwidth_share == 1:
        found.append(
            "speeds are upper bounds and costs lower ones: all of the peak and of the bandwidth "
            "is used; give --mfu and --bandwidth-share as measured"
        )
    if setting.count > 1 and not setting.hop:
        found.append(
            f"messages between the {setting.count} devices are not counted; give --hop, the "
            "seconds of one"
        )
    if what.assumed:
        found.append(f"the shape is made up from N ({what.source})")
    if not what.latent and setting.count > what.kv_heads:
        found.append(
            f"{setting.count} devices share {what.kv_heads} heads of keys and values; where the "
            "cache is repeated it needs more memory than counted"
        )
    if penalty is None and BYTES[setting.weights] < 2:
        found.append(
            f"{setting.weights} weights raise the loss; give --trained-on, the tokens of training"
        )
    if BYTES[setting.cache] < 2:
        found.append(f"what a cache in {setting.cache} costs in loss is not known, nor counted")
    return (*found, *(penalty.warnings if penalty else ()))


def _check(price: float | None, read: float, written: float, seconds: float | None) -> None:
    for name, value in (("price", price), ("the time to serve them in", seconds)):
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"{name} = {value:g} is not positive and finite.")
    for name, value in (("input tokens", read), ("output tokens", written)):
        if not 0 <= value < math.inf:
            raise InputError(f"{name} = {value:g} is not a number of tokens.")
