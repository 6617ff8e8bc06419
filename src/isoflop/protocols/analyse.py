"""From the runs of a study to its result: fit, hold out, plan, check, and put together."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError, NotIdentified
from isoflop.protocols.approach2 import approach2, exponent_by_convention
from isoflop.protocols.approaches import approach1, approach3
from isoflop.protocols.checks import findings
from isoflop.protocols.data import N_COLUMNS, RunData, run_data, training_curve
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout
from isoflop.protocols.result import Approach, Heldout, PlanAnswer, StudyResult
from isoflop.runs.finding import Finding
from isoflop.runs.table import RunTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from isoflop.fit.envelope import Curve
    from isoflop.protocols.settings import StudySettings
    from isoflop.runs.run import Point, Run
    from isoflop.samples import Estimate


def analyse(
    runs: Sequence[Run],
    points: Mapping[str, Sequence[Point]],
    settings: StudySettings,
    *,
    corpus: dict[str, Any],
    timing: dict[str, float],
    provenance: dict[str, str],
    added: Sequence[str] = (),
) -> StudyResult:
    """Analyse a study's runs.

    Args:
        runs: all runs, finished and failed; points: id -> its curve.
        settings: the study's settings.
        corpus, timing, provenance: passed on to the result.
        added: sizes that the study added by itself, each with its reason.

    Raises:
        InputError: no run finished.
        ConventionError: runs of different corpora or recipes.
    """
    finished = _finished(runs)
    table = RunTable.from_runs(list(runs), N=settings.convention)
    columns = dict(table.columns)
    how = Settings(level=settings.level, samples=settings.samples, seed=settings.seed)
    how = how.knowing(table)
    data = run_data(columns, settings.convention)
    held = data.budget == settings.heldout_budget
    heldout = predicted_from_smaller(data, held, how)
    final = fit_models(data.where(data.role != "heldout"), data, how)
    approaches = _approaches(final, finished, points, settings, how)
    plan, no_plan = plan_or_finding(final, settings.target_budget, how)
    disagreement = disagreements(approaches, plan)
    found, unchecked = findings(
        table,
        runs,
        points,
        approaches,
        heldout,
        exponents_apart(approaches),
        losses=losses_apart(plan),
        added=added,
        target=settings.target_budget,
    )
    return StudyResult(
        question=question(settings),
        settings=msgspec.to_builtins(settings),
        runs={"finished": len(finished), "failed": len(runs) - len(finished)},
        table={name: values.tolist() for name, values in columns.items()},
        curves={run.id: curve_record(points.get(run.id, ())) for run in runs},
        approach1=approaches["approach1"],
        approach2=approaches["approach2"],
        approach3=approaches["approach3"],
        conventions=_conventions(columns, how),
        disagreement=disagreement,
        heldout=heldout,
        plan=plan,
        findings=[*no_plan, *found],
        unchecked=unchecked,
        corpus=corpus,
        timing=timing,
        provenance=provenance,
    )


def _finished(runs: Sequence[Run]) -> list[Run]:
    """Return the finished runs.

    Raises:
        InputError: there is none.
    """
    finished = [run for run in runs if run.status == "finished"]
    if not finished:
        reasons = sorted({run.reason.partition("\n")[0].rstrip(".") for run in runs})
        raise InputError(
            f"none of {len(runs)} runs finished: {'; '.join(reasons[:3])}.", do="isoflop runs DIR"
        )
    return finished


def question(settings: StudySettings) -> str:
    """Say in one sentence what the study asks."""
    low, high = min(settings.budgets), max(settings.budgets)
    return (
        f"How many parameters and tokens are compute-optimal at {settings.target_budget:.3g}"
        f" training FLOPs, judged from isoFLOP sweeps at {low:.3g} to {high:.3g}?"
    )


def predicted_from_smaller(data: RunData, held: np.ndarray, how: Settings) -> Heldout | None:
    """Predict the held-out runs from those of smaller budgets; None if that cannot be done."""
    small = ~held & (data.budget < data.budget[held].min() if held.any() else False)
    if not held.any() or not small.any():
        return None
    rest = data.where(small)
    fitted = fit_models(rest.where(rest.role != "heldout"), rest, how)
    try:
        return predict_heldout(fitted, data.where(held), how)
    except NotIdentified:
        return None


def _approaches(
    final: Fitted,
    finished: Sequence[Run],
    points: Mapping[str, Sequence[Point]],
    settings: StudySettings,
    how: Settings,
) -> dict[str, Approach]:
    keep = set(final.data.id.tolist())
    curves = [_curve(run, points, settings.convention) for run in finished if run.id in keep]
    C = final.isoflop.C
    return {
        "approach1": approach1(
            [c for c in curves if c is not None], (float(C.min()), float(C.max())), how
        ),
        "approach2": approach2(final, how),
        "approach3": approach3(final, how),
    }


def _curve(run: Run, points: Mapping[str, Sequence[Point]], convention: str) -> Curve | None:
    return training_curve(run.id, run.N[convention], points.get(run.id, ()))


def plan_or_finding(
    final: Fitted, C: float, how: Settings
) -> tuple[PlanAnswer | None, list[Finding]]:
    """Plan for a budget, or return the finding that says why there is no plan."""
    try:
        return plan_run(final, C, how), []
    except NotIdentified as error:
        finding = Finding(
            code="no_plan",
            severity="error",
            message=f"there is no plan: {error.what}",
            why=error.why,
            remedy=error.do,
        )
        return None, [finding]


def _conventions(columns: dict[str, np.ndarray], how: Settings) -> dict[str, Estimate]:
    data = {name: run_data(columns, name) for name in N_COLUMNS}
    return exponent_by_convention(
        {name: d.where(d.role != "heldout") for name, d in data.items()}, how
    )


def disagreements(approaches: Mapping[str, Approach], plan: PlanAnswer | None) -> list[str]:
    """Name the pairs of approaches whose intervals do not overlap, with the numbers."""
    return [*exponents_apart(approaches), *losses_apart(plan)]


def exponents_apart(approaches: Mapping[str, Approach]) -> list[str]:
    """Name the pairs of approaches whose exponents' intervals do not overlap."""
    sentences = []
    for one, other in combinations(approaches.values(), 2):
        for name in ("N_exponent", "D_exponent"):
            a, b = getattr(one, name), getattr(other, name)
            if a is not None and b is not None and not overlap(a, b):
                sentences.append(
                    f"{name[0]}* grows as C^{a.estimate:.2f} {_range(a)} by {one.name} and as"
                    f" C^{b.estimate:.2f} {_range(b)} by {other.name}."
                )
    return sentences


