"""Plans as people read them: text for a terminal, HTML for a notebook."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from isoflop.fit.misses import alone
from isoflop.plan.columns import columns
from isoflop.units import format_count, format_duration, format_flops, format_loss, format_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.plan.answer import Amount, Plan, Regret, Sweep
    from isoflop.samples import Estimate

_WIDTH = 96


def text(plan: Plan) -> str:
    """Return one plan as text: the choice, how sure, how flat, what it costs, what to mind."""
    choice = plan.choice
    parts = [
        f"Train {format_count(choice.N)} parameters on {format_count(choice.D)} tokens"
        f" ({format_ratio(choice.tokens_per_parameter)} a parameter).",
        *_wrapped(f"{plan.objective[:1].upper()}{plan.objective[1:]}{_amount(plan)}."),
        *_wrapped(f"Law {plan.law}: {plan.constants_from}. {_counted(plan)}"),
        "",
        *columns(_quantities(plan)),
        *_wrapped(alone(plan.sampling)),
        *_bounds(plan),
        *_flat(plan),
        *_regret(plan),
        *_serving(plan),
        *_cost(plan),
        *([""] if plan.warnings else []),
    ]
    for warning in plan.warnings:
        parts += textwrap.wrap(f"warning: {warning}", _WIDTH, subsequent_indent="  ")
    return "\n".join(parts)


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, _WIDTH)


def _amount(plan: Plan) -> str:
    said = []
    if plan.budget is not None:
        written = plan.budget.text if plan.budget.how else ""
        said.append(f"{written} = " * bool(written) + f"{format_flops(plan.budget.flops)} FLOPs")
        said += [plan.budget.how] if plan.budget.how else []
    if plan.target is not None:
        said.append(f"loss {plan.target:.6g} {plan.loss_unit}")
    return f": {'; '.join(said)}" if said else ""


def _counted(plan: Plan) -> str:
    counted = {k: v for k, v in plan.convention.items() if k != "plan" and v != "unstated"}
    shown = ", ".join(f"{key} {value}" for key, value in counted.items())
    inputs = ", ".join(
        f"{key} = {value if isinstance(value, str) else format_count(value)}"
        for key, value in plan.inputs.items()
    )
    said = [f"Counted: {shown}" if shown else "N, D and loss are as the runs count them", inputs]
    return f"{'; '.join(x for x in said if x)}; the plan counts {plan.convention['plan']}."


#: Quantity -> heading, unit, writer.
_SHOWN: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "N": ("N", "parameters", format_count),
    "D": ("D", "tokens", format_count),
    "C": ("C", "training FLOPs", format_flops),
    "epochs": ("epochs", "", format_ratio),
    "tokens_per_parameter": ("D/N", "tokens a parameter", format_ratio),
    "loss": ("loss", "", format_loss),
    "batch": ("batch", "tokens", format_count),
    "learning_rate": ("learning rate", "", lambda x: f"{x:.3g}"),
    "steps": ("steps", "", format_count),
}


def _quantities(plan: Plan) -> list[list[str]]:
    values = {name: getattr(plan.choice, name, None) for name in _SHOWN} | {"loss": plan.loss}
    heading = f"{100 * plan.level:g} % interval" if plan.intervals else "no interval"
    rows = [["", "", heading, ""]]
    for name, (title, unit, write) in _SHOWN.items():
        value = values[name]
        if value is None:
            continue
        shown = plan.loss_unit if name == "loss" else unit
        if name in ("batch", "learning_rate") and plan.rule is not None:
            shown = f"{unit + ', ' if unit else ''}{plan.rule.name}: {plan.rule.source}"
        ends = (plan.intervals or {}).get(name)
        rows.append([title, write(value), _ends(ends, write) if ends else "", shown])
    if plan.accuracy is not None:
        low_high = _ends(plan.accuracy.interval, _three) if plan.accuracy.interval else ""
        rows.append(["through the link", _three(plan.accuracy.estimate), low_high, plan.link])
    return rows


def _three(value: float) -> str:
    return f"{value:.3g}"


def _ends(ends: Any, write: Callable[[float], str]) -> str:
    low, high = ends
    return f"{'open' if low is None else write(low)} to {'open' if high is None else write(high)}"


def _bounds(plan: Plan) -> list[str]:
    if not plan.bounds:
        return []
    rows = []
    for name, bound in plan.bounds.items():
        write = format_flops if name == "max_C" else format_count
        words = f"{name[-1]} at {'least' if name.startswith('min') else 'most'}"
        rows.append([words, write(bound.value), "reached" if bound.reached else "", bound.reason])
    return ["", "Bounds", *columns(rows)]


def _flat(plan: Plan) -> list[str]:
    if not plan.flat:
        return []
    ranges = [
        f"within {share.rstrip('%')} % of the best loss: N from {format_count(low)} to"
        f" {format_count(high)}"
        for share, (low, high) in plan.flat.items()
    ]
    return ["", plan.equal_cost.capitalize(), *(f"  {line}" for line in ranges)]


def _regret(plan: Plan) -> list[str]:
    if not plan.regret:
        return []
    rows = [["size", "N", "worse by", "reaches the best loss for", ""]]
    names = {"0.5x": "half", "1x": "chosen", "2x": "twice"}
    for name, one in plan.regret.items():
        worse = "serving alone costs more" if one.loss is None else _estimate(one.loss, "{:.4f}")
        rows.append([names[name], format_count(one.N), worse, *_more(one)])
    holds = next((x.loss.holds for x in plan.regret.values() if x.loss and x.loss.holds), "")
    said = [f"  intervals: {holds}"] if holds else []
    return ["", "Another size for the same money, by the fitted law", *columns(rows), *said]


def _more(one: Regret) -> list[str]:
    if one.flops is None:
        return ["never", ""]
    more = one.flops.estimate
    shown = f"{'-' if more < 0 else '+'}{format_flops(abs(more))} FLOPs"
    if one.flops.interval:
        shown += f" ({_ends(one.flops.interval, format_flops)})"
    return [shown, "" if one.dollars is None else _dollars(one.dollars.estimate)]


def _dollars(value: float) -> str:
    return f"{'-' if value < 0 else '+'}${abs(value):,.0f}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if abs(share) > 5e-5 else "0 %"


def _estimate(value: Estimate, form: str) -> str:
    shown = form.format(value.estimate)
    return shown + (f" ({_ends(value.interval, form.format)})" if value.interval else "")


def _serving(plan: Plan) -> list[str]:
    one = plan.serving
    if one is None:
        implied = plan.implied_serving
        if not implied or implied < 1e-3 * plan.choice.D:
            return []
        sentence = (
            "This N and D are the cheapest way to their loss for a model that serves"
            f" {format_count(implied)} tokens."
        )
        return ["", *_wrapped(sentence)]
    within = " within the bounds" if plan.bounds else ""
    lines = (
        f"Serving {format_count(one.tokens)} tokens: the cheapest model to train to this"
        f" loss{within} has {format_count(one.N)} parameters on {format_count(one.D)} tokens. The"
        f" choice is {one.size:.3g} times as large and trains on {format_ratio(one.data)} times the"
        f" tokens: training costs {_percent(one.training)} more, the whole life"
        f" {_percent(one.lifetime)} less."
    )
    return ["", *_wrapped(lines)]


def _cost(plan: Plan) -> list[str]:
    parts = {"training": plan.cost.train, "serving": plan.cost.serve}
    parts |= {"total": plan.cost.total} if plan.cost.serve is not None else {}
    rows = [[name, *_units(part)] for name, part in parts.items() if part is not None]
    return ["", *_wrapped(f"Cost ({plan.cost.how})"), *columns(rows)]


def _units(part: Amount) -> list[str]:
    shown = [f"{format_flops(part.flops)} FLOPs"]
    hours, days = part.device_hours, part.days
    shown.append("" if hours is None else f"{format_count(hours)} device-hours")
    shown.append("" if days is None else format_duration(days * 86400))
    shown.append("" if part.dollars is None else f"${part.dollars:,.0f}")
    shown.append("" if part.kwh is None else f"{format_count(part.kwh)} kWh")
    shown.append("" if part.kg_co2e is None else f"{format_count(part.kg_co2e)} kg CO2e")
    return shown


# Tables -------------------------------------------------------------------------------------------
def compare_text(plans: Sequence[Plan]) -> str:
    """Return several plans side by side, and what must be said of each."""
    rows = [["law", "N", "D", "D/N", "loss", "constants"]]
    for plan in plans:
        ends = plan.intervals or {}
        rows.append(
            [
                plan.law,
                format_count(plan.choice.N) + _in_brackets(ends.get("N")),
                format_count(plan.choice.D) + _in_brackets(ends.get("D")),
                format_ratio(plan.choice.tokens_per_parameter),
                "-" if plan.loss is None else format_loss(plan.loss),
                plan.constants_from,
            ]
        )
    sizes = [plan.choice.N for plan in plans]
    lines = [
        *columns(rows, ""),
        "",
        f"N differs by {format_ratio(max(sizes) / min(sizes))} times. Losses of different constants"
        " are of different text and tokenizers: do not compare them.",
    ]
    said: dict[str, list[str]] = {}
    for plan in plans:
        for warning in plan.warnings:
            name = f"{plan.law} ({plan.constants_from.rpartition(' ')[2].strip('()')})"
            said.setdefault(warning, []).append(name)
    for warning, names in said.items():
        shown = f"warning: {', '.join(names)}: {warning}"
        lines += textwrap.wrap(shown, _WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def _in_brackets(ends: Any) -> str:
    return f" ({_ends(ends, format_count)})" if ends else ""


def sweep_text(swept: Sweep) -> str:
    """Return a sweep as a table, with what must be said of it."""
    write = format_flops if swept.over == "budget" else format_count
    table = [[swept.over.replace("_", " "), "N", "D", "D/N", "loss"]]
    for row in swept.rows:
        cells = [format_count(x.estimate) + _in_brackets(x.interval) for x in (row.N, row.D)]
        loss = "-" if row.loss is None else _estimate(row.loss, "{:.3f}")
        ratio = format_ratio(row.D.estimate / row.N.estimate)
        table.append([write(row.value), *cells, ratio, loss])
    lines = columns(table, "")
    held = "".join(f"; {name.replace('_', ' ')} {value}" for name, value in swept.held.items())
    asked = f"{swept.objective[:1].upper()}{swept.objective[1:]}{held}."
    lines += ["", *_wrapped(asked), *_wrapped(f"Law {swept.law}: {swept.constants_from}.")]
    for warning in swept.warnings:
        lines += textwrap.wrap(f"warning: {warning}", _WIDTH, subsequent_indent="  ")
    return "\n".join(lines)


def html(text: str) -> str:
    """Return a text for a notebook: as it is, with a fixed pitch, escaped."""
    from html import escape

    return f"<pre>{escape(text)}</pre>"
