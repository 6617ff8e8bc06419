"""Training throughput: five sizes against nanoGPT's own loop, a sweep, and where the time goes.

Run on a quiet machine:  python bench/train_throughput.py [--nanogpt CHECKOUT] [--quick]

Everything is processor time of one thread (wall time only where it says so), so that other work on
the machine disturbs little. A throughput is the tokens between two run lengths over the difference
of their processor times, each in a process of its own: imports and set-up cancel. Both programs
take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nanogpt
from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.design.spec import RunSpec, Setup
from isoflop.train import corpus as corpora

#: Width, layers, batch (sequences of 64 tokens), steps of the longer run.
SIZES = [(16, 2, 4, 3000), (32, 2, 4, 2000), (64, 4, 8, 300), (128, 5, 8, 100), (256, 6, 8, 30)]
SWEEP = [(5e10, (16, 24, 32, 48)), (1.5e11, (24, 32, 48, 64))]
QUICK_SWEEP = [(1e10, (8, 16, 24, 32)), (2e10, (8, 16, 24, 32))]
VAL_TOKENS = 8193
TABLES = ["sizes", "sweep", "parts"]


def main() -> int:
    """Print three tables; exit status 1 if a goal against nanoGPT is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nanogpt", type=Path, help="a checkout of nanoGPT to compare with")
    parser.add_argument("--quick", action="store_true", help="shorter runs, one repeat")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loop-threads", type=int, default=1, help="of nanoGPT in the sweep")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(json.loads(options.worker))
    if options.nanogpt is not None and not (options.nanogpt / "train.py").is_file():
        parser.error(f"{options.nanogpt} holds no train.py: not a checkout of nanoGPT")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        corpus = corpora.load()
        nanogpt.prepare(data, corpus.train, corpus.val[:VAL_TOKENS], corpus.vocab)
        checkout = options.nanogpt and options.nanogpt.absolute()
        repeats = 1 if options.quick else options.repeats
        budgets = QUICK_SWEEP if options.quick else SWEEP
        results: dict[str, Any] = {}
        if "sizes" in options.tables:
            results["sizes"] = sizes(data, checkout, repeats, options.quick)
        if "sweep" in options.tables:
            results["sweep"] = [sweep(data, checkout, budgets, options.loop_threads)]
        if "parts" in options.tables:
            results["parts"] = parts()
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    return int(any(row.get("missed") for table in results.values() for row in table))


def sizes(data: Path, checkout: Path | None, repeats: int, quick: bool) -> list[dict[str, Any]]:
    """Print tokens per CPU second of five sizes, and nanoGPT's in the same run."""
    print(f"{'width x layers':>14} {'N':>9} {'batch':>5} {'isoflop':>9} {'nanoGPT':>9} ratio")
    rows = []
    for width, layers, batch, longer in SIZES:
        steps = longer // 2 if quick else longer
        shape = Architecture(width=width, layers=layers)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(repeats):
            ours.append(rate(shape, batch, steps, lambda n, s=shape, b=batch: own(data, s, b, n)))
            if checkout is not None:
                theirs.append(
                    rate(
                        shape,
                        batch,
                        steps,
                        lambda n, s=shape, b=batch: nanogpt.train(
                            checkout, data, s, batch=b, steps=n
                        ),
                    )
                )
        row = {
            "width": width,
            "layers": layers,
            "N": shape.parameters("matrices"),
            "batch": batch,
            "isoflop": statistics.median(ours),
        }
        text = f"{width:>9} x {layers:<2} {row['N']:>9,} {batch:>5} {row['isoflop']:>9,.0f}"
        if theirs:
            row["nanogpt"] = statistics.median(theirs)
            row["ratio"] = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            row["missed"] = row["ratio"] < (1.3 if width <= 64 else 1.0)
            text += f" {row['nanogpt']:>9,.0f} {row['ratio']:.2f}"
        print(text, flush=True)
        rows.append(row)
    return rows


def rate(shape: Architecture, batch: int, steps: int, run: Any) -> float:
    """Return tokens per processor second between two run lengths."""
    shorter = steps // 5
    return (steps - shorter) * batch * shape.context / (run(steps) - run(shorter))


def own(data: Path, shape: Architecture, batch: int, steps: int) -> float:
    """Train with isoflop in a process of its own; return its processor seconds."""
    job = {"data": str(data), "width": shape.width, "layers": shape.layers, "batch": batch}
    command = [sys.executable, __file__, "--worker", json.dumps(job | {"steps": steps})]
    return nanogpt.processor_seconds(command, cwd=Path.cwd())


def worker(job: dict[str, Any]) -> int:
    """Train one run on the prepared data."""
    from isoflop.train.trainer import train_run

    shape = Architecture(width=job["width"], layers=job["layers"])
    corpus = prepared(Path(job["data"]), shape.vocab)
    setup = Setup(
        architecture=shape,
        batch=job["batch"],
        steps=job["steps"],
        rates=rules.rates(shape.width, job["batch"]),
        corpus=corpus.digest,
    )
    return int(train_run(RunSpec(setup=setup, budget=setup.flops), corpus).status != "finished")


def prepared(data: Path, vocab: int) -> corpora.Corpus:
    """Return the tokens that `nanogpt.prepare` wrote."""
    import numpy as np

    train, val = (
        np.memmap(data / f"{part}.bin", dtype="<u2", mode="r") for part in ("train", "val")
    )
    return corpora.Corpus(
        name="bench",
        train=train,
        val=val,
        vocab=vocab,
        train_bytes=None,
        val_bytes=None,
        text_digest="bench",
        digest="bench",
    )


