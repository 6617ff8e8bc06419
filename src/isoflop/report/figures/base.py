"""What every figure shares: look, axes and ticks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from isoflop.errors import MissingExtra
from isoflop.report import text
from isoflop.report.palette import colour, fade
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import plotly.graph_objects as go

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
COMPUTE = "training compute C, {} (log scale)"
LOSS = "validation loss, nats per token"
_MOST_TICKS = 6


def plotly() -> Any:
    """Import plotly's graph objects.

    Raises:
        MissingExtra: if plotly is not installed.
    """
    try:
        import plotly.graph_objects
    except ImportError as error:
        raise MissingExtra("plotly", "report", "drawing figures") from error
    return plotly.graph_objects


def new_figure(x: dict[str, Any], y: dict[str, Any], y_title: str) -> go.Figure:
    """Return an empty figure with two axes.

    The title of the vertical axis stands above it, horizontally: it reads without turning the
    head and costs a phone no width.
    """
    go = plotly()
    figure = go.Figure()
    figure.update_layout(template=template(go), xaxis=x, yaxis=y)
    figure.add_annotation(
        text=y_title,
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        yshift=8,
        showarrow=False,
        font={"size": 13, "color": colour("muted")},
    )
    return figure


def log_axis(
    values: Iterable[float],
    title: str = "",
    write: Callable[[float], str] = format_count,
    pad: float = 0.06,
    most: int = _MOST_TICKS,
) -> dict[str, Any]:
    """Return a log axis around positive values, with 1-2-5 or decade ticks written in full."""
    low, high = _ends([math.log10(v) for v in values if v > 0], pad)
    ticks = log_ticks(low, high, most)
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [write(tick) for tick in ticks],
        "title": {"text": title},
    }


def compute_axis(values: Iterable[float], title: str) -> dict[str, Any]:
    """Return a log axis in FLOPs; its long labels are at most five, for a phone's width."""
    return log_axis(values, title, text.flops, most=5)


def count_axis(values: Iterable[float], title: str) -> dict[str, Any]:
    """Return a log axis for parameters or tokens."""
    return log_axis(values, title, format_count)


def linear_axis(values: Iterable[float], title: str = "", pad: float = 0.06) -> dict[str, Any]:
    """Return a linear axis around values."""
    low, high = _ends(list(values), pad)
    return {"range": [low, high], "title": {"text": title}, "nticks": 7}


def loss_log_axis(values: Iterable[float]) -> dict[str, Any]:
    """Return a log axis for losses, whose range seldom spans a decade."""
    return log_axis(values, "", lambda value: f"{value:g}")


def log_ticks(low: float, high: float, most: int = _MOST_TICKS) -> list[float]:
    """Choose at most `most` round ticks between 10**low and 10**high: 1-2-5, 1-3, or decades."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for mantissas in (range(10, 100), range(10, 100, 5), (10, 20, 30, 40, 50, 60, 80)):
        if high - low < 0.7:
            found = _inside(decades, [m / 10 for m in mantissas], low, high)
            if 3 <= len(found) <= most:
                return found
    for choice in ((1, 2, 5), (1, 3), (1,)):
        found = _inside(decades, choice, low, high)
        if len(found) <= most:
            return found
    step = math.ceil(len(decades) / most)
    return [10.0**k for k in decades if k % step == 0 and low <= k <= high]


def band(
    figure: go.Figure, x: list[float], low: list[float], high: list[float], shade: str
) -> None:
    """Fill between two lines; the band has no legend entry and no hover text."""
    go = plotly()
    if not x or not low or not high:
        return
    figure.add_trace(
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=fade(shade, 0.16),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            name="",
        )
    )


def error_bar(estimates: list[Any], shade: str) -> dict[str, Any]:
    """Return asymmetric error bars from estimates; an open or missing end gets none."""
    up, down = [], []
    for value in estimates:
        low, high = value.interval or (None, None)
        up.append(max(0.0, high - value.estimate) if high is not None else 0.0)
        down.append(max(0.0, value.estimate - low) if low is not None else 0.0)
    return {
        "type": "data",
        "symmetric": False,
        "array": up,
        "arrayminus": down,
        "color": shade,
        "thickness": 1.5,
        "width": 4,
    }


def edge_of_data(figure: go.Figure, c: float | None) -> None:
    """Mark where the fitted data end, on an axis in FLOPs."""
    if c is None:
        return
    figure.add_shape(
        type="line",
        x0=c,
        x1=c,
        y0=0,
        y1=1,
        yref="paper",
        line={"color": colour("neutral"), "width": 1, "dash": "dot"},
    )
    figure.add_annotation(
        x=math.log10(c),
        y=0,
        yref="paper",
        text="data end here",
        xanchor="right",
        yanchor="bottom",
        xshift=-4,
        showarrow=False,
        font={"size": 12, "color": colour("muted")},
    )


def loss_text(value: float) -> str:
    """Print a loss with its unit."""
    return f"{format_loss(value)} nats/token"


def template(go: Any) -> Any:
    """Return the look of every figure as a plotly template; `go` is plotly's graph objects."""
    axis = {
        "gridcolor": colour("grid"),
        "linecolor": colour("rule"),
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": colour("rule"),
        "tickfont": {"size": 12.5, "color": colour("muted")},
        "title": {"font": {"size": 13, "color": colour("muted")}, "standoff": 10},
        "automargin": True,
        "fixedrange": True,
    }
    layout = go.Layout(
        font={"family": FONT, "size": 13, "color": colour("text")},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 16, "t": 34, "b": 48},
        xaxis=axis,
        yaxis=axis,
        hovermode="closest",
        hoverlabel={
            "bgcolor": colour("surface"),
            "bordercolor": colour("rule"),
            "font": {"family": FONT, "size": 13, "color": colour("text")},
        },
        # Dragging would stop a phone from scrolling the page.
        dragmode=False,
        legend={"orientation": "h", "x": 0, "y": 1.1, "yanchor": "bottom"},
    )
    return go.layout.Template(layout=layout)


def _ends(values: list[float], pad: float) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = pad * (high - low) or 0.5 * abs(low) or 0.5
    return low - margin, high + margin


def _inside(decades: Iterable[int], mantissas: Any, low: float, high: float) -> list[float]:
    candidates = (float(f"{m}e{k}") for k in decades for m in mantissas)
    return [value for value in candidates if low <= math.log10(value) <= high]
