"""Approach 2: a parabola in log N for each budget, then N* and the lowest loss over C.

Source: Hoffmann et al. 2022, section 3.2. Its bias on grids that are wide or off-centre is
computed in `parabola_bias` (Czech 2026, derivation of bias 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Runs further than this above a budget's lowest loss (nats per token) are left out of its
#: parabola: the profile is not a parabola there.
WINDOW = 0.3


@dataclass(frozen=True)
class Profile:
    """The loss of one budget's runs over N, and its minimum.

    Args:
        budget: nominal FLOPs; C: mean exact FLOPs of the runs used.
        status: "ok", "edge", "not convex" or "too few"; reason: the sentence with the numbers.
        used: mask over the budget's runs, shape [run].
        centre: mean of ln N of the used runs; coefficients: of 1, x, x^2 with x = ln N - centre.
        inverse: pseudo-inverse of the design matrix, shape [3, used run].
        residual: observed minus fitted, nats per token, shape [used run].
        N, loss: the vertex; NaN unless the parabola is convex.
        side: for "edge" and "too few", on which side runs are missing: "smaller" or "larger".
    """

    budget: float
    C: float
    status: str
    reason: str
    side: str
    used: np.ndarray
    centre: float
    coefficients: np.ndarray
    inverse: np.ndarray
    residual: np.ndarray
    N: float
    loss: float

    @property
    def ok(self) -> bool:
        """Whether the minimum is interior and may be used."""
        return self.status == "ok"

    def curve(self, N: np.ndarray) -> np.ndarray:
        """Return the fitted loss at N, nats per token."""
        x = np.log(N) - self.centre
        return self.coefficients[0] + x * (self.coefficients[1] + x * self.coefficients[2])

    def sample(self, sigma: float, count: int, rng: np.random.Generator) -> np.ndarray:
        """Redraw the runs' noise and refit: samples of (ln N*, loss*, curvature).

        Args:
            sigma: run noise, nats per token.
            count: number of samples.
            rng: random generator.

        Returns:
            Array [sample, 3]; NaN where a sample's parabola has no minimum.
        """
        noise = rng.normal(0.0, sigma, (count, self.inverse.shape[1]))
        c0, c1, c2 = (self.coefficients + noise @ self.inverse.T).T
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.where(c2 > 0, -c1 / (2 * c2), np.nan)
        return np.stack([x + self.centre, c0 + c1 * x + c2 * x * x, c2 + 0 * x], axis=1)


def fit_profile(
    budget: float, N: np.ndarray, C: np.ndarray, loss: np.ndarray, window: float = WINDOW
) -> Profile:
    """Fit a parabola in ln N to the runs of one budget.

    Args:
        budget: nominal FLOPs.
        N: parameters, shape [run]; C: exact FLOPs, shape [run]; loss: nats per token, [run].
        window: runs more than this above the lowest loss are left out (but never so many that
            the best run's two neighbours go).

    Returns:
        A profile whose `status` says whether its minimum may be used: the minimum must be
        interior with at least two runs on each side, and the parabola convex.
    """
    used = _window(N, loss, window)
    x = np.log(N[used])
    centre = float(x.mean())
    design = np.stack([np.ones_like(x), x - centre, (x - centre) ** 2], axis=1)
    inverse = np.linalg.pinv(design)
    coefficients = inverse @ loss[used]
    residual = loss[used] - design @ coefficients
    vertex = bottom = float("nan")
    if len(x) >= 3 and coefficients[2] > 0:
        offset = -coefficients[1] / (2 * coefficients[2])
        vertex = float(np.exp(np.clip(centre + offset, -700.0, 700.0)))
        bottom = float(coefficients[0] + coefficients[1] * offset / 2)
    status, reason, side = _judge(N, loss, vertex)
    return Profile(
        budget=float(budget),
        C=float(C[used].mean()),
        status=status,
        reason=reason,
        side=side,
        used=used,
        centre=centre,
        coefficients=coefficients,
        inverse=inverse,
        residual=residual,
        N=vertex,
        loss=bottom,
    )


def _window(N: np.ndarray, loss: np.ndarray, window: float) -> np.ndarray:
    """Choose the runs near the minimum; the best run's neighbours always stay."""
    order = np.argsort(N)
    best = int(np.argmin(loss[order]))
    keep = loss[order] <= loss.min() + window
    keep[max(0, best - 1) : best + 2] = True
    used = np.zeros(len(N), dtype=bool)
    used[order[keep]] = True
    return used


def _judge(N: np.ndarray, loss: np.ndarray, vertex: float) -> tuple[str, str, str]:
    """Say whether a minimum is usable, why not, and on which side runs are missing."""
    order = np.argsort(N)
    best = int(np.argmin(loss[order]))
    size = f"{N[order][best]:.3g}"
    if len(N) < 4:
        return "too few", f"{len(N)} runs; a parabola with a check needs at least four.", ""
    if best == 0:
        return "edge", f"the smallest model (N = {size}) has the lowest loss.", "smaller"
    if best == len(N) - 1:
        return "edge", f"the largest model (N = {size}) has the lowest loss.", "larger"
    if not np.isfinite(vertex):
        return "not convex", "the loss over ln N does not curve upwards.", ""
    for side, count in (("smaller", int((vertex > N).sum())), ("larger", int((vertex < N).sum()))):
        if count < 2:
            reason = f"{count} run(s) {side} than the minimum at N = {vertex:.3g}; two are needed."
            return ("edge" if count == 0 else "too few"), reason, side
    return "ok", "", ""


def pooled_noise(profiles: list[Profile]) -> tuple[float, int]:
    """Return the run noise from all profiles' residuals, nats per token, and its freedom."""
    squares = sum(float(p.residual @ p.residual) for p in profiles)
    freedom = sum(len(p.residual) - 3 for p in profiles)
    return (float(np.sqrt(squares / freedom)) if freedom > 0 else 0.0), freedom


def parabola_bias(alpha: float, beta: float, x: np.ndarray) -> float:
    """Return the relative bias of a parabola's N* for runs at ln(N/N*) = x.

    On E + A/N^alpha + B/D^beta the profile is asymmetric unless alpha = beta, and a parabola
    fitted to it is off by the same factor at every budget: exponents stay right, the
    coefficient does not. The bias depends on alpha, beta and the grid only.

    Args:
        alpha, beta: exponents of N and D.
        x: ln(N / true N*) of the runs, shape [run].

    Returns:
        N*_parabola / N*_true - 1.

    Source: Czech 2026 (arXiv:2603.22339), bias 1.
    """
    profile = beta / alpha * np.exp(-alpha * x) + np.exp(beta * x)
    c2, c1, _ = np.polyfit(x, profile, 2)
    return float(np.exp(-c1 / (2 * c2)) - 1.0)
