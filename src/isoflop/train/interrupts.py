"""Ctrl-C as something to be counted instead of an exception at any moment."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class StopRequested(Exception):
    """Raised by a job that has saved its state because it was asked to stop."""


class Interrupts:
    """Counts SIGINT and SIGTERM inside its block; `reader` becomes readable at each.

    Outside the main thread, where Python delivers no signals, it only offers `reader`.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        os.close(self.reader)
        os.close(self._writer)

    def drain(self) -> None:
        """Empty the pipe."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.reader, 4096)

    def _note(self, number: int, frame: object) -> None:
        self.count += 1
        with contextlib.suppress(OSError):
            os.write(self._writer, b"!")
