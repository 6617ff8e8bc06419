"""points.jsonl: one point of a training curve a line, appended and never rewritten."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import msgspec

from isoflop.runs.run import Point
from isoflop.store.files import decode, guard, read_bytes, write_all

if TYPE_CHECKING:
    from pathlib import Path

_POINT = msgspec.json.Decoder(Point)


def read_points(path: Path) -> list[Point]:
    """Return the points of a curve, in order of steps.

    A torn last line (the writer was killed, or is writing) is left out. A step that was
    repeated after a resume is returned once, as it was last written.

    Raises:
        StoreError: a line that is not the last is malformed, or the file cannot be read.
    """
    return distinct(parse_points(read_bytes(path) or b"", path))


def parse_points(data: bytes, path: Path) -> list[Point]:
    """Decode the lines of a file as they stand; only a last line without its end may be bad."""
    end = data.rfind(b"\n") + 1
    whole, tail = data[:end], data[end:]
    try:
        points = _POINT.decode_lines(whole)
    except (msgspec.DecodeError, UnicodeDecodeError):
        points = _locate(whole, path)
    last = _complete(tail)
    return points if last is None else [*points, last]


def distinct(points: list[Point]) -> list[Point]:
    """Return one point a step, the last written, in order of steps."""
    if all(a.step < b.step for a, b in itertools.pairwise(points)):
        return points
    by_step = {point.step: point for point in points}
    return [by_step[step] for step in sorted(by_step)]


def open_points(path: Path) -> int:
    """Open points.jsonl for appending and heal a torn last line; return the file descriptor.

    A last line that lacks only its end is completed. A torn one holds no point and is cut.

    Raises:
        StoreError: the file cannot be opened, or a whole line of it is malformed.
    """
    parse_points(read_bytes(path) or b"", path)
    with guard("open", path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            _heal(handle, path)
        except BaseException:
            os.close(handle)
            raise
    return handle


def append_point(handle: int, point: Point, path: Path) -> None:
    """Append a point: a killed process loses it no more, a machine without power may.

    Raises:
        StoreError: it could not be written; the file is as it was before.
    """
    with guard("append to", path):
        size = os.fstat(handle).st_size
        try:
            write_all(handle, msgspec.json.encode(point) + b"\n")
        except OSError:
            os.ftruncate(handle, size)
            raise


def _heal(handle: int, path: Path) -> None:
    data = read_bytes(path) or b""
    end = data.rfind(b"\n") + 1
    if end == len(data):
        return
    if _complete(data[end:]) is not None:
        write_all(handle, b"\n")
    else:
        os.ftruncate(handle, end)
    os.fsync(handle)


def _complete(tail: bytes) -> Point | None:
    """Return the point of a last line without its end, or None if it is torn."""
    try:
        return _POINT.decode(tail)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _locate(whole: bytes, path: Path) -> list[Point]:
    """Decode line by line, so that the error names the line."""
    points = []
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        if line.strip():
            points.append(decode(line, _POINT, path, first=number))
    return points
