r"""Shapes of an isoFLOP profile: the loss of one budget's runs as a function of x = ln N.

- "parabola" (Hoffmann et al. 2022): $c_0 + c_1 x + c_2 x^2$. Biased where the profile is
  asymmetric (`profile_bias`).
- "cubic": one more term takes up the asymmetry; it needs five sizes and has more noise.
- "akima" (Porian et al. 2024): interpolation of ln loss through the runs, without a model.
- "corrected": $c_0 + p\,e^{-\alpha x} + q\,e^{\beta x}$, which is what
  $E + A/N^\alpha + B/D^\beta$ is along a budget with $D \propto 1/N$. With exponents given it
  has three free coefficients like the parabola, which is its limit for small exponents, and no
  bias on that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from isoflop.errors import InputError
from isoflop.fit import akima

Profiles = Literal["parabola", "cubic", "akima", "corrected"]
PROFILES = ("parabola", "cubic", "akima", "corrected")


class Shape(Protocol):
    """A shape over fixed places x, shape [run]."""

    @property
    def x(self) -> np.ndarray:
        """The places."""
        ...

    @property
    def free(self) -> int:
        """Number of coefficients fitted to the runs."""
        ...

    @property
    def enough(self) -> bool:
        """Whether there are enough distinct sizes to fit the shape and to check it."""
        ...

    def minima(self, losses: np.ndarray, exponents: np.ndarray | None = None) -> np.ndarray:
        """Fit each row of losses [sample, run] and find its minimum.

        Args:
            losses: nats per token.
            exponents: for "corrected": one pair a row, [sample, 2], in place of its own.

        Returns:
            Place, loss and curvature (half the second derivative) at the minimum, [sample, 3];
            NaN where there is none.
        """
        ...

    def curve(self, loss: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Fit one row of losses [run] and return the shape at places [point]."""
        ...


def shape_of(name: str, x: np.ndarray, exponents: tuple[float, float] | None = None) -> Shape:
    """Return the shape of that name over the places x.

    Args:
        name: "parabola", "cubic", "akima" or "corrected".
        x: ln N of the runs about some centre, shape [run].
        exponents: for "corrected": of 1/N and of N along the budget (alpha; beta times the
            exponent of FLOPs a token in N, which is one for C = 6ND).

    Raises:
        InputError: no such shape, or "corrected" without positive exponents.
    """
    if name == "parabola":
        return Polynomial(x, 2)
    if name == "cubic":
        return Polynomial(x, 3)
    if name == "akima":
        return Interpolated(x)
    if name != "corrected":
        raise InputError(f"`{name}` is not a profile; known: {', '.join(PROFILES)}.")
    if exponents is None:
        raise InputError(
            "the corrected profile needs the exponents alpha and beta.",
            "How asymmetric a profile is follows from them.",
            "Give them, or fit the parametric law first.",
        )
    if not (exponents[0] > 0 and exponents[1] > 0):
        raise InputError(
            f"exponents {exponents[0]:g} and {exponents[1]:g} are not both positive.",
            "The loss along a budget then has no minimum.",
        )
    return Skewed(x, exponents)


