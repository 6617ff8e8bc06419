from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from isoflop.errors import InputError, StoreError
from isoflop.train import process, session
from isoflop.train.engine import (
    EngineError,
    EngineSettings,
    LocalEngine,
    SerialEngine,
    usable_cores,
)
from isoflop.train.interrupts import StopRequested
from isoflop.train.messages import Carried, Event, Job, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.train.serve import Context

WORKER = [sys.executable, str(Path(__file__).parent / "fake_worker.py")]
#: Seconds; only against hanging: on a busy machine everything takes many times as long.
PATIENCE = 240.0


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    def make(name: str, do: str = "work", cost: float = 0.0, **more: Any) -> Job:
        payload = {"name": name, "do": do, "folder": str(tmp_path), **more}
        return Job(id=name, payload=payload, cost=cost)

    return make


def of(events: list[Event], kind: str) -> list[str]:
    return [event.job for event in events if event.kind == kind]


def test_all_jobs_are_done_the_dearest_first_by_workers_that_live_on(
    job: Callable[..., Job],
) -> None:
    events: list[Event] = []
    with LocalEngine(WORKER, workers=1) as engine:
        jobs = [job("small", cost=1), job("large", cost=9), job("middle", cost=5)]
        outcome = engine.run(jobs, events.append)
        again = engine.run([job("later")], events.append)
        workers = [worker.process.pid for worker in engine.workers]
    assert outcome.finished == ["large", "middle", "small"]
    assert (outcome.failed, outcome.stopped) == ({}, False)
    assert again.finished == ["later"]
    assert of(events, "started") == ["large", "middle", "small", "later"]
    assert {event.data["pid"] for event in events if event.kind == "finished"} == set(workers)
    assert not psutil.pid_exists(workers[0])


def test_workers_work_side_by_side_and_no_more_start_than_there_are_jobs(
    job: Callable[..., Job],
) -> None:
    events: list[Event] = []
    with LocalEngine(WORKER, workers=8) as engine:
        # Each waits until the other has begun: one after the other they would never end.
        engine.run([job("a", beside="b"), job("b", beside="a")], events.append)
        assert len(engine.workers) == 2
    assert of(events, "started") == ["a", "b"]
    assert {e.worker for e in events if e.kind == "started"} == {1, 2}


def test_points_arrive_in_order_between_start_and_end(job: Callable[..., Job]) -> None:
    events: list[Event] = []
    with LocalEngine(WORKER, workers=1) as engine:
        engine.run([job("a", steps=4)], events.append)
    assert [e.kind for e in events] == ["started", *["point"] * 4, "finished"]
    assert [e.data["step"] for e in events[1:-1]] == [0, 1, 2, 3]


def test_what_libraries_print_is_not_taken_for_messages(job: Callable[..., Job]) -> None:
    with LocalEngine(WORKER, workers=1) as engine:
        outcome = engine.run([job("a", "print")])
        (worker,) = engine.workers
        worker.end()
        assert "a library prints this" in worker.last_words
        assert "and a child that" in worker.last_words
        engine.workers.clear()
    assert outcome.finished == ["a"]


@pytest.mark.parametrize("engine_class", ["local", "serial"])
def test_one_failure_never_stops_the_rest(job: Callable[..., Job], engine_class: str) -> None:
    jobs = [job("a", "raise", 3), job("b", "refuse", 2), job("c", cost=1)]
    if engine_class == "local":
        with LocalEngine(WORKER, workers=2) as engine:
            outcome = engine.run(jobs)
    else:
        from fake_worker import handle

        outcome = SerialEngine(handle).run(jobs)
    assert outcome.finished == ["c"]
    assert outcome.failed["a"] == "ZeroDivisionError: one over nothing"
    assert "width 7 is odd" in outcome.failed["b"]


@pytest.mark.parametrize("do", ["die once", "terminate once"])
def test_the_job_of_a_worker_that_dies_is_done_by_another(job: Callable[..., Job], do: str) -> None:
    events: list[Event] = []
    with LocalEngine(WORKER, workers=2) as engine:
        outcome = engine.run([job("a", do), job("b")], events.append)
    assert sorted(outcome.finished) == ["a", "b"]
    assert of(events, "retried") == ["a"]
    finished = next(e for e in events if e.kind == "finished" and e.job == "a")
    assert (finished.attempt, finished.data["attempt"]) == (2, 2)


def test_death_is_noticed_by_itself_and_not_by_silence(job: Callable[..., Job]) -> None:
    patient = EngineSettings(silent_seconds=math.inf, stalled_seconds=math.inf)
    events: list[Event] = []
    with LocalEngine(WORKER, workers=1, settings=patient) as engine:
        assert engine.run([job("a", "die once")], events.append).finished == ["a"]
    (retried,) = [e for e in events if e.kind == "retried"]
    assert retried.reason == "its worker was killed by SIGKILL (out of memory?)"


