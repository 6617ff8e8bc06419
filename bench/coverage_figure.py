"""A figure of observed over nominal coverage as SVG text, by method."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 620, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 220, 24, 56
COLOURS = ("#b3541e", "#7a6ea8", "#1f6f5c", "#2a78b5")
MARKS = (
    "M-4,-4h8v8h-8z",
    "M0,-5L5,4H-5z",
    "M0,-5L5,0L0,5L-5,0z",
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0",
)


def coverage_figure(
    nominal: Sequence[float], observed: Mapping[str, Sequence[float]], title: str
) -> str:
    """Return the figure; the dashed diagonal is what the intervals promise.

    Args:
        nominal: levels; observed: shares at each level, by method; title: for a screen reader.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_axes(),
        f'<path d="M{_x(0)},{_y(0)}L{_x(1)},{_y(1)}" stroke="#555" stroke-dasharray="5 4"/>',
        f'<text x="{_x(0.22)}" y="{_y(0.27)}" fill="#555" transform="rotate({_angle():.1f}'
        f' {_x(0.22)} {_y(0.27)})">as promised</text>',
    ]
    for k, (name, shares) in enumerate(observed.items()):
        places = [(_x(n), _y(o)) for n, o in zip(nominal, shares, strict=True)]
        line = "L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour, mark = COLOURS[k % 4], MARKS[k % 4]
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<path d="{mark}" transform="translate({x:.1f} {y:.1f})" fill="{colour}"/>'
            for x, y in places
        ]
        y = TOP + 20 + 26 * k
        parts.append(
            f'<path d="{mark}" transform="translate({WIDTH - RIGHT + 24} {y})" fill="{colour}"/>'
            f'<text x="{WIDTH - RIGHT + 36}" y="{y + 4}" fill="#222">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _angle() -> float:
    from math import atan2, degrees

    return -degrees(atan2(_y(0) - _y(1), _x(1) - _x(0)))


def _axes() -> list[str]:
    parts = []
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = _x(tick), _y(tick)
        parts += [
            f'<path d="M{_x(0)},{y:.1f}H{_x(1)}" stroke="#e3e3e3"/>',
            f'<text x="{_x(0) - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#222">'
            f"{100 * tick:g} %</text>",
            f'<text x="{x:.1f}" y="{_y(0) + 20}" text-anchor="middle" fill="#222">'
            f"{100 * tick:g} %</text>",
        ]
    middle = _y(0.5)
    return [
        *parts,
        f'<path d="M{_x(0)},{_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="#222"/>',
        f'<text x="{_x(0.5)}" y="{HEIGHT - 14}" text-anchor="middle" fill="#222">'
        "nominal probability of the interval</text>",
        f'<text x="16" y="{middle}" text-anchor="middle" fill="#222"'
        f' transform="rotate(-90 16 {middle})">held-out runs inside</text>',
    ]
