"""Rows of text in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows of text aligned in columns, the last of which is not padded."""
    if not rows:
        return []
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]) - 1)]
    return [
        (
            indent + "  ".join([*(x.ljust(w) for x, w in zip(row, widths, strict=False)), row[-1]])
        ).rstrip()
        for row in rows
    ]
