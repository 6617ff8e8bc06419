"""Questions about a run table outside a study: predict what is held out, plan a larger run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec
import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.result import Fit
from isoflop.laws.registry import names as all_laws
from isoflop.laws.resolve import resolve
from isoflop.plan import ask
from isoflop.plan.budget import read
from isoflop.protocols.data import RunData, run_data
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout
from isoflop.protocols.sources import open_table
from isoflop.runs.budgets import with_budget
from isoflop.runs.table import RunTable
from isoflop.runs.where import mask_of
from isoflop.validate import validation
from isoflop.validate.split import RULES, with_compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law
    from isoflop.plan.answer import Plan, Sweep
    from isoflop.protocols.result import Heldout, PlanAnswer
    from isoflop.validate.rolling import How
    from isoflop.validate.validation import Validation

    Source = Fit | Law | str | Path | None

LARGEST = "largest-budget"
#: Names of files of runs and fits.
_FILE = re.compile(r"\.(?:csv|tsv|jsonl?|ndjson|parquet)(?:\.gz)?$", re.IGNORECASE)

#: Letters of a path beyond which a text is a formula; systems allow 255 a name.
_LONGEST = 255


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
    held = held_out(data, columns, table, holdout)
    known = (settings or Settings()).knowing(table)
    return predict_heldout(_fit(data.where(~held), known), data.where(held), known)


def held_out(
    data: RunData, columns: dict[str, np.ndarray], table: RunTable, holdout: str
) -> np.ndarray:
    """Return which runs [run of data] are held out.

    Args:
        data: runs; columns: of the table, with the runs' ids; table: the runs as they were given.
        holdout: "largest-budget", or a condition on the table.

    Raises:
        InputError: a condition holds out none, or all, or a rule needs a law.
    """
    if holdout == LARGEST:
        return data.budget == data.budget.max()
    if holdout in RULES:
        raise InputError(
            f"the hold-out `{holdout}` needs a law.",
            "Without one, whole isoFLOP budgets are held out.",
            f"Name laws:  isoflop validate runs.csv --law chinchilla --holdout {holdout}",
        )
    held = np.isin(data.id, columns["id"][mask_of(holdout, table)].astype(str))
    if not held.any() or held.all():
        raise InputError(
            f"`{holdout}` holds out {int(held.sum())} of {len(data)} runs.",
            "Some runs must be left to fit and some to predict.",
            "Choose another condition:  --holdout 'C > 1e21'",
        )
    return held


@overload
def plan(
    source: RunTable,
    budget: str | float,
    *,
    convention: str = ...,
    settings: Settings | None = ...,
) -> PlanAnswer: ...
@overload
def plan(  # pyright: ignore[reportOverlappingOverload]
    source: Source = ..., budget: str | float | None = ..., *, sweep: str, **options: Any
) -> Sweep: ...
@overload
def plan(
    source: Source = ...,
    budget: str | float | None = ...,
    *,
    compare: str | Sequence[Law | Fit | str],
    **options: Any,
) -> list[Plan]: ...
@overload
def plan(source: Source = ..., budget: str | float | None = ..., **options: Any) -> Plan: ...
def plan(
    source: RunTable | Source = None,
    budget: str | float | None = None,
    *,
    law: Law | str | None = None,
    fit: Fit | str | Path | None = None,
    sweep: str | None = None,
    compare: str | Sequence[Law | Fit | str] | None = None,
    convention: str = "matrices+head",
    settings: Settings | None = None,
    **options: Any,
) -> PlanAnswer | Plan | Sweep | list[Plan]:
    """Choose N and D: from runs, from a fit of one's own, or from a published law.

    Args:
        source: runs with N, D, C, loss (and budget), which are fitted by several models; a fit;
            a law ("chinchilla", "kaplan", a composition, a formula); or the path of runs, of a
            study, or of a fit ("fit.json").
        budget: "64 H100 for 3 weeks at 40% MFU" (`isoflop.plan.budget.read`); a number is
            training FLOPs, for runs counted as the table's C.
        law, fit: the source, said by name as on the command line.
        sweep: "budget=1e20:1e26" and the like (`isoflop.plan.ask.sweep`).
        compare: laws to ask too, "kaplan,epoch" or a list (`isoflop.plan.ask.compare`).
        convention: which weights N counts (of runs).
        settings: level, samples, seed (of runs).
        **options: see `isoflop.plan.ask.ask`: constants, loss, serve, unique_tokens, ...; not
            with runs.

    Returns:
        A `PlanAnswer` of runs, else a `Plan`, a `Sweep`, or a list of plans to compare.

    Raises:
        InputError: the budget is not positive, or the question cannot be understood.
        NotIdentified: no model has a compute-optimal size at the budget.
    """
    found = _source(source, law, fit, compare is not None)
    if not isinstance(found, RunTable):
        return _asked(found, budget, sweep, compare, options)
    options |= {"sweep": sweep, "compare": compare}
    given = sorted(name for name, value in options.items() if value is not None)
    if given or budget is None:
        raise InputError(
            f"runs answer a budget alone, not {', '.join(given) or 'no budget'}.",
            "They are fitted by several models, of which only one is a law of N and D.",
            "Fit a law first:  isoflop fit runs.csv --out fit.json; isoflop plan --fit fit.json",
        )
    flops = read(budget)[0].flops
    data = run_data(grouped(found), convention, stated=found.convention.N)
    known = (settings or Settings()).knowing(found)
    answer = plan_run(_fit(data, known), flops, known)
    return msgspec.structs.replace(answer, loss_unit=found.units.get("loss", ""))


def _source(
    source: RunTable | Source, law: Law | str | None, fit: Fit | str | Path | None, none: bool
) -> RunTable | Fit | Law | str | None:
    """Return what a plan is made from: one of three, files read."""
    named = [name for name, x in (("source", source), ("law", law), ("fit", fit)) if x is not None]
    if len(named) != 1 and not (none and not named):
        what = f"{' and '.join(named)} are" if named else "nothing to plan with is"
        raise InputError(
            f"{what} given.",
            "A plan comes from runs, from one fit, or from one law.",
            'Give one:  iso.plan("chinchilla", 1e23)  iso.plan(fit="fit.json", budget=1e23)',
        )
    if isinstance(fit, str | Path):
        return Fit.load(fit)
    found = fit if fit is not None else law if law is not None else source
    if isinstance(found, Path) or (isinstance(found, str) and _is_file(found)):
        path = Path(found)
        return Fit.load(path) if path.suffix == ".json" else open_table(path)
    return found


def _is_file(text: str) -> bool:
    """Return whether a text names a file or folder rather than a law."""
    if _FILE.search(text):
        return True
    return len(text) < _LONGEST and Path(text).exists() and text not in all_laws()


def _asked(
    source: Law | Fit | str | None,
    budget: str | float | None,
    sweep: str | None,
    compare: str | Sequence[Law | Fit | str] | None,
    options: dict[str, Any],
) -> Plan | Sweep | list[Plan]:
    if sweep is not None and compare is not None:
        raise InputError("a sweep and a comparison are two tables.", do="Ask for one of them.")
    if sweep is not None and source is not None:
        return ask.sweep(source, sweep, budget, **options)
    plans = [] if source is None else [ask.ask(source, budget, **options)]
    if compare is None:
        return plans[0]
    others = compare.split(",") if isinstance(compare, str) else compare
    same = {name: value for name, value in options.items() if name != "constants"}
    return plans + ask.compare(others, budget, **same)


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
