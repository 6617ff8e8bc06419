"""Reading the documentation: pages, fenced blocks, commands, links."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))

_FENCE = re.compile(r"^```+(?:\{[\w-]+\}|)([\w-]*)[^\n]*\n(.*?)^```+$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_TOCTREE = re.compile(r"```\{toctree\}\n(.*?)```", re.DOTALL)


def written() -> list[Path]:
    """Pages written by hand: the README and those under docs/."""
    generated = {DOCS / "laws", DOCS / "reference", DOCS / "_build"}
    found = [p for p in sorted(DOCS.rglob("*.md")) if not generated & set(p.parents)]
    return [ROOT / "README.md", *found]


def fences(text: str, language: str) -> list[str]:
    """Contents of the fenced blocks in a language."""
    return [body for name, body in _FENCE.findall(text) if name == language]


def commands(text: str) -> list[list[str]]:
    """Words of every `isoflop` and `make` command in the bash blocks, redirections cut off."""
    found = []
    for block in fences(text, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            end = next((k for k, word in enumerate(words) if word in {">", "|", "&&"}), None)
            if words and words[0] in {"isoflop", "make"}:
                found.append(words[:end])
    return found


def links(text: str) -> list[str]:
    """Targets of links and entries of toctrees that lie within the documentation."""
    prose = _FENCE.sub("", text)
    found = [x for x in _LINK.findall(prose) if not re.match(r"[a-z]+:", x)]
    for block in _TOCTREE.findall(text):
        lines = [line.strip() for line in block.splitlines()]
        found += [f"{x}.md" for x in lines if x and not x.startswith(":") and "*" not in x]
    return found


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}
