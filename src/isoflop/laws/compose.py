"""Laws made from laws: fix, tie, rename, replace, then, sums (groups: `isoflop.laws.groups`).

Inputs of a composite are the union of its parts' inputs. A parameter that two parts name alike
is shared if both declare it identically; otherwise it must be renamed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import ConventionError, InputError
from isoflop.laws import derived
from isoflop.laws.chaining import through
from isoflop.laws.law import Input, Law, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def evaluate(
    law: Law, values: Mapping[str, Any], inner: frozenset[str] | set[str] = frozenset()
) -> Any:
    """Call a law with those of the values it takes.

    Args:
        law: the law.
        values: inputs and parameters by name, and possibly others.
        inner: inputs that are results of other laws (see `isoflop.laws.chaining`).
    """
    names = (*law.input_names, *law.parameter_names)
    return through(law.function, {name: values[name] for name in names}, inner)


def check_known(law: Law, names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise an InputError that says what the law has, if names are not among the known."""
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InputError(
            f"`{law.name}` has no {what} {', '.join(unknown)}; it has {', '.join(known) or 'none'}."
        )


def union_inputs(*groups: Iterable[Input]) -> tuple[Input, ...]:
    """Return the inputs of all groups once; a name in two units raises a ConventionError."""
    found: dict[str, Input] = {}
    for x in (x for group in groups for x in group):
        known = found.setdefault(x.name, x)
        if known.dimension.unit != x.dimension.unit:
            raise ConventionError(
                f"input `{x.name}` is in {known.dimension.unit} and in {x.dimension.unit}.",
                "One column cannot be both.",
                f"Rename one: law.rename({x.name}='{x.name}_2').",
            )
    return tuple(found.values())


def _union_parameters(*laws: Law) -> tuple[Parameter, ...]:
    found: dict[str, tuple[Parameter, Law]] = {}
    for law in laws:
        for p in law.parameters:
            known, other = found.setdefault(p.name, (p, law))
            if known != p:
                raise InputError(
                    f"parameter `{p.name}` is declared differently by `{other.name}` and "
                    f"`{law.name}`.",
                    "A parameter is shared only if both declarations are identical.",
                    f"Rename one: {law.name}.rename({p.name}='{p.name}_2').",
                )
    return tuple(p for p, _ in found.values())


def _check_names(inputs: Iterable[Input], parameters: Iterable[Parameter]) -> None:
    both = sorted({x.name for x in inputs} & {p.name for p in parameters})
    if both:
        raise InputError(
            f"{', '.join(both)} would be an input and a parameter at once.",
            do=f"Rename the parameter: law.rename({both[0]}='{both[0]}_2').",
        )


def copy(law: Law, **changes: Any) -> Law:
    """Return the law with some fields changed."""
    fields = {name: getattr(law, name) for name in law.__struct_fields__}
    return Law(**{**fields, **changes})


def fix(law: Law, values: Mapping[str, float]) -> Law:
    """Return the law with parameters fixed to numbers.

    Raises:
        InputError: if a parameter is unknown or a number outside its bounds.
    """
    check_known(law, values, law.parameter_names, "parameter")
    fixed = {name: float(value) for name, value in values.items()}
    for p in law.parameters:
        if p.name in fixed and not p.lower <= fixed[p.name] <= p.upper:
            raise InputError(
                f"{p.name} = {fixed[p.name]:g} is outside [{p.lower:g}, {p.upper:g}], "
                f"the bounds `{law.name}` declares."
            )
    shown = ", ".join(f"{name}={value:g}" for name, value in fixed.items())
    return copy(
        law,
        name=f"{law.name}.fix({shown})",
        parameters=tuple(p for p in law.parameters if p.name not in fixed),
        function=lambda **given: evaluate(law, {**given, **fixed}),
        derived=derived.mapped(law, fixed),
        groups={k: v for k, v in law.groups.items() if k not in fixed},
        recipe={"op": "fix", "of": law.recipe, "values": fixed},
    )


def tie(law: Law, pairs: Mapping[str, str]) -> Law:
    """Return the law with parameters set equal to others, which keep their declaration.

    Raises:
        InputError: if a parameter is unknown or tied to one that is tied itself.
    """
    check_known(law, (*pairs, *pairs.values()), law.parameter_names, "parameter")
    chained = sorted(pairs.keys() & set(pairs.values()))
    if chained:
        raise InputError(f"{', '.join(chained)} is tied and tied to.", do="Tie to a free one.")
    shown = ", ".join(f"{name}='{other}'" for name, other in pairs.items())
    return copy(
        law,
        name=f"{law.name}.tie({shown})",
        parameters=tuple(p for p in law.parameters if p.name not in pairs),
        function=lambda **given: evaluate(
            law, {**given, **{name: given[other] for name, other in pairs.items()}}
        ),
        derived=derived.mapped(law, pairs),
        groups={k: v for k, v in law.groups.items() if k not in pairs},
        recipe={"op": "tie", "of": law.recipe, "pairs": dict(pairs)},
    )


