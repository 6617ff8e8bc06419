"""Flags that several verbs share, and how results are printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from isoflop.errors import InputError
from isoflop.samples import Estimate, check_level
from isoflop.units import parse_count, parse_flops

F = TypeVar("F", bound=Callable[..., Any])

json_flag = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
quiet_flag = click.option("--quiet", is_flag=True, help="No progress on stderr.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
level_option = click.option(
    "--level",
    default=0.9,
    show_default=True,
    callback=lambda _c, _p, level: check_level(level),
    help="Probability of every interval.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; one a core by default."
)
dry_run_flag = click.option(
    "--dry-run", is_flag=True, help="Say what would be trained and what it costs; train nothing."
)
convention_option = click.option(
    "--N",
    "convention",
    type=click.Choice(["matrices", "matrices+head", "all"]),
    default="matrices+head",
    show_default=True,
    help="Which weights N counts.",
)


class Place(click.Path):
    """A file or folder; an empty text, as of a variable that is not set, is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Refuse an empty text: as a path it would be the current folder."""
        if not str(value):
            self.fail("an empty text names no file or folder.", param, ctx)
        return super().convert(value, param, ctx)


PLACE = Place()


class Mapping(click.ParamType):
    """A column of the input for a standard name: `N=params_N`."""

    name = "NAME=COLUMN"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        """Split at the first equals sign."""
        if isinstance(value, tuple):
            return value
        name, sign, column = str(value).partition("=")
        if not (name and sign and column):
            raise InputError(
                f"--column takes NAME=COLUMN, not `{value}`.", do="--column N=params_N"
            )
        return name.strip(), column.strip()


class Statements(click.ParamType):
    """What a table's columns count: `N=all,C=6ND`."""

    name = "NAME=COUNT,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, str]:
        """Split into names and what they count."""
        if isinstance(value, dict):
            return value
        from isoflop.runs.convention import Convention

        pairs = [part.partition("=") for part in str(value).split(",") if part.strip()]
        if not all(sign for _, sign, _ in pairs):
            raise InputError(f"--state takes NAME=COUNT, not `{value}`.", do="--state N=all")
        said = {name.strip(): count.strip() for name, _, count in pairs}
        Convention().saying(**said)
        return said


def columns_of(names: str) -> Callable[[F], F]:
    """Return the flag that says which columns of the input are these."""
    return click.option(
        "--column",
        type=Mapping(),
        multiple=True,
        callback=lambda _c, _p, pairs: dict(pairs),
        help=f"Which column of the input is {names}; may be repeated.",
    )


column_option = columns_of("N, D, C, loss ...")
attempts_option = columns_of("problem, correct, n, c, answer, score")
laws_option = click.option(
    "--law",
    "laws",
    multiple=True,
    help="A registered law, a composition or a formula; may be repeated.",
)
noise_option = click.option(
    "--noise",
    default="huber:1e-3",
    show_default=True,
    help="Objective, a sum over runs: huber:DELTA, huber:free, squared, absolute, student:NU.",
)
output_option = click.option(
    "--output", default="loss", show_default=True, help="Column the law explains."
)
where_option = click.option(
    "--where", help="Keep the runs that meet a condition: \"C > 1e19 and status == 'finished'\"."
)
state_option = click.option(
    "--state",
    type=Statements(),
    default="",
    help="How the table counts, where its names do not say: N=all,C=6ND,loss=bits/byte.",
)


def runs_options(command: F) -> F:
    """Add the flags that say how a table of runs is read; `open_runs` uses them."""
    return column_option(where_option(state_option(command)))


