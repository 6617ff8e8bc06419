"""A folder of encoded corpora: written whole or not at all, checked when read."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Facts = dict[str, Any]
Arrays = dict[str, np.ndarray]


class Cache:
    """Token arrays with facts about them, one folder a key.

    An entry is built in a temporary folder and renamed into place, so a reader sees all of it
    or nothing, and of two processes that build the same entry one wins and both use it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "corpora"

    def get(self, key: str, build: Callable[[Path], Facts]) -> tuple[Facts, Arrays]:
        """Return the facts and memory-mapped arrays of an entry; build it if missing or damaged.

        Args:
            key: names the entry; must determine its content.
            build: writes the entry's `*.bin` files (uint16) into a folder, returns its facts.

        Raises:
            CorpusError: the cache folder cannot be written.
        """
        folder = self.root / key
        if (entry := self._read(folder)) is not None:
            return entry
        try:
            self._build(folder, build)
        except OSError as error:
            raise CorpusError(
                f"the corpus cache {self.root} cannot be written: {error.strerror}.",
                "Encoded tokens are kept there, so that each run need not encode the text again.",
                "Free some space, or set ISOFLOP_CACHE to another folder.",
            ) from error
        entry = self._read(folder)
        if entry is None:
            raise CorpusError(f"{folder} does not read back as it was written: failing disk?")
        return entry

    def _read(self, folder: Path) -> tuple[Facts, Arrays] | None:
        """Return an entry if it is complete and every file has the digest it was written with."""
        try:
            meta = msgspec.json.decode((folder / "meta.json").read_bytes())
            files = {name: folder / f"{name}.bin" for name in meta["files"]}
            if any(digest_of_file(files[name]) != meta["files"][name] for name in files):
                return None
            return meta["facts"], {name: _tokens(path) for name, path in files.items()}
        except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError):
            return None

    def _build(self, folder: Path, build: Callable[[Path], Facts]) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=self.root))
        try:
            facts = build(temporary)
            files = {path.stem: digest_of_file(path) for path in temporary.glob("*.bin")}
            meta = msgspec.json.encode({"facts": facts, "files": files})
            (temporary / "meta.json").write_bytes(meta)
            self._install(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _install(self, temporary: Path, folder: Path) -> None:
        if folder.exists() and self._read(folder) is None:
            damaged = Path(tempfile.mkdtemp(prefix=".damaged-", dir=self.root))
            folder.replace(damaged / "entry")  # readers that have it open keep their file
            shutil.rmtree(damaged, ignore_errors=True)
        try:
            temporary.replace(folder)
        except OSError:
            if self._read(folder) is None:  # not another process's finished entry: a real error
                raise


def _tokens(path: Path) -> np.ndarray:
    if not path.stat().st_size:  # an empty file cannot be mapped
        return np.empty(0, dtype="<u2")
    return np.memmap(path, dtype="<u2", mode="r")


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_tokens(path: Path, arrays: Iterable[np.ndarray]) -> None:
    """Write token arrays to a file of little-endian uint16, one after the other."""
    with path.open("wb") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array, dtype="<u2").data)
        file.flush()
        os.fsync(file.fileno())
