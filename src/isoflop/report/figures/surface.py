"""Approach 3: what the fitted loss surface says about the runs it was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.report import data, text
from isoflop.report.figures.base import count_axis, linear_axis, new_figure, plotly
from isoflop.report.palette import colour
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.result import StudyResult


def surface_fit(result: StudyResult) -> go.Figure | None:
    """Draw observed against predicted loss, with the line of equality. None without a fit."""
    shown = residual_rows(result)
    if not shown:
        return None
    values = [v for r in shown for v in (r["loss"], r["predicted"])]
    axis = linear_axis(values, "predicted, nats per token")
    figure = new_figure(axis, linear_axis(values), "observed, nats per token")
    low, high = axis["range"]
    figure.add_trace(
        plotly().Scatter(
            x=[low, high],
            y=[low, high],
            mode="lines",
            line={"color": colour("neutral"), "width": 1.2},
            name="equal",
            showlegend=False,
            hoverinfo="skip",
        )
    )
    _add_budgets(figure, result, shown, "predicted", "loss")
    return figure


def surface_residuals(result: StudyResult) -> go.Figure | None:
    """Draw the residual (observed over predicted, percent) against N. None without a fit."""
    shown = residual_rows(result)
    if not shown:
        return None
    furthest = max(0.5, *(abs(r["residual"]) for r in shown))
    figure = new_figure(
        count_axis(
            [r["N"] for r in shown],
            f"N, {text.convention(data.convention(result))} (log scale)",
        ),
        linear_axis([-furthest, furthest], pad=0.1),
        "observed above predicted loss, %",
    )
    figure.add_hline(y=0, line={"color": colour("neutral"), "width": 1.2})
    _add_budgets(figure, result, shown, "N", "residual")
    return figure


def residual_rows(result: StudyResult) -> list[dict[str, Any]]:
    """Return the runs that approach 3 was fitted on, with `predicted` and `residual` (percent).

    A residual of the document is observed minus predicted, nats per token.
    """
    known = result.approach3.residuals
    found = []
    for row in data.finished(result):
        residual = known.get(row["id"])
        if data.number(residual) and data.number(row.get("N")):
            predicted = row["loss"] - residual
            found.append(row | {"predicted": predicted, "residual": 100 * residual / predicted})
    return found


def _add_budgets(
    figure: go.Figure, result: StudyResult, shown: list[dict[str, Any]], x: str, y: str
) -> None:
    for budget, style in data.styles(result).items():
        rows = [row for row in shown if row.get("budget") == budget]
        if rows:
            _add_points(figure, rows, x, y, style)


def _add_points(
    figure: go.Figure, rows: list[dict[str, Any]], x: str, y: str, style: data.BudgetStyle
) -> None:
    hover = [
        f"{text.escape(r['id'][:8])}, N = {format_count(r['N'])}<br>observed "
        f"{format_loss(r['loss'])}, predicted {format_loss(r['predicted'])} nats/token"
        f"<br>{r['residual']:+.2f} %"
        for r in rows
    ]
    figure.add_trace(
        plotly().Scatter(
            x=[row[x] for row in rows],
            y=[row[y] for row in rows],
            mode="markers",
            marker={"color": style.colour, "symbol": style.symbol, "size": 9},
            name=f"{text.flops(rows[0]['budget'])} FLOPs",
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
