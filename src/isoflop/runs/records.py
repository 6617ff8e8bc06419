"""Our own runs as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.runs.columns import as_column

if TYPE_CHECKING:
    import numpy as np

    from isoflop.runs.run import Run

#: Columns taken as they are from the fields of `Run`.
_FIELDS = ("D", "U", "C", "C_6ND", "loss", "bits_per_byte", "budget", "role", "status", "seed")
_LABELS = ("family", "corpus", "reason")


def columns_of(runs: Sequence[Run], N: str = "matrices+head") -> dict[str, np.ndarray]:
    """Return runs as columns [run].

    Columns: id and run (the id: one row is one run), N by the chosen convention, N_matrices,
    N_matrices_head, N_all, the fields of `Run`, the numbers and texts of its setup
    (architecture without a prefix: width, layers, ...; rates as lr_hidden, lr_head, ...), and
    the measured numbers. A failed run has NaN for a loss; a number that a run lacks is NaN.

    Args:
        runs: finished and failed runs.
        N: convention of the column N, a key of every run's `N`.

    Raises:
        InputError: if there are no runs, or one does not know its N by that convention.
    """
    if not runs:
        raise InputError("there are no runs to make a table of.")
    for run in runs:
        if N not in run.N:
            known = ", ".join(run.N)
            raise InputError(f"run {run.id} has no N counted as `{N}`; it has {known}.")
    columns: dict[str, list[Any]] = {"id": [run.id for run in runs]}
    columns["run"] = columns["id"]
    columns["N"] = [run.N[N] for run in runs]
    for convention in dict.fromkeys(name for run in runs for name in run.N):
        name = f"N_{convention.replace('+', '_')}"
        columns[name] = [run.N.get(convention) for run in runs]
    for field in (*_FIELDS, *_LABELS):
        columns[field] = [getattr(run, field) for run in runs]
    _add(columns, [_setup(run.setup) for run in runs])
    _add(columns, [run.measured for run in runs])
    return {name: as_column(name, values) for name, values in columns.items()}


def _add(columns: dict[str, list[Any]], parts: Sequence[Mapping[str, Any]]) -> None:
    for name in dict.fromkeys(name for part in parts for name in part):
        if name not in columns:
            columns[name] = [part.get(name) for part in parts]


def _setup(setup: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten a setup: architecture without, rates with the prefix lr_; lists are left out."""
    flat: dict[str, Any] = {}
    for name, value in setup.items():
        if isinstance(value, Mapping):
            prefix = {"architecture": "", "rates": "lr_"}.get(name, f"{name}_")
            flat |= {f"{prefix}{key}": item for key, item in value.items()}
        else:
            flat[name] = value
    return {name: value for name, value in flat.items() if isinstance(value, str | float | int)}
