"""One thing that a check found: a code, how bad it is, the numbers, why, and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["ok", "note", "warning", "error"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding of a check.

    Args:
        code: stable name, for programs.
        severity: "ok" (a check that passed), "note", "warning" or "error".
        message: one sentence with the numbers.
        numbers: the numbers themselves.
        why: why it matters.
        remedy: what to do.
    """

    code: str
    severity: Severity
    message: str
    numbers: dict[str, float] = {}
    why: str = ""
    remedy: str = ""
