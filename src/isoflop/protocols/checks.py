"""All that a study says about its own trustworthiness, gathered from its runs and fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.protocols.data import seed_noise
from isoflop.runs.finding import Finding, worst_first
from isoflop.runs.table import RunTable
from isoflop.validate.audit import audit_table
from isoflop.validate.audit.codes import source_of
from isoflop.validate.audit.evidence import Evidence
from isoflop.validate.selfcheck import RateProbe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.protocols.answers import Answers
    from isoflop.protocols.result import Approach, Heldout
    from isoflop.runs.run import Point, Run
    from isoflop.validate.audit import Audit, Skipped

#: Fewer optimiser steps than this leave the schedule too coarse to compare widths.
MIN_STEPS = 500
#: A 90 % interval is missed by one sound study in ten; by this many of its half widths (2.6
#: deviations) by one in a hundred. Most of the held-out runs outside is a warning in any case.
FAR_OUT = 1.57
#: Codes that only a finished study can give: its runs alone do not say.
STUDY_ONLY = frozenset(
    {"heldout", "disagreement", "extended", "no_plan", "steps"}
    | {f"approach{k}" for k in (1, 2, 3)}
)


def rate_probes(runs: Sequence[Run]) -> list[RateProbe]:
    """Group learning-rate probes with the run of the same model at the study's own rate."""
    groups: dict[tuple[int, float], dict[float, float]] = {}
    probed = {_cell(r) for r in runs if r.role == "lr_probe"}
    own = {_cell(r): _rate(r) for r in runs if r.role != "lr_probe" and _cell(r) in probed}
    for run in runs:
        cell = _cell(run)
        if cell in own and run.loss is not None and run.seed == _seed(runs, cell):
            groups.setdefault(cell, {})[_rate(run) / own[cell]] = run.loss
    return [
        RateProbe(
            cell[0], cell[1], np.array(sorted(group)), np.array([group[m] for m in sorted(group)])
        )
        for cell, group in sorted(groups.items())
        if len(group) > 1
    ]


def _cell(run: Run) -> tuple[int, float]:
    return int(run.setup["architecture"]["width"]), run.budget


def _rate(run: Run) -> float:
    return float(run.setup["rates"]["hidden"])


def _seed(runs: Sequence[Run], cell: tuple[int, float]) -> int:
    return min(r.seed for r in runs if _cell(r) == cell)


def findings(
    table: RunTable,
    runs: Sequence[Run],
    points: Mapping[str, Sequence[Point]],
    answers: Answers,
    *,
    added: Sequence[str] = (),
    target: float | None = None,
) -> tuple[list[Finding], list[Skipped]]:
    """Audit a study: every check of its table, and what only a study knows.

    Args:
        table: its runs as a table; runs: the same as records; points: id -> curve.
        answers: approaches, held-out test, and where they disagree.
        added: sizes that the study added by itself.
        target: FLOPs that the plan is for.

    Returns:
        Findings, worst first and passed checks last, and the checks that could not run.
    """
    audited = audit_table(table, target=target, evidence=study_evidence(runs, points))
    more = [_short(runs), *map(_added, added)]
    found = with_own(audited, answers, more=more)
    return found, audited.skipped


def with_own(
    audited: Audit,
    answers: Answers,
    *,
    more: Sequence[Finding] = (),
    asked: Sequence[str] = ("approach1", "approach2", "approach3"),
) -> list[Finding]:
    """Return an audit's findings and passed checks with those of approaches and hold-out.

    Args:
        audited: of the table; answers: what the runs answer.
        more: further findings.
        asked: the approaches that should have answered.
    """
    approaches = {name: answers.approaches[name] for name in asked}
    own = [*more, *_unanswered(approaches), _heldout(answers.heldout)]
    own += [*map(_disagree, answers.exponents), *map(_apart, answers.losses)]
    own = [msgspec.structs.replace(f, source=source_of(f.code)) for f in own]
    # What an approach says of its own parameters goes before what the audit's fit says.
    said = {f.code for f in own}
    rest = [f for f in (*audited.findings, *audited.passed) if f.code not in said]
    return worst_first([*rest, *own])


