"""What curves of the same training run add to a forecast: rows held back from training rows.

    python bench/forecast_kin.py --nsl alabdulmohsin-nsl92.csv [--others]

The training part of every image curve of Alabdulmohsin et al. 2022 is cut at 1/2, 1/3, 1/4 and 1/6
of its range, all curves of its run (the column `model`) at the same share of theirs, and the
rows up to twice the cut are predicted, from the curve alone and beside its run. No row of a
test part is read. With --others the kin are curves of other runs and other tasks instead.
Printed per share of the surprise that is added: pieces, mean RMSLE, and the difference to the curve
alone as mean over curves with its standard error.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extrapolation import read, rmsle
from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.kin import TrainingRows, drift_of, moved
from isoflop.fit.forecast.priors import PRIORS

if TYPE_CHECKING:
    from extrapolation import Curve

CUTS = (2, 3, 4, 6)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
FEWEST = 8


def upto(curve: Curve, cut: float) -> TrainingRows:
    """The first part of a curve's training rows."""
    keep = curve.x <= curve.x[-1] / cut * (1 + 1e-9)
    return TrainingRows(curve.name, curve.x[keep], curve.y[keep])


def are_kin(a: Curve, b: Curve, others: bool) -> bool:
    """Whether a curve may be asked about another."""
    if not others:
        return a.run == b.run and a.name != b.name
    return a.run != b.run and a.name.split("|")[1] != b.name.split("|")[1]


def pieces(curves: list[Curve], others: bool) -> dict[str, list[list[float]]]:
    """RMSLE by share for every cut that has kin, by curve."""
    scores: dict[str, list[list[float]]] = {}
    for curve in curves:
        for cut in CUTS:
            seen = upto(curve, cut)
            end = curve.x[-1] / cut * (1 + 1e-9)
            then = (curve.x > end) & (curve.x <= 2 * end)
            if len(seen.x) < FEWEST or not then.any():
                continue
            x, y = curve.x[then], curve.y[then]
            kin = [upto(other, cut) for other in curves if are_kin(other, curve, others)]
            drift = drift_of(kin, float(seen.x.max()), float(x.max()), PRIORS)
            if drift is None:
                continue
            alone = forecast(seen.x, seen.y, x, samples=400)
            errors = []
            for share in SHARES:
                found = moved(alone, drift, replace(PRIORS, kin_share=share))
                errors.append(rmsle(found.median(), y))
            scores.setdefault(curve.name, []).append(errors)
    return scores


def main() -> None:
    """Print a line a share."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nsl", type=Path, required=True)
    parser.add_argument("--others", action="store_true")
    flags = parser.parse_args()
    curves = read(flags.nsl, "seen_examples", "loss", "curve_id", "", "model")
    scores = pieces([c for c in curves if c.domain == "IC"], flags.others)
    errors = np.concatenate([np.array(rows) for rows in scores.values()])
    gains = np.array([np.mean(rows, axis=0) - np.mean(rows, axis=0)[0] for rows in scores.values()])
    print("| share | pieces | RMSLE | curves | difference | standard error | better |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for i, share in enumerate(SHARES):
        gain, error = gains[:, i], gains[:, i].std(ddof=1) / np.sqrt(len(gains))
        facts = f"{share} | {len(errors)} | {errors[:, i].mean():.4f} | {len(gains)}"
        print(f"| {facts} | {gain.mean():+.4f} | {error:.4f} | {(gain < 0).sum()} |")


if __name__ == "__main__":
    main()
