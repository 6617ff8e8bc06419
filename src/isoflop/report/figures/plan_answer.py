"""The figures of a plan: the frontier over budgets, and what another size costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.report import text
from isoflop.report.figures.base import (
    band,
    compute_axis,
    count_axis,
    error_bar,
    linear_axis,
    new_figure,
    plotly,
)
from isoflop.report.figures.plan import add_flat
from isoflop.report.palette import colour
from isoflop.samples import Estimate
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from isoflop.plan.answer import Plan, Row, Sweep

BUDGET = "budget, FLOPs (log scale)"
LIFE = "training and serving, training FLOPs (log scale)"


def frontier_size(plan: Plan) -> go.Figure | None:
    """Draw the best N over the budget, with the choice; None without a frontier."""
    return _frontier(plan, "N", "parameters N (log scale)")


def frontier_loss(plan: Plan) -> go.Figure | None:
    """Draw the lowest loss over the budget, with the choice; None without a frontier."""
    return _frontier(plan, "loss", f"loss, {plan.loss_unit.replace('/', ' per ')}")


def _frontier(plan: Plan, name: str, title: str) -> go.Figure | None:
    label = _named("best plan of each budget", bool(plan.intervals), plan.level)
    axis = BUDGET if plan.cost.serve is None else LIFE
    figure = over(plan.frontier, name, axis, title, label)
    if figure is not None:
        value = plan.choice.N if name == "N" else plan.loss
        estimate = Estimate(value or 0.0, (plan.intervals or {}).get(name))
        _choice(figure, plan.cost.worth, estimate, _WRITE[name])
    return figure


def swept(sweep: Sweep, name: str) -> go.Figure | None:
    """Draw N, D or the loss of a sweep over what was varied; None if the law gives no loss."""
    sampled = any(row.N.interval for row in sweep.rows)
    titles = {"N": "parameters N (log scale)", "D": "tokens D (log scale)"}
    title = titles.get(name, f"loss, {sweep.loss_unit.replace('/', ' per ')}")
    axis = BUDGET if sweep.over == "budget" else f"{varied(sweep)} (log scale)"
    label = _named("best plan of each value", sampled, sweep.level)
    return over(sweep.rows, name, axis, title, label)


def varied(sweep: Sweep) -> str:
    """Return what a sweep varies, in words."""
    return {"serve": "served tokens"}.get(sweep.over, sweep.over.replace("_", " "))


#: Quantity -> how it is written.
_WRITE: dict[str, Callable[[float], str]] = {
    "N": format_count,
    "D": format_count,
    "loss": format_loss,
}


def over(rows: list[Row], name: str, axis: str, title: str, label: str) -> go.Figure | None:
    """Draw N, D or the loss over what varies, with a band where there are samples.

    Args:
        rows: of a frontier or sweep; name: "N", "D" or "loss".
        axis: title of the horizontal axis, logarithmic; title: of the vertical one.
        label: of the line.
    """
    rows = [row for row in rows if getattr(row, name) is not None]
    if not rows:
        return None
    values = [getattr(row, name) for row in rows]
    ends = [end for value in values for end in value.interval or () if end is not None]
    points, x = [value.estimate for value in values], [row.value for row in rows]
    vertical = linear_axis([*points, *ends])
    if name != "loss":
        vertical = count_axis([*points, *ends], "")
    compute = axis in (BUDGET, LIFE)
    write = text.flops if compute else format_count
    horizontal = compute_axis(x, axis) if compute else count_axis(x, axis)
    figure = new_figure(horizontal, vertical, title)
    _band(figure, rows, name)
    shown = [f"{write(a)}: {_WRITE[name](b)}" for a, b in zip(x, points, strict=True)]
    figure.add_trace(
        plotly().Scatter(
            x=x,
            y=points,
            mode="lines",
            line={"color": colour("approach2"), "width": 2},
            name=label,
            customdata=shown,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    return figure


def _named(what: str, sampled: bool, level: float) -> str:
    return f"{what}, with {text.percent(level)} band" if sampled else what


def _band(figure: go.Figure, rows: list[Row], name: str) -> None:
    known = [
        (row.value, *ends)
        for row in rows
        if (ends := getattr(row, name).interval) is not None and None not in ends
    ]
    if known:
        x, low, high = (list(column) for column in zip(*known, strict=True))
        band(figure, x, low, high, colour("approach2"))


def _choice(figure: go.Figure, x: float, value: Estimate, write: object) -> None:
    shade = colour("text")
    figure.add_trace(
        plotly().Scatter(
            x=[x],
            y=[value.estimate],
            error_y=error_bar([value], shade),
            mode="markers",
            marker={"symbol": "star", "size": 14, "color": shade},
            name="the choice",
            hovertemplate=f"{text.estimate(value, write)}<extra></extra>",  # pyright: ignore
        )
    )


def regret_curve(plan: Plan) -> go.Figure | None:
    """Draw the loss over N at the cost of the choice, with sizes that cost little or much."""
    sizes, losses = plan.curve.get("N", []), plan.curve.get("loss", [])
    near = [k for k, loss in enumerate(losses) if loss is not None and loss <= _highest(plan)]
    if not near:
        return None
    N = [sizes[k] for k in near]
    loss = [losses[k] for k in near]
    low, high = ([ends[k] for k in near] if ends else [] for ends in
                 (plan.curve.get("low"), plan.curve.get("high")))  # fmt: skip
    bands = bool(low) and None not in low and None not in high
    low_high = (plan.intervals or {}).get("loss")
    spread = [*low, *high, *(low_high or ())] if bands else []
    title = f"loss, {plan.loss_unit.replace('/', ' per ')}"
    axis = linear_axis([x for x in (*loss, *spread) if x is not None], pad=0.08)
    figure = new_figure(count_axis([x for x in N if x], "parameters N (log scale)"), axis, title)
    widest = sorted(plan.flat.items(), key=lambda item: item[1][0] / item[1][1])
    for k, (share, ends) in enumerate(widest):
        add_flat(figure, share, ends, k)
    if bands:
        band(figure, N, low, high, colour("approach2"))  # pyright: ignore
    figure.add_trace(
        plotly().Scatter(
            x=N,
            y=loss,
            mode="lines",
            line={"color": colour("approach2"), "width": 2},
            name=_named("loss at the same cost", bands, plan.level),
            customdata=[f"N = {format_count(n or 0)}" for n in N],
            hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
        )
    )
    _others(figure, plan)
    if plan.loss is not None:
        _choice(figure, plan.choice.N, Estimate(plan.loss, low_high), format_loss)
    return figure


def _highest(plan: Plan) -> float:
    """Losses above this leave the picture: a tenth above the choice."""
    return 1.1 * (plan.loss or 0.0)


def _others(figure: go.Figure, plan: Plan) -> None:
    others = [
        (one.N, (plan.loss or 0.0) + one.loss.estimate - _own(plan))
        for name, one in plan.regret.items()
        if name != "1x" and one.loss is not None
    ]
    if others:
        N, loss = (list(column) for column in zip(*others, strict=True))
        figure.add_trace(
            plotly().Scatter(
                x=N,
                y=loss,
                mode="markers",
                marker={"symbol": "circle-open", "size": 10, "color": colour("approach3")},
                name="half and twice the size",
                hovertemplate="%{y:.4f}<extra></extra>",
            )
        )


def _own(plan: Plan) -> float:
    one = plan.regret.get("1x")
    return one.loss.estimate if one is not None and one.loss is not None else 0.0
