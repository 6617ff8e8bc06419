"""One fit as a figure: the law over each of its inputs, or the law against the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.fit.runs import build_problem
from isoflop.report import text
from isoflop.report.figures.base import band, linear_axis, log_axis, plotly, template
from isoflop.report.palette import budget_scale, colour
from isoflop.units import format_count

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.fit.result import Fit

_PLACES = 61  # points of a line


def plot(fit: Fit, table: Any = None) -> go.Figure:
    """Draw a fit: see `isoflop.fit.Fit.plot`."""
    return fit_inputs(fit) if table is None else fit_runs(fit, table)


def fit_inputs(fit: Fit) -> go.Figure:
    """Draw the law over each numeric input, one panel an input, the others at their middle.

    Lines end where the fitted runs end. The band is the fit's interval of the mean, if it has
    samples. A law by groups gets a line for each label.

    Raises:
        MissingExtra: if plotly is not installed.
    """
    names = list(fit.ranges)
    figure = _panels(max(1, len(names)))
    for k, name in enumerate(names, 1):
        low, high = fit.ranges[name]
        logs = low > 0
        x = np.geomspace(low, high, _PLACES) if logs else np.linspace(low, high, _PLACES)
        _lines(figure, fit, name, x, k)
        title = f"{text.escape(name)} ({_held(fit, name)})"
        axis = log_axis([low, high], title) if logs else linear_axis([low, high], title)
        figure.update_xaxes(axis, row=1, col=k)
    figure.update_yaxes(title_text=text.escape(_with_unit(fit)), col=1)
    return figure


def fit_runs(fit: Fit, table: Any) -> go.Figure:
    """Draw observed against predicted output of each run, and each run's residual.

    Args:
        fit: a fit.
        table: the runs it was fitted to, or others with the same columns.

    Raises:
        InputError: if a column is missing or holds values the law cannot take.
        MissingExtra: if plotly is not installed.
    """
    problem = build_problem(table, fit.law, fit.settings)
    observed, predicted = problem.observed, fit.point(**problem.inputs)
    relative = problem.noise.logs
    residual = 100 * (observed / predicted - 1) if relative else observed - predicted
    runs = np.arange(len(observed))
    hover = [f"run {k}<br>observed {observed[k]:.4g}, predicted {predicted[k]:.4g}" for k in runs]
    figure = _panels(2)
    axis = linear_axis([*observed, *predicted], "predicted")
    _line(figure, axis["range"], axis["range"], 1)
    _points(figure, predicted, observed, hover, 1)
    _line(figure, [0, len(runs) - 1], [0, 0], 2)
    _points(figure, runs, residual, hover, 2)
    figure.update_xaxes(axis, row=1, col=1)
    figure.update_yaxes(linear_axis([*observed, *predicted], "observed"), row=1, col=1)
    figure.update_xaxes(linear_axis(runs.tolist(), "row of the table"), row=1, col=2)
    unit = "observed above predicted, %" if relative else "observed minus predicted"
    figure.update_yaxes(linear_axis(list(residual), unit), row=1, col=2)
    return figure


def _panels(count: int) -> go.Figure:
    go = plotly()
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=count)
    figure.update_layout(template=template(go))
    return figure


def _middle(fit: Fit, name: str) -> float:
    low, high = fit.ranges[name]
    return float(np.sqrt(low * high)) if low > 0 else 0.5 * (low + high)


def _held(fit: Fit, name: str) -> str:
    others = [
        f"{text.escape(x)} = {format_count(_middle(fit, x))}" for x in fit.ranges if x != name
    ]
    return ", ".join(["log scale" if fit.ranges[name][0] > 0 else "linear", *others])


def _lines(figure: go.Figure, fit: Fit, name: str, x: np.ndarray, column: int) -> None:
    """Add the law over one input: a line, and a band, for each label of the law's first group."""
    inputs: dict[str, Any] = {other: _middle(fit, other) for other in fit.ranges} | {name: x}
    first = {group: labels[0] for group, labels in fit.law.levels.items()}
    group = next(iter(first), "")
    labels = fit.law.levels[group] if group else (fit.law.name,)
    shades = [pair[0] for pair in budget_scale(len(labels))] if group else [colour("approach3")]
    for label, shade in zip(labels, shades, strict=True):
        given: dict[str, Any] = inputs | first | ({group: label} if group else {})
        if fit.samples is not None:
            tail = 0.5 * (1 - fit.settings.level)
            low, high = np.nanquantile(
                fit.predict(new_run=False, **given), [tail, 1 - tail], axis=0
            )
            band(figure, x.tolist(), low.tolist(), high.tolist(), shade)
            figure.update_traces(
                {"xaxis": _axis("x", column), "yaxis": _axis("y", column)}, selector=-1
            )
        shown = text.escape(label)
        figure.add_trace(
            plotly().Scatter(
                x=x,
                y=np.broadcast_to(fit.point(**given), x.shape),
                mode="lines",
                line={"color": shade, "width": 2},
                name=shown,
                showlegend=bool(group) and column == 1,
                hovertemplate=f"{shown}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
            ),
            row=1,
            col=column,
        )


def _axis(letter: str, column: int) -> str:
    return letter if column == 1 else f"{letter}{column}"


def _line(figure: go.Figure, x: list[float], y: list[float], column: int) -> None:
    line = {"color": colour("neutral"), "width": 1.2}
    trace = plotly().Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip")
    figure.add_trace(trace, row=1, col=column)


def _points(figure: go.Figure, x: Any, y: Any, hover: list[str], column: int) -> None:
    trace = plotly().Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": colour("approach3"), "size": 7},
        showlegend=False,
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.add_trace(trace, row=1, col=column)


def _with_unit(fit: Fit) -> str:
    unit = fit.law.output.unit
    return fit.settings.output + (f", {unit}" if unit not in ("", "1") else "")
