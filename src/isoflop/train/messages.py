"""What engine and workers say to each other: one JSON document a line, never a pickle."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from isoflop import errors
from isoflop.errors import IsoflopError, StoreError

EventKind = Literal["started", "point", "finished", "failed", "retried", "stopped"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done by a worker.

    Args:
        id: identity of the job.
        payload: what the worker's handler gets, as JSON types.
        cost: expected cost in any unit; the dearest jobs are started first.
    """

    id: str
    payload: dict[str, Any]
    cost: float = 0.0


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a job.

    Args:
        kind: "started", "point" (progress, in `data`), "finished" (result in `data`),
            "failed", "retried" (its worker died, it is queued again), "stopped" (on request).
        job: its id.
        worker: number of the worker; 0 in process.
        attempt: which attempt it was, from 1.
        data: what the handler reported.
        reason: why it failed or is tried again.
    """

    kind: EventKind
    job: str
    worker: int = 0
    attempt: int = 1
    data: dict[str, Any] = {}
    reason: str = ""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """An IsoflopError on its way to another process."""

    type: str
    arguments: list[str]
    errno: int | None = None

    @classmethod
    def pack(cls, error: IsoflopError) -> Carried:
        """Return the error as JSON types."""
        arguments = [str(part) for part in error.__reduce__()[1]]  # type: ignore[index]
        return cls(
            type=type(error).__name__, arguments=arguments, errno=getattr(error, "errno", None)
        )

    def unpack(self) -> IsoflopError:
        """Return the error again; of a class that is not isoflop's own as an IsoflopError."""
        found = getattr(errors, self.type, IsoflopError)
        known = isinstance(found, type) and issubclass(found, IsoflopError)
        error: IsoflopError = (found if known else IsoflopError)(*self.arguments)
        if isinstance(error, StoreError):
            error.errno = self.errno
        return error


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line between engine and worker.

    Args:
        kind: from the engine "run"; from a worker "ready", "beat" (with `ticks`: it lives and
            has asked that often whether to stop), "point", "finished", "failed", "stopped",
            "fatal" (no job can succeed; `error` says why).
    """

    kind: Literal["run", "ready", "beat", "point", "finished", "failed", "stopped", "fatal"]
    job: str = ""
    data: dict[str, Any] = {}
    reason: str = ""
    ticks: int = 0
    error: Carried | None = None

    def line(self) -> bytes:
        """Return the message as one line of JSON."""
        return msgspec.json.encode(self) + b"\n"


read_message = msgspec.json.Decoder(Message).decode
