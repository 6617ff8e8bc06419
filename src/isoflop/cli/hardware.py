"""`isoflop hardware`: accelerators; what training on them takes; energy and carbon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from isoflop.cli import options as o
from isoflop.cli.energy import energy
from isoflop.cli.memory import memory
from isoflop.cli.quantities import bytes_text

if TYPE_CHECKING:
    from isoflop.plan.hardware import Device

EPILOG = """\b
Examples:
  isoflop hardware
  isoflop hardware show H100
  isoflop hardware memory Llama-3-8B --device H100 --context 8192
  isoflop hardware energy --device H100 --count 64 --time "3 weeks" --region France"""

_SHOW = """\b
Example:
  isoflop hardware show H100"""

table_option = click.option(
    "--table", type=click.Path(), help="TOML file of your own devices (or set ISOFLOP_HARDWARE)."
)


@click.group(epilog=EPILOG, invoke_without_command=True)
@table_option
@o.json_flag
@click.pass_context
def command(ctx: click.Context, table: str | None, as_json: bool) -> int:
    """List accelerators with dense peaks, memory, bandwidth and power; show one of them.

    Also what training a model on them takes, and its energy and carbon.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from isoflop.plan.hardware import devices

    found = list(devices(table).values())
    if as_json:
        o.print_json(found)
    else:
        click.echo(list_text(found))
    return 0


@command.command("show", epilog=_SHOW)
@click.argument("name", metavar="NAME")
@table_option
@o.json_flag
def show(name: str, table: str | None, as_json: bool) -> int:
    """Print one accelerator: peaks, ridge points, example prices, sources."""
    from isoflop.plan.hardware import device

    found = device(name, table)
    if as_json:
        o.print_json(found)
    else:
        click.echo(device_text(found))
    return 0


command.add_command(memory)
command.add_command(energy)


def list_text(found: list[Device]) -> str:
    """Return accelerators as a table."""
    from isoflop.plan.columns import columns

    head = ["device", "16-bit", "8-bit", "memory", "bandwidth", "power", "ridge", "checked"]
    units = ["", "TFLOP/s", "TFLOP/s", "", "TB/s", "W", "FLOP/B", ""]
    rows = [head, units]
    for x in found:
        eight = x.peak.get("fp8") or x.peak.get("int8")
        rows.append(
            [
                x.name,
                f"{x.flops() / 1e12:g}",
                f"{eight / 1e12:g}" if eight else "-",
                bytes_text(x.memory),
                f"{x.bandwidth / 1e12:.3g}",
                f"{x.power:g}" if x.power else "-",
                f"{x.ridge():.0f}",
                str(x.date),
            ]
        )
    last = "Peaks are dense: half of the sparse figures that vendors print. Sources: show NAME."
    return "\n".join([*columns(rows, ""), "", last])


def device_text(x: Device) -> str:
    """Return one accelerator as text."""
    lines = [f"{x.name} ({x.vendor}, {x.form})"]
    lines += [
        f"  {precision:5} {peak / 1e12:g} TFLOP/s dense, ridge {peak / x.bandwidth:.0f} FLOP a byte"
        for precision, peak in x.peak.items()
    ]
    lines.append(f"  memory {bytes_text(x.memory)} at {x.bandwidth / 1e12:.4g} TB/s")
    lines.append(f"  power {f'{x.power:g} W' if x.power else 'not known'}")
    if x.mfu:
        lines.append(f"  MFU {x.mfu.value:g}: {x.mfu.run} ({x.mfu.source})")
    lines += [f"  example price {p.usd:.2f} USD/h, {p.where}, {p.date}" for p in x.prices]
    lines += [f"  source: {x.source}; checked {x.date}"]
    return "\n".join([*lines, *([f"  note: {x.note}"] if x.note else [])])
