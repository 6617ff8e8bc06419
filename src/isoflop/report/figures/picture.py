"""Pictures that come as data, drawn in the report's look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.report import text
from isoflop.report.figures.base import (
    compute_axis,
    count_axis,
    linear_axis,
    new_figure,
    plotly,
)
from isoflop.report.palette import colour

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.replay.result import Axis, Picture, Series

#: Characters of a line of a category's label, if its words allow; a phone shows five of them.
_LABEL = 8


def draw(picture: Picture) -> go.Figure:
    """Draw a picture.

    Raises:
        MissingExtra: if plotly is not installed.
    """
    every = picture.series
    x = _axis(picture.x, [v for s in every for v in s.x])
    ends = [v for s in every for v in (*s.y, *s.low, *s.high)]
    y = _axis(picture.y, ends)
    y["title"] = {"text": ""}  # `new_figure` writes it above the axis
    figure = new_figure(x, y, text.escape(picture.y.title))
    for series in every:
        figure.add_trace(_trace(series))
    return figure


def _axis(axis: Axis, values: list[float]) -> dict[str, Any]:
    title = text.escape(axis.title)
    if axis.kind == "flops":
        return compute_axis(values, title)
    if axis.kind == "count":
        return count_axis(values, title)
    if axis.kind == "linear":
        return linear_axis(values, title)
    if axis.kind == "from zero":
        return linear_axis([0.0, *values], title)
    return {
        "range": [-0.4, len(axis.labels) - 0.6],
        "tickvals": list(range(len(axis.labels))),
        "ticktext": [_wrapped(label) for label in axis.labels],
        "tickangle": 0,
        "title": {"text": title},
    }


def _wrapped(label: str) -> str:
    import textwrap

    lines = textwrap.wrap(label, _LABEL, break_long_words=False)
    return "<br>".join(text.escape(line) for line in lines)


def _trace(series: Series) -> Any:
    shade = colour(series.role)
    name = text.escape(series.name)
    trace: dict[str, Any] = {
        "x": list(series.x),
        "y": list(series.y),
        "mode": series.mode,
        "name": name,
        "showlegend": bool(series.name),
        "line": {"color": shade, "width": 2, "dash": series.dash},
        "marker": {"color": shade, "size": 8, "symbol": series.symbol},
        "hovertemplate": (f"{name}<br>" if name else "") + "%{x:.4g}: %{y:.4g}<extra></extra>",
    }
    if series.low:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [high - y for y, high in zip(series.y, series.high, strict=True)],
            "arrayminus": [y - low for y, low in zip(series.y, series.low, strict=True)],
            "color": shade,
            "thickness": 1.4,
            "width": 5,
        }
    return plotly().Scatter(**trace)
