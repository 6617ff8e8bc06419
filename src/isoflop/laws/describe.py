"""What a person wants to know about a law, as one record; and its values by published set."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.laws.derived import meanings
from isoflop.laws.linear import parameter_ranges
from isoflop.laws.published import Published
from isoflop.laws.references import DEFINITION, reference
from isoflop.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.laws.law import Law

_WRONG = re.compile(r"(?:^|(?<=[.;:] ))[Ww]rong\b")


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A law as `isoflop laws show` prints it.

    Args:
        name: name in the registry.
        question: the question it answers.
        summary: one sentence.
        formula: its right-hand side in Python's syntax; empty if it is no closed formula.
        latex: the formula of its docstring.
        notes: how to use it, one paragraph each.
        wrong: when it is wrong; empty if the docstring does not say.
        inputs: name, what it counts, and unit of each input.
        output: what it gives, and its unit.
        parameters: name, kind and bounds of each parameter; null is no bound.
        linear: parameters in which it is linear.
        published: published sets of constants by name.
        derived: derived numbers by published set; meanings: what they are.
        source: key of the paper.
        paper: the paper as a sentence cites it.
        equation: equation or table there.
        example: a command line that evaluates it.
    """

    name: str
    question: str
    summary: str
    formula: str
    latex: tuple[str, ...]
    notes: tuple[str, ...]
    wrong: str
    inputs: tuple[dict[str, str], ...]
    output: dict[str, str]
    parameters: tuple[dict[str, Any], ...]
    linear: tuple[str, ...]
    published: dict[str, Published]
    derived: dict[str, dict[str, float]]
    meanings: dict[str, str]
    source: str
    paper: str
    equation: str
    example: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Values of a law under one set of constants.

    Args:
        constants_from: name of the published set; "given" if every parameter was given.
        constants: the constants used.
        values: [point] results.
        outside: [point] inputs beyond the range the set was fitted on.
    """

    constants_from: str
    constants: dict[str, float]
    values: tuple[float, ...]
    outside: tuple[tuple[str, ...], ...]


def describe(law: Law) -> Description:
    """Return everything a registered law declares, in one record."""
    summary, latex, notes, wrong = _read(law.doc)
    return Description(
        name=law.name,
        question=law.question,
        summary=summary,
        formula=law.formula,
        latex=latex,
        notes=notes,
        wrong=wrong,
        inputs=tuple(
            {"name": x.name, "counts": x.dimension.name, "unit": x.dimension.unit}
            for x in law.inputs
        ),
        output={"counts": law.output.name, "unit": law.output.unit},
        parameters=tuple(
            {"name": p.name, "kind": p.kind.name, "lower": p.lower, "upper": p.upper}
            for p in law.parameters
        ),
        linear=tuple(name for name in law.parameter_names if name in law.linear),
        published=dict(law.published),
        derived={name: derived(law, x.constants) for name, x in law.published.items()},
        meanings=meanings(law),
        source=law.source,
        paper="" if law.source == DEFINITION else reference(law.source).short,
        equation=law.equation,
        example=example(law),
    )


def summary(law: Law) -> str:
    """Return the first sentence of a law's docstring."""
    return _read(law.doc)[0]


def equations(law: Law) -> tuple[str, ...]:
    """Return the displayed equations of a law's docstring, as LaTeX."""
    return _read(law.doc)[1]


def derived(law: Law, constants: Mapping[str, float]) -> dict[str, float]:
    """Return the derived numbers of a law for some constants."""
    from isoflop.laws.derived import keywords

    return {
        name: float(function(**{key: constants[key] for key in keywords(function)}))
        for name, function in law.derived.items()
    }


