"""Keys of figures as HTML: real text that wraps on a phone, with the figure's own marks.

plotly's legends are drawn into the picture, where on a narrow screen they cover the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from isoflop.report.palette import COLOURS, budget_scale, fade

if TYPE_CHECKING:
    import plotly.graph_objects as go

_DASHES = {"dash": "5 3", "dot": "1.5 3", "dashdot": "6 3 1.5 3", "longdash": "9 3"}

#: Outlines in a box of 14 by 14 around the origin.
_SHAPES = {
    "circle": "M4.5,0A4.5,4.5 0 1,1 -4.5,0A4.5,4.5 0 1,1 4.5,0Z",
    "square": "M-4,-4H4V4H-4Z",
    "diamond": "M0,-5.5L5.5,0L0,5.5L-5.5,0Z",
    "triangle-up": "M0,-5L5,4H-5Z",
    "triangle-down": "M0,5L5,-4H-5Z",
    "pentagon": "M0,-5.2L5,-1.5L3,4.3H-3L-5,-1.5Z",
    "hexagon": "M-2.7,-4.6H2.7L5.3,0L2.7,4.6H-2.7L-5.3,0Z",
    "star": "M0,-6L1.5,-1.9L5.7,-1.9L2.3,.8L3.5,4.9L0,2.4L-3.5,4.9L-2.3,.8L-5.7,-1.9L-1.5,-1.9Z",
    "star-square": "M-5,-5L0,-2.6L5,-5L2.6,0L5,5L0,2.6L-5,5L-2.6,0Z",
    "x": "M-4,-4L4,4M-4,4L4,-4",
    "x-thin": "M-4,-4L4,4M-4,4L4,-4",
    "cross-thin": "M-5,0H5M0,-5V5",
}


class Entry(NamedTuple):
    """One line of a key: what is drawn, and what it stands for."""

    label: str
    colour: str  # a CSS value
    dash: str | None  # SVG dash array; None without a line
    width: float
    shape: str  # SVG path; empty without a marker
    filled: bool


def variables(budgets: int) -> dict[str, tuple[str, str]]:
    """Return the CSS custom properties of a report: name -> (light, dark)."""
    named = dict(COLOURS)
    scale = budget_scale(budgets) if budgets else []
    return named | {f"budget-{k}": pair for k, pair in enumerate(scale)}


def key(figure: go.Figure, budgets: int) -> list[Entry]:
    """Return the key of a figure: its named traces, each once, in drawing order."""
    names = {}
    for name, (light, _) in variables(budgets).items():
        names.setdefault(light, f"var(--{name})")
        names.setdefault(fade(light, 0.7), f"var(--{name})")
    found: dict[str, Entry] = {}
    traces: Any = figure.data
    for trace in sorted(traces, key=lambda trace: trace.legendrank or 1000):
        if trace.name and trace.showlegend is not False:
            found.setdefault(trace.name, _entry(trace, names))
    return list(found.values())


def _entry(trace: Any, names: dict[str, str]) -> Entry:
    lined, marked = "lines" in trace.mode, "markers" in trace.mode
    symbol, shade = "", trace.line.color
    if marked:
        symbol = _last_solid(trace.marker.symbol)
        shade = trace.marker.color
    outline = symbol.removesuffix("-open")
    return Entry(
        label=trace.name,
        colour=names.get(shade, "currentColor"),
        dash=_DASHES.get(trace.line.dash or "solid", "none") if lined else None,
        width=trace.line.width or 1.5 if lined else 0,
        shape=_SHAPES.get(outline, _SHAPES["circle"]) if marked else "",
        filled=outline == symbol and "thin" not in symbol and symbol != "x",
    )


def _last_solid(symbols: Any) -> str:
    """Return the marker that stands for a trace: a filled one if it has any."""
    if isinstance(symbols, str):
        return symbols
    solid = [symbol for symbol in symbols if not symbol.endswith("-open")]
    return (solid or list(symbols))[-1]
