"""`isoflop report`: the HTML report of a study, or of any table of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Examples:
  isoflop report my-study --out report.html
  isoflop report runs.csv --state N=all,loss=nats/token --target 1e23
  isoflop report runs.csv --column N=params --holdout "C > 1e21" --out review.html"""


@click.command(epilog=EPILOG)
@click.argument("source", type=o.PLACE)
@click.option(
    "--out",
    type=o.PLACE,
    help="File to write; by default report.html in the study's folder, or where you are.",
)
@click.option(
    "--target",
    type=o.Flops(),
    help="Table: FLOPs the plan is for; 10 x the largest C by default.",
)
@click.option(
    "--holdout",
    default="largest-budget",
    show_default=True,
    help="Table: runs predicted from the smaller ones; or a condition, 'C > 1e21'.",
)
@o.convention_option
@o.runs_options
@o.seed_option
@o.level_option
@o.json_flag
@click.pass_context
def command(ctx: click.Context, source: Path, out: Path | None, **flags: Any) -> int:
    """Write the HTML report of a finished study in a folder, or of a table of runs.

    A table is fitted, tested on held-out runs, planned with and audited as a study is; its losses
    must be in nats per token, and it must say so (--state). Exit code 1 if there is no plan.
    """
    import msgspec

    from isoflop.report import summary_text, write_report

    result = _of_study(ctx, source) if source.is_dir() else _of_table(source, flags)
    path = write_report(
        result, out or (source / "report.html" if source.is_dir() else "report.html")
    )
    result = msgspec.structs.replace(result, report=str(path))
    if flags["as_json"]:
        o.print_json(result)
    else:
        click.echo(summary_text(result))
    return 0 if result.plan is not None else 1


def _of_study(ctx: click.Context, folder: Path) -> Any:
    """Return a finished study's result; flags that a table alone has are refused."""
    from isoflop.protocols.document import load_result

    written = click.core.ParameterSource.COMMANDLINE
    names = ("target", "holdout", "convention", "column", "where", "state", "seed", "level")
    lost = [name for name in names if ctx.get_parameter_source(name) is written]
    if lost:
        flags = ", ".join(f"--{'N' if name == 'convention' else name}" for name in lost)
        raise InputError(
            f"{flags} has no effect on a finished study.",
            "Its fits, hold-out and plan were made when it ran.",
            "Write its runs as a table first:  isoflop runs FOLDER --out runs.csv",
        )
    return load_result(folder)


def _of_table(source: Path, flags: dict[str, Any]) -> Any:
    from isoflop.protocols.from_table import analyse_table

    return analyse_table(
        o.open_runs(source, flags, compute=True),
        target=flags["target"],
        holdout=flags["holdout"],
        convention=flags["convention"],
        settings=o.analysis_settings(flags),
    )
