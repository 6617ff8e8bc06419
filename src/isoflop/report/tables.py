"""The tables of the page as plain rows of text, with the numbers to sort by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from isoflop.report import data, text
from isoflop.units import format_count, format_duration, format_loss, format_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.protocols.result import Approach, StudyResult
    from isoflop.samples import Estimate


class Column(NamedTuple):
    """One column: heading, unit below it, whether it holds numbers."""

    heading: str
    unit: str
    numeric: bool


class Cell(NamedTuple):
    """One cell: what is shown, the value to sort by, and the full text where it was cut."""

    shown: str
    value: float | str
    full: str = ""


class Share(NamedTuple):
    """One line of where the time went."""

    name: str
    shown: str
    share: float


#: Column of the run table -> heading, unit, writer. Others follow as they are.
_COLUMNS: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "id": ("run", "", str),
    "role": ("role", "", str),
    "status": ("status", "", str),
    "budget": ("budget", "FLOPs", text.flops),
    "N": ("N", "parameters", format_count),
    "D": ("D", "tokens", format_count),
    "C": ("C", "FLOPs", text.flops),
    "loss": ("loss", "nats/token", format_loss),
    "bits_per_byte": ("loss", "bits/byte", format_loss),
    "U": ("U", "unique tokens", format_count),
    "N_matrices": ("N, matrices", "parameters", format_count),
    "N_all": ("N, all", "parameters", format_count),
    "C_6ND": ("6ND", "FLOPs", text.flops),
    "seed": ("seed", "", lambda value: f"{value:g}"),
    "seconds": ("time", "s", lambda value: f"{value:.1f}"),
    "reason": ("reason", "", str),
}
#: Columns of the table that only the fit needs.
_HIDDEN = {"weight", "run", "family", "corpus"}
_LONGEST = 12


def run_table(result: StudyResult) -> tuple[list[Column], list[list[Cell]]]:
    """Return the run table's columns and rows, by role, budget and size.

    Columns without any value are left out.
    """
    rows = sorted(data.rows(result), key=_place)
    filled = [n for n in result.table if any(_filled(row.get(n)) for row in rows)]
    order = [n for n in _COLUMNS if n in filled]
    order += [n for n in filled if n not in _COLUMNS and n not in _HIDDEN]
    columns = [_column(name, rows) for name in order]
    return columns, [[_cell(name, row.get(name)) for name in order] for row in rows]


def _place(row: dict[str, Any]) -> tuple[int, float, float]:
    """Return what the run table is sorted by at first."""
    roles = list(data.ROLES)
    role = roles.index(row["role"]) if row["role"] in roles else len(roles)
    budget, size = (row.get(name) for name in ("budget", "N"))
    return role, budget if data.number(budget) else 0.0, size if data.number(size) else 0.0


def _filled(value: Any) -> bool:
    return data.number(value) if isinstance(value, float) else value not in (None, "")


def _column(name: str, rows: list[dict[str, Any]]) -> Column:
    heading, unit, _ = _COLUMNS.get(name, (name.replace("_", " "), "", str))
    return Column(heading, unit, any(data.number(row.get(name)) for row in rows))


def _cell(name: str, value: Any) -> Cell:
    if value is None or value == "":
        return Cell("—", "")
    if not isinstance(value, int | float):
        shown = str(value)
        shown = data.ROLES.get(shown, shown) if name == "role" else shown
        cut = name == "id" and len(shown) > _LONGEST
        return Cell(shown[:8] + "…" if cut else shown, shown, shown if cut else "")
    if not data.number(value):
        return Cell("—", "")
    write = _COLUMNS[name][2] if name in _COLUMNS else text.general
    return Cell(write(value), float(value))


def approach_rows(result: StudyResult) -> list[tuple[str, list[str]]]:
    """Return the comparison of the three approaches: heading, then one text an approach."""
    found = data.approaches(result)
    rows = [
        ("Exponent a of N*(C)", [text.estimate(a.N_exponent, text.exponent) for a in found]),
        ("Exponent b of D*(C)", [text.estimate(a.D_exponent, text.exponent) for a in found]),
        ("Exponent of L*(C)", [text.estimate(_loss(a), text.exponent) for a in found]),
    ]
    plan = result.plan
    if plan is not None:
        at = f"at {text.flops(plan.C)} FLOPs"
        answers = [plan.by_model.get(a.name, {}) for a in found]
        for what, unit, write in (
            ("N", "parameters", format_count),
            ("D", "tokens", format_count),
            ("L", "nats/token", format_loss),
        ):
            name = "loss" if what == "L" else what
            if any(name in answer for answer in answers):
                cells = [text.estimate(answer.get(name), write) for answer in answers]
                rows.append((f"{what}* {at}, {unit}", cells))
    return rows


def _loss(approach: Approach) -> Estimate | None:
    return approach.loss_opt.exponent if approach.loss_opt else None


#: Units of the parameters of L(N, D) = E + A / N^alpha + B / D^beta; exponents have none.
_UNITS = {
    "E": "nats/token",
    "A": "nats/token × parameters^alpha",
    "B": "nats/token × tokens^beta",
}


def parameter_rows(approach: Approach) -> list[tuple[str, str, str, str]]:
    """Return name, estimate, unit and whether the runs identify it, for every parameter."""
    words = {True: "yes", False: "no", None: "—"}
    return [
        (
            name,
            text.estimate(value, text.general),
            _UNITS.get(name, "1"),
            words[approach.identified.get(name)],
        )
        for name, value in approach.parameters.items()
    ]


def minima_rows(result: StudyResult) -> list[list[str]]:
    """Return one row a budget of approach 2: budget, N*, D*, D*/N*, loss, rms, verdict."""
    rows = []
    for o in result.approach2.optima:
        per = format_ratio(o.D.estimate / o.N.estimate) if o.N and o.D and o.N.estimate else "—"
        verdict = "minimum" if o.status == "ok" else ": ".join(filter(None, (o.status, o.reason)))
        rows.append(
            [
                text.flops(o.budget),
                text.estimate(o.N, format_count),
                text.estimate(o.D, format_count),
                per,
                text.estimate(o.loss, format_loss),
                "—" if o.rms is None else f"{o.rms:.4f}",
                verdict,
            ]
        )
    return rows


def timing_rows(result: StudyResult) -> list[Share]:
    """Return where the time went, in the document's order, as shares of the longest line.

    Lines may overlap (time of all workers, wall clock), so they are not shares of a sum.
    """
    longest = max(result.timing.values(), default=0.0)
    return [
        Share(name.replace("_", " "), format_duration(value), value / longest if longest else 0.0)
        for name, value in result.timing.items()
    ]


def settings(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return settings, provenance or corpus as name and text."""
    return [(str(name).replace("_", " "), text.cell(value)) for name, value in values.items()]