def sweep(
    data: Path, checkout: Path | None, budgets: list[tuple[float, tuple[int, ...]]], threads: int
) -> dict[str, Any]:
    """Time an 8-run sweep through the engine, and the same runs with nanoGPT one by one."""
    from isoflop.protocols.execute import run_sweep
    from isoflop.store import Store

    digest = corpora.load().digest
    specs = [
        RunSpec(setup=rules.setup(Architecture(width=width), budget, corpus=digest), budget=budget)
        for budget, widths in budgets
        for width in widths
    ]
    tokens = sum(spec.setup.tokens for spec in specs)
    before, start = used(), time.monotonic()
    store = Store(data / "study")
    run_sweep(specs, store)
    wall, cpu = time.monotonic() - start, used() - before
    runs = [run for spec in specs if (run := store.run(spec.id)) is not None]
    training = sum(run.measured["cpu_seconds"] for run in runs)
    evaluation = sum(run.measured["eval_cpu_seconds"] for run in runs)
    print(f"\nsweep of {len(specs)} runs, {tokens:,} tokens")
    print(
        f"  isoflop, {os.cpu_count()} cores: {wall:.1f} s wall, {cpu:.1f} CPU s: "
        f"{training:.1f} training, {evaluation:.1f} evaluation, "
        f"{cpu - training - evaluation:.1f} start-up and the rest"
    )
    row: dict[str, Any] = {
        "tokens": tokens,
        "wall": wall,
        "cpu": cpu,
        "training": training,
        "evaluation": evaluation,
    }
    if checkout is not None:
        before, start = used(), time.monotonic()
        for spec in specs:
            nanogpt.train(
                checkout,
                data,
                spec.setup.architecture,
                batch=spec.setup.batch,
                steps=spec.setup.steps,
                threads=threads,
            )
        row |= {"nanogpt_wall": time.monotonic() - start, "nanogpt_cpu": used() - before}
        row |= {"ratio_wall": row["nanogpt_wall"] / wall, "ratio_cpu": row["nanogpt_cpu"] / cpu}
        row["missed"] = row["ratio_wall"] < 2
        print(
            f"  nanoGPT in a loop, threads {threads}: {row['nanogpt_wall']:.1f} s wall, "
            f"{row['nanogpt_cpu']:.1f} CPU s: {row['ratio_wall']:.2f} x the wall time, "
            f"{row['ratio_cpu']:.2f} x the CPU time"
        )
    return row


def used() -> float:
    """Return the processor seconds of this process and its children that ended."""
    ends = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in ends)


def parts() -> list[dict[str, Any]]:
    """Print where the processor time of a run goes, at three widths of a budget of 1.5e11."""
    from isoflop.train.machine import one_thread
    from isoflop.train.trainer import Training

    one_thread()
    corpus = corpora.load()
    print("\nmicroseconds a step; evaluation and start-up in milliseconds a run (budget 1.5e11)")
    names = ["batch", "forward", "head", "backward", "optimizer", "evaluation", "start-up"]
    print(f"{'width':>6} {'steps':>6}" + "".join(f"{name:>11}" for name in names))
    rows = []
    for width in (16, 32, 64):
        start = time.process_time()
        training = Training(
            rules.setup(Architecture(width=width), 1.5e11, corpus=corpus.digest), corpus
        )
        spent = {"start-up": 1e3 * (time.process_time() - start)}
        spent |= {name: 1e6 * seconds for name, seconds in step_parts(training, 300).items()}
        start = time.process_time()
        training.evaluate(training.validation)
        spent["evaluation"] = 1e3 * (time.process_time() - start)
        print(
            f"{width:>6} {training.setup.steps:>6}"
            + "".join(f"{spent[name]:>11,.0f}" for name in names),
            flush=True,
        )
        rows.append({"width": width, "steps": training.setup.steps} | spent)
    start_up = nanogpt.processor_seconds(
        [sys.executable, "-c", "import isoflop.train.trainer"], cwd=Path.cwd()
    )
    print(f"importing PyTorch, once a worker: {1e3 * start_up:,.0f} ms")
    return rows


def step_parts(training: Any, steps: int) -> dict[str, float]:
    """Return processor seconds of each part of a step, the mean over `steps` after a warm-up."""
    import torch

    spent = dict.fromkeys(["batch", "forward", "head", "backward", "optimizer"], 0.0)
    gradient, warm = training.gradient, 50
    clock = time.process_time
    with torch.no_grad():
        mark = clock()
        for step, tokens, targets in training.batches.steps(1, warm + steps):
            ids = tokens.reshape(-1)
            marks = [mark, clock()]
            x = gradient.embedding.index_select(0, ids)
            for branch in gradient.branches:
                x = branch.forward(x)
            marks.append(clock())
            _, d_x = gradient.head.forward_backward(x, targets.reshape(-1, 1))
            marks.append(clock())
            for branch in reversed(gradient.branches):
                branch.backward(d_x)
            gradient.d_embedding.zero_().index_add_(0, ids, d_x)
            marks.append(clock())
            training.optimizer.step(1.0)
            mark = clock()
            marks.append(mark)
            if step > warm:
                for name, a, b in zip(spent, marks, marks[1:], strict=False):
                    spent[name] += (b - a) / steps
    return spent


if __name__ == "__main__":
    sys.exit(main())
