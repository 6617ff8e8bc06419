"""Time to read 100,000 runs from CSV, and the cost of the import. Goal: 0.5 s.

Run alone: python bench/load_runs.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from isoflop.runs.checks import check
from isoflop.runs.io import load
from isoflop.runs.table import RunTable

ROWS = 100_000
REPEATS = 5
GOAL = 0.5


def write_runs(path: Path) -> None:
    """Write a table of random runs: four numbers, a seed, two texts, a budget."""
    random = np.random.default_rng(0)
    N, D = 10 ** random.uniform(6, 10, ROWS), 10 ** random.uniform(8, 12, ROWS)
    loss = 1.8 + 480 / N**0.35 + 2000 / D**0.37 + random.normal(0, 0.01, ROWS)
    columns = {
        "params_N": N,
        "tokens_D": D,
        "flops_C": 6 * N * D,
        "loss": loss,
        "seed": random.integers(0, 9, ROWS),
        "run": [f"run-{i % 5000}" for i in range(ROWS)],
        "dataset": random.choice(["c4", "pile"], ROWS).tolist(),
        "budget": random.choice([1e18, 1e19, 1e20], ROWS),
    }
    RunTable.from_columns(columns).to_csv(path)


def timed(call: object) -> float:
    """Return the median CPU seconds of a call."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()  # type: ignore[operator]
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def main() -> int:
    """Print the measurements; exit status 1 if loading misses the goal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.csv"
        write_runs(path)
        table = load(path)
        results = {
            "load": timed(lambda: load(path)),
            "load with a condition": timed(lambda: load(path, where="loss < 3 and N > 1B")),
            "check": timed(lambda: check(table)),
        }
    print(f"{ROWS} rows, 8 columns; median of {REPEATS}, CPU seconds")
    for name, seconds in results.items():
        print(f"  {name:24s} {seconds:.3f}")
    return int(results["load"] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
