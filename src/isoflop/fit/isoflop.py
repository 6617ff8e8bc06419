"""Approach 2: the minimum over N of each budget's runs.

Source: Hoffmann et al. 2022, section 3.2, with a parabola; `isoflop.fit.shapes` has the other
profiles and the known bias of each on a given grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.fit.shapes import Shape, profile_bias, shape_of, sizes

#: Runs further than this above a budget's lowest loss (nats per token) are left out of its
#: profile: it is not a parabola there.
WINDOW = 0.3
#: Sizes that a minimum must have on each side of it.
SIDES = 2


@dataclass(frozen=True)
class Profile:
    """The loss of one budget's runs over N, and its minimum.

    Args:
        budget: nominal FLOPs; C: mean exact FLOPs of the runs used.
        status: "ok", "edge", "not convex", "too few" or "not identified"; reason: the sentence
            with the numbers.
        used: mask over the budget's runs, shape [run].
        centre: mean of ln N of the used runs; shape: over ln N - centre of them.
        losses: of the used runs, nats per token, shape [used run].
        residual: observed minus fitted, nats per token, shape [used run].
        N, loss: the minimum; NaN unless there is one.
        curvature: half the second derivative of the loss by ln N at the minimum.
        side: for "edge" and "too few", on which side runs are missing: "smaller" or "larger".
    """

    budget: float
    C: float
    status: str
    reason: str
    side: str
    used: np.ndarray
    centre: float
    shape: Shape
    losses: np.ndarray
    residual: np.ndarray
    N: float
    loss: float
    curvature: float

    @property
    def ok(self) -> bool:
        """Whether the minimum is interior and may be used."""
        return self.status == "ok"

    @property
    def freedom(self) -> int:
        """Runs used, less fitted coefficients."""
        return len(self.residual) - self.shape.free

    def curve(self, N: np.ndarray) -> np.ndarray:
        """Return the fitted loss at N, nats per token."""
        return self.shape.curve(self.losses, np.log(N) - self.centre)

    def sample(
        self,
        sigma: float,
        count: int,
        rng: np.random.Generator,
        exponents: np.ndarray | None = None,
    ) -> np.ndarray:
        """Redraw the runs' noise and refit: samples of (ln N*, loss*, curvature).

        Args:
            sigma: run noise, nats per token.
            count: number of samples.
            rng: random generator.
            exponents: for the corrected profile: one pair a sample, [sample, 2].

        Returns:
            Array [sample, 3]; NaN where a sample's profile has no minimum.
        """
        noise = rng.normal(0.0, sigma, (count, len(self.losses)))
        found = self.shape.minima(self.losses + noise, exponents)
        found[:, 0] += self.centre
        return found


def fit_profile(
    budget: float,
    N: np.ndarray,
    C: np.ndarray,
    loss: np.ndarray,
    window: float = WINDOW,
    *,
    profile: str = "parabola",
    exponents: tuple[float, float] | None = None,
) -> Profile:
    """Fit a profile in ln N to the runs of one budget.

    Args:
        budget: nominal FLOPs.
        N: parameters, shape [run]; C: exact FLOPs, shape [run]; loss: nats per token, [run].
        window: runs more than this above the lowest loss are left out (but never so many that
            the best run's two neighbours go).
        profile: "parabola", "cubic", "akima" or "corrected" (`isoflop.fit.shapes`).
        exponents: for "corrected": of 1/N and of N along the budget.

    Returns:
        A profile whose `status` says whether its minimum may be used: the minimum must be
        interior with at least two runs on each side (an interpolation's: interior), and the
        shape must have one.

    Raises:
        InputError: no such profile, or "corrected" without exponents.
    """
    used = _window(N, loss, window)
    x = np.log(N[used])
    centre = float(x.mean())
    shape = shape_of(profile, x - centre, exponents)
    place, low, curvature = _minimum(shape, x - centre, loss[used])
    vertex = float(np.exp(np.clip(centre + place, -700.0, 700.0)))
    status, reason, side = _judge(N, loss, vertex, through=profile == "akima")
    if status == "ok" and profile == "cubic" and not shape.enough:
        reason = f"{len(x)} of {len(N)} runs within {window:g} nats; a cubic needs five sizes."
        status = "too few"
    fitted = shape.curve(loss[used], x - centre) if sizes(x) >= 3 else loss[used]
    return Profile(
        budget=float(budget),
        C=float(C[used].mean()),
        status=status,
        reason=reason,
        side=side,
        used=used,
        centre=centre,
        shape=shape,
        losses=loss[used],
        residual=loss[used] - fitted,
        N=vertex,
        loss=low,
        curvature=curvature,
    )


def _minimum(shape: Shape, x: np.ndarray, loss: np.ndarray) -> tuple[float, float, float]:
    """Return place, loss and curvature of the minimum; NaN where the runs cannot have one."""
    if sizes(x) < 3:
        return np.nan, np.nan, np.nan
    place, low, curvature = shape.minima(loss[None])[0]
    return float(place), float(low), float(curvature)


def _by_size(N: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct sizes, ascending, the mean loss of each, and the size of every run by index."""
    distinct, index = np.unique(N, return_inverse=True)
    return distinct, np.bincount(index, weights=loss) / np.bincount(index), index


def _window(N: np.ndarray, loss: np.ndarray, window: float) -> np.ndarray:
    """Choose the runs near the minimum; the best size's neighbours always stay."""
    _, mean, index = _by_size(N, loss)
    best = int(np.argmin(mean))
    keep = mean <= mean.min() + window
    keep[max(0, best - 1) : best + 2] = True
    return keep[index]


def _judge(
    N: np.ndarray, loss: np.ndarray, vertex: float, *, through: bool
) -> tuple[str, str, str]:
    """Say whether a minimum is usable, why not, and on which side runs are missing.

    Args:
        N, loss: of all the budget's runs, shape [run].
        vertex: the minimum, or NaN.
        through: whether the profile goes through every run.
    """
    distinct, mean, _ = _by_size(N, loss)
    best = int(np.argmin(mean))
    size = f"{distinct[best]:.3g}"
    if len(distinct) < 4:
        return "too few", f"{len(distinct)} sizes; a minimum with a check needs four.", ""
    if through and np.isfinite(vertex):
        return "ok", "", ""  # an interpolation's minimum is interior, or it has none
    if best == 0:
        return "edge", f"the smallest model (N = {size}) has the lowest loss.", "smaller"
    if best == len(distinct) - 1:
        return "edge", f"the largest model (N = {size}) has the lowest loss.", "larger"
    if not np.isfinite(vertex):
        return "not convex", "the loss over ln N does not curve upwards to a minimum.", ""
    for side, count in (
        ("smaller", int((vertex > distinct).sum())),
        ("larger", int((vertex < distinct).sum())),
    ):
        if count < SIDES:
            reason = f"{count} run(s) {side} than the minimum at N = {vertex:.3g}; two are needed."
            return ("edge" if count == 0 else "too few"), reason, side
    return "ok", "", ""


def pooled_noise(profiles: list[Profile]) -> tuple[float, int]:
    """Return the run noise from all profiles' residuals, nats per token, and its freedom."""
    squares = sum(float(p.residual @ p.residual) for p in profiles)
    freedom = sum(p.freedom for p in profiles)
    return (float(np.sqrt(squares / freedom)) if freedom > 0 else 0.0), freedom


def parabola_bias(alpha: float, beta: float, x: np.ndarray) -> float:
    """Return N*_parabola / N*_true - 1 for runs at ln(N / N*_true) = x, shape [run].

    Source: Czech 2026 (arXiv:2603.22339); see `isoflop.fit.shapes.profile_bias`.
    """
    return profile_bias("parabola", alpha, beta, x)
