"""The end of `isoflop study` in a terminal: the answer in plain text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from isoflop.plan.columns import columns
from isoflop.report import answer, data, tables, text
from isoflop.samples import SAMPLING

if TYPE_CHECKING:
    from isoflop.protocols.result import StudyResult

_WIDTH = 96
_MARKS = {"good": "ok", "caution": "! ", "bad": "X "}


def summary_text(result: StudyResult) -> str:
    """Return what a study found as plain text: answer, approaches, held-out, warnings, path.

    No markup and no colour; lines are at most 96 characters, except in the table.
    """
    parts = [
        _wrap(text.sentence(result.question)),
        _wrap(answer.headline(result)),
        _numbers(result),
        _approaches(result),
        _verdicts(result),
        _warnings(result),
        f"Report: {result.report}" if result.report else "",
    ]
    whole = "\n\n".join(part for part in parts if part).replace("\u00a0", " ") + "\n"
    # Run ids and reasons are input: control characters could steer the terminal.
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in whole)


def _numbers(result: StudyResult) -> str:
    lines = [
        f"  {item.symbol:<6} {item.shown:>8}  {item.interval:<22}  {item.unit}"
        for item in answer.numbers(result)
    ]
    if result.plan is not None:
        lines += [f"  {name}: {value}" for name, value in answer.facts(result.plan)]
        lines.insert(0, f"Plan, {text.percent(result.plan.level)} intervals:")
        lines += [_wrap(f"  {answer.held(result.plan)}", "  ")] if answer.held(result.plan) else []
    return "\n".join(lines)


def _approaches(result: StudyResult) -> str:
    """Return the three approaches as a table with aligned columns."""
    found = data.approaches(result)
    rows = [["", *(f"Approach {k}" for k in (1, 2, 3))]]
    rows.append(["answer", *("yes" if approach.ok else "no" for approach in found)])
    rows += [[heading, *cells] for heading, cells in tables.approach_rows(result)]
    lines = columns(rows)
    notes = [f"  {a.title}. {' '.join(map(text.sentence, a.notes))}" for a in found if a.notes]
    counted = text.convention(data.convention(result))
    heading = f"Three approaches ({counted}, {text.percent(data.level(result))} intervals):"
    notes.append(f"  N* and D*: with each law's own misses; exponents and losses: {SAMPLING}.")
    return "\n".join([heading, *lines, *(_wrap(note, "    ") for note in notes)])


def _verdicts(result: StudyResult) -> str:
    lines = [
        _wrap(f"  {_MARKS[verdict.grade]} {verdict.subject}: {verdict.sentence}", "     ")
        for verdict in answer.verdicts(result)
    ]
    return "\n".join(["How sure:", *lines])


def _warnings(result: StudyResult) -> str:
    """Return findings that need attention, each with what to do."""
    lines = []
    for finding in result.findings:
        if finding.severity in {"error", "warning"}:
            lines.append(_wrap(f"  {finding.severity}: {text.sentence(finding.message)}", "    "))
            parts = (finding.why, finding.remedy)
            lines += [_wrap(f"    {part}", "    ") for part in parts if part]
    warnings = result.plan.warnings if result.plan else []
    lines += [_wrap(f"  plan: {text.sentence(warning)}", "    ") for warning in warnings]
    return "\n".join(["Warnings:", *lines]) if lines else ""


def _wrap(words: str, indent: str = "") -> str:
    return textwrap.fill(
        words, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
