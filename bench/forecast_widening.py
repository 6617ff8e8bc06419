"""How wide intervals of curves of few rows must be: rows held back from training rows.

    python bench/forecast_widening.py ../shared/data [--plain] [--out scores.json]

No row of a test part of a curve is read. Curves of few rows come from

- training parts of Alabdulmohsin et al. 2022, cut at 1/2 of their range and thinned to 5, 7 and 10
  rows at about equal ratios; the rows up to twice the cut are predicted; and, cut at 1/2 and 1/4,
  with all of their rows;
- losses over tokens at one size, tokens doubling, of Porian et al. 2024 and Gadre et al. 2024: the
  last row from those before it, and the third last;
- checkpoints of the ladder of Bhagia et al. 2024, cut and thinned in the same way;
- training rows of the nanoGPT widths: the last from the five before it.

Printed for bins of the number of rows: curves, share of rows in their intervals at 50, 80, 90 and
95 %, each curve with equal weight, and the factor on (y - median) in ln y that would make it 90 %.
"""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extrapolation import read
from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.priors import PRIORS, Priors

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = (0.5, 0.8, 0.9, 0.95)
BINS = (5, 6, 7, 9, 11, 16, 32, 1000)
THINNED = (5, 7, 10)
#: Without the widening: the forecasts it was learned from.
PLAIN = replace(PRIORS, fitted=-(10**6), hardly=(PRIORS.hardly[0], 0.0))
C4 = "eval/c4_en-validation/CrossEntropyLoss"


@dataclass(frozen=True)
class Piece:
    """Rows x, y of a curve of a source, and rows X, Y held back from it."""

    source: str
    curve: str
    x: np.ndarray
    y: np.ndarray
    X: np.ndarray
    Y: np.ndarray


def pieces(folder: Path) -> Iterator[Piece]:
    """Every curve of few rows, and the longer ones they are compared with."""
    for curve in read(folder / "alabdulmohsin-nsl92.csv", "seen_examples", "loss", "curve_id", ""):
        yield from _thinned("nsl92", curve.name, curve.x, curve.y)
        for cut in (2, 4):
            yield from _cut(f"nsl92 cut at 1/{cut}", curve.name, curve.x, curve.y, cut)
    for name, x, y in _doubling(folder):
        for last in (len(x) - 3, len(x) - 1):
            if last >= 5:
                family = name.split("|")[0]
                yield Piece(family, name, x[:last], y[:last], x[[last]], y[[last]])
    for name, pairs in _grouped(folder, "olmo-ladder-checkpoints", ("run",), "_step", C4).items():
        yield from _thinned("olmo", name, *pairs)
    for curve in read(folder / "nslpfn-nano.csv", "x", "y", "curve_id", "nano"):
        x, y = curve.x, curve.y
        yield Piece("nano", curve.name, x[:-1], y[:-1], x[-1:], y[-1:])