def losses_apart(plan: PlanAnswer | None) -> list[str]:
    """Name the pairs of models whose losses at the plan's budget do not overlap."""
    if plan is None:
        return []
    sentences = []
    for one, other in combinations(plan.by_model, 2):
        a, b = plan.by_model[one]["loss"], plan.by_model[other]["loss"]
        if not overlap(a, b):
            sentences.append(
                f"At {plan.C:.3g} FLOPs {one} expects a loss of {a.estimate:.3f} {_range(a)} and"
                f" {other} {b.estimate:.3f} {_range(b)}."
            )
    return sentences


def overlap(one: Estimate, other: Estimate) -> bool:
    """Say whether two intervals have a value in common; an open end reaches everywhere."""
    if one.interval is None or other.interval is None:
        return True
    (a, b), (c, d) = one.interval, other.interval
    return not (
        (b is not None and c is not None and b < c) or (a is not None and d is not None and d < a)
    )


def _range(e: Estimate) -> str:
    low, high = e.interval or (None, None)
    ends = ["-inf" if low is None else f"{low:.3f}", "inf" if high is None else f"{high:.3f}"]
    return f"({ends[0]} to {ends[1]})"


def curve_record(points: Sequence[Point]) -> dict[str, list[float]]:
    """Return a run's curve as lists: C, tokens, train_loss; val_C, val_loss, val_tokens.

    `val_tokens` is 0 where a record does not say how much was evaluated.
    """
    train = [p for p in points if p.train_loss is not None]
    val = [p for p in points if p.val_loss is not None]
    return {
        "C": [p.flops for p in train],
        "tokens": [float(p.tokens) for p in train],
        "train_loss": [float(p.train_loss or 0.0) for p in train],
        "val_C": [p.flops for p in val],
        "val_loss": [float(p.val_loss or 0.0) for p in val],
        "val_tokens": [float(p.val_tokens or 0) for p in val],
    }
