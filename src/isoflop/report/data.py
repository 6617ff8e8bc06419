"""What figures and tables read from a study result more than once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from isoflop.report import palette
from isoflop.validate.audit.record import summarise_findings

if TYPE_CHECKING:
    from isoflop.protocols.result import Approach, StudyResult


#: Convention of N -> column of the run table.
_COUNTS = {"matrices": "N_matrices", "matrices+head": "N_matrices_head", "all": "N_all"}


#: Role of a run -> what a reader calls it, in the order of the run table.
ROLES = {
    "isoflop": "isoFLOP",
    "heldout": "held out",
    "lr_probe": "rate probe",
    "seed": "seed repeat",
}


class BudgetStyle(NamedTuple):
    """Colour (light) and marker of one budget."""

    colour: str
    symbol: str


def rows(result: StudyResult) -> list[dict[str, Any]]:
    """Return the run table as one dictionary a run; `id`, `role` and `status` always exist.

    N is counted as the study's laws count it, whatever the table's own column N counts.
    """
    counted = result.table.get(_COUNTS.get(convention(result), ""))
    table = result.table if counted is None else result.table | {"N": counted}
    names = list(table)
    length = max((len(column) for column in result.table.values()), default=0)
    defaults = {"id": "", "role": "isoflop", "status": "finished"}
    return [
        defaults | {name: table[name][k] for name in names if k < len(table[name])}
        for k in range(length)
    ]


def finished(result: StudyResult) -> list[dict[str, Any]]:
    """Return the rows that ended with a finite loss."""
    return [row for row in rows(result) if row["status"] == "finished" and number(row.get("loss"))]


def number(value: object) -> TypeGuard[float]:
    """Say whether a table's value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def budgets(result: StudyResult) -> list[float]:
    """Return every nominal budget of the run table, ascending."""
    return sorted({row["budget"] for row in rows(result) if number(row.get("budget"))})


def styles(result: StudyResult) -> dict[float, BudgetStyle]:
    """Return colour and marker of each budget."""
    found = budgets(result)
    colours = palette.budget_scale(len(found)) if found else []
    symbols = palette.SYMBOLS
    return {
        budget: BudgetStyle(light, symbols[k % len(symbols)])
        for k, (budget, (light, _)) in enumerate(zip(found, colours, strict=True))
    }


def approaches(result: StudyResult) -> list[Approach]:
    """Return the three approaches in order."""
    return [result.approach1, result.approach2, result.approach3]


def short(approach: Approach) -> str:
    """Return an approach's name without its explanation: "Approach 2"."""
    return approach.title.partition(":")[0]


def largest_fitted(result: StudyResult) -> float | None:
    """Return the largest C (exact FLOPs) that the laws were fitted on; None without runs."""
    if result.plan is not None:
        return result.plan.C / 10**result.plan.decades
    fitted = [r["C"] for r in finished(result) if r["role"] == "isoflop" and number(r.get("C"))]
    return max(fitted, default=None)


def level(result: StudyResult) -> float:
    """Return the probability of the study's intervals (0.9 where it does not say)."""
    return float(result.settings.get("level", 0.9))


def convention(result: StudyResult) -> str:
    """Return the convention of N in the study's laws."""
    if result.plan is not None:
        return result.plan.convention
    return str(result.settings.get("convention", "unstated"))


def compute(result: StudyResult) -> str:
    """Return how C was counted, in words: a study's exactly, a table's as it says."""
    counted = result.settings.get("counted", {}).get("C", "exact")
    return {
        "exact": "exact FLOPs",
        "6ND": "FLOPs counted as 6ND",
        "nominal": "nominal FLOPs",
    }.get(counted, "FLOPs as the table counts them")


def subject(result: StudyResult) -> str:
    """Return what the page is about: a study of its own runs, or a table of runs."""
    return "table" if "source" in result.settings else "study"


def audit_summary(result: StudyResult) -> str:
    """Return what the study's checks of itself found, in a sentence."""
    loud = [f for f in result.findings if f.severity != "ok"]
    return summarise_findings(loud, len(result.findings) - len(loud), len(result.unchecked))


def severities(result: StudyResult) -> dict[str, int]:
    """Count the findings by severity, worst first; only those that occur."""
    order = ("error", "warning", "note", "ok")
    counts = {name: sum(f.severity == name for f in result.findings) for name in order}
    return {name: count for name, count in counts.items() if count}


def share_of_6ND(result: StudyResult) -> str:
    """Say what share of the exact FLOPs 6ND is, N counted as the study counts it."""
    found = [
        100 * 6 * row["N"] * row["D"] / row["C"]
        for row in rows(result)
        if row.get("N") and row.get("D") and row.get("C")
    ]
    if not found:
        return ""
    low, high = f"{min(found):.0f}", f"{max(found):.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"
