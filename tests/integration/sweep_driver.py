"""Run (or go on with) the small sweep of test_kill.py, telling each event on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, RunSpec, Setup
from isoflop.protocols.execute import WORKER, run_sweep
from isoflop.store import Store
from isoflop.train import corpus
from isoflop.train.engine import EngineSettings, LocalEngine

STEPS = tuple(range(800, 3200, 300))


def specs_for(digest: str) -> list[RunSpec]:
    rates = Rates(hidden=6e-3, head=6e-3, embedding=5e-2, gains=5e-2)
    shape = Architecture(width=8, vocab=64, context=32)
    return [
        RunSpec(
            setup=Setup(
                architecture=shape, batch=2, steps=steps, rates=rates, corpus=digest, seed=seed
            ),
            budget=1e8,
        )
        for seed, steps in enumerate(STEPS)
    ]


def tell(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"event": event["event"], "id": event["id"]}) + "\n")
    sys.stdout.flush()


def main(study: str, tokens: str, checkpoint_seconds: str) -> None:
    path = Path(tokens)
    digest = corpus.load(path).digest
    # Many kills of a worker may meet the same run before it gets any further.
    settings = EngineSettings(retries=100, grace=120.0)
    with LocalEngine(WORKER, workers=2, settings=settings) as engine:
        run_sweep(
            specs_for(digest),
            Store(study),
            corpus=path,
            checkpoint_seconds=float(checkpoint_seconds),
            on_event=tell,
            engine=engine,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
