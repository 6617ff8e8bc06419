"""Where the files of a public table lie on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import DataError

if TYPE_CHECKING:
    from isoflop.runs.public.registry import Entry

#: Environment variable: a folder with NAME.csv (converted), NAME/FILE or FILE (upstream).
VARIABLE = "ISOFLOP_DATA"


def folder() -> Path | None:
    """Return the folder that the environment names, or None.

    Raises:
        DataError: if it names something that is not a folder.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    place = Path(named).expanduser()
    if not place.is_dir():
        raise DataError(
            f"{VARIABLE} is `{named}`, which is not a folder.",
            "With it set, public tables are read from there and never downloaded.",
            f"Correct it, or:  unset {VARIABLE}",
        )
    return place


def in_folder(entry: Entry, place: Path) -> list[Path]:
    """Return the converted file of a table in a folder, or else all its upstream files.

    Raises:
        DataError: if it holds neither, or a file with another hash.
    """
    converted = place / f"{entry.name}.csv"
    if converted.is_file():
        return [converted]
    upstream = [_upstream(entry, place, file.name) for file in entry.files]
    missing = [path.name for path in upstream if not path.is_file()]
    if missing or not upstream:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        besides = f", and in {entry.name}/ no {listed}" if missing else ""
        raise DataError(
            f"{VARIABLE} is `{place}`, which holds no {converted.name}{besides}.",
            "With it set, public tables are read from there and never downloaded.",
            f"Put the files there (isoflop data show {entry.name}), or:  unset {VARIABLE}",
        )
    for path, file in zip(upstream, entry.files, strict=True):
        check_hash(path, file.sha256)
    return upstream


def _upstream(entry: Entry, place: Path, name: str) -> Path:
    """Return where an upstream file lies: in the table's own folder, or beside it."""
    own, beside = place / entry.name / name, place / name
    return beside if beside.is_file() and not own.is_file() else own


def check_hash(path: Path, sha256: str) -> None:
    """Check the bytes of a file.

    Raises:
        DataError: if they are others.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise wrong_hash(str(path), sha256, found)


def wrong_hash(what: str, wanted: str, found: str) -> DataError:
    """Return the error for bytes that are not the registered ones."""
    return DataError(
        f"{what} has sha256 {found}, not {wanted}.",
        "It is not the file that the table was checked against, so nothing is read from it.",
        "Fetch it again; if it stays so, the file was changed upstream: please report it.",
    )
