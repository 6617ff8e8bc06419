"""Public tables as files and as run tables."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from isoflop.errors import DataError
from isoflop.runs.guess import guess
from isoflop.runs.mapping import given_sources, mapped, words
from isoflop.runs.public.places import folder, in_folder
from isoflop.runs.public.registry import Entry, show
from isoflop.runs.readers import read_csv
from isoflop.runs.table import RunTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def fetch(name: str, *, tell: Callable[[int, int], None] | None = None) -> list[Path]:
    """Return the files of a public table on this machine, downloading them if need be.

    With ISOFLOP_DATA set they are those of that folder and nothing is downloaded.

    Args:
        name: of the table.
        tell: called with (files there, files in all) after each download.

    Raises:
        InputError: no such table.
        DataError: the files cannot be had, or are not the registered ones.
        MissingExtra: they are to be downloaded and pooch is not installed.
    """
    entry = show(name)
    place = folder()
    if place is not None:
        return in_folder(entry, place)
    from isoflop.runs.public.download import download

    return download(entry, tell)


def load(
    name: str, *, where: str | None = None, tell: Callable[[int, int], None] | None = None
) -> RunTable:
    """Return a public table as a `RunTable` with its conventions, source and licence.

    Args:
        name: of the table (`names`).
        where: condition on the runs, in the table's or the standard column names.
        tell: called with (files there, files in all) after each download.

    Raises:
        InputError: no such table, or the condition cannot be read.
        DataError: the files cannot be had, or are not the registered ones.
        MissingExtra: they are to be downloaded and pooch is not installed.

    Example:
        >>> from isoflop.runs.public import load
        >>> table = load("chinchilla-epoch-svg", where="epoch_outlier == 0")
        ... # doctest: +SKIP
    """
    entry = show(name)
    table = from_files(entry, fetch(name, tell=tell))
    return table if where is None else table.where(where)


def from_files(entry: Entry, paths: Sequence[Path]) -> RunTable:
    """Return the run table made of a converted file, or of all upstream files.

    Raises:
        DataError: if the table is not the registered one.
    """
    converted = [path.name for path in paths] == [f"{entry.name}.csv"]
    if converted:
        columns = read_csv(paths[0])
    else:
        module, _, function = entry.converter.partition(":")
        convert = getattr(import_module(f"{__package__}.converters.{module}"), function)
        columns = convert({path.name: path for path in paths})
    raw = _checked(
        entry, RunTable(columns, source=_source(entry), licence=entry.licence), converted
    )
    sources = {**guess(list(raw.columns), words(raw)), **given_sources(raw, entry.columns)}
    return mapped(raw, sources, entry.convention)


def _checked(entry: Entry, table: RunTable, converted: bool) -> RunTable:
    """Return the table as read; one that holds a part says in its source how much it is."""
    whole = entry.rows is None or len(table) == entry.rows
    if entry.digest and table.digest != entry.digest:
        raise _not_registered(entry, f"digest {table.digest}, not {entry.digest}", converted)
    if whole:
        return table
    if not converted or entry.checked == "whole":
        raise _not_registered(entry, f"{len(table):,} rows, not {entry.rows:,}", converted)
    return replace(table, source=f"{table.source} ({len(table):,} of {entry.rows:,} rows)")


def _source(entry: Entry) -> str:
    return (
        f"{entry.name}: {entry.repository} at {entry.commit[:12]}" if entry.commit else entry.name
    )


def _not_registered(entry: Entry, what: str, converted: bool) -> DataError:
    made = f"{entry.name}.csv has" if converted else f"the converted `{entry.name}` has"
    return DataError(
        f"{made} {what}.",
        "It is not the table that published numbers were checked against.",
        f"Take the upstream files instead (isoflop data show {entry.name})."
        if converted
        else "The files are the registered ones, so the converter is wrong: please report it.",
    )
