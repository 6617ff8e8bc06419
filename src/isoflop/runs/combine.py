"""Tables counted otherwise, put together, or completed: every change of convention is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import ConventionError, InputError
from isoflop.runs.convention import KNOWN, STORED, UNSTATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.runs.table import RunTable


def convert(table: RunTable, **conventions: str) -> RunTable:
    """Return the table counted otherwise, from the columns that hold the other count.

    `convert(table, N="all")` takes `N_all`, `loss="bits/byte"` takes `bits_per_byte`,
    `C="6ND"` takes `C_6ND` or computes 6 N D.

    Raises:
        ConventionError: if no column holds that count.
        InputError: if it is not a convention.
    """
    for field, value in conventions.items():
        said = table.convention.saying(**{field: value})
        if value != getattr(table.convention, field):
            table = table.with_columns(**{field: _counted(table, field, value)})
        table = replace(table, convention=said)
    return table


def join(
    first: RunTable, second: RunTable, *, convert: Mapping[str, str] | None = None
) -> RunTable:
    """Return the runs of both tables; a column that only one has is missing in the other.

    Args:
        first: runs, of which the result keeps the licence and origin.
        second: runs counted by the same convention.
        convert: conversions made in both tables first, such as `{"N": "all"}`.

    Raises:
        ConventionError: if the tables count differently, or do not say how they count.
    """
    first, second = (_all_converted(table, convert or {}) for table in (first, second))
    _require_alike(first, second)
    both = [*first.columns, *(name for name in second.columns if name not in first.columns)]
    columns = {
        name: np.concatenate([_part(first, second, name), _part(second, first, name)])
        for name in both
    }
    sources = dict.fromkeys(table.source for table in (first, second) if table.source)
    return replace(first, columns=columns, source=" + ".join(sources))


def derive(table: RunTable, formula: str) -> RunTable:
    """Return the table with `C=6ND` or `D=C/6N` computed, and the convention saying so.

    Raises:
        InputError: if the formula is neither, or the column is already there.
    """
    target = {"C=6ND": "C", "D=C/6N": "D"}.get(formula.replace(" ", ""))
    if target is None:
        raise InputError(f"`{formula}` is not a derivation; known: C=6ND, D=C/6N.")
    if target in table.columns:
        raise InputError(
            f"the table already has {target}.",
            "Computing it again would hide how it was counted.",
            f"Leave out `{formula}`, or convert:  isoflop.runs.combine.convert(table, C='6ND')",
        )
    table.require("N", "D" if target == "C" else "C")
    if target == "C":
        derived = table.with_columns(C=6.0 * table["N"] * table["D"])
    else:
        derived = table.with_columns(D=table["C"] / (6.0 * table["N"]))
    return derived.state(**{target: formula.replace(" ", "")[2:]})


def _all_converted(table: RunTable, conventions: Mapping[str, str]) -> RunTable:
    return convert(table, **conventions)


def _counted(table: RunTable, field: str, value: str) -> np.ndarray:
    for column in STORED.get((field, value), ()):
        if column in table.columns:
            return table.columns[column]
    if (field, value) == ("C", "6ND"):
        table.require("N", "D")
        return 6.0 * table["N"] * table["D"]
    holder = STORED.get((field, value), (field,))[0]
    raise ConventionError(
        f"the table does not hold {field} counted as {value}.",
        "One count does not follow from another without the architecture.",
        f"Name the column that holds it:  --column {holder}=YOUR_COLUMN",
    )


def _require_alike(first: RunTable, second: RunTable) -> None:
    names = (first.source or "the first table", second.source or "the second table")
    for field in KNOWN:
        mine, yours = (getattr(table.convention, field) for table in (first, second))
        if field not in first.columns and field not in second.columns:
            continue
        unknown = UNSTATED in (mine, yours) and first.source != second.source
        if mine == yours and not unknown:
            continue
        known = yours if mine == UNSTATED else mine
        raise ConventionError(
            f"{field} is {mine} in {names[0]} and {yours} in {names[1]}.",
            "Counted differently, equal models get two places on the curve; with N this "
            "moves the exponent by up to 0.15.",
            f'Say how it was counted:  table.state({field}="{known}")'
            if unknown
            else f'Convert both:  isoflop.runs.combine.join(a, b, convert={{"{field}": "{mine}"}})',
        )


def _part(table: RunTable, other: RunTable, name: str) -> np.ndarray:
    if name in table.columns:
        column = table.columns[name]
        if name in other.columns and other.columns[name].dtype != column.dtype:
            raise ConventionError(f"column `{name}` is text in one table and numbers in the other.")
        return column
    text = other.columns[name].dtype.kind == "O"
    return np.full(len(table), "", dtype=object) if text else np.full(len(table), np.nan)
