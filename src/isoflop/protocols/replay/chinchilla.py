"""Hoffmann et al. 2022 on the runs that Epoch AI digitised: three approaches, one early stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop import laws
from isoflop.fit import fit
from isoflop.fit.envelope import Curve, lower_envelope
from isoflop.fit.noise import reported
from isoflop.fit.problem import Problem, differentiate
from isoflop.fit.runs import build_problem
from isoflop.fit.surface import fit_surface
from isoflop.protocols.replay.descent import GRADIENT, Descent, bfgs
from isoflop.protocols.replay.kaplan import size_at
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series
from isoflop.runs.cost import CostCurve

if TYPE_CHECKING:
    from isoflop.fit.result import Fit
    from isoflop.runs.table import RunTable

POINTS = "chinchilla-epoch-svg"
ISOFLOPS = "openathena-isoflops"
KEPT = "epoch_outlier == 0"

#: FLOPs of Gopher, as Hoffmann et al. print them.
GOPHER = 5.76e23
#: Smallest and largest of Hoffmann et al.'s nine isoFLOP budgets.
BUDGETS = (6e18, 3e21)
_SAME = 0.02  # sizes closer than this in ln N are one model
_DROPPED = 10  # highest losses left out, at most


def approaches(context: Context) -> Outcome:
    """Exponents by the three approaches, and Gopher's budget by the third."""
    envelope = lower_envelope(
        _curves(context.table(POINTS, KEPT)),
        span=BUDGETS,
        samples=context.samples,
        rng=np.random.default_rng(context.seed),
    )
    runs = context.table(ISOFLOPS, "source == 'epochai_chinchilla' and outlier == 0")
    surface = fit_surface(
        runs["N"],
        runs["C"],
        runs["loss"],
        runs["C"],
        cost=CostCurve.from_runs(runs["N"], runs["D"], runs["C"]),
        samples=context.samples,
        rng=np.random.default_rng(context.seed),
        window=np.inf,
    )
    law = laws.get("chinchilla")
    exponents = {k: v for k, v in law.constants("tex").items() if k in ("alpha", "beta")}
    return Outcome(
        {
            "approach1": context.found(envelope.N_line[1], envelope.N_lines[:, 1]),
            "approach2": context.found(surface.N_opt.exponent, surface.N_opt.exponents),
            "approach3": Found(float(law.derived["a"](**exponents))),
            "approach3.size": Found(size_at("tex", GOPHER)[0]),
        }
    )


def _curves(runs: RunTable) -> list[Curve]:
    """Return a curve of final losses for every size with two or more horizons.

    The training curves are not public. Each point here is the end of a run whose learning rate
    had decayed, so the envelope is of finished runs.
    """
    order = np.lexsort((runs["C"], runs["N"]))
    N, C, D, loss = (runs[name][order] for name in ("N", "C", "D", "loss"))
    size = np.concatenate([[0], np.cumsum(np.diff(np.log(N)) > _SAME)])
    curves = []
    for k in np.unique(size):
        rows = np.flatnonzero(size == k)
        _, first = np.unique(C[rows], return_index=True)
        rows = rows[first]
        if len(rows) > 1:
            one = float(np.exp(np.log(N[rows]).mean()))
            curves.append(Curve(str(k), one, C[rows], D[rows], loss[rows]))
    return curves


def rounded(_: Context) -> Outcome:
    """What two digits do to Gopher's budget."""
    N, D = size_at("printed", GOPHER)
    exact, tokens = size_at("tex", GOPHER)
    return Outcome(
        {
            "rounded.size": Found(N),
            "rounded.ratio": Found(D / N),
            "tex.ratio": Found(tokens / exact),
        }
    )


def likelihood(context: Context) -> Outcome:
    """What they do to the likelihood of Epoch's points."""
    problem = _problem(context, noise="huber:free")
    return Outcome(
        {f"{name}.likelihood": Found(-_objective_at(problem, name)) for name in ("printed", "tex")}
    )


def _problem(context: Context, noise: str = "huber:1e-3") -> Problem:
    law = laws.get("chinchilla")
    runs = context.table(POINTS, KEPT)
    return build_problem(runs, law, fit(runs, law, noise=noise, profile=False).settings)


def _objective_at(problem: Problem, constants: str) -> float:
    residuals = problem.residuals(_at(problem, laws.get("chinchilla").constants(constants))[None])
    tuning = np.full((1, 1), problem.noise.delta)
    return float(reported(problem.noise, residuals, problem.weights, tuning)[0])


def _at(problem: Problem, values: dict[str, float]) -> np.ndarray:
    """Return free coordinates [parameter] of parameter values."""
    return problem.free(np.array([[values[name] for name in problem.names]]))[0]