def test_a_job_that_kills_every_worker_fails_with_the_reason(job: Callable[..., Job]) -> None:
    events: list[Event] = []
    settings = EngineSettings(retries=2)
    with LocalEngine(WORKER, workers=2, settings=settings) as engine:
        outcome = engine.run([job("a", "die"), job("b", steps=3)], events.append)
    assert outcome.finished == ["b"]
    reason = outcome.failed["a"]
    assert "killed by SIGKILL (out of memory?)" in reason
    assert "last words" in reason
    assert "given up after 3 attempts" in reason
    assert of(events, "retried") == ["a", "a"]


def test_attempts_that_get_further_do_not_count_as_fruitless(job: Callable[..., Job]) -> None:
    with LocalEngine(WORKER, workers=1, settings=EngineSettings(retries=1)) as engine:
        assert engine.run([job("a", "progress then die")]).finished == ["a"]


class Clock:
    """A second passes whenever it is looked at while a condition holds, and never otherwise."""

    def __init__(self, *, runs: Callable[[], bool] = lambda: False) -> None:
        self.now, self.runs = 0.0, runs

    def monotonic(self) -> float:
        self.now += self.runs()
        return self.now


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], Clock]:
    """Let the engine read a clock instead of the machine's."""

    def use(clock: Clock) -> Clock:
        for module in (process, session):
            monkeypatch.setattr(module, "time", clock)
        return clock

    return use


@pytest.mark.parametrize(
    ("do", "settings"),
    [
        ("hang once", EngineSettings(silent_seconds=math.inf, stalled_seconds=4.0)),
        ("halt once", EngineSettings(silent_seconds=4.0, stalled_seconds=math.inf)),
    ],
)
def test_a_worker_that_hangs_is_replaced(
    job: Callable[..., Job],
    do: str,
    settings: EngineSettings,
    set_clock: Callable[[Clock], Clock],
    tmp_path: Path,
) -> None:
    tries = tmp_path / "a.tries"
    # Time passes in the first attempt alone: a slow start of a worker is not what is tested.
    set_clock(Clock(runs=lambda: tries.exists() and tries.read_text() == "x"))
    events: list[Event] = []
    with LocalEngine(WORKER, workers=1, settings=settings) as engine:
        assert engine.run([job("a", do)], events.append).finished == ["a"]
    (retried,) = [e for e in events if e.kind == "retried"]
    assert "no progress" in retried.reason


def test_a_beat_with_new_steps_is_progress_and_one_without_only_a_sign_of_life(
    set_clock: Callable[[Clock], Clock],
) -> None:
    """A slow job that asks whether to stop is not taken for hung, though it tells no point."""
    clock = set_clock(Clock())
    worker = process.Worker(["cat"], 1, {})  # says what it is told
    seen = []
    assert worker.process.stdin is not None
    for now, ticks in [(10.0, 0), (20.0, 3), (30.0, 3), (40.0, 4)]:
        clock.now = now
        worker.process.stdin.write(Message(kind="beat", ticks=ticks).line())
        worker.process.stdin.flush()
        while not worker.read()[0]:
            time.sleep(0.01)
        seen.append((worker.heard, worker.moved))
    worker.end()
    assert seen == [(10.0, 0.0), (20.0, 20.0), (30.0, 20.0), (40.0, 40.0)]


def test_an_engine_that_was_halted_blames_no_worker(
    job: Callable[..., Job], set_clock: Callable[[Clock], Clock]
) -> None:
    clock = set_clock(Clock())
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        clock.now += 1000.0  # this machine slept

    with LocalEngine(WORKER, workers=1) as engine:
        engine.run([job("a", steps=5)], listen)
    assert of(events, "retried") == []
    assert of(events, "finished") == ["a"]


def test_a_fatal_error_stops_all_and_is_raised_as_it_was(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    jobs = [
        job("long", cost=9, steps=1000, sleep=0.05),
        job("full", "disk full", beside="long"),
        job("later"),
    ]
    with LocalEngine(WORKER, workers=2) as engine:
        with pytest.raises(StoreError, match="No space left on device") as caught:
            engine.run(jobs)
        assert engine.workers == []
    assert (caught.value.errno, caught.value.do) == (28, "Free some.")
    assert (tmp_path / "long.saved").exists()
    assert not (tmp_path / "later.tries").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([sys.executable, "-c", "raise SystemExit('no torch here')"], "exit code 1.*no torch"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "SIGKILL"),
        (["/nonexistent/python"], "cannot start /nonexistent/python"),
    ],
)
def test_workers_that_cannot_start_are_one_clear_error(
    job: Callable[..., Job], command: list[str], message: str
) -> None:
    with LocalEngine(command, workers=2) as engine, pytest.raises(EngineError, match=message):
        engine.run([job("a"), job("b")])


