"""Accelerators: what one device can do, from a dated and sourced table that users can extend."""

from __future__ import annotations

import datetime
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
FILE = Path(__file__).with_name("accelerators.toml")
#: Environment variable: a TOML file of the user's own devices, in the form of `FILE`.
ENVIRONMENT = "ISOFLOP_HARDWARE"
#: Bytes per number by precision.
BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5, "int4": 0.5}
#: What numbers of a precision are multiplied in where a device has no units for it.
_WIDER = {precision: ("bf16", "fp16") for precision in BYTES if precision != "fp32"}


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An example of a price: USD per device-hour, where, and on which day."""

    usd: float
    where: str
    date: datetime.date


class Utilisation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Model FLOPs utilisation that a training run on the device published, with its source."""

    value: float
    run: str
    source: str


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One accelerator as it is sold.

    Args:
        name: as in the table.
        vendor: who makes it; form: how it is built in.
        peak: dense FLOP/s by precision ("bf16", "fp8", ...); never the sparse figure.
        memory: bytes; bandwidth: bytes/s to that memory.
        power: W it may draw, or the vendor's measured mean; None where sources disagree.
        source: where the numbers are from; date: when they were checked.
        aliases: other names; note: a caveat.
        mfu: what a training run on it reached; None where none is known.
        prices: dated examples, never a default.
    """

    name: str
    vendor: str
    form: str
    peak: dict[str, float]
    memory: float
    bandwidth: float
    power: float | None = None
    source: str
    date: datetime.date
    aliases: tuple[str, ...] = ()
    note: str = ""
    mfu: Utilisation | None = None
    prices: tuple[Price, ...] = ()

    def __post_init__(self) -> None:
        numbers = {"memory": self.memory, "bandwidth": self.bandwidth, **self.peak}
        numbers |= {} if self.power is None else {"power": self.power}
        for what, value in numbers.items():
            if not 0 < value < float("inf"):
                raise InputError(f"{self.name}: {what} = {value:g} is not positive and finite.")
        unknown = sorted(self.peak.keys() - BYTES)
        if unknown or not self.peak:
            raise InputError(
                f"{self.name}: peak is given for {', '.join(unknown) or 'no precision'}.",
                do=f"Give it for one or more of {', '.join(BYTES)}.",
            )

    def flops(self, precision: str = "bf16") -> float:
        """Return the dense peak, FLOP/s, at which numbers of a precision are multiplied.

        Numbers of a precision without units of its own are widened to 16 bits first: 4-bit
        weights on an A100 save memory, not arithmetic. bf16 and fp16 stand for each other.

        Raises:
            InputError: unknown precision, or none wide enough.
        """
        checked_precision(precision)
        for candidate in (precision, *_WIDER.get(precision, ())):
            if candidate in self.peak:
                return self.peak[candidate]
        raise InputError(
            f"{self.name} has no published peak for {precision}.",
            do=f"Use one of {', '.join(self.peak)}.",
        )

    def ridge(self, precision: str = "bf16") -> float:
        """Return FLOPs a byte above which the device computes rather than waits for memory."""
        return self.flops(precision) / self.bandwidth


def checked_share(name: str, value: float) -> float:
    """Return a share above 0 and at most 1.

    Raises:
        InputError: it is not one.
    """
    if not 0 < value <= 1:
        raise InputError(
            f"{name} = {value:g} is not a share above 0 and at most 1.", do="Write 40 % as 0.4."
        )
    return value


def checked_precision(precision: str) -> str:
    """Return a precision that is known.

    Raises:
        InputError: it is not.
    """
    if precision not in BYTES:
        raise InputError(
            f"`{precision}` is no known precision.", do=f"Use one of {', '.join(BYTES)}."
        )
    return precision


def devices(path: str | Path | None = None) -> dict[str, Device]:
    """Return all devices by name: the shipped table, then the user's own.

    Args:
        path: a TOML file of own devices; the environment variable ISOFLOP_HARDWARE if None.
            An entry of the same name replaces the shipped one.

    Raises:
        InputError: the file cannot be read, or a name stands for two devices.
    """
    own = path or os.environ.get(ENVIRONMENT)
    found = {**_shipped(), **(_read(Path(own)) if own else {})}
    _index(found.values())
    return found


def device(name: str | Device, path: str | Path | None = None) -> Device:
    """Return a device by name or alias; case, spaces and punctuation do not matter.

    Args:
        name: "H100", "h100 sxm", "NVIDIA A100-SXM4-80GB"; a Device is passed through.
        path: a TOML file of own devices, see `devices`.

    Raises:
        InputError: there is none, with the nearest names.
    """
    if isinstance(name, Device):
        return name
    return find(
        name,
        _index(devices(path).values()),
        "accelerator",
        f"List them: isoflop hardware. Your own go into a TOML file that {ENVIRONMENT} names.",
    )


def find(name: str, known: dict[str, T], what: str, otherwise: str) -> T:
    """Return the entry of a name; case, spaces and punctuation do not matter.

    Args:
        name: as typed; known: entries by name; what: they are; otherwise: what to do instead.

    Raises:
        InputError: there is none, with the nearest names.
    """
    from difflib import get_close_matches

    index = {_plain(key): entry for key, entry in known.items()}
    if _plain(name) in index:
        return index[_plain(name)]
    near = get_close_matches(_plain(name), index, n=6, cutoff=0.5)
    names = list(dict.fromkeys(str(getattr(index[key], "name", key)) for key in near or index))
    shown = f"Did you mean {', '.join(names)}?" if near else f"Known are {', '.join(names)}."
    raise InputError(f"no {what} is named `{name}`.", do=f"{shown} {otherwise}")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _index(found: Iterable[Device]) -> dict[str, Device]:
    """Return devices by plain name and alias; a device's own name goes before others' aliases."""
    found = list(found)
    index = {_plain(x.name): x for x in found}
    if len(index) < len(found):
        raise InputError("two accelerators have names that differ in case or punctuation only.")
    for x in found:
        for alias in map(_plain, x.aliases):
            if index.setdefault(alias, x) is not x and _plain(index[alias].name) != alias:
                raise InputError(f"`{alias}` stands for {index[alias].name} and {x.name}.")
    return index


@cache
def _shipped() -> dict[str, Device]:
    return _read(FILE)


def _read(path: Path) -> dict[str, Device]:
    import tomllib

    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            name: msgspec.convert({"name": name, **entry}, Device) for name, entry in raw.items()
        }
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}.", do=f"Check the path, or unset {ENVIRONMENT}."
        ) from error
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is no table of accelerators: {error}.",
            do="Each entry needs vendor, form, peak, memory, bandwidth, source and date; see "
            "docs/concepts/hardware.md.",
        ) from error
