"""Dataframes in and out; their libraries are imported only when asked for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, MissingExtra
from isoflop.runs.columns import is_missing

if TYPE_CHECKING:
    from isoflop.runs.table import RunTable


def columns_of(frame: Any) -> dict[str, np.ndarray]:
    """Return the columns of a dataframe (pandas, polars, Arrow, ...: whatever narwhals reads).

    Raises:
        InputError: if it is no dataframe, or two columns have the same name.
    """
    import narwhals as nw

    try:
        table = nw.from_native(frame)
    except TypeError as error:
        kind = type(frame).__name__
        raise InputError(f"a {kind} is neither a dataframe, a path nor a RunTable.") from error
    if isinstance(table, nw.LazyFrame):
        table = table.collect()
    if len(set(table.columns)) < len(table.columns):
        raise InputError(f"the dataframe has two columns of one name: {table.columns}.")
    return {str(name): _values(table[name]) for name in table.columns}


def to_pandas(table: RunTable) -> Any:
    """Return a pandas DataFrame."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra("pandas", "frames", "a pandas DataFrame") from error
    return pd.DataFrame({name: column.copy() for name, column in table.columns.items()})


def to_polars(table: RunTable) -> Any:
    """Return a polars DataFrame; a missing number stays NaN."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("polars", "frames", "a polars DataFrame") from error
    return pl.DataFrame({name: _native(column) for name, column in table.columns.items()})


def to_arrow(table: RunTable) -> Any:
    """Return a pyarrow Table."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtra("pyarrow", "frames", "an Arrow table") from error
    return pa.table({name: _native(column) for name, column in table.columns.items()})


def to_csv(table: RunTable, path: str | Path) -> Path:
    """Write a CSV file whose numbers read back exactly; missing cells are empty."""
    target = Path(path)
    lists = [
        ["" if is_missing(cell) else cell for cell in column.tolist()]
        for column in table.columns.values()
    ]
    with target.open("w", newline="", encoding="utf-8") as file:
        # The writer does not see that a lone carriage return ends a line for a reader.
        returns = any("\r" in cell for column in lists for cell in column if isinstance(cell, str))
        quoting = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        writer = csv.writer(file, lineterminator="\n", quoting=quoting)
        writer.writerow(table.columns)
        writer.writerows(zip(*lists, strict=True))
    return target


def _values(series: Any) -> np.ndarray:
    """Return a narwhals series as numbers, or as objects where it holds anything else."""
    if series.dtype.is_numeric() and not series.dtype.is_decimal() and not series.null_count():
        return np.asarray(series.to_numpy())
    nulls = series.is_null().to_list()
    cells = [None if null else cell for cell, null in zip(series.to_list(), nulls, strict=True)]
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def _native(column: np.ndarray) -> Any:
    return column.tolist() if column.dtype.kind == "O" else column
