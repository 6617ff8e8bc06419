"""The learning rate over a run, and the steps at which the run is measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Share of a run's training FLOPs that evaluations of the whole validation part before the last
#: one may cost.
EVALUATION_SHARE = 0.01
#: The same for evaluations of a part of it, or, where that is more, share of the last one's cost.
PART_SHARE, LAST_SHARE = 0.005, 0.1
#: Evaluations before the last one: at most, and at least, then of a part of the held-out text.
MOST_EVALUATIONS = 8
FEWEST_EVALUATIONS = 4


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


class Evaluations(NamedTuple):
    """When a run is evaluated, and on how much.

    Args:
        steps: steps to evaluate at, ascending, with the last one.
        tokens: validation tokens that evaluations before the last may take; the last takes all.
    """

    steps: list[int]
    tokens: int


def evaluations(
    steps: int, run_flops: float, flops_per_token: float, val_tokens: int
) -> Evaluations:
    """Return the evaluations of a run: the last step's, and log-spaced ones before it.

    Those before the last lie between a tenth of the run and its end. They are of the whole
    validation part, at most `MOST_EVALUATIONS`, where `EVALUATION_SHARE` of the run's training
    FLOPs pays for `FEWEST_EVALUATIONS` of those. A smaller run has `FEWEST_EVALUATIONS` of a
    part, for `PART_SHARE` of its FLOPs, or for `LAST_SHARE` of its last evaluation (which costs
    half as much as training in the smallest runs).

    Args:
        steps: of the run; run_flops: its training FLOPs.
        flops_per_token: of evaluating one token.
        val_tokens: of the validation part.
    """
    affordable = run_flops / flops_per_token
    count = min(MOST_EVALUATIONS, int(EVALUATION_SHARE * affordable / val_tokens))
    tokens = val_tokens
    if count < FEWEST_EVALUATIONS:
        count = FEWEST_EVALUATIONS
        allowance = max(PART_SHARE * affordable, LAST_SHARE * val_tokens)
        tokens = min(val_tokens, int(allowance / count))
    grid = np.geomspace(0.1 * steps, steps, count + 1)[:-1]
    return Evaluations(sorted({max(1, round(float(step))) for step in grid} | {steps}), tokens)
