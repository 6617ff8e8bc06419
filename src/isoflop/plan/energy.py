"""Energy and carbon of a run: devices x hours x power x PUE, and the grid's intensity."""

from __future__ import annotations

import datetime
import math
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from isoflop.entry import worded
from isoflop.errors import InputError
from isoflop.plan import hardware
from isoflop.plan.hardware import Device, find

FILE = Path(__file__).with_name("grids.toml")
_HOUR = 3600.0


class Grid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The carbon intensity of a region's electricity.

    Args:
        name: region; code: ISO 3166 letters.
        intensity: kg CO2e per kWh, mean of `year`.
        source: where the number is from; date: when it was read.
    """

    name: str
    code: str
    intensity: float
    year: int
    source: str
    date: datetime.date


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """Energy and carbon of some devices over some time.

    Args:
        devices, seconds: how many, and how long each runs.
        power: W a device; power_source: where that is from.
        pue: power usage effectiveness of the building.
        joules: energy drawn from the grid, PUE included; kwh: the same.
        intensity: kg CO2e per kWh, and intensity_source; None if neither is given.
        operational, embodied, total: kg CO2e; None where not known.
    """

    devices: float
    seconds: float
    power: float
    power_source: str
    pue: float
    joules: float
    kwh: float
    intensity: float | None = None
    intensity_source: str = ""
    operational: float | None = None
    embodied: float | None = None
    total: float | None = None


def energy(devices: float, seconds: float, power: float, pue: float = 1.0) -> float:
    """Return the energy that devices draw from the grid, J.

    Args:
        devices: how many; seconds: how long each runs.
        power: W a device, best the measured mean of the system; the design power errs high.
        pue: energy of the building over that of its machines.

    Raises:
        InputError: a number is negative or the PUE is below 1.

    Source: Patterson et al. 2021 (arXiv:2104.10350).
    """
    numbers = {"devices": devices, "time in seconds": seconds, "power in W": power}
    for name, value in numbers.items():
        if not 0 <= value < math.inf:
            raise InputError(f"{name} = {value:g} is not a finite number of zero or more.")
    if not 1 <= pue < math.inf:
        raise InputError(
            f"a PUE of {pue:g} is not possible.",
            "A building uses at least what its machines use, so it is 1 or more.",
        )
    return devices * seconds * power * pue


def embodied_share(kg: float, seconds: float, lifetime: float) -> float:
    """Return the share of a device's embodied carbon that a time of use carries, kg CO2e.

    Args:
        kg: CO2e of making one device, with its part of the machine.
        seconds: of use, of all devices together; lifetime: seconds a device is used in all.

    Source: Faiz et al. 2023 (arXiv:2309.14393), time over lifetime.
    """
    if not (kg >= 0 and seconds >= 0 and 0 < lifetime < math.inf):
        raise InputError(f"{kg:g} kg over a lifetime of {lifetime:g} s cannot be shared out.")
    return kg * seconds / lifetime


@worded(
    count="count",
    time="s",
    power="W",
    pue="count",
    intensity="count",
    embodied="count",
    lifetime="s",
)
def footprint(
    device: str | Device | None = None,
    *,
    count: float,
    time: float,
    power: float | None = None,
    pue: float = 1.0,
    intensity: float | None = None,
    region: str | None = None,
    embodied: float | None = None,
    lifetime: float | None = None,
) -> Footprint:
    """Return the energy and the carbon of devices over a time.

    Args:
        device: accelerator, whose power is taken if `power` is None.
        count: how many; time: seconds that each runs; power: W each, best as measured.
        pue: of the building; 1 counts the devices alone.
        intensity: kg CO2e per kWh; region: name or code of a `Grid` to take it from instead.
        embodied: kg CO2e of making one device; lifetime: seconds of use to share it over.

    Numbers may be text: `time="3 weeks"`.

    Raises:
        InputError: no power is known, or both or half of a pair is given.
    """
    watts, source = _power(device, power)
    if intensity is not None and region is not None:
        raise InputError("give the intensity of the grid or a region, not both.")
    if (embodied is None) != (lifetime is None):
        raise InputError(
            "embodied carbon and lifetime go together.",
            do="--embodied 150 --lifetime '4 years' shares 150 kg a device over four years of use.",
        )
    joules = energy(count, time, watts, pue)
    known = grid(region) if region is not None else None
    per_kwh = known.intensity if known else intensity
    if per_kwh is not None and not 0 <= per_kwh < math.inf:
        raise InputError(f"an intensity of {per_kwh:g} kg/kWh is not possible.")
    kwh = joules / _HOUR / 1e3
    operational = None if per_kwh is None else kwh * per_kwh
    making = (
        None
        if embodied is None or lifetime is None
        else embodied_share(embodied, count * time, lifetime)
    )
    return Footprint(
        devices=count,
        seconds=time,
        power=watts,
        power_source=source,
        pue=pue,
        joules=joules,
        kwh=kwh,
        intensity=per_kwh,
        intensity_source=f"{known.name}, {known.year}: {known.source}" if known else "as given",
        operational=operational,
        embodied=making,
        total=None if operational is None else operational + (making or 0.0),
    )


def grids() -> dict[str, Grid]:
    """Return the regions whose intensity is known, by name."""
    return dict(_read())


def grid(name: str | Grid) -> Grid:
    """Return a region by name or code (`France`, `FRA`); case does not matter.

    Raises:
        InputError: there is none, with the nearest names.
    """
    if isinstance(name, Grid):
        return name
    known = grids()
    codes = {x.code: x for x in known.values()}
    return find(name, {**codes, **known}, "region", "Give kg CO2e per kWh instead: --intensity 0.4")


def _power(on: str | Device | None, power: float | None) -> tuple[float, str]:
    if power is not None:
        return power, "as given"
    if on is None:
        raise InputError("energy needs a device or the power of one in W.")
    found = hardware.device(on)
    if found.power is None:
        raise InputError(
            f"the power of {found.name} is not known. {found.note}".rstrip(),
            do="Give it in W: --power 400",
        )
    return found.power, f"{found.name}: {found.source}"


@cache
def _read() -> dict[str, Grid]:
    import tomllib

    raw: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    shared = raw.pop("shared")
    found = {
        name: {**shared, **(entry if isinstance(entry, dict) else {})}
        for name, entry in raw.items()
    }
    return {name: msgspec.convert({"name": name, **entry}, Grid) for name, entry in found.items()}
