"""`isoflop validate`: predict held-out larger runs from the smaller ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.units import format_count

EPILOG = """\b
Examples:
  isoflop validate my-study
  isoflop validate runs.csv --holdout "C > 1e21" """


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--holdout",
    default="largest-budget",
    show_default=True,
    help="largest-budget, or a condition on the runs.",
)
@o.column_option
@o.where_option
@o.convention_option
@o.seed_option
@o.level_option
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Fit the smaller runs of SOURCE, predict the held-out ones, and say what was covered.

    Exit code 1 if the best held-out run lies outside its interval.
    """
    from isoflop.protocols.question import validate
    from isoflop.protocols.sources import open_table

    table = open_table(source, columns=flags["column"], where=flags["where"])
    answer = validate(
        table,
        holdout=flags["holdout"],
        convention=flags["convention"],
        settings=o.analysis_settings(flags),
    )
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(text(answer))
    return 0 if answer.covered else 1


def text(answer: Any) -> str:
    """Return a held-out prediction as text, one line a run."""
    lines = [
        f"fitted on {len(answer.fitted_budgets)} budgets up to {max(answer.fitted_budgets):.3g}"
        f" FLOPs; held out at {answer.budget:.3g} ({answer.decades:.2f} decades further)",
        f"{'N':>8} {'D':>8} {'observed':>9} {'predicted':>9} {'error':>7}"
        f"  {100 * answer.level:.0f} % interval     straight line",
    ]
    for cell in answer.cells:
        low, high = cell.interval
        line = cell.baselines.get("straight line")
        lines.append(
            f"{format_count(cell.N):>8} {format_count(cell.D):>8} {cell.observed:9.4f}"
            f" {cell.predicted:9.4f} {100 * (cell.predicted / cell.observed - 1):+6.1f}%"
            f"  {low:.3f} to {high:.3f}{'' if cell.covered else ' MISSED'}"
            + (f"  {line:.3f}" if line is not None else "")
        )
    lines.append(f"covered: {100 * answer.coverage:.0f} % of {len(answer.cells)} runs")
    return "\n".join([*lines, *answer.notes])
