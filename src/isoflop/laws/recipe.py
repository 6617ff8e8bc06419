"""How a law was composed, as JSON types, and the way back."""

from __future__ import annotations

from math import inf, isinf
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.laws import compose, groups
from isoflop.laws.dimensions import Dimension, Kind
from isoflop.laws.law import Input, Law, Parameter
from isoflop.laws.registry import get

if TYPE_CHECKING:
    from collections.abc import Callable


def declaration(law: Law) -> dict[str, Any]:
    """Return the recipe of a law that is not in the registry: its formula and declarations.

    An infinite bound is stored as None. The formula is empty if the law cannot be traced.
    """
    return {
        "law": law.name,
        "formula": law.formula,
        "inputs": [msgspec.to_builtins(x) for x in law.inputs],
        "parameters": {p.name: _stored(p.kind) for p in law.parameters},
        "output": msgspec.to_builtins(law.output),
    }


def _stored(kind: Kind) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and isinf(v) else v for k, v in _fields(kind).items()}


def _fields(kind: Kind) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in kind.__struct_fields__}


def _base(recipe: dict[str, Any]) -> Law:
    """Return the law a recipe starts from: registered, or read from its formula."""
    if "parameters" in recipe:
        return _from_formula(recipe)
    if "formula" in recipe:
        from isoflop.laws.formula import formula

        return formula(recipe["formula"], columns=tuple(recipe.get("columns", ())))
    return get(recipe.get("law", ""))


def declared_law(recipe: dict[str, Any], function: Callable[..., Any]) -> Law:
    """Return a law with the declarations of `declaration` and a function.

    Raises:
        InputError: if the recipe is malformed.
    """
    try:
        return Law(
            name=str(recipe["law"]),
            inputs=tuple(msgspec.convert(x, Input) for x in recipe["inputs"]),
            parameters=tuple(Parameter(k, _kind(v)) for k, v in recipe["parameters"].items()),
            output=msgspec.convert(recipe["output"], Dimension),
            function=function,
            recipe=recipe,
        )
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise InputError(f"not a recipe of a law: {error}.") from error


def _from_formula(recipe: dict[str, Any]) -> Law:
    """Return a declared law whose function is read from its formula."""
    from isoflop.laws.formula import formula

    text = recipe.get("formula", "")
    if not text:
        raise InputError(
            f"the law `{recipe.get('law')}` is not a formula and was declared elsewhere.",
            "Its fit can be read, but not evaluated.",
        )
    declared = declared_law(recipe, len)
    read = formula(text, columns=declared.input_names)
    if set(read.parameter_names) != set(declared.parameter_names):
        raise InputError(f"`{text}` does not have the parameters of `{declared.name}`.")
    return compose.copy(declared, function=read.function)


def _kind(stored: dict[str, Any]) -> Kind:
    ends = {"lower": -inf, "upper": inf}
    given = {k: ends[k] if v is None and k in ends else v for k, v in stored.items()}
    return msgspec.convert(given, Kind)


def rebuild(recipe: Any) -> Law:
    """Return the law a recipe describes (`Law.recipe`, read back from JSON).

    Raises:
        InputError: if a law it is made of is not registered, or the recipe is malformed.
    """
    if not isinstance(recipe, dict):
        raise InputError(f"not a recipe of a law: {recipe!r}.")
    if "of" not in recipe:
        return _base(recipe)
    law = rebuild(recipe["of"])
    steps: dict[str, Callable[[], Law]] = {
        "fix": lambda: compose.fix(law, recipe["values"]),
        "tie": lambda: compose.tie(law, recipe["pairs"]),
        "rename": lambda: compose.rename(law, recipe["pairs"]),
        "replace": lambda: compose.replace(law, {k: rebuild(v) for k, v in recipe["with"].items()}),
        "then": lambda: compose.then(law, rebuild(recipe["link"])),
        "add": lambda: compose.add(law, rebuild(recipe["other"])),
        "by": lambda: groups.by(law, recipe["group"], tuple(recipe["names"])),
        "expand": lambda: groups.expand(law, {k: tuple(v) for k, v in recipe["levels"].items()}),
    }
    if recipe.get("op") not in steps:
        raise InputError(f"unknown step {recipe.get('op')!r} in the recipe of a law.")
    return steps[recipe["op"]]()
