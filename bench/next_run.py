"""True error at a target after the runs of `design next`, and after an isoFLOP grid of their cost.

python bench/next_run.py [studies]

Each study draws a first sweep (four budgets, 1e17 to 3e18 FLOPs, five sizes each) from a known law
with log-normal noise, fits Chinchilla's law, designs 3e19 FLOPs of further runs for the loss at the
compute-optimal point of 1e22 FLOPs, draws those and the grid's, and fits again. Errors are of the
logarithm of the loss, in thousandths. Three truths: Epoch's constants; a law that is not of the
fitted form (E + (a + b)^0.8); and Epoch's with a bend beyond 1e18 FLOPs (1.0 % of the loss per
decade squared / 5).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import numpy as np
from next_study import bend, epoch, outer, study  # pyright: ignore[reportMissingImports]

CASES = {
    "fitted law, noise 0.001": (epoch, 0.001, {}),
    "fitted law, noise 0.003": (epoch, 0.003, {}),
    "fitted law, noise 0.01": (epoch, 0.01, {}),
    "fitted law, noise 0.003, squared errors": (epoch, 0.003, {"noise": "squared"}),
    "fitted law, noise 0.003, case bootstrap": (epoch, 0.003, {"method": "case"}),
    "other form, noise 0.003": (outer, 0.003, {}),
    "bend, noise 0.003": (bend, 0.003, {}),
}


def main(studies: int) -> None:
    """Print one row a case."""
    print("| truth and noise | rms before | rms chosen | rms grid | median chosen, grid |", end="")
    print(" expected sd chosen, grid | share of compute |")
    for name, (truth, noise, settings) in CASES.items():
        errors, expected, shares = [], [], []
        for seed in range(studies):
            design, error = study(truth, noise, seed, settings)
            errors.append([error[key] for key in ("now", "after", "grid")])
            deviations = design.expected.deviations
            expected.append([deviations["after"], deviations["grid"]])
            shares.append(design.compute_share or np.nan)
        rms = 1e3 * np.sqrt(np.mean(np.square(errors), axis=0))
        middle = 1e3 * np.median(np.abs(errors), axis=0)
        sd = 1e3 * np.median(expected, axis=0)
        print(
            f"| {name} | {rms[0]:.1f} | {rms[1]:.1f} | {rms[2]:.1f} | {middle[1]:.1f},"
            f" {middle[2]:.1f} | {sd[0]:.1f}, {sd[1]:.1f} | {np.nanmedian(shares):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
