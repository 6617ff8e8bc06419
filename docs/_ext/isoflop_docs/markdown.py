"""Pieces of Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    """Return text whose special characters are plain, outside of `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if k % 2 else re.sub(r"([\\*_\[\]<>$|~#])", r"\\\1", part)
        for k, part in enumerate(parts)
    )


def code(language: str, text: str) -> str:
    """Return a fenced block."""
    return f"```{language}\n{text}\n```"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, an empty one last; cells are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return [*(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines), ""]
