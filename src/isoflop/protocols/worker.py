"""The worker process of a sweep: trains the runs that it is given and stores them.

Started by the engine as `python -m isoflop.protocols.worker`; it speaks JSON lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.design.spec import RunSpec
from isoflop.errors import ConventionError, CorpusError, MissingExtra, StoreError
from isoflop.store import RunWriter, Store, write_atomic
from isoflop.train.serve import Context, Fatal, serve

if TYPE_CHECKING:
    from isoflop.runs.run import Point, Run
    from isoflop.train.corpus import Corpus

#: Seconds between two messages of progress between the points of a curve.
PROGRESS = 1.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What all runs of a sweep share.

    Args:
        store: the study's folder.
        corpus: path of the corpus; None for the default one.
        vocab: token ids of its tokenizer.
        checkpoint_seconds: wall time between checkpoints.
        keep_checkpoint: keep the final weights.
    """

    store: str
    corpus: str | None
    vocab: int
    checkpoint_seconds: float
    keep_checkpoint: bool


class TrainJob(msgspec.Struct, frozen=True, kw_only=True):
    """One run to be made, and where."""

    spec: RunSpec
    place: Place


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of a run that it has stored."""

    status: str
    reason: str
    loss: float | None
    measured: dict[str, float]


Train = Callable[..., "Run"]
Load = Callable[..., "Corpus"]


class TrainHandler:
    """Makes runs; the corpus is opened once.

    Args:
        train: has the interface of `train_run`, which it is by default.
        load: has the interface of `corpus.load`, which it is by default.
    """

    def __init__(self, train: Train | None = None, load: Load | None = None) -> None:
        self._train, self._load = train, load
        self._corpora: dict[tuple[str | None, int], Corpus] = {}

    def __call__(self, payload: dict[str, Any], context: Context) -> dict[str, Any]:
        """Make one run and store it; return a RunReport.

        Raises:
            Fatal: no run of the sweep can be made: the study's folder cannot be written, the
                corpus is another one or unreadable, PyTorch is missing.
            StopRequested: the engine asked for it; a checkpoint is written.
            StoreError: a file of this run is damaged.
        """
        job = msgspec.convert(payload, TrainJob)
        store = Store(job.place.store)
        try:
            with store.writer(job.spec.id) as writer:
                run = store.run(job.spec.id)
                if run is None or run.status != "finished":
                    run = self._make(job, writer, context)
        except (CorpusError, ConventionError, MissingExtra) as error:
            raise Fatal(error) from error
        except StoreError as error:
            if _disk_refuses(error, store.run_folder(job.spec.id)):
                raise Fatal(error) from error
            raise
        report = RunReport(
            status=run.status, reason=run.reason, loss=run.loss, measured=run.measured
        )
        return msgspec.to_builtins(report)

    def _make(self, job: TrainJob, writer: RunWriter, context: Context) -> Run:
        progress = Progress(job.spec, context)

        def on_point(point: Point) -> None:
            writer.append(point)
            progress.point(point)

        return self._trainer()(
            job.spec,
            self._corpus(job.place),
            folder=writer.folder,
            on_point=on_point,
            on_run=lambda run: writer.finish(run, keep_checkpoint=job.place.keep_checkpoint),
            checkpoint_seconds=job.place.checkpoint_seconds,
            keep_checkpoint=job.place.keep_checkpoint,
            should_stop=progress.should_stop,
            before_checkpoint=writer.sync,
        )

    def _trainer(self) -> Train:
        if self._train is None:
            try:
                from isoflop.train.trainer import train_run
            except ImportError as error:
                raise MissingExtra(error.name or "torch", "train", "training a sweep") from error
            self._train = train_run
        return self._train

    def _corpus(self, place: Place) -> Corpus:
        if self._load is None:
            from isoflop.train.corpus import load

            self._load = load
        key = (place.corpus, place.vocab)
        if key not in self._corpora:
            path = None if place.corpus is None else Path(place.corpus)
            self._corpora[key] = self._load(path, vocab=place.vocab)
        return self._corpora[key]


class Progress:
    """Tells the engine of points, and about once a second how far the run is.

    Args:
        spec: the run. context: of the job.
    """

    def __init__(self, spec: RunSpec, context: Context) -> None:
        self.spec, self.context = spec, context
        self.asked, self.offset = 0, None
        self.told = time.monotonic()

    def point(self, point: Point) -> None:
        """Pass a point on."""
        # The step of a run that was resumed is known from its first point on.
        self.offset = point.step - self.asked - 1
        share = {"share": point.step / self.spec.setup.steps}
        self.context.point(msgspec.to_builtins(point) | share)
        self.told = time.monotonic()

    def should_stop(self) -> bool:
        """Return whether the engine asks to stop; asked once a step."""
        self.asked += 1
        if self.offset is not None and time.monotonic() - self.told > PROGRESS:
            self.told = time.monotonic()
            setup, step = self.spec.setup, self.offset + self.asked
            share = step / setup.steps
            self.context.point({"step": step, "flops": share * setup.flops, "share": share})
        return self.context.should_stop()


def _disk_refuses(error: StoreError, folder: Path) -> bool:
    """Return whether the disk is at fault, and so every run affected, not one damaged file."""
    if error.errno is not None or isinstance(error.__cause__, OSError):
        return True
    try:
        write_atomic(folder / "probe", bytes(1 << 20))
        (folder / "probe").unlink()
    except OSError:
        return True
    return False


if __name__ == "__main__":
    serve(TrainHandler())
