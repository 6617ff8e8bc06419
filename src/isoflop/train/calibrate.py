"""How fast this machine trains: seconds a step = overhead + FLOPs / rate, from a second of steps.

Run as a process of its own (`python -m isoflop.train.calibrate`), so that the caller need not
import PyTorch; it prints {"overhead": seconds, "rate": FLOP per second}.
"""

from __future__ import annotations

import sys
import time

import msgspec
import numpy as np

from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.train.corpus import Corpus
from isoflop.train.machine import one_thread
from isoflop.train.trainer import Training

#: (width, budget) of the timed models: dispatch-bound, in between, and bound by products.
SHAPES = ((16, 5e10), (48, 5e11), (112, 1.5e12))
STEPS, WARM = 40, 10


def calibrate() -> dict[str, float]:
    """Time a few steps of three models; wall clock, one thread."""
    one_thread()
    tokens = np.random.default_rng(0).integers(0, 512, 70_000).astype(np.uint16)
    corpus = Corpus(
        name="noise",
        train=tokens,
        val=tokens[:2000],
        vocab=512,
        train_bytes=None,
        val_bytes=None,
        text_digest="",
        digest="calibration",
    )
    flops, seconds = zip(*(_step(corpus, *shape) for shape in SHAPES), strict=True)
    slope, overhead = np.polyfit(flops, seconds, 1)
    return {"overhead": float(max(overhead, 1e-4)), "rate": float(1 / max(slope, 1e-13))}


def _step(corpus: Corpus, width: int, budget: float) -> tuple[float, float]:
    """FLOPs and seconds of a step, the median of a few."""
    setup = rules.setup(Architecture(width=width), budget, corpus=corpus.digest)
    training = Training(setup, corpus)
    times = []
    for _, x, y in training.batches.steps(1, STEPS + WARM):
        start = time.perf_counter()
        training.gradient(x, y)
        training.optimizer.step(0.1)
        times.append(time.perf_counter() - start)
    return setup.flops / setup.steps, float(np.median(times[WARM:]))


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(calibrate()).decode() + "\n")
