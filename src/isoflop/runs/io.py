"""Files and dataframes as tables of runs: columns found, mapped, and told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.runs import schemas
from isoflop.runs.convention import Convention
from isoflop.runs.guess import guess
from isoflop.runs.mapping import given_sources, mapped, words
from isoflop.runs.panels import panel
from isoflop.runs.readers import read
from isoflop.runs.table import RunTable

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
    found = dict(raw.origin) or guess(list(raw.columns), words(raw))
    if raw is path_or_frame:  # a table has its columns already
        found = {}
    sources = {**found, **given_sources(raw, columns or {})}
    table = mapped(raw, sources, convention or Convention())
    return table if where is None else table.where(where)


def _raw(path_or_frame: Any) -> RunTable:
    if isinstance(path_or_frame, RunTable):
        return path_or_frame
    if isinstance(path_or_frame, str | Path):
        raw = RunTable(read(path_or_frame), source=str(path_or_frame))
        return schemas.recognised(raw) or panel(raw) or raw
    return RunTable.from_frame(path_or_frame, source=type(path_or_frame).__name__)
