"""Held-out prediction: what was predicted before a run was seen, and naive baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def covered(interval: tuple[float | None, float | None], observed: float) -> bool:
    """Say whether an interval holds the observation; a missing end is open."""
    low, high = interval
    return (low is None or low <= observed) and (high is None or observed <= high)


def baselines(
    places: Mapping[str, np.ndarray],
    size: np.ndarray,
    loss: np.ndarray,
    *,
    at: Mapping[str, float],
    at_size: float,
) -> dict[str, float]:
    """Predict a larger run without any law.

    Args:
        places: inputs of the runs that may be used, by name, each [run].
        size: what larger means (C), positive, [run]; loss: [run].
        at: inputs of the run to predict; at_size: its size.

    Returns:
        "last value": the lowest loss seen. "nearest run": the loss of the run nearest in the
        logarithms of inputs and size. "straight line": ln of the lowest loss of each size over ln
        size, extrapolated (sizes are equal that agree within 5 %); absent with fewer than two
        sizes or losses that are not positive.
    """
    distance = np.log(size / at_size) ** 2
    for name, values in places.items():
        if np.all(values > 0) and at[name] > 0:
            distance = distance + np.log(values / at[name]) ** 2
    answer = {"last value": float(loss.min()), "nearest run": float(loss[np.argmin(distance)])}
    group = np.round(np.log(size) / 0.05)
    best = [np.flatnonzero(group == g)[np.argmin(loss[group == g])] for g in np.unique(group)]
    if len(best) >= 2 and np.all(loss[best] > 0):
        slope, level = np.polyfit(np.log(size[best]), np.log(loss[best]), 1)
        answer["straight line"] = float(np.exp(level + slope * np.log(at_size)))
    return answer
