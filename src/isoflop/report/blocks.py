"""The figures of the page in their order, each with a title and a caption that says what to see."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from isoflop.report import data, figures, text
from isoflop.report.figures.heldout import drawn, height
from isoflop.report.figures.surface import residual_rows
from isoflop.report.key import Entry, key
from isoflop.samples import MISSES, SAMPLING
from isoflop.units import format_count, format_loss

if TYPE_CHECKING:
    from isoflop.protocols.result import Approach, StudyResult


#: Budgets without a minimum that a caption gives reasons for.
_TOLD = 3


class Panel(NamedTuple):
    """One drawing: plotly's document, a description for who cannot see it, height in pixels."""

    document: dict[str, Any]
    alt: str
    height: int


class Block(NamedTuple):
    """One numbered figure of the page; without panels, `caption` says why it is missing."""

    name: str
    title: str
    caption: str
    panels: list[Panel]
    key: list[Entry]


def blocks(result: StudyResult) -> list[Block]:
    """Draw every figure of a study. A figure without data is a block without panels.

    A table of runs has no curves, which is no lack of it.
    """
    makers = (_parabolas, _optimum, _loss, _surface, _heldout, _plan)
    if data.subject(result) == "study":
        makers = (_curves, *makers)
    return [make(result) for make in makers]


def _block(
    result: StudyResult,
    name: str,
    title: str,
    caption: str,
    panels: list[tuple[Any, str, int]],
    missing: str,
) -> Block:
    shown = [(figure, alt, tall) for figure, alt, tall in panels if figure is not None]
    if not shown:
        return Block(name, title, missing, [], [])
    entries = key(shown[0][0], len(data.budgets(result)))
    documents = [Panel(document(figure), alt, tall) for figure, alt, tall in shown]
    return Block(name, title, caption, documents, entries)


def document(figure: Any) -> dict[str, Any]:
    """Return plotly's document without a legend (the page has its own) and in few digits."""
    figure.update_layout(showlegend=False)
    return _rounded(figure.to_plotly_json())


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def _curves(result: StudyResult) -> Block:
    curved = [row for row in data.rows(result) if row["id"] in result.curves]
    failed = sum(row["status"] != "finished" for row in curved)
    caption = (
        "One line a run: training loss against the compute spent so far. The marker at the end "
        "is the final validation loss. At a given compute the lowest line is the best size for it"
    )
    caption += "; the lower envelope follows them." if result.approach1.envelope else "."
    if failed:
        caption += f" Lines that end in a cross, or leave the picture, failed ({failed})."
    alt = f"Training loss against compute, {len(result.curves)} runs, both axes logarithmic."
    panel = (figures.loss_curves(result), alt, 440)
    return _block(result, "curves", "Loss curves", caption, [panel], "no curve was recorded")


def _parabolas(result: StudyResult) -> Block:
    caption = (
        "Each curve is one budget spent on models of different size: too small and too large "
        f"both lose. Crosses mark the minima, with {text.percent(data.level(result))} intervals of "
        "the run noise; open markers were not used by the fit."
    )
    bad = [o for o in result.approach2.optima if o.status != "ok"]
    if bad:
        told = [f"{text.flops(o.budget)} FLOPs: {(o.reason or o.status).rstrip('.')}" for o in bad]
        more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        caption += f" Dotted budgets have no minimum ({'; '.join(told[:_TOLD])}{more})."
    minima = [o for o in result.approach2.optima if o.N is not None and o.loss is not None]
    points = "; ".join(
        f"{text.flops(o.budget)} FLOPs: {format_count(o.N.estimate)}, "
        f"{format_loss(o.loss.estimate)} nats per token"
        for o in minima
        if o.N and o.loss
    )
    alt = f"Final loss against parameters, one U-shaped curve a budget. Minima: {points or 'none'}."
    panel = (figures.isoflop_parabolas(result), alt, 460)
    missing = "no run finished with a loss"
    return _block(result, "parabolas", "IsoFLOP curves and their minima", caption, [panel], missing)


def _optimum(result: StudyResult) -> Block:
    known = [a for a in data.approaches(result) if a.ok and a.N_exponent and a.D_exponent]
    grows = "; ".join(
        f"{data.short(a)}: N* ∝ {text.power('C', a.N_exponent.estimate)}, "
        f"D* ∝ {text.power('C', a.D_exponent.estimate)}"
        for a in known
        if a.N_exponent and a.D_exponent
    )
    caption = (
        f"Compute-optimal size and tokens, with {text.percent(data.level(result))} bands. {grows}. "
        f"Right of the dotted line the laws extrapolate. {_bands(known)}"
    )
    panels = [
        (figures.optimal_parameters(result), f"N* against compute. {grows}.", 400),
        (figures.optimal_tokens(result), f"D* against compute. {grows}.", 400),
    ]
    title = "Optimal size N*(C) and tokens D*(C)"
    return _block(result, "optimum", title, caption, panels, "no approach gave a power law")


