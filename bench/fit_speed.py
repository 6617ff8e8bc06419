"""Speed and memory of the fit on Epoch's 240 runs: CPU seconds, medians.

python bench/fit_speed.py [runs.csv] [--growth]

In-process times are of one call after a warm-up; whole-process times are of a fresh interpreter
that reads the CSV file, fits and prints, as the operating system accounts for it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

DATA = Path(__file__).parents[1] / "../shared/data/chinchilla-epoch-svg.csv"
BEST = 1.0182740178006e-3

CHILD = """
import csv, sys
import numpy as np
from isoflop.fit import fit
with open(sys.argv[1]) as file:
    rows = [row for row in csv.DictReader(file) if row["epoch_outlier"] == "0"]
names = {"N": "params_N", "D": "tokens_D", "loss": "loss"}
table = {k: np.array([float(row[x]) for row in rows]) for k, x in names.items()}
found = fit(table, "chinchilla", bootstrap=int(sys.argv[2]))
status = open("/proc/self/status").read()
print(found.objective, int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def read(path: Path) -> dict:
    """Return the 240 runs as columns."""
    import csv

    import numpy as np

    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["epoch_outlier"] == "0"]
    names = {"N": "params_N", "D": "tokens_D", "loss": "loss"}
    return {k: np.array([float(row[x]) for row in rows]) for k, x in names.items()}


def in_process(table: dict, repeats: int, **settings: Any) -> tuple[float, Any]:
    """Return the median CPU seconds of a fit, and the fit."""
    from isoflop.fit import fit

    fit(table, "chinchilla")
    times, found = [], None
    for _ in range(repeats):
        start = time.process_time()
        found = fit(table, "chinchilla", **settings)
        times.append(time.process_time() - start)
    return median(times), found


def whole_process(path: Path, bootstrap: int, repeats: int) -> tuple[float, float]:
    """Return the median CPU seconds and peak MiB of a fresh process."""
    times, memory = [], []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(path), str(bootstrap)],
            check=True,
            capture_output=True,
            text=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        memory.append(float(done.stdout.split()[1]))
    return median(times), median(memory)


def composed(resamples: int) -> tuple[float, int]:
    """Return CPU seconds of a law with repeated data and excess parameters, and its parameters."""
    import numpy as np

    from isoflop.fit import fit
    from isoflop.laws.resolve import resolve

    law = resolve("chinchilla[D=repeated_tokens,N=excess_parameters]")
    rng = np.random.default_rng(0)
    table = {
        "N": np.exp(rng.uniform(np.log(1e7), np.log(1e10), 240)),
        "U": np.exp(rng.uniform(np.log(1e8), np.log(1e10), 240)),
    }
    table["D"] = table["U"] * np.exp(rng.uniform(0, np.log(100), 240))
    values = {"E": 1.87, "A": 521.0, "alpha": 0.353, "B": 1488.0, "beta": 0.353}
    loss = law(**table, **values, R_D=15.4, R_N=5.3)
    table["loss"] = loss * np.exp(0.005 * rng.standard_normal(240))
    start = time.process_time()
    found = fit(table, law, bootstrap=resamples)
    print(f"  {found.verdict.value}, {found.starts.agree} of {found.starts.polished} starts agree")
    return time.process_time() - start, len(found.parameters)


def kernels(table: dict) -> None:
    """Print 4,000 resamples by each kernel, in turns, and what compiling costs."""
    from isoflop.fit import fit

    start = time.process_time()
    fit(table, "chinchilla", bootstrap=10, kernel="numba")
    print(f"  import and compile numba     {time.process_time() - start:6.3f} s")
    times: dict[str, list[float]] = {"numpy": [], "numba": []}
    for _ in range(7):
        for kernel, measured in times.items():
            start = time.process_time()
            fit(table, "chinchilla", bootstrap=4000, kernel=kernel)
            measured.append(time.process_time() - start)
    numpy, numba = (median(measured) for measured in times.values())
    print(
        f"  4000 by kernel numpy, numba  {numpy:6.3f} s  {numba:6.3f} s  ratio {numpy / numba:.2f}"
    )


def growth() -> None:
    """Print CPU seconds against runs and resamples."""
    import numpy as np

    from isoflop.fit import fit
    from isoflop.laws import get

    law = get("chinchilla")
    rng = np.random.default_rng(0)
    for runs in (100, 1000, 10_000, 100_000):
        N, D = np.exp(rng.uniform(16, 24, runs)), np.exp(rng.uniform(20, 27, runs))
        loss = law(N, D, **law.constants("epoch")) * np.exp(0.005 * rng.standard_normal(runs))
        start = time.process_time()
        found = fit({"N": N, "D": D, "loss": loss}, law)
        print(f"{runs:>7} runs, point fit   {time.process_time() - start:8.3f} s  {found.verdict}")
    table = read(DATA)
    for count in (100, 1000, 10_000):
        start = time.process_time()
        fit(table, law, bootstrap=count)
        print(f"    240 runs, {count:>6} resamples {time.process_time() - start:6.3f} s")


def main() -> None:
    """Print the table."""
    given = [x for x in sys.argv[1:] if not x.startswith("--")]
    path = Path(given[0]) if given else DATA
    table = read(path)
    seconds, found = in_process(table, 15)
    error = abs(found.objective / BEST - 1)
    print(f"point fit, in process          {seconds:6.3f} s   relative error {error:.0e}")
    for noise in ("squared", "absolute", "huber:free", "student:4"):
        print(f"  {noise:<28} {in_process(table, 5, noise=noise)[0]:6.3f} s")
    for count in (1000, 4000):
        print(
            f"{count} resamples, in process      {in_process(table, 5, bootstrap=count)[0]:6.3f} s"
        )
    if find_spec("numba") is not None:
        kernels(table)
    with_table = in_process(table, 5, sensitivity=True)[0]
    print(f"point fit with sensitivity     {with_table:6.3f} s")
    seconds, count = composed(1000)
    print(f"{count}-parameter law, 1000 resamples {seconds:6.3f} s")
    for count in (0, 1000):
        seconds, memory = whole_process(path, count, 5)
        print(f"whole process, {count:>4} resamples  {seconds:6.3f} s   {memory:.0f} MiB")
    if "--growth" in sys.argv:
        growth()


if __name__ == "__main__":
    main()
