"""A table of runs analysed like a study: what a report says without curves or a trainer."""

from __future__ import annotations

import platform
import shlex
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop import __version__
from isoflop.errors import InputError
from isoflop.fit.target import TIMES
from isoflop.protocols.answers import answered
from isoflop.protocols.approach2 import exponent_by_convention
from isoflop.protocols.checks import with_own
from isoflop.protocols.data import N_COLUMNS, RunData, run_data
from isoflop.protocols.document import now
from isoflop.protocols.models import Settings, fit_models
from isoflop.protocols.question import LARGEST, grouped, held_out
from isoflop.protocols.result import StudyResult
from isoflop.protocols.side_by_side import envelope
from isoflop.runs.columns import KNOWN
from isoflop.runs.convention import UNSTATED
from isoflop.validate.audit import audit_table
from isoflop.validate.split import with_compute

if TYPE_CHECKING:
    from isoflop.runs.table import RunTable
    from isoflop.samples import Estimate


def analyse_table(
    table: RunTable,
    *,
    target: float | None = None,
    holdout: str = LARGEST,
    convention: str = "matrices+head",
    settings: Settings | None = None,
) -> StudyResult:
    """Fit, hold out, plan and audit a table of runs, as `study` does with its own.

    Args:
        table: runs with N, D, loss in nats per token (and C, else 6ND; and budget, else C is
            grouped).
        target: FLOPs the plan is for; ten times the largest C if None.
        holdout: runs that are predicted from the smaller ones: "largest-budget" or a condition.
        convention: which weights N counts, where the table has several counts.
        settings: level, samples, seed.

    Returns:
        The record of a study without curves, corpus or timing.

    Raises:
        InputError: the loss is not known to be in nats per token, a column is missing, the
            target is not positive, or the condition cannot be read.
        ConventionError: the runs were trained on different corpora or families.
    """
    table = _in_nats(with_compute(table)[0])
    started = now()
    columns = grouped(table)
    columns.setdefault("id", np.arange(len(table)).astype(str).astype(object))
    data = run_data(columns, convention, stated=table.convention.N)
    wanted = TIMES * float(data.C.max()) if target is None else target
    if not wanted > 0:
        raise InputError(f"a target of {wanted:g} FLOPs is not positive.", do="--target 1e22")
    how = (settings or Settings()).knowing(table)
    held = held_out(data, columns, table, holdout)
    final = fit_models(data, data, how)
    answers = answered(data, held, final, envelope(data, {}, how), wanted, how)
    audited = audit_table(table, target=wanted)
    found = with_own(audited, answers, asked=("approach2", "approach3"))
    return StudyResult(
        question=_question(data, wanted),
        settings=_settings(table, data, how, wanted, holdout),
        runs={"finished": len(data), "failed": len(table) - len(data)},
        table={n: np.asarray(columns[n]).tolist() for n in KNOWN if n in columns},
        curves={},
        **answers.record(),
        conventions=_conventions(columns, how),
        findings=[*answers.no_plan, *found],
        unchecked=audited.skipped,
        corpus={},
        timing={},
        provenance=_provenance(table, how, started),
    )


def _in_nats(table: RunTable) -> RunTable:
    """Return the table; its loss must be in nats per token, as the pages are."""
    said = table.convention.loss
    if said != "nats/token":
        raise InputError(
            f"the table counts loss as `{said}`; a report is in nats per token."
            if said != UNSTATED
            else "the table does not say how it counts loss; a report is in nats per token.",
            "Figures, thresholds and intervals of a report are in that unit.",
            "Say it:  --state loss=nats/token   (or bits/token, which is converted)"
            if said == UNSTATED
            else "Without a page:  isoflop fit, isoflop validate --law, isoflop audit",
        )
    return table


def _question(data: RunData, target: float) -> str:
    low, high = float(data.C.min()), float(data.C.max())
    return (
        f"How many parameters and tokens are compute-optimal at {target:.3g} training FLOPs,"
        f" judged from {len(data)} runs at {low:.3g} to {high:.3g}?"
    )


def _settings(
    table: RunTable, data: RunData, how: Settings, target: float, holdout: str
) -> dict[str, Any]:
    """Return what was asked and how the table counts, as a report's settings."""
    counted = {"N": data.convention, "D": table.convention.D, "C": table.convention.C}
    return {
        "source": table.source,
        "target": target,
        "holdout": holdout,
        "level": how.level,
        "samples": how.samples,
        "seed": how.seed,
        "convention": data.convention,
        "counted": counted,
    }


def _conventions(columns: dict[str, np.ndarray], how: Settings) -> dict[str, Estimate]:
    """Return the exponent of N* under each count of N that the table stores."""
    stored = {name: run_data(columns, name) for name, c in N_COLUMNS.items() if c in columns}
    return exponent_by_convention(stored, how)


def _provenance(table: RunTable, how: Settings, started: str) -> dict[str, str]:
    return {
        "isoflop": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "command": shlex.join(["isoflop", *sys.argv[1:]]),
        "seed": str(how.seed),
        "data digest": table.digest,
        "started": started,
        "finished": now(),
    }
