"""Papers that laws come from, and their BibTeX."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.laws.law import Law

FILE = Path(__file__).with_name("references.toml")

#: Source of laws that need no citation.
DEFINITION = "definition"


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A paper.

    Args:
        authors: family names, "others" last if there are more.
        year: of its first version.
        arxiv: identifier there.
        title: empty where it is not known; never guessed.
        venue: where it appeared, if stated.
    """

    authors: tuple[str, ...]
    year: int
    arxiv: str
    title: str = ""
    venue: str = ""

    @property
    def short(self) -> str:
        """How a sentence cites it: Hoffmann et al. 2022 (arXiv:2203.15556)."""
        names = [name for name in self.authors if name != "others"]
        if len(names) > 3 or len(names) < len(self.authors):
            shown = f"{names[0]} et al."
        else:
            shown = " and ".join(", ".join(names).rsplit(", ", 1))
        return f"{shown} {self.year} (arXiv:{self.arxiv})"


@cache
def references() -> dict[str, Reference]:
    """Return every paper by key."""
    import tomllib

    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), dict[str, Reference])


def reference(key: str) -> Reference:
    """Return a paper.

    Raises:
        InputError: if the key is unknown.
    """
    known = references()
    if key not in known:
        raise InputError(f"no paper is known as `{key}`.", do="List them: isoflop cite --all")
    return known[key]


def sources(law: Law) -> list[str]:
    """Return the keys of the papers of a law and its published constants, the law's first."""
    keys = [law.source, *(published.source for published in law.published.values())]
    return [key for key in dict.fromkeys(keys) if key != DEFINITION]


def bibtex(key: str) -> str:
    """Return a paper as one BibTeX entry.

    A title that is not known is replaced by the arXiv identifier.

    Raises:
        InputError: if the key is unknown.
    """
    paper = reference(key)
    # A name of several words is an organisation: braces keep it whole.
    names = (f"{{{name}}}" if " " in name else name for name in paper.authors)
    fields = {
        "author": " and ".join(names),
        "title": f"{{{paper.title or f'arXiv:{paper.arxiv}'}}}",
        "year": str(paper.year),
        "eprint": paper.arxiv,
        "archivePrefix": "arXiv",
        "url": f"https://arxiv.org/abs/{paper.arxiv}",
    }
    if paper.venue:
        fields["note"] = paper.venue
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}}}"
