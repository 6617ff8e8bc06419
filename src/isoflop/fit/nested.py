"""Whether a law with more parameters explains the runs better than a special case of it."""

from __future__ import annotations

from math import erfc, exp, pi, sqrt
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.laplace import neighbourhood
from isoflop.fit.noise import final_tuning
from isoflop.fit.runs import build_problem, digest

if TYPE_CHECKING:
    from isoflop.fit.problem import Problem
    from isoflop.fit.result import Fit


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A special case against the law it is a case of.

    Args:
        small: name of the special case.
        large: name of the law.
        parameters: parameters the special case does without.
        fall: how much lower the objective of the larger law is.
        statistic: twice the fall over the scale of the objective: chi-squared with `parameters`
            degrees of freedom if the special case is true.
        p_value: probability of a larger statistic then.
    """

    small: str
    large: str
    parameters: int
    fall: float
    statistic: float
    p_value: float


def compare(table: Any, small: Fit, large: Fit) -> Comparison:
    """Compare a fit with the fit of a law that contains it (own groups, untied exponents, ...).

    The objective's scale is E psi^2 / E psi' at the larger fit; for noise with a free scale the
    objective is a log-likelihood and needs none.

    Args:
        table: the runs both were fitted to.
        small: fit of the special case.
        large: fit of the larger law.

    Raises:
        InputError: if the fits are of other noise or runs, or `large` has no more parameters or
            fits worse.

    Source: likelihood-ratio-type test for M-estimators (Ronchetti 1982; Hampel et al. 1986, 7.2).
    """
    if small.noise != large.noise or small.runs != large.runs:
        raise InputError(
            f"the fits are of {small.runs} runs ({small.noise}) and {large.runs} ({large.noise}).",
            "Objectives of different runs or noise cannot be compared.",
        )
    extra = len(large.parameters) - len(small.parameters)
    if extra <= 0:
        raise InputError(f"`{large.law.name}` has no more parameters than `{small.law.name}`.")
    if large.objective > small.objective + 1e-6 * abs(small.objective):
        raise InputError(
            f"`{large.law.name}` fits worse ({large.objective:.6g}) than `{small.law.name}`"
            f" ({small.objective:.6g}).",
            "A law cannot fit worse than a special case of it: it does not contain the other, or"
            " one of the two fits is not at its optimum.",
        )
    problem = build_problem(table, large.law, large.settings)
    if digest(table, problem) != large.data_digest:
        raise InputError("these are not the runs that were fitted.")
    fall = max(small.objective - large.objective, 0.0)
    statistic = 2 * fall / (1.0 if problem.noise.scaled else _unit(problem, large))
    return Comparison(
        small=small.law.name,
        large=large.law.name,
        parameters=extra,
        fall=fall,
        statistic=statistic,
        p_value=chi_squared_tail(statistic, extra),
    )


def _unit(problem: Problem, large: Fit) -> float:
    u = problem.free(np.array([large.estimate[name] for name in problem.names]))
    tuning = final_tuning(problem.noise, problem.residuals(u[None]), problem.weights)[0, 0]
    unit = neighbourhood(problem, u, float(tuning)).common
    # The reported sum of absolute values is the kernel's Huber sum over its delta.
    return unit / float(tuning) if problem.noise.family == "absolute" else unit


def chi_squared_tail(x: float, dof: int) -> float:
    """Return P(chi-squared with `dof` degrees of freedom > x), by its finite series."""
    half = 0.5 * x
    term, total = (exp(-half), 0.0) if dof % 2 == 0 else (2 * sqrt(half / pi) * exp(-half), 0.0)
    for k in range(dof // 2):
        total += term
        term *= half / (k + 1.0 if dof % 2 == 0 else k + 1.5)
    return total if dof % 2 == 0 else erfc(sqrt(half)) + total
