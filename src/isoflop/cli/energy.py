"""`isoflop hardware energy`: energy and carbon of devices over a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli.quantities import DURATION, WATTS, Count

if TYPE_CHECKING:
    from isoflop.plan.energy import Footprint

EPILOG = """\b
Examples:
  isoflop hardware energy --device H100 --count 64 --time "3 weeks" --region France
  isoflop hardware energy --power 330 --count 10k --time "14.8 days" --pue 1.1 --intensity 0.43"""


@click.command("energy", epilog=EPILOG)
@click.option("--device", help="Accelerator whose power is taken.")
@click.option("--power", type=WATTS, help="W a device instead, best as measured.")
@click.option("--count", type=Count(), required=True, help="Devices.")
@click.option("--time", type=DURATION, required=True, help="How long each runs.")
@click.option("--pue", default=1.0, show_default=True, help="Of the building.")
@click.option("--intensity", type=float, help="kg CO2e per kWh of the grid.")
@click.option("--region", help="Region whose mean intensity is taken: France, FRA, World.")
@click.option("--embodied", type=float, help="kg CO2e of making one device.")
@click.option("--lifetime", type=DURATION, help="Time of use that is shared over.")
@o.json_flag
def energy(device: str | None, count: float, as_json: bool, **flags: Any) -> int:
    """Say what energy devices draw over a time, and what carbon that is.

    Energy is devices x time x power x PUE. The design power of a device errs high; the mean that
    was measured is better.
    """
    from isoflop.plan.energy import footprint

    found = footprint(device, count=count, **flags)
    if as_json:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def text(x: Footprint) -> str:
    """Return energy and carbon as text."""
    from isoflop.units import format_count, format_duration

    lines = [
        f"{format_count(x.devices)} devices for {format_duration(x.seconds)} at {x.power:g} W "
        f"({x.power_source}), PUE {x.pue:g}",
        f"energy     {x.kwh:,.6g} kWh ({x.joules:.4g} J)",
    ]
    if x.operational is None:
        lines.append("carbon     not known: give --region or --intensity")
    else:
        lines.append(
            f"carbon     {x.operational:,.6g} kg CO2e at {x.intensity:g} kg/kWh "
            f"({x.intensity_source})"
        )
    if x.embodied is not None:
        lines.append(f"embodied   {x.embodied:,.6g} kg CO2e, by time of use")
    if x.total is not None and x.embodied is not None:
        lines.append(f"together   {x.total:,.6g} kg CO2e")
    return "\n".join(lines)
