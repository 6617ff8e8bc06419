"""What a run leaves behind: its record, with measurements and provenance."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

import isoflop
from isoflop.runs.decoder import CONVENTIONS
from isoflop.runs.run import Run

if TYPE_CHECKING:
    from isoflop.design.spec import RunSpec
    from isoflop.train.corpus import Corpus
    from isoflop.train.machine import Machine
    from isoflop.train.trainer import Training


class Clock:
    """Wall and processor seconds between `start` and `stop`, summed."""

    def __init__(self, wall: float = 0.0, cpu: float = 0.0) -> None:
        self.wall, self.cpu = wall, cpu

    def start(self) -> None:
        """Begin to count."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """Add the seconds since `start`."""
        self.wall += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu

    def state(self) -> list[float]:
        """Return the sums."""
        return [self.wall, self.cpu]


def record(spec: RunSpec, corpus: Corpus, training: Training, reason: str, machine: Machine) -> Run:
    """Describe a run that ended: finished, or failed for `reason`."""
    setup = spec.setup
    shape = setup.architecture
    loss = None if reason else training.val_loss
    N = {name: float(shape.parameters(name)) for name in CONVENTIONS}
    tokens = float(training.step * setup.batch * shape.context)
    return Run(
        id=spec.id,
        status="failed" if reason else "finished",
        reason=reason,
        N=N,
        D=tokens,
        U=min(tokens, float(len(corpus.train))),
        C=shape.flops_per_token() * tokens,
        C_6ND=6.0 * N["matrices+head"] * tokens,
        loss=loss,
        bits_per_byte=None if loss is None else corpus.bits_per_byte(loss),
        budget=spec.budget,
        role=spec.role,
        family=setup.recipe,
        seed=setup.seed,
        corpus=corpus.digest,
        setup=msgspec.json.decode(msgspec.json.encode(setup)),
        measured=measured(corpus, training, machine),
        provenance=provenance(corpus, training, machine),
    )


def measured(corpus: Corpus, training: Training, machine: Machine) -> dict[str, float]:
    """Return what the run took: seconds of wall and processor, rates, the end of its curve.

    `tokens_per_second` and `peak_share` are by processor seconds of training alone, so that a
    busy machine does not change them; `peak_share` compares exact FLOPs with the measured
    rate of a large matrix product on one thread.
    """
    shape, step = training.setup.architecture, training.step
    tokens = step * training.setup.batch * shape.context
    cpu = max(training.clock.cpu, 1e-9)
    tail = training.losses[step - max(1, step // 10) : step]
    trial = {} if training.trial is None else {"bfloat16_speedup": training.trial.speedup}
    return trial | {
        "seconds": training.clock.wall,
        "cpu_seconds": training.clock.cpu,
        "eval_seconds": training.evaluation_clock.wall,
        "eval_cpu_seconds": training.evaluation_clock.cpu,
        "tokens_per_second": tokens / cpu,
        "peak_share": shape.flops_per_token() * tokens / cpu / machine.peak,
        "train_loss_last10pct": float(tail.mean()),
        "epochs": tokens / len(corpus.train),
        "val_tokens": float(training.val_tokens),
    }


def provenance(corpus: Corpus, training: Training, machine: Machine) -> dict[str, str]:
    """Return versions, machine, type of matrix products, corpus and time."""
    return {
        "isoflop": isoflop.__version__,
        "torch": machine.torch,
        "python": machine.python,
        "processor": machine.processor,
        "cores": str(machine.cores),
        "peak_gflops": f"{machine.peak / 1e9:.1f}",
        "dtype": training.dtype,
        "corpus_name": corpus.name,
        "corpus_digest": corpus.digest,
        "text_digest": corpus.text_digest,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
