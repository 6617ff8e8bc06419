"""One writer a file: a lock that says who holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import StoreError
from isoflop.store.files import guard, write_all

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

#: A lock of another host that was not renewed for this long (seconds) is given up.
STALE_SECONDS = 120.0


class Holder(msgspec.Struct, frozen=True):
    """The process that holds a lock."""

    pid: int
    host: str


class Lock:
    """An exclusive lock on a file, held by a process and released by its death.

    On one host `flock` decides: the kernel releases it when the holder dies, so a stale lock
    is simply taken over. Where `flock` does not reach another host (some network file
    systems), the holder's name and the file's age decide: `renew` keeps it young.

    Args:
        path: the lock file; it is removed on release.
        wait: seconds to wait for another holder to finish.
    """

    def __init__(self, path: Path, *, wait: float = 0.0) -> None:
        self.path, self.wait = path, wait
        self._handle: int | None = None

    def __enter__(self) -> Lock:
        deadline = time.monotonic() + self.wait
        while not self._take():
            if time.monotonic() >= deadline:
                raise self._held()
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is None:
            return
        # Unlinked while still locked: who opened it meanwhile sees another inode and retries.
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._handle)
        self._handle = None

    def renew(self) -> None:
        """Show other hosts that the holder lives."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.utime(self._handle)

    def holder(self) -> Holder | None:
        """Return who wrote the lock file last, or None."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Holder)
        except (OSError, msgspec.DecodeError):
            return None

    def _take(self) -> bool:
        with guard("lock", self.path):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                taken = self._flock(handle) and not self._held_elsewhere()
                if taken:
                    me = Holder(os.getpid(), socket.gethostname())
                    os.ftruncate(handle, 0)
                    write_all(handle, msgspec.json.encode(me))
                    self._handle = handle
            finally:
                if self._handle is None:
                    os.close(handle)
            return taken

    def _flock(self, handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.fstat(handle).st_ino == self.path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            return False

    def _held_elsewhere(self) -> bool:
        holder = self.holder()
        if holder is None or holder.host == socket.gethostname():
            return False
        return time.time() - self.path.stat().st_mtime < STALE_SECONDS

    def _held(self) -> StoreError:
        holder = self.holder()
        who = f"process {holder.pid} on {holder.host}" if holder else "another process"
        error = StoreError(
            f"{self.path.parent} is being written by {who}.",
            "Two writers of one run would mix their points.",
            "Wait until it has finished, or stop it. A lock left by another, dead machine "
            f"is given up after {STALE_SECONDS:.0f} s.",
        )
        error.errno = errno.EAGAIN
        return error
