"""An index of curves, derived from the folder: may be deleted at any time.

Decoding 10,000 points.jsonl of 1,000 points takes 12.5 s, reading the same numbers as blobs
from SQLite 1.2 s, most of it the first touch of 560 MB (bench/store_load.py). A row is used
only while its file still has the size and the time of change that the row was made from.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.runs.run import Point
from isoflop.store.files import guard
from isoflop.store.points import read_points

if TYPE_CHECKING:
    from pathlib import Path

#: Below this many curves to read anew, no index is written: decoding them takes milliseconds.
WORTH = 200

_NAMES = tuple(field.name for field in msgspec.structs.fields(Point))
_VERSION = 1
_TABLE = """CREATE TABLE IF NOT EXISTS curves (
    id TEXT PRIMARY KEY, size INTEGER, changed INTEGER, points INTEGER, numbers BLOB
) WITHOUT ROWID"""

Stamp = tuple[int, int]


class Curve(Mapping[str, np.ndarray]):
    """A training curve as columns: the fields of `Point`, float64 [point], read-only.

    NaN stands where a value was not taken.
    """

    def __init__(self, numbers: np.ndarray) -> None:
        self._numbers = numbers

    @classmethod
    def from_points(cls, points: Sequence[Point]) -> Curve:
        """Return points as columns, in the order given."""
        rows = [[getattr(point, name) for point in points] for name in _NAMES]
        numbers = np.array(rows, dtype=np.float64).reshape(len(_NAMES), len(points))
        numbers.flags.writeable = False
        return cls(numbers)

    @classmethod
    def from_bytes(cls, data: np.ndarray) -> Curve:
        """Return the curve whose `to_bytes` this is (uint8 [byte]), without a copy."""
        numbers = data.view("<f8").reshape(len(_NAMES), -1)
        numbers.flags.writeable = False
        return cls(numbers)

    def to_bytes(self) -> bytes:
        """Return the columns one after the other, little-endian float64."""
        return self._numbers.astype("<f8", copy=False).tobytes()

    def __getitem__(self, name: str) -> np.ndarray:
        return self._numbers[_NAMES.index(name)] if name in _NAMES else {}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    @property
    def points(self) -> int:
        """Number of points."""
        return self._numbers.shape[1]


class Index:
    """Curves of a study, read from its files or, where these have not changed, from SQLite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def curves(self, folder: Path, ids: Iterable[str]) -> dict[str, Curve]:
        """Return the curve of every run that has points, by id.

        An index that is broken, locked or not writable is left alone: the files are the truth.

        Raises:
            StoreError: a file of points is malformed or cannot be read.
        """
        stamps = _stamps(folder, ids)
        known = self._read(stamps)
        missing = [id for id in stamps if id not in known]  # noqa: A001
        fresh: dict[str, Curve] = {}
        for id in missing:  # noqa: A001
            fresh[id] = Curve.from_points(read_points(folder / id / "points.jsonl"))
        if len(fresh) >= WORTH:
            self._write(stamps, fresh)
        return {id: known.get(id) or fresh[id] for id in stamps}  # noqa: A001

    def _read(self, stamps: Mapping[str, Stamp]) -> dict[str, Curve]:
        if not self.path.exists():
            return {}
        with contextlib.suppress(sqlite3.Error), self._open() as base:
            total = base.execute("SELECT total(length(numbers)) FROM curves").fetchone()[0]
            rows = base.execute("SELECT id, size, changed, numbers FROM curves")
            return dict(_curves(rows, stamps, np.empty(int(total), dtype=np.uint8)))
        return {}

    def _write(self, stamps: Mapping[str, Stamp], curves: Mapping[str, Curve]) -> None:
        rows = ((id, *stamps[id], c.points, c.to_bytes()) for id, c in curves.items())  # noqa: A001
        try:
            with self._open() as base:
                base.executemany("INSERT OR REPLACE INTO curves VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # not a database: make it anew
                with contextlib.suppress(OSError):
                    self.path.unlink()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        base = sqlite3.connect(self.path, timeout=1.0)
        try:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if version != _VERSION:
                base.execute("DROP TABLE IF EXISTS curves")
                base.execute(f"PRAGMA user_version = {_VERSION}")
            base.execute(_TABLE)
            with base:
                yield base
        finally:
            base.close()


def _curves(
    rows: Iterable[tuple[str, int, int, bytes]], stamps: Mapping[str, Stamp], room: np.ndarray
) -> Iterator[tuple[str, Curve]]:
    """Copy the blobs that are not stale into one large array and return views of it.

    One array of large pages: 10,000 arrays cost 1.4 s in page faults alone.
    """
    end = 0
    for id, size, changed, numbers in rows:  # noqa: A001
        if stamps.get(id) == (size, changed):
            start, end = end, end + len(numbers)
            room[start:end] = np.frombuffer(numbers, dtype=np.uint8)
            yield id, Curve.from_bytes(room[start:end])


def _stamps(folder: Path, ids: Iterable[str]) -> dict[str, Stamp]:
    """Return size and time of change (ns) of the points of every run that has some."""
    stamps: dict[str, Stamp] = {}
    with guard("read", folder):
        for id in ids:  # noqa: A001
            with contextlib.suppress(FileNotFoundError):
                # 10,000 of them: a Path costs more than the call.
                status = os.stat(f"{folder}/{id}/points.jsonl")  # noqa: PTH116
                stamps[id] = status.st_size, status.st_mtime_ns
    return stamps
