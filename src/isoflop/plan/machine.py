"""Hardware that trains: devices, their utilisation, price, power and carbon, as far as known."""

from __future__ import annotations

from typing import Any

import msgspec

from isoflop.errors import InputError
from isoflop.plan.energy import energy
from isoflop.plan.hardware import Device

HOUR = 3600.0
KWH = 3.6e6


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Hardware and what it costs; what is not known stays None and is asked for when needed.

    Args:
        device: an accelerator; count: how many.
        mfu: model FLOPs utilisation in training, share of the dense peak.
        precision: whose peak is meant.
        price: USD a device-hour.
        pue: power usage effectiveness of the building; 1 counts the devices alone.
        intensity: kg CO2e a kWh.
    """

    device: Device | None = None
    count: float | None = None
    mfu: float | None = None
    precision: str = "bf16"
    price: float | None = None
    pue: float = 1.0
    intensity: float | None = None

    def __post_init__(self) -> None:
        if self.mfu is not None and not 0 < self.mfu <= 1:
            raise InputError(
                f"an MFU of {self.mfu:g} is not between 0 and 1.",
                "It is the share of the dense peak that training reaches.",
                "Give --mfu 0.4 for 40 %.",
            )
        for name in ("count", "price", "intensity"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise InputError(f"{name} = {value:g} is not positive.")
        if not self.pue >= 1:
            raise InputError(f"a PUE of {self.pue:g} is below 1.", "It is total over IT power.")

    def flops_an_hour(self) -> float:
        """Return training FLOPs that one device does in an hour."""
        return self.need("device").flops(self.precision) * self.utilisation() * HOUR

    def utilisation(self) -> float:
        """Return the MFU given, or the one that a published run reached on the device."""
        published = self.device.mfu if self.device is not None else None
        if self.mfu is None and published is not None:
            return published.value
        return self.need("mfu")

    def assumed(self) -> tuple[str, ...]:
        """Return what was assumed because it was not given."""
        if self.mfu is not None or self.device is None or self.device.mfu is None:
            return ()
        mfu = self.device.mfu
        return (
            f"No MFU was given: {mfu.value:.2g} is assumed, which another run reached ({mfu.run});"
            " measure yours and give --mfu.",
        )

    def kwh_an_hour(self) -> float:
        """Return kWh of one device in an hour, building included."""
        power = self.need("device").power
        if power is None:
            raise InputError(
                f"the power of {self.need('device').name} is not known.",
                do="Give a device of your own with its power (isoflop hardware --help).",
            )
        return energy(1.0, HOUR, power, self.pue) / KWH

    def need(self, name: str) -> Any:
        """Return a field that must be known.

        Raises:
            InputError: it is not, with the flag that gives it.
        """
        value = getattr(self, name)
        if value is None:
            raise InputError(
                f"{MEANING[name]} is not known, and this budget needs it.",
                "Hours, dollars and energy become FLOPs only through it.",
                f"Give {_FLAGS[name]}",
            )
        return value


MEANING = {
    "device": "the device",
    "count": "the number of devices",
    "mfu": "the model FLOPs utilisation",
    "price": "the price of a device-hour",
    "intensity": "the carbon intensity of the power",
}
_FLAGS = {
    "device": "--device H100",
    "count": "--count 64",
    "mfu": "--mfu 0.4",
    "price": "--price 2.5",
    "intensity": "--intensity 0.4  (kg CO2e a kWh)",
}
