"""Files and dataframes as tables of runs: columns found, mapped, and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.runs import schemas
from isoflop.runs.columns import KNOWN, missing_column
from isoflop.runs.convention import KNOWN as CONVENTIONS
from isoflop.runs.convention import UNSTATED, Convention
from isoflop.runs.guess import Source, factor_of, guess, stated
from isoflop.runs.readers import read
from isoflop.runs.table import RunTable
from isoflop.runs.where import values_of
from isoflop.units import parse_count

if TYPE_CHECKING:
    from collections.abc import Mapping


def load(
    path_or_frame: Any,
    *,
    columns: Mapping[str, str] | None = None,
    where: str | None = None,
    convention: Convention | None = None,
) -> RunTable:
    """Read runs from a file or a dataframe and find their columns.

    Columns given in `columns` are taken as said; the others are recognised by their names
    (see `guess`), and `table.origin` tells which came from where. Nothing else is assumed: a
    convention that neither the caller nor a column's name states is "unstated", and no
    column is computed from others unless asked for.

    Args:
        path_or_frame: path of a CSV, JSON lines or Parquet file; a dataframe; a RunTable.
        columns: standard name -> column, or an expression over columns such as
            `"params_M * 1e6"`.
        where: condition on the runs, in the file's or the standard names.
        convention: how the table counts; a field that it leaves unstated is taken from the
            columns' names.

    Returns:
        A table with the standard columns first, the file's other columns after them.

    Raises:
        InputError: if the file, a column or the condition cannot be read.

    Example:
        >>> import isoflop as iso
        >>> table = iso.load("runs.csv", columns={"N": "params_N"}, where="loss < 5")
        ... # doctest: +SKIP
    """
    raw = _raw(path_or_frame)
    found = dict(raw.origin) or guess(list(raw.columns), _words(raw))
    if raw is path_or_frame:  # a table has its columns already
        found = {}
    sources = {**found, **_given(raw, columns or {})}
    table = _mapped(raw, sources, convention or Convention())
    return table if where is None else table.where(where)


def _raw(path_or_frame: Any) -> RunTable:
    if isinstance(path_or_frame, RunTable):
        return path_or_frame
    if isinstance(path_or_frame, str | Path):
        raw = RunTable(read(path_or_frame), source=str(path_or_frame))
        return schemas.recognised(raw) or raw
    return RunTable.from_frame(path_or_frame, source=type(path_or_frame).__name__)


def _words(raw: RunTable) -> set[str]:
    """Return the text columns that do not begin with a number such as 70B."""
    found = set()
    for name, column in raw.columns.items():
        first = next((cell for cell in column if cell), "") if column.dtype.kind == "O" else "0"
        try:
            parse_count(first)
        except InputError:
            found.add(name)
    return found


def _given(raw: RunTable, columns: Mapping[str, str]) -> dict[str, Source]:
    given = {}
    for standard, expression in columns.items():
        known = expression in raw
        if not known and expression.isidentifier():
            raise missing_column(expression, raw.columns, standard)
        given[standard] = Source(expression, factor_of(expression) if known else 1.0, (), True)
    return given


def _mapped(raw: RunTable, sources: Mapping[str, Source], convention: Convention) -> RunTable:
    plain = {n: _column(raw, n, source) for n, source in sources.items() if _is_plain(raw, source)}
    # A computed column may use the file's names, which win, and the standard ones.
    both = replace(raw, columns={**plain, **raw.columns})
    columns = {
        name: plain[name] if name in plain else values_of(source.expression, both)
        for name, source in sources.items()
    }
    used = {raw.resolve(source.expression) for source in sources.values()}
    for name, values in raw.columns.items():
        if name not in used:
            # A column that a given one displaces keeps its values under another name.
            columns[f"{name}_in_file" if name in columns else name] = values
    origin = {name: source for name, source in raw.origin.items() if name in columns}
    said = _convention(raw, sources, convention)
    return replace(raw, columns=columns, convention=said, origin={**origin, **sources})


def _convention(raw: RunTable, sources: Mapping[str, Source], asked: Convention) -> Convention:
    """What the caller says, else what a column's name says, else what the table said."""
    said = {}
    for field in CONVENTIONS:
        source = sources.get(field)
        named = stated(field, source.expression) if source else None
        # A column that the user put in another's place does not inherit its convention.
        own = UNSTATED if source and source.given else getattr(raw.convention, field)
        if getattr(asked, field) == UNSTATED:
            said[field] = named or own
    return asked.saying(**said)


def _is_plain(raw: RunTable, source: Source) -> bool:
    return source.expression in raw


def _column(raw: RunTable, name: str, source: Source) -> np.ndarray:
    values = raw[source.expression]
    if name not in KNOWN or KNOWN[name].text:
        return values
    if values.dtype.kind == "O":
        values = _counts(source.expression, values)
    return values if source.factor == 1 else values * source.factor


def _counts(name: str, cells: np.ndarray) -> np.ndarray:
    """Read a text column that should be numbers: 70B, 1,000,000."""
    numbers = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            numbers[row] = parse_count(cell) if cell.strip() else np.nan
        except InputError as error:
            raise InputError(
                f"row {row + 2} of column `{name}` is not a number: {error.what}",
                "It stands for a quantity.",
                error.do,
            ) from None
    return numbers
