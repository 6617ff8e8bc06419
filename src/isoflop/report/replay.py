"""A replay as one HTML file and as text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from isoflop.report import text
from isoflop.report.blocks import Block, Panel, document
from isoflop.report.figures.picture import draw
from isoflop.report.key import key
from isoflop.report.page import render_page, write_page
from isoflop.samples import SAMPLING

if TYPE_CHECKING:
    from pathlib import Path

    from isoflop.protocols.replay.result import Interval, Part, Picture, Replay, Step

_WIDTH = 96
_PRINTED, _ENDS = 9, 6  # digits of a published number (all it has), and of an interval's ends


class Verdict(NamedTuple):
    """How a step came out: the mark's grade, and the words beside it."""

    grade: str
    words: str


def write_replay(result: Replay, path: str | Path) -> Path:
    """Write a replay as one self-contained HTML file, whole or not at all.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
        StoreError: if the file cannot be written.
    """
    return write_page(render_replay(result), path)


def render_replay(result: Replay) -> str:
    """Return a replay as HTML.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
    """
    numbers = {picture.name: k for k, picture in enumerate(_ordered(result), 1)}
    leading = [_block(p) for p in result.pictures if p.name == result.leading]
    return render_page(
        "replay.html.j2",
        0,
        version=result.version,
        result=result,
        tally=tally(result),
        leading=leading,
        numbers=numbers,
        blocks={part.name: _blocks(result, part) for part in result.parts},
        verdict=verdict,
        facts=facts,
        sampling=SAMPLING,
    )


def _ordered(result: Replay) -> list[Picture]:
    """Return pictures in the page's order: the leading one first."""
    return sorted(result.pictures, key=lambda picture: picture.name != result.leading)


def _blocks(result: Replay, part: Part) -> list[Block]:
    return [_block(picture) for picture in part.pictures if picture.name != result.leading]


def _block(picture: Picture) -> Block:
    figure = draw(picture)
    entries = key(figure, 0)
    ends = "; ".join(
        f"{series.name}: from {value(series.y[0])} to {value(series.y[-1])}"
        for series in picture.series
        if series.name
    )
    alt = f"{picture.y.title} over {picture.x.title or 'the steps'}. {ends}. {picture.caption}"
    panel = Panel(document(figure), alt, picture.height)
    return Block(picture.name, picture.title, picture.caption, [panel], entries)


# Words shared by page and terminal ----------------------------------------------------------------
def tally(result: Replay) -> str:
    """Say in a sentence or two how many steps came out as they should."""
    compared = [step for step in result.steps if step.agrees is not None]
    agree = sum(step.agrees is True for step in compared)
    differ = sum(step.agrees is False and not step.expected for step in compared)
    parts = [f"{agree} of {text.plural(len(compared), 'comparison')} with print agree"]
    if not compared:
        parts = ["Nothing could be compared with print"]
    if differ:
        parts.append(f"{differ} {'differs' if differ == 1 else 'differ'}, as the text says")
    if result.surprises:
        names = ", ".join(step.name for step in result.surprises)
        parts.append(f"{len(result.surprises)} came out otherwise than they should ({names})")
    missing = sum(bool(step.missing) for step in result.steps)
    if missing:
        parts.append(f"{text.plural(missing, 'step')} could not be computed here")
    return "; ".join(parts) + "."


def verdict(step: Step) -> Verdict:
    """Return how a step came out."""
    if step.missing:
        return Verdict("caution", "not computed")
    if step.agrees is None:
        return Verdict("info", "no number to compare with")
    if step.surprising:
        return Verdict("bad", "differs" if not step.agrees else "agrees, though it should not")
    return Verdict("good", "agrees") if step.agrees else Verdict("caution", "differs, see below")


def facts(step: Step) -> list[tuple[str, str]]:
    """Return the numbers of a step as (label, text)."""
    unit = f" {step.unit}" if step.unit else ""
    found = []
    if step.computed is not None:
        ends = step.computed_interval
        digits = 5 if ends is None else 4
        ours = value(step.computed, digits) + unit
        if ends is not None:
            ours += f" ({text.interval(ends, lambda x: value(x, digits))})"
        found.append(("computed", ours))
    if step.published is not None:
        found.append(("published", value(step.published, _PRINTED) + unit))
        found.append(("agreement", f"{_range(step.interval)}{step.basis}"))
    return found


def _range(ends: Interval | None) -> str:
    if ends is None:
        return ""
    return f"{text.interval(ends, lambda x: value(x, _ENDS))}, "


def value(number: float, digits: int = 5) -> str:
    """Print a number of a step: large ones with a suffix, others with some digits."""
    if number != 0 and abs(number) < 1e-9:
        return "0"  # rounding error of an exact result
    if abs(number) >= 1e6:
        return text.general(number)
    if 0 < abs(number) < 1e-2:
        return text.flops(number, 9)
    return f"{number:.{digits}g}".replace("-", "−")


# Terminal -----------------------------------------------------------------------------------------
def replay_text(result: Replay) -> str:
    """Return a replay as plain text, at most 96 characters a line."""
    parts = [result.title, *map(_wrap, result.lead), _wrap(tally(result))]
    parts += [_part(part) for part in result.parts]
    return "\n\n".join(parts).replace("\u00a0", " ") + "\n"


_MARKS = {"good": "ok", "caution": "! ", "bad": "X ", "info": "  "}


def _part(part: Part) -> str:
    lines = [part.title, _wrap(part.text, "  ", "  ")]
    if part.missing:
        lines.append(_wrap(f"Not computed here: {part.missing}", "  ! ", "    "))
    for step in part.steps:
        grade, words = verdict(step)
        numbers = "; ".join(f"{name} {shown}" for name, shown in facts(step))
        head = f"{step.title} ({step.symbol}): {numbers + ': ' if numbers else ''}{words}."
        lines.append(_wrap(head, f"  {_MARKS[grade]} ", "     "))
        lines.append(_wrap(step.text, "       ", "       "))
    return "\n".join(lines)


def _wrap(words: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        words,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