def _doubling(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    names = ("porian-isoflop-points", ("label", "params_N"), "tokens_D", "loss")
    found = {f"porian|{k}": v for k, v in _grouped(folder, *names).items() if k.endswith(".0")}
    kept = sorted(found)[::3]
    yield from ((name, *found[name]) for name in kept)
    for loss in ("loss_c4_val", "loss_openlm"):
        names = ("gadre-overtraining", ("train_dataset", "architecture"), "tokens_D", loss)
        for name, pairs in _grouped(folder, *names).items():
            yield f"gadre|{loss}|{name}", *pairs


def _grouped(
    folder: Path, name: str, keys: tuple[str, ...], x: str, y: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rows: dict[str, dict[float, float]] = {}
    with (folder / f"{name}.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row[x] and row[y]:
                curve = rows.setdefault("|".join(row[k] for k in keys), {})
                curve.setdefault(float(row[x]), float(row[y]))
    return {
        key: tuple(np.array(sorted(found.items())).T)
        for key, found in rows.items()
        if len(found) >= 6
    }


def _cut(
    source: str, name: str, x: np.ndarray, y: np.ndarray, cut: float, rows: int = 0
) -> Iterator[Piece]:
    end = x[-1] / cut * (1 + 1e-9)
    seen, then = np.flatnonzero(x <= end), (x > end) & (x <= 2 * end)
    if rows:
        if len(seen) < rows:
            return
        wanted = np.geomspace(x[seen[0]], x[seen[-1]], rows)
        seen = np.unique([int(np.abs(np.log(x[seen] / w)).argmin()) for w in wanted])
    if len(seen) >= 5 and then.any():
        yield Piece(source, name, x[seen], y[seen], x[then], y[then])


def _thinned(source: str, name: str, x: np.ndarray, y: np.ndarray) -> Iterator[Piece]:
    for rows in THINNED:
        yield from _cut(f"{source} thinned", name, x, y, 2, rows)


def score(piece: Piece, priors: Priors) -> dict:
    """Ranks of the rows held back, and their distance from the median in half intervals."""
    found = forecast(piece.x, piece.y, piece.X, samples=1000, priors=priors)
    middle = np.log(found.median())
    low, high = (np.log(v) for v in found.interval(0.9))
    miss = np.log(piece.Y) - middle
    return {
        "source": piece.source,
        "curve": piece.curve,
        "rows": found.rows,
        "distance": np.log(piece.X / found.last).tolist(),
        "span": float(np.log(piece.x.max() / piece.x.min())),
        "reach": float(np.ptp(np.log(piece.y))),
        "miss": miss.tolist(),
        "ratio": np.where(miss > 0, miss / (high - middle), miss / (low - middle)).tolist(),
        "ranks": found.rank(piece.Y).tolist(),
        "noise": float(np.median(found.noise)),
    }


def weighted(scores: list[dict], of: str) -> tuple[np.ndarray, np.ndarray]:
    """All values of rows, and weights that give every curve of every source one part."""
    counts: dict[tuple[str, str], int] = {}
    for s in scores:
        key = (s["source"], s["curve"])
        counts[key] = counts.get(key, 0) + len(s[of])
    values = np.concatenate([np.array(s[of]) for s in scores])
    each = [np.full(len(s[of]), 1 / counts[s["source"], s["curve"]]) for s in scores]
    weights = np.concatenate(each)
    return values, weights / weights.sum()


def factor(scores: list[dict], level: float = 0.9) -> float:
    """Factor on the half interval that holds a share of the rows."""
    ratios, weights = weighted(scores, "ratio")
    order = np.argsort(ratios)
    sums = np.cumsum(weights[order])
    return float(ratios[order][np.searchsorted(sums, level)])


def line(label: str, scores: list[dict]) -> str:
    """Return a line of the table."""
    ranks, weights = weighted(scores, "ranks")
    inside = [float(weights @ (np.abs(ranks - 0.5) <= level / 2)) for level in LEVELS]
    curves = len({(s["source"], s["curve"]) for s in scores})
    errors = np.mean([np.sqrt(np.mean(np.square(s["miss"]))) for s in scores])
    shares = " | ".join(f"{100 * share:.0f}" for share in inside)
    return f"| {label} | {curves} | {shares} | {factor(scores):.2f} | {errors:.4f} |"


def main() -> None:
    """Print the table by number of rows, and by source within the few-row curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", action="store_true", help="Without the widening.")
    parser.add_argument("--out", type=Path)
    flags = parser.parse_args()
    scores = [score(piece, PLAIN if flags.plain else PRIORS) for piece in pieces(flags.folder)]
    if flags.out:
        flags.out.write_text(json.dumps(scores))
    print("| rows | curves | 50 | 80 | 90 | 95 % | factor for 90 % | RMSLE |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for low, high in pairwise(BINS):
        mine = [s for s in scores if low <= s["rows"] < high]
        if mine:
            print(line(f"{low} to {high - 1}", mine))
    for source in dict.fromkeys(s["source"] for s in scores):
        print(line(source, [s for s in scores if s["source"] == source]))


if __name__ == "__main__":
    main()
