"""Names of columns: compared, and listed in a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Names that a message lists; a table of a hundred metrics would bury the rest of it.
_LISTED = 24


def plain(name: str) -> str:
    """Return a name in lower case with `_` between its parts: `val/loss` -> `val_loss`."""
    letters = [c if c.isalnum() else "_" for c in name.strip().lower()]
    return "_".join(part for part in "".join(letters).split("_") if part)


def listed(names: Sequence[str]) -> str:
    """Return names joined by commas, the first of them if they are many."""
    if not names:
        return "no columns"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED + 1 else ""
    return ", ".join(names[: _LISTED if more else None]) + more


def quoted(argument: str) -> str:
    """Return an argument as a shell takes it: in quotes if it has blanks, brackets or the like."""
    import shlex

    safe = shlex.quote(argument)
    # A shell would run what stands in backquotes, also inside double ones.
    return safe if safe == argument or set(argument) & set('`$"\\') else f'"{argument}"'
