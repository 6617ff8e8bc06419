"""Laws by name. Modules of laws are imported when one of theirs is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.laws.catalogue import MODULES

if TYPE_CHECKING:
    from isoflop.laws.law import Law

_LAWS: dict[str, Law] = {}


def register(law: Law) -> Law:
    """Put a law into the registry under its name.

    Raises:
        InputError: if another module already declared a law of that name.
    """
    known = _LAWS.get(law.name)
    if known is not None and known.function.__module__ != law.function.__module__:
        raise InputError(
            f"a law named `{law.name}` is already declared in {known.function.__module__}.",
            "Names of laws are how fits and reports refer to them.",
            "Give the function another name.",
        )
    _LAWS[law.name] = law
    return law


def get(name: str) -> Law:
    """Return the law registered under a name.

    Raises:
        InputError: if there is none, with the nearest names.
    """
    if name not in _LAWS:
        _import(name) if name in MODULES else _import(*MODULES)
    if name in _LAWS:
        return _LAWS[name]
    from difflib import get_close_matches

    near = get_close_matches(name, _LAWS, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else "List them: isoflop laws"
    raise InputError(f"no law is named `{name}`.", do=hint)


def names() -> list[str]:
    """Return the names of all registered laws, sorted."""
    _import(*MODULES)
    return sorted(_LAWS)


def _import(*modules: str) -> None:
    for module in modules:
        import_module(f"isoflop.laws.{module}")
