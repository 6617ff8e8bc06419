"""Whether all runs scatter alike: what decides how samples are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.nested import chi_squared_tail
from isoflop.fit.records import Draws

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem
    from isoflop.fit.solver import Solution

#: p-value below which runs count as scattering unequally. Five per cent misses more: coverage of
#: `auto` then falls to 85 % where the scatter of the runs spans a factor of ten
#: (tests/property/test_fit_coverage.py).
ALIKE = 0.1
#: Fewer clusters than this are said to give too narrow intervals: of a power law through clusters
#: of four runs that share an error, 90 % intervals of the exponent held the truth in 70 % of 200
#: simulated studies at 3 clusters, 82 to 85 % at 5 to 10, 86 % at 15 and 25 (2026-11-26).
FEW_CLUSTERS = 12
_RUNS = 3  # runs a regressor that the test takes


def choose_draws(
    method: str, problem: Problem, solution: Solution, clusters: np.ndarray | None
) -> Draws:
    """Return how samples are drawn where the method is "auto": "residual" or "case".

    Residuals are exchanged between runs only where nothing says that runs scatter unequally;
    then intervals have their level. Drawing whole runs assumes less and errs wide.

    Args:
        method: as asked for; any but "auto" is kept.
        problem: the problem.
        solution: its optimum.
        clusters: number of each run's cluster [runs], or None.
    """
    if method != "auto":
        return Draws(method=method, reason="as asked for")
    if clusters is not None:
        count = int(clusters.max()) + 1
        few = f", and {count} clusters are so few that intervals are too narrow"
        reason = "runs of a cluster stay together" + (few if count < FEW_CLUSTERS else "")
        return Draws(method="case", reason=reason)
    if np.ptp(problem.weights) > 0:
        return Draws(method="case", reason="runs of unequal weight need not scatter alike")
    p = equal_scatter(problem, problem.residuals(solution.u[None])[0])
    if p is None:
        return Draws(method="residual", reason="too few runs to see that they scatter unequally")
    if p < ALIKE:
        return Draws(method="case", reason="the scatter depends on the inputs", p_value=p)
    return Draws(method="residual", reason="the scatter is alike over the inputs", p_value=p)


def equal_scatter(problem: Problem, residuals: np.ndarray) -> float | None:
    """Return the p-value of the hypothesis that runs scatter alike over the inputs.

    Absolute residuals are regressed on the logarithms of the inputs and their squares; runs
    times R^2 is chi-squared with as many degrees of freedom as regressors if the size of a
    residual does not depend on the inputs, whatever its distribution. As many of the smallest
    residuals as there are parameters are left out: a robust fit passes through about that many
    runs. None if there are too few runs to tell (fewer than `_RUNS` a regressor).

    Source: Glejser 1969 (the regression), Koenker 1981 (runs times R^2 without normality).

    Args:
        problem: the problem.
        residuals: of the runs, in units of their known noise if they have one [runs].
    """
    order = np.argsort(np.abs(residuals), kind="stable")
    kept = order[len(problem.names) :]
    kept = kept[problem.weights[kept] > 0]
    if not len(kept):
        return None
    columns = [np.ones(len(kept))]
    for values in problem.inputs.values():
        if values.dtype == object or np.any(values <= 0):
            continue
        x = np.log(values[kept])
        spread = np.ptp(x)
        if spread > 1e-9:
            z = (x - x.mean()) / spread
            columns += [z, z * z]
    design = np.stack(columns, axis=1)
    size = np.abs(residuals[kept])
    regressors = design.shape[1] - 1
    if regressors == 0 or len(kept) < _RUNS * regressors:
        return None
    fitted, _, rank, _ = np.linalg.lstsq(design, size, rcond=1e-9)
    total = float(np.sum((size - size.mean()) ** 2))
    if total <= 0.0 or rank < 2:  # exact runs, or inputs that take one value
        return None
    left = float(np.sum((size - design @ fitted) ** 2))
    return chi_squared_tail(len(kept) * max(1.0 - left / total, 0.0), int(rank) - 1)
