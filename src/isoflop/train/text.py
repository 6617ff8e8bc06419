"""Which text is read: files in a fixed order, split by a hash, duplicates dropped."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Folders of the standard library that are not everywhere (tests) or not text (tables, binaries).
EXCLUDED = frozenset(
    {"test", "tests", "idle_test", "encodings", "site-packages", "dist-packages"}
    | {"__pycache__", "lib-dynload"}
)
#: A document is validation when the sha256 of its name, modulo 100, is below this.
VALIDATION_PERCENT = 5
#: The same for the standard library, of which 3 % are 0.2 MB already: the final evaluation of the
#: smallest runs costs a tenth of their training as it is.
LIBRARY_PERCENT = 3
#: With fewer files than this the files are cut into pieces, or the split would be too coarse: of
#: 50 files none is held out once in thirteen times, of 20 once in three.
FEW_FILES = 50
PIECE_BYTES = 16_384


class Document(msgspec.Struct, frozen=True):
    """One piece of text: its relative name, text and whether it is held out."""

    name: str
    text: str
    held_out: bool


@dataclass
class Tally:
    """What became of the documents of a corpus: read, or left out and why."""

    read: int = 0
    not_text: int = 0
    copies: int = 0
    empty: int = 0

    @property
    def note(self) -> str:
        """What was left out, as a sentence; nothing where all was read."""
        reasons = {
            "not UTF-8 text": self.not_text,
            "exact copies of others": self.copies,
            "empty": self.empty,
        }
        left = [f"{count:,} {reason}" for reason, count in reasons.items() if count]
        total = self.read + sum(reasons.values())
        return f"Left out of {total:,} documents: {', '.join(left)}." if left else ""


def held_out(key: bytes, percent: int = VALIDATION_PERCENT) -> bool:
    """Say whether a document belongs to the validation part: sha256(key) % 100 < percent.

    Depends on nothing but the key, so files that come or go never move the others.
    """
    return int.from_bytes(hashlib.sha256(key).digest(), "big") % 100 < percent


def standard_library() -> list[tuple[str, Path]]:
    """List the running Python's own .py and .txt sources as (relative name, path), sorted."""
    root = Path(sysconfig.get_paths()["stdlib"])
    return _files(root, suffixes=(".py", ".txt"), excluded=EXCLUDED)


def folder_or_file(path: Path) -> list[tuple[str, Path]]:
    """List a text file, or every file of a folder that is not hidden, sorted by name.

    Raises:
        CorpusError: there is no such file or folder, or the folder holds no file.
    """
    if path.is_file():
        return [(path.name, path)]
    files = _files(path, suffixes=("",), excluded=frozenset({"__pycache__"}))
    if not files:
        raise CorpusError(f"{path} is neither a file nor a folder with files.")
    return files


def _files(
    root: Path, *, suffixes: tuple[str, ...], excluded: frozenset[str]
) -> list[tuple[str, Path]]:
    found = []
    for folder, folders, names in os.walk(root, onerror=_refuse):
        folders[:] = [name for name in folders if name not in excluded and name[0] != "."]
        paths = [Path(folder, name) for name in names if name[0] != "." and name.endswith(suffixes)]
        # Pipes and sockets would be waited for; a link that leads nowhere is no text.
        found += [(path.relative_to(root).as_posix(), path) for path in paths if path.is_file()]
    return sorted(found)


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise CorpusError(
            f"{error.filename} cannot be read: {error.strerror}.",
            "A corpus that silently lacks a folder is another corpus.",
            "Make it readable, or move it out of the corpus.",
        ) from error


def read(
    files: list[tuple[str, Path]],
    percent: int = VALIDATION_PERCENT,
    tally: Tally | None = None,
) -> Iterator[Document]:
    """Yield documents in order; skip what is not UTF-8 text and what was already seen.

    A corpus of fewer than `FEW_FILES` files is cut at line ends into pieces of about 16 kB, split
    by the hash of their content; otherwise a document is a file, split by the hash of its name.

    Args:
        files: (relative name, path) in order. percent: of the documents, held out.
        tally: counts what is read and what is left out.

    Raises:
        CorpusError: a file cannot be read.
    """
    seen: set[bytes] = set()
    tally = tally or Tally()
    for name, path in files:
        for piece, data in _pieces(name, _bytes(path), cut=len(files) < FEW_FILES):
            digest = hashlib.sha256(data).digest()
            text = _decoded(data)
            if not text:
                tally.not_text += text is None
                tally.empty += text is not None
            elif digest in seen:
                tally.copies += 1
            else:
                tally.read += 1
                seen.add(digest)
                key = name.encode() if piece is None else data
                full = name if piece is None else f"{name}#{piece}"
                yield Document(full, text, held_out(key, percent))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(data: bytes) -> str | None:
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _pieces(name: str, data: bytes, *, cut: bool) -> Iterator[tuple[int | None, bytes]]:
    if not cut or not data:
        yield None, data
        return
    start, index = 0, 0
    while start < len(data):
        end = _end(data, start)
        yield index, data[start:end]
        start, index = end, index + 1


def _end(data: bytes, start: int) -> int:
    """Return where a piece ends: at a line's end, else at a space, else at a whole character."""
    least, most = start + PIECE_BYTES, start + 2 * PIECE_BYTES
    for mark in (b"\n", b" "):
        if end := data.find(mark, least, most) + 1:
            return end
        if most >= len(data):
            return len(data)
    while least < most and data[least] & 0xC0 == 0x80:
        least += 1
    return least
