"""Run every check, on the whole table or on each kind of run in it, and never fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import IsoflopError
from isoflop.runs.finding import Finding, worst_first
from isoflop.validate.audit import counting, grid, labels, rates, single, training, trust
from isoflop.validate.audit.codes import source_of
from isoflop.validate.audit.evidence import FEWEST, LAW, Evidence
from isoflop.validate.audit.record import Audit, Skipped, summarise_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable
    from isoflop.samples import Estimate


@dataclass(frozen=True)
class Check:
    """A check.

    Args:
        name: its main code.
        run: yields what it found, with severity "ok" if nothing; raises an `IsoflopError` that
            says why if it cannot run.
        whole: whether it is of the whole table; otherwise of each kind of run in it.
    """

    name: str
    run: Callable[[Evidence], Iterator[Finding]]
    whole: bool = False


CHECKS = (
    Check("table", counting.check_table, whole=True),
    Check("failed", training.check_failed, whole=True),
    Check("counting", counting.check_counting),
    Check("units", counting.check_units),
    Check("labels", labels.check_labels),
    Check("schedule", training.check_schedule),
    Check("warmup", training.check_warmup),
    Check("rate", rates.check_rate),
    Check("lr-trend", rates.check_lr_trend),
    Check("batch-trend", rates.check_batch_trend),
    Check("epochs", training.check_epochs),
    Check("seeds", training.check_seeds),
    Check("minimum", grid.check_grid_minima),
    Check("centre", grid.check_centre),
    Check("span", grid.check_compute_span),
    Check("slope", grid.check_loss_slope),
    Check("ratio", grid.check_tokens_ratio),
    Check("fit", trust.check_given),
    Check("bounds", trust.check_bounds),
    Check("floor", trust.check_floor),
    Check("identified", trust.check_identified),
    Check("outliers", single.check_outliers),
    Check("leverage", single.check_leverage),
    Check("correlated", single.check_correlated),
    Check("extrapolation", trust.check_extrapolation),
)
#: Columns that make runs of different kinds where they differ.
KINDS = ("family", "recipe", "corpus", "tokenizer")
#: Kinds audited one by one; the others are named as skipped.
MOST_KINDS = 6


def audit_table(
    table: RunTable,
    *,
    fit: Fit | None = None,
    law: Law | str = LAW,
    target: float | None = None,
    evidence: Evidence | None = None,
) -> Audit:
    """Check whether the answer that runs give can be believed.

    Args:
        table: runs; no column is required, but a check without its columns is skipped.
        fit: a fit of these runs whose residuals and parameters are judged.
        law: fitted to them if there is none.
        target: FLOPs that the answer is wanted for; ten times the largest C if None.
        evidence: what a study knows beyond its table; `table` is used in place of its own.

    Returns:
        Findings worst first, what passed, and what could not be checked and why.
    """
    known = evidence or Evidence(table)
    whole = replace(known, table=table, given=fit, law=law, target=target)
    found, skipped, answer = _everything(whole)
    loud = [f for f in found if f.severity != "ok"]
    passed = [f for f in found if f.severity == "ok"]
    return Audit(
        summary=summarise_findings(loud, len(passed), len(skipped)),
        sound=not any(f.severity in ("error", "warning") for f in loud),
        findings=loud,
        passed=passed,
        skipped=skipped,
        answer=answer,
        runs=len(table),
        source=table.source,
        convention=msgspec.to_builtins(table.convention),
        data_digest=table.digest,
    )


def _everything(whole: Evidence) -> tuple[list[Finding], list[Skipped], dict[str, Estimate]]:
    """Run the checks of the table and of each kind of run; findings worst first."""
    found, skipped = _run([c for c in CHECKS if c.whole], whole)
    kinds, left = _kinds(whole)
    skipped += left
    if kinds != [whole]:  # an answer from all kinds together is of none
        found = [msgspec.structs.replace(f, moves=()) for f in found]
    answer: dict[str, Estimate] = {}
    for kind in kinds:
        more, less = _run([c for c in CHECKS if not c.whole], kind)
        found += more
        skipped += less
        answer |= {f"{kind.group}: {k}" if kind.group else k: v for k, v in _answer(kind).items()}
    return worst_first(found), skipped, answer


def _run(checks: list[Check], e: Evidence) -> tuple[list[Finding], list[Skipped]]:
    found: list[Finding] = []
    skipped: list[Skipped] = []
    for check in checks:
        try:
            results = list(check.run(e))
        except IsoflopError as error:
            skipped.append(Skipped(check=check.name, reason=error.what, group=e.group))
        except np.linalg.LinAlgError as error:
            reason = f"its equations cannot be solved for these runs ({error})."
            skipped.append(Skipped(check=check.name, reason=reason, group=e.group))
        else:
            found += [_stamped(f, e.group) for f in results]
    return found, skipped


def _stamped(f: Finding, group: str) -> Finding:
    """Return a finding with its source and group, and plain numbers."""
    return msgspec.structs.replace(
        f,
        source=f.source or source_of(f.code),
        group=group,
        numbers={name: float(value) for name, value in f.numbers.items()},
    )


def _answer(e: Evidence) -> dict[str, Estimate]:
    """Return the answer; empty where the runs give none, which the checks say."""
    try:
        return e.estimates
    except IsoflopError:
        return {}


def _kinds(whole: Evidence) -> tuple[list[Evidence], list[Skipped]]:
    """Return the evidence of each kind of run, largest first, and the kinds left out."""
    table = whole.table
    names = [n for n in KINDS if n in table.columns and len(np.unique(table[n].astype(str))) > 1]
    if not names:
        return [whole], []
    marks = np.array(
        [", ".join(cells) for cells in zip(*(table[n].astype(str) for n in names), strict=True)]
    )
    values, counts = np.unique(marks, return_counts=True)
    order = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= FEWEST]
    if not order:
        return [whole], []
    title = "/".join(names)
    kinds = [
        replace(
            whole,
            table=table.where(marks == values[i]),
            places=np.flatnonzero(marks == values[i]),
            given=None,
            group=f"{title} {values[i] or 'none'}",
        )
        for i in order[:MOST_KINDS]
    ]
    left = len(values) - len(kinds)
    if not left:
        return kinds, []
    rest = int(counts.sum() - sum(counts[i] for i in order[:MOST_KINDS]))
    reason = f"{rest} runs of {left} further kinds ({title}) were not audited one by one."
    return kinds, [Skipped(check="kinds", reason=reason)]
