from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, RunSpec, Setup
from isoflop.errors import CorpusError, InputError, StoreError
from isoflop.protocols.execute import failed_run, run_sweep
from isoflop.protocols.worker import TrainHandler
from isoflop.runs.run import Point, Run
from isoflop.store import Store
from isoflop.train.engine import EngineSettings, LocalEngine, SerialEngine
from isoflop.train.interrupts import StopRequested
from isoflop.train.serve import serve

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER = [sys.executable, str(Path(__file__).resolve())]


def spec_of(seed: int = 0, steps: int = 4) -> RunSpec:
    rates = Rates(hidden=6e-3, head=6e-3, embedding=5e-2, gains=5e-2)
    shape = Architecture(width=8, vocab=64)
    setup = Setup(architecture=shape, batch=4, steps=steps, rates=rates, corpus="c", seed=seed)
    return RunSpec(setup=setup, budget=1e6)


def fake_train(
    spec: RunSpec,
    corpus: object,
    *,
    folder: Path,
    on_point: Callable[[Point], None],
    on_run: Callable[[Run], None],
    should_stop: Callable[[], bool],
    **more: Any,
) -> Run:
    """Train nothing; what goes wrong is decided by the seed."""
    checkpoint = folder / "checkpoint.pt"
    begin = int(checkpoint.read_text()) if checkpoint.exists() else 0
    checkpoint.write_text("0")
    for step in range(begin + 1, spec.setup.steps + 1):
        act(spec.setup.seed, begin, folder, should_stop)
        on_point(Point(step=step, tokens=256 * step, flops=step * 1.0, seconds=0.0))
        checkpoint.write_text(str(step))
        if should_stop():
            raise StopRequested
    diverged = spec.setup.seed == 13
    run = failed_run(spec, "training loss is nan" if diverged else "", tokens=spec.setup.tokens)
    if not diverged:
        run = finished(run)
    on_run(run)
    return run


def finished(run: Run) -> Run:
    import msgspec

    return msgspec.structs.replace(run, status="finished", loss=3.0 + run.seed)


def act(seed: int, begin: int, folder: Path, should_stop: Callable[[], bool]) -> None:
    if seed == 14:
        raise ZeroDivisionError("one over nothing")
    if seed == 15 and begin == 0 and (folder / "checkpoint.pt").read_text() == "2":
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 16:
        os.kill(os.getpid(), signal.SIGKILL)
    if seed == 17:
        error = StoreError(f"cannot append to {folder}: No space left on device.", "Full.", "Free.")
        error.errno = 28
        raise error
    if seed == 18 and begin == 0:
        os.kill(os.getpid() if os.environ.get("IN_PROCESS") else os.getppid(), signal.SIGINT)
        while not should_stop():  # a run of a few steps could end before it is told
            time.sleep(0.01)


HANDLER = TrainHandler(train=fake_train, load=lambda path, vocab: f"{path} {vocab}")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "study")


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


def sweep(specs: list[RunSpec], store: Store, **more: Any) -> Any:
    return run_sweep(specs, store, engine=SerialEngine(HANDLER), **more)


def test_a_sweep_is_made_stored_and_not_made_again(
    store: Store, events: list[dict[str, Any]]
) -> None:
    specs = [spec_of(seed) for seed in range(3)]
    summary = sweep(specs[:2], store, on_event=events.append)
    assert sorted(summary.finished) == sorted(spec.id for spec in specs[:2])
    assert (summary.failed, summary.skipped) == ({}, [])
    assert [p.step for p in store.points(specs[0].id)] == [1, 2, 3, 4]
    shares = [e["share"] for e in events if e["event"] == "point" and e["id"] == specs[0].id]
    assert shares == [0.25, 0.5, 0.75, 1.0]
    events.clear()
    summary = sweep(specs, store, on_event=events.append)
    assert summary.finished == [specs[2].id]
    assert summary.skipped == [specs[0].id, specs[1].id]
    assert [e["event"] for e in events][:2] == ["skipped", "skipped"]
    assert [run.loss for run in sorted(store.runs(), key=lambda run: run.seed)] == [3.0, 4.0, 5.0]


def test_a_run_that_diverges_or_raises_is_recorded_and_stops_no_other(
    store: Store, events: list[dict[str, Any]]
) -> None:
    specs = [spec_of(13), spec_of(14), spec_of(1)]
    summary = sweep(specs, store, on_event=events.append)
    reasons = {13: "training loss is nan", 14: "ZeroDivisionError: one over nothing"}
    assert summary.finished == [specs[2].id]
    assert summary.failed == {specs[0].id: reasons[13], specs[1].id: reasons[14]}
    assert {run.seed: run.reason for run in store.runs() if run.status == "failed"} == reasons
    assert [e["event"] for e in events if e["event"] in ("finished", "failed")].count("failed") == 2
    assert sorted(sweep(specs, store).skipped) == sorted(spec.id for spec in specs)
    assert set(sweep(specs, store, retry_failed=True).failed) == {specs[0].id, specs[1].id}


