"""Time to load a store of 10,000 runs with 1,000 points each, without and with the index.

python bench/store_load.py [--runs 10000] [--points 1000] [--folder /tmp/...]
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from isoflop.design.architecture import Architecture
from isoflop.design.spec import Rates, RunSpec, Setup
from isoflop.runs.run import Point, Run
from isoflop.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
spawn = multiprocessing.get_context("spawn")


def spec_of(seed: int) -> RunSpec:
    """Return a spec that differs from the others in its seed alone."""
    rates = Rates(hidden=6e-3, head=6e-3, embedding=5e-2, gains=5e-2)
    setup = Setup(
        architecture=Architecture(width=32),
        batch=4,
        steps=1000,
        rates=rates,
        corpus="0" * 64,
        seed=seed,
    )
    return RunSpec(setup=setup, budget=1e11)


def run_of(spec: RunSpec) -> Run:
    """Return a finished run."""
    shape, setup = spec.setup.architecture, spec.setup
    N = {name: float(shape.parameters(name)) for name in ("matrices", "matrices+head", "all")}
    return Run(
        id=spec.id, status="finished", N=N, D=float(setup.tokens), U=float(setup.tokens),
        C=setup.flops, C_6ND=6 * N["matrices+head"] * setup.tokens, loss=3.0 + setup.seed * 1e-5,
        bits_per_byte=1.7, budget=spec.budget, role=spec.role, family=setup.recipe, seed=setup.seed,
        corpus=setup.corpus, setup=msgspec.to_builtins(setup),
        measured={"seconds": 12.5, "cpu_seconds": 12.1, "tokens_per_second": 2.1e4},
        provenance={"isoflop": "0.1.0", "torch": "2.13.0", "machine": "x86_64"},
    )  # fmt: skip


def fill(folder: Path, runs: int, points: int) -> None:
    """Write the files of a study without the fsync of each (that is not what is timed)."""
    curve = [
        Point(
            step=s, tokens=s * 256, flops=s * 256 * 4.4e5, seconds=s * 0.0123, rate=1 - s / points,
            train_loss=3 + math.exp(-s / 300), val_loss=None if s % 20 else 3.1,
        )
        for s in range(1, points + 1)
    ]  # fmt: skip
    lines = b"".join(msgspec.json.encode(point) + b"\n" for point in curve)
    for seed in range(runs):
        spec = spec_of(seed)
        place = folder / "runs" / spec.id
        place.mkdir(parents=True)
        (place / "run.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(run_of(spec)), indent=1)
        )
        (place / "points.jsonl").write_bytes(lines)


def timed(label: str, work: Callable[[], T]) -> T:
    """Print how long `work` takes."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    print(f"{label:44s} {wall:8.2f} s wall {used:8.2f} s CPU", flush=True)
    return result


def load(folder: str, runs: int, points: int) -> None:
    """Load columns and curves, and check that all are there."""
    store = Store(folder)
    timed("new process: columns (run.json, no index)", store.columns)
    curves = timed("new process: all curves", store.curves)
    assert len(curves) == runs
    assert all(curve.points == points for curve in curves.values())


def main() -> None:
    """Fill a folder, then load it in new processes: first without an index, then through it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, default=None, help="where to make the study")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        timed("write the files", lambda: fill(Path(folder), arguments.runs, arguments.points))
        for label in ("without the index, which is made:", "through the index:"):
            print(label, flush=True)
            process = spawn.Process(target=load, args=(folder, arguments.runs, arguments.points))
            process.start()
            process.join()
            assert process.exitcode == 0
        size = (Path(folder) / "index.sqlite").stat().st_size
        print(f"index: {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
