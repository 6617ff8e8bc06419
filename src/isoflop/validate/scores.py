"""Scores of predictions: errors, skill over baselines, coverage, growth with distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.samples import interval
from isoflop.validate.past import LEVELS, band

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.validate.prediction import Prediction


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """Errors of one law's point predictions.

    Args:
        runs: number.
        relative: root mean square of predicted / observed - 1; bias: its mean.
        log: root mean square of ln(predicted / observed); None where one is not positive.
        absolute: root mean square of predicted - observed, in the output's unit.
        worst: largest absolute relative error.
    """

    runs: int
    relative: float
    bias: float
    log: float | None
    absolute: float
    worst: float


class LevelCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of held-out runs inside intervals.

    Args:
        nominal: probability the intervals are made for.
        observed: share inside; samples_only: the same for the fit's samples of the mean alone.
        runs: number of runs.
    """

    nominal: float
    observed: float
    samples_only: float
    runs: int


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Errors of the runs at about one distance: words, number, root mean square."""

    distance: str
    runs: int
    error: float


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """How errors grow with the distance from the fitted runs.

    Args:
        per_decade: slope of the absolute error (of logarithms, else in the output's unit) over
            decades of distance, by least squares; None where all runs are equally far.
        bands: errors by distance.
    """

    per_decade: float | None
    bands: list[Band]


@dataclass(frozen=True)
class Outcome:
    """What was predicted from one origin or several, and what was observed.

    Args:
        rows: indices in the table; origin: largest size fitted; size: of the runs; cluster:
            number of their budget; distance: decades; observed: outputs; all [run].
        point, low, high: by law, [run].
        inside, plainly: by law, whether each run lies in the interval (with widening; of the
            samples of the mean alone) at each level, [level, run].
        naive: by baseline, [run].
    """

    rows: np.ndarray
    origin: np.ndarray
    size: np.ndarray
    cluster: np.ndarray
    distance: np.ndarray
    observed: np.ndarray
    point: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    inside: dict[str, np.ndarray]
    plainly: dict[str, np.ndarray]
    naive: dict[str, np.ndarray]


def levels(level: float) -> tuple[float, ...]:
    """Return the levels at which coverage is counted: the usual ones and the one asked for."""
    return tuple(sorted({*LEVELS, level}))


def counted(p: Prediction, observed: np.ndarray, of: str, level: float) -> np.ndarray:
    """Return whether each run lies in its interval at each of `levels`, [level, run]."""
    drawn = p.samples if of == "run" else p.plain
    ends = [interval(drawn, x) for x in levels(level)]
    return np.array([(low <= observed) & (observed <= high) for low, high in ends])


def join(parts: Sequence[Outcome]) -> Outcome:
    """Return the outcomes of several origins as one; laws that failed at an origin are left out."""
    laws = [n for n in parts[0].point if all(n in part.point for part in parts)]
    names = [n for n in parts[0].naive if all(n in part.naive for part in parts)]

    def each(field: str) -> np.ndarray:
        return np.concatenate([getattr(part, field) for part in parts])

    def by(field: str, keys: Sequence[str] = laws) -> dict[str, np.ndarray]:
        return {k: np.concatenate([getattr(p, field)[k] for p in parts], axis=-1) for k in keys}

    return Outcome(
        rows=each("rows"),
        origin=each("origin"),
        size=each("size"),
        cluster=each("cluster"),
        distance=each("distance"),
        observed=each("observed"),
        point=by("point"),
        low=by("low"),
        high=by("high"),
        inside=by("inside"),
        plainly=by("plainly"),
        naive=by("naive", names),
    )


def errors(predicted: np.ndarray, observed: np.ndarray) -> Errors:
    """Return the errors of point predictions [run]."""
    relative = predicted / observed - 1.0
    logs = bool(np.all(predicted > 0) and np.all(observed > 0))
    return Errors(
        runs=len(observed),
        relative=_rms(relative),
        bias=float(relative.mean()),
        log=_rms(np.log(predicted / observed)) if logs else None,
        absolute=_rms(predicted - observed),
        worst=float(np.abs(relative).max()),
    )


def skill(
    predicted: np.ndarray, observed: np.ndarray, naive: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Return 1 - rms error / rms error of each baseline; 1 is perfect, 0 no better.

    Errors are of logarithms, or in the output's unit where something is not positive. A baseline
    that is exactly right has no skill to compare with and is left out.
    """
    own = _rms(misses(predicted, observed))
    others = {name: _rms(misses(x, observed)) for name, x in naive.items()}
    return {name: 1.0 - own / error for name, error in others.items() if error > 0}


def r_squared(observed: np.ndarray, predicted: np.ndarray) -> float | None:
    """Return 1 - the mean over outputs of the mean squared error over the variance.

    Args:
        observed, predicted: [run, output]; all groups of runs together, as SLDBench has it, so that
            differences between groups count as variance. None where an output does not vary.
    """
    spread = np.var(observed, axis=0)
    if not np.all(spread > 0):
        return None
    return float(1 - np.mean(np.mean((observed - predicted) ** 2, axis=0) / spread))


def misses(predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return errors [run]: of logarithms, or in the output's unit where one is not positive."""
    if np.all(predicted > 0) and np.all(observed > 0):
        return np.log(predicted / observed)
    return predicted - observed


def coverage(outcome: Outcome, law: str, level: float) -> list[LevelCoverage]:
    """Return nominal and observed coverage at each of `levels`."""
    return [
        LevelCoverage(
            nominal=nominal,
            observed=float(outcome.inside[law][k].mean()),
            samples_only=float(outcome.plainly[law][k].mean()),
            runs=len(outcome.observed),
        )
        for k, nominal in enumerate(levels(level))
    ]


def growth(outcome: Outcome, law: str) -> Growth:
    """Return how a law's errors grow with distance."""
    missed, away = misses(outcome.point[law], outcome.observed), outcome.distance
    slope = None
    if np.all(np.isfinite(away)) and np.ptp(away) > 1e-6:
        slope = float(np.polyfit(away, np.abs(missed), 1)[0])
    names = np.array([band(float(d)) for d in away])
    order = dict.fromkeys(names[np.argsort(away, kind="stable")].tolist())
    bands = [
        Band(distance=name, runs=int(np.sum(names == name)), error=_rms(missed[names == name]))
        for name in order
    ]
    return Growth(per_decade=slope, bands=bands)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
