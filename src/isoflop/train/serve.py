"""The worker's side: take jobs from stdin, report on stdout, stop when told or left alone."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from isoflop.errors import IsoflopError
from isoflop.train.interrupts import StopRequested
from isoflop.train.messages import Carried, Message, read_message

#: Seconds between two signs of life.
BEAT = 0.5
#: Seconds that a job may take to stop before its worker ends hard.
GRACE = 15.0


class Fatal(Exception):
    """Raised by a handler when no job can succeed (a full disk): the engine stops with `cause`."""

    def __init__(self, cause: IsoflopError) -> None:
        self.cause = cause
        super().__init__(str(cause))


class Context:
    """What a handler may ask and tell while it works.

    Args:
        tell: called with each point of progress.
        stopping: whether the job was asked to stop.
    """

    def __init__(
        self, tell: Callable[[dict[str, Any]], None], stopping: Callable[[], bool]
    ) -> None:
        self.point, self._stopping = tell, stopping
        self.ticks = 0

    def should_stop(self) -> bool:
        """Return whether to save and raise StopRequested; to be asked often: every step.

        A job that never asks for a long time is taken for hung.
        """
        self.ticks += 1
        return self._stopping()


Handler = Callable[[dict[str, Any], Context], dict[str, Any]]


def perform(handler: Handler, job: str, payload: dict[str, Any], context: Context) -> Message:
    """Let the handler do a job; whatever happens becomes a message."""
    try:
        return Message(kind="finished", job=job, data=handler(payload, context))
    except StopRequested:
        return Message(kind="stopped", job=job)
    except Fatal as fatal:
        return Message(kind="fatal", job=job, error=Carried.pack(fatal.cause))
    except IsoflopError as error:
        data = {"error": type(error).__name__}
        return Message(kind="failed", job=job, reason=str(error), data=data)
    except Exception as error:
        traceback.print_exc()
        return Message(kind="failed", job=job, reason=f"{type(error).__name__}: {error}")


def serve(handler: Handler) -> None:
    """Do jobs until stdin ends; to be called once, as the whole work of a process.

    The end of stdin is the request to stop: it comes from the engine, and by itself when the
    engine is killed. SIGTERM asks the same; SIGINT is the engine's affair. What libraries
    print on stdout goes to stderr.
    """
    lines, out = _take_streams()
    worker = _Worker(handler, out)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    threading.Thread(target=worker.listen, args=(lines,), daemon=True).start()
    threading.Thread(target=worker.beat, args=(os.getppid(),), daemon=True).start()
    worker.work()
    # Daemon threads may sit in a read that nothing ends; there is nothing left to clean up.
    sys.stderr.flush()
    os._exit(0)


class _Worker:
    def __init__(self, handler: Handler, out: BinaryIO) -> None:
        self.handler, self.out = handler, out
        self.jobs: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.stopping = False  # no Event: a signal's handler sets it
        self.speaking = threading.Lock()
        self.context = Context(lambda data: None, lambda: self.stopping)

    def stop(self) -> None:
        self.stopping = True
        self.jobs.put(None)

    def say(self, message: Message) -> None:
        with self.speaking:
            try:
                self.out.write(message.line())
            except OSError:
                self.stopping = True  # the engine is gone

    def work(self) -> None:
        self.say(Message(kind="ready"))
        while (request := self.jobs.get()) is not None and not self.stopping:
            self.say(self._perform(request))

    def _perform(self, request: Message) -> Message:
        def tell(data: dict[str, Any]) -> None:
            self.say(Message(kind="point", job=request.job, data=data))

        self.context.point = tell
        return perform(self.handler, request.job, request.data, self.context)

    def listen(self, lines: BinaryIO) -> None:
        """Queue what the engine asks for; at the end of stdin stop, in the end by force."""
        with contextlib.suppress(OSError, msgspec.DecodeError):
            for line in lines:
                self.jobs.put(read_message(line))
        self.stop()
        time.sleep(GRACE)
        os._exit(1)

    def beat(self, parent: int) -> None:
        """Show that this process lives, and stop it when its parent is another: it died."""
        while not self.stopping:
            time.sleep(BEAT)
            if os.getppid() != parent:
                self.stop()
            self.say(Message(kind="beat", ticks=self.context.ticks))


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for the engine; leave /dev/null and stderr in their places."""
    lines, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return lines, out
