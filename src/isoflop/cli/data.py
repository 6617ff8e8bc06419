"""`isoflop data`: public run tables, listed, described and downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o

if TYPE_CHECKING:
    from isoflop.runs.public import Entry

EPILOG = """\b
Examples:
  isoflop data list
  isoflop data show chinchilla-epoch-svg
  isoflop data fetch chinchilla-epoch-svg --out runs.csv"""

#: Characters of a line that `show` fills.
_WIDTH = 88


@click.group(epilog=EPILOG)
def command() -> None:
    """List, describe and download public run tables, each pinned by commit and sha256.

    Files go to the user's cache. With ISOFLOP_DATA set to a folder they are read from there
    instead (NAME.csv, or upstream's files as NAME/FILE or FILE), and nothing is downloaded.
    """


@command.command("list", epilog="\b\nExample:  isoflop data list --json")
@o.json_flag
def list_(as_json: bool) -> int:
    """List the public run tables."""
    from isoflop.runs import public

    entries = [public.show(name) for name in public.names()]
    if as_json:
        o.print_json([_record(entry) for entry in entries])
        return 0
    for entry in entries:
        rows = "" if entry.rows is None else f"{entry.rows:,}"
        click.echo(f"{entry.name:30} {rows:>7}  {entry.title}")
    return 0


@command.command("show", epilog="\b\nExample:  isoflop data show chinchilla-epoch-svg")
@click.argument("name")
@o.json_flag
def show(name: str, as_json: bool) -> int:
    """Show a table's origin, files, hashes, licence, conventions and traps."""
    from isoflop.runs import public

    entry = public.show(name)
    if as_json:
        o.print_json(_record(entry))
    else:
        click.echo(text(entry))
    return 0


@command.command(
    "fetch", epilog="\b\nExample:  isoflop data fetch chinchilla-epoch-svg --out chinchilla.csv"
)
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), help="Also write the run table as CSV.")
@o.quiet_flag
@o.json_flag
def fetch(name: str, out: Path | None, quiet: bool, as_json: bool) -> int:
    """Download a table's files, check them, and convert them to a run table."""
    from isoflop.runs import public
    from isoflop.runs.public.tables import from_files

    paths = public.fetch(name, tell=None if quiet else _tell)
    table = from_files(public.show(name), paths)
    if out is not None:
        table.to_csv(out)
    if as_json:
        o.print_json(
            {
                "name": name,
                "files": [str(path) for path in paths],
                "runs": len(table),
                "convention": table.convention,
                "digest": table.digest,
                "out": None if out is None else str(out),
            }
        )
        return 0
    place = paths[0] if len(paths) == 1 else f"{len(paths)} files in {paths[0].parent}"
    click.echo(f"{name}: {len(table):,} rows ({table.convention})\n{place}")
    if out is not None:
        click.echo(f"wrote {out}", err=True)
    return 0


def _tell(done: int, total: int) -> None:
    """Say after each file how many are there, on stderr."""
    click.echo(f"\r{done} of {total} files", err=True, nl=done == total)


def _record(entry: Entry) -> dict[str, Any]:
    import msgspec

    files = [
        {"url": entry.url(file), "sha256": file.sha256, "path": file.path} for file in entry.files
    ]
    kept = ("title", "use", "repository", "commit", "convention", "licence", "citation")
    fields = msgspec.to_builtins({name: getattr(entry, name) for name in kept})
    more = {"rows": entry.rows, "digest": entry.digest, "checked": entry.checked}
    return {"name": entry.name, **fields, **more, "notes": list(entry.notes), "files": files}


def text(entry: Entry) -> str:
    """Return an entry as text."""
    converter = {
        "whole": "checked against the whole table",
        "part": "checked against a part of the table",
    }
    known = {
        "for": entry.use,
        "rows": "" if entry.rows is None else f"{entry.rows:,}",
        "cite": entry.citation,
        "licence": entry.licence,
        "from": f"github.com/{entry.repository} at {entry.commit}" if entry.commit else "",
        "counts": str(entry.convention),
        "converter": converter[entry.checked] if entry.converter else "",
    }
    lines = [f"{entry.name}: {entry.title}"]
    lines += [_wrapped(value, f"  {label:10}") for label, value in known.items() if value]
    lines += [_wrapped(note, f"  {'note':10}") for note in entry.notes]
    shown = entry.files[:20]
    lines += [f"  {'file':10}{entry.url(file)}\n{'':12}sha256 {file.sha256}" for file in shown]
    if len(shown) < len(entry.files):
        lines.append(f"  {'':10}... and {len(entry.files) - len(shown)} more (--json has all)")
    return "\n".join(lines)


def _wrapped(value: str, label: str) -> str:
    from textwrap import fill

    indent = " " * len(label)
    return fill(value, _WIDTH, initial_indent=label, subsequent_indent=indent)
