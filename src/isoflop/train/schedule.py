"""The learning rate over a run, and the steps at which the run is measured."""

from __future__ import annotations

import numpy as np

#: Share of a run's training FLOPs that evaluations before the last one may cost.
EVALUATION_SHARE = 0.01
MOST_EVALUATIONS = 8


def multiple(step: int, steps: int, warmup: float) -> float:
    """Return the multiple of the peak rate at `step` (1 to `steps`): up, then down to zero.

    Rises linearly over the first `warmup` of the run, then falls linearly to exactly zero one
    step after its last: the schedule's length is always the run's own horizon.
    Source: linear decay to zero, Bergsma et al. 2025 (arXiv:2502.15938).
    """
    rising = max(1, round(warmup * steps))
    return min(step / rising, (steps + 1 - step) / (steps + 1 - rising))


def log_spaced(steps: int, count: int) -> list[int]:
    """Return up to `count` distinct steps spaced evenly in log from 1 to `steps`, both included."""
    grid = np.geomspace(1, steps, min(count, steps))
    return sorted({round(float(step)) for step in grid} | {steps})


def evaluation_steps(steps: int, run_flops: float, evaluation_flops: float) -> list[int]:
    """Return steps to evaluate at: the last, and log-spaced ones before it, as many as are cheap.

    Evaluations before the last may cost `EVALUATION_SHARE` of the run's training FLOPs together,
    and are at most `MOST_EVALUATIONS`; they lie between a tenth of the run and its end.
    """
    count = min(MOST_EVALUATIONS, int(EVALUATION_SHARE * run_flops / evaluation_flops))
    grid = np.geomspace(0.1 * steps, steps, count + 1)[:-1]
    return sorted({max(1, round(float(step))) for step in grid} | {steps})
