"""Laws with one value of a parameter for each group of runs (A per optimiser, E per data set)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.laws.compose import check_known, copy, evaluate, union_inputs
from isoflop.laws.derived import keywords
from isoflop.laws.dimensions import LABEL
from isoflop.laws.functions import choose
from isoflop.laws.law import Input, Law, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping


def by(law: Law, group: str, names: tuple[str, ...]) -> Law:
    """Return the law with one value of the named parameters for each label of an input.

    The labels are filled in from the data by `expand`; until then each grouped parameter is
    given as a dictionary of values by label.

    Raises:
        InputError: if a parameter is unknown or grouped already, or the input is taken.
    """
    check_known(law, names, law.parameter_names, "parameter")
    again = sorted(set(names) & law.groups.keys())
    taken = group in law.parameter_names or (
        group in law.input_names and group not in law.groups.values()
    )
    if again or taken or not names:
        what = f"{', '.join(again)} is grouped already" if again else f"`{group}` is taken"
        raise InputError(what if names else f"by('{group}', ...) names no parameter", do="")

    def function(**given: Any) -> Any:
        chosen = {name: choose(given[group], given[name]) for name in names}
        return evaluate(law, {**given, **chosen})

    shown = ", ".join(f"'{name}'" for name in (group, *names))
    return copy(
        law,
        name=f"{law.name}.by({shown})",
        inputs=union_inputs(law.inputs, (Input(group, LABEL),)),
        function=function,
        derived={k: f for k, f in law.derived.items() if not set(keywords(f)) & set(names)},
        groups={**law.groups, **dict.fromkeys(names, group)},
        recipe={"op": "by", "of": law.recipe, "group": group, "names": list(names)},
    )


def expand(law: Law, levels: Mapping[str, tuple[str, ...]]) -> Law:
    """Return a law by groups with its labels filled in: `A` becomes `A[adam]`, `A[muon]`.

    Raises:
        InputError: if a group has no labels given or a label is given twice.
    """
    known = {name: tuple(str(x) for x in labels) for name, labels in levels.items()}
    check_known(law, levels, set(law.groups.values()), "group")
    missing = sorted(set(law.groups.values()) - known.keys())
    if missing or any(len(set(x)) != len(x) or not x for x in known.values()):
        raise InputError(f"give each label of {', '.join(missing or known)} once.")

    def members(p: Parameter) -> tuple[Parameter, ...]:
        if p.name not in law.groups:
            return (p,)
        labels = known[law.groups[p.name]]
        return tuple(Parameter(f"{p.name}[{label}]", p.kind) for label in labels)

    def function(**given: Any) -> Any:
        packed = {
            name: {label: given[f"{name}[{label}]"] for label in known[group]}
            for name, group in law.groups.items()
        }
        return evaluate(law, {**given, **packed})

    return copy(
        law,
        parameters=tuple(q for p in law.parameters for q in members(p)),
        function=function,
        groups={},
        levels={**law.levels, **known},
        recipe={
            "op": "expand",
            "of": law.recipe,
            "levels": {name: list(labels) for name, labels in known.items()},
        },
    )


def ungroup(law: Law) -> Law:
    """Return a law by groups with one value for all labels: the law it would be without them."""
    groups = set(law.groups.values())

    def function(**given: Any) -> Any:
        single = {name: {"": given[name]} for name in law.groups}
        labels = dict.fromkeys(groups, "")
        return evaluate(law, {**given, **single, **labels})

    return copy(
        law,
        inputs=tuple(x for x in law.inputs if x.name not in groups),
        function=function,
        groups={},
    )
