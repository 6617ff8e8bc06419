"""The report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import MissingExtra
from isoflop.protocols.from_table import analyse_table
from isoflop.report import answer, data, tables, text
from isoflop.report.blocks import blocks
from isoflop.report.figures.base import FONT
from isoflop.report.key import variables
from isoflop.report.palette import dark_partners
from isoflop.runs.table import RunTable
from isoflop.samples import SAMPLING
from isoflop.store.files import guard, write_atomic

if TYPE_CHECKING:
    from jinja2 import Environment

    from isoflop.protocols.result import StudyResult


def write_report(result: StudyResult | RunTable, path: str | Path, **how: Any) -> Path:
    """Write a study, or a table of runs, as one self-contained HTML file, whole or not at all.

    Args:
        result: what the study found; or runs, which are analysed first.
        path: where to write it; folders above it are made.
        **how: of runs: target, holdout, convention, settings
            (`isoflop.protocols.from_table.analyse_table`).

    Returns:
        The path written.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
        StoreError: if the file cannot be written.
        InputError: of runs: see `analyse_table`.

    Example:
        >>> import isoflop as iso
        >>> iso.report(iso.load("runs.csv"), "report.html", target=1e23)  # doctest: +SKIP
    """
    if isinstance(result, RunTable):
        result = analyse_table(result, **how)
    return write_page(render(result), path)


def write_page(document: str, path: str | Path) -> Path:
    """Write a page to a file, whole or not at all, and return its path.

    Raises:
        StoreError: if the file cannot be written.
    """
    target = Path(path)
    with guard("write the report to", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, document.encode(errors="replace"))
    return target


def render(result: StudyResult) -> str:
    """Return the report as HTML.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
    """
    count = len(data.budgets(result))
    return render_page(
        "report.html.j2",
        count,
        version=result.provenance.get("isoflop", ""),
        result=result,
        blocks=blocks(result),
        headline=answer.headline(result),
        numbers=answer.numbers(result),
        facts=answer.facts(result.plan) if result.plan else [],
        held=answer.held(result.plan) if result.plan else "",
        sampling=SAMPLING,
        verdicts=answer.verdicts(result),
        approaches=data.approaches(result),
        level=data.level(result),
        convention=data.convention(result),
        compute=data.compute(result),
        subject=data.subject(result),
        counted=data.share_of_6ND(result),
        severities=data.severities(result),
        audit=data.audit_summary(result),
        made_by={k: v for k, v in result.provenance.items() if k != "command"},
    )


def render_page(template: str, budgets: int, **values: Any) -> str:
    """Return a page made of a template that extends `base.html.j2`.

    Args:
        template: its name.
        budgets: number of colours on the scale of budgets that its figures use.
        **values: what the template shows.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            variables=variables(budgets),
            partners=dark_partners(budgets),
            font=FONT,
            script=_plotly_script(),
            **values,
        )
    )


def _environment() -> Environment:
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtra("jinja2", "report", "writing a report") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("isoflop.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= text.FILTERS
    environment.filters["json"] = _json
    environment.globals |= {"tables": tables, "n_counts": text.N_COUNTS}
    return environment


def _json(value: Any) -> Any:
    """Return JSON that can stand in a script element: no `<`, `>`, `&` or line separators."""
    import markupsafe

    written = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    escaped = written.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
    return markupsafe.Markup(escaped)  # noqa: S704  # just escaped


def _plotly_script() -> Any:
    """Return plotly's own script, which is bundled with the package."""
    try:
        import plotly.offline
    except ImportError as error:
        raise MissingExtra("plotly", "report", "drawing figures") from error
    import markupsafe

    return markupsafe.Markup(plotly.offline.get_plotlyjs())  # noqa: S704  # a package's own file
