"""Coverage as an exponentiated power law, fitted to the curve of pass@k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.laws.coverage import coverage_power
from isoflop.laws.minimum import brent

#: Range of B in the search.
_LOW, _HIGH = 1e-3, 5.0


@dataclass(frozen=True)
class Power:
    """Constants of `coverage_power`, A and B [1 + sample], the estimate first."""

    A: np.ndarray
    B: np.ndarray

    def coverage(self, k: float) -> np.ndarray:
        """Return coverage at k samples [1 + sample]."""
        return np.asarray(coverage_power(float(k), A=self.A, B=self.B))


def fit_power(k: np.ndarray, coverage: np.ndarray) -> Power:
    """Fit -log coverage = A k^-B by least squares of -log coverage.

    A follows from B in closed form; B by Brent's method over (0.001, 5).

    Args:
        k: numbers of samples [point].
        coverage: [1 + sample, point]; a row with a zero gives NaN.

    Source: the objective of Schaeffer et al. 2025 (arXiv:2502.17578), App. C.
    """
    with np.errstate(divide="ignore"):
        y = -np.log(np.asarray(coverage, dtype=float))
    usable = np.all(np.isfinite(y), axis=1)
    y = np.where(usable[:, None], y, 1.0)
    x = np.log(np.asarray(k, dtype=float))

    def scale(B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        basis = np.exp(-B[:, None] * x)
        A = np.sum(y * basis, axis=1) / np.sum(basis**2, axis=1)
        return A, np.sum((y - A[:, None] * basis) ** 2, axis=1)

    low, high = np.full(len(y), np.log(_LOW)), np.full(len(y), np.log(_HIGH))
    B = np.exp(brent(lambda u: scale(np.exp(u))[1], low, high))
    A, B = np.where(usable, scale(B)[0], np.nan), np.where(usable, B, np.nan)
    return Power(A, B)
