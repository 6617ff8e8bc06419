"""Compute-optimal N and D under a stated cost, for the estimate and for every sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.misses import factors, spread
from isoflop.laws.minimum import brent
from isoflop.samples import MISSES, SAMPLING, Estimate, summarise

if TYPE_CHECKING:
    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law

#: FLOPs a token by N; 6 N if none is given (cost "6ND").
FlopsPerToken = Callable[[Any], Any]


def six(N: Any) -> Any:
    """Return 6N, the FLOPs a token of the cost that is called 6ND."""
    return 6.0 * N


_SMALLEST, _LARGEST, _PER_DECADE = 1e3, 1e17, 8


@dataclass(frozen=True)
class Allocation:
    """The optimum of one budget.

    Args:
        C: the budget, FLOPs.
        cost: how C was counted, in words.
        N: parameters at the optimum of the estimate; D: tokens; loss: the law there.
        samples: N and D at the optimum of every sample, and its loss at the estimate's N and D,
            [sample, 3], or None. NaN where a sample has no interior optimum.
        level: of the intervals.
        moved: N and D of every sample, moved by the law's own misses at the same C
            (`isoflop.fit.misses`), [sample, 2]; None where these are not known.
    """

    C: float
    cost: str
    N: float
    D: float
    loss: float
    samples: np.ndarray | None
    level: float
    moved: np.ndarray | None = None

    def estimates(self) -> dict[str, Estimate]:
        """Return N, D, loss and tokens per parameter with their intervals.

        Those of N, D and D/N are widened by how far the law misses its own runs' minima, where
        that is known; that of the loss is the law's there, taken as right. A sample without an
        interior optimum could lie anywhere; it counts against both ends.
        """
        return self._estimates(self.moved)

    def sampling(self) -> dict[str, Estimate]:
        """Return the same with the law taken as right in all of them."""
        return self._estimates(None)

    def _estimates(self, moved: np.ndarray | None) -> dict[str, Estimate]:
        ratio = "tokens_per_parameter"
        point = {"N": self.N, "D": self.D, "loss": self.loss, ratio: self.D / self.N}
        if self.samples is None:
            return {name: Estimate(value) for name, value in point.items()}
        N, D, loss = self.samples.T
        N, D = (N, D) if moved is None else moved.T
        drawn = {"N": N, "D": D, "loss": loss, ratio: D / N}
        holds = dict.fromkeys(point, SAMPLING if moved is None else MISSES) | {"loss": SAMPLING}
        return {
            name: summarise(x, drawn[name], self.level, holds[name]) for name, x in point.items()
        }


def allocate(
    fit: Fit,
    C: float,
    *,
    flops_per_token: FlopsPerToken | None = None,
    cost: str = "6ND",
    **others: float | str,
) -> Allocation:
    """Return the N and D of lowest loss with D * flops_per_token(N) = C.

    Args:
        fit: a fit of a law with inputs N and D.
        C: budget, FLOPs.
        flops_per_token: training FLOPs a token by N; 6 N if None.
        cost: name of that count, for the record.
        **others: values of the law's further inputs (U, ...).

    Raises:
        InputError: if the law has no inputs N and D, or others are missing.
    """
    missing = {"N", "D"} - set(fit.law.input_names)
    if missing:
        raise InputError(f"`{fit.law.name}` has no input {', '.join(sorted(missing))}.")
    flops = flops_per_token or six
    single = {name: np.full((1, 1), value) for name, value in fit.estimate.items()}
    N, D, loss = (float(x[0]) for x in best_split(fit.law, single, C, flops, others))
    if fit.samples is None:
        return Allocation(C, cost, N, D, loss, None, fit.settings.level)
    columns = {name: fit.samples[:, k : k + 1] for k, name in enumerate(fit.parameters)}
    sizes, tokens, _ = best_split(fit.law, columns, C, flops, others)
    with np.errstate(all="ignore"):
        there = np.ravel(fit.law(N=np.array([[N]]), D=np.array([[D]]), **others, **columns))
    samples = np.stack([sizes, tokens, np.broadcast_to(there, sizes.shape)], axis=1)
    moved, deviation = None, None if others else spread(fit.minima, C)
    if deviation is not None:
        sizes = sizes * factors(len(sizes), deviation, fit.settings.seed)
        moved = np.stack([sizes, C / flops(sizes)], axis=1)
    return Allocation(C, cost, N, D, loss, samples, fit.settings.level, moved)


def best_split(
    law: Law,
    columns: dict[str, np.ndarray],
    C: float,
    flops_per_token: FlopsPerToken,
    others: Mapping[str, float | str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return N, D and loss [batch] of the best split of a budget; NaN without an interior one.

    A grid in log N brackets the minimum, Brent's method finds it.

    Args:
        law: a law with inputs N and D.
        columns: parameters [batch, 1] by name.
        C: budget, FLOPs.
        flops_per_token: FLOPs a token by N.
        others: values of further inputs.
    """

    def loss(x: np.ndarray) -> np.ndarray:
        N = np.exp(x)
        value = law(N=N, D=C / flops_per_token(N), **others, **columns)
        return np.where(np.isfinite(value), value, np.inf)

    decades = int(np.log10(_LARGEST / _SMALLEST))
    grid = np.linspace(np.log(_SMALLEST), np.log(_LARGEST), decades * _PER_DECADE + 1)
    with np.errstate(all="ignore"):
        coarse = np.broadcast_to(loss(grid[None]), (len(next(iter(columns.values()))), len(grid)))
        best = np.argmin(coarse, axis=1)
        inner = np.clip(best, 1, len(grid) - 2)
        x = brent(loss, grid[inner - 1][:, None], grid[inner + 1][:, None])
        N = np.where((best == inner)[:, None], np.exp(x), np.nan)
        return (
            N[:, 0],
            (C / flops_per_token(N))[:, 0],
            np.where(best == inner, loss(x)[:, 0], np.nan),
        )


def shifted_allocations(
    fit: Fit, C: float, *, flops_per_token: FlopsPerToken | None = None, **others: float | str
) -> list[tuple[str, float, float]]:
    """Return (choice, N, D) at a budget for each line of the fit's sensitivity table.

    Raises:
        InputError: if the fit was made without a sensitivity table.
    """
    if fit.sensitivity is None:
        raise InputError("the fit has no sensitivity table.", do="fit(..., sensitivity=True)")
    flops = flops_per_token or six
    found = []
    for shift in fit.sensitivity:
        columns = {name: np.full((1, 1), shift.estimate[name]) for name in fit.parameters}
        N, D, _ = best_split(fit.law, columns, C, flops, others)
        found.append((shift.choice, float(N[0]), float(D[0])))
    return found
