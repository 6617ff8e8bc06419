"""A worker whose jobs do as they are told: sleep, print, fail, die, hang."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from isoflop.errors import InputError, StoreError
from isoflop.train.interrupts import StopRequested
from isoflop.train.serve import Context, Fatal, serve


def handle(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    folder, do = Path(payload["folder"]), payload["do"]
    tries = folder / f"{payload['name']}.tries"
    attempt = len(tries.read_text()) + 1 if tries.exists() else 1
    tries.write_text("x" * attempt)
    while "beside" in payload and not (folder / f"{payload['beside']}.tries").exists():
        time.sleep(0.01)  # that job is given to another worker, which may be slow to begin
    act(do, attempt, context)
    for step in range(payload.get("steps", 1)):
        if context.should_stop():
            (folder / f"{payload['name']}.saved").write_text(str(step))
            raise StopRequested
        time.sleep(payload.get("sleep", 0.0))
        context.point({"step": step, "flops": float(step)})
    return {"pid": os.getpid(), "attempt": attempt}


def act(do: str, attempt: int, context: Context) -> None:
    if do == "print":
        sys.stdout.write("a library prints this\n")
        os.system("echo and a child that")  # noqa: S605
    elif do == "raise":
        raise ZeroDivisionError("one over nothing")
    elif do == "refuse":
        raise InputError("width 7 is odd.", "It must be even.", "Take 8.")
    elif do == "disk full":
        error = StoreError("cannot write x: No space left on device.", "Full.", "Free some.")
        error.errno = 28
        raise Fatal(error)
    elif do == "die":
        sys.stderr.write("last words\n")
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "die once" and attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "terminate once" and attempt == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    elif do == "progress then die" and attempt < 6:
        context.point({"flops": 100.0 * attempt})
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "hang once" and attempt == 1:
        time.sleep(60)
    elif do == "halt once" and attempt == 1:
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    serve(handle)
