"""Which runs are held out: by a rule or a condition, never by a look at the losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.combine import derive
from isoflop.runs.status import finished
from isoflop.runs.where import mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable

#: Rules by name; anything else is a condition on the runs.
RULES = ("largest-budget", "largest-N", "longest-D", "rolling")
#: Runs whose sizes follow each other within this factor share a group (a budget).
_TOGETHER = 1.1
#: A group wider than this factor is not one budget but a continuum, which is cut into bins.
_WIDEST = 1.5
_BINS = 8


@dataclass(frozen=True)
class Split:
    """Runs to fit and runs to predict.

    Args:
        train, test: masks [run], disjoint.
        origin: largest size among the runs that are fitted, in the unit of `Size.values`.
    """

    train: np.ndarray
    test: np.ndarray
    origin: float


@dataclass(frozen=True)
class Size:
    """What "larger" means for a table: the quantity along which it is extrapolated.

    Args:
        name: of the column ("C").
        values: [run], positive; group: number of the group of runs of about one size [run].
        note: how the quantity was found, if the table does not hold it.
    """

    name: str
    values: np.ndarray
    group: np.ndarray
    note: str = ""


def with_compute(table: RunTable) -> tuple[RunTable, str]:
    """Return the table with C = 6ND where it has N and D but no C, and a sentence that says so."""
    if "C" in table or "N" not in table or "D" not in table:
        return table, ""
    return derive(table, "C=6ND"), "The table has no C; it is counted as 6ND."


def size_of(table: RunTable, laws: Sequence[Law]) -> Size:
    """Return the quantity along which a table is extrapolated.

    C where the laws depend on N, D or C and the table has it; else the single numeric input of
    the laws; else the positive input that spans most decades. If no input is positive in every
    run all sizes are one.
    """
    inputs = list(dict.fromkeys(x.name for law in laws for x in law.inputs if not x.dimension.text))
    names = ["C"] if "C" in table and {"N", "D", "C"} & set(inputs) else inputs
    found = {name: np.asarray(table[name], dtype=float) for name in names}
    usable = {name: x for name, x in found.items() if np.all(x > 0)}
    if not usable:
        return Size(
            name="",
            values=np.ones(len(table)),
            group=np.zeros(len(table), dtype=int),
            note="No input is positive in every run: no run is larger than another, so there is no"
            " rolling origin and no straight line.",
        )
    name = max(usable, key=lambda name: float(np.ptp(np.log(usable[name]))))
    values = usable[name]
    if name == "C" and "budget" in table:
        budget = np.asarray(table["budget"], dtype=float)
        if np.all(budget > 0):
            return Size(name, values, np.unique(budget, return_inverse=True)[1])
    note = "" if len(names) == 1 else f"Runs are ordered by {name}, the widest of their inputs."
    return Size(name, values, groups_of(values), note)


def groups_of(values: np.ndarray) -> np.ndarray:
    """Return the number of each run's group of about one size, ascending, [run].

    Runs within 10 % of the next smaller one belong to its group. If that chains a group together
    that spans more than a factor of 1.5, sizes are a continuum and eight equal bins of their
    logarithm are taken instead; groups without runs have no number.
    """
    logs = np.log(values)
    order = np.argsort(logs, kind="stable")
    jumps = np.diff(logs[order], prepend=logs[order][:1]) > np.log(_TOGETHER)
    group = np.empty(len(values), dtype=int)
    group[order] = np.cumsum(jumps)
    spans = [np.ptp(logs[group == g]) for g in np.unique(group)]
    if max(spans) <= np.log(_WIDEST):
        return group
    edges = np.linspace(logs.min(), logs.max(), _BINS + 1)[1:-1]
    return np.unique(np.searchsorted(edges, logs, side="right"), return_inverse=True)[1]


def splits(table: RunTable, size: Size, holdout: str, *, least: int = 1) -> list[Split]:
    """Return what is fitted and what is predicted under a hold-out.

    Args:
        table: the runs.
        size: what larger means.
        holdout: "largest-budget" (the largest group of sizes), "largest-N", "longest-D" (the
            largest group of that column), "rolling" (each group is an origin: all larger ones are
            predicted from it and the smaller ones), or a condition such as "C > 1e21".
        least: runs that must be left to fit.

    Raises:
        InputError: if nothing is held out or too little is left to fit.
    """
    if holdout == "rolling":
        return _rolling(size, least)
    if holdout == "largest-budget":
        test = size.group == size.group.max()
    elif holdout in RULES:
        table.require(holdout[-1])
        group = groups_of(np.asarray(table[holdout[-1]], dtype=float))
        test = group == group.max()
    else:
        test = mask_of(holdout, table)
    left = int((~test).sum())
    if not test.any() or left < least:
        raise InputError(
            f"`{holdout}` holds out {int(test.sum())} of {len(test)} runs; {left} are left to fit.",
            f"Some runs must be predicted, and the laws need {least} runs or more.",
            "Choose another hold-out:  --holdout 'C > 1e21', largest-N, longest-D or rolling",
        )
    return [Split(~test, test, float(size.values[~test].max()))]


def _rolling(size: Size, least: int) -> list[Split]:
    found = rolling_splits(size.values, size.group, least)
    if not found:
        raise InputError(
            f"the runs have {len(np.unique(size.group))} groups of {size.name}, and no smaller"
            f" ones hold the {least} runs that the laws need.",
            "A rolling origin fits the smaller groups and predicts the larger ones.",
            "Add runs, or take a law with fewer parameters.",
        )
    return found


def rolling_splits(values: np.ndarray, group: np.ndarray, least: int) -> list[Split]:
    """Return a split for each group of sizes that leaves enough to fit and something to predict.

    At least two groups are fitted: along one there is no trend.
    """
    found = []
    for g in np.unique(group)[1:-1]:
        train = group <= g
        if train.sum() >= least:
            found.append(Split(train, ~train, float(values[train].max())))
    return found


def usable(
    table: RunTable, laws: Sequence[Law], output: str, *, logs: bool
) -> tuple[RunTable, str]:
    """Return the runs that have every input and the output, and a sentence on the others.

    Args:
        table: the runs; laws: whose inputs are needed; output: column.
        logs: whether the output must be positive.

    Raises:
        InputError: if a column is missing or not numeric, or no run is left.
    """
    names = [x.name for law in laws for x in law.inputs if not x.dimension.text]
    table.require(*dict.fromkeys(names), output)
    good = np.all([np.isfinite(table[name]) for name in (*names, output)], axis=0)
    if "status" in table:
        good &= finished(table["status"])
    if not good.any():
        raise InputError(
            f"none of {len(good)} runs has {', '.join(dict.fromkeys(names))} and {output}.",
            do="Look at the table:  isoflop runs FILE",
        )
    if logs and not (good & (table[output] > 0)).any():
        raise InputError(
            f"`{output}` is not positive in any of {int(good.sum())} runs.",
            "Residuals are of its logarithm unless another noise is asked for.",
            "Take residuals of the output itself:  --noise raw-squared",
        )
    if logs:
        good &= table[output] > 0
    left = int((~good).sum())
    text = f"{left} of {len(good)} runs are left out: a value is missing or not positive."
    return table.where(good), text if left else ""
