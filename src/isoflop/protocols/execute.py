"""Run a sweep: submit what is not done. The same call again goes on where it stopped."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from isoflop.protocols.worker import Place, TrainJob
from isoflop.runs.decoder import CONVENTIONS
from isoflop.runs.run import Run
from isoflop.train.corpus import VOCAB
from isoflop.train.engine import Event, Job, LocalEngine, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from isoflop.design.spec import RunSpec
    from isoflop.store import Store

    Listener = Callable[[dict[str, Any]], None]

#: -P: a file of the user's folder named like a library must not take its place.
WORKER = (sys.executable, "-P", "-m", "isoflop.protocols.worker")

#: Errors about the store, not about the run: they are reported but not recorded as its outcome.
_NOT_THE_RUNS = frozenset({"StoreError"})


class Engine(Protocol):
    """What runs jobs: `LocalEngine`, `SerialEngine`, or one of a cluster."""

    def run(self, jobs: Sequence[Job], on_event: Callable[[Event], None]) -> Outcome:
        """Run jobs until each is finished or failed, or until interrupted."""
        ...


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sweep.

    Args:
        finished: ids of the runs that this call finished.
        failed: id -> reason, of the runs that failed in this call.
        skipped: ids that had an outcome before.
        seconds: wall clock of this call.
    """

    finished: list[str]
    failed: dict[str, str]
    skipped: list[str]
    seconds: float


def run_sweep(
    specs: Sequence[RunSpec],
    store: Store,
    *,
    corpus: str | Path | None = None,
    vocab: int = VOCAB,
    workers: int | None = None,
    retry_failed: bool = False,
    keep_checkpoints: bool = False,
    checkpoint_seconds: float = 30.0,
    costs: Mapping[str, float] | None = None,
    on_event: Listener = lambda event: None,
    engine: Engine | None = None,
) -> Summary:
    """Make every run of a sweep that has no outcome yet, and store it.

    Ctrl-C saves the running ones and raises KeyboardInterrupt; after that, or after a kill, the
    same call goes on: finished runs are not repeated, unfinished ones resume from their
    checkpoint. One run that fails is recorded with its reason and stops no other.

    Args:
        specs: the runs.
        store: of the study; locked as long as this takes.
        corpus: path of the corpus whose digest the specs name; None for the default one.
        vocab: token ids of its tokenizer.
        workers: processes; the usable cores if None.
        retry_failed: make failed runs again.
        keep_checkpoints: keep the final weights of every run.
        checkpoint_seconds: wall time between checkpoints of a run.
        costs: id -> expected cost in any one unit; the dearest start first. FLOPs if None.
        on_event: called with {"event": kind, "id": run, ...}; kind is "skipped", "started",
            "point" (with step, flops, share of the run, losses where measured), "finished",
            "failed" and "retried" (with reason), "stopped".
        engine: what runs the jobs; by default worker processes of this machine.

    Raises:
        StoreError: the folder cannot be written, or another process is running this study.
        CorpusError, ConventionError: the corpus is unreadable, or not the one of the specs.
        MissingExtra: PyTorch is not installed.
        KeyboardInterrupt: interrupted, after everything was saved.
    """
    started = time.monotonic()
    with store.exclusive():
        store.add(specs)
        todo = {spec.id: spec for spec in store.todo(specs, retry_failed=retry_failed)}
        skipped = [run for run in dict.fromkeys(spec.id for spec in specs) if run not in todo]
        for run in skipped:
            on_event({"event": "skipped", "id": run})
        place = Place(
            store=str(store.path.absolute()),
            corpus=None if corpus is None else str(Path(corpus).absolute()),
            vocab=vocab,
            checkpoint_seconds=checkpoint_seconds,
            keep_checkpoint=keep_checkpoints,
        )
        recorder = Recorder(todo, store, on_event)
        outcome = _run(_jobs(todo, place, costs or {}), recorder, workers, engine)
    if outcome.stopped:
        raise KeyboardInterrupt
    return Summary(
        finished=[run for run in outcome.finished if run not in recorder.failed],
        failed=recorder.failed,
        skipped=skipped,
        seconds=time.monotonic() - started,
    )


def _jobs(specs: Mapping[str, RunSpec], place: Place, costs: Mapping[str, float]) -> list[Job]:
    return [
        Job(
            id=run,
            payload=msgspec.to_builtins(TrainJob(spec=spec, place=place)),
            cost=costs.get(run, spec.setup.flops),
        )
        for run, spec in specs.items()
    ]


def _run(
    jobs: Sequence[Job], recorder: Recorder, workers: int | None, engine: Engine | None
) -> Outcome:
    if engine is not None:
        return engine.run(jobs, recorder)
    with LocalEngine(WORKER, workers=workers) as local:
        return local.run(jobs, recorder)


class Recorder:
    """Passes an engine's events on, and records the failures that no worker could record.

    Args:
        specs: id -> run. store: where failures are recorded. on_event: as of `run_sweep`.
    """

    def __init__(self, specs: Mapping[str, RunSpec], store: Store, on_event: Listener) -> None:
        self.specs, self.store, self.on_event = specs, store, on_event
        self.failed: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Take one event of the engine."""
        kind, data, reason = event.kind, event.data, event.reason
        if kind == "finished" and data.get("status") == "failed":
            kind, reason = "failed", str(data.get("reason", ""))
        elif kind == "failed" and data.get("error") not in _NOT_THE_RUNS:
            self._record(self.specs[event.job], reason)
        if kind == "failed":
            self.failed[event.job] = reason
        told = {"worker": event.worker, "attempt": event.attempt, "reason": reason}
        self.on_event({**data, **told, "event": kind, "id": event.job})

    def _record(self, spec: RunSpec, reason: str) -> None:
        points = self.store.points(spec.id)
        with self.store.writer(spec.id) as writer:
            writer.finish(failed_run(spec, reason, tokens=points[-1].tokens if points else 0))


def failed_run(spec: RunSpec, reason: str, *, tokens: int) -> Run:
    """Return the record of a run whose worker could not write one.

    Args:
        spec: the run.
        reason: why it failed.
        tokens: training tokens processed at its last point.
    """
    setup, shape = spec.setup, spec.setup.architecture
    N = {name: float(shape.parameters(name)) for name in CONVENTIONS}
    return Run(
        id=spec.id,
        status="failed",
        reason=reason,
        N=N,
        D=float(tokens),
        U=float(tokens),
        C=shape.flops_per_token() * tokens,
        C_6ND=6.0 * N["matrices+head"] * tokens,
        loss=None,
        bits_per_byte=None,
        budget=spec.budget,
        role=spec.role,
        family=setup.recipe,
        seed=setup.seed,
        corpus=setup.corpus,
        setup=msgspec.to_builtins(setup),
    )
