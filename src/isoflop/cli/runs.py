"""`isoflop runs`: show a run table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.units import format_count

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Examples:
  isoflop runs my-study
  isoflop runs runs.csv --column N=params --where "loss < 4" --json"""

#: Columns of a table without any of `SHOWN` that are shown, and how much of a text.
_FIRST, _TEXT = 8, 24
SHOWN = ("role", "budget", "N", "D", "C", "loss", "bits_per_byte", "status")


@click.command(epilog=EPILOG)
@click.argument("source", type=o.PLACE)
@o.runs_options
@click.option("--out", type=o.PLACE, help="Write the table as CSV.")
@o.json_flag
def command(source: Path, out: Path | None, **flags: Any) -> int:
    """Show the runs of SOURCE, a study's folder or a CSV, JSON lines or Parquet file."""
    table = o.open_runs(source, flags)
    if flags["as_json"]:
        o.print_json(
            {
                "source": str(source),
                "convention": table.convention,
                "digest": table.digest,
                "runs": table.records(),
            }
        )
    else:
        o.tell_findings(table)
        click.echo(text(table))
    if out is not None:
        table.to_csv(out)
        click.echo(f"wrote {out}", err=True)
    return 0


def text(table: Any) -> str:
    """Return the main columns of a table as text, a study's by role, budget and size.

    A table without any of them shows its first columns. The last line says how they were counted.
    """
    names = [name for name in SHOWN if name in table.columns] or list(table.columns)[:_FIRST]
    order = range(len(table))
    if {"role", "budget", "N"} <= set(table.columns):
        order = sorted(order, key=lambda i: (table["role"][i], table["budget"][i], table["N"][i]))
    rows = [names, *([_cell(name, table[name][i]) for name in names] for i in order)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(names))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join([*lines, f"{len(table)} runs; as the table counts: {table.convention}"])


def _cell(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= _TEXT else f"{value[: _TEXT - 3]}..."
    if name in ("N", "D"):
        return format_count(float(value))
    return f"{float(value):.4g}"
