"""Published constants of registered laws, read from `published.toml` when asked for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from isoflop.errors import InputError

FILE = Path(__file__).with_name("published.toml")


class Published(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published set of constants of a law.

    Args:
        constants: value by parameter, in the units of the law's declaration.
        label: what sets it apart, for tables ("full precision", "as printed").
        source: key of the paper.
        table: equation, table or file the numbers are from.
        convention: what N, D, C and the loss counted, and the tokenizer or corpus if stated.
        range: fitted range by input (smallest, largest).
        objective: what the constants minimise on which runs, where known.
        evidence: letters of how they were checked (P paper, C code, R reproduced, N notes,
            D derived).
        note: a caveat.
    """

    constants: dict[str, float]
    label: str
    source: str
    table: str
    convention: dict[str, str] = {}
    range: dict[str, tuple[float, float]] = {}
    objective: str = ""
    evidence: str
    note: str = ""


@cache
def _sections() -> dict[str, str]:
    """Return the text of each law's sets: parsing all of them takes 15 ms of a cold start."""
    text: dict[str, str] = {}
    for part in re.split(r"^(?=\[\w+[.])", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        name = part[1:].partition(".")[0]
        text[name] = text.get(name, "") + part
    return text


@cache
def _read(law: str) -> dict[str, Published]:
    import tomllib

    raw: dict[str, Any] = tomllib.loads(_sections().get(law, ""))
    return msgspec.convert(raw.get(law, {}), dict[str, Published])


def published(law: str) -> dict[str, Published]:
    """Return the published sets of a law by name, in the file's order (best evidence first)."""
    return dict(_read(law))


def choose(law: str, name: str = "") -> tuple[str, Published]:
    """Return a published set of a law with its name.

    Args:
        law: name of the law.
        name: of the set ("tex"), or key of a paper ("hoffmann2022"), which means the first set
            from it; the first set of all if empty.

    Raises:
        InputError: if the law has no such set.
    """
    sets = published(law)
    from_paper = (key for key, found in sets.items() if found.source == name)
    key = name if name in sets else next(iter(sets) if not name else from_paper, "")
    if not key:
        known = ", ".join(sets) or "none"
        papers = ", ".join(dict.fromkeys(found.source for found in sets.values()))
        raise InputError(
            f"`{law}` has no published constants `{name}`; known: {known}.",
            do=f"A paper's first set can be named by its key: {papers}." if papers else "",
        )
    return key, sets[key]


def constants(law: str, name: str = "") -> dict[str, float]:
    """Return the constants of a published set (see `choose`).

    Raises:
        InputError: if the law has no such set.
    """
    return dict(choose(law, name)[1].constants)
