"""Columns that a table may call by several names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.runs.names import plain

if TYPE_CHECKING:
    import numpy as np

    from isoflop.runs.table import RunTable

#: Columns (plain names) of peak learning rate and of batch, best first.
_RATES = ("lr", "lr_hidden", "learning_rate_peak", "lr_peak", "base_lr", "lr_max")
_BATCHES = ("batch", "batch_tokens", "batch_size_in_tokens", "global_batch_size", "batch_sequences")


def column_of(table: RunTable, names: tuple[str, ...]) -> np.ndarray | None:
    """Return the first column of numbers with one of these plain names."""
    for name in names:
        for own in table.columns:
            if plain(own) == name and table[own].dtype.kind != "O":
                return table[own]
    return None


def rate_of(table: RunTable) -> np.ndarray | None:
    """Return the peak learning rate [run], where the table has one."""
    return column_of(table, _RATES)


def batch_of(table: RunTable) -> np.ndarray | None:
    """Return the batch [run], where the table has one."""
    return column_of(table, _BATCHES)
