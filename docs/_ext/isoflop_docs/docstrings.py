"""Docstrings are Markdown; autodoc reads reStructuredText. This translates between the two."""

from __future__ import annotations

import re
from typing import Any

_RULE = re.compile(r"\s*\|[\s:|-]+\|\s*$")
_SPECIAL = re.compile(r"(\\|\*|\||_(?=[^\w]|$))")


def translate(
    _app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Translate the lines of a docstring in place (event `autodoc-process-docstring`)."""
    lines[:] = _blocks("\n".join(lines)).splitlines()


def _blocks(text: str) -> str:
    """Translate formulas, tables and indented code; prose in between line by line."""
    formulas = re.split(r"(?<!`)\$\$(.+?)\$\$", text, flags=re.DOTALL)
    out = []
    for k, part in enumerate(formulas):
        if k % 2:
            body = "\n".join(f"    {line.strip()}" for line in part.strip().splitlines())
            out.append(f"\n\n.. math::\n\n{body}\n\n")
        else:
            out.append(_prose(part))
    return "".join(out)


def _prose(text: str) -> str:
    out: list[str] = []
    rows: list[str] = []
    for line in text.split("\n"):
        if line.strip().startswith("|") and line.strip().endswith("|"):
            rows.append(line)
            continue
        out += _table(rows)
        rows = []
        out.append(_inline(line))
    return "\n".join([*out, *_table(rows)])


def _table(rows: list[str]) -> list[str]:
    """Translate a Markdown table into a list-table."""
    if not rows:
        return []
    cells = [
        [_inline(cell.strip()) for cell in row.strip().strip("|").split("|")]
        for row in rows
        if not _RULE.match(row)
    ]
    body = [f"    {'*' if not k else ' '} - {cell}" for row in cells for k, cell in enumerate(row)]
    return ["", ".. list-table::", "    :header-rows: 1", "", *body, ""]


def _inline(line: str) -> str:
    """Translate `code` into ``code`` and make the special characters of prose plain.

    The stars of `*args` at the start of an entry are left to napoleon.
    """
    parts = re.split(r"(`+[^`]+`+)", line)
    for k, part in enumerate(parts):
        if k % 2:
            parts[k] = f"``{part.strip('`')}``"
            continue
        stars = re.match(r"\s*\*{1,2}(?=\w+:)", part) if k == 0 else None
        head = stars[0] if stars else ""
        parts[k] = head + _SPECIAL.sub(r"\\\1", part[len(head) :])
        # Markup ends at a space or at punctuation in reStructuredText; `x`s would not.
        if k and re.match(r"\w", part):
            parts[k] = "\\ " + parts[k]
    return "".join(parts)
