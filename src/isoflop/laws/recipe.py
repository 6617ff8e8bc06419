"""How a law was composed, as JSON types, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.laws import compose, groups
from isoflop.laws.registry import get

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.laws.law import Law


def rebuild(recipe: Any) -> Law:
    """Return the law a recipe describes (`Law.recipe`, read back from JSON).

    Raises:
        InputError: if a law it is made of is not registered, or the recipe is malformed.
    """
    if not isinstance(recipe, dict):
        raise InputError(f"not a recipe of a law: {recipe!r}.")
    if "law" in recipe:
        return get(recipe["law"])
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
