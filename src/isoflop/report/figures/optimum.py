"""The compute-optimal size, tokens and loss as functions of compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from isoflop.report import data, text
from isoflop.report.figures.base import (
    band,
    compute_axis,
    count_axis,
    edge_of_data,
    error_bar,
    loss_log_axis,
    new_figure,
    plotly,
)
from isoflop.report.palette import colour
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    import plotly.graph_objects as go

    from isoflop.protocols.result import Approach, PowerLawFit, StudyResult
    from isoflop.samples import Estimate

_DASH = {"approach1": "dash", "approach2": "solid", "approach3": "dashdot"}
_RANK = {"approach1": 1, "approach2": 2, "approach3": 3}
_DRAWN = ("approach1", "approach3", "approach2")  # the measured minima come last, on top


def optimal_parameters(result: StudyResult) -> go.Figure | None:
    """Draw N*(C) of the three approaches with bands, the minima and the plan. None if no law."""
    title = f"N*, parameters ({text.convention(data.convention(result))})"
    return _draw(result, "N", title, format_count)


def optimal_tokens(result: StudyResult) -> go.Figure | None:
    """Draw D*(C) of the three approaches with bands, the minima and the plan. None if no law."""
    return _draw(result, "D", "D*, tokens processed", format_count)


def optimal_loss(result: StudyResult) -> go.Figure | None:
    """Draw the loss at the optimum against C, with held-out run and plan. None if no law."""
    figure = _draw(result, "loss", "lowest validation loss, nats per token", format_loss)
    if figure is not None and result.heldout is not None:
        figure.add_trace(
            plotly().Scatter(
                x=[result.heldout.budget],
                y=[result.heldout.observed],
                mode="markers",
                marker={
                    "symbol": "circle-open",
                    "size": 11,
                    "line": {"width": 2},
                    "color": colour("text"),
                },
                name="held-out run, observed",
                hovertemplate="held out, observed: %{y:.3f} nats/token<extra></extra>",
            )
        )
    return figure


def _draw(
    result: StudyResult, what: str, title: str, write: Callable[[float], str]
) -> go.Figure | None:
    by_name = {approach.name: approach for approach in data.approaches(result)}
    chosen = [by_name[name] for name in _DRAWN if name in by_name]
    laws = [(a, law) for a in chosen if a.ok and (law := _law(a, what)) and law.C]
    if not laws:
        return None
    laws = [(approach, _up_to(law, _right_end(result))) for approach, law in laws]
    compute = [c for _, law in laws for c in law.C]
    values = _values(result, [law for _, law in laws], what)
    y_axis = loss_log_axis(values) if what == "loss" else count_axis(values, "")
    figure = new_figure(
        compute_axis(compute, f"C, {data.compute(result)} (log scale)"), y_axis, title
    )
    ends = min(values) / 100, max(values) * 100  # a band that is open leaves the picture
    for approach, law in laws:
        low = [_within(v, ends[0], ends) for v in law.low]
        high = [_within(v, ends[1], ends) for v in law.high]
        band(figure, law.C, low, high, colour(approach.name))
    for approach, law in laws:
        _add_line(figure, approach, law)
    _add_minima(figure, result.approach2, what, write)
    _add_plan(figure, result, what, write)
    edge_of_data(figure, data.largest_fitted(result))
    return figure


def _law(approach: Approach, what: str) -> PowerLawFit | None:
    return {"N": approach.N_opt, "D": approach.D_opt, "loss": approach.loss_opt}[what]


def _right_end(result: StudyResult) -> float:
    """Return where the axis of compute ends: a little beyond the plan."""
    if result.plan is not None:
        return 3 * result.plan.C
    return 30 * (data.largest_fitted(result) or math.inf)


def _up_to(law: PowerLawFit, c: float) -> PowerLawFit:
    """Cut a law's band where the picture ends."""
    count = max(2, sum(value <= c for value in law.C))
    cut = {name: getattr(law, name)[:count] for name in ("C", "median", "low", "high")}
    return msgspec.structs.replace(law, **cut)


def _values(result: StudyResult, laws: list[PowerLawFit], what: str) -> list[float]:
    """Return what the vertical axis must show: lines, minima, plan, and most of the bands."""
    lines = [v for law in laws for v in law.median if data.number(v) and v > 0]
    estimates = [getattr(o, what) for o in result.approach2.optima]
    estimates += [getattr(result.plan, what)] if result.plan else []
    known = [e for e in estimates if e is not None]
    points = [v for e in known for v in (e.estimate, *(e.interval or ())) if v is not None]
    far = 1.15 if what == "loss" else 3.0
    ends = min(lines) / far, max(lines) * far
    bands = [_within(v, ends[0], ends) for law in laws for v in [*law.low, *law.high]]
    return [*lines, *points, *bands]


def _within(value: float | None, otherwise: float, ends: tuple[float, float]) -> float:
    """Clip a value to the ends; one that is not a positive number becomes `otherwise`."""
    if not data.number(value) or value <= 0:
        return otherwise
    return min(max(value, ends[0]), ends[1])


def _add_line(figure: go.Figure, approach: Approach, law: PowerLawFit) -> None:
    figure.add_trace(
        plotly().Scatter(
            x=law.C,
            y=law.median,
            mode="lines",
            line={"color": colour(approach.name), "width": 2, "dash": _DASH[approach.name]},
            name=text.escape(approach.title),
            legendrank=_RANK[approach.name],
            customdata=[f"C = {text.flops(c)} FLOPs" for c in law.C],
            hovertemplate=f"{text.escape(approach.title)}<br>%{{customdata}}: %{{y:.4~s}}"
            "<extra></extra>",
        )
    )


def _add_minima(
    figure: go.Figure, approach: Approach, what: str, write: Callable[[float], str]
) -> None:
    values = [(o.C, value) for o in approach.optima if (value := getattr(o, what)) is not None]
    if values:
        _add_points(
            figure,
            [c for c, _ in values],
            [value for _, value in values],
            "minima of the parabolas",
            {"symbol": "circle", "size": 8, "color": colour("approach2")},
            write,
        )


def _add_plan(
    figure: go.Figure, result: StudyResult, what: str, write: Callable[[float], str]
) -> None:
    if result.plan is not None:
        marker = {"symbol": "star", "size": 14, "color": colour("text")}
        answer = getattr(result.plan, what)
        _add_points(figure, [result.plan.C], [answer], "the plan", marker, write)


def _add_points(
    figure: go.Figure,
    c: list[float],
    values: list[Estimate],
    name: str,
    marker: dict[str, object],
    write: Callable[[float], str],
) -> None:
    figure.add_trace(
        plotly().Scatter(
            x=c,
            y=[value.estimate for value in values],
            error_y=error_bar(values, str(marker["color"])),
            mode="markers",
            marker=marker,
            name=name,
            customdata=[text.estimate(value, write) for value in values],
            hovertemplate=f"{name}<br>%{{x:.3g}} FLOPs: %{{customdata}}<extra></extra>",
        )
    )
