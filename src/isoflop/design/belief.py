"""What a fit's samples believe about runs not yet made, and what a design would leave of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.design.information import gains, information
from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit

#: Fewest samples from which a covariance is read.
FEWEST = 50
#: Samples in the outermost hundredth at each end of the target do not enter the covariance.
_TRIMMED = 0.01
#: Directions that carry less than this share of the largest one's variance are left out.
_SMALL = 1e-8


@dataclass(frozen=True)
class Belief:
    """Joint samples of the law at places and at the target, as deviations from the estimate.

    The places' values vary together through the parameters; their covariance over the samples
    plays the part of the inverse information matrix, so no derivative is taken and no
    parameter needs to be near normal, only the values.

    Args:
        places: samples [sample, place], of the logarithm of the loss (of the loss itself if the
            fit's noise is raw); target: [sample] of the target.
        noise: standard deviation of one run about the law, in the same unit.
    """

    places: np.ndarray
    target: np.ndarray
    noise: float

    @cached_property
    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates [place, direction] and [direction] in which the samples are N(0, 1)."""
        low, high = np.quantile(self.target, (_TRIMMED, 1 - _TRIMMED))
        kept = (self.target >= low) & (self.target <= high)
        values = np.column_stack([self.places, self.target])[kept]
        sizes, rows = np.linalg.eigh(np.cov(values, rowvar=False))
        used = sizes > _SMALL * sizes[-1]
        found = rows[:, used] * np.sqrt(sizes[used])
        return found[:-1], found[-1]

    def covariance(self, chosen: Sequence[int]) -> np.ndarray:
        """Return the covariance of the directions after the chosen places were observed."""
        places, target = self.features
        return np.linalg.inv(
            information(places[list(chosen)], self.noise, prior=np.eye(len(target)))
        )

    def deviation(self, chosen: Sequence[int]) -> float:
        """Return the standard deviation of the target after the chosen places were observed."""
        target = self.features[1]
        return float(target @ self.covariance(chosen) @ target) ** 0.5

    def gains(self, chosen: Sequence[int]) -> np.ndarray:
        """Return by how much each further place would lower the target's variance [place]."""
        places, target = self.features
        return gains(places, target, self.covariance(chosen), self.noise)

    def after(self, chosen: Sequence[int], seed: int) -> np.ndarray:
        """Return samples [sample] of the target as expected once the chosen places are observed.

        Each sample is moved by what the regression of the target on the places makes of the
        estimate's values with fresh noise (the ensemble form of conditioning).
        """
        if not chosen:
            return self.target
        rows = list(chosen)
        places, target = self.features
        F = places[rows]
        gain = np.linalg.solve(F @ F.T + self.noise**2 * np.eye(len(rows)), F @ target)
        noise = self.noise * np.random.default_rng(seed).standard_normal(
            (len(self.target), len(rows))
        )
        return self.target - (self.places[:, rows] + noise) @ gain


def believe(
    fit: Fit,
    places: dict[str, np.ndarray],
    target: dict[str, float],
    *,
    noise: float | None = None,
) -> Belief:
    """Return the belief of a fit about places and a target.

    Args:
        fit: a fit with samples.
        places: inputs [place] by name.
        target: inputs by name.
        noise: standard deviation of a run; that of the fit's residuals if None.

    Raises:
        InputError: the fit has no samples or too few finite ones, or no scatter to go by.
    """
    if fit.samples is None:
        raise InputError(
            "the fit has no samples.",
            "Which runs tell most about the target is read from how the samples differ.",
            "isoflop fit runs.csv --bootstrap 1000 --out fit.json",
        )
    scatter = float(np.std(fit.residuals)) if noise is None else float(noise)
    if not (np.isfinite(scatter) and scatter > 1e-9):
        raise InputError(
            f"runs scatter about the law by {scatter:.2g}: too little to weigh new runs by.",
            "How much a run tells depends on how far seeds differ.",
            "Give the standard deviation of the logarithm of the loss over seeds:  --sigma 0.003",
        )
    inputs: dict[str, Any] = {name: np.append(x, target[name]) for name, x in places.items()}
    samples, point = fit.predict(**inputs), fit.point(**inputs)
    if not fit.noise.startswith("raw-"):
        with np.errstate(all="ignore"):
            samples, point = np.log(samples), np.log(point)
    kept = np.isfinite(samples).all(axis=1)
    if np.count_nonzero(kept) < FEWEST:
        raise InputError(
            f"{np.count_nonzero(kept)} of the fit's {len(samples)} samples give a finite loss;"
            f" {FEWEST} are needed.",
            do="isoflop fit runs.csv --bootstrap 1000 --out fit.json",
        )
    moved = samples[kept] - point
    return Belief(moved[:, :-1], moved[:, -1], scatter)