def test_fewer_than_one_worker_is_refused() -> None:
    with pytest.raises(InputError, match="-1 workers"):
        LocalEngine(WORKER, workers=-1)
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def interrupt(*moments: Callable[[], bool]) -> threading.Thread:
    """Send one SIGINT at each moment: when a condition holds that did not before."""

    def act() -> None:
        deadline = time.monotonic() + PATIENCE
        for come in moments:
            while not come():
                if time.monotonic() > deadline:
                    return  # never so late that it hits another test
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_ctrl_c_saves_the_running_jobs_and_leaves_the_rest(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    events: list[Event] = []
    names = ["a", "b", "c"]
    jobs = [job(name, steps=100_000, sleep=0.02) for name in names]
    before = signal.getsignal(signal.SIGINT)
    with LocalEngine(WORKER, workers=2, settings=EngineSettings(grace=PATIENCE)) as engine:
        thread = interrupt(lambda: len(set(of(events, "point"))) == 2)
        outcome = engine.run(jobs, events.append)
        assert engine.workers == []
    thread.join()
    assert outcome.stopped
    assert (outcome.finished, outcome.failed) == ([], {})
    assert sorted(of(events, "stopped")) == ["a", "b"]
    assert all((tmp_path / f"{name}.saved").exists() for name in "ab")
    assert not (tmp_path / "c.tries").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_kills(job: Callable[..., Job]) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def halted() -> bool:
        status = [psutil.Process(process.pid).status() for process in processes]
        return status == [psutil.STATUS_STOPPED]

    def told_to_stop() -> bool:  # two signals at once could arrive as one
        return all(process.stdin is not None and process.stdin.closed for process in processes)

    def listen(event: Event) -> None:
        if event.kind == "started":
            processes.append(engine.workers[0].process)

    with LocalEngine(WORKER, workers=1, settings=EngineSettings(grace=math.inf)) as engine:
        thread = interrupt(halted, told_to_stop)
        outcome = engine.run([job("a", "halt once")], listen)
    thread.join()
    assert outcome.stopped
    assert [process.returncode for process in processes] == [-signal.SIGKILL]


def test_workers_end_by_themselves_when_the_engine_is_killed(
    job: Callable[..., Job], tmp_path: Path
) -> None:
    script = (
        "import sys; from isoflop.train.engine import LocalEngine; "
        "from isoflop.train.messages import Job; "
        f"p = dict(do='work', folder={str(tmp_path)!r}, steps=100000, sleep=0.01); "
        f"LocalEngine({WORKER!r}, workers=2)"
        ".run([Job(id=n, payload=dict(p, name=n)) for n in 'ab'])"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as engine:
        workers: list[psutil.Process] = []
        deadline = time.monotonic() + PATIENCE
        while len(list(tmp_path.glob("*.tries"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        workers = psutil.Process(engine.pid).children()
        engine.kill()
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    for worker in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()
    assert alive == []
    assert all((tmp_path / f"{name}.saved").exists() for name in "ab")


def test_errors_survive_the_way_between_processes() -> None:
    error = StoreError("what", "why", "do")
    error.errno = 13
    back = Carried.pack(error).unpack()
    assert (type(back), back.args, back.what, back.errno) == (StoreError, error.args, "what", 13)
    odd = Carried(type="IsoflopWarning", arguments=["a", "b", "c"]).unpack()
    assert odd.what == "a"


def test_the_serial_engine_tells_the_same_story_and_stops_at_ctrl_c() -> None:
    def handle(payload: dict[str, Any], context: Context) -> dict[str, Any]:
        context.point({"flops": 1.0})
        if payload["interrupt"]:
            os.kill(os.getpid(), signal.SIGINT)
        if context.should_stop():
            raise StopRequested
        return {"loss": 3.0}

    events: list[Event] = []
    jobs = [
        Job(id=n, payload={"interrupt": n == "b"}, cost=c)
        for n, c in [("b", 2), ("a", 3), ("c", 1)]
    ]
    outcome = SerialEngine(handle).run(jobs, events.append)
    assert (outcome.finished, outcome.stopped) == (["a"], True)
    assert [(e.kind, e.job) for e in events] == [
        ("started", "a"), ("point", "a"), ("finished", "a"),
        ("started", "b"), ("point", "b"), ("stopped", "b"),
    ]  # fmt: skip
