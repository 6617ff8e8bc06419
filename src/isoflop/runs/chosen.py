"""Conditions that look at other rows: the last row of each run, the best rate of each setup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.columns import KNOWN, missing_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isoflop.runs.table import RunTable

#: Columns that count the way through one run, other than D.
PROGRESS = ("step", "_step", "current_step", "current_steps", "iteration", "global_step")
#: What makes a setup, beside the learning rate and the batch that were tried for it.
_SETUP = ("N", "D", "U", "corpus", "tokenizer", "family", "recipe")
_TRIED = ("lr", "batch")


def last_of_run(table: RunTable) -> np.ndarray:
    """Return a mask [row] of the row of each `run` with the most tokens, or steps.

    Raises:
        InputError: if the table has no column `run`, or neither D nor a count of steps.
    """
    if "run" not in table:
        raise missing_column("run", table.columns)
    way = "D" if "D" in table.columns else progress_of(table)
    if way is None:
        raise InputError(
            "neither D nor a count of steps says which row of a run is its last.",
            do="Name the column that grows:  --column D=YOUR_COLUMN",
        )
    run = np.unique(table["run"].astype(str), return_inverse=True)[1]
    order = np.lexsort([table[way], run])
    last = np.ones(len(table), dtype=bool)
    last[order[:-1]] = run[order[1:]] != run[order[:-1]]
    return last


def best_of_setup(table: RunTable) -> np.ndarray:
    """Return a mask [row] of the runs at the learning rate and batch with the lowest loss.

    Setups are told apart by N, D, unique tokens, corpus, tokenizer, family and recipe, as far as
    the table has them. Seeds of the best rate and batch are all kept; without columns of rate and
    batch only the best run is.

    Raises:
        InputError: if the table has no numbers for N, D and loss.
    """
    table.require("N", "D", "loss")
    setup = _codes(table, _SETUP)
    loss = np.where(np.isfinite(table["loss"]), table["loss"], np.inf)
    order = np.lexsort([loss, setup])
    first = np.ones(len(table), dtype=bool)
    first[1:] = setup[order[1:]] != setup[order[:-1]]
    best = np.empty(setup.max() + 1, dtype=int)
    best[setup[order[first]]] = order[first]
    tried = [name for name in _TRIED if name in table.columns]
    if not tried:
        return best[setup] == np.arange(len(table))
    choice = _codes(table, tuple(tried))
    return (choice == choice[best[setup]]) & np.isfinite(loss)


#: Name in a condition -> the mask it stands for.
CHOSEN: dict[str, Callable[[RunTable], np.ndarray]] = {
    "last_of_run": last_of_run,
    "best_of_setup": best_of_setup,
}


def progress_of(table: RunTable) -> str | None:
    """Return the column that counts the way through a run, if any."""
    return next((name for name in table.columns if name.lower() in PROGRESS), None)


def run_of(table: RunTable) -> str | None:
    """Return the column that looks like the name of a run, if the rows are points of runs.

    Within each of its values no step is there twice and N is the same; of several such columns
    the one with the fewest values is taken.
    """
    way = progress_of(table)
    if way is None:
        return None
    steps = np.unique(table[way], return_inverse=True)[1]
    same = [table["N"]] if "N" in table.columns and table["N"].dtype.kind != "O" else []
    # Of two with as many values a name goes before a size, which may have been trained twice.
    found = [(count, n in KNOWN, n) for n, count in _labels(table, way, steps, same)]
    return min(found)[-1] if found else None


def _labels(
    table: RunTable, way: str, steps: np.ndarray, same: list[np.ndarray]
) -> Iterator[tuple[str, int]]:
    """Yield columns of labels that tell runs apart, and how many values they have."""
    for name, column in table.columns.items():
        numbers = column.dtype.kind != "O"
        if name == way or (numbers and not np.array_equal(column, np.round(column))):
            continue
        count = len(np.unique(column)) if numbers else len(set(column.tolist()))
        # A step once in each run needs enough runs; most columns fall here, before any sorting.
        if not max(1, len(table) // (steps.max() + 1) - 1) < count <= len(table) / 2:
            continue
        code = np.unique(column, return_inverse=True)[1]
        if _combined(code, steps).max() + 1 == len(table):
            constant = (_combined(code, np.unique(x, return_inverse=True)[1]).max() for x in same)
            if all(most + 1 == count for most in constant):
                yield name, count


def _codes(table: RunTable, names: tuple[str, ...]) -> np.ndarray:
    """Return a number for each combination of values of the columns that are there, [row]."""
    there = [np.unique(table[n], return_inverse=True)[1] for n in names if n in table.columns]
    return _combined(*there)


def _combined(*codes: np.ndarray) -> np.ndarray:
    """Return a number, from zero, for each combination of codes that occurs, [row]."""
    found = codes[0]
    for code in codes[1:]:
        found = np.unique(found * (code.max() + 1) + code, return_inverse=True)[1]
    return np.unique(found, return_inverse=True)[1]
