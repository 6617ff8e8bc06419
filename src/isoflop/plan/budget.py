"""What may be spent, in whatever unit people have it, and what it is in FLOPs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.plan.hardware import device
from isoflop.plan.machine import HOUR, KWH, MEANING, Machine
from isoflop.units import (
    Quantity,
    caret,
    format_count,
    format_flops,
    parse_count,
    parse_duration,
    parse_quantity,
    parse_share,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.plan.hardware import Device


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget as it was given, and in FLOPs.

    Args:
        text: as typed.
        flops: what it comes to.
        how: how it was converted; empty if it was in FLOPs.
    """

    text: str
    flops: float
    how: str = ""


# Text ---------------------------------------------------------------------------------------------
_SPLIT = re.compile(
    r"\s*(?:(?<!\d),|,(?!\d{3}(?!\d)))\s*"  # not the comma of $80,640
    r"|\s+(?:for|at|on|of(?!\s+(?:co2|[\d.]))|with|over|using|and)\s+|\s+(?=pue\b)"
    r"|\s+[x×]\s+(?=[\d.]+\s*[a-z])",  # 64 H100 x 3 weeks, not 3 x 10^19
    re.IGNORECASE,
)
_MFU = re.compile(r"(?:mfu\s*(?:of|=)?\s*)?([\d.]+\s*%|[\d.]+)\s*(?:mfu|utili[sz]ation)?", re.I)
_PRICE = re.compile(
    r"\$?\s*([\d.]+)\s*(?:\$|usd|dollars?)?\s*(?:/|per|an?)\s*"
    r"(?:(?:gpu|device|tpu|[a-z]+\d+[a-z]*)?[- ]?)(?:hour|hr|h)",
    re.IGNORECASE,
)
_PUE = re.compile(r"(?:a\s+)?pue\s*(?:of|=)?\s*([\d.]+)", re.I)
_INTENSITY = re.compile(r"([\d.]+)\s*(kg|g)\s*(?:co2e?q?)?\s*(?:/|per|an?)\s*kwh", re.I)
_CARBON = re.compile(r"(.+?)\s*(kg|t|tons?|tonnes?|g)\s*(?:of\s+)?co2\w*", re.I)
_DEVICE_TIME = re.compile(
    r"(?P<device>[A-Za-z][\w.+-]*?(?: [A-Za-z][\w.+-]*?)?)[- ]?"
    r"(?P<unit>h|hr|hour|day|week|month|year)s?",
    re.I,
)
_COUNTED = re.compile(r".*\b(tokens?|param(?:eter)?s?)", re.I)
_ANY = {"gpu", "device", "tpu", "accelerator", "card", "chip"}
_TONNES = {"kg": 1.0, "g": 1e-3}


class _Reading(msgspec.Struct):
    """What the parts of a text said."""

    machine: dict[str, Any]
    amount: tuple[str, float] | None = None
    seconds: float | None = None


def read(text: str | float, machine: Machine | None = None) -> tuple[Budget, Machine]:
    """Read a budget and the hardware it names.

    `1e23`, `10 PF-days`, `5000 H100-hours at 40% MFU`, `64 H100 for 3 weeks at 40% MFU`,
    `$1M on H100 at $2.5/hour, 40% MFU`, `100 MWh on H100, 40% MFU`, `20 t CO2e`.

    Args:
        text: as typed; a number is FLOPs.
        machine: hardware given otherwise; the text may add to it, not contradict it.

    Returns:
        The budget in FLOPs, and the machine with what the text said of it.

    Raises:
        InputError: it cannot be read, is not positive, or a conversion lacks a number.
    """
    known = machine or Machine()
    if isinstance(text, int | float) and not isinstance(text, bool):
        return Budget(text=f"{text:g}", flops=_positive(float(text), f"{text:g}")), known
    if not isinstance(text, str):
        raise InputError(f"a budget is text or a number, not {type(text).__name__}.")
    if not text.strip() or re.fullmatch(r"[-+−]?\s*(?:nan|inf(?:inity)?)", text.strip(), re.I):
        raise InputError(
            f"`{text}` is no amount of anything.", do="Write 1e23 or '64 H100 for 3 weeks'."
        )
    reading = _Reading({})
    for part in _SPLIT.split(text.strip()):
        _read_part(text, part.strip(), reading)
    combined = merged(known, reading.machine)
    flops, how = _flops(text, reading, combined)
    return Budget(text=text.strip(), flops=_positive(flops, text), how=how), combined


def merged(machine: Machine, said: dict[str, Any]) -> Machine:
    """Return a machine with fields from a text or flags.

    Raises:
        InputError: the two contradict each other.
    """
    for name, value in said.items():
        before = getattr(machine, name)
        if before not in (None, value) and name != "pue":
            old, new = (getattr(x, "name", x) for x in (before, value))
            raise InputError(
                f"{MEANING[name]} is given twice: {old} and {new}.", do="Give it once."
            )
    return msgspec.structs.replace(machine, **said)


def _read_part(text: str, part: str, reading: _Reading) -> None:
    for read_one in (_read_rates, _read_amount):
        if read_one(part, reading):
            return
    raise InputError(
        f"`{part}` in a budget cannot be read.\n{caret(text, text.find(part), len(part))}",
        do="Write 1e23, '64 H100 for 3 weeks at 40% MFU', '$1M on H100 at $2.5/hour, 40% MFU'.",
    )