def test_the_run_of_a_dead_worker_resumes_and_a_hopeless_one_is_recorded(store: Store) -> None:
    specs = [spec_of(15, steps=9), spec_of(16), spec_of(1)]
    with LocalEngine(WORKER, workers=2, settings=EngineSettings(retries=1)) as engine:
        summary = run_sweep(specs, store, engine=engine)
    assert sorted(summary.finished) == sorted([specs[0].id, specs[2].id])
    assert "SIGKILL" in summary.failed[specs[1].id]
    assert [p.step for p in store.points(specs[0].id)] == list(range(1, 10))
    failed = store.run(specs[1].id)
    assert failed is not None
    assert (failed.status, failed.loss, failed.reason) == (
        "failed",
        None,
        summary.failed[specs[1].id],
    )
    assert len(store.table()) == 3


@pytest.mark.parametrize("where", ["local", "serial"])
def test_a_full_disk_in_a_worker_is_one_clear_error(store: Store, where: str) -> None:
    specs = [spec_of(17), spec_of(1, steps=1), spec_of(2, steps=1)]
    with LocalEngine(WORKER, workers=1) as local:
        engine = local if where == "local" else SerialEngine(HANDLER)
        with pytest.raises(StoreError, match="No space left on device") as caught:
            run_sweep(specs, store, engine=engine)
    assert caught.value.do == "Free."
    assert store.runs() == []


def test_a_damaged_file_fails_its_run_alone_and_is_not_its_outcome(store: Store) -> None:
    specs = [spec_of(0), spec_of(1)]
    store.add(specs)
    path = store.run_folder(specs[0].id) / "points.jsonl"
    path.write_text('oops\n{"step": 1}\n')
    summary = sweep(specs, store)
    assert summary.finished == [specs[1].id]
    assert "points.jsonl, line 1" in summary.failed[specs[0].id]
    assert [run.id for run in store.runs()] == [specs[1].id]
    path.unlink()
    assert sweep(specs, store).finished == [specs[0].id]


def test_an_unwritable_folder_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Not a directory"):
        sweep([spec_of()], Store(tmp_path / "file" / "study"))


def test_a_study_has_one_sweep_at_a_time(store: Store) -> None:
    with store.exclusive():
        script = (
            "import sys; from isoflop.store import Store; "
            f"Store({str(store.path)!r}).exclusive(wait=0).__enter__()"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
    assert f"is being written by process {os.getpid()}" in done.stderr


def test_ctrl_c_is_raised_after_all_is_saved_and_the_same_call_goes_on(
    store: Store, events: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IN_PROCESS", "1")
    specs = [spec_of(18, steps=9), spec_of(1)]
    with pytest.raises(KeyboardInterrupt):
        sweep(specs, store, on_event=events.append)
    assert [e["event"] for e in events] == ["started", "point", "stopped"]
    assert (store.run_folder(specs[0].id) / "checkpoint.pt").read_text() == "1"
    assert len(sweep(specs, store).finished) == 2


def test_ctrl_c_through_worker_processes(store: Store, events: list[dict[str, Any]]) -> None:
    specs = [spec_of(18, steps=9), spec_of(1, steps=1)]
    settings = EngineSettings(grace=math.inf)
    engine = LocalEngine(WORKER, workers=1, settings=settings)
    with engine, pytest.raises(KeyboardInterrupt):
        run_sweep(specs, store, engine=engine, on_event=events.append)
    assert store.runs() == []
    assert [p.step for p in store.points(specs[0].id)] == [1]
    with LocalEngine(WORKER, workers=2) as engine:
        assert len(run_sweep(specs, store, engine=engine).finished) == 2


def test_a_wrong_corpus_stops_the_sweep_with_the_error_that_the_loader_raised(
    store: Store,
) -> None:
    def load(path: Path | None, vocab: int) -> object:
        raise CorpusError(f"{path} is empty.", "Too small.", "Take another.")

    engine = SerialEngine(TrainHandler(train=fake_train, load=load))
    with pytest.raises(CorpusError, match=r"texts is empty") as caught:
        run_sweep([spec_of(), spec_of(1)], store, corpus="texts", engine=engine)
    assert caught.value.do == "Take another."
    assert os.path.isabs(caught.value.what.split(" is")[0])  # noqa: PTH117


def test_a_spec_that_does_not_fit_fails_alone(store: Store) -> None:
    def train(spec: RunSpec, *rest: Any, **more: Any) -> Run:
        if spec.setup.seed == 0:
            raise InputError("the corpus has 512 token ids, the model 64.")
        return fake_train(spec, *rest, **more)

    engine = SerialEngine(TrainHandler(train=train, load=lambda path, vocab: None))
    summary = run_sweep([spec_of(0), spec_of(1)], store, engine=engine)
    assert len(summary.finished) == 1
    assert "512 token ids" in summary.failed[spec_of(0).id]


def test_the_dearest_run_starts_first(store: Store, events: list[dict[str, Any]]) -> None:
    specs = [spec_of(seed) for seed in range(3)]
    costs = {spec.id: cost for spec, cost in zip(specs, (1.0, 3.0, 2.0), strict=True)}
    sweep(specs, store, costs=costs, on_event=events.append)
    started = [e["id"] for e in events if e["event"] == "started"]
    assert started == [specs[1].id, specs[2].id, specs[0].id]


if __name__ == "__main__":
    serve(HANDLER)
