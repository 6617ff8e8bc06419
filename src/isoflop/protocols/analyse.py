"""From the runs of a study to its result: fit, hold out, plan, check, and put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.protocols.answers import answered
from isoflop.protocols.approach2 import exponent_by_convention
from isoflop.protocols.approaches import approach1
from isoflop.protocols.checks import findings
from isoflop.protocols.data import N_COLUMNS, run_data, training_curve
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.result import Approach, StudyResult
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
    final = fit_models(data.where(data.role != "heldout"), data, how)
    envelope = _envelope(final, finished, points, settings, how)
    answers = answered(data, held, final, envelope, settings.target_budget, how)
    found, unchecked = findings(
        table, runs, points, answers, added=added, target=settings.target_budget
    )
    return StudyResult(
        question=question(settings),
        settings=msgspec.to_builtins(settings),
        runs={"finished": len(finished), "failed": len(runs) - len(finished)},
        table={name: values.tolist() for name, values in columns.items()},
        curves={run.id: curve_record(points.get(run.id, ())) for run in runs},
        **answers.record(),
        conventions=_conventions(columns, how),
        findings=[*answers.no_plan, *found],
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


def _envelope(
    final: Fitted,
    finished: Sequence[Run],
    points: Mapping[str, Sequence[Point]],
    settings: StudySettings,
    how: Settings,
) -> Approach:
    """Approach 1, from the curves of the runs that were fitted."""
    keep = set(final.data.id.tolist())
    curves = [_curve(run, points, settings.convention) for run in finished if run.id in keep]
    C = final.isoflop.C
    return approach1([c for c in curves if c is not None], (float(C.min()), float(C.max())), how)


def _curve(run: Run, points: Mapping[str, Sequence[Point]], convention: str) -> Curve | None:
    return training_curve(run.id, run.N[convention], points.get(run.id, ()))


def _conventions(columns: dict[str, np.ndarray], how: Settings) -> dict[str, Estimate]:
    data = {name: run_data(columns, name) for name in N_COLUMNS}
    return exponent_by_convention(
        {name: d.where(d.role != "heldout") for name, d in data.items()}, how
    )


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
