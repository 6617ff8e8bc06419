"""How well priors of the forecaster predict training rows that are held back from it.

    python bench/forecast_priors.py --nsl alabdulmohsin-nsl92.csv [--set trust=1] [--laws m2]

The training part of each curve is cut at 1/2, 1/3, 1/4 and 1/6 of its range and the rows up to
twice the cut are predicted; no row of a test part is read. Printed per domain and cut: curves,
mean RMSLE, mean signed error of ln y, and mean ln density of ln y, in which a row that repeats the
one before it in a running minimum counts by the probability that it is at least as large.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from math import erfc
from pathlib import Path

import numpy as np

from extrapolation import read, rmsle
from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.priors import PRIORS, Priors
from isoflop.fit.forecast.rows import read_rows

CUTS = (2, 3, 4, 6)
FEWEST = 8


def log_density(found, y: np.ndarray, evaluations: np.ndarray, tied: np.ndarray) -> float:
    """Mean ln density of ln y of rows that average evaluations; tied rows are bounds."""
    deviation = found.noise[:, None] / np.sqrt(evaluations)
    z = np.clip((np.log(y) - np.log(found.curves)) / deviation, -30, 30)
    density = np.exp(-0.5 * z**2) / deviation / np.sqrt(2 * np.pi)
    survival = 0.5 * np.vectorize(erfc)(z / np.sqrt(2))
    return float(
        np.mean(np.maximum(np.log(np.where(tied, survival, density).mean(0) + 1e-300), -5))
    )


def held_back(path: Path, priors: Priors) -> dict[tuple[str, int], list[tuple[float, ...]]]:
    """Scores of every curve and cut, by domain and cut."""
    scores: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for curve in read(path, "seen_examples", "loss", "curve_id", ""):
        rows = read_rows(curve.x, curve.y)
        for cut in CUTS:
            end = curve.x[-1] / cut * (1 + 1e-9)
            seen, next_ = curve.x <= end, (curve.x > end) & (curve.x <= 2 * end)
            if seen.sum() < FEWEST or not next_.any():
                continue
            x, y = curve.x[next_], curve.y[next_]
            found = forecast(curve.x[seen], curve.y[seen], x, samples=400, priors=priors)
            median = found.median()
            density = log_density(found, y, rows.evaluations[next_], rows.tied[next_])
            row = (rmsle(median, y), float(np.mean(np.log(median / y))), density)
            scores.setdefault((curve.domain, cut), []).append(row)
    return scores


def main() -> None:
    """Print the scores of the shipped priors, or of changed ones."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nsl", type=Path, required=True)
    parser.add_argument("--laws", help="Laws of equal weight, joined by commas.")
    parser.add_argument("--set", action="append", default=[], help="NAME=NUMBER[,NUMBER]")
    flags = parser.parse_args()
    changes: dict = {}
    for text in flags.set:
        name, _, value = text.partition("=")
        numbers = tuple(float(v) for v in value.split(","))
        changes[name] = numbers if isinstance(getattr(PRIORS, name), tuple) else numbers[0]
    if flags.laws:
        changes["laws"] = dict.fromkeys(flags.laws.split(","), 1.0)
    print("| domain | cut | curves | RMSLE | bias | ln density |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (domain, cut), rows in held_back(flags.nsl, replace(PRIORS, **changes)).items():
        error, bias, density = np.mean(rows, axis=0)
        print(f"| {domain} | 1/{cut} | {len(rows)} | {error:.4f} | {bias:+.4f} | {density:.3f} |")


if __name__ == "__main__":
    main()
