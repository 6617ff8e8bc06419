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
    N: np.ndarray, C: np.ndarray, loss: np.ndarray, *, at_N: float, at_C: float
) -> dict[str, float]:
    """Predict a larger run without any law of N and D.

    Args:
        N, C, loss: the runs that may be used, each [run].
        at_N, at_C: the run to predict.

    Returns:
        "last value": the lowest loss seen. "nearest run": the loss of the run nearest in
        (log N, log C). "straight line": ln of the lowest loss of each budget over ln C,
        extrapolated (budgets are runs whose C agree within 5 %).
    """
    distance = np.log(N / at_N) ** 2 + np.log(C / at_C) ** 2
    answer = {"last value": float(loss.min()), "nearest run": float(loss[np.argmin(distance)])}
    group = np.round(np.log(C) / 0.05)
    best = [np.flatnonzero(group == g)[np.argmin(loss[group == g])] for g in np.unique(group)]
    if len(best) >= 2:
        slope, level = np.polyfit(np.log(C[best]), np.log(loss[best]), 1)
        answer["straight line"] = float(np.exp(level + slope * np.log(at_C)))
    return answer


def errors(predicted: Mapping[str, float], observed: float) -> dict[str, float]:
    """Return relative errors (predicted / observed - 1) by name."""
    return {name: value / observed - 1.0 for name, value in predicted.items()}
