"""Colours, declared once for light and dark; CSS, figures and keys are derived from here.

A figure is always drawn in the light colours. In a page each light colour is replaced by its
dark partner where the reader's system asks for it, so no two roles with different dark
colours may share a light one.
"""

from __future__ import annotations

#: Role -> (light, dark). Text roles have a contrast of at least 4.5 on `background`.
COLOURS: dict[str, tuple[str, str]] = {
    "background": ("#fdfdfb", "#15171b"),
    "surface": ("#f5f4f0", "#1e2126"),
    "text": ("#1c1e21", "#e7e6e2"),
    "muted": ("#5c6068", "#a3a7af"),
    "rule": ("#dddbd4", "#363a41"),
    "grid": ("#e9e7e1", "#2a2e34"),
    "accent": ("#1f5fa8", "#7db4f0"),
    "good": ("#25703f", "#78c792"),
    "caution": ("#8f5a00", "#e3b04b"),
    "bad": ("#b3261e", "#f2938b"),
    "approach1": ("#0c7a75", "#5fc9c1"),
    "approach2": ("#2d53a6", "#86a9f5"),
    "approach3": ("#b0500f", "#f0a061"),
    "neutral": ("#777b83", "#8d9199"),
}

#: Ends and middle of the scale of budgets, small to large: (light, dark).
SCALE: tuple[tuple[str, str], ...] = (
    ("#c46a12", "#f7b267"),
    ("#c43b57", "#f28a9b"),
    ("#8a3a99", "#cf97e3"),
    ("#4a45a8", "#a3a6f7"),
    ("#17365f", "#8fcdf5"),
)

#: One marker a budget, so that budgets can be told apart without colour.
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star-square", "hexagon")


def colour(role: str) -> str:
    """Return the light colour of a role."""
    return COLOURS[role][0]


def budget_scale(count: int) -> list[tuple[str, str]]:
    """Return `count` (light, dark) colours, evenly along the scale from small to large."""
    if count == 1:
        return [SCALE[0]]
    last = len(SCALE) - 1
    return [_between(k * last / (count - 1)) for k in range(count)]


def fade(hexadecimal: str, alpha: float) -> str:
    """Return a colour with transparency: rgba(r,g,b,alpha)."""
    red, green, blue = _channels(hexadecimal)
    return f"rgba({red},{green},{blue},{alpha:g})"


def dark_partners(budgets: int) -> dict[str, str]:
    """Map every light colour of a report with that many budgets to its dark partner.

    Keys are `#rrggbb` and the prefix `rgba(r,g,b,`, whatever the transparency.
    """
    pairs = [*COLOURS.values(), *(budget_scale(budgets) if budgets else [])]
    solid = dict(pairs)
    return solid | {_prefix(light): _prefix(dark) for light, dark in pairs}


def _prefix(hexadecimal: str) -> str:
    red, green, blue = _channels(hexadecimal)
    return f"rgba({red},{green},{blue},"


def _channels(hexadecimal: str) -> tuple[int, int, int]:
    return int(hexadecimal[1:3], 16), int(hexadecimal[3:5], 16), int(hexadecimal[5:7], 16)


def _between(place: float) -> tuple[str, str]:
    """Interpolate the scale at `place` between 0 and its last index."""
    below = min(int(place), len(SCALE) - 2)
    share = place - below
    ends = zip(SCALE[below], SCALE[below + 1], strict=True)
    light, dark = (_mix(low, high, share) for low, high in ends)
    return light, dark


def _mix(low: str, high: str, share: float) -> str:
    mixed = (
        round(a + (b - a) * share) for a, b in zip(_channels(low), _channels(high), strict=True)
    )
    return "#" + "".join(f"{value:02x}" for value in mixed)
