"""One page a law and their index, as Markdown, from what the laws declare."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from isoflop import laws
from isoflop.cli.law_text import EVIDENCE, differing
from isoflop.laws.describe import Description, describe, summary
from isoflop.laws.references import DEFINITION, bibtex, reference, sources
from isoflop.units import format_count, parse_count
from isoflop_docs.law_algebra import algebra
from isoflop_docs.law_figure import figure
from isoflop_docs.markdown import code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.laws.law import Law
    from isoflop.laws.published import Published


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page, the index first."""
    found = [laws.get(name) for name in laws.names()]
    yield "index.md", index(found)
    for law in found:
        yield f"{law.name}.md", page(law)


def index(found: list[Law]) -> str:
    """Return the index: laws by the question they answer, most answered first."""
    groups: dict[str, list[Law]] = {}
    for law in found:
        groups.setdefault(law.question, []).append(law)
    sets = sum(len(law.published) for law in found)
    lines = [
        "# Laws",
        "",
        f"{len(found)} laws and {sets} published sets of constants, by the question they answer. "
        "Each page is generated from the law's declaration: the function that is evaluated and "
        "fitted is the one that is printed here. The same from a terminal: `isoflop laws`, "
        "`isoflop laws show NAME`.",
        "",
    ]
    for question, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        rows = [
            (f"[{law.name}]({law.name}.md)", escape(summary(law)), _origin(law)) for law in group
        ]
        lines += [
            f"## {question[:1].upper()}{question[1:]}",
            "",
            *table(("law", "says", "from"), rows),
        ]
    names = "\n".join(law.name for law in found)
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", names, "```", ""])


def _origin(law: Law) -> str:
    if law.source == DEFINITION:
        return "definition"
    return escape(reference(law.source).short.split(" (arXiv")[0])


def page(law: Law) -> str:
    """Return the page of a law."""
    known = describe(law)
    parts = [
        f"# {law.name}",
        f"*{known.question[:1].upper()}{known.question[1:]}*",
        escape(known.summary),
        _source(law, known),
        *_formula(law, known),
        *(escape(note) for note in known.notes),
        *_wrong(known),
        _figure(law),
        "## Inputs and parameters",
        *_quantities(law, known),
        "## Published constants",
        *_constants(law, known),
        *algebra(law),
        "## Use it",
        *_use(law, known),
        *_citation(law),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _source(law: Law, known: Description) -> str:
    if not known.paper:
        return "A definition; there is nothing to cite."
    paper = reference(law.source)
    equation = f"Eq. {known.equation}" if known.equation[:1].isdigit() else known.equation
    name = known.paper.split(" (arXiv")[0]
    link = f"[{escape(name)}](https://arxiv.org/abs/{paper.arxiv})"
    return ", ".join(x for x in (link, escape(equation)) if x) + "."


def _formula(law: Law, known: Description) -> list[str]:
    parts = ["## Formula", *(f"$$\n{x}\n$$" for x in known.latex)]
    if known.formula:
        parts += ["As it is evaluated:", code("python", _wrapped(known.formula))]
    else:
        parts += ["It has no closed formula: it is computed by a loop or a special function."]
    if known.linear:
        names = ", ".join(f"`{x}`" for x in known.linear)
        parts += [f"Linear in {names}, which a fit therefore solves for instead of searching."]
    return parts


def _wrapped(formula: str) -> str:
    """Break a long formula at its outer sums, in brackets so that it stays Python."""
    if len(formula) <= 88:
        return formula
    pieces = [""]
    depth = 0
    for part in re.findall(r"[()]|[^()]+", formula):
        depth += (part == "(") - (part == ")")
        first, *rest = re.split(r" (?=[+*/-] )", part) if depth == 0 else [part]
        pieces[-1] += first
        pieces += rest
    lines = [""]
    for piece in pieces:
        joined = f"{lines[-1]} {piece}".strip()
        lines = [*lines[:-1], joined] if len(joined) <= 84 else [*lines, piece]
    return "(\n" + "\n".join(f"    {line}" for line in lines if line) + "\n)"


def _wrong(known: Description) -> list[str]:
    if not known.wrong:
        return []
    return [f":::{{admonition}} When it is wrong\n:class: warning\n{escape(known.wrong)}\n:::"]


def _figure(law: Law) -> str:
    drawn = figure(law)
    if not drawn:
        return "No figure: the rows of this law are steps of one run, not separate points."
    return f"```{{raw}} html\n{drawn}\n```"


def _quantities(law: Law, known: Description) -> list[str]:
    inputs = [(f"`{x['name']}`", escape(x["counts"]), escape(x["unit"])) for x in known.inputs]
    gives = ("gives", escape(known.output["counts"]), escape(known.output["unit"]))
    parts = ["\n".join(table(("input", "counts", "unit"), [*inputs, gives]))]
    rows = [
        (
            f"`{p.name}`",
            escape(p.kind.name),
            f"{p.lower:g} to {p.upper:g}".replace("inf", "∞"),
            "linear" if p.name in law.linear else "nonlinear",
            f"{p.start[0]:g} to {p.start[1]:g}"
            + (f" × {p.kind.relative_to}" * bool(p.kind.relative_to)),
        )
        for p in law.parameters
    ]
    if rows:
        header = ("parameter", "kind", "allowed", "enters", "starts drawn from")
        parts.append("\n".join(table(header, rows)))
    return parts


def _constants(law: Law, known: Description) -> list[str]:
    if not known.published:
        return ["None that could be confirmed. Fit the law to runs, or give constants of your own."]
    derived = list(law.derived)
    names = [*law.parameter_names, *derived]
    rows = [
        (
            f"`{name}`",
            *(
                f"{x:.6g}"
                for x in (
                    *(p.constants[k] for k in law.parameter_names),
                    *known.derived[name].values(),
                )
            ),
        )
        for name, p in known.published.items()
    ]
    parts = ["\n".join(table(("set", *(f"`{x}`" for x in names)), rows))]
    if derived:
        shown = ", ".join(f"`{x}`" for x in derived)
        parts.append(f"{shown}: derived from the constants.")
    parts += [_differences(known)]
    return [*parts, *(_set(name, x) for name, x in known.published.items())]


def _differences(known: Description) -> str:
    differ = differing(list(known.published.values()))
    if not differ:
        return ""
    return f"The sets differ in {escape(', '.join(differ))}: do not compare them across."


def _set(name: str, found: Published) -> str:
    """Return the details of one published set, constants at full precision."""
    paper = reference(found.source)
    link = f"[{escape(paper.short.split(' (arXiv')[0])}](https://arxiv.org/abs/{paper.arxiv})"
    checked = "; ".join(EVIDENCE[letter] for letter in found.evidence)
    ranges = ", ".join(
        f"{key} {format_count(low)} to {format_count(high)}"
        for key, (low, high) in found.range.items()
    )
    rows = {
        "constants": "`" + ", ".join(f"{k} = {v!r}" for k, v in found.constants.items()) + "`",
        "source": f"{link}, {escape(found.table)}",
        "evidence": escape(checked),
        "counts": escape("; ".join(f"{k}: {v}" for k, v in found.convention.items())),
        "fitted on": escape(ranges) or "not stated",
        "minimises": escape(found.objective) or "not stated",
        "caveat": escape(found.note),
    }
    lines = [f":{key}: {value}" for key, value in rows.items() if value]
    return "\n".join([f"### `{name}`: {escape(found.label)}", "", *lines])


def _use(law: Law, known: Description) -> list[str]:
    parts = [code("bash", _commands(law, known)), code("python", snippet(law, known.example))]
    return [
        *parts,
        "Its parameters can be fixed, tied, grouped and composed: see "
        "[](../howto/your-own-law.md).",
    ]


def _commands(law: Law, known: Description) -> str:
    lines = [known.example]
    if known.output["unit"] == "nats/token":
        lines.append(f"isoflop fit runs.csv --law {law.name}")
    return "\n".join(lines)


def snippet(law: Law, example: str) -> str:
    """Return Python that evaluates a law where its example command does, with the result."""
    words = shlex.split(example)[4:]
    flags = {
        flag.removeprefix("--"): parse_count(x) if x[0] != "-" else float(x)
        for flag, x in zip(words[::2], words[1::2], strict=True)
    }
    inputs = ", ".join(f"{name}={_number(flags[name])}" for name in law.input_names)
    if law.published:
        name = next(iter(law.published))
        constants, values = f'**law.constants("{name}")', law.constants(name)
    else:
        values = {name: flags[name] for name in law.parameter_names}
        constants = ", ".join(f"{k}={_number(v)}" for k, v in values.items())
    import numpy as np

    points = {name: flags[name] for name in law.input_names}
    value = float(np.ravel(law(**points, **values))[0])
    unit = "" if law.output.unit == "1" else f" {law.output.unit}"
    call = f"law({', '.join(x for x in (inputs, constants) if x)})"
    return (
        f'from isoflop import laws\n\nlaw = laws.get("{law.name}")\n'
        f"value = {call}  # {value:.6g}{unit}"
    )


def _number(value: float) -> str:
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:g}")


def _citation(law: Law) -> list[str]:
    keys = sources(law)
    if not keys:
        return []
    return ["## BibTeX", code("bibtex", "\n\n".join(bibtex(key) for key in keys))]
