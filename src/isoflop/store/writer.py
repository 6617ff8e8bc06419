"""The one writer of one run: appends points, then records the outcome once."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from isoflop.errors import StoreError
from isoflop.store.files import guard, write_atomic
from isoflop.store.lock import Lock
from isoflop.store.points import append_point, open_points
from isoflop.store.records import decode_run, encode_run, read_run

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from isoflop.runs.run import Point, Run


class RunWriter:
    """Writes into one run's folder; used as a context it holds the folder's lock.

    Args:
        folder: `runs/<id>` of a study.
        wait: seconds to wait for another writer (a worker that is just stopping).
    """

    def __init__(self, folder: Path, *, wait: float = 10.0) -> None:
        self.folder = folder
        self._lock = Lock(folder / "lock", wait=wait)
        self._points: int | None = None

    @property
    def checkpoint(self) -> Path:
        """Where the trainer keeps its checkpoint."""
        return self.folder / "checkpoint.pt"

    def __enter__(self) -> RunWriter:
        with guard("make", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._lock)
            self._sweep()
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._points is not None:
            os.close(self._points)
            self._points = None
        self._lock.__exit__(kind, error, trace)

    def append(self, point: Point) -> None:
        """Append a point of the curve; `sync` puts it on the disk.

        Raises:
            StoreError: the run is finished, or the file cannot be written.
        """
        path = self.folder / "points.jsonl"
        if self._points is None:
            self._refuse_if_finished()
            self._points = open_points(path)
        append_point(self._points, point, path)
        self._lock.renew()

    def sync(self) -> None:
        """Put the points appended so far on the disk: before a checkpoint that is beyond them.

        Not at each point: 40 waits of 4 ms were 3 % of a small run (docs/benchmarks.md).

        Raises:
            StoreError: they cannot be written.
        """
        if self._points is not None:
            with guard("write", self.folder / "points.jsonl"):
                os.fsync(self._points)

    def renew(self) -> None:
        """Show other machines that this writer lives (see `Lock`)."""
        self._lock.renew()

    def finish(self, run: Run, *, keep_checkpoint: bool = False) -> None:
        """Record the outcome. A finished run never changes; a failed one may be retried.

        The record of an earlier, failed attempt is kept beside it as `failed-<k>.json`. The
        checkpoint of a finished run is deleted after its record is safe, unless it is kept.

        Raises:
            StoreError: the run is already finished with another outcome, or cannot be written.
            InputError: the record holds a number that JSON cannot hold.
        """
        path, data = self.folder / "run.json", encode_run(run)
        if run.id != self.folder.name:
            raise StoreError(f"run {run.id} does not belong into {self.folder}.")
        before = read_run(path)
        if before != decode_run(data, path):
            if before is not None:
                self._refuse_if_finished()
                self._archive(before)
            self.sync()
            write_atomic(path, data)
        if run.status == "finished" and not keep_checkpoint:
            with guard("delete", self.checkpoint):
                self.checkpoint.unlink(missing_ok=True)

    def _archive(self, failed: Run) -> None:
        count = len(list(self.folder.glob("failed-*.json")))
        write_atomic(self.folder / f"failed-{count + 1}.json", encode_run(failed))

    def _refuse_if_finished(self) -> None:
        run = read_run(self.folder / "run.json")
        if run is not None and run.status == "finished":
            raise StoreError(
                f"run {run.id} is finished (loss {run.loss}); it never changes.",
                "Fits that used it must stay reproducible.",
                f"To train it again, move its folder away: mv {self.folder} /tmp/",
            )

    def _sweep(self) -> None:
        """Remove temporary files of killed writers; the lock is held, so none is in use."""
        with guard("clean", self.folder):
            for left in self.folder.glob(".*.tmp"):
                left.unlink(missing_ok=True)
