"""Audit runs from wherever they are: a table, or a study with its curves and probes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import InputError
from isoflop.laws.resolve import resolve
from isoflop.protocols.checks import STUDY_ONLY, study_evidence
from isoflop.protocols.document import load_result
from isoflop.protocols.sources import open_table
from isoflop.runs.finding import worst_first
from isoflop.runs.io import load
from isoflop.runs.table import RunTable
from isoflop.validate.audit import Audit, audit_table
from isoflop.validate.audit.evidence import LAW
from isoflop.validate.audit.record import summarise_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.validate.audit.evidence import Evidence


def audit(
    source: RunTable | Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    where: str | None = None,
    state: Mapping[str, str] | None = None,
    fit: Fit | None = None,
    law: Law | str = LAW,
    target: float | None = None,
) -> Audit:
    """Check whether the answer that runs give can be believed.

    Args:
        source: a run table; a file of runs; or a study's folder, whose rate probes, schedules,
            seeds and held-out test are looked at too.
        columns: standard name -> column of the file.
        where: condition on the runs.
        state: how the table counts, where its names do not say: {"N": "all"}.
        fit: a fit of these runs to judge; the law is fitted if None.
        law: the law fitted to them.
        target: FLOPs that the answer is wanted for; ten times the largest C if None.

    Returns:
        Findings, worst first, what passed, and what could not be checked. No column is required
        and no table is refused: what a check lacks is its reason under `skipped`.

    Raises:
        InputError: the source, the condition or the target cannot be read.

    Example:
        >>> import isoflop as iso
        >>> iso.audit("runs.csv", target=1e22).findings  # doctest: +SKIP
    """
    if target is not None and not target > 0:
        raise InputError(f"a target of {target:g} FLOPs is not positive.", do="--target C=1e22")
    if isinstance(source, RunTable):
        table = load(source, columns=dict(columns or {}), where=where).state(**(state or {}))
    else:
        table = open_table(Path(source), columns=columns, where=where, state=state)
    fitted = _law(law, table)
    folder = None if isinstance(source, RunTable) else Path(source)
    if folder is None or not folder.is_dir():
        return audit_table(table, fit=fit, law=fitted, target=target)
    evidence = study_folder(folder)
    return with_study(
        audit_table(table, fit=fit, law=fitted, target=target, evidence=evidence), folder
    )


def _law(law: Law | str, table: RunTable) -> Law:
    """Return the law to fit; one that was asked for by name must find its inputs.

    Raises:
        InputError: there is no such law, or the table lacks an input of it.
    """
    if not isinstance(law, str):
        return law
    found = resolve(law, columns=tuple(table.columns))
    lost = [] if law == LAW else [name for name in found.input_names if name not in table]
    if lost:
        raise InputError(
            f"the table has no column for {', '.join(lost)}, which `{law}` takes.",
            do=f"Name the column that holds it:  --column {lost[0]}=YOUR_COLUMN",
        )
    return found


def study_folder(folder: Path) -> Evidence:
    """Return what a study's folder knows beyond its table."""
    from isoflop.store import Store

    store = Store(folder)
    runs = store.runs()
    finished = [run.id for run in runs if run.status == "finished"]
    return study_evidence(runs, {key: store.points(key) for key in finished})


def with_study(found: Audit, folder: Path) -> Audit:
    """Add what only the finished study knows: held-out test, disagreement, what it added."""
    try:
        own = [f for f in load_result(folder).findings if f.code in STUDY_ONLY]
    except InputError:
        return found  # not finished: its runs are all there is
    findings = worst_first([*found.findings, *(f for f in own if f.severity != "ok")])
    passed = [*found.passed, *(f for f in own if f.severity == "ok")]
    return msgspec.structs.replace(
        found,
        findings=findings,
        passed=passed,
        sound=not any(f.severity in ("error", "warning") for f in findings),
        summary=summarise_findings(findings, len(passed), len(found.skipped)),
    )
