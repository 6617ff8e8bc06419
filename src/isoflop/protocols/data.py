"""The arrays that an isoFLOP analysis needs, taken from a run table and its curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import ConventionError, InputError
from isoflop.fit.envelope import Curve
from isoflop.runs.columns import missing_column
from isoflop.runs.cost import CostCurve
from isoflop.validate.audit.training import repeated_noise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.runs.run import Point
    from isoflop.runs.table import RunTable

#: Column of the run table that holds N under each convention.
N_COLUMNS = {"matrices": "N_matrices", "matrices+head": "N_matrices_head", "all": "N_all"}


@dataclass(frozen=True)
class RunData:
    """Finished runs as arrays, each of shape [run].

    Args:
        id: identity; role: "isoflop", "heldout", ...
        N, D, C: parameters, tokens, exact FLOPs; loss: nats per token; budget: nominal FLOPs.
        convention: which weights N counts.
    """

    id: np.ndarray
    role: np.ndarray
    N: np.ndarray
    D: np.ndarray
    C: np.ndarray
    loss: np.ndarray
    budget: np.ndarray
    convention: str

    @property
    def cost(self) -> CostCurve:
        """FLOPs a token by N."""
        return CostCurve.from_runs(self.N, self.D, self.C)

    @property
    def budgets(self) -> np.ndarray:
        """Distinct nominal budgets, ascending, FLOPs."""
        return np.unique(self.budget)

    def __len__(self) -> int:
        return len(self.N)

    def where(self, mask: np.ndarray) -> RunData:
        """Keep the runs of a mask, shape [run]."""
        names = ("id", "role", "N", "D", "C", "loss", "budget")
        return RunData(**{n: getattr(self, n)[mask] for n in names}, convention=self.convention)

    def columns(self) -> dict[str, np.ndarray]:
        """Return N, D, C and loss by name, as a fit takes them."""
        return {"N": self.N, "D": self.D, "C": self.C, "loss": self.loss}


def run_data(
    columns: Mapping[str, np.ndarray],
    convention: str = "matrices+head",
    *,
    fit_only: bool = True,
    stated: str | None = None,
) -> RunData:
    """Take the finished runs of a table for an analysis.

    Args:
        columns: a run table's columns; `N` is used where the table has no column for the
            convention and states none, `budget` defaults to C, `role` to "isoflop".
        convention: which weights N counts.
        stated: what the table says its own column N counts; what is used of a table that has no
            column for the convention is named so.
        fit_only: leave out learning-rate probes (seed repeats are runs like any other).

    Raises:
        InputError: a column is missing, or no finished run is left.
        ConventionError: the runs were trained on different corpora or recipes.
    """
    name = N_COLUMNS.get(convention, "N")
    N = columns[name] if name in columns else columns.get("N")
    missing = ["N"] if N is None else []
    missing += [name for name in ("loss", "D", "C") if name not in columns]
    if missing or N is None:
        raise missing_column(missing[0], columns)
    count = len(N)
    status = np.asarray(columns.get("status", np.full(count, "finished")))
    role = np.asarray(columns.get("role", np.full(count, "isoflop"))).astype(str)
    keep = (status == "finished") & np.isfinite(np.asarray(columns["loss"], dtype=float))
    if fit_only:
        keep &= np.isin(role, ["isoflop", "heldout", "seed"])
    if not keep.any():
        raise InputError(f"none of {count} runs is finished and has a loss.", do="isoflop runs DIR")
    for label in ("corpus", "family"):
        _one(columns, label, keep)
    C = np.asarray(columns["C"], dtype=float)
    return RunData(
        id=np.asarray(columns.get("id", np.arange(count))).astype(str),
        role=role,
        N=np.asarray(N, dtype=float),
        D=np.asarray(columns["D"], dtype=float),
        C=C,
        loss=np.asarray(columns["loss"], dtype=float),
        budget=np.asarray(columns.get("budget", C), dtype=float),
        convention=convention if name in columns or stated is None else stated,
    ).where(keep)


def seed_noise(table: RunTable) -> tuple[float, int]:
    """Return the standard deviation between seeds of one setup, and its degrees of freedom.

    Nats per token, from finished runs; learning-rate probes and held-out runs do not count.
    Zero with no freedom where no setup was repeated.
    """
    keep = np.isfinite(np.asarray(table["loss"], dtype=float))
    if "status" in table.columns:
        keep &= table["status"] == "finished"
    if "role" in table.columns:
        keep &= np.isin(table["role"].astype(str), ["isoflop", "seed"])
    return repeated_noise(table.where(keep)) if keep.any() else (0.0, 0)


def _one(columns: Mapping[str, np.ndarray], label: str, keep: np.ndarray) -> None:
    """Refuse runs that differ in a label which makes losses incomparable."""
    if label not in columns:
        return
    values = sorted(set(np.asarray(columns[label])[keep].astype(str)))
    if len(values) > 1:
        raise ConventionError(
            f"the runs have {len(values)} different values of `{label}`: {', '.join(values[:4])}.",
            "Losses on different text, tokenizers or recipes are not points of one law.",
            f"Keep one:  --where \"{label} == '{values[0]}'\"",
        )


def training_curve(run_id: str, N: float, points: Sequence[Point]) -> Curve | None:
    """Turn a run's points into its smoothed training curve (training loss over exact FLOPs).

    The trainer's training loss is the mean over the steps since the previous point, on text
    that is mostly seen for the first time: an estimate of the test loss, as in Hoffmann et
    al. 2022. The first point (the loss at initialisation) is left out.

    Returns:
        The curve, or None where fewer than three points have a training loss.
    """
    rows = [p for p in points if p.train_loss is not None and p.flops > 0][1:]
    if len(rows) < 3:
        return None
    return Curve(
        id=run_id,
        N=N,
        C=np.array([p.flops for p in rows]),
        D=np.array([float(p.tokens) for p in rows]),
        loss=np.array([p.train_loss for p in rows], dtype=float),
    )
