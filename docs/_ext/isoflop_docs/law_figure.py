"""The figure of a law: its value over each input, one line a published set of constants."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from isoflop.laws.linear import parameter_ranges
from isoflop.units import format_count
from isoflop_docs.lineplot import COLOURS, Line, plot, swatch

if TYPE_CHECKING:
    from isoflop.laws.dimensions import Dimension
    from isoflop.laws.law import Input, Law

POINTS = 81
_LONGEST = 34  # letters that fit along an axis
_CHOICES = 200  # of parameters, where none are published


@dataclass(frozen=True)
class Curve:
    """A set of constants that is drawn: its name, its constants and the range it was fitted on."""

    name: str
    constants: dict[str, float]
    range: dict[str, tuple[float, float]]


def figure(law: Law) -> str:
    """Return an HTML figure: a plot for each input, a key, and a caption that says what is held.

    Lines are solid over the fitted range, dashed beyond it and dotted where the range was not
    stated. A law without published constants is drawn for one choice within its start ranges.
    """
    curves = _curves(law)
    middle = {x.name: _middle(x, curves) for x in law.inputs}
    if not _pointwise(law, curves[0], middle):
        return ""
    plots = "".join(_panel(law, x, curves, middle) for x in law.inputs)
    items = "".join(
        f"<li>{swatch(k, bool(curve.range))} {escape(curve.name)}</li>"
        for k, curve in enumerate(curves)
    )
    key = f'<ul class="key">{items}</ul>' if law.published else ""
    caption = " ".join(_caption(law, curves, middle))
    return (
        f'<figure class="law"><div class="panels">{plots}</div>{key}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _curves(law: Law) -> list[Curve]:
    found = [
        Curve(name, dict(x.constants), dict(x.range)) for name, x in list(law.published.items())
    ]
    return found[:COLOURS] or [Curve("an example", _illustration(law), {})]


def _illustration(law: Law) -> dict[str, float]:
    """Return parameters within their start ranges that give plausible values of the law.

    Of some generic choices the one is taken whose values vary with every input, lie most often
    in the typical range of the output and, if it is a loss, fall.
    """
    typical = {x.name: _mean(*x.dimension.typical) for x in law.inputs}
    ranges = parameter_ranges(law, typical, _mean(*law.output.typical))
    shares = np.random.default_rng(0).uniform(0.1, 0.9, (_CHOICES, len(ranges)))
    choices = [
        {k: float(f"{_between(*ranges[k], s):.2g}") for k, s in zip(ranges, row, strict=True)}
        for row in shares
    ]
    return max(choices, key=lambda constants: _plausible(law, constants, typical))


def _plausible(law: Law, constants: dict[str, float], middle: dict[str, float]) -> float:
    low, high = law.output.typical
    score = 0.0
    for x in law.inputs:
        own = np.geomspace(*x.dimension.typical, 9)
        rows = {name: np.full(9, value) for name, value in middle.items()} | {x.name: own}
        with np.errstate(all="ignore"):
            y = np.broadcast_to(law(**rows, **constants), own.shape)
        varies = np.ptp(y) > 0.05 * np.max(np.abs(y))
        falls = law.output.name != "loss" or y[-1] < y[0]
        score += float(np.mean((y >= low) & (y <= high))) + bool(varies) + bool(falls)
    return score


def _between(low: float, high: float, share: float) -> float:
    return low * (high / low) ** share if low > 0 else low + (high - low) * share


def _mean(low: float, high: float) -> float:
    return _between(low, high, 0.5)


def _middle(x: Input, curves: list[Curve]) -> float:
    """Return where an input is held while another varies: the middle of the first known range."""
    known = next((c.range[x.name] for c in curves if x.name in c.range), x.dimension.typical)
    return float(f"{_mean(*known):.1g}")


def _pointwise(law: Law, curve: Curve, middle: dict[str, float]) -> bool:
    """Whether a row's value depends on that row alone (the rows of a schedule are its steps)."""
    rows = {name: np.array([value, value]) for name, value in middle.items()}
    value = np.broadcast_to(law(**rows, **curve.constants), (2,))
    return bool(np.isclose(value[0], value[1], rtol=1e-12))


def _panel(law: Law, x: Input, curves: list[Curve], middle: dict[str, float]) -> str:
    low, high = _axis(x, curves)
    log = low > 0 and high / low > 30
    points = np.geomspace(low, high, POINTS) if log else np.linspace(low, high, POINTS)
    lines = []
    for curve in curves:
        ends = curve.range.get(x.name)
        # The ends of the range are points of the line, so that it changes exactly there.
        own = np.unique(np.append(points, ends)) if ends else points
        rows = {name: np.full(len(own), value) for name, value in middle.items()}
        with np.errstate(all="ignore"):
            y = np.broadcast_to(law(**(rows | {x.name: own}), **curve.constants), own.shape)
        inside = (own >= ends[0]) & (own <= ends[1]) if ends else None
        lines.append(Line(own, np.asarray(y, dtype=float), inside, not law.published))
    title = f"{law.name} over {x.name}"
    return plot(lines, quantity(x.name, x.dimension), quantity("", law.output), log, title)


def quantity(name: str, dimension: Dimension) -> str:
    """Return an axis label: `N (parameters)`, `loss (nats/token)`."""
    counts, unit = dimension.name, dimension.unit
    if name:
        return f"{name} ({counts if unit == '1' else unit})"
    both = f"{counts} ({unit})"
    return counts if unit in ("1", counts) or len(both) > _LONGEST else both


def _axis(x: Input, curves: list[Curve]) -> tuple[float, float]:
    """Return the span of an axis: the fitted ranges and at most a decade more on each side."""
    known = [c.range[x.name] for c in curves if x.name in c.range]
    typical = x.dimension.typical
    if not known:
        return typical
    low, high = min(a for a, _ in known), max(b for _, b in known)
    if typical[0] <= 0 or typical[1] / typical[0] < 30:
        return min(low, typical[0]), max(high, typical[1])
    return max(low / 10, min(low, typical[0])), min(high * 10, max(high, typical[1]))


def _caption(law: Law, curves: list[Curve], middle: dict[str, float]) -> list[str]:
    parts = []
    if not law.published:
        values = ", ".join(f"{k} = {v:g}" for k, v in curves[0].constants.items())
        given = f" ({values})" if values else ""
        if given:
            parts.append(f"No constants are published; the shape for one choice{given}.")
    elif len(law.published) > len(curves):
        parts.append(f"The first {len(curves)} of {len(law.published)} published sets.")
    if law.published:
        known = any(c.range for c in curves)
        unknown = any(x.name not in c.range for c in curves for x in law.inputs)
        if known:
            parts.append("Solid: the range the constants were fitted on; dashed: beyond it.")
        if unknown:
            parts.append("Dotted: the range was not stated.")
    if len(law.inputs) > 1:
        held = ", ".join(f"{k} = {format_count(v)}" for k, v in middle.items())
        parts.append(f"Inputs that do not vary are held at {held}.")
    return parts