def refit(context: Context) -> Outcome:
    """Epoch's refit with its bootstrap."""
    runs = context.table(POINTS, KEPT)
    found = fit(
        runs,
        "chinchilla",
        bootstrap=context.samples,
        seed=context.seed,
        level=context.level,
    )
    numbers = {f"refit.{name}": _parameter(context, found, name) for name in ("alpha", "beta", "E")}
    a, drawn = found.derive("a")
    numbers["refit.a"] = context.found(a, drawn)
    numbers["refit.a-error"] = Found(float(np.std(drawn)) if drawn is not None else np.nan)
    numbers["refit.objective"] = Found(found.objective)
    return Outcome(numbers)


def _parameter(context: Context, found: Fit, name: str) -> Found:
    samples = found.samples
    column = None if samples is None else samples[:, found.parameters.index(name)]
    return context.found(found.estimate[name], column)


def early_stop(context: Context) -> Outcome:
    """The same optimiser on the sum and on the mean of the same losses."""
    problem = _problem(context)
    runs = len(problem.target)
    start = _at(problem, laws.get("chinchilla").constants("tex"))
    descents = {"mean": _descend(problem, start, runs), "sum": _descend(problem, start, 1)}
    beta = problem.names.index("beta")
    ends = {name: problem.theta(descent.path[-1]) for name, descent in descents.items()}
    found = {f"{name}.beta": Found(float(end[beta])) for name, end in ends.items()}
    found["mean.steps"] = Found(float(len(descents["mean"].path) - 1))
    found["sum.steps"] = Found(float(len(descents["sum"].path) - 1))
    return Outcome(found, (_paths(descents, beta),))


def _descend(problem: Problem, start: np.ndarray, divisor: int) -> Descent:
    tuning = np.full((1, 1), problem.noise.delta)

    def objective(u: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):
            at = differentiate(problem, u[None], problem.weights, problem.target, tuning)
        return float(at.objective[0]) / divisor, at.gradient[0] / divisor

    return bfgs(objective, start)


def _paths(descents: dict[str, Descent], beta: int) -> Picture:
    shown = (("sum", "sum of 240 losses", "good"), ("mean", "mean of 240 losses", "bad"))
    series = [
        Series(
            name=label,
            role=role,
            x=tuple(float(k) for k in range(len(descents[name].path))),
            y=tuple(descents[name].path[:, beta].tolist()),
            mode="lines+markers",
            symbol="circle" if name == "sum" else "diamond",
        )
        for name, label, role in shown
    ]
    return Picture(
        name="early-stop",
        title="One optimiser, one start: divided by 240 the objective holds it where it began",
        caption=(
            "BFGS from Hoffmann et al.'s constants, stopped where no component of the gradient "
            f"exceeds {GRADIENT:.5f}. The mean's gradient is 240 times smaller, so it stops after "
            "a few steps where it began; the sum goes on to the optimum. Nothing else differs."
        ),
        x=Axis(title="steps of the optimiser"),
        y=Axis(title="exponent beta of the data term"),
        series=tuple(series),
    )


def outliers(context: Context) -> Outcome:
    """How far the five highest losses move beta."""
    runs = context.table(POINTS)
    order = np.argsort(runs["loss"])
    betas = [
        fit(runs.take(order[: len(runs) - k]), "chinchilla", profile=False).estimate["beta"]
        for k in range(_DROPPED + 1)
    ]
    absolute = fit(runs, "chinchilla", noise="huber:free", profile=False)
    found = {
        "outliers.beta": Found(absolute.estimate["beta"]),
        "outliers.E": Found(absolute.estimate["E"]),
        "outliers.kept": Found(betas[0]),
        "outliers.one": Found(betas[1]),
        "outliers.five": Found(betas[5]),
    }
    points = Series(
        name="",
        role="approach3",
        x=tuple(float(k) for k in range(_DROPPED + 1)),
        y=tuple(betas),
        mode="lines+markers",
    )
    picture = Picture(
        name="outliers",
        title="Five of 245 points decide beta",
        caption=(
            "beta of the refit when the k highest losses are left out. All five lie below half a "
            "token a parameter, where a law for well trained models has no business."
        ),
        x=Axis(title="highest losses left out"),
        y=Axis(title="exponent beta of the data term"),
        series=(points,),
        height=340,
    )
    return Outcome(found, (picture,))


def two_sets(context: Context) -> Outcome:
    """Huber at a thousandth, and a free scale that is least absolute deviations."""
    runs = context.table(POINTS, KEPT)
    fits: dict[str, Any] = {
        "huber": fit(runs, "chinchilla", profile=False),
        "absolute": fit(runs, "chinchilla", noise="huber:free", profile=False),
    }
    found = {
        f"{name}.{parameter}": Found(one.estimate[parameter])
        for name, one in fits.items()
        for parameter in ("A", "B")
    }
    found["absolute.likelihood"] = Found(-fits["absolute"].objective)
    return Outcome(found)
