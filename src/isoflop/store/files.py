"""Files that survive a kill: atomic replacement, and errors that say what to do."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from isoflop.errors import REMEDIES, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = TypeVar("T")


@contextlib.contextmanager
def guard(doing: str, path: Path) -> Iterator[None]:
    """Turn an OSError inside the block into a StoreError that says what, why and what to do.

    The StoreError keeps the `errno` of its cause, so that callers can tell a full disk (every
    run is affected) from one bad file.
    """
    try:
        yield
    except StoreError:
        raise
    except OSError as error:
        why, do = REMEDIES.get(error.errno or 0, ("", "Check the folder and its disk."))
        cause = os.strerror(error.errno) if error.errno else str(error)
        raised = StoreError(
            f"cannot {doing} {path}: {cause}.", f"{why} Nothing was lost.".strip(), do
        )
        raised.errno = error.errno
        raise raised from error


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Write all of `data`; `os.write` may stop half way."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file by `data`: readers see the old content or the new, never a part.

    Raises:
        StoreError: the folder cannot be written; the old content is still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with guard("write", path):
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            try:
                write_all(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def read_bytes(path: Path) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Raises:
        StoreError: the file is there but cannot be read.
    """
    with guard("read", path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def decode(data: bytes, decoder: msgspec.json.Decoder[T], path: Path, *, first: int = 1) -> T:
    """Decode JSON; an error names the file and the line.

    Args:
        data: the JSON document, or one line of a file.
        decoder: what it must hold.
        path: where it was read, for the error.
        first: line number of the document's first line in the file.

    Raises:
        StoreError: not JSON, or not the document that was expected.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        line = first + _line_of(data, str(error))
        raise malformed(path, line, str(error)) from None


def check_schema(schema: str, known: str, path: Path) -> None:
    """Refuse a document whose schema is not the one that this version reads and writes."""
    if schema != known:
        raise StoreError(
            f"{path}: schema `{schema}` is unknown; this version reads `{known}`.",
            "It was written by another version of isoflop, which may count differently.",
            "Update isoflop (pip install -U isoflop), or read it with the version that wrote it.",
        )


def malformed(path: Path, line: int, detail: str) -> StoreError:
    """Return the error for a file that cannot be decoded."""
    return StoreError(
        f"{path}, line {line}: {detail.rstrip('.')}.",
        "isoflop never writes such a file; it was edited, or the disk damaged it.",
        f"Repair that line, or move the folder away (mv {path.parent} /tmp/) "
        "and run the same command again: it trains that run anew.",
    )


def _line_of(data: bytes, detail: str) -> int:
    """Return the offset in lines of what a msgspec error complains about."""
    place = re.search(r"byte (\d+)", detail)
    if place:
        return data.count(b"\n", 0, int(place[1]))
    names = re.findall(r"[A-Za-z_]\w*", detail.rpartition("`$")[2]) if "`$" in detail else []
    found = data.find(f'"{names[-1]}"'.encode()) if names else -1
    return data.count(b"\n", 0, found) if found >= 0 else 0
