"""Approach 2 as a model: N*(C), D*(C) and L*(C) as power laws, and the loss around them.

The loss off the optimum is a parabola in ln N whose curvature, relative to the loss, is the
same at every budget. There is no floor: L*(C) falls as a power of C for ever, so far
extrapolations are too low where the true law has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.isoflop import Profile, fit_profile, pooled_noise
from isoflop.fit.powerlaw import PowerLaw, fit_power_law

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.runs.cost import CostCurve


@dataclass(frozen=True)
class IsoflopSurface:
    """Profiles of the budgets, the laws through their minima, and the loss around them.

    Args:
        profiles: one a budget, in order of budget, whether usable or not.
        noise: run noise used for the samples, nats per token.
        minima: samples of (ln N*, loss*, curvature) by usable budget, [budget, sample, 3].
        N_opt, D_opt, loss_opt: power laws of C.
        curvature: half the second derivative of the loss by ln N over the loss, and its
            samples [sample].
        cost: FLOPs a token.
    """

    profiles: tuple[Profile, ...]
    noise: float
    minima: np.ndarray
    N_opt: PowerLaw
    D_opt: PowerLaw
    loss_opt: PowerLaw
    curvature: float
    curvatures: np.ndarray
    cost: CostCurve

    @property
    def usable(self) -> list[Profile]:
        """Profiles with an interior minimum."""
        return [p for p in self.profiles if p.ok]

    def point(self, N: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Return the loss at N and D, nats per token."""
        C = D * self.cost.flops_per_token(N)
        offset = np.log(N) - np.log(self.N_opt.point(C))
        return self.loss_opt.point(C) * (1 + self.curvature * offset**2)

    def sample(self, N: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Return samples of the mean loss at N and D, shape [sample, *shape of N]."""
        C = D * self.cost.flops_per_token(N)
        offset = np.log(N) - np.log(self.N_opt.sample(C))
        curvature = self.curvatures.reshape((-1,) + (1,) * np.ndim(C))
        return self.loss_opt.sample(C) * (1 + curvature * offset**2)


def fit_surface(
    N: np.ndarray,
    C: np.ndarray,
    loss: np.ndarray,
    budget: np.ndarray,
    *,
    cost: CostCurve,
    seed_noise: float = 0.0,
    samples: int = 1000,
    rng: np.random.Generator,
) -> IsoflopSurface:
    """Fit approach 2 to runs grouped by nominal budget.

    Args:
        N, C, loss, budget: parameters, exact FLOPs, nats per token, nominal FLOPs, each [run].
        cost: FLOPs a token by N.
        seed_noise: known standard deviation between seeds; the larger of it and the residuals'
            is used.
        samples: number of samples.
        rng: random generator.

    Raises:
        NotIdentified: fewer than two budgets have an interior minimum.
    """
    profiles = [fit_profile(b, N[m], C[m], loss[m]) for b, m in _by_budget(budget)]
    good = [p for p in profiles if p.ok]
    if len(good) < 2:
        bad = "; ".join(f"{p.budget:.3g}: {p.reason}" for p in profiles if not p.ok)
        raise NotIdentified(
            f"{len(good)} of {len(profiles)} budgets have an interior minimum ({bad}).",
            "N*(C) is a line through the minima of at least two budgets.",
            "Add sizes on the side of the edge, or budgets.",
        )
    noise = max(pooled_noise(good)[0], seed_noise)
    drawn = np.stack([p.sample(noise, samples, rng) for p in good])
    at = np.array([p.C for p in good])
    sizes, sizes_drawn = np.array([p.N for p in good]), np.exp(drawn[:, :, 0].T)
    lowest = np.array([p.loss for p in good])
    relative = drawn[:, :, 2] / drawn[:, :, 1]
    return IsoflopSurface(
        profiles=tuple(profiles),
        noise=noise,
        minima=drawn,
        N_opt=fit_power_law(at, sizes, sizes_drawn, rng),
        D_opt=fit_power_law(at, cost.tokens(sizes, at), cost.tokens(sizes_drawn, at), rng),
        loss_opt=fit_power_law(at, lowest, drawn[:, :, 1].T, rng),
        curvature=float(np.mean([p.curvature / p.loss for p in good])),
        curvatures=relative.mean(axis=0),
        cost=cost,
    )


def _by_budget(budget: np.ndarray) -> Sequence[tuple[float, np.ndarray]]:
    return [(float(b), budget == b) for b in np.unique(budget)]
