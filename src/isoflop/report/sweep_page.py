"""The page of a sweep of plans: N and loss over what was varied, as a figure and a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isoflop import __version__
from isoflop.report import text
from isoflop.report.answer import said
from isoflop.report.figures import plan_answer as figures
from isoflop.report.page import render_page
from isoflop.report.plan_page import block
from isoflop.report.plan_tables import row_texts
from isoflop.store.files import guard, write_atomic
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from isoflop.plan.answer import Sweep


def write_sweep(sweep: Sweep, path: str | Path) -> Path:
    """Write a sweep as one self-contained HTML file: N and loss over what was varied, as a table.

    Returns:
        The path written.

    Raises:
        MissingExtra: if jinja2 or plotly is not installed.
        StoreError: if the file cannot be written.
    """
    target = Path(path)
    page = render_sweep(sweep)
    with guard("write the sweep to", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, page.encode(errors="replace"))
    return target


def render_sweep(sweep: Sweep) -> str:
    """Return a sweep as HTML (see `write_sweep`)."""
    what = figures.varied(sweep)
    losses = {format_loss(row.loss.estimate) for row in sweep.rows if row.loss is not None}
    # A loss that was asked for is the same everywhere; then the tokens tell more.
    second = "D" if len(losses) < 2 else "loss"
    panels = [
        (figures.swept(sweep, name), f"Best {name} over {what}.", 400) for name in ("N", second)
    ]
    last = sweep.rows[-1]
    bands = said(last.N.holds, last.loss.holds if last.loss else "", {})
    caption = f"The best plan for each value of {what}." + (
        f" What bands hold: {bands}" if bands else " No samples, no band."
    )
    drawn = block("sweep", f"N and {second} over {what}", caption, panels, "no value has a plan")
    write = text.flops if sweep.over == "budget" else format_count
    return render_page(
        "sweep.html.j2",
        0,
        version=__version__,
        sweep=sweep,
        what=what,
        heading=f"N and {second} over {what}",
        block=drawn,
        rows=row_texts(sweep.rows, write),
    )
