"""Constants of a law: a published set by name, values as text, each part of a composition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.laws.published import Published, choose, published
from isoflop.laws.references import DEFINITION, reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.laws.law import Law

_GIVEN = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([^=]+?)\s*")


class Constants(msgspec.Struct, frozen=True):
    """Constants of a law, plain or composed.

    Args:
        values: by parameter.
        names: the published set of each part: {"chinchilla": "tex"}; "given" if a person did.
        base: the published set of the law itself, before its inputs were replaced.
    """

    values: dict[str, float]
    names: dict[str, str]
    base: Published | None = None


def described(found: Constants) -> str:
    """Return where constants are from: `Hoffmann et al. 2022 (...), tex`."""
    names = ", ".join(
        f"{law} {name}" if len(found.names) > 1 else name for law, name in found.names.items()
    )
    if found.base is None or found.base.source == DEFINITION:
        return names or "given"
    return f"{reference(found.base.source).short}, {found.base.table}; set {names}"


def collect(law: Law, constants: str | Mapping[str, float] = "") -> Constants:
    """Return the constants of a law and of the laws it was composed of.

    The named set is that of the law itself; a transform or link takes its first published set,
    and shares the parameters that the law has already.

    Raises:
        InputError: a part has no published constants and none were given.
    """
    given = _given(constants)
    if given is not None:
        unknown = sorted(given.keys() - set(law.parameter_names))
        if unknown:
            raise InputError(
                f"`{law.name}` has no parameter {', '.join(unknown)}; it has"
                f" {', '.join(law.parameter_names)}."
            )
        for name, value in given.items():
            _checked(law, name, value)
        rest = _walk(law.recipe, "", law) if set(given) != set(law.parameter_names) else None
        values = {**(rest.values if rest else {}), **given}
        return Constants(values, {**(rest.names if rest else {}), law.name: "given"})
    return _walk(law.recipe, str(constants), law)


def _given(constants: str | Mapping[str, float]) -> dict[str, float] | None:
    if not isinstance(constants, str):
        return {name: float(value) for name, value in constants.items()}
    if "=" not in constants:
        return None
    found: dict[str, float] = {}
    for part in constants.split(","):
        pair = _GIVEN.fullmatch(part)
        name, value = (pair[1], _number(pair[2])) if pair else ("", None)
        if value is None:
            raise InputError(f"`{part.strip()}` is not NAME=NUMBER.", do='"E=1.7,A=400,alpha=0.34"')
        found[name] = value
    return found


def _checked(law: Law, name: str, value: float) -> None:
    """Refuse a constant that is no number, or outside what the law declares for it."""
    kind = next(one for one in law.parameters if one.name == name)
    if not kind.lower <= value <= kind.upper or not np.isfinite(value):
        raise InputError(
            f"{name} = {value:g} is not a number between {kind.lower:g} and {kind.upper:g}.",
            f"`{law.name}` declares no other for its {kind.kind.name}.",
            f"A formula may declare its own bounds:  --law '...; {name} in [-2, 2]'",
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _walk(recipe: Any, name: str, law: Law) -> Constants:
    """Return the constants of a recipe (see `isoflop.laws.recipe`); earlier parts win."""
    op = recipe.get("op") if isinstance(recipe, dict) else None
    if op is None:
        key = recipe.get("law", "") if isinstance(recipe, dict) else ""
        if not published(key):
            if name:
                choose(key or law.name, name)
            return Constants({}, {})
        chosen, record = choose(key, name)
        return Constants(dict(record.constants), {key: chosen}, record)
    first = _walk(recipe["of"], name, law)
    parts = [*recipe.get("with", {}).values()]
    parts += [recipe[key] for key in ("link", "other") if key in recipe]
    values, names = dict(first.values), dict(first.names)
    for part in parts:
        found = _walk(part, "", law)
        values = {**found.values, **values}
        names = {**found.names, **names}
    if op == "rename":
        values = {recipe["pairs"].get(key, key): value for key, value in values.items()}
    kept = {key: values[key] for key in law.parameter_names if key in values}
    return Constants(values if op == "replace" else kept or values, names, first.base)
