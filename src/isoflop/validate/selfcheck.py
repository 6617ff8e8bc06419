"""A study's checks of itself: is this sweep sound, or does it only look clean?

A mis-tuned sweep gives parabolas as clean as a sound one and is wrong in N* by a factor of two
(docs/concepts). What tells them apart: the slope of L*(C) steepens with C, tokens per parameter
are implausible, and other learning rates do better at one end of the widths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.surface import IsoflopSurface

#: Tokens per parameter (matrices + head) at the minima of tuned studies on a CPU were 10 to 21;
#: of a mis-tuned one 62 to 79, of large-scale studies 10 to 30.
PLAUSIBLE_RATIO = (8.0, 40.0)
#: A probe must beat the study's own rate by more than this (nats per token) to count at all.
RATE_TOLERANCE = 0.02
#: Repeated text is nearly as good as fresh up to here (Muennighoff et al. 2023).
NEARLY_FRESH = 4.0
#: Decades of compute under which a trend is hard to see, and under which there is hardly one.
SPAN, SHORT = 2.0, 0.95


@dataclass(frozen=True)
class RateProbe:
    """Final losses of one model at several multiples of the study's learning rate.

    Args:
        width: residual width; budget: nominal FLOPs.
        multiples: of the study's rate, ascending, 1.0 among them, [probe]; loss: nats, [probe].
        label: what the model is called; by its width if empty.
    """

    width: int
    budget: float
    multiples: np.ndarray
    loss: np.ndarray
    label: str = ""

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.label or f"width {self.width}"

    def best_multiple(self) -> float:
        """Return the vertex of a parabola in ln(multiple), or the best end if it is outside."""
        x = np.log(self.multiples)
        c2, c1, _ = np.polyfit(x, self.loss, 2) if len(x) > 2 else (0.0, 0.0, 0.0)
        vertex = -c1 / (2 * c2) if c2 > 0 else x[np.argmin(self.loss)]
        return float(np.exp(np.clip(vertex, x[0], x[-1])))

    def cost_of_rate(self) -> float:
        """Return by how much the best probed rate beats the study's own, nats per token."""
        own = self.loss[np.argmin(np.abs(np.log(self.multiples)))]
        return float(own - self.loss.min())


def check_slope(surface: IsoflopSurface) -> Finding:
    """Check that |d ln L* / d ln C| does not grow with C beyond its noise.

    A loss with a floor flattens; one that steepens was limited by something else than compute
    at the small end (learning rate, batch, warmup).
    """
    good = surface.usable
    x = np.log([p.C for p in good])
    y = np.log([p.loss for p in good])
    slopes = np.diff(y) / np.diff(x)
    numbers = {f"slope {i + 1}": float(s) for i, s in enumerate(slopes)}
    if len(slopes) < 2:
        return Finding(
            code="slope",
            severity="note",
            message="two budgets give one slope of L*(C); whether it steepens cannot be seen.",
            numbers=numbers,
            remedy="Add a third budget.",
        )
    with np.errstate(invalid="ignore"):
        drawn = np.log(surface.minima[:, :, 1])  # NaN where a wild sample is negative
    local = np.diff(drawn, axis=0) / np.diff(x)[:, None]
    change = slopes[-1] - slopes[0]
    noise = float(np.nanstd(local[-1] - local[0]))
    steepens = change < -2 * noise and change < 0.25 * slopes.mean()
    listed = ", ".join(f"{s:.3f}" for s in slopes)
    return Finding(
        code="slope",
        severity="warning" if steepens else "ok",
        message=f"local slopes of ln L* over ln C: {listed}"
        + (" (it steepens with C)." if steepens else " (it does not steepen)."),
        numbers={**numbers, "noise of the change": noise},
        why="A loss that falls ever faster with compute is limited by its training, not its size,"
        " at the small end; N* and the exponent are then wrong.",
        remedy="Tune learning rate and batch at the smallest budget; see the rate probes."
        if steepens
        else "",
    )


def check_ratio(surface: IsoflopSurface) -> Finding:
    """Check that D*/N* at the budgets is of the size that tuned studies show."""
    C = np.array([p.C for p in surface.usable])
    ratio = surface.D_opt.point(C) / surface.N_opt.point(C)
    low, high = PLAUSIBLE_RATIO
    few, many = bool((ratio < low).any()), bool((ratio > high).any())
    outside = few or many
    return Finding(
        code="ratio",
        severity="warning" if outside else "ok",
        message=f"tokens per parameter at the optimum: {ratio.min():.0f} to {ratio.max():.0f}"
        + (f" (expected {low:g} to {high:g})." if outside else "."),
        numbers={"lowest": float(ratio.min()), "highest": float(ratio.max())},
        why="So few tokens per parameter are best where the smaller models are trained worse than"
        " they could be."
        if few
        else "Too many tokens per parameter is the mark of learning rates that are too low for"
        " the larger models.",
        remedy=f"Look at the rate probes of the {'smaller' if few else 'larger'} widths."
        if outside
        else "",
    )


def check_rates(probes: Sequence[RateProbe], noise: float) -> Finding:
    """Check that no probed learning rate beats the study's own beyond noise.

    Args:
        probes: one a probed model.
        noise: run noise, nats per token; two runs differ by sqrt(2) of it.
    """
    tolerance = max(RATE_TOLERANCE, 2 * np.sqrt(2) * noise)
    if not probes:
        return Finding(
            code="rate",
            severity="note",
            message="no learning-rate probe finished; whether the rate is right is unknown.",
            remedy="Run the study with its probes.",
        )
    worst = max(p.cost_of_rate() for p in probes)
    listed = "; ".join(
        f"{p.name}: best at x{p.best_multiple():.2f},"
        f" {1000 * p.cost_of_rate():.0f} mnat better than x1"
        for p in probes
    )
    return Finding(
        code="rate",
        severity="warning" if worst > tolerance else "ok",
        message=f"learning-rate probes ({listed}); tolerance {1000 * tolerance:.0f} mnat.",
        numbers={p.name: p.best_multiple() for p in probes},
        why="A rate that is right for one width and wrong for another tilts every parabola.",
        remedy="Change the base rate, or how it scales with width, and repeat."
        if worst > tolerance
        else "",
    )


def check_minima(surface: IsoflopSurface) -> list[Finding]:
    """Report every budget whose minimum could not be used."""
    return [
        Finding(
            code="minimum",
            severity="warning",
            message=f"budget {p.budget:.3g} FLOPs is left out of N*(C): {p.reason}",
            numbers={"budget": p.budget, "runs": float(len(p.used))},
            why="A minimum at the edge of the sizes is where the sizes end, not where the loss"
            " is lowest.",
            remedy=f"Add {p.side or 'more'} sizes at this budget.",
        )
        for p in surface.profiles
        if not p.ok
    ]


def check_span(C: np.ndarray) -> Finding:
    """Check that compute spans enough to see a trend."""
    decades = float(np.log10(C.max() / C.min()))
    # Whole decades of nominal budgets are a hair less in exact FLOPs.
    few = decades < SPAN - 0.01
    return Finding(
        code="span",
        severity="warning" if decades < SHORT else "note" if few else "ok",
        message=f"compute spans {decades:.1f} decades ({C.min():.2g} to {C.max():.2g} FLOPs).",
        numbers={"decades": decades},
        why="Under two decades a floor, a bend and a power law cannot be told apart."
        if few
        else "",
        remedy="Add a larger budget before trusting a far extrapolation." if few else "",
    )
