"""One run of the local engine: hand out jobs, listen, replace what dies."""

from __future__ import annotations

import heapq
import selectors
import time
from typing import TYPE_CHECKING

from isoflop.errors import IsoflopError
from isoflop.train.messages import Event, EventKind, Job, Message
from isoflop.train.process import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.train.engine import LocalEngine
    from isoflop.train.interrupts import Interrupts

#: Seconds between two looks at the clock while nothing happens.
TICK = 0.5
#: Workers that die in a row before they were ready.
STILLBORN = 3


class EngineError(IsoflopError, RuntimeError):
    """Workers cannot be started."""


class Session:
    """The state of one `LocalEngine.run`."""

    def __init__(
        self, engine: LocalEngine, jobs: Sequence[Job], on_event: Callable[[Event], None]
    ) -> None:
        self.engine, self.on_event = engine, on_event
        self.queue = [(-job.cost, order, job) for order, job in enumerate(jobs)]
        heapq.heapify(self.queue)
        self.order = {job.id: order for order, job in enumerate(jobs)}
        self.attempts = dict.fromkeys(self.order, 0)
        #: Attempts in a row that got no further than an earlier one, and how far that was.
        self.fruitless = dict.fromkeys(self.order, 0)
        self.reached = dict.fromkeys(self.order, 0.0)
        self.finished: list[str] = []
        self.failed: dict[str, str] = {}
        self.fatal: IsoflopError | None = None
        self.interrupted = False
        self.deadline: float | None = None
        self.stillborn = 0
        for worker in engine.workers:  # nobody listened to them since the last session
            worker.heard = worker.moved = time.monotonic()

    def run(self, interrupts: Interrupts) -> None:
        """Work until there is nothing left to do or to wait for."""
        woken = time.monotonic()
        while self.queue or self.busy():
            self._heed(interrupts)
            if self.deadline is None:
                self._staff()
                self._assign()
            if not self.engine.workers:
                break
            self._listen(interrupts)
            woken = self._watch(woken)
        if self.deadline is not None:
            self.engine.close()
        if self.fatal is not None:
            raise self.fatal

    def busy(self) -> list[Worker]:
        """Return the workers that have a job."""
        return [worker for worker in self.engine.workers if worker.job is not None]

    def _heed(self, interrupts: Interrupts) -> None:
        if interrupts.count and not self.interrupted:
            self.interrupted = True
            self._stop()
        late = self.deadline is not None and time.monotonic() > self.deadline
        if late or interrupts.count > 1:
            for worker in self.engine.workers:
                worker.kill()

    def _stop(self) -> None:
        """Take no new job, and ask for the running ones to be saved."""
        self.queue.clear()
        if self.deadline is None:
            self.deadline = time.monotonic() + self.engine.settings.grace
            for worker in self.engine.workers:
                worker.stop()

    def _staff(self) -> None:
        wanted = min(self.engine.limit, len(self.queue) + len(self.busy()))
        while len(self.engine.workers) < wanted:
            self.engine.hired += 1
            try:
                worker = Worker(self.engine.command, self.engine.hired, self.engine.environment)
            except OSError as error:
                raise EngineError(
                    f"cannot start {self.engine.command[0]}: {error.strerror}.",
                    "Training runs in processes of its own.",
                ) from error
            self.engine.workers.append(worker)

    def _assign(self) -> None:
        for worker in self.engine.workers:
            idle = worker.ready and worker.job is None and not worker.leaving
            if idle and self.queue:
                job = heapq.heappop(self.queue)[2]
                self.attempts[job.id] += 1
                worker.start(job)
                self._tell("started", worker, job)

    def _listen(self, interrupts: Interrupts) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(interrupts.reader, selectors.EVENT_READ, None)
            for worker in self.engine.workers:
                selector.register(worker.out, selectors.EVENT_READ, worker)
                if not worker.silent:
                    selector.register(worker.err, selectors.EVENT_READ, worker)
            ready = selector.select(TICK)
        interrupts.drain()
        for worker in dict.fromkeys(key.data for key, _ in ready if key.data is not None):
            worker.read_words()
            messages, ended = worker.read()
            for message in messages:
                self._take(worker, message)
            if ended:
                self._bury(worker)

    def _take(self, worker: Worker, message: Message) -> None:
        if message.kind == "ready":
            worker.ready, self.stillborn = True, 0
        job = worker.job
        if job is None or message.job != job.id:
            return
        if message.kind == "point":
            self._progress(job, message)
            self._tell("point", worker, job, message)
            return
        worker.job = None
        if message.error is not None:
            self.fatal = self.fatal or message.error.unpack()
            self._stop()
        elif message.kind == "finished":
            self.finished.append(job.id)
            self._tell("finished", worker, job, message)
        elif message.kind == "failed":
            self.failed[job.id] = message.reason
            self._tell("failed", worker, job, message)
        else:
            worker.leaving = True
            self._resume(worker, job, "its worker was told to end")

    def _progress(self, job: Job, message: Message) -> None:
        flops = float(message.data.get("flops") or 0.0)
        if flops > self.reached[job.id]:
            self.reached[job.id], self.fruitless[job.id] = flops, 0

    def _bury(self, worker: Worker) -> None:
        """Take leave of a worker whose output has ended, and see to its job."""
        worker.end()
        self.engine.workers.remove(worker)
        job, worker.job = worker.job, None
        if job is None:
            self._note_stillborn(worker)
        else:
            self._resume(worker, job, worker.epitaph())

    def _resume(self, worker: Worker, job: Job, why: str) -> None:
        """Queue a job again whose worker left it, unless that led nowhere too often."""
        if self.deadline is not None:
            self._tell("stopped", worker, job)
        elif self.fruitless[job.id] < self.engine.settings.retries:
            self.fruitless[job.id] += 1
            self._tell("retried", worker, job, Message(kind="failed", reason=why))
            heapq.heappush(self.queue, (-job.cost, self.order[job.id], job))
        else:
            reason = f"{why} (given up after {self.attempts[job.id]} attempts)"
            self.failed[job.id] = reason
            self._tell("failed", worker, job, Message(kind="failed", reason=reason))

    def _note_stillborn(self, worker: Worker) -> None:
        if worker.ready or self.deadline is not None:
            return
        self.stillborn += 1
        if self.stillborn >= STILLBORN:
            said = "\n".join(worker.last_words)
            raise EngineError(
                f"{STILLBORN} workers in a row died before they were ready: {worker.epitaph()}.",
                f"The last one printed:\n{said}" if said else "",
                f"Try it by hand:  {' '.join(self.engine.command)} < /dev/null",
            )

    def _watch(self, woken: float) -> float:
        """Kill workers that hang; what follows is as if they had died."""
        now, patience = time.monotonic(), self.engine.settings
        for worker in self.engine.workers:
            if now - woken > 10 * TICK:  # this process itself was halted: nobody is to blame
                worker.heard = worker.moved = now
            stalled = worker.job is not None and now - worker.moved > patience.stalled_seconds
            if stalled or now - worker.heard > patience.silent_seconds:
                worker.last_words.append(f"(killed: no progress for {now - worker.moved:.0f} s)")
                worker.kill()
        return now

    def _tell(
        self, kind: EventKind, worker: Worker, job: Job, message: Message | None = None
    ) -> None:
        data, reason = (message.data, message.reason) if message else ({}, "")
        attempt = self.attempts[job.id]
        event = Event(
            kind=kind, job=job.id, worker=worker.number, attempt=attempt, data=data, reason=reason
        )
        self.on_event(event)
