"""A fit as people read it: text for a terminal, HTML for a notebook."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.fit.misses import alone, caution
from isoflop.laws.derived import keywords, meanings
from isoflop.runs.convention import KNOWN as CONVENTIONS
from isoflop.runs.convention import UNSTATED
from isoflop.samples import MISSES, SAMPLING
from isoflop.units import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoflop.fit.records import Interval
    from isoflop.fit.result import Fit
    from isoflop.samples import Estimate

_PUBLISHED = 3  # published sets shown next to the estimate
_COUNTS = ("N*", "D*")


def number(x: float | None, digits: int = 4) -> str:
    """Return a number with some significant digits; an open end as an ellipsis."""
    return "..." if x is None else f"{x:.{digits}g}"


def shown(name: str, x: float | None, digits: int = 4) -> str:
    """Return a number as `number` does, but N* and D* as counts: 34B."""
    return format_count(x) if x is not None and name in _COUNTS else number(x, digits)


def rows(fit: Fit) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of the table of parameters and derived numbers."""
    published = list(_published(fit).items())[:_PUBLISHED]
    header = [
        "",
        "estimate",
        f"{100 * fit.settings.level:g} % interval",
        *(k for k, _ in published),
    ]
    body = []
    for name in fit.parameters:
        mark = _doubt(fit, (name,))
        interval = (fit.intervals or {}).get(name) or (fit.profiles or {}).get(name)
        theirs = [number(values[name]) if name in values else "" for _, values in published]
        body.append([name + mark, number(fit.estimate[name], 5), _interval(interval), *theirs])
    for name, function in fit.law.derived.items():
        estimate = fit.derived(name)
        mark = _doubt(fit, keywords(function))
        theirs = []
        for _, values in published:
            needed = keywords(function)
            known = all(x in values for x in needed)
            theirs.append(number(function(**{x: values[x] for x in needed})) if known else "")
        ends = _interval(estimate.interval)
        body.append([name + mark, number(estimate.estimate, 5), ends, *theirs])
    for name, estimate in _best(fit).items():
        ends = _interval(estimate.interval, name)
        mark = _doubt(fit, fit.parameters)
        body.append([name + mark, shown(name, estimate.estimate, 5), ends, *[""] * len(published)])
    return header, body


def _doubt(fit: Fit, names: Iterable[str]) -> str:
    """Return a question mark for what rests on a parameter that the runs leave open."""
    return "" if all(fit.identified[name] for name in names) else " ?"


def _best(fit: Fit) -> dict[str, Estimate]:
    """Return the numbers of the optimum at the target, by the name they are printed with."""
    best = fit.optimum
    if best is None:
        return {}
    return {"N*": best.N, "D*": best.D, "loss*": best.loss, "D*/N*": best.tokens_per_parameter}


def sensitivity(fit: Fit) -> list[list[str]]:
    """Return the sensitivity table: a line for the fit, one a choice, and the interval's ends.

    Empty if the fit has no such table.
    """
    if not fit.sensitivity:
        return []
    derived = {name: fit.derived(name) for name in fit.law.derived}
    best = {name: x for name, x in _best(fit).items() if name in _COUNTS}
    intervals = {name: (fit.intervals or {}).get(name) for name in fit.parameters}
    intervals |= {name: x.interval for name, x in (derived | best).items()}
    own = fit.estimate | {name: x.estimate for name, x in (derived | best).items()}
    lines = [["choice", *own], ["this fit", *(shown(k, x) for k, x in own.items())]]
    for shift in fit.sensitivity:
        values = shift.estimate | {"N*": shift.N, "D*": shift.D}
        lines.append([shift.choice, *(shown(name, values[name]) for name in own)])
    if any(intervals.values()):
        for k, end in enumerate(("lower", "upper")):
            ends = {name: None if x is None else x[k] for name, x in intervals.items()}
            level = f"{100 * fit.settings.level:g} % interval, {end} end"
            lines.append([level, *(shown(name, x) for name, x in ends.items())])
    return lines


