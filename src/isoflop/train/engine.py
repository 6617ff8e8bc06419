"""Engines: they run the jobs that they are given, on this machine, whatever dies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import InputError
from isoflop.train.interrupts import Interrupts
from isoflop.train.messages import Event, Job, Message
from isoflop.train.serve import Context, Handler, perform
from isoflop.train.session import EngineError, Session

if TYPE_CHECKING:
    from types import TracebackType

    from isoflop.train.process import Worker

__all__ = [
    "EngineError",
    "EngineSettings",
    "LocalEngine",
    "Outcome",
    "SerialEngine",
    "usable_cores",
]

Listener = Callable[[Event], None]


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How patient an engine is.

    Args:
        retries: how often a job whose worker died is tried again without having got further
            than before; then it has failed.
        silent_seconds: a worker that says nothing for so long is killed (its job is retried).
        stalled_seconds: so is one whose job has not asked for so long whether to stop.
        grace: seconds that workers have to save and end after Ctrl-C.
    """

    retries: int = 3
    silent_seconds: float = 60.0
    stalled_seconds: float = 900.0
    grace: float = 10.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the jobs that an engine was given.

    Args:
        finished: ids in order of their end.
        failed: id -> reason.
        stopped: whether it was interrupted; the jobs in neither list are still to be done.
        seconds: wall clock.
    """

    finished: list[str]
    failed: dict[str, str]
    stopped: bool
    seconds: float


def usable_cores() -> int:
    """Return the cores that this process may use (affinity and, on Linux, the cgroup's quota)."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return cores
    return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))


class LocalEngine:
    """Runs jobs in worker processes of this machine, the dearest first.

    Workers live from the first `run` to the end of the block (`with LocalEngine(...) as e:`),
    so that each pays for its imports once. A worker that dies or hangs is replaced and its job
    tried again; a job that fails, fails alone. Ctrl-C asks the workers to save and end, a
    second one kills them. If this process is killed, they notice and end by themselves.

    Args:
        command: starts a worker, a process that calls `serve`.
        workers: how many at most; by default the usable cores.
        environment: variables for the workers; OMP_NUM_THREADS and its like are 1.
        settings: patience.

    Raises:
        InputError: fewer than one worker.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        workers: int | None = None,
        environment: dict[str, str] | None = None,
        settings: EngineSettings | None = None,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"{workers} workers can do nothing.", do="Give --workers 1 or more.")
        self.command, self.limit = list(command), workers or usable_cores()
        self.environment = environment or {}
        self.settings = settings or EngineSettings()
        self.workers: list[Worker] = []
        self.hired = 0

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the workers go."""
        for worker in self.workers:
            worker.stop()
        while self.workers:
            self.workers.pop().end(self.settings.grace)

    def run(self, jobs: Sequence[Job], on_event: Listener = lambda event: None) -> Outcome:
        """Run jobs until each is finished or failed, or until interrupted.

        Raises:
            IsoflopError: what a handler raised as fatal (see `serve.Fatal`); the other jobs
                were stopped and saved before.
            EngineError: workers cannot be started.
        """
        started = time.monotonic()
        session = Session(self, jobs, on_event)
        try:
            with Interrupts() as interrupts:
                session.run(interrupts)
        except BaseException:
            self.close()
            raise
        return Outcome(
            finished=session.finished,
            failed=session.failed,
            stopped=session.interrupted,
            seconds=time.monotonic() - started,
        )


class SerialEngine:
    """Runs jobs one after the other in this process: for tests and debuggers.

    Args:
        handler: what a worker would call.
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def run(self, jobs: Sequence[Job], on_event: Listener = lambda event: None) -> Outcome:
        """Run jobs as `LocalEngine.run` does; nothing is tried again."""
        started = time.monotonic()
        finished: list[str] = []
        failed: dict[str, str] = {}
        with Interrupts() as interrupts:
            for job in sorted(jobs, key=lambda job: -job.cost):
                if interrupts.count:
                    break
                message = self._perform(job, on_event, interrupts)
                if message.kind == "failed":
                    failed[job.id] = message.reason
                elif message.kind == "finished":
                    finished.append(job.id)
            stopped = interrupts.count > 0
        seconds = time.monotonic() - started
        return Outcome(finished=finished, failed=failed, stopped=stopped, seconds=seconds)

    def _perform(self, job: Job, on_event: Listener, interrupts: Interrupts) -> Message:
        def tell(data: dict[str, object]) -> None:
            on_event(Event(kind="point", job=job.id, data=data))

        on_event(Event(kind="started", job=job.id))
        context = Context(tell, lambda: interrupts.count > 0)
        message = perform(self.handler, job.id, job.payload, context)
        if message.error is not None:
            raise message.error.unpack()
        if message.kind in ("finished", "failed", "stopped"):
            on_event(Event(kind=message.kind, job=job.id, data=message.data, reason=message.reason))
        return message
