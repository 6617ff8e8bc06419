"""Hardware, serving and bounds of a plan, from options as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.plan import budget as budgets
from isoflop.plan.energy import grid
from isoflop.plan.hardware import BYTES, device
from isoflop.plan.lifetime import Serving, parse_serving
from isoflop.plan.limits import Limits
from isoflop.plan.machine import HOUR, Machine
from isoflop.plan.memory import USABLE
from isoflop.units import format_count, parse_duration, parse_quantity, parse_share

if TYPE_CHECKING:
    from isoflop.plan.hardware import Device

#: Bits of a weight as trained and served by default.
BITS = 8 * BYTES["bf16"]


def machine_of(**given: Any) -> Machine:
    """Return the hardware that options name; `device` by name, `mfu` as 0.4 or 40%."""
    if given.get("device") is not None:
        given["device"] = device(given["device"])
    if given.get("intensity") is not None:
        given["intensity"] = _intensity(given["intensity"])
    if given.get("mfu") is not None:
        given["mfu"] = parse_share(given["mfu"])
    return Machine(**given)


def _intensity(given: str | float) -> float:
    """Return kg CO2e a kWh: a number, or that of a region by its name."""
    try:
        return float(given)
    except ValueError:
        return grid(str(given)).intensity


def serving_of(
    machine: Machine,
    *,
    serve: Any = None,
    prompt_mfu: str | float | None = None,
    serve_mfu: str | float | None = None,
    serve_price: float | None = None,
) -> Serving:
    """Return the tokens to serve, with what serving them takes and costs over training.

    Args:
        machine: hardware of training.
        serve: tokens over the model's life (`parse_serving`).
        prompt_mfu: utilisation when reading; serve_mfu: when writing; training's if None.
        serve_price: USD a device-hour when serving; training's if None.
    """
    if serve is None:
        if any(x is not None for x in (prompt_mfu, serve_mfu, serve_price)):
            raise InputError("how serving runs is given, but not how much.", do="--serve 2T")
        return Serving()
    price = 1.0 if serve_price is None else float(serve_price) / machine.need("price")
    if not price > 0:
        raise InputError(f"a price of {serve_price:g} USD a device-hour is not positive.")
    ratios = []
    for share in (prompt_mfu, serve_mfu):
        value = None if share is None else parse_share(share)
        if value == 0:
            raise InputError("an MFU of 0 serves nothing.", do="Give a share above 0.")
        ratios.append(1.0 if value is None else machine.utilisation() / value)
    return parse_serving(serve, input_weight=ratios[0], output_weight=ratios[1], price=price)


def largest_served(text: str | float, serving: Serving, machine: Machine) -> tuple[float, str]:
    """Return the N whose serving costs a budget, and the reason to give for the bound.

    Args:
        text: "$1M", "10 MWh", "5000 H100-hours", "1e24"; a number is FLOPs of serving.
        serving: tokens over the model's life, with the weights of their FLOPs.
        machine: hardware of training.

    Raises:
        InputError: nothing is to be served, or the budget cannot be read.
    """
    if not serving.tokens:
        raise InputError(
            f"serving may cost {text}, and nothing is to be served.",
            do="Say how much: --serve 2T",
        )
    if machine.price is not None:
        machine = msgspec.structs.replace(machine, price=machine.price * serving.price)
    read, _ = budgets.read(text, machine)
    # FLOPs are those of serving; hours, money and energy become FLOPs at the rate of training.
    each = serving.busy if read.how else serving.flops
    return read.flops / each, f"{read.text} for serving {format_count(serving.tokens)} tokens"


def limits_of(
    machine: Machine,
    *,
    served: tuple[float, str] | None = None,
    unique_tokens: float | None = None,
    serve_bits: float | None = None,
    max_epochs: float | None = None,
    deadline: str | float | None = None,
    serve_on: str | None = None,
    latency: str | float | None = None,
    N: float | None = None,
    D: float | None = None,
    **bounds: float | None,
) -> Limits:
    """Return the bounds that options set.

    Args:
        machine: hardware of training.
        served: the largest N that a budget of serving allows, and why (`largest_served`).
        unique_tokens: different tokens; max_epochs: how often each may be seen.
        serve_bits: bits a weight when served; 16 if None.
        deadline: time that training may take on the machine.
        serve_on: devices whose memory holds the weights ("2 H100").
        latency: time of a written token on them at least, which reading the weights takes.
        N: fixed; D: fixed.
        **bounds: min_N, max_N, min_D, max_D, max_C.

    Raises:
        InputError: two bounds contradict each other, or one needs what is not given.
    """
    lows = {name: [value] for name, value in bounds.items() if value is not None}
    why: dict[str, str] = {}
    for name, value in (("N", N), ("D", D)):
        if value is not None:
            lows.setdefault(f"min_{name}", []).append(value)
            lows.setdefault(f"max_{name}", []).append(value)
    if max_epochs is not None:
        if unique_tokens is None:
            raise InputError("epochs are of unique tokens.", do="Give --unique-tokens 25e9")
        _tighten(
            lows, why, "max_D", max_epochs * unique_tokens,
            f"{max_epochs:g} epochs of {format_count(unique_tokens)}",
        )  # fmt: skip
    if deadline is not None:
        hours = machine.need("count") * parse_duration(deadline) / HOUR
        _tighten(lows, why, "max_C", hours * machine.flops_an_hour(), f"{deadline} on the machine")
    if latency is not None and serve_on is None:
        raise InputError("a latency is of some devices.", do="Name them: --serve-on '2 H100'")
    if served is not None:
        _tighten(lows, why, "max_N", *served)
    if serve_on is not None:
        for size, reason in _served(serve_on, serve_bits or BITS, latency):
            _tighten(lows, why, "max_N", size, reason)
    ends = {name: (max if name.startswith("min") else min)(values) for name, values in lows.items()}
    return Limits(**ends, reasons={name: text for name, text in why.items() if name in ends})


def _tighten(
    lows: dict[str, list[float]], why: dict[str, str], name: str, value: float, reason: str
) -> None:
    known = lows.setdefault(name, [])
    if not known or value < min(known):
        why[name] = reason
    known.append(value)


def _served(serve_on: str, bits: float, latency: str | float | None) -> list[tuple[float, str]]:
    """Return the largest N that devices hold, and that they read within a latency."""
    count, found = _devices(serve_on)
    size = bits / 8
    shown = f"{count:g} {found.name} at {bits:g} bits a weight"
    memory = USABLE * count * found.memory
    largest = [(memory / size, f"weights alone in {100 * USABLE:g} % of the memory of {shown}")]
    if latency is not None:
        seconds = parse_duration(latency)
        if not seconds > 0:
            raise InputError(f"a latency of {latency} is not positive.", do="--latency '20 ms'")
        reason = f"{latency} a token on {shown}, reading the weights once"
        largest.append((seconds * count * found.bandwidth / size, reason))
    return largest


def _devices(text: str) -> tuple[float, Device]:
    quantity = parse_quantity(text) if text[:1].isdigit() else None
    if quantity is not None and quantity.value <= 0:
        raise InputError(f"`{text}` is no devices.", do="--serve-on '2 H100'")
    return (1.0, device(text)) if quantity is None else (quantity.value, device(quantity.unit))