def study_evidence(runs: Sequence[Run], points: Mapping[str, Sequence[Point]]) -> Evidence:
    """Return what runs of a study know beyond their table: probes, last rates, seed noise."""
    finished = [run for run in runs if run.status == "finished"]
    last = {run.id: points[run.id][-1].rate for run in finished if points.get(run.id)}
    return Evidence(
        RunTable.from_columns({}),
        probes=tuple(rate_probes(finished)),
        ends={key: float(rate) for key, rate in last.items() if rate is not None},
        seed_noise=seed_noise(RunTable.from_runs(finished)) if finished else (0.0, 0),
    )


def _short(runs: Sequence[Run]) -> Finding:
    steps = [int(run.setup["steps"]) for run in runs]
    fewest = min(steps)
    short = fewest < MIN_STEPS
    return Finding(
        code="steps",
        severity="note" if short else "ok",
        message=f"the shortest run has {fewest} optimiser steps.",
        numbers={"fewest steps": float(fewest)},
        why="A few hundred steps are mostly warmup and decay." if short else "",
        remedy="Use a smaller batch, or leave the largest width of that budget out."
        if short
        else "",
    )


def _unanswered(approaches: Mapping[str, Approach]) -> list[Finding]:
    found = []
    for approach in approaches.values():
        loose = [name for name, ok in approach.identified.items() if not ok]
        if not approach.ok:
            found.append(
                Finding(
                    code=approach.name,
                    severity="warning",
                    message=f"{approach.title} gave no answer: {' '.join(approach.notes)}",
                )
            )
        elif loose:
            found.append(
                Finding(
                    code="identified",
                    severity="note",
                    message=f"{approach.title}: {', '.join(loose)} not identified by these runs.",
                    why="Other values fit as well; do not quote them. Ranges that depend on"
                    " them, the loss at large C above all, are wide for this reason.",
                    remedy="A floor shows only where the loss comes near it: larger budgets.",
                )
            )
    return found


def _added(reason: str) -> Finding:
    return Finding(
        code="extended",
        severity="note",
        message=f"the study added {reason}",
        why="The expected optimum was off; the sizes around it were moved, not the data.",
    )


def _disagree(sentence: str) -> Finding:
    return Finding(
        code="disagreement",
        severity="warning",
        message=sentence,
        why="Each interval takes its own model for granted.",
        remedy="Trust the range that holds both, or add a budget.",
    )


def _apart(sentence: str) -> Finding:
    return Finding(
        code="disagreement",
        severity="note",
        message=sentence,
        why="Approach 2 has no floor, so that its loss is too low far out; approach 3's floor is"
        " only as sure as the runs come near it. The plan's range holds both.",
        remedy="Quote the range, not one model's loss; a larger budget tells which is nearer.",
    )


def _heldout(heldout: Heldout | None) -> Finding:
    if heldout is None:
        return Finding(
            code="heldout",
            severity="warning",
            message="no held-out prediction could be made.",
            why="An extrapolation that was never tested is a hope.",
            remedy="Add a budget, so that the largest can be held out.",
        )
    hit = sum(cell.covered for cell in heldout.cells)
    missed = hit < len(heldout.cells)
    error = heldout.predicted / heldout.observed - 1
    far = _far_out(heldout) or 2 * hit < len(heldout.cells)
    return Finding(
        code="heldout",
        severity="warning" if far else "note" if missed else "ok",
        message=f"{hit} of {len(heldout.cells)} held-out runs at {heldout.budget:.3g} FLOPs lie"
        f" in their {100 * heldout.level:.0f} % interval; the best one was predicted"
        f" {100 * error:+.1f} %.",
        numbers={"covered": float(hit), "runs": float(len(heldout.cells)), "error": error},
        why=_why_missed(heldout) if missed else "",
        remedy="Do not trust the interval at larger budgets; add a budget, or look at the"
        " residuals."
        if missed
        else "",
    )


def _far_out(heldout: Heldout) -> bool:
    """Tell whether the best run lies further from its interval than a sound study's would."""
    low, high = heldout.interval
    if low is None or high is None:
        return not heldout.covered
    return abs(2 * heldout.observed - low - high) > FAR_OUT * (high - low)


def _why_missed(heldout: Heldout) -> str:
    """Say what a missed interval means, by what the fit could know."""
    if len(heldout.fitted_budgets) == 2:
        return (
            "Only two budgets were left to fit: the line through two minima has nothing to check"
            " it, run noise in one of them tilts it, and no interval can show by how much."
        )
    return "The models miss something that the next budget will show more of."
