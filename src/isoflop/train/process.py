"""One worker process as the engine sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from typing import IO, TYPE_CHECKING

import msgspec

from isoflop.train.messages import Job, Message, read_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: One thread a process: several models side by side beat one on several threads.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


class Worker:
    """A subprocess that does jobs, with its pipes and what is known of its health.

    Args:
        command: what to start.
        number: its number, for events.
        environment: variables beside this process's own.

    Raises:
        OSError: the command cannot be started.
    """

    def __init__(self, command: Sequence[str], number: int, environment: Mapping[str, str]) -> None:
        self.number = number
        self.ready = self.leaving = self.silent = False
        self.job: Job | None = None
        self.ticks = 0
        self.heard = self.moved = time.monotonic()
        self.last_words: deque[str] = deque(maxlen=20)
        self._partial = {"out": b"", "err": b""}
        with _without_interrupts():
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **ONE_THREAD, **environment},
            )
        for stream in (self.out, self.err):
            os.set_blocking(stream.fileno(), False)

    @property
    def out(self) -> IO[bytes]:
        """The pipe of its messages."""
        assert self.process.stdout is not None  # noqa: S101
        return self.process.stdout

    @property
    def err(self) -> IO[bytes]:
        """The pipe of what it prints."""
        assert self.process.stderr is not None  # noqa: S101
        return self.process.stderr

    def start(self, job: Job) -> None:
        """Give it a job; if it is dying, that is noticed at the end of its output."""
        self.job = job
        self.heard = self.moved = time.monotonic()
        assert self.process.stdin is not None  # noqa: S101
        with contextlib.suppress(OSError):
            self.process.stdin.write(Message(kind="run", job=job.id, data=job.payload).line())
            self.process.stdin.flush()

    def stop(self) -> None:
        """Ask it to stop: its job is saved, then the process ends."""
        assert self.process.stdin is not None  # noqa: S101
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(OSError):
            self.process.kill()

    def end(self, patience: float = 5.0) -> None:
        """Wait until the process is gone, by force after `patience` seconds; close its pipes."""
        self.stop()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        self.read_words()
        self.out.close()
        self.err.close()

    def read(self) -> tuple[list[Message], bool]:
        """Return the messages that have arrived, and whether these were its last."""
        lines, ended = self._lines("out", self.out)
        messages = []
        for line in lines:
            try:
                messages.append(read_message(line))
            except msgspec.DecodeError:
                self.last_words.append(line.decode(errors="replace"))
        if messages:
            self._note(messages)
        return messages, ended

    def read_words(self) -> None:
        """Keep the last lines of stderr; `silent` says that it has ended."""
        lines, self.silent = self._lines("err", self.err)
        self.last_words.extend(line.decode(errors="replace").rstrip() for line in lines)

    def epitaph(self) -> str:
        """Say how the process ended, with the last line that it printed."""
        code = self.process.returncode
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
            how += " (out of memory?)" if code == -signal.SIGKILL else ""
        else:
            how = f"ended with exit code {code}"
        words = next((line for line in reversed(self.last_words) if line.strip()), "")
        return f"its worker {how}" + (f"; it last said: {words.strip()}" if words else "")

    def _note(self, messages: list[Message]) -> None:
        self.heard = time.monotonic()
        # A beat with the same count of steps shows a living process with a hung job.
        if any(m.kind != "beat" or m.ticks != self.ticks for m in messages):
            self.moved = self.heard
        self.ticks = next((m.ticks for m in reversed(messages) if m.kind == "beat"), self.ticks)

    def _lines(self, name: str, stream: IO[bytes]) -> tuple[list[bytes], bool]:
        """Read what is there without waiting, and split it into whole lines."""
        pieces, ended = [self._partial[name]], False
        with contextlib.suppress(BlockingIOError):
            while not ended:
                pieces.append(os.read(stream.fileno(), 65536))
                ended = not pieces[-1]
        *lines, self._partial[name] = b"".join(pieces).split(b"\n")
        return lines, ended


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Start a child with SIGINT blocked: Ctrl-C reaches the engine alone, which tells it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