def rename(law: Law, pairs: Mapping[str, str]) -> Law:
    """Return the law with inputs or parameters renamed.

    Raises:
        InputError: if a name is unknown or the new one is taken.
    """
    names = (*law.input_names, *law.parameter_names)
    check_known(law, pairs, names, "input or parameter")
    new = [pairs.get(name, name) for name in names]
    taken = sorted({name for name in new if new.count(name) > 1})
    if taken:
        raise InputError(f"`{law.name}` would have two of {', '.join(taken)}.")
    shown = ", ".join(f"{name}='{other}'" for name, other in pairs.items())
    return copy(
        law,
        name=f"{law.name}.rename({shown})",
        inputs=tuple(Input(pairs.get(x.name, x.name), x.dimension) for x in law.inputs),
        parameters=tuple(Parameter(pairs.get(p.name, p.name), p.kind) for p in law.parameters),
        function=lambda **given: evaluate(
            law, {name: given[pairs.get(name, name)] for name in names}
        ),
        derived=derived.mapped(law, pairs),
        groups={pairs.get(k, k): pairs.get(v, v) for k, v in law.groups.items()},
        levels={pairs.get(k, k): v for k, v in law.levels.items()},
        recipe={"op": "rename", "of": law.recipe, "pairs": dict(pairs)},
    )


def replace(law: Law, transforms: Mapping[str, Law]) -> Law:
    """Return the law with inputs computed by other laws.

    All transforms see the original inputs, whatever their order. Derived numbers are dropped:
    they were derived for the inputs as they stood.

    Raises:
        InputError: if an input is unknown or a parameter's declarations differ.
        ConventionError: if a transform's result has another unit than the input.
    """
    check_known(law, transforms, law.input_names, "input")
    for x in law.inputs:
        transform = transforms.get(x.name)
        if transform is not None and transform.output.unit != x.dimension.unit:
            raise ConventionError(
                f"`{transform.name}` gives {transform.output.unit}, but `{x.name}` of "
                f"`{law.name}` is in {x.dimension.unit}."
            )
    parts = (transforms[x.name].inputs if x.name in transforms else (x,) for x in law.inputs)
    inputs, parameters = union_inputs(*parts), _union_parameters(law, *transforms.values())
    _check_names(inputs, parameters)

    def function(**given: Any) -> Any:
        computed = {name: evaluate(transform, given) for name, transform in transforms.items()}
        return evaluate(law, {**given, **computed}, set(computed))

    shown = ",".join(f"{name}={transform.name}" for name, transform in transforms.items())
    recipes = {name: transform.recipe for name, transform in transforms.items()}
    return copy(
        law,
        name=f"{law.name}[{shown}]",
        inputs=inputs,
        parameters=parameters,
        function=function,
        derived={},
        groups={**law.groups, **{k: v for t in transforms.values() for k, v in t.groups.items()}},
        levels={**law.levels, **{k: v for t in transforms.values() for k, v in t.levels.items()}},
        recipe={"op": "replace", "of": law.recipe, "with": recipes},
    )


def then(law: Law, link: Law) -> Law:
    """Return the law whose result is passed through a link (loss to accuracy, ...).

    Raises:
        InputError: if no input of the link, or more than one, takes the law's unit, or a
            parameter's declarations differ.
    """
    takes = [x.name for x in link.inputs if x.dimension.unit == law.output.unit]
    if len(takes) != 1:
        raise InputError(
            f"{len(takes)} inputs of `{link.name}` take {law.output.unit}, the unit of "
            f"`{law.name}`; a link takes exactly one."
        )
    inputs = union_inputs(law.inputs, (x for x in link.inputs if x.name != takes[0]))
    parameters = _union_parameters(law, link)
    _check_names(inputs, parameters)
    return copy(
        law,
        name=f"{law.name}.then({link.name})",
        inputs=inputs,
        parameters=parameters,
        output=link.output,
        function=lambda **given: evaluate(
            link, {**given, takes[0]: evaluate(law, given)}, {takes[0]}
        ),
        derived={},
        groups={**law.groups, **link.groups},
        levels={**law.levels, **link.levels},
        recipe={"op": "then", "of": law.recipe, "link": link.recipe},
    )


def add(law: Law, other: Law) -> Law:
    """Return the sum of two laws (or costs) of the same unit.

    Raises:
        ConventionError: if the units differ.
        InputError: if a parameter's declarations differ.
    """
    if law.output.unit != other.output.unit:
        raise ConventionError(
            f"`{law.name}` is in {law.output.unit}, `{other.name}` in {other.output.unit}."
        )
    inputs, parameters = union_inputs(law.inputs, other.inputs), _union_parameters(law, other)
    _check_names(inputs, parameters)
    return copy(
        law,
        name=f"{law.name} + {other.name}",
        inputs=inputs,
        parameters=parameters,
        function=lambda **given: evaluate(law, given) + evaluate(other, given),
        derived={},
        groups={**law.groups, **other.groups},
        levels={**law.levels, **other.levels},
        recipe={"op": "add", "of": law.recipe, "other": other.recipe},
    )