def open_runs(source: Path, flags: Any, *, compute: bool = False) -> Any:
    """Read the runs of a study's folder or a table as the flags of `runs_options` say.

    Args:
        source: folder or file.
        flags: of the command, by name.
        compute: count C as 6ND where the table has none, and say so on stderr.
    """
    from isoflop.protocols.sources import open_table

    table = open_table(source, columns=flags["column"], where=flags["where"], state=flags["state"])
    note = ""
    if compute:
        from isoflop.validate.split import with_compute

        table, note = with_compute(table)
    if not flags["as_json"]:
        tell_columns(table)
        if note:
            click.echo(note, err=True)
    return table


class Flops(click.ParamType):
    """A number of FLOPs as people write it: 5e10, 1.5e12, `3 PFLOP`."""

    name = "FLOPs"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one number of FLOPs."""
        return value if isinstance(value, float) else parse_flops(value)


class Numbers(click.ParamType):
    """Numbers joined by commas: `5e10,1.5e11`."""

    name = "numbers"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        return tuple(parse_count(part) for part in str(value).split(",") if part.strip())


class Target(click.ParamType):
    """A budget with values of further inputs: `1e22`, `C=1e22`, `C=1e22,U=1e11`."""

    name = "C=FLOPS"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, float | str]:
        """Read the values by name; C is a number of FLOPs, others are counts or labels."""
        if isinstance(value, dict):
            return value
        target: dict[str, float | str] = {}
        for part in str(value).split(","):
            name, sign, given = part.partition("=")
            name, given = (name.strip(), given.strip()) if sign else ("C", name.strip())
            if not name or name in target:
                raise InputError(f"--target `{value}` names `{name}` twice or not at all.")
            target[name] = parse_flops(given) if name == "C" else _count_or_label(given)
        return target


def _count_or_label(text: str) -> float | str:
    try:
        return parse_count(text)
    except InputError:
        if text[:1].isalpha():
            return text
        raise


def whole(numbers: tuple[float, ...] | None, flag: str) -> tuple[int, ...] | None:
    """Check that numbers given by a flag are whole and positive.

    Raises:
        InputError: one is not.
    """
    if numbers is None:
        return None
    for number in numbers:
        if number != int(number) or number <= 0:
            raise InputError(f"{flag} takes whole positive numbers, not {number:g}.")
    return tuple(int(number) for number in numbers)


def write(path: Path | None, data: bytes) -> None:
    """Write what --out asks for, whole or not at all, and say so; nothing without --out."""
    if path is not None:
        from isoflop.store.files import write_atomic

        write_atomic(path, data)
        click.echo(f"wrote {path}", err=True)


def print_json(value: Any) -> None:
    """Print a record or builtin as one JSON document."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def existing(path: Path) -> Path:
    """Return a path that must exist.

    Raises:
        InputError: it does not.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.", do="Check the path, or run:  isoflop study")
    return path


def analysis_settings(flags: dict[str, Any]) -> Any:
    """Return the analysis settings that --level and --seed ask for."""
    from isoflop.protocols.models import Settings

    return Settings(level=flags["level"], seed=flags["seed"])


def tell_columns(table: Any) -> None:
    """Print how the columns of a run table were read, on stderr."""
    for name, origin in table.origin.items():
        if str(origin) != name and (not origin.given or origin.factor != 1):
            click.echo(f"{name} is read from {origin}", err=True)


def tell_findings(table: Any, quiet: Sequence[str] = ()) -> None:
    """Print what the checks of a run table found, on stderr, but for codes that are no news."""
    from isoflop.runs.checks import check

    for finding in check(table):
        if finding.severity in ("warning", "error") and finding.code not in quiet:
            click.echo(f"{finding.severity} [{finding.code}] {finding.message}", err=True)
            if finding.remedy:
                click.echo(f"  {finding.remedy}", err=True)


def ranged(value: Estimate, show: Callable[[float], str]) -> str:
    """Return an estimate and its interval as text; an end that is not known is open."""
    low, high = value.interval or (None, None)
    ends = ["open" if end is None else show(end) for end in (low, high)]
    return f"{show(value.estimate)} ({ends[0]} to {ends[1]})"
