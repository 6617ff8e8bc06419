"""Approach 2 as a model: N*(C), D*(C) and L*(C) as power laws, and the loss around them.

The loss off the optimum is a parabola in ln N whose curvature, relative to the loss, is the
same at every budget. There is no floor: L*(C) falls as a power of C for ever, so far
extrapolations are too low where the true law has one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit.isoflop import WINDOW, Profile, fit_profile, pooled_noise
from isoflop.fit.powerlaw import PowerLaw, fit_power_law
from isoflop.fit.shapes import profile_bias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.runs.cost import CostCurve

#: A sample's ln N* is kept in this range: a wild one is a very wide one, not an overflow.
FINITE = (-100.0, 200.0)


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
        profile: the shape of the profiles.
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
    profile: str = "parabola"

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


def minimum_bias(
    surface: IsoflopSurface, C: float, N: np.ndarray, alpha: float, beta: float
) -> float | None:
    """Return the relative bias of a budget's N* for its sizes; None where it has no value.

    The true N* is not known: it is taken to be the line's, less its own bias.

    Args:
        surface: approach 2.
        C: the budget, FLOPs.
        N: sizes of the runs that were used, [run].
        alpha, beta: exponents of N and D of the law that is taken for true.
    """
    if not (alpha > 0 and beta > 0):
        return None
    beta = beta * surface.cost.growth(N)
    line, bias = float(surface.N_opt.point(C)), 0.0
    for _ in range(3):
        bias = profile_bias(surface.profile, alpha, beta, np.log(N * (1 + bias) / line))
        if not np.isfinite(bias):
            return None
    return bias


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
    profile: str = "parabola",
    exponents: tuple[float, float] | None = None,
    exponent_samples: np.ndarray | None = None,
    window: float = WINDOW,
) -> IsoflopSurface:
    """Fit approach 2 to runs grouped by nominal budget.

    The budgets' minima are lines' points with equal weight. Those of "akima" are the medians of
    their samples, weighted by the inverse variance of ln N* (Porian et al. 2024): the standard
    deviation is not below a third of the step between sizes, and grows with the share of
    samples whose minimum is at an edge.

    Args:
        N, C, loss, budget: parameters, exact FLOPs, nats per token, nominal FLOPs, each [run].
        cost: FLOPs a token by N.
        seed_noise: known standard deviation between seeds; the larger of it and the residuals'
            is used. An interpolation has no residuals: without `seed_noise` it takes those of
            parabolas.
        samples: number of samples.
        rng: random generator.
        profile: "parabola", "cubic", "akima" or "corrected" (`isoflop.fit.shapes`).
        exponents: for "corrected": alpha of N and beta of D.
        exponent_samples: the same for each sample, [samples, 2], if they are uncertain.
        window: runs more than this above their budget's lowest loss are left out.

    Raises:
        NotIdentified: fewer than two budgets have an interior minimum.
        InputError: no such profile, or "corrected" without exponents.
    """

    def fitted(shape: str) -> list[Profile]:
        pairs = [_along(cost, N[m], exponents) for _, m in groups]
        return [
            fit_profile(b, N[m], C[m], loss[m], window, profile=shape, exponents=pair)
            for (b, m), pair in zip(groups, pairs, strict=True)
        ]

    groups = _by_budget(budget)
    profiles = fitted(profile)
    good = _enough([p for p in profiles if p.ok], profiles)
    noise = max(pooled_noise(good)[0], seed_noise)
    if profile == "akima" and seed_noise == 0:
        noise = pooled_noise(fitted("parabola"))[0]
    drawn = [_draw(p, noise, samples, rng, cost, exponent_samples) for p in good]
    settled = {p.budget: _settle(p, d) for p, d in zip(good, drawn, strict=True)}
    profiles = [settled.get(p.budget, p) for p in profiles]
    kept = [d for d, p in zip(drawn, settled.values(), strict=True) if p.ok]
    good = _enough([p for p in profiles if p.ok], profiles)
    return _surface(profiles, good, np.stack(kept), noise, cost, rng, profile)


def _surface(
    profiles: list[Profile],
    good: list[Profile],
    drawn: np.ndarray,
    noise: float,
    cost: CostCurve,
    rng: np.random.Generator,
    profile: str,
) -> IsoflopSurface:
    """Put the lines through the minima of the good profiles, drawn [budget, sample, 3]."""
    at = np.array([p.C for p in good])
    sizes, sizes_drawn = np.array([p.N for p in good]), np.exp(np.clip(drawn[:, :, 0].T, *FINITE))
    lowest = np.array([p.loss for p in good])
    weights = np.array([_weight(p, d) for p, d in zip(good, drawn, strict=True)])
    how = {"rng": rng, "weights": weights if profile == "akima" else None}
    return IsoflopSurface(
        profiles=tuple(profiles),
        noise=noise,
        minima=drawn,
        N_opt=fit_power_law(at, sizes, sizes_drawn, **how),
        D_opt=fit_power_law(at, cost.tokens(sizes, at), cost.tokens(sizes_drawn, at), **how),
        loss_opt=fit_power_law(at, lowest, drawn[:, :, 1].T, **how),
        curvature=float(np.mean([p.curvature / p.loss for p in good])),
        curvatures=_curvatures(drawn),
        cost=cost,
        profile=profile,
    )


def _curvatures(drawn: np.ndarray) -> np.ndarray:
    """Return each sample's mean relative curvature, [sample], from minima [budget, sample, 3].

    Budgets without a minimum are left out of their sample; without any it is NaN.
    """
    relative = drawn[:, :, 2] / drawn[:, :, 1]
    known = np.isfinite(relative)
    count = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    return np.where(known, relative, 0.0).sum(axis=0) / count


def _enough(good: list[Profile], profiles: list[Profile]) -> list[Profile]:
    """Return the good profiles.

    Raises:
        NotIdentified: there are fewer than two.
    """
    if len(good) >= 2:
        return good
    bad = "; ".join(f"{p.budget:.3g}: {p.reason.rstrip('.')}" for p in profiles if not p.ok)
    raise NotIdentified(
        f"{len(good)} of {len(profiles)} budgets have an interior minimum ({bad}).",
        "N*(C) is a line through the minima of at least two budgets.",
        "Add sizes on the side of the edge, or budgets.",
    )


def _along(
    cost: CostCurve, N: np.ndarray, exponents: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return exponents of 1/N and N along a budget: D falls as FLOPs a token grow."""
    return None if exponents is None else (exponents[0], exponents[1] * cost.growth(N))


