"""Labels that explain the residuals: runs that are not of one kind, though no one says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.finding import Finding
from isoflop.samples import median
from isoflop.validate.audit.influence import diagnose, span
from isoflop.validate.audit.tails import f_tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable
    from isoflop.validate.audit.evidence import Evidence

#: Probability of taking noise for a difference between labels, over all columns of a table.
CHANCE = 1e-3
#: Robust standard deviations (median absolute deviations x 1.4826) beyond which a residual is one
#: run's own: noise of thousands of runs stays within them.
FAR = 5.0
#: Columns of text with more labels than this name runs, not kinds of runs.
_LABELS = 20


def check_labels(e: Evidence) -> Iterator[Finding]:
    """A column of text that explains the residuals: runs that lie on different curves.

    The column that explains most comes first; another one is told only if it explains more.
    """
    columns = _label_columns(e.runs)
    if not columns:
        raise InputError("no column of text tells kinds of runs apart.")
    d = diagnose(e)
    residual = _clipped(d.residual)
    basis, found = d.slopes, False
    while True:
        tested = {name: _chance(basis, groups, residual) for name, groups in columns.items()}
        best = min(tested, key=lambda name: tested[name])
        if tested[best] >= CHANCE / len(columns):
            break
        found = True
        groups = columns[best]
        yield _kinds(e, best, groups, residual, tested[best])
        basis = span(np.hstack([basis, np.eye(groups.max() + 1)[groups]]))
    if not found:
        yield Finding(
            code="labels",
            severity="ok",
            message=f"no label ({', '.join(columns)}) explains the residuals of the law.",
            numbers={"columns": float(len(columns))},
        )


def _clipped(residual: np.ndarray) -> np.ndarray:
    """Return residuals with those far out moved in: a diverged run makes no kind of its label."""
    away = residual - median(residual)
    bound = FAR * 1.4826 * median(np.abs(away))
    return np.clip(away, -bound, bound) if bound > 0 else residual


def _chance(basis: np.ndarray, groups: np.ndarray, residual: np.ndarray) -> float:
    """Return the probability that noise is explained by labels as well as the residuals are."""
    left_over = residual - basis @ (basis.T @ residual)
    squares, extra = explained(basis, np.eye(groups.max() + 1)[groups], left_over)
    left = len(residual) - basis.shape[1] - extra
    if extra < 1 or left < 3:
        return 1.0
    rest = float(left_over @ left_over) - squares
    return f_tail(squares / extra / max(rest / left, 1e-300), extra, left)


def _kinds(
    e: Evidence, name: str, groups: np.ndarray, residual: np.ndarray, chance: float
) -> Finding:
    spread = float(np.ptp(np.bincount(groups, residual) / np.bincount(groups)))
    largest = int(np.argmax(np.bincount(groups)))
    label = str(e.runs[name][np.flatnonzero(groups == largest)[0]])
    return Finding(
        code="labels",
        severity="warning",
        message=f"runs of different `{name}` lie on different curves: mean residuals of one law"
        f" through all differ by {100 * spread:.1f} % (p = {chance:.1g}).",
        numbers={"spread": spread, "p": chance, "labels": float(groups.max() + 1)},
        why="One law through several kinds of runs is a law of none.",
        remedy=f"Take one:  --where \"{name} == '{label}'\"  or give each its own constants:"
        f'  law.by("{name}", "A", "B")',
        moves=e.moves(e.where(groups == largest), f"only {name} = {label}"),
    )


def _label_columns(table: RunTable) -> dict[str, np.ndarray]:
    """Return columns of text with 2 to 20 labels, each of three runs or more, as numbers."""
    found: dict[str, np.ndarray] = {}
    for name, column in table.columns.items():
        if column.dtype.kind != "O" or name in {"id", "run", "role", "status", "reason"}:
            continue
        groups = np.unique(column.astype(str), return_inverse=True)[1]
        counts = np.bincount(groups)
        same = any(np.array_equal(groups, other) for other in found.values())
        if 2 <= len(counts) <= _LABELS and counts.min() >= 3 and not same:
            found[name] = groups
    return found


def explained(basis: np.ndarray, columns: np.ndarray, residual: np.ndarray) -> tuple[float, int]:
    """Return the squares that columns explain beyond a basis, and how many of them are new."""
    rest = columns - basis @ (basis.T @ columns)
    left, values, _ = np.linalg.svd(rest, full_matrices=False)
    kept = values > 1e-6 * np.linalg.norm(columns)
    return float(((left[:, kept].T @ residual) ** 2).sum()), int(kept.sum())
