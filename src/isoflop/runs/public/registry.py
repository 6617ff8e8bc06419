"""Which public tables there are: files with their hashes, licence, citation and traps."""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec

from isoflop.errors import InputError
from isoflop.runs.convention import Convention

_HERE = Path(__file__).parent


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One upstream file.

    Args:
        path: in the repository.
        sha256: of its bytes at the entry's commit.
    """

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public table.

    Args:
        name: by which it is asked for.
        title: what it is, in a line.
        use: what it is good for.
        repository: owner/name on GitHub; "" if no file was published.
        commit: the one the hashes are of.
        files: the upstream files it is made of.
        hashes: a file beside the registry with "sha256  path" lines, for tables of many files.
        converter: function of `isoflop.runs.public.converters`, "module:function".
        columns: standard column -> column or expression, where the names do not say it.
        convention: how N, D, C and loss were counted.
        licence: of the repository.
        citation: key of the paper (`isoflop cite`).
        rows: of the whole table; None where that is not known.
        digest: of the whole table as `RunTable` before its columns get standard names; "" where
            only a part could be looked at.
        checked: whether the converter was compared with the whole table or with a part of it.
        notes: units, splits and traps.
        host: where GitHub serves raw files.
    """

    name: str = ""
    title: str
    use: str
    repository: str = ""
    commit: str = ""
    files: tuple[File, ...] = ()
    hashes: str = ""
    converter: str = ""
    columns: dict[str, str] = {}
    convention: Convention = Convention()
    licence: str
    citation: str
    rows: int | None = None
    digest: str = ""
    checked: Literal["whole", "part"] = "whole"
    notes: tuple[str, ...] = ()
    host: str = "https://raw.githubusercontent.com"

    def url(self, file: File) -> str:
        """Return the address of an upstream file, pinned to the commit."""
        return f"{self.host}/{self.repository}/{self.commit}/{file.path}"

    @property
    def urls(self) -> list[str]:
        """Addresses of all upstream files."""
        return [self.url(file) for file in self.files]


def names() -> list[str]:
    """Return the names of all public tables, in the registry's order."""
    return list(_read())


def show(name: str) -> Entry:
    """Return the registry's entry of a table.

    Raises:
        InputError: if there is none, with the nearest names.
    """
    known = _read()
    if name in known:
        return known[name]
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"Did you mean {', '.join(near)}?  " if near else ""
    raise InputError(
        f"no public table is named `{name}`.", do=f"{hint}List them: isoflop data list"
    )


@cache
def _read() -> dict[str, Entry]:
    import tomllib

    raw: dict[str, Any] = tomllib.loads((_HERE / "registry.toml").read_text(encoding="utf-8"))
    return {name: _complete(name, msgspec.convert(fields, Entry)) for name, fields in raw.items()}


def _complete(name: str, entry: Entry) -> Entry:
    files = entry.files
    if entry.hashes:
        lines = (_HERE / entry.hashes).read_text(encoding="utf-8").splitlines()
        pairs = (line.split("  ", 1) for line in lines if line)
        files = (*files, *(File(path, sha256) for sha256, path in pairs))
    return msgspec.structs.replace(entry, name=name, files=files)
