"""What other curves of one training run say about rows that a curve does not have yet.

Errors on two tasks along one run are errors of the same weights: where the one falls faster than
its own rows had promised, the other tends to do so too, at the same x. A curve whose training
rows go farther than those of another therefore says something about the other's next rows: the
rows it has beyond are compared with the forecast from its rows up to the other's last. Of the mean
slope of that surprise a fixed share is added (`bench/forecast_kin.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.forecast.forecasting import forecast
from isoflop.fit.forecast.priors import PRIORS
from isoflop.fit.forecast.rows import check_positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.forecast.priors import Priors
    from isoflop.fit.forecast.result import Forecast

#: Samples for the median of a kin's forecast.
_SAMPLES = 400


class TrainingRows(NamedTuple):
    """Training rows of one curve of a run.

    Args:
        name: of the curve; x, y: positive, [row].
    """

    name: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Drift:
    """How curves of one run left their own forecasts beyond some x.

    Args:
        slope: of ln y less its forecast, by ln x from there on: by least squares over all rows,
            each curve with equal weight.
        until: ln x, from there, up to which it was seen.
        names: of the curves.
    """

    slope: float
    until: float
    names: tuple[str, ...]


def forecast_beside_kin(
    curve: TrainingRows,
    at: Any,
    kin: Sequence[TrainingRows],
    *,
    priors: Priors = PRIORS,
    **options: Any,
) -> Forecast:
    """Forecast a curve, moved by what curves of the same run did beyond its last row.

    Args:
        curve: its training rows.
        at: x to predict, [point].
        kin: training rows of other curves of the run; x counts the same thing for all.
        priors: as for `forecast`; options: its others.

    Raises:
        InputError, NotIdentified: as `forecast`, about the curve itself.
    """
    found = forecast(curve.x, curve.y, at, priors=priors, name=curve.name, **options)
    drift = drift_of(kin, found.last, float(found.x.max()), priors)
    return found if drift is None else moved(found, drift, priors)


def drift_of(
    kin: Sequence[TrainingRows], last: float, farthest: float, priors: Priors
) -> Drift | None:
    """Return the common surprise of curves between two x, None where no curve tells.

    Args:
        kin: training rows of the curves.
        last, farthest: x from and up to which surprises count.
        priors: with how many curves are asked, and how near to the farthest x they must come.
    """
    beyond = [k for k in kin if len(k.x) and k.x.max() >= priors.kin_reach * farthest]
    products, squares, ends, names = 0.0, 0.0, [], []
    for other in sorted(beyond, key=lambda k: (k.x.max(), k.name))[: priors.kin]:
        seen, then = other.x <= last, (other.x > last) & (other.x <= farthest)
        if len(np.unique(other.x[seen])) < priors.kin_rows or not then.any():
            continue
        try:
            check_positive(other.y[then], "y")
            own = forecast(
                other.x[seen], other.y[seen], other.x[then], samples=_SAMPLES, priors=priors
            )
        except (InputError, NotIdentified):  # reported where that curve itself is forecast
            continue
        u, surprise = np.log(own.x / last), np.log(other.y[then] / own.median())
        products += float(u @ surprise) / len(u)
        squares += float(u @ u) / len(u)
        ends.append(float(u.max()))
        names.append(other.name)
    if not names:
        return None
    return Drift(products / squares, max(ends), tuple(names))


def moved(found: Forecast, drift: Drift, priors: Priors) -> Forecast:
    """Add a share of a drift to every sample, no farther than it was seen."""
    u = np.clip(np.log(found.x / found.last), 0.0, drift.until)
    change = priors.kin_share * drift.slope * u
    note = (
        f"moved by {100 * np.expm1(change[np.argmax(u)]):+.2g} % at the farthest x, as other curves"
        f" of this run left their forecasts beyond x = {found.last:.4g}: {', '.join(drift.names)}"
    )
    return replace(
        found,
        samples=found.samples * np.exp(change),
        curves=found.curves * np.exp(change),
        notes=(*found.notes, note),
    )
