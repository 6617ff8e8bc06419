"""The plan: how much a wrong size costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isoflop.report import text
from isoflop.report.figures.base import (
    LOSS,
    band,
    count_axis,
    error_bar,
    linear_axis,
    new_figure,
    plotly,
)
from isoflop.report.palette import colour, fade
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.result import PlanAnswer, StudyResult
    from isoflop.samples import Estimate


def plan_curve(result: StudyResult) -> go.Figure | None:
    """Draw the loss at the planned budget against N, with the ranges that cost little.

    Returns None where there is no plan or it has no curve.
    """
    plan = result.plan
    if plan is None or not plan.curve.get("N"):
        return None
    sizes, median = plan.curve["N"], plan.curve["median"]
    low, high = plan.curve.get("low", []), plan.curve.get("high", [])
    title = f"parameters N, {text.convention(plan.convention)} (log scale)"
    losses = [*median, *low, *high, *_ends(plan.loss)]
    figure = new_figure(
        count_axis([*sizes, *_ends(plan.N)], title), linear_axis(losses, pad=0.08), LOSS
    )
    widest = sorted(plan.flat.items(), key=lambda item: item[1][0] / item[1][1])
    for k, (cost, ends) in enumerate(widest):
        add_flat(figure, cost, ends, k)
    band(figure, sizes, low, high, colour("approach2"))
    figure.add_trace(
        plotly().Scatter(
            x=sizes,
            y=median,
            mode="lines",
            line={"color": colour("approach2"), "width": 2},
            name=f"median and {text.percent(plan.level)} band",
            customdata=[f"N = {format_count(n)}" for n in sizes],
            hovertemplate="%{customdata}: %{y:.3f} nats/token<extra></extra>",
        )
    )
    _add_choice(figure, plan)
    return figure


def _ends(value: Estimate) -> list[float]:
    """Return the ends of an interval that are not open."""
    return [end for end in value.interval or () if end is not None and math.isfinite(end)]


def add_flat(figure: go.Figure, cost: str, ends: tuple[float, float], line: int) -> None:
    """Shade the sizes whose loss is within a share of the best; `line` stacks the labels."""
    low, high = ends
    shade = colour("approach1")
    figure.add_vrect(x0=low, x1=high, line_width=0, fillcolor=fade(shade, 0.13), layer="below")
    figure.add_annotation(
        x=math.log10(low),
        y=1,
        yref="paper",
        text=f"within {text.escape(text.cost(cost))}",
        xanchor="left",
        xshift=4,
        yanchor="top",
        yshift=-4 - 18 * line,
        showarrow=False,
        font={"size": 12, "color": shade},
    )


def _add_choice(figure: go.Figure, plan: PlanAnswer) -> None:
    shade = colour("text")
    figure.add_trace(
        plotly().Scatter(
            x=[plan.N.estimate],
            y=[plan.loss.estimate],
            error_x=error_bar([plan.N], shade),
            error_y=error_bar([plan.loss], shade),
            mode="markers",
            marker={"symbol": "star", "size": 14, "color": shade},
            name=f"choice, with {text.percent(plan.level)} intervals",
            hovertemplate=f"N* = {text.estimate(plan.N, format_count)}<br>loss "
            f"{text.estimate(plan.loss, format_loss)} nats/token<extra></extra>",
        )
    )
