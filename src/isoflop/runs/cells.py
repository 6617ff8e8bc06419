"""Cells of a text file as numbers or text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.columns import KNOWN
from isoflop.runs.names import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What counts as a missing number in a file.
MISSING = frozenset({"", "na", "nan", "n/a", "none", "null", "-", "?"})

_TRUTH = {"true": 1.0, "false": 0.0}
#: A number with one comma, and one whose comma may be between thousands.
_COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")
_THOUSAND = re.compile(r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*")
_POINT = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*")

_TEXT_NAMES = {
    plain(name)
    for standard, known in KNOWN.items()
    if known.text
    for name in (standard, *known.names)
}


def parse_cells(name: str, cells: Sequence[str]) -> np.ndarray:
    """Return the cells of a text file as numbers if all are, gaps aside, else as text.

    A cell of `MISSING` is a gap; columns of only true and false become 1 and 0. A column that
    goes by a name of a standard text column ("run_id", ...) stays text.
    """
    column = np.array(cells, dtype=object) if plain(name) in _TEXT_NAMES else _parsed(cells)
    column.flags.writeable = False
    return column


def _parsed(cells: Sequence[str]) -> np.ndarray:
    try:
        return np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        numbers = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        key = cell.strip().lower()
        if key in MISSING:
            continue
        try:
            numbers[i] = _TRUTH[key] if key in _TRUTH else float(key)
        except ValueError:
            return np.array(cells, dtype=object)
    # Gaps only: nothing says that these are numbers.
    return np.array([""] * len(cells), dtype=object) if np.isnan(numbers).all() else numbers


def with_points(file: str, columns: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Return the cells of a file not delimited by commas with decimal commas as points.

    Commas are decimal if some number's comma cannot stand between thousands (`3,14`, `0,125`),
    and between thousands if some number has a decimal point.

    Raises:
        InputError: if both are so, or neither.
    """
    commas = [cell for column in columns for cell in column if _COMMA.fullmatch(cell)]
    decimal = next((cell for cell in commas if not _THOUSAND.fullmatch(cell)), None)
    points = (cell for column in columns for cell in column if _POINT.fullmatch(cell))
    point = next(points, None) if commas else None
    if not commas or (point is not None and decimal is None):
        return columns
    if decimal is None or point is not None:
        shown = f"`{decimal}` and `{point}`" if point is not None else f"`{commas[0]}`"
        raise InputError(
            f"`{file}` has numbers such as {shown}: commas may be decimal or between thousands.",
            "One reading is wrong by a factor of a thousand.",
            "Write decimals with a point and thousands without a mark.",
        )
    return [
        [c.replace(",", ".") if _COMMA.fullmatch(c) else c for c in column] for column in columns
    ]


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number that Python reads."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def not_numeric(name: str, cells: np.ndarray) -> InputError:
    """Return the error for a text column [run] that must be numbers, with its first such cell."""
    texts = [str(cell).strip().lower() for cell in cells]
    row = next((i for i, x in enumerate(texts) if x not in MISSING and not is_number(x)), 0)
    cell = f" `{cells[row]}` in row {row} (counted from 0)" if len(cells) else " no rows"
    return InputError(
        f"column `{name}` must be numbers and has{cell}.",
        "A cell that is no number makes its column text.",
        "Correct the cell, or leave the row out where another column tells it:  --where ...",
    )
