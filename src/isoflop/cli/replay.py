"""`isoflop replay`: published results walked through on public numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o

EPILOG = """\b
Examples:
  isoflop replay
  isoflop replay kaplan-chinchilla --out saga.html
  isoflop replay kaplan-chinchilla --json

Steps whose public table is not here (no network, no ISOFLOP_DATA) say so; the rest is computed.
Exit code 1 if a comparison comes out other than it should."""


@click.command(epilog=EPILOG)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the report as HTML.")
@o.seed_option
@click.option(
    "--level", default=0.95, show_default=True, help="Probability of every computed interval."
)
@o.quiet_flag
@o.json_flag
def command(
    name: str | None, out: Path | None, seed: int, level: float, quiet: bool, as_json: bool
) -> int:
    """Walk through a published result: every step computed here and compared with print.

    Without NAME the replays are listed.
    """
    from isoflop.protocols.replay import replay

    if name is None:
        return _list(as_json)
    result = replay(name, seed=seed, level=level, tell=None if quiet else _tell)
    if out is not None:
        from isoflop.report.replay import write_replay

        write_replay(result, out)
    if as_json:
        o.print_json(_document(result))
    else:
        from isoflop.report.replay import replay_text

        click.echo(replay_text(result))
    if out is not None:
        click.echo(f"wrote {out}", err=True)
    return 1 if result.surprises else 0


def _list(as_json: bool) -> int:
    from isoflop.protocols.replay import names
    from isoflop.protocols.replay.script import script

    found = [{"name": name, "summary": script(name).summary} for name in names()]
    if as_json:
        o.print_json(found)
    else:
        for item in found:
            click.echo(f"{item['name']:20} {item['summary']}")
    return 0


def _document(result: Any) -> dict[str, Any]:
    """Return a replay with its steps in one list, each with the name of its part."""
    import msgspec

    whole = msgspec.to_builtins(result)
    parts = whole.pop("parts")
    steps = [{**step, "part": part["name"]} for part in parts for step in part.pop("steps")]
    return {**whole, "steps": steps, "parts": parts}


def _tell(name: str) -> None:
    click.echo(f"reading {name}", err=True)