def sizes(x: np.ndarray) -> int:
    """Return the number of distinct places."""
    return len(np.unique(np.round(x, 9)))


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in x of degree two or three, by least squares."""

    x: np.ndarray
    degree: int

    @property
    def free(self) -> int:
        """Number of coefficients."""
        return self.degree + 1

    @property
    def enough(self) -> bool:
        """One size more than coefficients."""
        return sizes(self.x) > self.free

    def _fit(self, losses: np.ndarray) -> np.ndarray:
        powers = self.x[:, None] ** np.arange(self.free)
        return losses @ np.linalg.pinv(powers).T

    def minima(self, losses: np.ndarray, exponents: np.ndarray | None = None) -> np.ndarray:
        """Fit each row and find its minimum; a cubic's counts within the sizes only."""
        c0, c1, c2, *rest = self._fit(losses).T
        c3 = rest[0] if rest else np.zeros_like(c0)
        with np.errstate(invalid="ignore", divide="ignore"):
            # The root of the derivative where the curvature is positive, also for c3 = 0.
            root = np.sqrt(c2 * c2 - 3 * c1 * c3)
            place = np.where((c2 > 0) | bool(rest), -c1 / (c2 + root), np.nan)
            if rest:
                inside = (root > 0) & (place > self.x.min()) & (place < self.x.max())
                place = np.where(inside, place, np.nan)
        value = c0 + place * (c1 + place * (c2 + place * c3))
        return np.stack([place, value, np.where(np.isfinite(place), root, np.nan)], axis=1)

    def curve(self, loss: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the fitted polynomial."""
        return at[:, None] ** np.arange(self.free) @ self._fit(loss)


@dataclass(frozen=True)
class Skewed:
    """The law of the loss along a budget with its exponents given, by least squares.

    The basis is chosen so that it tends to 1, x, x^2 for small exponents.
    """

    x: np.ndarray
    exponents: tuple[float, float]

    @property
    def free(self) -> int:
        """Number of coefficients."""
        return 3

    @property
    def enough(self) -> bool:
        """One size more than coefficients."""
        return sizes(self.x) > self.free

    def _basis(self, at: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        """Return the basis at places [point] for exponents [..., 2]: [..., point, 3]."""
        alpha, beta = exponents[..., 0, None], exponents[..., 1, None]
        falling, rising = -np.expm1(-alpha * at) / alpha, np.expm1(beta * at) / beta
        bend = 2 * (rising - falling) / (alpha + beta)
        return np.stack([np.ones_like(falling), (falling + rising) / 2, bend], axis=-1)

    def _fit(self, losses: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        inverse = np.linalg.pinv(self._basis(self.x, exponents))
        return (inverse @ losses[..., None])[..., 0]

    def minima(self, losses: np.ndarray, exponents: np.ndarray | None = None) -> np.ndarray:
        """Fit each row and find its minimum, with exponents of its own if given."""
        pair = np.asarray(self.exponents if exponents is None else exponents, dtype=float)
        positive = np.all(pair > 0, axis=-1, keepdims=True)
        pair = np.where(positive, pair, 1.0)
        alpha, beta = pair[..., 0], pair[..., 1]
        c = np.where(positive, self._fit(losses, pair), np.nan)
        bend, tilt = 2 * c[:, 2] / (alpha + beta), c[:, 1] / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            falling, rising = bend - tilt, bend + tilt
            minimum = (falling > 0) & (rising > 0)
            place = np.where(minimum, np.log(falling / rising) / (alpha + beta), np.nan)
            slopes = alpha * falling * np.exp(-alpha * place) + beta * rising * np.exp(beta * place)
        at_minimum = self._basis(place[:, None], np.broadcast_to(pair, (len(c), 2)))[:, 0]
        return np.stack([place, np.sum(at_minimum * c, axis=1), slopes / 2], axis=1)

    def curve(self, loss: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the fitted shape."""
        pair = np.asarray(self.exponents, dtype=float)
        return self._basis(at, pair) @ self._fit(loss, pair)


@dataclass(frozen=True)
class Interpolated:
    """Akima's interpolation of ln loss; repeated sizes enter by the mean of their ln loss."""

    x: np.ndarray

    @property
    def free(self) -> int:
        """As many as runs: an interpolation leaves no residuals to judge noise by."""
        return len(self.x)

    @property
    def enough(self) -> bool:
        """Four sizes or more."""
        return sizes(self.x) >= 4

    def _knots(self, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, first, which = np.unique(np.round(self.x, 9), return_index=True, return_inverse=True)
        share = np.eye(len(first))[which] / np.bincount(which)
        return self.x[first], np.log(np.maximum(losses, 1e-300)) @ share

    def minima(self, losses: np.ndarray, exponents: np.ndarray | None = None) -> np.ndarray:
        """Interpolate each row and find its lowest point; the curvature is a parabola's."""
        place, low = akima.lowest(*self._knots(losses))
        curvature = Polynomial(self.x, 2).minima(losses)[:, 2]
        return np.stack([place, np.exp(low), curvature], axis=1)

    def curve(self, loss: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the interpolated loss; straight between fewer than three sizes."""
        x, y = self._knots(loss[None])
        if len(x) < 3:
            return np.exp(np.interp(at, x, y[0]))
        return np.exp(akima.evaluate(x, y, at)[0])


def profile_bias(name: str, alpha: float, beta: float, x: np.ndarray) -> float:
    """Return the relative bias of a shape's N* for runs at ln(N/N*) = x, without noise.

    On E + A/N^alpha + B/D^beta the profile is asymmetric unless alpha = beta, and a shape that
    is not is off by a factor that depends on alpha, beta and the grid only: the same at every
    budget if the grid moves with N*, so that the exponent stays right and the coefficient does
    not; a grid that drifts across N* bends the exponent too.

    Args:
        name: the shape; "corrected" takes alpha and beta as given.
        alpha, beta: exponents of N and D, for C = 6ND.
        x: ln(N / true N*) of the runs, shape [run].

    Returns:
        N*_shape / N*_true - 1; NaN where the shape has no minimum.

    Source: Czech 2026 (arXiv:2603.22339), biases 1 and 2.
    """
    loss = beta / alpha * np.exp(-alpha * x) + np.exp(beta * x)
    if name == "akima":
        loss = 1 + 1e-4 * loss  # it interpolates ln loss: small against the floor
    shape = shape_of(name, x, (alpha, beta) if name == "corrected" else None)
    return float(np.expm1(shape.minima(loss[None])[0, 0]))
