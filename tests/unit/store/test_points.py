from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import StoreError
from isoflop.runs.run import Point
from isoflop.store.points import append_point, open_points, read_points

if TYPE_CHECKING:
    from collections.abc import Callable

numbers = st.floats(0, 1e30, allow_nan=False)
losses = st.none() | st.floats(0, 20)
points = st.lists(
    st.builds(Point, step=st.integers(1, 10**6), tokens=st.integers(1, 10**15), flops=numbers,
              seconds=numbers, train_loss=losses, val_loss=losses, rate=losses),
    min_size=1, max_size=8, unique_by=lambda point: point.step,
)  # fmt: skip


def write(path: Path, curve: list[Point]) -> None:
    handle = open_points(path)
    for point in curve:
        append_point(handle, point, path)
    os.close(handle)


@settings(deadline=None)  # each example waits for the disk
@given(curve=points, data=st.data())
def test_a_file_cut_at_any_byte_loses_only_its_last_line_and_heals(
    curve: list[Point], data: st.DataObject
) -> None:
    curve.sort(key=lambda point: point.step)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "points.jsonl"
        write(path, curve)
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])

        # A line that lacks only its end of line is complete.
        kept = sum(
            1 for i, _ in enumerate(curve) if len(b"\n".join(whole.split(b"\n")[: i + 1])) <= cut
        )
        assert read_points(path) == curve[:kept]

        after = Point(step=2 * 10**6, tokens=1, flops=1.0, seconds=1.0)
        write(path, [after])
        assert read_points(path) == [*curve[:kept], after]
        assert path.read_bytes().count(b"\n") == kept + 1


def test_points_repeated_after_a_resume_count_once_the_last_one(
    tmp_path: Path, make_point: Callable[..., Point]
) -> None:
    path = tmp_path / "points.jsonl"
    steps = [(1, 9.0), (2, 8.0), (3, 7.0), (2, 8.5), (3, 7.5), (4, 6.0)]
    write(path, [make_point(step, train_loss=loss) for step, loss in steps])
    read = read_points(path)
    assert [(p.step, p.train_loss) for p in read] == [(1, 9.0), (2, 8.5), (3, 7.5), (4, 6.0)]


def test_no_file_is_no_points(tmp_path: Path) -> None:
    assert read_points(tmp_path / "points.jsonl") == []


@pytest.mark.parametrize("bad", [b'{"step": 2, "tok\n', b"\x00\x00\n", b'{"step": "two"}\n'])
def test_a_bad_line_in_the_middle_is_named_and_nothing_is_changed(
    tmp_path: Path, make_point: Callable[..., Point], bad: bytes
) -> None:
    path = tmp_path / "points.jsonl"
    good = msgspec.json.encode(make_point(1)) + b"\n"
    path.write_bytes(good + bad + good)
    for use in (read_points, open_points):
        with pytest.raises(StoreError, match=r"points\.jsonl, line 2") as caught:
            use(path)
        assert "move the folder away" in caught.value.do
    assert path.read_bytes() == good + bad + good


def test_a_point_that_does_not_fit_leaves_the_file_as_it_was(
    tmp_path: Path, make_point: Callable[..., Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "points.jsonl"
    write(path, [make_point(1)])
    before = path.read_bytes()
    handle = open_points(path)
    real = os.write

    def half(fd: int, data: bytes) -> int:
        if len(data) < 60:
            raise OSError(28, "No space left on device")
        return real(fd, data[:30])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        append_point(handle, make_point(2, train_loss=1 / 3), path)
    monkeypatch.undo()
    os.close(handle)
    assert caught.value.errno == 28
    assert "Free some space" in caught.value.do
    assert path.read_bytes() == before