def _read_rates(part: str, reading: _Reading) -> bool:
    """Read what describes the machine: MFU, price, PUE, carbon intensity."""
    found: dict[str, Any] = {}
    if match := _PRICE.fullmatch(part):
        found["price"] = float(match[1])
    elif match := _INTENSITY.fullmatch(part):
        found["intensity"] = float(match[1]) * _TONNES[match[2].lower()]
    elif match := _PUE.fullmatch(part):
        found["pue"] = float(match[1])
    elif (match := _MFU.fullmatch(part)) and ("%" in part or re.search("mfu|util", part, re.I)):
        found["mfu"] = parse_share(match[1])
    reading.machine |= found
    return bool(found)


def _read_amount(part: str, reading: _Reading) -> bool:
    """Read what is counted: devices, device-hours, FLOPs, dollars, energy, carbon, time."""
    if match := _CARBON.fullmatch(part):
        return _set(reading, "kg CO2e", parse_count(match[1]) * _TONNES.get(match[2].lower(), 1e3))
    if re.match(r"[-−]\s*[\d.$]", part):
        raise InputError(
            f"`{part}` in a budget is negative.",
            do="Give amounts above 0, as 1e23 or '64 H100 for 3 weeks at 40% MFU'.",
        )
    if _COUNTED.fullmatch(part):
        raise InputError(
            f"`{part}` is no budget: it is neither compute, time, money, energy nor carbon.",
            "What tokens cost depends on the parameters, which are to be chosen.",
            "Alone, '50B unique tokens', '1T tokens' or '7B parameters' ask for the run that goes"
            " with them; beside a budget they are  --unique-tokens, --D, --N; served tokens are"
            "  --serve.",
        )
    part = re.sub(r"^(?:an?|one)\s+", "1 ", part, flags=re.IGNORECASE)
    if not re.match(r"[\d.$]", part):
        _name_device(part, reading)
        return True
    quantity = parse_quantity(part)
    if quantity.unit == "s":
        reading.seconds = quantity.value
        return True
    if quantity.unit in ("", "FLOP", "USD", "J"):
        return _set(reading, quantity.unit or "FLOP", quantity.value)
    return _read_devices(quantity, reading)


def _read_devices(quantity: Quantity, reading: _Reading) -> bool:
    time = _DEVICE_TIME.fullmatch(quantity.unit)
    _name_device(time["device"].rstrip("-") if time else quantity.unit, reading)
    if time:
        hours = parse_duration(f"1 {time['unit']}") / HOUR
        return _set(reading, "device-hours", quantity.value * hours)
    reading.machine["count"] = quantity.value
    return True


def _name_device(name: str, reading: _Reading) -> None:
    """Note the device of a name, singular or plural; `GPUs` names none."""
    if name.lower().removesuffix("s") in _ANY:
        return
    try:
        reading.machine["device"] = _device(name)
    except InputError as error:
        raise InputError(
            f"`{name}` in a budget is no unit, and no accelerator is named so.", do=error.do
        ) from error


def _device(name: str) -> Device:
    try:
        return device(name)
    except InputError:
        if not name.lower().endswith("s"):
            raise
        return device(name[:-1])


def _set(reading: _Reading, unit: str, value: float) -> bool:
    if reading.amount is not None:
        raise InputError(
            f"a budget is one amount, not {reading.amount[1]:g} {reading.amount[0]} and"
            f" {value:g} {unit}."
        )
    reading.amount = (unit, value)
    return True


# Conversion ---------------------------------------------------------------------------------------
def _flops(text: str, reading: _Reading, machine: Machine) -> tuple[float, str]:
    if reading.amount is None:
        if reading.seconds is None:
            raise InputError(
                f"`{text}` does not say how much.",
                "Hardware is a rate; a budget needs a time, an amount of FLOPs or of money.",
                f"Add a time:  --budget '{text.strip()} for 3 weeks'",
            )
        hours = machine.need("count") * reading.seconds / HOUR
        return _of_hours(hours, machine)
    unit, value = reading.amount
    if reading.seconds is not None:
        raise InputError(
            f"`{text}` gives an amount ({value:g} {unit}) and a time; one follows from the other.",
            do="Give one of them; a time limit on top is  --deadline '3 weeks'.",
        )
    if unit == "FLOP":
        return value, ""
    return _of_hours(_TO_HOURS[unit](value, machine), machine)


def _of_hours(hours: float, machine: Machine) -> tuple[float, str]:
    rate = machine.flops_an_hour()
    found = machine.need("device")
    return hours * rate, (
        f"{format_count(hours)} device-hours of {found.name} at"
        f" {found.flops(machine.precision) / 1e12:g} TFLOP/s dense {machine.precision} and"
        f" {100 * machine.utilisation():g} % MFU"
    )


_TO_HOURS: dict[str, Callable[[float, Machine], float]] = {
    "device-hours": lambda value, machine: value,
    "USD": lambda value, machine: value / machine.need("price"),
    "J": lambda value, machine: value / KWH / machine.kwh_an_hour(),
    "kg CO2e": lambda value, machine: value / machine.need("intensity") / machine.kwh_an_hour(),
}


def _positive(flops: float, text: str) -> float:
    if not 0 < flops < float("inf"):
        raise InputError(
            f"a budget of `{text}` is {format_flops(flops)} FLOPs, which is not positive.",
            do="Give an amount above 0, as 1e23 or '64 H100 for 3 weeks at 40% MFU'.",
        )
    return flops
