"""Samples of a number and what is read from them: an estimate with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


#: What an interval holds. Two intervals of one number differ only if these do.
SAMPLING = "sampling error only, law taken as right"
MISSES = "sampling error, and how far the law misses the minima of its own runs"
RUN = "one run: sampling error, run noise, and the error of the form that past predictions had"


class Estimate(msgspec.Struct, frozen=True):
    """A number and how sure it is.

    Args:
        estimate: the point estimate.
        interval: central interval (lower, upper); an end that is None is open. None without
            samples.
        level: probability the interval is made for; None without samples.
        samples: number of samples the interval was read from.
        holds: what the interval holds, in words; empty without one.
    """

    estimate: float
    interval: tuple[float | None, float | None] | None = None
    level: float | None = None
    samples: int = 0
    holds: str = ""


def summarise(point: float, samples: Any, level: float = 0.9, holds: str = SAMPLING) -> Estimate:
    """Return a point estimate with the central quantile interval of its samples.

    Args:
        point: the estimate, from the data as they are (not the mean of the samples).
        samples: array [sample], or None. An infinite end of the interval is open (None). A
            sample that is not a number could lie anywhere, so it counts as -inf for the lower
            end and +inf for the upper one.
        level: probability between the two ends.
        holds: what the samples hold, in words.

    Raises:
        InputError: if `level` is not between 0 and 1, or `samples` has more than one axis.
    """
    if samples is None or len(samples) == 0:
        return Estimate(float(point))
    import numpy as np

    values = np.asarray(samples, dtype=float)
    if values.ndim != 1:
        raise InputError(f"samples of one number have one axis, not {values.ndim}.")
    lower, upper = (float(end) for end in interval(values, level))
    ends = (lower if np.isfinite(lower) else None, upper if np.isfinite(upper) else None)
    return Estimate(float(point), ends, level, len(values), holds)


def interval(samples: Any, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper ends [...] of the central interval of samples [sample, ...].

    Quantiles are numpy's default (linear interpolation); an end may be infinite. NaN counts
    against both ends, as in `summarise`.
    """
    import numpy as np

    check_level(level)
    values = np.asarray(samples, dtype=float)
    unknown = np.isnan(values)
    tail = (1 - level) / 2
    lower = _quantile(np.where(unknown, -np.inf, values), tail)
    upper = _quantile(np.where(unknown, np.inf, values), 1 - tail)
    return lower, upper


def check_level(level: float) -> float:
    """Return the probability of an interval.

    Raises:
        InputError: it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(
            f"level = {level:g} is not between 0 and 1.", do="A 90 % interval is level 0.9."
        )
    return level


def median(values: Any) -> float:
    """Return the median of finite numbers [count].

    `numpy.median` imports numpy.ma, which costs a cold start 10 ms.
    """
    import numpy as np

    ordered = np.sort(np.asarray(values, dtype=float), axis=None)
    return float(0.5 * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]))


def concatenate(
    parts: Sequence[np.ndarray],
    weights: Sequence[float] | None = None,
    *,
    size: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Mix the samples of several models into one array, in proportion to their weights.

    Args:
        parts: arrays [sample, ...] that agree in all axes but the first.
        weights: one non-negative weight a part (equal if None); only ratios matter.
        size: samples of the mixture; the length of the longest part if None.
        seed: decides which samples of a part are taken.

    Returns:
        Array [size, ...]. A part gives its share of rows (largest remainder); each of its rows
        is used equally often, give or take one.

    Raises:
        InputError: if there is nothing to mix or the weights are negative or all zero.
    """
    import numpy as np

    if not parts or any(len(part) == 0 for part in parts):
        raise InputError(f"cannot mix {len(parts)} sets of samples, of which one is empty.")
    share = np.ones(len(parts)) if weights is None else np.asarray(weights, dtype=float)
    if len(share) != len(parts) or not np.all(share >= 0) or not 0 < share.sum() < np.inf:
        raise InputError(f"{len(parts)} sets of samples do not go with weights {share.tolist()}.")
    size = max(len(part) for part in parts) if size is None else size
    exact = share / share.sum() * size
    counts = np.floor(exact).astype(int)
    largest = np.argsort(-(exact - counts), kind="stable")[: size - counts.sum()]
    counts[largest] += 1
    generator = np.random.default_rng(seed)
    rows = [
        np.resize(generator.permutation(len(part)), n)
        for part, n in zip(parts, counts, strict=True)
    ]
    taken = [np.asarray(part)[row] for part, row in zip(parts, rows, strict=True)]
    return np.concatenate(taken)


def _quantile(values: np.ndarray, q: float) -> np.ndarray:
    """Quantile over the first axis; infinite neighbours give an infinite end, never NaN."""
    import numpy as np

    ordered = np.sort(values, axis=0)
    place = q * (len(ordered) - 1)
    below, share = int(place), place - int(place)
    low = ordered[below]
    if share == 0:
        return low
    high = ordered[below + 1]
    # -inf or +inf on either side: the finite neighbour has no say.
    mixed = np.where(np.isfinite(low), high, low)
    finite = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):
        return np.where(finite, low + share * (high - low), mixed)
