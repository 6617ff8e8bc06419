"""Fit a law to runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.fit.bootstrap import cluster_numbers, resample
from isoflop.fit.identify import identify
from isoflop.fit.laplace import neighbourhood
from isoflop.fit.minima import budget_minima
from isoflop.fit.noise import huber_scale, parse_noise
from isoflop.fit.records import Settings, Starts
from isoflop.fit.result import Fit
from isoflop.fit.runs import build_problem, column, digest, ranges
from isoflop.fit.scatter import choose_draws
from isoflop.fit.solver import solve
from isoflop.fit.target import find_target
from isoflop.fit.verdict import Verdict
from isoflop.samples import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.fit.identify import Identification
    from isoflop.fit.laplace import Neighbourhood
    from isoflop.fit.problem import Problem
    from isoflop.fit.records import Interval
    from isoflop.fit.solver import Solution
    from isoflop.laws.law import Law

_RESIDUALS = 1000  # quantiles of the residuals that a fit keeps


def fit(
    table: Any,
    law: Law | str,
    *,
    noise: str = "huber:1e-3",
    bootstrap: int = 0,
    method: str = "auto",
    seed: int = 0,
    level: float = 0.9,
    cluster: str | None = None,
    weight: str | None = None,
    sigma: str | float | None = None,
    output: str = "loss",
    profile: bool = True,
    sensitivity: bool = False,
    target: Mapping[str, float | str] | None = None,
    kernel: str = "numpy",
) -> Fit:
    """Fit a law to a table of runs and say how sure the result is.

    Args:
        table: a `RunTable`, or a mapping of columns; it needs the law's inputs and `output`.
        law: a law, the name of a registered one, a composition, or a formula
            (`isoflop.laws.resolve`). Groups are filled in from the labels.
        noise: the objective, a sum over runs: "huber:1e-3" (of log residuals), "huber:free",
            "squared", "absolute", "student:4"; "raw-" before it for residuals not of logs.
        bootstrap: number of samples; 0 for the estimate alone.
        method: of the samples: "case", "residual", "wild" or "laplace"; "auto" is "residual"
            where all runs scatter alike and "case" elsewhere (`isoflop.fit.scatter`).
        seed: of starts and samples.
        level: of the intervals.
        cluster: column of labels; runs with one label are drawn together (checkpoints of a run).
        weight: column of weights, one factor on each run's term of the objective.
        sigma: known noise of each run's (log) output: a column or one number; residuals are
            counted in units of it.
        output: column the law explains.
        profile: profile the parameters whose curvature leaves doubt.
        sensitivity: refit without the worst runs, with other noise, and with N and C counted
            otherwise where the table holds those counts.
        target: where N* and D* are stated: `{"C": 1e22}` in FLOPs, with the law's inputs other
            than N and D. `isoflop.fit.target.TIMES` the largest C of the runs if None, for a
            law of N and D alone.
        kernel: what sums over runs, "numpy" or, compiled when first used, "numba".

    Raises:
        InputError: if a column is missing or holds values the law cannot take.
        NotIdentified: if there are fewer runs than parameters.
        MissingExtra: if the kernel is not installed.
    """
    settings = Settings(
        noise=parse_noise(noise).text,
        bootstrap=bootstrap,
        method=method,
        seed=seed,
        level=level,
        cluster=cluster,
        weight=weight,
        sigma=sigma,
        output=output,
        profile=profile,
        sensitivity=sensitivity,
        target=None if target is None else dict(target),
        kernel=kernel,
    )
    declared = _law(table, law)
    problem = build_problem(table, declared, settings)
    clusters = None if cluster is None else cluster_numbers(column(table, cluster))
    solution = solve(problem, seed, _shared_starts(table, declared, problem, settings))
    solution, around, known = _look_around(problem, solution, clusters, settings)
    samples, draws = None, None
    if bootstrap:
        draws = choose_draws(method, problem, solution, clusters)
        drawn = resample(
            problem,
            solution,
            around,
            method=draws.method,
            count=bootstrap,
            seed=seed,
            clusters=clusters,
        )
        samples = problem.theta(drawn)
        if np.count_nonzero(problem.weights) <= len(problem.names):
            samples[:] = np.nan  # no scatter is known: a sample could lie anywhere
    result = _result(table, problem, solution, around, known, samples, settings)
    return _at_target(msgspec.structs.replace(result, draws=draws), table, problem, solution)


def _law(table: Any, law: Law | str) -> Law:
    if not isinstance(law, str):
        return law
    from isoflop.laws.resolve import resolve

    return resolve(law, columns=tuple(map(str, getattr(table, "columns", table))))


def _shared_starts(
    table: Any, declared: Law, problem: Problem, settings: Settings
) -> np.ndarray | None:
    """Return the start that a law by groups takes from the fit without groups, or None."""
    if not declared.groups:
        return None
    from isoflop.laws.groups import ungroup

    pooled = build_problem(table, ungroup(declared), settings)
    found = solve(pooled, settings.seed)
    value = dict(zip(pooled.names, found.u, strict=True))
    return np.array([[value[name.partition("[")[0]] for name in problem.names]])


def _look_around(
    problem: Problem, solution: Solution, clusters: np.ndarray | None, settings: Settings
) -> tuple[Solution, Neighbourhood, Identification]:
    """Return the optimum, its neighbourhood and what is identified.

    A profile that meets a lower objective is a further start; then everything is done again.
    """
    around = neighbourhood(problem, solution.u, solution.tuning, clusters)
    known = identify(problem, solution, around, settings.level, settings.profile)
    if known.better is None:
        return solution, around, known
    again = solve(problem, settings.seed, np.stack([known.better, solution.u]))
    if again.objective >= solution.objective:
        return solution, around, known
    return _look_around(problem, again, clusters, settings)


def _verdict(solution: Solution, known: Identification) -> Verdict:
    if not solution.moved and np.any(np.abs(solution.gradient) > 1e-6 * abs(solution.objective)):
        return Verdict.EQUALS_START
    unknown = {name for name, sure in known.identified.items() if not sure}
    if unknown - set(known.at_bound):
        return Verdict.NOT_IDENTIFIED
    if not solution.converged:
        return Verdict.NOT_CONVERGED
    return Verdict.AT_BOUND if known.at_bound else Verdict.CONVERGED


def _result(
    table: Any,
    problem: Problem,
    solution: Solution,
    around: Neighbourhood,
    known: Identification,
    samples: np.ndarray | None,
    settings: Settings,
) -> Fit:
    names, theta = problem.names, problem.theta(solution.u)
    estimate = dict(zip(names, map(float, theta), strict=True))
    deviation = around.deviation * np.where(problem.logs, theta, 1.0)
    return Fit(
        law=problem.law,
        estimate=estimate,
        objective=solution.objective,
        noise=settings.noise,
        verdict=_verdict(solution, known),
        converged=solution.converged,
        identified=known.identified,
        reasons=known.reasons,
        at_bound=known.at_bound,
        starts=Starts(**{name: getattr(solution, name) for name in Starts.__struct_fields__}),
        gradient=float(np.max(np.abs(solution.gradient), initial=0.0)),
        condition=around.condition if np.isfinite(around.condition) else None,
        deviation={
            name: float(x) if np.isfinite(x) else None
            for name, x in zip(names, deviation, strict=True)
        },
        scale=_scale(problem, solution),
        samples=samples,
        intervals=None if samples is None else _intervals(problem, estimate, samples, settings),
        profiles=known.profiles or None,
        sensitivity=None,
        residuals=_quantiles(problem, around.pool),
        ranges=ranges(problem),
        runs=int(np.count_nonzero(problem.weights)),
        settings=settings,
        data_digest=digest(table, problem),
        convention=_convention(table),
    )


def _at_target(result: Fit, table: Any, problem: Problem, solution: Solution) -> Fit:
    """Return the fit with its optimum at the target and, if asked for, its sensitivity table."""
    settings = result.settings
    target = find_target(table, problem.law, settings.target)
    if target is not None:
        if settings.bootstrap and set(problem.law.input_names) == {"N", "D"}:
            minima = budget_minima(table, result.law, result.estimate, settings.output, target)
            result = msgspec.structs.replace(result, minima=minima)
        result = msgspec.structs.replace(result, optimum=target.optimum(result))
    if not settings.sensitivity:
        return result
    from isoflop.fit.sensitivity import shifts

    lines = tuple(shifts(table, problem, solution, settings))
    return msgspec.structs.replace(result, sensitivity=lines)


def _intervals(
    problem: Problem, estimate: dict[str, float], samples: np.ndarray, settings: Settings
) -> dict[str, Interval]:
    """Return percentile intervals; an end at a parameter's bound is open."""
    found: dict[str, Interval] = {}
    for k, p in enumerate(problem.law.parameters):
        interval = summarise(estimate[p.name], samples[:, k], settings.level).interval
        low, high = interval or (None, None)
        low = None if low is not None and low <= p.lower else low
        found[p.name] = (low, None if high is not None and high >= p.upper else high)
    return found


def _scale(problem: Problem, solution: Solution) -> float | None:
    if problem.noise.family == "student":
        return solution.tuning
    if not problem.noise.free:
        return None
    r = problem.residuals(solution.u[None])
    return float(huber_scale(problem.noise.delta, r, problem.weights)[0, 0])


def _quantiles(problem: Problem, pool: np.ndarray) -> np.ndarray:
    """Return the scatter of runs in order, thinned to `_RESIDUALS`; in units of the output.

    Where runs have their own known noise, it is the scatter of a run of median noise.
    """
    unit = 1.0 if problem.precision is None else 1.0 / float(np.median(problem.precision))
    plain = np.sort(pool) * unit
    if len(plain) <= _RESIDUALS:
        return plain
    return np.quantile(plain, (np.arange(_RESIDUALS) + 0.5) / _RESIDUALS)


def _convention(table: Any) -> dict[str, str]:
    convention = getattr(table, "convention", None)
    if convention is None:
        return {}
    if isinstance(convention, msgspec.Struct):
        convention = msgspec.to_builtins(convention)
    elif not isinstance(convention, dict):
        convention = vars(convention)
    return {str(k): str(v) for k, v in convention.items() if v not in (None, "")}
