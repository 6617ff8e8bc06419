"""`isoflop report`: write a study's HTML report again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from isoflop.cli import options as o

if TYPE_CHECKING:
    from pathlib import Path

EPILOG = """\b
Example:  isoflop report my-study --out report.html"""


@click.command(epilog=EPILOG)
@click.argument("folder", type=o.PLACE)
@click.option(
    "--out",
    type=o.PLACE,
    help="File to write; by default report.html in the study's folder.",
)
@o.json_flag
def command(folder: Path, out: Path | None, as_json: bool) -> int:
    """Write the HTML report of the finished study in FOLDER."""
    import msgspec

    from isoflop.protocols.document import load_result
    from isoflop.report import summary_text, write_report

    result = load_result(folder)
    path = write_report(result, out or folder / "report.html")
    result = msgspec.structs.replace(result, report=str(path))
    if as_json:
        o.print_json(result)
    else:
        click.echo(summary_text(result))
    return 0
