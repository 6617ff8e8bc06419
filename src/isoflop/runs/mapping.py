"""A table with its columns under their standard names, and what their names say of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.runs.cells import MISSING
from isoflop.runs.columns import KNOWN, missing_column
from isoflop.runs.convention import KNOWN as CONVENTIONS
from isoflop.runs.convention import UNSTATED, Convention
from isoflop.runs.guess import NATS, Source, factor_of, stated
from isoflop.runs.where import values_of
from isoflop.units import parse_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.runs.table import RunTable


def words(raw: RunTable) -> set[str]:
    """Return the text columns that do not begin with a number such as 70B."""
    found = set()
    for name, column in raw.columns.items():
        if column.dtype.kind != "O":
            continue
        try:
            parse_count(next((cell for cell in column if cell.strip().lower() not in MISSING), ""))
        except InputError:
            found.add(name)
    return found


def given_sources(raw: RunTable, columns: Mapping[str, str]) -> dict[str, Source]:
    """Return where the columns come from that the user named.

    Raises:
        InputError: if a single name is no column of the table.
    """
    given: dict[str, Source] = {}
    for standard, expression in columns.items():
        known = expression in raw
        if not known and expression.isidentifier():
            raise missing_column(expression, raw.columns, standard)
        given[standard] = Source(expression, factor_of(expression) if known else 1.0, (), True)
    return given


def mapped(raw: RunTable, sources: Mapping[str, Source], convention: Convention) -> RunTable:
    """Return the table with the standard columns first, then the others of the file.

    A loss in bits per token becomes nats per token, as counts in billions become counts.

    Args:
        raw: the table as read.
        sources: standard name -> where it comes from.
        convention: what the caller says of how the table counts.

    Raises:
        InputError: if a cell or an expression cannot be read.
    """
    plain = {
        n: _column(raw, n, source) for n, source in sources.items() if source.expression in raw
    }
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
    return _in_nats(replace(raw, columns=columns, convention=said, origin={**origin, **sources}))


def _in_nats(table: RunTable) -> RunTable:
    """Return the table with its loss in nats per token if it says bits per token."""
    factor = NATS.get(table.convention.loss)
    if factor is None or "loss" not in table.columns:
        return table
    table.require("loss")
    source = table.origin.get("loss", Source("loss"))
    return replace(
        table.with_columns(loss=table["loss"] * factor),
        convention=table.convention.saying(loss="nats/token"),
        origin={
            **table.origin,
            "loss": msgspec.structs.replace(source, factor=source.factor * factor),
        },
    )


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
            gap = cell.strip().lower() in MISSING
            numbers[row] = np.nan if gap else parse_count(cell)
        except InputError as error:
            raise InputError(
                f"row {row} (counted from 0) of column `{name}` is not a number: {error.what}",
                "It stands for a quantity.",
                error.do,
            ) from None
    return numbers
