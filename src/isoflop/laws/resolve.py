"""A law from text: a registered name, a composition, or a formula of one's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.laws.registry import get, names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law

_NAME = re.compile(r"[A-Za-z_]\w*")
_COMPOSED = re.compile(r"\s*([A-Za-z_]\w*)\s*\[(.*)\]\s*", re.DOTALL)


def resolve(text: str, *, columns: Sequence[str] = ()) -> Law:
    """Find the law that a text names.

    Args:
        text: "chinchilla"; "chinchilla[D=repeated_tokens, N=excess_parameters]" (inputs replaced
            by transforms); or a formula, "E + A/N^alpha + B/D^beta; alpha in [0, 1]".
        columns: columns of the table, which a formula may use as inputs.

    Raises:
        InputError: no such law, a composition that does not fit, or a formula that cannot be
            read (with a caret under the mistake).
    """
    text = text.strip()
    if _NAME.fullmatch(text):
        return get(text)
    if composed := _COMPOSED.fullmatch(text):
        name, inside = composed.groups()
        if name in names():
            return get(name).replace(**_transforms(name, inside))
    from isoflop.laws.formula import formula

    return formula(text, columns=tuple(columns))


def _transforms(name: str, inside: str) -> dict[str, Law]:
    """Read `D=repeated_tokens, N=excess_parameters`."""
    found: dict[str, Law] = {}
    for part in inside.split(","):
        key, sign, law = (piece.strip() for piece in part.partition("="))
        if not (_NAME.fullmatch(key) and sign and _NAME.fullmatch(law)) or key in found:
            raise InputError(
                f"`{part.strip()}` in `{name}[{inside}]` is not INPUT=TRANSFORM.",
                "Each input is replaced by one registered transform.",
                f"{name}[D=repeated_tokens]",
            )
        found[key] = get(law)
    return found
