"""`isoflop compare`: is one recipe better than another, by how much compute, and does it last?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.plan.columns import columns
from isoflop.units import format_flops

if TYPE_CHECKING:
    from pathlib import Path

    from isoflop.protocols.comparison import Comparison

EPILOG = """\b
Examples:
  isoflop compare runs.csv --by optimizer
  isoflop compare runs.csv --by data_filter --baseline none --target 1e22 --json"""


@click.command(epilog=EPILOG)
@click.argument("source", type=o.PLACE)
@click.option("--by", required=True, help="Column that tells the arms apart.")
@click.option("--baseline", help="Label compared with; that of the first run without it.")
@click.option(
    "--target",
    type=o.Flops(),
    help="FLOPs at which gains are told besides; 10 x the largest C that arms share by default.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=100),
    default=1000,
    show_default=True,
    help="Number of samples.",
)
@o.runs_options
@o.seed_option
@o.level_option
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Compare the arms of an experiment in SOURCE: who is better, and does the gain last?

    One law is fitted to all arms, with a floor that they share. The multiplier of an arm is the
    compute that the baseline needs for the same loss over the arm's own; its slope says whether
    that changes with scale. Exit code 1 if the fit is not identified or did not converge.
    """
    from isoflop.protocols.compare import compare

    table = o.open_runs(source, flags, compute=True)
    if not flags["as_json"]:
        o.tell_findings(table, quiet=(f"mixed-{flags['by']}",))
    names = ("baseline", "target", "bootstrap", "level", "seed")
    found = compare(table, flags["by"], **{name: flags[name] for name in names})
    if flags["as_json"]:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0 if found.sound else 1


def text(found: Comparison) -> str:
    """Return a comparison as text: a table of multipliers, then what each arm comes to."""
    counted = ", ".join(f"{k} {v}" for k, v in found.convention.items())
    lines = [
        f"{len(found.arms)} arms by {found.by}; law {found.law}, everything but E by arm",
        f"E = {o.ranged(found.floor, '{:.4g}'.format)} {found.unit or '(unit of the runs)'};"
        f" {100 * found.level:g} % intervals, of sampling alone: the law is taken as right",
        *([f"as the runs count: {counted}"] if counted else []),
        "",
        f"compute that {found.baseline} needs for the same loss, over the arm's own:",
        *_table(found),
        "",
    ]
    lines += [
        f"{arm.label}: {arm.verdict}; multiplier ~ C^{o.ranged(arm.slope, '{:.3g}'.format)}"
        for arm in found.arms
        if arm.label != found.baseline
    ]
    return "\n".join([*lines, *(f"warning: {warning}" for warning in found.warnings)])


def _table(found: Comparison) -> list[str]:
    rows = [["arm", "runs", "at C, FLOPs", "", "multiplier", "best loss"]]
    for arm in found.arms:
        for at in arm.at:
            first = [arm.label, str(arm.runs)] if at is arm.at[0] else ["", ""]
            told = [o.ranged(at.multiplier, "{:.3g}".format), o.ranged(at.loss, "{:.4g}".format)]
            rows.append([*first, format_flops(at.C), at.where, *told])
    return columns(rows)
