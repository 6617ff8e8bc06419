"""Final loss against model size, one curve a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.report import data, text
from isoflop.report.figures.base import (
    LOSS,
    count_axis,
    error_bar,
    linear_axis,
    new_figure,
    plotly,
)
from isoflop.report.palette import colour
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.result import Optimum, StudyResult
    from isoflop.samples import Estimate


#: Of more budgets than this, those of too few sizes for a curve share one look.
_MOST = 8


def isoflop_parabolas(result: StudyResult) -> go.Figure | None:
    """Draw the runs of every budget, the parabola through them and its minimum.

    Filled markers were used by the fit, open ones were not (held out, or too far from the
    minimum). A budget without a minimum is dashed and says why. None without runs.
    """
    fitted = {run for optimum in result.approach2.optima for run in optimum.runs}
    every = data.finished(result)
    shown = [r for r in every if r["role"] in {"isoflop", "heldout"} or r["id"] in fitted]
    shown = [r for r in shown if data.number(r.get("N")) and data.number(r.get("budget"))]
    if not shown:
        return None
    optima = {optimum.budget: optimum for optimum in result.approach2.optima}
    sizes, losses = [r["N"] for r in shown], [r["loss"] for r in shown]
    figure = new_figure(
        count_axis(sizes, f"parameters N, {text.convention(data.convention(result))} (log scale)"),
        linear_axis([*losses, min(losses) - 0.05 * (max(losses) - min(losses))]),
        LOSS,
    )
    styles = data.styles(result)
    few = {b for b in styles if b in optima and optima[b].status == "too few"}
    few = few if len(styles) > _MOST else set()
    if few:
        _add_few(figure, [r for r in shown if r["budget"] in few])
    for budget, style in styles.items():
        of_budget = [r for r in shown if r["budget"] == budget]
        if of_budget and budget not in few:
            _add_budget(figure, of_budget, optima.get(budget), style)
    return figure


def _add_few(figure: go.Figure, rows: list[dict[str, Any]]) -> None:
    """Add the runs of budgets that have too few sizes for a curve, all in one look."""
    shade = colour("neutral")
    figure.add_trace(
        plotly().Scatter(
            x=[r["N"] for r in rows],
            y=[r["loss"] for r in rows],
            mode="markers",
            marker={"symbol": "x-thin", "size": 7, "line": {"width": 1.6, "color": shade}},
            name="budgets of too few sizes",
            customdata=[f"{text.flops(r['budget'])} FLOPs<br>{_hover(r)}" for r in rows],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _hover(row: dict[str, Any]) -> str:
    return (
        f"{text.escape(row['id'][:8])}<br>N = {format_count(row['N'])}, D = "
        f"{format_count(row.get('D') or 0)} tokens<br>{format_loss(row['loss'])} nats/token"
    )


def _add_budget(
    figure: go.Figure,
    rows: list[dict[str, Any]],
    optimum: Optimum | None,
    style: data.BudgetStyle,
) -> None:
    used = set(optimum.runs) if optimum else set()
    name = f"{text.flops(rows[0]['budget'])} FLOPs{_state(rows, optimum)}"
    if optimum and optimum.curve_N:
        dash = "solid" if optimum.status == "ok" else "dot"
        _add_curve(figure, optimum.curve_N, optimum.curve_loss, name, style, dash)
    else:
        ordered = sorted(rows, key=lambda row: row["N"])
        sizes, losses = [r["N"] for r in ordered], [r["loss"] for r in ordered]
        _add_curve(figure, sizes, losses, name, style, "dot")
    _add_runs(figure, sorted(rows, key=lambda row: row["id"] not in used), used, name, style)
    if optimum and optimum.N and optimum.loss:
        _add_minimum(figure, optimum.budget, (optimum.N, optimum.loss), name, style)
    else:
        _label(figure, min(rows, key=lambda row: row["loss"]), style)


def _state(rows: list[dict[str, Any]], optimum: Optimum | None) -> str:
    if optimum is None:
        return ", held out" if all(r["role"] == "heldout" for r in rows) else ", not fitted"
    return "" if optimum.status == "ok" else f": no minimum ({text.escape(optimum.status)})"


def _add_curve(
    figure: go.Figure,
    sizes: list[float],
    losses: list[float],
    name: str,
    style: data.BudgetStyle,
    dash: str,
) -> None:
    figure.add_trace(
        plotly().Scatter(
            x=sizes,
            y=losses,
            mode="lines",
            line={"color": style.colour, "width": 1.8, "dash": dash},
            name=name,
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
    )


def _add_runs(
    figure: go.Figure,
    rows: list[dict[str, Any]],
    used: set[str],
    name: str,
    style: data.BudgetStyle,
) -> None:
    figure.add_trace(
        plotly().Scatter(
            x=[r["N"] for r in rows],
            y=[r["loss"] for r in rows],
            mode="markers",
            marker={
                "symbol": [style.symbol + ("" if r["id"] in used else "-open") for r in rows],
                "color": style.colour,
                "size": 9,
                "line": {"width": 1.6, "color": style.colour},
            },
            name=name,
            legendgroup=name,
            customdata=[_hover(r) for r in rows],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )


def _add_minimum(
    figure: go.Figure,
    budget: float,
    minimum: tuple[Estimate, Estimate],
    name: str,
    style: data.BudgetStyle,
) -> None:
    size, loss = minimum
    hover = (
        f"minimum of {name}<br>N* = {text.estimate(size, format_count)}"
        f"<br>loss {text.estimate(loss, format_loss)} nats/token"
    )
    figure.add_trace(
        plotly().Scatter(
            x=[size.estimate],
            y=[loss.estimate],
            error_x=error_bar([size], colour("text")),
            mode="markers+text",
            marker={
                "symbol": "cross-thin",
                "size": 11,
                "line": {"width": 2, "color": colour("text")},
            },
            text=[text.flops(budget)],
            textposition="bottom center",
            textfont={"size": 12.5, "color": style.colour},
            cliponaxis=False,
            name=name,
            legendgroup=name,
            showlegend=False,
            hovertemplate=f"{hover}<extra></extra>",
        )
    )


def _label(figure: go.Figure, lowest: dict[str, Any], style: data.BudgetStyle) -> None:
    """Name a budget without a minimum below its best run."""
    figure.add_trace(
        plotly().Scatter(
            x=[lowest["N"]],
            y=[lowest["loss"]],
            mode="markers+text",
            marker={"size": 12, "opacity": 0},  # keeps the text clear of the run's marker
            text=[text.flops(lowest["budget"])],
            textposition="bottom center",
            textfont={"size": 12.5, "color": style.colour},
            cliponaxis=False,
            showlegend=False,
            hoverinfo="skip",
            name="",
        )
    )
