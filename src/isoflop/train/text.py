"""Which text is read: files in a fixed order, split by a hash, duplicates dropped."""

from __future__ import annotations

import hashlib
import os
import sysconfig
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
#: With fewer files than this the files are cut into pieces, or the split would be too coarse.
FEW_FILES = 20
PIECE_BYTES = 16_384


class Document(msgspec.Struct, frozen=True):
    """One piece of text: its relative name, text and whether it is held out."""

    name: str
    text: str
    held_out: bool


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
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in excluded and name[0] != "."]
        paths = [Path(folder, name) for name in names if name[0] != "." and name.endswith(suffixes)]
        found += [(path.relative_to(root).as_posix(), path) for path in paths]
    return sorted(found)


def read(files: list[tuple[str, Path]], percent: int = VALIDATION_PERCENT) -> Iterator[Document]:
    """Yield documents in order; skip what is not UTF-8 text and what was already seen.

    A corpus of fewer than `FEW_FILES` files is cut at line ends into pieces of about 16 kB, split
    by the hash of their content; otherwise a document is a file, split by the hash of its name.

    Raises:
        CorpusError: a file cannot be read.
    """
    seen: set[bytes] = set()
    for name, path in files:
        for piece, data in _pieces(name, _bytes(path), cut=len(files) < FEW_FILES):
            digest = hashlib.sha256(data).digest()
            text = _decoded(data)
            if text and digest not in seen:
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
    if not cut:
        yield None, data
        return
    start, index = 0, 0
    while start < len(data):
        end = data.find(b"\n", start + PIECE_BYTES) + 1 or len(data)
        yield index, data[start:end]
        start, index = end, index + 1
