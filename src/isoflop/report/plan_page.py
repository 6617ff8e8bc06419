"""The page of a plan: one HTML file with the choice, the frontier, the regret and the cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from isoflop import __version__
from isoflop.errors import InputError
from isoflop.report import text
from isoflop.report.answer import Number
from isoflop.report.blocks import Block, Panel, document
from isoflop.report.figures import plan_answer as figures
from isoflop.report.key import key
from isoflop.report.page import render_page
from isoflop.store.files import guard, write_atomic
from isoflop.units import format_count, format_duration, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.plan.answer import Amount, Plan, Row, Sweep


class Cost(NamedTuple):
    """One line of the cost split: what it is for, texts by unit, and its share of the longest."""

    name: str
    cells: list[str]
    share: float


def write_plan(plans: Sequence[Plan], path: str | Path) -> Path:
    """Write plans as one self-contained HTML file: the first in full, the others beside it.

    Args:
        plans: one plan, or several of the same question.
        path: where to write it; folders above it are made.

    Returns:
        The path written.

    Raises:
        InputError: there is no plan.
        MissingExtra: if jinja2 or plotly is not installed.
        StoreError: if the file cannot be written.
    """
    target = Path(path)
    page = render_plan(plans)
    with guard("write the plan to", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, page.encode(errors="replace"))
    return target


def render_plan(plans: Sequence[Plan]) -> str:
    """Return plans as HTML (see `write_plan`)."""
    if not plans:
        raise InputError("there is no plan to show.")
    plan = plans[0]
    units, costs = cost_table(plan)
    return render_page(
        "plan.html.j2",
        0,
        version=plan.version,
        plan=plan,
        heading=heading(plan),
        lead=lead(plan),
        numbers=numbers(plan),
        facts=facts(plan),
        blocks=blocks(plan),
        regret=regret_rows(plan),
        frontier=frontier_rows(plan),
        costs=costs,
        units=units,
        compared=compared_rows(plans) if len(plans) > 1 else [],
        notes=[(p.law, p.constants_from, p.warnings) for p in plans[1:]],
    )


def write_sweep(sweep: Sweep, path: str | Path) -> Path:
    """Write a sweep as one self-contained HTML file: N and loss over what was varied, as a table.

    Returns:
        The path written.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
        StoreError: if the file cannot be written.
    """
    target = Path(path)
    page = render_sweep(sweep)
    with guard("write the sweep to", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, page.encode(errors="replace"))
    return target


def render_sweep(sweep: Sweep) -> str:
    """Return a sweep as HTML (see `write_sweep`)."""
    what = figures.varied(sweep)
    losses = {format_loss(row.loss.estimate) for row in sweep.rows if row.loss is not None}
    # A loss that was asked for is the same everywhere; then the tokens tell more.
    second = "D" if len(losses) < 2 else "loss"
    panels = [
        (figures.swept(sweep, name), f"Best {name} over {what}.", 400) for name in ("N", second)
    ]
    banded = any(row.N.interval for row in sweep.rows)
    caption = f"The best plan of each value of {what}." + (
        " Bands hold the samples." if banded else " No samples, no band."
    )
    block = _block("sweep", f"N and {second} over {what}", caption, panels, "no value has a plan")
    write = text.flops if sweep.over == "budget" else format_count
    return render_page(
        "sweep.html.j2",
        0,
        version=__version__,
        sweep=sweep,
        what=what,
        heading=f"N and {second} over {what}",
        block=block,
        rows=row_texts(sweep.rows, write),
    )


# Words --------------------------------------------------------------------------------------------
def heading(plan: Plan) -> str:
    """Return the answer as a heading."""
    return f"Train {format_count(plan.choice.N)} parameters on {format_count(plan.choice.D)} tokens"


def lead(plan: Plan) -> str:
    """Return what was asked and what comes of it, in one paragraph."""
    asked = f"{plan.objective[:1].upper()}{plan.objective[1:]}"
    if plan.budget is not None:
        words = f"“{plan.budget.text}”, " if plan.budget.how else ""
        asked += f": {words}{text.flops(plan.budget.flops)} FLOPs"
    if plan.target is not None:
        asked += f"; loss {format_loss(plan.target)}"
    loss = "" if plan.loss is None else f" Expected loss {format_loss(plan.loss)} {plan.loss_unit}."
    return f"{asked}.{loss}"


def numbers(plan: Plan) -> list[Number]:
    """Return the numbers of the choice with their intervals."""
    shown: list[tuple[str, str, str, float | None, Callable[[float], str], str]] = [
        ("Parameters", "N", "N", plan.choice.N, format_count, "parameters"),
        ("Tokens", "D", "D", plan.choice.D, format_count, "tokens processed"),
        ("Loss", "L", "loss", plan.loss, format_loss, plan.loss_unit.replace("/", " per ")),
        ("Training", "C", "C", plan.choice.C, text.flops, "FLOPs, 6ND"),
    ]
    return [
        Number(
            name,
            symbol,
            write(value),
            value,
            text.interval((plan.intervals or {}).get(field), write),
            unit,
        )
        for name, symbol, field, value, write, unit in shown
        if value is not None
    ]


def facts(plan: Plan) -> list[tuple[str, str]]:
    """Return the further facts of a plan as name and sentence."""
    choice, found = plan.choice, []
    found.append(("Tokens per parameter", _with(plan, "tokens_per_parameter", text.ratio)))
    if choice.epochs is not None:
        found.append(("Epochs over the unique tokens", _with(plan, "epochs", text.ratio)))
    if plan.rule is not None and choice.batch and choice.learning_rate and choice.steps:
        rates = (
            f"{_with(plan, 'batch', format_count)} tokens a step, learning rate"
            f" {_with(plan, 'learning_rate', text.general)}, {_with(plan, 'steps', format_count)}"
            f" steps ({plan.rule.name}, {plan.rule.source}; {plan.rule.note})"
        )
        found.append(("Batch and learning rate", rates))
    if plan.accuracy is not None:
        found.append((plan.link, text.estimate(plan.accuracy, text.exponent)))
    found += [
        (f"Within {text.cost(share)} of the best loss",
         f"N from {format_count(low)} to {format_count(high)}, at the same cost")
        for share, (low, high) in plan.flat.items()
    ]  # fmt: skip
    words = {"min": "at least", "max": "at most"}
    for name, bound in plan.bounds.items():
        write = text.flops if name == "max_C" else format_count
        reason = f" ({bound.reason})" if bound.reason else ""
        on_it = "; the choice lies on it" if bound.reached else ""
        sentence = f"{words[name[:3]]} {write(bound.value)}{reason}{on_it}"
        found.append((f"Bound on {name[-1]}", sentence))
    if plan.serving is not None:
        one = plan.serving
        found.append(
            (
                f"Because of {format_count(one.tokens)} served tokens",
                f"{one.size:.3g} times the size and {one.data:.3g} times the tokens of the model"
                f" that is cheapest to train to this loss ({format_count(one.N)} on"
                f" {format_count(one.D)}): training costs {text.percent(one.training, 1)} more,"
                f" the whole life {text.percent(one.lifetime, 1)} less",
            )
        )
    return found


def _with(plan: Plan, name: str, write: Callable[[float], str]) -> str:
    value = getattr(plan.choice, name)
    ends = (plan.intervals or {}).get(name)
    return write(value) + (f" ({text.interval(ends, write)})" if ends else "")


# Figures and tables -------------------------------------------------------------------------------
def blocks(plan: Plan) -> list[Block]:
    """Return the figures: the frontier and what another size costs."""
    frontier = [
        (figures.frontier_size(plan), "Best number of parameters against the budget.", 400),
        (figures.frontier_loss(plan), "Lowest loss against the budget.", 400),
    ]
    ranges = "; ".join(
        f"{text.cost(share)}: N from {format_count(low)} to {format_count(high)}"
        for share, (low, high) in plan.flat.items()
    )
    curve = figures.regret_curve(plan)
    caption = (
        "The best plan of other budgets, two decades to both sides; the star is the choice."
        + (" Bands hold the samples of the fit." if plan.intervals else " No samples, no band.")
    )
    flat = (
        "Loss against model size for the same money. The optimum is flat: shaded sizes cost less"
        f" than the stated share of the loss ({ranges})."
    )
    return [
        _block("frontier", "Frontier", caption, frontier, "this law gives a single allocation"),
        _block("regret", "What another size would cost", flat, [(curve, flat, 420)],
               "this law has no loss of other sizes"),
    ]  # fmt: skip


def _block(
    name: str, heading: str, caption: str, panels: list[tuple[Any, str, int]], missing: str
) -> Block:
    drawn = [(figure, alt, tall) for figure, alt, tall in panels if figure is not None]
    if not drawn:
        return Block(name, heading, missing, [], [])
    entries = key(drawn[0][0], 0)
    return Block(
        name, heading, caption, [Panel(document(f), alt, tall) for f, alt, tall in drawn], entries
    )


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
        far = ", ".join(f"{k} {v:.2g}×" for k, v in plan.distance.items() if v > 1) or "inside"
        if not plan.distance:
            far = "not recorded"
        loss = "—" if plan.loss is None else f"{_loss(plan)}"
        rows.append(
            [
                plan.law,
                _origin(plan),
                _with(plan, "N", format_count),
                _with(plan, "D", format_count),
                text.ratio(plan.choice.tokens_per_parameter),
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