def _draw(
    p: Profile,
    noise: float,
    samples: int,
    rng: np.random.Generator,
    cost: CostCurve,
    exponents: np.ndarray | None,
) -> np.ndarray:
    if exponents is None:
        return p.sample(noise, samples, rng)
    growth = cost.growth(np.exp(p.centre + p.shape.x))
    return p.sample(noise, samples, rng, exponents * np.array([1.0, growth]))


def _settle(p: Profile, drawn: np.ndarray) -> Profile:
    """Refuse a minimum that most samples do not have; take an interpolation's median."""
    lost = float(np.mean(~np.isfinite(drawn[:, 0])))
    if lost > 0.5:
        reason = f"{100 * lost:.0f} % of noise samples have no interior minimum."
        return replace(p, status="not identified", reason=reason)
    if p.shape.free == len(p.losses):
        return replace(p, N=float(np.exp(np.nanmedian(drawn[:, 0]))))
    return p


def _weight(p: Profile, drawn: np.ndarray) -> float:
    """Return one over the squared deviation of ln N*, as Porian et al. 2024 define it."""
    known = drawn[np.isfinite(drawn[:, 0]), 0]
    step = np.ptp(p.shape.x) / (len(np.unique(p.shape.x)) - 1)
    deviation = max(float(known.std()), step / 3) * len(drawn) / len(known)
    return deviation**-2


def _by_budget(budget: np.ndarray) -> Sequence[tuple[float, np.ndarray]]:
    return [(float(b), budget == b) for b in np.unique(budget)]
