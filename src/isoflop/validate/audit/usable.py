"""The rows of an audited table that a fit may use, and how its columns are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.status import finished

if TYPE_CHECKING:
    from isoflop.runs.table import RunTable

#: Roles of runs that were not made to be fitted.
PROBES = frozenset({"lr_probe"})


@dataclass(frozen=True)
class Usable:
    """Runs of one kind, and which of them a fit may use.

    Args:
        table: the runs, all of them.
        places: row of each run in the table that is audited; None if this is that table.
    """

    table: RunTable
    places: np.ndarray | None = None

    @cached_property
    def finished(self) -> np.ndarray:
        """Mask [row] of runs that came to their end."""
        if "status" not in self.table.columns:
            return np.ones(len(self.table), dtype=bool)
        return finished(self.table["status"])

    @property
    def runs(self) -> RunTable:
        """The runs that a fit may use, with D or C computed by 6ND where there is no column.

        Raises:
            InputError: there are none, or N, loss, or both D and C are missing.
        """
        return self._usable[0]

    @property
    def rows(self) -> np.ndarray:
        """Row of each usable run in the table that is audited [usable run]."""
        return self._usable[1]

    @cached_property
    def _usable(self) -> tuple[RunTable, np.ndarray]:
        table = self.table
        missing = [n for n in ("N", "loss") if not self.has(n)]
        if not (self.has("D") or self.has("C")):
            missing.append("D (or C)")
        if missing:
            raise InputError(f"the table has no numbers for {', '.join(missing)}.")
        if not self.has("D"):
            table = table.with_columns(D=table["C"] / (6.0 * table["N"]))
        elif not self.has("C"):
            table = table.with_columns(C=6.0 * table["N"] * table["D"])
        keep = self.finished.copy()
        for name in ("N", "D", "C", "loss"):
            with np.errstate(invalid="ignore"):
                keep &= np.isfinite(table[name]) & (table[name] > 0)
        if "role" in table.columns:
            keep &= ~np.isin(table["role"].astype(str), list(PROBES))
        if not keep.any():
            raise InputError(f"none of {len(table)} runs is finished with N, D and a loss.")
        places = np.arange(len(table)) if self.places is None else self.places
        return table.where(keep), places[keep]

    def has(self, name: str) -> bool:
        """Tell whether the table has a column of that name with a number in it."""
        column = self.table.columns.get(name)
        return column is not None and column.dtype.kind != "O" and bool(np.isfinite(column).any())

    def need(self, *names: str) -> None:
        """Check that the table has columns of numbers.

        Raises:
            InputError: it has not.
        """
        missing = [name for name in names if not self.has(name)]
        if missing:
            raise InputError(f"the table has no numbers for {', '.join(missing)}.")
