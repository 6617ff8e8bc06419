"""A fit as people read it: text for a terminal, HTML for a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.fit.result import Fit, Interval

_PUBLISHED = 3  # published sets shown next to the estimate


def number(x: float | None, digits: int = 4) -> str:
    """Return a number with some significant digits; an open end as an ellipsis."""
    return "..." if x is None else f"{x:.{digits}g}"


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
        mark = "" if fit.identified[name] else " ?"
        interval = (fit.intervals or {}).get(name) or (fit.profiles or {}).get(name)
        theirs = [number(values.get(name)) for _, values in published]
        body.append([name + mark, number(fit.estimate[name], 5), _interval(interval), *theirs])
    for name, function in fit.law.derived.items():
        estimate = fit.derived(name)
        theirs = []
        for _, values in published:
            from isoflop.laws.compose import keywords

            needed = keywords(function)
            known = all(x in values for x in needed)
            theirs.append(number(function(**{x: values[x] for x in needed})) if known else "")
        body.append([name, number(estimate.estimate, 5), _interval(estimate.interval), *theirs])
    return header, body


def notes(fit: Fit) -> list[str]:
    """Return what to know about the fit, one sentence a line."""
    s = fit.starts
    lines = [
        f"{fit.verdict.value}: {fit.message}",
        f"{fit.noise}, sum over {fit.runs} runs = {fit.objective:.10g}; "
        f"{s.agree} of {s.polished} starts agree ({s.scheme}).",
    ]
    if fit.sensitivity:
        for shift in fit.sensitivity:
            moved = ", ".join(f"{k} {number(v)}" for k, v in shift.estimate.items())
            lines.append(f"{shift.choice}: {moved}")
    return lines


def text(fit: Fit) -> str:
    """Return the fit as a plain table with notes below."""
    header, body = rows(fit)
    table = [header, *body]
    widths = [max(len(row[k]) for row in table) for k in range(len(header))]
    lines = [
        "  ".join(
            [
                cells[0].ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True)),
            ]
        ).rstrip()
        for cells in table
    ]
    title = f"{fit.law.name}: {fit.law.formula}".rstrip(": ")
    return "\n".join([title, *lines, *notes(fit)])


def html(fit: Fit) -> str:
    """Return the fit as an HTML table with notes below; all text is escaped."""
    header, body = rows(fit)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in body
    )
    title = escape(f"{fit.law.name}: {fit.law.formula}".rstrip(": "))
    below = "".join(f"<p>{escape(line)}</p>" for line in notes(fit))
    return (
        f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>{below}"
    )


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"[{number(interval[0])}, {number(interval[1])}]"


def _published(fit: Fit) -> dict[str, dict[str, float]]:
    """Return published constants of the law the fit's law was composed from, by set."""
    from isoflop.laws.published import published

    recipe = fit.law.recipe
    while isinstance(recipe, dict) and "of" in recipe:
        recipe = recipe["of"]
    name = recipe.get("law", "") if isinstance(recipe, dict) else ""
    try:
        return {key: dict(known.constants) for key, known in published(name).items()}
    except InputError:
        return {}
