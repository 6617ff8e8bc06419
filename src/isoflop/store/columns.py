"""Runs as columns: the same names for every study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.runs.run import Run

_TEXT: dict[str, Callable[[Run], str]] = {
    "id": lambda run: run.id,
    "run": lambda run: run.id,
    "status": lambda run: run.status,
    "role": lambda run: run.role,
    "family": lambda run: run.family,
    "corpus": lambda run: run.corpus,
    "reason": lambda run: run.reason,
}

_NUMBERS: dict[str, Callable[[Run], float | None]] = {
    "N": lambda run: run.N.get("matrices+head"),
    "N_matrices": lambda run: run.N.get("matrices"),
    "N_all": lambda run: run.N.get("all"),
    "D": lambda run: run.D,
    "U": lambda run: run.U,
    "C": lambda run: run.C,
    "C_6ND": lambda run: run.C_6ND,
    "loss": lambda run: run.loss,
    "bits_per_byte": lambda run: run.bits_per_byte,
    "budget": lambda run: run.budget,
    "seed": lambda run: run.seed,
    "width": lambda run: _at(run.setup, "architecture", "width"),
    "layers": lambda run: _at(run.setup, "architecture", "layers"),
    "context": lambda run: _at(run.setup, "architecture", "context"),
    "vocab": lambda run: _at(run.setup, "architecture", "vocab"),
    "batch": lambda run: _at(run.setup, "batch"),
    "steps": lambda run: _at(run.setup, "steps"),
    "rate": lambda run: _at(run.setup, "rates", "hidden"),
    "rate_embedding": lambda run: _at(run.setup, "rates", "embedding"),
}


def columns_of(runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Return runs as columns of equal length.

    Numbers are float64 with NaN where a run lacks them, texts are object arrays. N counts
    matrices plus head, C is exact training FLOPs, loss is in nats per token. Whatever was
    measured (seconds, tokens_per_second, ...) follows under its own name.
    """
    columns: dict[str, np.ndarray] = {}
    for name, text in _TEXT.items():
        columns[name] = np.array([text(run) for run in runs], dtype=object)
    for name, number in _NUMBERS.items():
        columns[name] = _floats([number(run) for run in runs])
    measured = dict.fromkeys(name for run in runs for name in run.measured)
    for name in measured:
        if name not in columns:
            columns[name] = _floats([run.measured.get(name) for run in runs])
    return columns


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _at(document: dict[str, Any], *path: str) -> float | None:
    """Return the number at a path of a JSON document, or None."""
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None
