"""`isoflop plan`: choose N and D for a budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.units import format_count

EPILOG = """\b
Examples:
  isoflop plan my-study --budget 5e13
  isoflop plan runs.csv --budget 1e22 --json"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--budget",
    type=o.Flops(),
    required=True,
    help="Training FLOPs, counted as the runs count theirs.",
)
@o.column_option
@o.where_option
@o.convention_option
@o.seed_option
@o.level_option
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Choose N and D for a budget from the runs of SOURCE, with intervals.

    The interval holds what the runs leave open and the difference between the models.
    """
    from isoflop.protocols.question import plan
    from isoflop.protocols.sources import open_table

    table = open_table(source, columns=flags["column"], where=flags["where"])
    answer = plan(
        table,
        flags["budget"],
        convention=flags["convention"],
        settings=o.analysis_settings(flags),
    )
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(text(answer))
    return 0


def text(answer: Any) -> str:
    """Return a plan as text."""

    def line(name: str, estimate: Any, show: Any) -> str:
        low, high = estimate.interval or (None, None)
        ends = [show(end) if end is not None else "open" for end in (low, high)]
        return f"{name:22} {show(estimate.estimate):>8}   {ends[0]} to {ends[1]}"

    lines = [
        f"budget {answer.C:.3g} FLOPs, {answer.decades:+.1f} decades from the largest fitted run;"
        f" {100 * answer.level:.0f} % intervals; N counts {answer.convention}",
        line("N", answer.N, format_count),
        line("D (tokens)", answer.D, format_count),
        line("loss (nats per token)", answer.loss, lambda x: f"{x:.3f}"),
        line("tokens per parameter", answer.tokens_per_parameter, lambda x: f"{x:.1f}"),
    ]
    lines += [
        f"within {name} of the best loss: N from {format_count(low)} to {format_count(high)}"
        for name, (low, high) in answer.flat.items()
    ]
    return "\n".join([*lines, *(f"warning: {w}" for w in answer.warnings)])
