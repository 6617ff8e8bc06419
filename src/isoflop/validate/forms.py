"""The laws that an ensemble is made of when none is named.

They differ where laws of one kind differ most beyond their runs: in whether the loss has a floor,
and in whether both inputs share an exponent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.laws.resolve import resolve

if TYPE_CHECKING:
    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable

#: Kind of the inputs -> laws as `isoflop.laws.resolve` reads them, the usual one first.
FORMS = {
    "N, D": ("chinchilla", "A/N^alpha + B/D^beta", "E + A/N^alpha + B/D^alpha"),
    "C": ("E + A/C^alpha", "A/C^alpha"),
    "x": ("m2", "m1", "m3"),
}


def forms(kind: str) -> list[Law]:
    """Return the laws of a key of `FORMS`."""
    return [resolve(text) for text in FORMS[kind]]


def forms_for(table: RunTable) -> list[Law]:
    """Return the laws for a table's columns: in N and D, else in C, else in x.

    Raises:
        InputError: if it has none of these.
    """
    for kind in FORMS:
        if all(name in table for name in kind.split(", ")):
            return forms(kind)
    raise InputError(
        f"the runs have neither N and D nor C nor x; they have {', '.join(table.columns)}.",
        "Without inputs that are known no law can be chosen.",
        "Name columns or a law:  --column N=params --column D=tokens, or --law 'E + A/x^alpha'",
    )
