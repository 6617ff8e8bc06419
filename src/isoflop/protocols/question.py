"""Questions about a run table outside a study: predict what is held out, plan a larger run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import msgspec
import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.laws.resolve import resolve
from isoflop.plan.ask import ask
from isoflop.plan.budget import read
from isoflop.protocols.data import RunData, run_data
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout
from isoflop.runs.budgets import with_budget
from isoflop.runs.table import RunTable
from isoflop.runs.where import mask_of
from isoflop.validate import validation
from isoflop.validate.split import RULES, with_compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.plan.answer import Plan
    from isoflop.protocols.result import Heldout, PlanAnswer
    from isoflop.validate.rolling import How
    from isoflop.validate.validation import Validation

LARGEST = "largest-budget"


def validate(
    table: RunTable,
    laws: Sequence[Law | str] = (),
    *,
    holdout: str = LARGEST,
    convention: str = "matrices+head",
    settings: Settings | None = None,
    how: How | None = None,
) -> Heldout | Validation:
    """Fit the smaller runs, predict the held-out ones, and compare.

    Args:
        table: runs; without laws they need N, D, C, loss (and budget; C is grouped if there is
            none), with laws what these take.
        laws: to be fitted and ranked: laws, or texts as `isoflop.laws.resolve` reads them.
            Without any, approaches 2 and 3 of an isoFLOP study predict together.
        holdout: "largest-budget", or a condition on the runs such as "C > 1e21"; with laws also
            "largest-N", "longest-D" and "rolling" (`isoflop.validate.split.splits`).
        convention: which weights N counts, without laws.
        settings: level, samples, seed, without laws.
        how: noise, output, level, samples, seed, with laws.

    Returns:
        A `Heldout`, or with laws a `Validation`; both have `errors`, `skill` and `coverage`.

    Raises:
        InputError: nothing is held out, or nothing is left to fit.
        NotIdentified: no model could be fitted on the smaller runs.
    """
    if laws:
        names = tuple(table.columns)
        declared = [resolve(x, columns=names) if isinstance(x, str) else x for x in laws]
        return validation.validate(table, declared, holdout=holdout, how=how)
    columns = grouped(table)
    columns.setdefault("id", np.arange(len(table)).astype(str))
    data = run_data(columns, convention, stated=table.convention.N)
    if holdout == LARGEST:
        held = data.budget == data.budget.max()
    elif holdout in RULES:
        raise InputError(
            f"the hold-out `{holdout}` needs a law.",
            "Without one, whole isoFLOP budgets are held out.",
            f"Name laws:  --law chinchilla --holdout {holdout}",
        )
    else:
        held = np.isin(data.id, columns["id"][mask_of(holdout, table)].astype(str))
    if not held.any() or held.all():
        raise InputError(
            f"`{holdout}` holds out {int(held.sum())} of {len(data)} runs.",
            "Some runs must be left to fit and some to predict.",
            "Choose another condition:  --holdout 'C > 1e12'",
        )
    known = (settings or Settings()).knowing(table)
    return predict_heldout(_fit(data.where(~held), known), data.where(held), known)


@overload
def plan(
    source: RunTable,
    budget: str | float,
    *,
    convention: str = ...,
    settings: Settings | None = ...,
) -> PlanAnswer: ...
@overload
def plan(source: Fit | Law | str, budget: str | float | None = ..., **options: Any) -> Plan: ...
def plan(
    source: RunTable | Fit | Law | str,
    budget: str | float | None = None,
    *,
    convention: str = "matrices+head",
    settings: Settings | None = None,
    **options: Any,
) -> PlanAnswer | Plan:
    """Choose N and D: from runs, from a fit of one's own, or from a published law.

    Args:
        source: runs with N, D, C, loss (and budget), which are fitted by several models; a fit;
            or a law ("chinchilla", "kaplan", a composition, a formula).
        budget: "64 H100 for 3 weeks at 40% MFU" (`isoflop.plan.budget.read`); a number is
            training FLOPs, for runs counted as the table's C.
        convention: which weights N counts (of runs).
        settings: level, samples, seed (of runs).
        **options: see `isoflop.plan.ask.ask`: constants, loss, serve, unique_tokens, ...; not
            with runs.

    Returns:
        A `PlanAnswer` of runs, else a `Plan`.

    Raises:
        InputError: the budget is not positive, or the question cannot be understood.
        NotIdentified: no model has a compute-optimal size at the budget.
    """
    if not isinstance(source, RunTable):
        return ask(source, budget, **options)
    given = sorted(name for name, value in options.items() if value is not None)
    if given or budget is None:
        raise InputError(
            f"runs answer a budget alone, not {', '.join(given) or 'no budget'}.",
            "They are fitted by several models, of which only one is a law of N and D.",
            "Fit a law first:  isoflop fit runs.csv --out fit.json; isoflop plan --fit fit.json",
        )
    flops = read(budget)[0].flops
    data = run_data(grouped(source), convention, stated=source.convention.N)
    known = (settings or Settings()).knowing(source)
    answer = plan_run(_fit(data, known), flops, known)
    return msgspec.structs.replace(answer, loss_unit=source.units.get("loss", ""))


def grouped(table: RunTable) -> dict[str, np.ndarray]:
    """Return a table's columns with a `budget`: runs whose C agree within 10 % share one.

    Where the table names its budgets they are kept; where it has no C, that is 6ND.
    """
    return with_budget(with_compute(table)[0].columns)


def _fit(data: RunData, settings: Settings) -> Fitted:
    fitted = fit_models(data.where(data.role != "heldout"), data, settings)
    if not fitted.models():
        raise NotIdentified(
            "no model could be fitted to these runs.",
            " ".join(fitted.reasons.values()),
            "Add budgets, or sizes on both sides of each budget's minimum.",
        )
    return fitted
