"""The script of a replay: its words and the published numbers, one TOML file each.

The numbers to compare with are data, apart from the code that computes ours.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.protocols.replay.part import DECIDING
from isoflop.protocols.replay.result import Step

if TYPE_CHECKING:
    from isoflop.protocols.replay.part import Found

FOLDER = Path(__file__).with_name("scripts")
_DIGITS = "the printed digits"
_OWN = f"our own {100 * DECIDING:g} % interval"


class ScriptStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step as written: see `Step`.

    Exactly one of `interval`, `within` and `own` says what agreement is: a published interval,
    a distance from the published number, or that our own 95 % interval contains it.
    """

    name: str
    title: str
    symbol: str = ""
    unit: str = ""
    published: float | None = None
    interval: tuple[float, float] | None = None
    within: float | None = None
    own: bool = False
    basis: str = ""
    expected: bool = True
    text: str
    source: str = ""

    def filled(self, found: Found | None, missing: str = "") -> Step:
        """Return the step with what was computed, or why nothing was."""
        value = None if found is None else float(found.value)
        interval, basis = self._interval(None if found is None else found.deciding)
        return Step(
            name=self.name,
            title=self.title,
            symbol=self.symbol,
            unit=self.unit,
            computed=value,
            computed_interval=None if found is None else found.interval,
            published=self.published,
            interval=interval,
            basis=basis,
            agrees=self._agrees(value, interval),
            expected=self.expected,
            text=self.text,
            source=self.source,
            missing=missing,
        )

    def _interval(self, own: Any) -> tuple[Any, str]:
        if self.published is None:
            return None, ""
        if self.own:
            return own, self.basis or _OWN
        if self.interval is not None:
            return self.interval, self.basis or "published interval"
        if self.within is None:
            raise InputError(f"step `{self.name}` does not say what agreement is.")
        low, high = (float(f"{self.published + s * self.within:.12g}") for s in (-1, 1))
        return (low, high), self.basis or _DIGITS

    def _agrees(self, value: float | None, interval: Any) -> bool | None:
        if value is None or self.published is None or interval is None:
            return None
        low, high = interval
        inside = self.published if self.own else value
        return bool((low is None or low <= inside) and (high is None or inside <= high))


class ScriptPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part as written."""

    name: str
    title: str
    text: str
    data: tuple[str, ...] = ()
    steps: tuple[ScriptStep, ...]


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A replay as written.

    Args:
        title, summary: heading, and a line for the list.
        module: of `isoflop.protocols.replay`, with a function for each part in its `PARTS`.
        lead, leading: see `Replay`.
        parts: in order.
    """

    title: str
    summary: str
    module: str
    lead: tuple[str, ...]
    leading: str
    parts: tuple[ScriptPart, ...]


def names() -> list[str]:
    """Return the names of all replays."""
    first = "kaplan-chinchilla"
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda n: (n != first, n))


@cache
def script(name: str) -> Script:
    """Return the script of a replay.

    Raises:
        InputError: if there is none of that name.
    """
    import tomllib

    if name not in names():
        raise InputError(
            f"no replay is named `{name}`; there are {', '.join(names())}.", do="isoflop replay"
        )
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Script)
