"""Held-out runs: what was predicted, and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.report import data, text
from isoflop.report.figures.base import error_bar, linear_axis, new_figure, plotly
from isoflop.report.palette import colour
from isoflop.samples import Estimate
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from isoflop.protocols.result import Cell, StudyResult

#: Held-out runs that are drawn; more would fill screens.
_MOST = 12
_SYMBOLS = ("x-thin", "triangle-down-open", "square-open", "hexagon-open")


def heldout_prediction(result: StudyResult) -> go.Figure | None:
    """Draw predicted intervals, observed losses and baselines, one group a held-out run.

    Returns None where nothing was held out.
    """
    if result.heldout is None or not result.heldout.cells:
        return None
    cells = drawn(result)
    places, top = _places(cells)
    figure = new_figure(
        linear_axis(_values(cells), "validation loss, nats per token"),
        {
            "range": [-0.6, top + 0.3],
            "showticklabels": False,
            "showgrid": False,
            "ticks": "",
            "showline": False,
        },
        "",
    )
    for row, cell in zip(places, cells, strict=True):
        _name_group(figure, cell, row["name"])
    both = list(zip(places, cells, strict=True))
    mixture = [(cell, row["all"], Estimate(cell.predicted, cell.interval)) for row, cell in both]
    _add(figure, "predicted, all models", "text", "diamond", mixture, 3)
    titles = {approach.name: data.short(approach) for approach in data.approaches(result)}
    for model in _models(cells):
        shade = model if model in titles else "neutral"
        known = [(row, cell) for row, cell in both if model in cell.by_model]
        rows = [(cell, row[model], cell.by_model[model]) for row, cell in known]
        _add(figure, titles.get(model, model), shade, "circle-open", rows, 1.6)
    _add_observed(figure, cells, places)
    _add_baselines(figure, cells, places)
    return figure


def drawn(result: StudyResult) -> list[Cell]:
    """Return the held-out runs that the figure shows, by size: all, or a dozen spread evenly."""
    cells = sorted(result.heldout.cells if result.heldout else [], key=lambda cell: cell.N)
    if len(cells) <= _MOST:
        return cells
    step = (len(cells) - 1) / (_MOST - 1)
    return [cells[round(k * step)] for k in range(_MOST)]


def height(result: StudyResult) -> int:
    """Return the figure's height in pixels: it grows with the number of rows."""
    if result.heldout is None:
        return 0
    _, top = _places(drawn(result))
    return int(100 + 25 * (top + 0.9))


def _models(cells: list[Cell]) -> list[str]:
    return list(dict.fromkeys(name for cell in cells for name in cell.by_model))


def _places(cells: list[Cell]) -> tuple[list[dict[str, float]], float]:
    """Return the height of each row of each cell (name, all, models, ...), and the highest."""
    rows = ["name", "all", *_models(cells)]
    rows += ["baselines"] if any(cell.baselines for cell in cells) else []
    group = len(rows) + 0.6
    places = []
    for k in range(len(cells)):
        base = (len(cells) - 1 - k) * group
        places.append({name: base + len(rows) - 1 - j for j, name in enumerate(rows)})
    return places, (len(cells) - 1) * group + len(rows) - 1


def _values(cells: list[Cell]) -> list[float]:
    found = []
    for cell in cells:
        ends = [e for v in cell.by_model.values() for e in v.interval or () if e is not None]
        points = [v.estimate for v in cell.by_model.values()]
        ends += [end for end in cell.interval if end is not None]
        found += [cell.observed, cell.predicted, *ends, *points]
        found += cell.baselines.values()
    return found


def _name_group(figure: go.Figure, cell: Cell, y: float) -> None:
    verdict = "inside" if cell.covered else "outside"
    figure.add_annotation(
        x=0,
        xref="paper",
        y=y,
        text=f"<b>N = {format_count(cell.N)}</b>, D = {format_count(cell.D)}: {verdict}",
        xanchor="left",
        showarrow=False,
        font={"size": 12.5},
    )


def _add(
    figure: go.Figure,
    name: str,
    role: str,
    symbol: str,
    rows: list[tuple[Cell, float, Estimate]],
    width: float,
) -> None:
    shade = colour(role)
    bars: dict[str, Any] = error_bar([value for _, _, value in rows], shade)
    figure.add_trace(
        plotly().Scatter(
            x=[value.estimate for _, _, value in rows],
            y=[y for _, y, _ in rows],
            error_x=bars | {"thickness": width, "width": 5},
            mode="markers",
            marker={
                "symbol": symbol,
                "size": 9,
                "color": shade,
                "line": {"width": 1.6, "color": shade},
            },
            name=text.escape(name),
            customdata=[text.estimate(value, format_loss) for _, _, value in rows],
            hovertemplate=f"{text.escape(name)}<br>%{{customdata}} nats/token<extra></extra>",
        )
    )


def _add_observed(figure: go.Figure, cells: list[Cell], places: list[dict[str, float]]) -> None:
    """Draw the observed loss as a line through all rows of its cell."""
    x, y = [], []
    for cell, row in zip(cells, places, strict=True):
        x += [cell.observed, cell.observed, None]
        y += [row["all"] + 0.45, min(row.values()) - 0.45, None]
    figure.add_trace(
        plotly().Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour("good"), "width": 2.5},
            name="observed",
            hovertemplate="observed: %{x:.3f} nats/token<extra></extra>",
        )
    )


def _add_baselines(figure: go.Figure, cells: list[Cell], places: list[dict[str, float]]) -> None:
    names = dict.fromkeys(name for cell in cells for name in cell.baselines)
    for k, name in enumerate(names):
        pairs = [(c, row) for c, row in zip(cells, places, strict=True) if name in c.baselines]
        shade = colour("muted")
        figure.add_trace(
            plotly().Scatter(
                x=[cell.baselines[name] for cell, _ in pairs],
                y=[row["baselines"] for _, row in pairs],
                mode="markers",
                marker={
                    "symbol": _SYMBOLS[k % len(_SYMBOLS)],
                    "size": 9,
                    "color": shade,
                    "line": {"width": 2, "color": shade},
                },
                name=f"baseline: {text.escape(name)}",
                hovertemplate=f"{text.escape(name)}: %{{x:.3f}} nats/token<extra></extra>",
            )
        )
