from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from isoflop.errors import StoreError
from isoflop.store.lock import STALE_SECONDS, Holder, Lock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from isoflop.store.lock import Lock
with Lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_holder_is_refused_by_name_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path) as process:
        try:
            who = f"process {process.pid} on {socket.gethostname()}"
            with pytest.raises(StoreError, match=who), Lock(path):
                pass
        finally:
            process.send_signal(signal.SIGKILL)
    with Lock(path) as lock:
        assert lock.holder() == Holder(os.getpid(), socket.gethostname())
    assert not path.exists()


def test_a_waiting_writer_gets_the_lock_when_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path) as process:
        process.terminate()
        with Lock(path, wait=240.0):  # only against hanging
            assert path.exists()


def test_the_lock_of_another_host_is_respected_until_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(msgspec.json.encode(Holder(1, "elsewhere")))
    with pytest.raises(StoreError, match="process 1 on elsewhere"), Lock(path):
        pass
    old = time.time() - STALE_SECONDS - 1
    os.utime(path, (old, old))
    with Lock(path) as lock:
        lock.renew()
        assert path.stat().st_mtime > old + STALE_SECONDS / 2


def test_a_torn_lock_file_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(b'{"pid": 1, "ho')
    with Lock(path):
        pass
    assert not path.exists()
