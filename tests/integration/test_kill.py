"""Kill -9 at any moment loses at most the work since the last checkpoint, and breaks no file."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from isoflop.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.run import Point

DRIVER = Path(__file__).parent / "sweep_driver.py"
KILLS = 20
#: Checkpoints and moments of kills come in shares of the CPU seconds that the whole sweep takes,
#: so that a fast machine does not end it before the last kill.
CHECKPOINT_SHARE = KILL_SHARE = 0.02
#: Seconds between checkpoints of a sweep that writes none of its own accord.
NEVER = 1e9
#: Only against hanging: on a busy machine everything takes several times as long.
PATIENCE = 240.0


class Sweep:
    """A running sweep: a process group of its own, and the events that it tells."""

    def __init__(self, study: Path, tokens: Path, checkpoint_seconds: float = 0.25) -> None:
        command = [sys.executable, DRIVER, study, tokens, str(checkpoint_seconds)]
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, start_new_session=True
        )
        self.events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.ended = False
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.events.put(json.loads(line))
        self.events.put(None)

    def wait_for(self, count: int) -> bool:
        """Wait for some events of training; return False if the sweep ended before."""
        while count and not self.ended:
            event = self.events.get(timeout=PATIENCE)
            self.ended = event is None
            count -= event is not None and event["event"] in ("started", "point")
        return not self.ended

    def kill_all(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.listener.join()

    def kill_engine(self) -> None:
        """Kill the engine alone: its workers notice, save and end."""
        self.process.kill()
        self.process.wait()
        self.listener.join()

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill one worker, if there is one at the moment."""
        with contextlib.suppress(psutil.NoSuchProcess):  # it ends just now
            if workers := psutil.Process(self.process.pid).children():
                chance.choice(workers).kill()
                return True
        return False

    def finish(self) -> None:
        """Wait for the end of the sweep."""
        assert self.process.wait(PATIENCE) == 0
        self.listener.join()


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tokens.bin"
    walk = np.cumsum(np.random.default_rng(2).integers(-3, 4, size=4096 * 24)) % 64
    walk.astype("<u2").tofile(path)
    yield path
    # Workers whose engine was killed end by themselves.
    deadline = time.monotonic() + PATIENCE
    while orphans := _processes_of(tmp_path):
        assert time.monotonic() < deadline, orphans
        time.sleep(0.1)


def _processes_of(folder: Path) -> list[psutil.Process]:
    """Processes that were started with the cache of this test."""
    processes = psutil.process_iter(["environ"])
    return [
        p for p in processes if str(folder) in (p.info["environ"] or {}).get("ISOFLOP_CACHE", "")
    ]


def outcome(store: Store) -> dict[str, tuple[Any, ...]]:
    """Everything of a finished sweep that may not depend on what happened on the way."""

    def curve(points: list[Point]) -> list[tuple[Any, ...]]:
        return [(p.step, p.tokens, p.flops, p.train_loss, p.val_loss, p.rate) for p in points]

    return {
        run.id: (run.status, run.loss, run.N, run.D, run.U, run.C, run.setup, run.seed,
                 run.measured["train_loss_last10pct"], curve(store.points(run.id)))
        for run in store.runs()
    }  # fmt: skip


class Watch:
    """Looks at a study after each kill: all readable, nothing finished ever changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.finished: dict[str, bytes] = {}
        self.with_checkpoint = self.without = 0

    def look(self) -> None:
        for run in self.store.runs():
            data = (self.store.run_folder(run.id) / "run.json").read_bytes()
            assert self.finished.setdefault(run.id, data) == data
        assert self.finished.keys() <= {run.id for run in self.store.runs()}
        for spec in self.store.specs():
            steps = [point.step for point in self.store.points(spec.id)]
            assert steps == sorted(set(steps))
            if steps and spec.id not in self.finished:
                saved = (self.store.run_folder(spec.id) / "checkpoint.pt").exists()
                self.with_checkpoint += saved
                self.without += not saved


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_sweep_killed_twenty_times_ends_as_an_undisturbed_one(
    tmp_path: Path, tokens: Path
) -> None:
    chance = random.Random(20)
    quiet, killed = Store(tmp_path / "quiet"), Store(tmp_path / "killed")
    Sweep(quiet.path, tokens).finish()
    cost = sum(run.measured["cpu_seconds"] for run in quiet.runs())
    # Kills come before a run's first checkpoint, between two, and while one is written.
    pace = itertools.cycle([NEVER, CHECKPOINT_SHARE * cost])

    watch = Watch(killed)
    sweep = Sweep(killed.path, tokens, next(pace))
    kills = {"group": 0, "engine": 0, "worker": 0}
    while sum(kills.values()) < KILLS:
        # One kill in six comes before anything is trained: while the sweep starts.
        assert sweep.wait_for(chance.choice([0, 1, 3, 6, 10, 16])), "ended before the last kill"
        time.sleep(chance.uniform(0.0, KILL_SHARE * cost))
        (kind,) = chance.choices(list(kills), weights=[4, 2, 8])
        if kind == "worker":
            kills[kind] += sweep.kill_worker(chance)
            watch.look()
            continue
        kills[kind] += 1
        if kind == "group":
            sweep.kill_all()
        else:
            sweep.kill_engine()
        watch.look()
        sweep = Sweep(killed.path, tokens, next(pace))
    sweep.finish()

    assert min(kills.values()) >= 2
    assert watch.with_checkpoint > 0
    assert watch.without > 0
    expected, found = outcome(quiet), outcome(killed)
    assert len(expected) == 8
    assert {status for status, *_ in expected.values()} == {"finished"}
    assert found == expected
    left = {path.name for path in killed.folder.glob("*/*")}
    assert left == {"spec.json", "points.jsonl", "run.json"}


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_in_seconds_and_the_same_command_goes_on(
    tmp_path: Path, tokens: Path
) -> None:
    store = Store(tmp_path / "study")
    sweep = Sweep(store.path, tokens)
    assert sweep.wait_for(20)
    started = time.monotonic()
    os.killpg(sweep.process.pid, signal.SIGINT)  # what a terminal does
    assert sweep.process.wait(PATIENCE) != 0
    assert time.monotonic() - started < PATIENCE / 4
    sweep.listener.join()
    unfinished = [spec.id for spec in store.todo(store.specs()) if store.points(spec.id)]
    assert unfinished
    assert all((store.run_folder(run) / "checkpoint.pt").exists() for run in unfinished)
    steps = {run: len(store.points(run)) for run in unfinished}
    sweep = Sweep(store.path, tokens)
    assert sweep.wait_for(1)
    sweep.finish()
    assert all(len(store.points(run)) > steps[run] for run in unfinished)
    assert len(store.runs()) == 8