def _bands(known: list[Approach]) -> str:
    """Return what the bands of N* and D* hold."""
    said = []
    for holds in (MISSES, SAMPLING):
        names = [data.short(a) for a in known if a.N_opt and a.N_opt.holds == holds]
        said += [f"{' and '.join(names)}: {holds}"] if names else []
    return f"What bands hold: {'; '.join(said)}." if said else ""


def _loss(result: StudyResult) -> Block:
    caption = (
        "The lowest loss of each budget and where the laws take it. Bands of the laws:"
        f" {SAMPLING}; the plan's interval is of a run, widened by what past predictions missed."
    )
    if result.approach2.loss_opt:
        caption += " Approach 2 has no floor, a straight line here: far out its loss is too low."
    if result.approach3.loss_opt:
        caption += " The floor of approach 3 is an extrapolation of its own, often too high."
    alt = "Lowest loss against compute for the approaches, with the plan and the held-out run."
    panel = (figures.optimal_loss(result), alt, 400)
    missing = "no approach gave a power law for the loss"
    return _block(result, "loss", "Loss at the optimum, L*(C)", caption, [panel], missing)


def _surface(result: StudyResult) -> Block:
    rows = residual_rows(result)
    caption = ""
    if rows:
        rms = math.sqrt(sum(r["residual"] ** 2 for r in rows) / len(rows))
        worst = max(rows, key=lambda row: abs(row["residual"]))
        caption = (
            f"Approach 3 misses its own {len(rows)} runs by {rms:.2f} % (rms), at most "
            f"{abs(worst['residual']):.2f} % (N = {format_count(worst['N'])}, "
            f"{text.flops(worst['budget'])} FLOPs). Residuals should scatter around zero; a "
            "trend with N would say that the law's form is wrong here."
        )
    panels = [
        (figures.surface_fit(result), f"Observed against predicted loss. {caption}", 400),
        (figures.surface_residuals(result), f"Residuals against parameters. {caption}", 400),
    ]
    missing = "approach 3 has no fit to compare with the runs"
    return _block(result, "surface", "Loss surface (approach 3)", caption, panels, missing)


def _heldout(result: StudyResult) -> Block:
    held = result.heldout
    caption, alt = "", ""
    if held is not None:
        inside = sum(cell.covered for cell in held.cells)
        caption = (
            f"Laws fitted on budgets up to {text.flops(max(held.fitted_budgets, default=0))} FLOPs "
            f"predict runs of {text.flops(held.budget)} FLOPs, {text.decades(held.decades)} up. "
            f"{inside} of {len(held.cells)} observed losses (vertical lines) lie inside their "
            f"{text.percent(held.level)} interval, which is widened by what past predictions "
            "missed. Baselines show what a naive guess would say."
        )
        shown = len(drawn(result))
        if shown < len(held.cells):
            caption += f" {shown} of {len(held.cells)} runs are drawn."
        cells = "; ".join(
            f"N = {format_count(c.N)}: predicted {format_loss(c.predicted)} "
            f"({text.interval(c.interval, format_loss)}), observed {format_loss(c.observed)}"
            for c in held.cells
        )
        alt = f"Predicted and observed loss of held-out runs, nats per token. {cells}."
    panel = (figures.heldout_prediction(result), alt, height(result))
    return _block(result, "heldout", "Held-out prediction", caption, [panel], "no run was held out")


def _plan(result: StudyResult) -> Block:
    plan = result.plan
    caption = ""
    if plan is not None:
        ranges = "; ".join(
            f"{text.cost(cost)}: N from {format_count(low)} to {format_count(high)}"
            for cost, (low, high) in plan.flat.items()
        )
        caption = (
            f"Loss at {text.flops(plan.C)} FLOPs against model size. The optimum is flat: shaded "
            f"sizes cost less than the stated share of the loss ({ranges}). The band is of the"
            " fits alone; the interval of the choice is of a run, widened by what past predictions"
            " missed."
        )
    panel = (figures.plan_curve(result), caption, 400)
    missing = "no plan" if plan is None else "the intervals of the loss are open at every size"
    return _block(result, "plan", "What a different size would cost", caption, [panel], missing)
