"""Files as columns of text and numbers: CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import InputError, MissingExtra
from isoflop.runs.cells import is_number, parse_cells, with_points
from isoflop.runs.columns import as_column
from isoflop.runs.documents import flat, objects
from isoflop.runs.names import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

_DELIMITERS = ",;\t|"


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Read a file of runs by its ending: .csv, .tsv, .jsonl, .json, .parquet, also with .gz.

    Returns:
        Column name -> array [run], in the file's order.

    Raises:
        InputError: if the file is missing, empty, of another kind, or broken (with the line).
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise InputError(f"there is no file `{path}`.", do="Check the path:  ls -l")
    if place.is_dir():
        raise InputError(
            f"`{path}` is a folder, not a file of runs.",
            "A table is read from one CSV, JSON lines or Parquet file.",
        )
    kinds = {
        ".csv": read_csv,
        ".tsv": read_csv,
        ".txt": read_csv,
        ".jsonl": read_json_lines,
        ".ndjson": read_json_lines,
        ".json": read_json_lines,
        ".parquet": read_parquet,
    }
    suffix = Path(place.stem).suffix if place.suffix == ".gz" else place.suffix
    if suffix.lower() not in kinds:
        raise InputError(
            f"`{place.name}` ends in `{suffix}`; known: {', '.join(kinds)} (text also with .gz)."
        )
    return kinds[suffix.lower()](place)


def read_csv(path: Path) -> dict[str, np.ndarray]:
    """Read delimited text with a header; the delimiter is the commonest of `, ; tab |`.

    Raises:
        InputError: if it has no rows, no header, two columns of one name, a line of another
            length, or commas that may be decimal or between thousands.
    """
    text = _text(path)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    header, cells = _columns(path, text, delimiter)
    if delimiter != "," and "," in text:
        cells = with_points(path.name, cells)
    return {name: parse_cells(name, column) for name, column in zip(header, cells, strict=True)}


def _columns(path: Path, text: str, delimiter: str) -> tuple[list[str], Sequence[Sequence[str]]]:
    """Split delimited text into its header and its columns of cells."""
    if '"' not in text:
        # Not splitlines(), which also splits at form feeds and the like.
        lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip(" ")]
        header = [name.strip() for name in "".join(lines[:1]).split(delimiter)]
        _check_header(path, header, max(0, len(lines) - 1))
        _check_widths(path, header, (line.count(delimiter) + 1 for line in lines))
        # One split of everything is twice as fast as a list for every row.
        flat = delimiter.join(lines[1:]).split(delimiter)
        return header, [flat[i :: len(header)] for i in range(len(header))]
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            if row
        ]
    except csv.Error as error:
        raise InputError(f"`{path.name}` is not readable CSV: {error}.") from error
    header = [name.strip() for name in (rows or [[]])[0]]
    _check_header(path, header, max(0, len(rows) - 1))
    _check_widths(path, header, map(len, rows))
    return header, list(zip(*rows[1:], strict=True))


def _check_widths(path: Path, header: list[str], widths: Iterable[int]) -> None:
    cells = iter(widths)
    wanted = next(cells)
    for row, found in enumerate(cells, start=2):
        if found != wanted:
            raise InputError(
                f"row {row} of `{path.name}` has {found} cells and the header {wanted}: "
                f"{listed(header)}.",
                "The first row names the columns.",
                "Remove lines above the names, and quote cells that contain the delimiter.",
            )


def read_json_lines(path: Path) -> dict[str, np.ndarray]:
    """Read one JSON object a line, or one document (see `documents.objects`).

    Objects inside an object become columns `outer.inner`; arrays inside are left out, a key
    that an object lacks is missing there. A file of one object of arrays is read as columns.

    Raises:
        InputError: if a line is not a JSON object (with its number).
    """
    found = objects(path.name, _text(path))
    if len(found) == 1 and found[0] and all(isinstance(v, list) for v in found[0].values()):
        _check_header(path, list(found[0]), max(map(len, found[0].values())))
        return {name: as_column(name, values) for name, values in found[0].items()}
    records = [dict(flat(record)) for record in found]
    names = list(dict.fromkeys(name for record in records for name in record))
    _check_header(path, names, len(records))
    return {name: as_column(name, [record.get(name) for record in records]) for name in names}


def read_parquet(path: Path) -> dict[str, np.ndarray]:
    """Read Parquet through pyarrow.

    Raises:
        MissingExtra: if pyarrow is not installed.
        InputError: if the file is not Parquet.
    """
    try:
        import pyarrow.lib
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("pyarrow", "frames", "reading Parquet") from error
    from isoflop.runs.frames import columns_of

    try:
        table = pq.read_table(path)
    except (pyarrow.lib.ArrowException, OSError) as error:
        raise InputError(f"`{path.name}` is not readable Parquet: {error}.") from error
    _check_header(path, list(table.column_names), table.num_rows)
    return columns_of(table)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (_inflated(path, data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"`{path.name}` is not readable as UTF-8 text: {error}.") from error


def _inflated(path: Path, data: bytes) -> bytes:
    import gzip
    import zlib

    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"`{path.name}` is not readable gzip: {error}.") from error


def _check_header(path: Path, names: list[str], rows: int) -> None:
    if not names or not rows:
        raise InputError(f"`{path.name}` has no runs: {len(names)} columns and {rows} rows.")
    if all(is_number(name) for name in names):
        raise InputError(
            f"`{path.name}` begins with a row of numbers, {listed(names)}.",
            "The first row names the columns.",
            "Put a line of names above, such as  N,D,loss",
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InputError(
            f"`{path.name}` has more than one column called `{twice[0]}`: {listed(names)}.",
            "A column is found by its name.",
            "Give each a name of its own; the first row names the columns.",
        )
