"""Loss during training, one line a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.report import data, text
from isoflop.report.figures.base import (
    COMPUTE,
    compute_axis,
    loss_log_axis,
    loss_text,
    new_figure,
    plotly,
)
from isoflop.report.palette import colour, fade
from isoflop.units import format_count

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.result import StudyResult

_POINTS = 60
_DASH = {"heldout": "dash", "lr_probe": "dot", "seed": "dot"}


def loss_curves(result: StudyResult) -> go.Figure | None:
    """Draw training loss against compute for every run, and the lower envelope.

    Lines are training loss (mean since the previous point), the marker at the end is the final
    validation loss. Returns None where no curve was recorded.
    """
    shown = [row for row in data.rows(result) if _points(result, row)]
    if not shown:
        return None
    ends = [(row["C"], row["loss"]) for row in shown if data.number(row.get("loss"))]
    # The first steps, near the uniform guess, would take most of the height.
    top = 1.35 * max((loss for _, loss in ends), default=float("inf"))
    lost = [_points(result, row)[-1] for row in shown if row["status"] != "finished"]
    ends += [(c, loss) for c, loss in lost if loss <= 1.5 * top]
    start = min(row["budget"] for row in shown) / 30
    points = [p for row in shown for p in _points(result, row)]
    visible = [(c, loss) for c, loss in points if c >= start and loss <= top]
    envelope = _envelope(result, start)
    every = [*visible, *ends, *envelope] or points
    figure = new_figure(
        compute_axis([c for c, _ in every], COMPUTE.format(data.compute(result))),
        loss_log_axis([loss for _, loss in every]),
        "training loss, nats per token",
    )
    styles = data.styles(result)
    named: set[tuple[float, str]] = set()
    for row in sorted(shown, key=lambda row: (row["role"] in {"lr_probe", "seed"}, row["budget"])):
        _add_run(figure, result, row, styles[row["budget"]], named, start)
    _add_envelope(figure, envelope)
    return figure


def _points(result: StudyResult, row: dict[str, Any]) -> list[tuple[float, float]]:
    """Return (C, training loss) of a run, thinned to a figure's resolution."""
    curve = result.curves.get(row["id"], {})
    if not data.number(row.get("budget")):
        return []
    pairs = zip(curve.get("C", []), curve.get("train_loss", []), strict=False)
    points = [(c, loss) for c, loss in pairs if data.number(c) and data.number(loss) and c > 0]
    stride = max(1, len(points) // _POINTS)
    return points[::-stride][::-1]


def _add_run(
    figure: go.Figure,
    result: StudyResult,
    row: dict[str, Any],
    style: data.BudgetStyle,
    named: set[tuple[float, str]],
    start: float,
) -> None:
    go = plotly()
    points = [p for p in _points(result, row) if p[0] >= start] or _points(result, row)
    failed = row["status"] != "finished"
    kind = "failed" if failed else row["role"]
    dash = _DASH.get(kind, "solid")
    name = f"{text.flops(row['budget'])} FLOPs" + _suffix(kind)
    group = (row["budget"], kind)
    label = f"{text.escape(row['id'][:8])}, N = {format_count(row.get('N') or 0)}{_suffix(kind)}"
    final = row.get("loss")
    # The only marker is at the end, apart from the line: final validation loss, or a cross.
    last = points[-1] if failed or not data.number(final) else (row["C"], final)
    gap = (None, None)
    figure.add_trace(
        go.Scatter(
            x=[c for c, _ in (*points, gap, last)],
            y=[loss for _, loss in (*points, gap, last)],
            mode="lines+markers",
            line={"color": fade(style.colour, 0.7), "width": 1.3, "dash": dash},
            marker={
                "color": colour("bad") if failed else style.colour,
                "symbol": "x" if failed else style.symbol,
                "size": [0] * (len(points) + 1) + [7],
                "opacity": 1,
                "line": {"width": 0},
            },
            name=name,
            legendgroup=name,
            showlegend=group not in named,
            hovertemplate=f"{label}<br>%{{x:.3g}} FLOPs, %{{y:.3f}} nats/token<extra></extra>",
        )
    )
    named.add(group)


def _suffix(kind: str) -> str:
    return "" if kind == "isoflop" else f", {text.escape(data.ROLES.get(kind, kind))}"


def _envelope(result: StudyResult, start: float) -> list[tuple[float, float]]:
    found = result.approach1.envelope
    pairs = zip(found.get("C", []), found.get("loss", []), strict=False)
    points = [(c, loss) for c, loss in pairs if c >= start]
    return points[:: max(1, len(points) // 200)]


def _add_envelope(figure: go.Figure, envelope: list[tuple[float, float]]) -> None:
    if not envelope:
        return
    figure.add_trace(
        plotly().Scatter(
            x=[c for c, _ in envelope],
            y=[loss for _, loss in envelope],
            mode="lines",
            line={"color": colour("text"), "width": 1.6, "dash": "longdash"},
            name="lower envelope",
            customdata=[loss_text(loss) for _, loss in envelope],
            hovertemplate="envelope: %{customdata}<extra></extra>",
        )
    )
