"""Forecasts of many curves in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.forecast.kin import TrainingRows, forecast_beside_kin
from isoflop.fit.forecast.result import CurveForecast, Prediction
from isoflop.runs.where import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.forecast.result import Forecast
    from isoflop.runs.table import RunTable

#: Columns that name the training run, if nothing else is said.
_RUNS = ("run", "model")


def forecast_table(
    table: RunTable,
    *,
    x: str,
    y: str,
    group: str | None = None,
    run: str | None = None,
    train: str | None = None,
    at: Sequence[float] = (),
    level: float = 0.9,
    seed: int = 0,
) -> list[CurveForecast]:
    """Forecast each curve of a table from its training rows.

    Rows that are not training give the x to predict, and their y is compared with the median
    after it was made; it has no part in it. Training rows at x = 0, before the first step, and
    those without a y, where a chart has several curves, are left out, which a note says.

    Args:
        table: rows of one or more curves.
        x, y: columns.
        group: column that tells the curves apart; one curve without it.
        run: column that names the training run a curve belongs to: curves of one run say something
            about each other's next rows. Without it `run` or `model`, where the table has one that
            is the same along each curve; "" for none.
        train: condition that training rows meet; without it every row is one.
        at: further x to predict, for each curve.
        level: of the intervals.
        seed: of the samples; each curve has its own.

    Returns:
        One forecast a group, in the order of their first rows. A group that cannot be forecast has
        no predictions and a note that says why.

    Raises:
        InputError: a column is missing or not numbers, no row is training, or `run` differs along
            a curve; where no group can be forecast, also that a training value is not positive
            or nothing is to be predicted.
        NotIdentified: every curve has fewer than four training rows.
    """
    abscissa, ordinate = _numbers(table, x), _numbers(table, y)
    training = np.ones(len(table), dtype=bool) if train is None else mask_of(train, table)
    if not training.any():
        raise InputError(
            f"no row of {len(table)} meets `{train}`.",
            do="Look at the columns:  isoflop runs FILE --json",
        )
    labels = _labels(table, group)
    runs = _runs(table, run, labels)
    there = (abscissa != 0) & ~np.isnan(ordinate)
    curves = {
        name: TrainingRows(f"`{name}`" if name else "", abscissa[mine], ordinate[mine])
        for name in dict.fromkeys(labels)
        for mine in [(labels == name) & training & there]
    }
    found, refused = [], []
    for name, curve in curves.items():
        rest = (labels == name) & ~training
        asked = np.concatenate([abscissa[rest], np.asarray(at, dtype=float)])
        seen = np.concatenate([ordinate[rest], np.full(len(at), np.nan)])
        kin = [c for n, c in curves.items() if n != name and runs.get(name, n) == runs.get(n)]
        try:
            one = _curve(curve, asked, kin, seed)
        except (InputError, NotIdentified) as error:
            refused.append(error)
            found.append(_without(name, len(curve.x), level, error.what))
        else:
            lost = _left_out(abscissa, ordinate, (labels == name) & training & ~there)
            found.append(_summary(name, one, seen, level, lost))
    if len(refused) == len(found):
        raise refused[0]
    return found


def _labels(table: RunTable, column: str | None) -> np.ndarray:
    """Names of the groups, [row]."""
    names = [""] * len(table) if column is None else [_name(v) for v in table[column]]
    return np.asarray(names, dtype=object)


def _runs(table: RunTable, column: str | None, labels: np.ndarray) -> dict[str, str]:
    """Group -> the run it is a curve of; empty where nothing says so.

    Raises:
        InputError: a column that was named differs along a curve.
    """
    wanted = _RUNS if column is None else (column,)
    for name in wanted:
        if not name or (column is None and name not in table):
            continue
        runs = _labels(table, name)
        pairs = set(zip(labels, runs, strict=True))
        found = dict(pairs)
        if len(found) == len(pairs):
            return {curve: one for curve, one in found.items() if one not in ("", "nan")}
        if column is not None:
            raise InputError(
                f"column `{name}` has {len(pairs)} values over {len(found)} curves.",
                "Every curve belongs to one training run.",
                "Name a column that is the same along each curve, or none (--run '').",
            )
    return {}


def _curve(
    curve: TrainingRows, asked: np.ndarray, kin: Sequence[TrainingRows], seed: int
) -> Forecast:
    if not len(asked):
        raise InputError(
            f"there is nothing to predict{' for ' + curve.name if curve.name else ''}:"
            f" all {len(curve.x)} rows are training rows.",
            do="Say which rows are training (--train CONDITION), or where to predict (--at X).",
        )
    return forecast_beside_kin(curve, asked, kin, seed=seed)


def _without(name: str, rows: int, level: float, why: str) -> CurveForecast:
    return CurveForecast(
        group=name,
        predictions=[],
        rmsle=None,
        coverage=None,
        level=level,
        weights={},
        noise=None,
        training_rows=rows,
        last=None,
        decades=0.0,
        notes=[f"no forecast: {why}"],
    )


def _left_out(x: np.ndarray, y: np.ndarray, lost: np.ndarray) -> list[str]:
    """Say which training rows of a curve were left out, and why."""
    start = int(np.sum(lost & (x == 0)))
    rest = int(lost.sum()) - start
    told = [f"{start} at x = 0, which has no logarithm"] if start else []
    told += [f"{rest} without a y"] if rest else []
    return [f"training rows left out: {' and '.join(told)}"] if told else []


def _summary(
    name: str, curve: Forecast, seen: np.ndarray, level: float, left_out: Sequence[str] = ()
) -> CurveForecast:
    median = curve.median()
    low, high = curve.interval(level)
    known = np.isfinite(seen) & (seen > 0)
    rmsle = coverage = None
    if known.any():
        rmsle = float(np.sqrt(np.mean(np.log(median[known] / seen[known]) ** 2)))
        coverage = float(np.mean((low <= seen)[known] & (seen <= high)[known]))
    order = np.argsort(curve.x, kind="stable")
    return CurveForecast(
        group=name,
        predictions=[
            Prediction(
                float(curve.x[i]),
                float(median[i]),
                float(low[i]),
                float(high[i]),
                float(seen[i]) if np.isfinite(seen[i]) else None,
            )
            for i in order
        ],
        rmsle=rmsle,
        coverage=coverage,
        level=level,
        weights={law: round(share, 6) for law, share in curve.weights.items()},
        noise=float(np.median(curve.noise)),
        training_rows=curve.rows,
        last=curve.last,
        decades=float(max(np.log10(curve.x.max() / curve.last), 0.0)),
        notes=[*left_out, *curve.notes],
    )


def _numbers(table: RunTable, name: str) -> np.ndarray:
    column = table[name]
    if column.dtype.kind == "O":
        raise InputError(f"column `{name}` is text, not numbers, the first `{column[0]}`.")
    return np.asarray(column, dtype=float)


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
