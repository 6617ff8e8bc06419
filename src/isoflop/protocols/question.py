"""Questions about a run table outside a study: predict what is held out, plan a larger run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.laws.resolve import resolve
from isoflop.protocols.data import RunData, run_data
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout
from isoflop.runs.budgets import with_budget
from isoflop.runs.where import mask_of
from isoflop.validate import validation
from isoflop.validate.split import RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law
    from isoflop.protocols.result import Heldout, PlanAnswer
    from isoflop.runs.table import RunTable
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
    data = run_data(columns, convention)
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
    fitted = _fit(data.where(~held), settings or Settings())
    return predict_heldout(fitted, data.where(held), settings or Settings())


def plan(
    table: RunTable,
    budget: float,
    *,
    convention: str = "matrices+head",
    settings: Settings | None = None,
) -> PlanAnswer:
    """Fit the runs and choose N and D for a budget.

    Args:
        table: runs with N, D, C, loss (and budget).
        budget: training FLOPs, counted as the table's C.
        convention: which weights N counts.
        settings: level, samples, seed.

    Raises:
        InputError: the budget is not positive.
        NotIdentified: no model has a compute-optimal size at the budget.
    """
    if not (np.isfinite(budget) and budget > 0):
        raise InputError(f"a budget of {budget:g} FLOPs is not positive.")
    fitted = _fit(run_data(grouped(table), convention), settings or Settings())
    return plan_run(fitted, budget, settings or Settings())


def grouped(table: RunTable) -> dict[str, np.ndarray]:
    """Return a table's columns with a `budget`: runs whose C agree within 10 % share one.

    Where the table names its budgets they are kept.
    """
    return with_budget(table.columns)


def _fit(data: RunData, settings: Settings) -> Fitted:
    fitted = fit_models(data.where(data.role != "heldout"), data, settings)
    if not fitted.models():
        raise NotIdentified(
            "no model could be fitted to these runs.",
            " ".join(fitted.reasons.values()),
            "Add budgets, or sizes on both sides of each budget's minimum.",
        )
    return fitted
