"""Whether all runs scatter alike: what decides how samples are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.nested import chi_squared_tail

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem


def equal_scatter(problem: Problem, residuals: np.ndarray) -> float:
    """Return the p-value of the hypothesis that runs scatter alike over the inputs.

    Absolute residuals are regressed on the logarithms of the inputs and their squares; runs
    times R^2 is chi-squared with as many degrees of freedom as regressors if the size of a
    residual does not depend on the inputs, whatever its distribution. As many of the smallest
    residuals as there are parameters are left out: a robust fit passes through about that many
    runs. The p-value is 1 if there are too few runs to tell (fewer than three a regressor).

    Source: Glejser 1969 (the regression), Koenker 1981 (runs times R^2 without normality).

    Args:
        problem: the problem.
        residuals: of the runs, in units of their known noise if they have one [runs].
    """
    order = np.argsort(np.abs(residuals), kind="stable")
    kept = order[len(problem.names) :]
    kept = kept[problem.weights[kept] > 0]
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
    if len(kept) < 3 * (design.shape[1] - 1) or design.shape[1] == 1:
        return 1.0
    fitted, _, rank, _ = np.linalg.lstsq(design, size, rcond=1e-9)
    total = float(np.sum((size - size.mean()) ** 2))
    if total <= 0.0 or rank < 2:
        return 1.0
    left = float(np.sum((size - design @ fitted) ** 2))
    return chi_squared_tail(len(kept) * max(1.0 - left / total, 0.0), int(rank) - 1)
