"""Rows that are not runs of their own: copies, and checkpoints of one run."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.chosen import progress_of, run_of
from isoflop.runs.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable

#: Relative difference above which two runs are never taken for one.
NEAR = 1e-3
#: Columns in which a copy agrees with its original.
_KEY = ("N", "D", "C", "loss", "U", "seed", "run", "id", "lr", "batch")


def copies(table: RunTable) -> np.ndarray:
    """Return a mask [run] of the runs that repeat an earlier one in every standard column."""
    key = [name for name in _KEY if name in table.columns]
    if not _comparable(table):
        return np.zeros(len(table), dtype=bool)
    codes = np.stack([np.unique(table[n], return_inverse=True)[1] for n in key])
    first = np.unique(codes, axis=1, return_index=True)[1]
    extra = np.ones(len(table), dtype=bool)
    extra[first] = False
    return extra


def _comparable(table: RunTable) -> bool:
    known = {name for name in ("N", "D", "C", "loss") if _numbers(table, name)}
    return "loss" in known and len(known) > 1


def _numbers(table: RunTable, name: str) -> bool:
    return name in table.columns and table[name].dtype.kind != "O"


def duplicates(table: RunTable) -> Iterator[Finding]:
    """Find runs that are there twice, exactly or nearly."""
    if not _comparable(table):
        return
    extra = copies(table)
    if extra.any():
        yield Finding(
            code="duplicate",
            severity="warning",
            message=f"{rows_of(extra)} repeat an earlier run exactly.",
            numbers={"rows": float(extra.sum())},
            why="A run that is there twice counts twice and narrows the intervals.",
            remedy="Remove the copies, or give their number as a column `weight`.",
        )
    yield from _near(table, ~extra)


def _near(table: RunTable, once: np.ndarray) -> Iterator[Finding]:
    names = [name for name in ("N", "D", "loss") if _numbers(table, name)]
    distinct = [name for name in ("seed", "run", "lr", "batch") if name in table.columns]
    rows = np.flatnonzero(once)
    logs = np.stack([np.log(table[name][rows]) for name in names])
    apart = [np.unique(table[name][rows], return_inverse=True)[1] for name in distinct]
    near = np.zeros(len(rows), dtype=bool)
    # Bins shifted by half: what is closer than NEAR / 2 shares one of them, and nothing
    # further apart than NEAR does.
    for shift in product((0.0, 0.5), repeat=len(names)):
        bins = np.floor(logs / NEAR + np.array(shift)[:, None]).astype(np.int64)
        near |= _repeated(np.vstack([bins, *apart]))
    if near.any():
        yield Finding(
            code="near-duplicate",
            severity="note",
            message=f"{rows_of(_mask(rows[near], len(table)))} lie within {NEAR:.1%} of an earlier "
            f"run in {', '.join(names)}.",
            numbers={"rows": float(near.sum()), "tolerance": NEAR},
            why="They may be one run digitised twice, which narrows the intervals.",
            remedy="Look at them; give repeats of one setup a column `seed`.",
        )


def _repeated(bins: np.ndarray) -> np.ndarray:
    """Tell which columns of bins [key, row] equal an earlier one."""
    order = np.lexsort(bins)
    same = np.all(bins[:, order[1:]] == bins[:, order[:-1]], axis=0)
    repeated = np.zeros(bins.shape[1], dtype=bool)
    repeated[order[1:][same]] = True
    return repeated


def checkpoints(table: RunTable) -> Iterator[Finding]:
    """Find several rows of one run, named by a column `run` or suspected from a step count."""
    why = (
        "Points of one run are not independent, and before the end of its schedule a run's loss"
        " is too high."
    )
    if "run" in table.columns:
        runs = len(np.unique(table["run"].astype(str)))
        if runs < len(table):
            yield Finding(
                code="checkpoints",
                severity="note",
                message=f"{len(table)} rows are points of {runs} runs.",
                numbers={"rows": float(len(table)), "runs": float(runs)},
                why=why,
                remedy="Resample whole runs:  --cluster run     or keep the last point of each:  "
                "--where last_of_run",
            )
        return
    progress = progress_of(table)
    # A size a row, or an identity a row, as trackers export them: each row is a run's last.
    once = any(n in table.columns and len(np.unique(table[n])) == len(table) for n in ("N", "id"))
    if progress is not None and len(np.unique(table[progress])) > 1 and not once:
        likely = run_of(table)
        told = f"`{likely}` may tell the runs apart" if likely else "none says which"
        yield Finding(
            code="checkpoints",
            severity="warning",
            message=f"column `{progress}` looks like the way through a run, and {told}.",
            numbers={"rows": float(len(table))},
            why=why,
            remedy="Name the column that identifies the run:  --column "
            f"run={likely or 'YOUR_COLUMN'}",
        )


def rows_of(mask: np.ndarray, rows: np.ndarray | None = None) -> str:
    """Say how many rows a mask [run] marks, and the first of them.

    Args:
        mask: of the runs.
        rows: number of each run [run]; its place if None.
    """
    marked = np.flatnonzero(mask) if rows is None else rows[mask]
    first = ", ".join(str(row) for row in marked[:5])
    more = ", ..." if mask.sum() > 5 else ""
    return f"{mask.sum()} of {len(mask)} rows ({first}{more}; counted from 0)"


def _mask(rows: np.ndarray, length: int) -> np.ndarray:
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return mask
