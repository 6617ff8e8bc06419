"""Approach 1: the lower envelope of the training curves, and the sizes that touch it.

Source: Hoffmann et al. 2022, section 3.1: every curve is interpolated in FLOPs, at many
log-spaced values of C the run with the lowest loss is taken, and N and D of the winners are
regressed on C; intervals from 80 % subsamples of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Values of C at which the envelope is read (Hoffmann et al. 2022 use 1,500).
POINTS = 1500


@dataclass(frozen=True)
class Curve:
    """The smoothed training curve of one run: exact FLOPs, tokens and loss, shape [point]."""

    id: str
    N: float
    C: np.ndarray
    D: np.ndarray
    loss: np.ndarray


@dataclass(frozen=True)
class Envelope:
    """Which run is lowest at each C, and the straight lines through the winners.

    Args:
        C: shape [point]; winner: index of the lowest curve, [point]; loss, N, D: its values.
        N_line, D_line: (level, exponent) of ln N and ln D over ln C - centre.
        N_lines, D_lines: the same for the subsamples, shape [sample, 2].
        centre: mean of ln C.
    """

    C: np.ndarray
    winner: np.ndarray
    loss: np.ndarray
    N: np.ndarray
    D: np.ndarray
    centre: float
    N_line: np.ndarray
    D_line: np.ndarray
    N_lines: np.ndarray
    D_lines: np.ndarray


def lower_envelope(
    curves: Sequence[Curve],
    *,
    span: tuple[float, float],
    samples: int = 200,
    share: float = 0.8,
    rng: np.random.Generator,
    points: int = POINTS,
) -> Envelope:
    """Read the lower envelope of curves between two values of C.

    Args:
        curves: one a run.
        span: smallest and largest C, FLOPs.
        samples: subsamples of the runs for intervals; share: part of the runs in each.
        rng: random generator.
        points: number of log-spaced values of C.

    Raises:
        NotIdentified: C spans less than a factor of two, or fewer than three sizes ever win.
    """
    if span[1] < 2 * span[0]:
        raise NotIdentified(
            f"the curves overlap from {span[0]:.3g} to {span[1]:.3g} FLOPs only.",
            "The envelope shows how the best size grows with C, so C must grow.",
            "Add a larger budget.",
        )
    read = _Grid.of(curves, np.geomspace(*span, points))
    rows = np.arange(len(curves))
    lines, winner, covered = read.lines(rows)
    distinct = len(np.unique(read.sizes[winner[covered]]))
    if distinct < 3:
        raise NotIdentified(
            f"{distinct} model size(s) ever touch the lower envelope; a trend needs three.",
            "The envelope follows N*(C) only where several sizes win in turn.",
            "Add budgets, or sizes around the optimum.",
        )
    count = max(3, round(share * len(curves)))
    drawn = [read.lines(np.sort(rng.choice(rows, count, replace=False)))[0] for _ in range(samples)]
    at = np.flatnonzero(covered)
    won = winner[at]
    return Envelope(
        C=read.C[at],
        winner=won,
        loss=read.loss[won, at],
        N=read.sizes[won],
        D=read.tokens[won, at],
        centre=read.centre,
        N_line=lines[0],
        D_line=lines[1],
        N_lines=np.array([line[0] for line in drawn]),
        D_lines=np.array([line[1] for line in drawn]),
    )


@dataclass(frozen=True)
class _Grid:
    """Curves read at the same values of C.

    Args:
        C: [point]; loss, tokens: [run, point], NaN outside a curve's own range; sizes: N, [run].
        centre: mean of ln C.
    """

    C: np.ndarray
    loss: np.ndarray
    tokens: np.ndarray
    sizes: np.ndarray
    centre: float

    @classmethod
    def of(cls, curves: Sequence[Curve], C: np.ndarray) -> _Grid:
        """Interpolate curves at C."""
        return cls(
            C=C,
            loss=np.stack([_read(curve, C, curve.loss) for curve in curves]),
            tokens=np.stack([_read(curve, C, curve.D) for curve in curves]),
            sizes=np.array([curve.N for curve in curves]),
            centre=float(np.log(C).mean()),
        )

    def lines(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lines through the winners among some runs.

        Returns:
            (level, exponent) of ln N and ln D over ln C - centre, [2, 2]; the winner, an index of
            all runs, [point]; whether any of the runs reaches that C, [point].
        """
        loss = self.loss[rows]
        covered = np.asarray(np.isfinite(loss).any(axis=0))
        winner = rows[np.argmin(np.where(np.isnan(loss), np.inf, loss), axis=0)]
        x = np.log(self.C[covered]) - self.centre
        design = np.stack([np.ones_like(x), x], axis=1)
        picked = winner[covered]
        D = self.tokens[picked, np.flatnonzero(covered)]
        logs = np.stack([np.log(self.sizes[picked]), np.log(D)], axis=1)
        return np.linalg.lstsq(design, logs, rcond=None)[0].T, winner, covered


def _read(curve: Curve, C: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate ln values over ln C; NaN outside the curve's own range."""
    inside = (curve.C[0] <= C) & (curve.C[-1] * (1 + 1e-9) >= C)
    read = np.exp(np.interp(np.log(C), np.log(curve.C), np.log(values)))
    return np.where(inside, read, np.nan)
