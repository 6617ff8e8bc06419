"""How intervals and forecasts did on public tables that no rule or constant had seen.

    python bench/unseen_tables.py CHECKOUTS [--workers 2] [--curves]

Prior and rules are the shipped ones; a held-out loss is read once, to be compared. With `--curves`
each curve is forecast from its first quarter instead.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interval_coverage import Measured, covered, measure
from isoflop.errors import IsoflopError
from isoflop.fit.forecast import forecast_table
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.validate import past
from isoflop.validate.holdout import baselines
from isoflop.validate.split import size_of, splits, with_compute
from unseen_cases import cases, pythia, rows_of

if TYPE_CHECKING:
    from holdout_cases import Case

#: A curve is forecast from rows up to its last x over this, if they are at least so many.
SHARE, FEWEST = 4.0, 5
METHODS = ("samples", "samples and noise", "widened")
Curves = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Print the table of hold-outs, or of curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkouts", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--curves", action="store_true")
    arguments = parser.parse_args()
    if arguments.curves:
        for name, curves in _curve_sets(arguments.checkouts).items():
            print(_curve_row(name, curves), flush=True)
        return
    count = len(list(cases(arguments.checkouts)))
    with concurrent.futures.ProcessPoolExecutor(arguments.workers) as pool:
        found = list(pool.map(_one, [arguments.checkouts] * count, range(count)))
    for text in (x for x in found if isinstance(x, str)):
        print("left out:", text)
    _print([x for x in found if isinstance(x, dict)])


def _one(folder: Path, index: int) -> dict[str, Any] | str:
    warnings.simplefilter("ignore")
    case = list(cases(folder))[index]
    found = measure(case)
    return found if isinstance(found, str) else _scored(case, found)


def _scored(case: Case, found: Measured) -> dict[str, Any]:
    """Return errors of the prediction and of the baselines, shares inside, and widths."""
    shares, widths = covered(found, past.prior(found.kind))
    table, _ = with_compute(case.table)
    laws = [resolve(text, columns=tuple(table.columns)) for text in case.laws]
    size = size_of(table, laws)
    (split,) = splits(table, size, case.holdout, least=len(laws[0].parameters) + 1)
    train = table.take(np.flatnonzero(split.train))
    naive = [
        baselines(
            {k: train[k] for k in ("N", "D")},
            size.values[split.train],
            train["loss"],
            at={k: float(table[k][row]) for k in ("N", "D")},
            at_size=float(size.values[row]),
        )
        for row in np.flatnonzero(split.test)
    ]
    return {
        "name": f"{found.name}, {found.holdout}",
        "family": found.family,
        "runs": len(found.observed),
        "distance": float(np.median(found.distance)),
        "error": _rms(found.point, found.observed),
        "naive": min(_rms([b[k] for b in naive], found.observed) for k in naive[0]),
        "inside": shares,
        "width": widths["widened"],
    }


def _rms(predicted: Any, observed: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.log(np.asarray(predicted) / observed) ** 2)))


def _print(found: list[dict[str, Any]]) -> None:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for x in found:
        print(f"{x['name']}: {x['runs']} runs, {x['distance']:.2f} decades, error {x['error']:.4f}")
        for name in (x["family"], past.band(x["distance"]), "all"):
            groups[name].append(x)
    print("| tables | hold-outs, runs | error | best baseline | won | inside | width |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, own in groups.items():
        inside = [_percent([x["inside"][method] for x in own]) for method in METHODS]
        error, naive, width = (np.median([x[k] for x in own]) for k in ("error", "naive", "width"))
        won = sum(x["error"] <= x["naive"] for x in own)
        runs = sum(x["runs"] for x in own)
        print(
            f"| {name} | {len(own)}, {runs} | {error:.4f} | {naive:.4f} | {won} |"
            f" {'; '.join(inside)} | {100 * width:.0f} % |"
        )


def _percent(shares: list[tuple[float, ...]]) -> str:
    return " / ".join(f"{100 * x:.0f}" for x in np.mean(shares, axis=0))


def _curve_sets(folder: Path) -> dict[str, Curves]:
    """Return curves by set: name of the curve -> points."""
    gpt = {
        path.name: [tuple(pair) for pair in json.loads(path.read_text())["eval_loss"]]
        for width in (48, 64, 96, 112, 128, 160, 196, 256)
        for path in [folder / f"davidmoser/scaling_laws/results/gpt2_{width}_results.json"]
    }
    gems = rows_of(
        folder / "mcleish7/gemstone-scaling-laws/wandb_dfs/wandb_df_for_fitting_hot_100b+_477.jsonl"
    )
    evaluated = [r for r in pythia(folder) if r["step"] >= 512]
    for row in evaluated:
        row["log ppl"] = np.log(row["lambada_openai/ppl"])
        row |= {f"{task} error": 1 - row[f"{task}/acc"] for task in ("sciq", "piqa")}
    routed = rows_of(folder / "google-deepmind/scaling_laws_for_routing/data/curves.csv.gz")
    routed = [r for r in routed if r["seed"] == "42" and int(r["hyper_id"]) % 5 == 0]
    students = rows_of(folder / "mvigl/scaling-laws-demo/results/sweep_cosine.csv")
    grid = rows_of(folder / "mvigl/scaling-laws-demo/results/double_descent_grid.csv")
    sets = {"GPT-2 widths": gpt, "gemstones": _points(gems, "run_name", "tokens", "final_loss")}
    for y in ("log ppl", "sciq error", "piqa error"):
        sets[f"pythia {y}"] = _points(evaluated, "model", "step", y)
    for y in ("loss_validation", "loss_lambada"):
        sets[f"routed {y}"] = _points(routed, "hyper_id", "step", y)
    wide = [r for r in students if float(r["iso_C"]) == 0]
    sets["students over D"] = _points(wide, "width", "D", "val_loss")
    sets["students, early stopped"] = _points(grid, "W", "D", "excess_es")
    return sets


def _points(rows: list[dict[str, Any]], name: str, x: str, y: str) -> Curves:
    found: Curves = defaultdict(list)
    for row in rows:
        if row[y] not in ("", None) and float(row[x]) > 0 and float(row[y]) > 0:
            found[str(row[name])].append((float(row[x]), float(row[y])))
    return found


def _curve_row(name: str, curves: Curves) -> str:
    """Return a row of the table: errors of the forecast and of two baselines, shares inside."""
    start, found = time.process_time(), []
    for points in curves.values():
        x, y = np.array(sorted(points)).T
        train = x <= 1.001 * x.max() / SHARE
        if len(np.unique(x[train])) < FEWEST or train.all():
            continue
        table = RunTable.from_columns({"x": x, "y": y, "train": train.astype(float)})
        try:
            (one,) = forecast_table(table, x="x", y="y", train="train == 1", run="")
        except IsoflopError as error:
            print(f"left out of {name}: {error}")
            continue
        slope, level = np.polyfit(np.log(x[train]), np.log(y[train]), 1)
        line = np.exp(level + slope * np.log(x[~train]))
        last = np.full((~train).sum(), y[train][-1])
        found.append((one.rmsle, _rms(last, y[~train]), _rms(line, y[~train]), one.coverage))
    scores = np.array(found, dtype=float)
    rmsle, last, line, inside = scores.mean(axis=0)
    won = np.mean(scores[:, 0] <= scores[:, 1:3].min(axis=1))
    seconds = (time.process_time() - start) / len(scores)
    return (
        f"| {name} | {len(scores)} | {rmsle:.4f} | {last:.4f} | {line:.4f} |"
        f" {100 * inside:.0f} % | {100 * won:.0f} % | {seconds:.2f} |"
    )


if __name__ == "__main__":
    main()
