"""The tables of a plan's page as text: other sizes, other budgets, costs, other laws."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from isoflop.plan.cautions import times
from isoflop.report import text
from isoflop.units import format_count, format_duration, format_loss, format_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.plan.answer import Amount, Plan, Row


class Cost(NamedTuple):
    """One line of the cost split: what it is for, texts by unit, and its share of the longest."""

    name: str
    cells: list[str]
    share: float


def regret_rows(plan: Plan) -> list[list[str]]:
    """Return one row a size: N, loss above the best, compute and dollars to make up for it."""
    names = {"0.5x": "half", "1x": "the choice", "2x": "twice"}
    rows = []
    for name, one in plan.regret.items():
        worse = "serving alone costs more" if one.loss is None else text.estimate(one.loss, _four)
        more = "never" if one.flops is None else text.estimate(one.flops, text.flops)
        price = "—" if one.dollars is None else f"{one.dollars.estimate:,.0f}"
        rows.append([names[name], format_count(one.N), worse, more, price])
    return rows


def _four(value: float) -> str:
    return f"{value:.4f}"


def frontier_rows(plan: Plan) -> list[list[str]]:
    """Return one row a budget of the frontier: budget, N, D, loss."""
    return row_texts(plan.frontier, text.flops)


def row_texts(rows: Sequence[Row], write: Callable[[float], str]) -> list[list[str]]:
    """Return the lines of a frontier or sweep as text."""
    return [
        [
            write(row.value),
            text.estimate(row.N, format_count),
            text.estimate(row.D, format_count),
            text.estimate(row.loss, format_loss),
        ]
        for row in rows
    ]


#: Column of a cost: field, heading, unit, writer.
UNITS: tuple[tuple[str, str, str, Callable[[float], str]], ...] = (
    ("flops", "compute", "FLOPs", text.flops),
    ("device_hours", "time", "device-hours", format_count),
    ("days", "wall clock", "", lambda days: format_duration(days * 86400)),
    ("dollars", "price", "USD", lambda x: f"{x:,.0f}"),
    ("kwh", "energy", "kWh", format_count),
    ("kg_co2e", "carbon", "kg CO2e", format_count),
)


def cost_table(plan: Plan) -> tuple[list[tuple[str, str]], list[Cost]]:
    """Return headings with units, and training, serving and both with bars relative to the total.

    A column that is known of no part is left out.
    """
    parts = {"training": plan.cost.train, "serving": plan.cost.serve, "total": plan.cost.total}
    if plan.cost.serve is None:
        parts = {"training": plan.cost.train}
    most = plan.cost.total.device_hours or plan.cost.total.flops
    present = {name: part for name, part in parts.items() if part is not None}
    known = [u for u in UNITS if any(getattr(part, u[0]) is not None for part in present.values())]
    rows = [
        Cost(name, [_cell(part, u) for u in known], (part.device_hours or part.flops) / most)
        for name, part in present.items()
    ]
    return [("", ""), *((heading, unit) for _, heading, unit, _ in known), ("share", "")], rows


def _cell(part: Amount, unit: tuple[str, str, str, Callable[[float], str]]) -> str:
    value = getattr(part, unit[0])
    return "—" if value is None else unit[3](value)


def compared_rows(plans: Sequence[Plan]) -> list[list[str]]:
    """Return one row a plan: law, constants, N, D, tokens per parameter, loss, how far out."""
    rows = []
    for plan in plans:
        far = ", ".join(f"{k} {times(v)}" for k, v in plan.distance.items() if v > 1) or "inside"
        if not plan.distance:
            far = "not recorded"
        loss = "—" if plan.loss is None else f"{_loss(plan)}"
        rows.append(
            [
                plan.law,
                _origin(plan),
                with_interval(plan, "N", format_count),
                with_interval(plan, "D", format_count),
                format_ratio(plan.choice.tokens_per_parameter),
                loss,
                far,
            ]
        )
    return rows


def _origin(plan: Plan) -> str:
    """Return where constants are from in few words: `Hoffmann et al. 2022, set tex`."""
    paper, found, rest = plan.constants_from.partition(" (arXiv:")
    return f"{paper}, {rest.rpartition('; ')[2]}" if found else plan.constants_from


def _loss(plan: Plan) -> str:
    ends = (plan.intervals or {}).get("loss")
    shown = format_loss(plan.loss or 0.0)
    return shown + (f" ({text.interval(ends, format_loss)})" if ends else "")


def with_interval(plan: Plan, name: str, write: Callable[[float], str]) -> str:
    """Return a number of the choice with its interval, if it has one."""
    value = getattr(plan.choice, name)
    ends = (plan.intervals or {}).get(name)
    return write(value) + (f" ({text.interval(ends, write)})" if ends else "")
