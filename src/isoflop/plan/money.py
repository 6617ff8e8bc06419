"""The cost of a choice in FLOPs and, where hardware and prices are known, in everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.plan.answer import Amount, Cost
from isoflop.plan.lifetime import TRAIN_FLOPS, Serving

if TYPE_CHECKING:
    from isoflop.plan.machine import Machine


def split(N: float, D: float, serving: Serving, machine: Machine) -> Cost:
    """Return what training N on D tokens and serving it cost.

    Args:
        N: parameters; D: tokens.
        serving: tokens over the model's life, with the weights of their FLOPs.
        machine: hardware, price, power and carbon, as far as known.
    """
    train = amount(TRAIN_FLOPS * N * D, machine)
    how = "training 6 N D"
    serve = None
    if serving.tokens:
        serve = amount(
            N * serving.flops, machine, busy=N * serving.busy, price=serving.price, days=False
        )
        how += ", serving 2 N a token (attention over the context left out)"
        same = serving.input_weight == serving.output_weight == serving.price == 1
        if machine.device is not None:
            how += " at the training's MFU and price" if same else " at its own MFU and price"
    total = _sum(train, serve) if serve is not None else train
    if machine.device is not None and machine.device.power is not None:
        how += f"; energy = device-hours x {machine.device.power:g} W x PUE {machine.pue:g}"
    worth = N * (TRAIN_FLOPS * D + serving.weighted)
    return Cost(train=train, serve=serve, total=total, how=how, worth=worth)


def amount(
    flops: float,
    machine: Machine,
    *,
    busy: float | None = None,
    price: float = 1.0,
    days: bool = True,
) -> Amount:
    """Return an amount of compute in every unit that the machine allows.

    Args:
        flops: what is done.
        machine: hardware as far as it is known.
        busy: training FLOPs that the devices could do in the same time; `flops` if None.
        price: of a device-hour, over that of training.
        days: whether it runs on `machine.count` devices at once.
    """
    known = machine.device is not None and (
        machine.mfu is not None or machine.device.mfu is not None
    )
    if not known:
        return Amount(flops=flops)
    hours = (flops if busy is None else busy) / machine.flops_an_hour()
    power = machine.device.power if machine.device is not None else None
    kwh = None if power is None else hours * machine.kwh_an_hour()
    return Amount(
        flops=flops,
        device_hours=hours,
        days=hours / machine.count / 24 if days and machine.count else None,
        dollars=None if machine.price is None else hours * price * machine.price,
        kwh=kwh,
        kg_co2e=None if kwh is None or machine.intensity is None else kwh * machine.intensity,
    )


def dollars_a_flop(machine: Machine) -> float | None:
    """Return USD a training FLOP, or None where the device, its MFU or the price is not known."""
    return amount(1.0, machine).dollars if machine.price is not None else None


def _sum(a: Amount, b: Amount) -> Amount:
    def add(x: float | None, y: float | None) -> float | None:
        return None if x is None or y is None else x + y

    return Amount(
        flops=a.flops + b.flops,
        device_hours=add(a.device_hours, b.device_hours),
        dollars=add(a.dollars, b.dollars),
        kwh=add(a.kwh, b.kwh),
        kg_co2e=add(a.kg_co2e, b.kg_co2e),
    )
