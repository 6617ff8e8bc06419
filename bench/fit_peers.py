"""Fits beside other packages': CPU seconds of whole processes, alternating, medians.

The peers are installed from their packages into environments of their own:

    python bench/fit_peers.py --runs chinchilla-epoch-svg.csv --slaw ENV/bin/scaling-laws
        --vpnls ENV/bin/python

Ratios of one run are comparable, seconds of different machines are not. The objectives differ
and are named: simple-scaling-laws minimises squared errors, vpnls the Huber loss of raw
residuals on a grid of 0.01, isoflop the Huber loss of log residuals to its optimum.
"""

from __future__ import annotations

import argparse
import csv
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

VPNLS = """
import csv, sys
import numpy as np
from vpnls.api import fit_vpnls, huber
rows = list(csv.DictReader(open(sys.argv[1])))
N, D, L = (np.array([float(r[k]) for r in rows]) for k in ("N", "D", "loss"))
print(fit_vpnls(N, D, L, resolution=0.01, loss=huber(1e-3)))
"""


def cpu_seconds(command: list[str]) -> float:
    """Run a command and return the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write_tables(source: Path, folder: Path) -> tuple[Path, Path]:
    """Write Epoch AI's 240 points with our names and with simple-scaling-laws'."""
    with source.open() as file:
        rows = [r for r in csv.DictReader(file) if r["epoch_outlier"] == "0"]
    ours, theirs = folder / "runs.csv", folder / "slaw.csv"
    names = (
        ["N", "D", "loss"],
        [
            "training_run_id",
            "model_size__parameters",
            "dataset_size__tokens",
            "test_loss__nats",
        ],
    )
    for path, header in zip((ours, theirs), names, strict=True):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for i, r in enumerate(rows):
                values = [r["params_N"], r["tokens_D"], r["loss"]]
                writer.writerow(values if path == ours else [f"r{i}", *values])
    return ours, theirs


def commands(arguments: argparse.Namespace, folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return work -> program -> command."""
    ours, theirs = write_tables(arguments.runs, folder)
    fit = [sys.executable, "-m", "isoflop", "fit", str(ours), "--no-sensitivity", "--bootstrap"]
    work = {
        "point fit": {"isoflop": [*fit, "0"]},
        "fit and 1,000 samples": {"isoflop": [*fit, "1000"]},
    }
    if arguments.slaw:
        work["fit and 1,000 samples"]["simple-scaling-laws"] = [
            arguments.slaw,
            "fit",
            str(theirs),
            "-o",
            str(folder / "fit.slaw"),
            "--quiet",
        ]
    if arguments.vpnls:
        work["point fit"]["vpnls, grid 0.01"] = [arguments.vpnls, "-c", VPNLS, str(ours)]
    return work


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Fits beside other packages.")
    parser.add_argument("--runs", type=Path, required=True, help="Epoch AI's digitised points")
    parser.add_argument("--slaw", help="the command scaling-laws of simple-scaling-laws")
    parser.add_argument("--vpnls", help="a Python that has vpnls")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for work, programs in commands(arguments, Path(name)).items():
            times: dict[str, list[float]] = {program: [] for program in programs}
            for _ in range(arguments.repeats):
                for program, command in programs.items():
                    if program.startswith("simple"):
                        subprocess.run(["rm", "-rf", f"{name}/fit.slaw"], check=True)
                    times[program].append(cpu_seconds(command))
            ours = statistics.median(times["isoflop"])
            for program, measured in times.items():
                median = statistics.median(measured)
                print(f"{work:24} {program:22} {median:7.3f} CPU s {median / ours:7.2f} x")


if __name__ == "__main__":
    main()
