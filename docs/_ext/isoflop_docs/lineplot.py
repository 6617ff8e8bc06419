"""Line plots as SVG text, from numpy arrays: enough for a law over one input.

Colours and dashes are CSS classes (`_static/isoflop.css`), so a plot follows the page's theme.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 14, 14, 44
_MARKERS = ("circle", "square", "diamond", "triangle", "plus", "cross")
COLOURS = len(_MARKERS)  # lines that can be told apart, with or without colour


@dataclass(frozen=True)
class Line:
    """One line of a plot.

    Args:
        x, y: [point], x ascending; gaps where y is not finite.
        inside: mask [point] of the fitted range: solid there, dashed elsewhere. None if the
            range is not known: dotted.
        example: a line that was not fitted to anything: solid, unmarked.
    """

    x: np.ndarray
    y: np.ndarray
    inside: np.ndarray | None
    example: bool = False


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis between two values, and its place in the drawing."""

    low: float
    high: float
    log: bool
    start: float
    end: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return coordinates in the drawing of values."""
        ends = np.array([self.low, self.high])
        if self.log:
            values, ends = np.log(values), np.log(ends)
        return self.start + (values - ends[0]) / (ends[1] - ends[0]) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Return round values within the axis, about `count` of them."""
        return _log_ticks(self, count) if self.log else _linear_ticks(self, count)


def plot(lines: list[Line], x_label: str, y_label: str, x_log: bool, title: str) -> str:
    """Return a plot of lines as one SVG element; `title` is what a screen reader says."""
    x = Axis(*_span([line.x for line in lines]), x_log, _LEFT, WIDTH - _RIGHT)
    low, high = _span([line.y for line in lines])
    y_log = low > 0 and high / low > 20
    pad = (high / low) ** 0.04 if y_log else 0.06 * (high - low)
    ends = (low / pad, high * pad) if y_log else (low - pad, high + pad)
    y = Axis(*ends, y_log, HEIGHT - _BOTTOM, _TOP)
    drawn = "".join(_line(line, x, y, number) for number, line in enumerate(lines))
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{_grid(x, y)}{drawn}'
        f'<text class="label" x="{(_LEFT + WIDTH - _RIGHT) / 2:g}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{escape(x_label)}</text>'
        f'<text class="label" text-anchor="middle" transform="translate(11 '
        f'{(HEIGHT - _BOTTOM + _TOP) / 2:g}) rotate(-90)">{escape(y_label)}</text></svg>'
    )


def swatch(number: int, known: bool) -> str:
    """Return the sample of a line for a key; `known`: whether its fitted range is."""
    kind = "inside" if known else "unknown"
    return (
        f'<svg class="swatch" viewBox="0 0 30 12" aria-hidden="true">'
        f'<path class="line line-{number} {kind}" d="M1 6H29"/>{_marker(number, 15, 6)}</svg>'
    )


def number_text(value: float) -> str:
    """Return a tick's value as people write it: 10M, 2.5, 1e20, 1e-5."""
    from isoflop.units import format_count

    if value == 0:
        return "0"
    return format_count(value, 4) if abs(value) < 1e13 else f"{value:.0e}".replace("e+", "e")


def _span(arrays: list[np.ndarray]) -> tuple[float, float]:
    values = np.concatenate(arrays)
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = 0.1 * abs(low) or 1.0
    return low - room, high + room


def _linear_ticks(axis: Axis, count: int) -> list[float]:
    rough = (axis.high - axis.low) / count
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first = np.ceil(axis.low / step - 1e-9)
    values = (first + np.arange(count + 3)) * step
    return [float(f"{v:.10g}") for v in values if v <= axis.high * (1 + 1e-12)]


def _log_ticks(axis: Axis, count: int) -> list[float]:
    low, high = np.log10(axis.low), np.log10(axis.high)
    if high - low < 2.2:
        found = [m * 10.0**k for k in range(int(low) - 1, int(high) + 2) for m in (1, 2, 5)]
    else:
        step = max(1, round((high - low) / count))
        found = [10.0**k for k in range(int(np.ceil(low - 1e-9)), int(high) + 2, step)]
    return [v for v in found if axis.low * 0.999 <= v <= axis.high * 1.001]


def _grid(x: Axis, y: Axis) -> str:
    parts = []
    for value, place in zip(x.ticks(), x(np.array(x.ticks())), strict=True):
        parts.append(f'<path class="grid" d="M{place:.1f} {y.start}V{y.end}"/>')
        parts.append(
            f'<text x="{place:.1f}" y="{y.start + 15}" text-anchor="middle">'
            f"{number_text(value)}</text>"
        )
    for value, place in zip(y.ticks(), y(np.array(y.ticks())), strict=True):
        parts.append(f'<path class="grid" d="M{x.start} {place:.1f}H{x.end}"/>')
        parts.append(
            f'<text x="{x.start - 6}" y="{place + 3.5:.1f}" text-anchor="end">'
            f"{number_text(value)}</text>"
        )
    return "".join(parts) + f'<path class="axis" d="M{x.start} {y.end}V{y.start}H{x.end}"/>'


def _line(line: Line, x: Axis, y: Axis, number: int) -> str:
    finite = np.isfinite(line.y)
    if y.log:
        finite &= line.y > 0
    if not finite.any():
        return ""
    px, py = x(line.x), y(np.where(finite, line.y, y.low))
    if line.example:
        return _path(px, py, finite, f"line-{number} inside")
    if line.inside is None:
        middle = np.flatnonzero(finite)[[np.count_nonzero(finite) // 2]]
        return _path(px, py, finite, f"line-{number} unknown") + _marks(px, py, middle, number)
    ends = np.flatnonzero(line.inside & finite)[[0, -1]] if (line.inside & finite).any() else []
    return (
        _path(px, py, finite & _outside(line.inside), f"line-{number} outside")
        + _path(px, py, finite & line.inside, f"line-{number} inside")
        + _marks(px, py, ends, number)
    )


def _outside(inside: np.ndarray) -> np.ndarray:
    """Mask of points outside the range, and of its two ends, so that the pieces join."""
    edge = np.zeros(len(inside), dtype=bool)
    at = np.flatnonzero(inside)
    edge[at[[0, -1]] if len(at) else []] = True
    return ~inside | edge


def _path(px: np.ndarray, py: np.ndarray, shown: np.ndarray, kind: str) -> str:
    parts, pen = [], False
    for k in range(len(px)):
        if shown[k]:
            parts.append(f"{'L' if pen else 'M'}{px[k]:.1f} {py[k]:.1f}")
        pen = bool(shown[k])
    return f'<path class="line {kind}" d="{"".join(parts)}"/>' if parts else ""


def _marks(px: np.ndarray, py: np.ndarray, places: object, number: int) -> str:
    return "".join(_marker(number, float(px[k]), float(py[k])) for k in np.unique(places))


def _marker(number: int, x: float, y: float) -> str:
    shapes = {
        "circle": "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0",
        "square": "M-2.7 -2.7H2.7V2.7H-2.7Z",
        "diamond": "M0 -3.8L3.8 0L0 3.8L-3.8 0Z",
        "triangle": "M0 -3.6L3.4 2.6H-3.4Z",
        "plus": "M-3.5 0H3.5M0 -3.5V3.5",
        "cross": "M-2.8 -2.8L2.8 2.8M2.8 -2.8L-2.8 2.8",
    }
    shape = shapes[_MARKERS[number % COLOURS]]
    return f'<path class="mark mark-{number}" transform="translate({x:.1f} {y:.1f})" d="{shape}"/>'