def notes(fit: Fit) -> list[str]:
    """Return what to know about the fit, one sentence a line."""
    s = fit.starts
    lines = [
        *_legend(fit),
        f"{fit.verdict.value}: {fit.message}",
        f"{fit.noise}, sum over {fit.runs} runs = {fit.objective:.10g}; "
        f"{s.agree} of {s.polished} starts agree ({s.scheme}).",
    ]
    if fit.draws is not None:
        p = "" if fit.draws.p_value is None else f", p = {fit.draws.p_value:.2g}"
        lines.append(
            f"{fit.settings.bootstrap} samples by method {fit.draws.method}: {fit.draws.reason}{p}."
        )
        least = ceil(2 / (1 - fit.settings.level) - 1e-9)  # one sample beyond each end
        if fit.settings.bootstrap < least:
            lines.append(
                f"{fit.settings.bootstrap} samples are too few for a"
                f" {100 * fit.settings.level:g} % interval: that takes {least} at least."
            )
    if fit.optimum is not None:
        best = fit.optimum
        at = "".join(f", {name} = {_plain(value)}" for name, value in best.others.items())
        lines.append(
            f"N* and D* at C = {best.C:.4g} FLOP ({best.times:.3g} x the largest C of the runs; "
            f"C counted {best.cost}){at}."
        )
    lines += _held(fit)
    if any(shift.kind == "convention" for shift in fit.sensitivity or ()):
        lines.append("Where N is counted otherwise, so are N* and the FLOPs a token at it.")
    return lines


def _legend(fit: Fit) -> list[str]:
    """Return what the table's names stand for, and how their numbers are counted."""
    sets = list(_published(fit))[:_PUBLISHED]
    lines = [_counted(fit), "; ".join(meanings(fit.law).values())]
    if sets:
        lines.append(f"{', '.join(sets)}: published constants (isoflop laws show {_base(fit)})")
    return [f"{line}." for line in lines if line]


def _counted(fit: Fit) -> str:
    """Return how the runs count the law's inputs and its output, where they are a table's."""
    names = (*fit.law.input_names, fit.settings.output)
    said = [
        f"{name} {fit.convention[name]}"
        for name in CONVENTIONS
        if name in names and name in fit.convention
    ]
    open_ = f"; say what is {UNSTATED}:  --state N=all" if UNSTATED in " ".join(said) else ""
    return f"as the runs count: {', '.join(said)}{open_}" if said else ""


def _held(fit: Fit) -> list[str]:
    """Return what the intervals hold: those of the optimum, and all others."""
    if fit.samples is None:
        return []
    best = fit.optimum
    if best is None:
        return [f"Intervals: {SAMPLING}."]
    lines = [f"Intervals, but those of N* and D*: {SAMPLING}. Of a run's loss:  isoflop predict"]
    said = [caution(fit.minima, known=best.N.holds == MISSES), alone(best.sampling)]
    return [*lines, *(sentence for sentence in said if sentence)]


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def text(fit: Fit) -> str:
    """Return the fit as a plain table with notes below."""
    header, body = rows(fit)
    title = f"{fit.law.name}: {fit.law.formula}".rstrip(": ")
    moved = sensitivity(fit)
    below = ["", "How far other choices move it:", *_aligned(moved)] if moved else []
    return "\n".join([title, *_aligned([header, *body]), *notes(fit), *below])


def _aligned(table: list[list[str]]) -> list[str]:
    """Return lines with the first column to the left and the others to the right."""
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    return [
        "  ".join(
            [
                cells[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True)),
            ]
        ).rstrip()
        for cells in table
    ]


def html(fit: Fit) -> str:
    """Return the fit as an HTML table with notes below; all text is escaped."""
    from html import escape

    header, body = rows(fit)
    title = f"{fit.law.name}: {fit.law.formula}".rstrip(": ")
    below = "".join(f"<p>{escape(line)}</p>" for line in notes(fit))
    moved = sensitivity(fit)
    if moved:
        below += _html_table("How far other choices move it", moved[0], moved[1:])
    return _html_table(title, header, body) + below


def _html_table(title: str, header: list[str], body: list[list[str]]) -> str:
    from html import escape

    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in body
    )
    return (
        f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _interval(interval: Interval | None, name: str = "") -> str:
    if interval is None:
        return ""
    return f"[{shown(name, interval[0])}, {shown(name, interval[1])}]"


def _published(fit: Fit) -> dict[str, dict[str, float]]:
    """Return published constants of the law the fit's law was composed from, by set."""
    from isoflop.laws.published import published

    try:
        return {key: dict(known.constants) for key, known in published(_base(fit)).items()}
    except InputError:
        return {}


def _base(fit: Fit) -> str:
    """Return the name of the registered law that the fit's law was composed from, or ""."""
    recipe = fit.law.recipe
    while isinstance(recipe, dict) and "of" in recipe:
        recipe = recipe["of"]
    return recipe.get("law", "") if isinstance(recipe, dict) else ""
