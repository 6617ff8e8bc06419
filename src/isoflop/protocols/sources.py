"""Runs from wherever they are: a study's folder or a table in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.runs.convention import Convention
from isoflop.runs.io import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isoflop.runs.table import RunTable


def open_table(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    where: str | None = None,
    state: Mapping[str, str] | None = None,
) -> RunTable:
    """Read the run table of a study's folder, or of a CSV, JSON lines or Parquet file.

    Args:
        path: folder or file.
        columns: standard name -> column of the file.
        where: condition on the runs.
        state: how it counts, where names do not say: {"N": "all"}.

    Raises:
        ConventionError: a study's folder counts otherwise than stated.
        InputError: no such path, or the table cannot be read.
        StoreError: the folder holds no runs, or one that cannot be read.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.", do="Check the path; a study is a folder.")
    if path.is_dir():
        from isoflop.store import Store

        table = Store(path).require().table()
        if columns:
            table = load(table, columns=dict(columns))
        table = table.state(**(state or {}))
        return table if where is None else table.where(where)
    said = Convention().saying(**(state or {}))
    return load(path, columns=dict(columns or {}), where=where, convention=said)


def points_of_one_law(table: RunTable) -> RunTable:
    """Leave out a study's failed runs and learning-rate probes; refuse mixed text or recipes.

    Raises:
        ConventionError: the runs were trained on different corpora or by different recipes.
    """
    table = table.where((table["status"] == "finished") & (table["role"] != "lr_probe"))
    for label in ("corpus", "family"):
        table.require_one(label)
    return table
