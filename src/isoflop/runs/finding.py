"""One thing that a check found: a code, how bad it is, the numbers, why, and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["ok", "note", "warning", "error"]
#: Severities, worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note", "ok")


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """How far one number of the answer moves if what was found is mended.

    Args:
        what: the number, with its convention ("exponent of N*", "N* at 1e+22 FLOPs").
        now: its estimate from the runs as they are.
        then: its estimate when mended as `how` says.
        how: what was changed for `then`.
    """

    what: str
    now: float
    then: float
    how: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of a check.

    Args:
        code: stable name, for programs.
        severity: "ok" (a check that passed), "note", "warning" or "error".
        message: one sentence with the numbers.
        numbers: the numbers themselves.
        why: why it matters.
        remedy: what to do.
        source: where it is known from that it matters.
        moves: how far the answer moves if it is mended, where that can be computed.
        group: the labels of the runs it is about, if the table holds several kinds.
    """

    code: str
    severity: Severity
    message: str
    numbers: dict[str, float] = {}
    why: str = ""
    remedy: str = ""
    source: str = ""
    moves: tuple[Move, ...] = ()
    group: str = ""


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Return findings by severity, otherwise in the order they came."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
