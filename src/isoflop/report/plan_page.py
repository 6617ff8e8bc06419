"""The page of a plan: one HTML file with the choice, the frontier, the regret and the cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.report import text
from isoflop.report.answer import Number, said
from isoflop.report.blocks import Block, Panel, document
from isoflop.report.figures import plan_answer as figures
from isoflop.report.key import key
from isoflop.report.page import render_page
from isoflop.report.plan_tables import (
    compared_rows,
    cost_table,
    frontier_rows,
    regret_rows,
    with_interval,
)
from isoflop.samples import SAMPLING
from isoflop.store.files import guard, write_atomic
from isoflop.units import format_count, format_loss, format_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.plan.answer import Plan


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
        held=said(plan.holds.get("N", ""), plan.holds.get("loss", ""), plan.sampling),
        regret_holds=next((x.loss.holds for x in plan.regret.values() if x.loss), ""),
        blocks=blocks(plan),
        regret=regret_rows(plan),
        frontier=frontier_rows(plan),
        costs=costs,
        units=units,
        compared=compared_rows(plans) if len(plans) > 1 else [],
        notes=[(p.law, p.constants_from, p.warnings) for p in plans[1:]],
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
    found.append(
        ("Tokens per parameter", with_interval(plan, "tokens_per_parameter", format_ratio))
    )
    if choice.epochs is not None:
        found.append(("Epochs over the unique tokens", with_interval(plan, "epochs", format_ratio)))
    if plan.rule is not None and choice.batch and choice.learning_rate and choice.steps:
        batch, steps = (with_interval(plan, name, format_count) for name in ("batch", "steps"))
        rate = with_interval(plan, "learning_rate", text.general)
        rates = (
            f"{batch} tokens a step, learning rate {rate}, {steps} steps ({plan.rule.name},"
            f" {plan.rule.source}; {plan.rule.note})"
        )
        found.append(("Batch and learning rate", rates))
    if plan.accuracy is not None:
        found.append((plan.link, text.estimate(plan.accuracy, text.exponent)))
    found += [
        (f"Within {text.cost(share)} of the best loss",
         f"N from {format_count(low)} to {format_count(high)}, {plan.equal_cost}")
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
                f" that is cheapest to train to this loss"
                f"{' within the bounds' if plan.bounds else ''} ({format_count(one.N)} on"
                f" {format_count(one.D)}): training costs {text.percent(one.training, 1)} more,"
                f" the whole life {text.percent(one.lifetime, 1)} less",
            )
        )
    return found


# Figures -------------------------------------------------------------------------------
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
    pays = " that pay for training and serving" if plan.cost.serve else ""
    caption = (
        f"The best plan of other budgets{pays}, two decades to both sides; the star is the choice."
        + (" Bands hold what its intervals do." if plan.intervals else " No samples, no band.")
    )
    flat = (
        "Loss against model size for the same money. The optimum is flat: shaded sizes cost less"
        f" than the stated share of the loss ({ranges})."
        + (f" The curve is the fitted law's; its band: {SAMPLING}." if plan.intervals else "")
    )
    return [
        block("frontier", "Frontier", caption, frontier, "this law gives a single allocation"),
        block("regret", "What another size would cost", flat, [(curve, flat, 420)],
               "this law has no loss of other sizes"),
    ]  # fmt: skip


def block(
    name: str, heading: str, caption: str, panels: list[tuple[Any, str, int]], missing: str
) -> Block:
    """Return a figure of panels (figure, description, height); `missing` says why there is none."""
    drawn = [(figure, alt, tall) for figure, alt, tall in panels if figure is not None]
    if not drawn:
        return Block(name, heading, missing, [], [])
    entries = key(drawn[0][0], 0)
    return Block(
        name, heading, caption, [Panel(document(f), alt, tall) for f, alt, tall in drawn], entries
    )
