"""Extrapolated curves: our forecast beside single laws, naive rules and published numbers.

    python bench/extrapolation.py --nsl alabdulmohsin-nsl92.csv --nano nslpfn-nano.csv
        --bnsl bnsl-4digit-addition.csv

Each curve's training rows (the upstream split) are fitted, its test rows predicted and scored
once: RMSLE of natural logarithms per curve, then the mean over the curves of a domain; ln of the
predictive density per test row, mean per curve (in units of y, for nano of y over the largest
training y); coverage of 50 to 99 % intervals; MSCE, their mean squared miss as NSL-PFN defines
it. Duplicate rows are merged. Single laws are fitted by `isoflop.fit` (Huber loss of log
residuals, its defaults), without intervals. `forecast` sees the training rows of other curves of a
curve's run (the column `model`), `forecast, each curve alone` does not.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import IsoflopError
from isoflop.fit import fit
from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.kin import TrainingRows, forecast_beside_kin

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
LAWS = ("m1", "m2", "m3", "m4", "bnsl")
#: Mean RMSLE and log-likelihood as published: arXiv 2505.23032 (NSL-PFN); M1 is not given there.
PUBLISHED = {
    "IC": "M4 .0415, BNSL .0406, MCMC(M4) .0422 (LL 3.024), LC-PFN .0428 (2.429), "
    "NSL-PFN .0280 (3.330)",
    "language": "BNSL .0223, MCMC(M4) .0235 (LL 2.216), LC-PFN .0398 (1.519), "
    "NSL-PFN .0194 (2.773)",
}


@dataclass(frozen=True)
class Curve:
    """Training rows x, y and test rows X, Y of one curve of a run, without duplicates."""

    name: str
    domain: str
    x: np.ndarray
    y: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    run: str = ""


def read(path: Path, x: str, y: str, group: str, domain: str, run: str = "") -> list[Curve]:
    """Curves of a table with a column `split` of train and test.

    Args:
        path: CSV; x, y, group: columns; domain: of all curves, or "" for the part of the name
            before the first bar; run: column of the training run, or "" for none.
    """
    runs: dict[str, str] = {}
    rows: dict[str, set[tuple[str, float, float]]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            name = row[group] if group else path.stem
            runs[name] = row[run] if run else ""
            rows.setdefault(name, set()).add((row["split"], float(row[x]), float(row[y])))
    curves = []
    for name, found in rows.items():
        parts = []
        for train in (True, False):
            pairs = sorted((a, b) for split, a, b in found if (split == "train") is train)
            parts += [np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])]
        curves.append(Curve(name, domain or name.split("|")[0], *parts, run=runs[name]))
    return curves


def of_law(law: str) -> Callable[[Curve], np.ndarray]:
    """Return a rule that fits a registered law to all training rows and continues it."""

    def rule(curve: Curve) -> np.ndarray:
        fitted = fit({"x": curve.x, "loss": curve.y}, law, profile=False)
        return np.asarray(fitted.law(curve.X, **fitted.estimate), dtype=float)

    return rule


def last_value(curve: Curve) -> np.ndarray:
    """The last training value."""
    return np.full(len(curve.X), curve.y[-1])


def windows(curve: Curve) -> np.ndarray:
    """M2 by relative least squares to the last 50, 35, 25, 15 % of ln x, averaged in ln y."""
    u, far = np.log(curve.x / curve.x[-1]), np.log(curve.X / curve.x[-1])
    found = []
    for share in (0.5, 0.35, 0.25, 0.15):
        keep = u >= share * u[0]
        if keep.sum() < 5:
            keep = np.arange(len(u)) >= len(u) - 5
        found.append(np.log(_relative_m2(u[keep], curve.y[keep], far)))
    return np.exp(np.mean(found, axis=0))


def _relative_m2(u: np.ndarray, y: np.ndarray, far: np.ndarray) -> np.ndarray:
    best, answer = np.inf, np.full(len(far), y[-1])
    for c in np.geomspace(0.02, 5, 60):
        basis = np.column_stack([np.ones(len(u)), np.exp(-c * u)]) / y[:, None]
        found = np.linalg.lstsq(basis, np.ones(len(u)), rcond=None)[0]
        if found[0] < 0:
            z = basis[:, 1]
            found = np.array([0.0, z.sum() / (z @ z)])
        miss = float(np.sum((basis @ found - 1) ** 2))
        if miss < best:
            best = miss
            answer = np.maximum(found[0] + found[1] * np.exp(-c * far), 1e-9)
    return answer


ALONE = "forecast, each curve alone"
RULES: dict[str, Callable[[Curve], np.ndarray]] = {
    ALONE: lambda curve: forecast(curve.x, curve.y, curve.X).median(),
    **{law: of_law(law) for law in LAWS},
    "last value": last_value,
    "M2, four windows": windows,
}


def rmsle(predicted: np.ndarray, observed: np.ndarray) -> float:
    """Root mean squared difference of natural logarithms."""
    return float(np.sqrt(np.mean(np.log(predicted / observed) ** 2)))


def score(
    curve: Curve, curves: list[Curve], rules: dict[str, Callable[[Curve], np.ndarray]]
) -> dict:
    """Rules on one curve: RMSLE and seconds, and of ours also density and ranks.

    Args:
        curve: to forecast; curves: all, of which those of its run are asked; rules: others.
    """
    kin = [
        TrainingRows(c.name, c.x, c.y)
        for c in curves
        if c.run and c.run == curve.run and c.name != curve.name
    ]
    started = time.process_time()
    found = forecast_beside_kin(TrainingRows(curve.name, curve.x, curve.y), curve.X, kin)
    seconds = {"forecast": time.process_time() - started}
    errors = {"forecast": rmsle(found.median(), curve.Y)}
    for name, rule in rules.items():
        started = time.process_time()
        try:
            errors[name] = rmsle(rule(curve), curve.Y)
        except IsoflopError as error:
            print(f"{curve.name}: {name}: {error.what}", flush=True)
        seconds[name] = time.process_time() - started
    unit = np.log(curve.y.max()) if curve.domain == "nano" else 0.0
    return {
        "name": curve.name,
        "domain": curve.domain,
        "rmsle": errors,
        "seconds": seconds,
        "log_density": float(np.mean(found.log_density(curve.Y)) + unit),
        "ranks": found.rank(curve.Y).tolist(),
    }


def covered(ranks: np.ndarray, level: float) -> float:
    """Share of ranks inside the central interval."""
    return float(np.mean(np.abs(ranks - 0.5) <= level / 2))


def table(scores: list[dict], label: str) -> None:
    """Print one domain: a row a rule, then what only ours has."""
    print(f"\n### {label}, {len(scores)} curves\n\n| rule | RMSLE | curves won | s a curve |")
    print("| --- | --- | --- | --- |")
    for rule in ("forecast", *RULES):
        mine = [s for s in scores if rule in s["rmsle"]]
        if not mine:
            continue
        mean = np.mean([s["rmsle"][rule] for s in mine])
        won = np.mean([min(s["rmsle"], key=s["rmsle"].__getitem__) == rule for s in scores])
        seconds = np.mean([s["seconds"][rule] for s in mine])
        missing = "" if len(mine) == len(scores) else f" ({len(mine)} curves)"
        print(f"| {rule} | {mean:.4f}{missing} | {100 * won:.0f} % | {seconds:.2f} |")
    ranks = [np.array(s["ranks"]) for s in scores]
    pooled = np.concatenate(ranks)
    each = ", ".join(f"{100 * level:.0f}: {100 * covered(pooled, level):.0f}" for level in LEVELS)
    mean90 = 100 * np.mean([covered(r, 0.9) for r in ranks])
    msce = np.mean([(covered(pooled, level) - level) ** 2 for level in LEVELS])
    density = np.mean([s["log_density"] for s in scores])
    print(f"\nLog-likelihood {density:.3f}; coverage of test rows, nominal: observed %: {each};")
    print(f"90 % intervals, mean over curves: {mean90:.0f} %; MSCE {msce:.4f}")
    if label in PUBLISHED:
        print(f"Published, all curves of the set: {PUBLISHED[label]}")


def main() -> None:
    """Score every curve and print a table a domain."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--nsl", type=Path, required=True)
    parser.add_argument("--nano", type=Path)
    parser.add_argument("--bnsl", type=Path)
    parser.add_argument("--out", type=Path, help="Write every score as JSON.")
    parser.add_argument("--ours", action="store_true", help="Only our forecasts, no other rule.")
    flags = parser.parse_args()
    curves = read(flags.nsl, "seen_examples", "loss", "curve_id", "", "model")
    if flags.nano:
        curves += read(flags.nano, "x", "y", "curve_id", "nano")
    if flags.bnsl:
        curves += read(flags.bnsl, "train_set_size", "test_cross_entropy", "", "4-digit addition")
    rules = {ALONE: RULES[ALONE]} if flags.ours else RULES
    scores = [score(curve, curves, rules) for curve in curves]
    if flags.out:
        flags.out.write_text(json.dumps(scores))
    for domain in dict.fromkeys(s["domain"] for s in scores):
        table([s for s in scores if s["domain"] == domain], domain)
    language = [s for s in scores if s["domain"] in {"NMT", "LM", "BB", "nano"}]
    if language:
        table(language, "language")


if __name__ == "__main__":
    main()
