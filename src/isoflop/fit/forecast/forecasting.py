"""`forecast`: one curve, from its training rows to samples of what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.forecast.draws import draw_curves
from isoflop.fit.forecast.posterior import posterior
from isoflop.fit.forecast.priors import PRIORS
from isoflop.fit.forecast.result import Forecast
from isoflop.fit.forecast.rows import Rows, check_positive, read_rows
from isoflop.fit.forecast.widening import widened

if TYPE_CHECKING:
    from isoflop.fit.forecast.priors import Priors

#: Places at which curves are drawn; between them ln y is linear in ln x.
_KNOTS = 32


def forecast(
    x: Any,
    y: Any,
    at: Any,
    *,
    samples: int = 2000,
    seed: int = 0,
    priors: Priors = PRIORS,
    name: str = "",
) -> Forecast:
    """Forecast a curve that falls with x: a loss or an error over examples, steps or width.

    ln y is a law in ln x (M1 to M4, BNSL with up to two breaks, a constant) plus a smooth misfit
    that no law describes plus noise; all are averaged by their evidence in the training rows.
    docs/concepts/forecast.md says how well this worked on other curves.

    Wrong where something happens beyond the last row that the rows do not show: a sudden
    ability, an end of the data, a change of the recipe.

    Args:
        x, y: training rows, positive, [row], in any order; rows of equal x are averaged.
        at: x to predict, positive, [point].
        samples: number of samples.
        seed: of the samples.
        priors: beliefs before the curve is seen.
        name: of the curve, for messages.

    Returns:
        Samples of y and of the curve at `at`, weights of the laws, notes.

    Raises:
        InputError: values that are not positive, or lengths that differ.
        NotIdentified: fewer than four different x.

    Example:
        >>> import numpy as np
        >>> import isoflop as iso
        >>> x = np.geomspace(1e6, 1e8, 20)
        >>> y = 0.2 + 300 * x**-0.45
        >>> found = iso.forecast(x, y, at=[2e8])
        >>> bool(abs(found.median()[0] / (0.2 + 300 * 2e8**-0.45) - 1) < 0.01)
        True
    """
    rows = read_rows(x, y, name)
    at = np.asarray(at, dtype=float).ravel()
    if not len(at):
        raise InputError("there is no x to predict.", do="Give some:  at=[1e9, 2e9]")
    check_positive(at, "x to predict")
    u = np.log(at / rows.last)
    knots = _knots(u)
    found = posterior(rows, knots, priors)
    log_curves, noise = draw_curves(found, samples, priors, seed)
    log_curves, noise = widened(_between(u, knots, log_curves), noise, rows, priors, seed)
    return Forecast(
        x=at,
        samples=np.exp(log_curves + _noise(noise, len(at), seed)),
        curves=np.exp(log_curves),
        noise=noise,
        weights=found.shares(),
        rows=len(rows.u),
        last=rows.last,
        notes=(*rows.notes, *_warnings(rows, u)),
    )


def _knots(u: np.ndarray) -> np.ndarray:
    unique = np.unique(u)
    return unique if len(unique) <= _KNOTS else np.linspace(unique[0], unique[-1], _KNOTS)


def _between(u: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear interpolation of values [sample, knot] to u, [sample, point]."""
    if len(knots) == 1:
        return np.repeat(values, len(u), axis=1)
    right = np.clip(np.searchsorted(knots, u), 1, len(knots) - 1)
    share = (u - knots[right - 1]) / (knots[right] - knots[right - 1])
    return values[:, right - 1] * (1 - share) + values[:, right] * share


def _noise(noise: np.ndarray, points: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng([seed, 1])
    return noise[:, None] * generator.standard_normal((len(noise), points))


def _warnings(rows: Rows, u: np.ndarray) -> list[str]:
    said = []
    seen = -float(rows.u[0])
    far = float(u.max())
    if far > seen:
        said.append(
            f"the farthest prediction is {np.exp(far):.3g} times the last training x, and the"
            f" training rows span only a factor of {np.exp(seen):.3g}"
        )
    return said