def _read(doc: str) -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    """Split a docstring into its sentence, formulas, notes, and when the law is wrong."""
    text = inspect.cleandoc(doc)
    formulas = tuple(" ".join(x.split()) for x in re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL))
    prose = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
    paragraphs = [" ".join(x.split()) for x in re.split(r"\n\s*\n", prose) if x.strip()]
    notes: list[str] = []
    wrong: list[str] = []
    for paragraph in paragraphs[1:]:
        found = _WRONG.search(paragraph)
        start = found.start() if found else len(paragraph)
        notes += [paragraph[:start].strip(" ;")] if paragraph[:start].strip() else []
        wrong += [paragraph[start:]] if found else []
    sentence = " ".join(wrong)
    return paragraphs[0], formulas, tuple(notes), sentence[:1].upper() + sentence[1:]


def evaluate_sets(
    law: Law,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, float] | None = None,
    published: str = "",
) -> list[Evaluation]:
    """Evaluate a law under each published set of constants.

    Args:
        law: a law.
        inputs: arrays of one length, or single values, by input.
        parameters: constants to use in place of the published ones.
        published: only this set.

    Raises:
        InputError: if inputs or parameters are missing, of unequal length or out of bounds.
    """
    given = dict(parameters or {})
    _check(law, inputs, given)
    points = _points(inputs)
    sets = {name: x.constants for name, x in law.published.items()}
    if published:
        sets = {published: law.constants(published)}
    if given.keys() == set(law.parameter_names):
        sets = {"given": given}
    if not sets:
        missing = [name for name in law.parameter_names if name not in given]
        raise InputError(
            f"`{law.name}` has no published constants; {', '.join(missing)} missing.",
            do=f"Give each as a flag:  {example(law)}",
        )
    with np.errstate(all="ignore"):  # outside its domain a law has no value: nan or infinite
        return [
            Evaluation(
                constants_from=name,
                constants={**constants, **given},
                values=tuple(np.ravel(law(**points, **{**constants, **given})).tolist()),
                outside=_outside(law, name, points),
            )
            for name, constants in sets.items()
        ]


def _check(law: Law, inputs: Mapping[str, Any], given: Mapping[str, float]) -> None:
    missing = [name for name in law.input_names if name not in inputs]
    if missing:
        raise InputError(
            f"`{law.name}` needs {', '.join(law.input_names)}; {', '.join(missing)} missing.",
            do=f"For instance:  {example(law)}",
        )
    for p in law.parameters:
        if p.name in given and not p.lower <= given[p.name] <= p.upper:
            raise InputError(
                f"{p.name} = {given[p.name]:g} is outside [{p.lower:g}, {p.upper:g}], "
                f"the bounds `{law.name}` declares."
            )


def _points(inputs: Mapping[str, Any]) -> dict[str, Any]:
    arrays = {name: np.atleast_1d(value) for name, value in inputs.items()}
    lengths = {len(x) for x in arrays.values()} - {1}
    if len(lengths) > 1:
        shown = ", ".join(f"{name} {len(x)}" for name, x in arrays.items())
        raise InputError(
            f"inputs are of unequal length: {shown}.", do="Give one value, or as many."
        )
    length = max(lengths, default=1)
    return {name: np.resize(x, length) for name, x in arrays.items()}


def _outside(law: Law, name: str, points: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    ranges = law.published[name].range if name in law.published else {}
    count = len(next(iter(points.values())))
    return tuple(
        tuple(x for x, (low, high) in ranges.items() if not low <= points[x][i] <= high)
        for i in range(count)
    )


def example(law: Law) -> str:
    """Return a command line that evaluates a law at a typical point."""
    typical = {x.name: _middle(*x.dimension.typical) for x in law.inputs}
    flags = [f"--{name} {format_count(value, 1)}" for name, value in typical.items()]
    if not law.published:
        ranges = parameter_ranges(law, typical, _middle(*law.output.typical))
        flags += [f"--{name} {_middle(*ends):.2g}" for name, ends in ranges.items()]
    return " ".join([f"isoflop laws show {law.name}", *flags])


def _middle(low: float, high: float) -> float:
    return float(np.sqrt(low * high)) if low > 0 else 0.5 * (low + high)
