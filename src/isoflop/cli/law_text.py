"""Laws in words: the list by question, one law, and its values."""

from __future__ import annotations

import textwrap
from math import isnan
from typing import TYPE_CHECKING, Any

from isoflop.plan.columns import columns
from isoflop.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from isoflop.laws.describe import Description, Evaluation
    from isoflop.laws.law import Law
    from isoflop.laws.published import Published

_WIDTH = 96
EVIDENCE = {
    "P": "read in the paper",
    "C": "in the authors' code or data",
    "R": "reproduced",
    "N": "read in notes",
    "D": "derived",
}


def catalogue(laws: Iterable[Law]) -> str:
    """Return the list of laws by question, questions by the number of laws that answer them."""
    from isoflop.laws.describe import summary

    groups: dict[str, list[Law]] = {}
    for law in laws:
        groups.setdefault(law.question, []).append(law)
    width = max(len(law.name) for group in groups.values() for law in group)
    lines: list[str] = []
    for question, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        lines.append(question[:1].upper() + question[1:])
        for law in group:
            text = textwrap.shorten(summary(law), _WIDTH - width - 4, placeholder=" ...")
            lines.append(f"  {law.name.ljust(width)}  {text}")
        lines.append("")
    return "\n".join([*lines, "isoflop laws show NAME prints one of them."])


def describe_text(law: Description, published_set: str = "") -> str:
    """Return one law as text."""
    equation = f"Eq. {law.equation}" if law.equation[:1].isdigit() else law.equation
    origin = ", ".join(x for x in (law.paper, equation) if x)
    lines = [f"{law.name}: {law.summary}", *([f"  {origin}"] if origin else []), ""]
    lines += ["Formula"]
    lines += [line for x in law.latex for line in _wrapped(x)]
    if law.formula:
        lines += _wrapped(f"in Python: {law.formula}")
    lines += ["", "Inputs", *columns([(x["name"], _unit(x)) for x in law.inputs])]
    lines += ["", "Gives", f"  {_unit(law.output)}"]
    if law.parameters:
        lines += ["", "Parameters", *columns([_parameter(law, p) for p in law.parameters])]
    if law.meanings:
        lines += ["", "Derived", *(line for x in law.meanings.values() for line in _wrapped(x))]
    lines += ["", *_constants(law, published_set)]
    if law.notes:
        lines += ["", "Notes", *(line for note in law.notes for line in _wrapped(note))]
    if law.wrong:
        lines += ["", "When it is wrong", *_wrapped(law.wrong)]
    lines += ["", "Example", f"  {law.example}"]
    if law.paper:
        lines += ["", f"BibTeX: isoflop cite {law.name}"]
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    # `beta = 0.3` stays on one line: textwrap does not break at no-break spaces.
    lines = textwrap.wrap(
        text.replace(" = ", "\u00a0=\u00a0"),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]


def _unit(quantity: Mapping[str, str]) -> str:
    counts, unit = quantity["counts"], quantity["unit"]
    return counts if unit in ("1", counts) else f"{counts}, {unit}"


def _parameter(law: Description, p: Mapping[str, Any]) -> tuple[str, str, str]:
    bounds = f"{p['lower']:g} to {p['upper']:g}".replace("inf", "infinity")
    linear = ", enters linearly" if p["name"] in law.linear else ""
    return p["name"], p["kind"], bounds + linear


def _constants(law: Description, published_set: str) -> list[str]:
    if not law.published:
        return ["Published constants", "  none that could be confirmed; fit it, or give your own"]
    lines = ["Published constants"]
    for name, published in law.published.items():
        if published_set in ("", name):
            lines += _published(name, published, law.derived[name])
    return lines


def _published(name: str, published: Published, derived: Mapping[str, float]) -> list[str]:
    from isoflop.laws.references import reference

    numbers = ", ".join(
        f"{key} = {repr(value).removesuffix('.0')}" for key, value in published.constants.items()
    )
    lines = [f"  {name}: {published.label}", *_wrapped(numbers, "    ")]
    if derived:
        shown = ", ".join(f"{key} = {value:.6g}" for key, value in derived.items())
        lines += _wrapped(f"so {shown}", "    ")
    counted = ", ".join(f"{key}: {value}" for key, value in published.convention.items())
    ranges = ", ".join(
        f"{key} {format_count(low)} to {format_count(high)}"
        for key, (low, high) in published.range.items()
    )
    known = "; ".join(EVIDENCE[letter] for letter in published.evidence)
    rest = {
        "from": f"{reference(published.source).short}, {published.table} ({known})",
        "counts": counted,
        "fitted on": ranges,
        "minimises": published.objective,
        "note": published.note,
    }
    for key, value in rest.items():
        lines += _wrapped(f"{key} {value}" if key != "note" else value, "    ") if value else []
    return lines


def values_text(
    law: Law, inputs: Mapping[str, Sequence[float]], evaluations: Sequence[Evaluation]
) -> str:
    """Return the values of a law at some points, one row a point and set of constants."""
    rows = [[*inputs, "constants", _unit({"counts": law.output.name, "unit": law.output.unit}), ""]]
    for point in range(len(evaluations[0].values)):
        shown = [format_count(x[point % len(x)], 4) for x in inputs.values()]
        for found in evaluations:
            far = ", ".join(found.outside[point])
            far = f"beyond the fitted {far}" if far else ""
            rows.append([*shown, found.constants_from, _value(found.values[point]), far])
    lines = [f"{law.name} = {law.formula or '...'}", "", *columns(rows, "")]
    differ = differing(
        [law.published[x.constants_from] for x in evaluations if x.constants_from in law.published]
    )
    if differ:
        lines += ["", f"The sets differ in {', '.join(differ)}: do not compare them across."]
    return "\n".join(lines)


def _value(x: float) -> str:
    return "undefined" if isnan(x) else f"{x:.7g}".replace("inf", "infinite")


def differing(sets: Sequence[Published]) -> list[str]:
    """Return what published sets counted differently."""
    keys = dict.fromkeys(key for published in sets for key in published.convention)
    return [key for key in keys if len({x.convention.get(key) for x in sets} - {None}) > 1]
