"""FLOPs a token as a function of N, read from the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.errors import InputError


@dataclass(frozen=True)
class CostCurve:
    """C = D * flops_per_token(N), interpolated in log-log between the sizes that were run.

    Outside them it continues with the slope of the two outermost sizes, but never with one
    that is steeper than proportional or flatter than half of that. For a table that counts
    C as 6ND this is exactly 6N everywhere.

    Args:
        log_N: ln N of the distinct sizes, ascending, shape [size].
        log_f: ln of FLOPs a token at each, shape [size].
    """

    log_N: np.ndarray
    log_f: np.ndarray

    @classmethod
    def from_runs(cls, N: np.ndarray, D: np.ndarray, C: np.ndarray) -> CostCurve:
        """Read the curve from runs: parameters, tokens and exact FLOPs, each of shape [run].

        Raises:
            InputError: the same N has costs a token that differ by more than 2 %, so that C is
                not a function of N and D in this table.
        """
        log_N, log_f = np.log(N), np.log(C / D)
        _, index = np.unique(np.round(log_N, 9), return_inverse=True)
        count = np.bincount(index)
        sizes = np.bincount(index, weights=log_N) / count
        mean = np.bincount(index, weights=log_f) / count
        worst = float(np.abs(log_f - mean[index]).max())
        if worst > 0.02:
            raise InputError(
                f"FLOPs a token differ by {100 * worst:.1f} % between runs of the same N.",
                "N* at a budget is undefined when C is not a function of N and D.",
                "Give runs of one architecture family, or count C as 6ND by the table's names:"
                '  --column "C=6 * params * tokens"',
            )
        return cls(sizes, mean)

    def flops_per_token(self, N: np.ndarray | float) -> np.ndarray:
        """Return FLOPs a token at N, shape of N."""
        x = np.log(np.asarray(N, dtype=float))
        y = np.interp(x, self.log_N, self.log_f)
        left, right = self._ends()
        y = np.where(x < self.log_N[0], self.log_f[0] + left * (x - self.log_N[0]), y)
        y = np.where(x > self.log_N[-1], self.log_f[-1] + right * (x - self.log_N[-1]), y)
        return np.exp(y)

    def tokens(self, N: np.ndarray | float, C: np.ndarray | float) -> np.ndarray:
        """Return D = C / flops_per_token(N)."""
        return np.asarray(C, dtype=float) / self.flops_per_token(N)

    def growth(self, N: np.ndarray) -> float:
        """Return the exponent of FLOPs a token in N over these sizes [size]; one for C = 6ND."""
        x = np.log(N)
        if np.ptp(x) < 1e-9:
            return 1.0
        return float(np.polyfit(x, np.log(self.flops_per_token(N)), 1)[0])

    def _ends(self) -> tuple[float, float]:
        if len(self.log_N) < 2:
            return 1.0, 1.0
        slopes = np.diff(self.log_f) / np.diff(self.log_N)
        left, right = np.clip(slopes[[0, -1]], 0.5, 1.0)
        return float(left), float(right)
