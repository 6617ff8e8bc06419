"""Rolling origin: fit the smaller runs, predict the larger ones, and keep what came of it.

What is learned here (weights of laws, the width of intervals) is learned from the training rows
of whatever is to be predicted; a held-out run never enters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import IsoflopError
from isoflop.fit.fitting import fit
from isoflop.fit.noise import parse_noise
from isoflop.validate.domain import Domain, reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable
    from isoflop.validate.split import Split

#: Origins, predicted runs an origin, and samples a fit that a backtest uses at most.
ORIGINS, RUNS, SAMPLES = 5, 40, 200
#: The least scatter of a single run that is believed, relative: few runs fitted by a law with as
#: many parameters have no residuals, which does not mean that the next run has none.
LEAST = 1e-3


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How laws are fitted wherever they are validated.

    Args:
        noise, cluster, output: as in `isoflop.fit`.
        method: of the samples, as there; "case" unless said otherwise, since the coverage of past
            hold-outs was measured with it.
        samples: of a fit whose prediction is reported; seed: of everything random.
        level: probability of intervals.
    """

    noise: str = "huber:1e-3"
    method: str = "case"
    cluster: str | None = None
    output: str = "loss"
    samples: int = 1000
    seed: int = 0
    level: float = 0.9

    @property
    def logs(self) -> bool:
        """Whether residuals are of logarithms."""
        return parse_noise(self.noise).logs

    @classmethod
    def of(cls, fitted: Fit) -> How:
        """Return the settings that a fit was made with."""
        names = ("noise", "method", "cluster", "output", "seed", "level")
        chosen = {name: getattr(fitted.settings, name) for name in names}
        samples = 0 if fitted.samples is None else len(fitted.samples)
        return cls(**chosen, samples=samples or cls().samples)

    def fit(self, table: RunTable, law: Law, samples: int | None = None) -> Fit:
        """Fit a law; no profiles, which only say what is identified."""
        return fit(
            table,
            law,
            noise=self.noise,
            bootstrap=self.samples if samples is None else samples,
            method=self.method,
            seed=self.seed,
            level=self.level,
            cluster=self.cluster,
            output=self.output,
            profile=False,
        )


@dataclass(frozen=True)
class Member:
    """What one law predicted from one origin, on the scale of its residuals.

    Args:
        error: observed minus predicted, [run]; covariance: of the samples' means [run, run].
        noise: variance of a single run; reach: see `isoflop.validate.domain.reach`, [run].
        centre: predicted value on that scale, [run].
    """

    error: np.ndarray
    covariance: np.ndarray
    noise: float
    reach: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True)
class Fold:
    """What laws predicted from one origin.

    Args:
        origin: largest size fitted; rows: indices of the predicted runs; distance: decades.
        members: by name of the law; reasons: why a law could not be fitted.
    """

    origin: float
    rows: np.ndarray
    distance: np.ndarray
    members: dict[str, Member]
    reasons: dict[str, str] = field(default_factory=dict)


def backtest(table: RunTable, laws: Sequence[Law], splits: Sequence[Split], how: How) -> list[Fold]:
    """Predict the larger runs from each of (at most five) origins.

    Args:
        table: runs; laws: to fit; splits: origins; how: noise, seed, level.
    """
    keep = np.unique(np.linspace(0, len(splits) - 1, ORIGINS).round().astype(int))
    return [_fold(table, laws, splits[i], how) for i in keep] if len(splits) else []


def _fold(table: RunTable, laws: Sequence[Law], split: Split, how: How) -> Fold:
    rows = np.flatnonzero(split.test)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, RUNS).round().astype(int))]
    train, test = table.take(np.flatnonzero(split.train)), table.take(rows)
    members: dict[str, Member] = {}
    reasons: dict[str, str] = {}
    distance = np.zeros(len(rows))
    for law in laws:
        domain = Domain.of(law, train)
        distance = np.maximum(distance, domain.distance(inputs_of(law, test)))
        try:
            member = member_of(how.fit(train, law, min(SAMPLES, how.samples)), domain, test, how)
        except IsoflopError as error:
            reasons[law.name] = error.what
            continue
        if np.all(np.isfinite(member.error)):
            members[law.name] = member
        else:
            reasons[law.name] = "its prediction is not a number"
    return Fold(split.origin, rows, distance, members, reasons)


def member_of(fitted: Fit, domain: Domain, test: RunTable, how: How) -> Member:
    """Return what a fit says about some runs, and how far it was off."""
    inputs = inputs_of(fitted.law, test)
    observed = np.asarray(test[how.output], dtype=float)
    with np.errstate(all="ignore"):
        centre = np.asarray(fitted.point(**inputs), dtype=float)
        drawn = np.atleast_2d(fitted.predict(**inputs))
        if how.logs:
            centre, drawn, observed = np.log(centre), np.log(drawn), np.log(observed)
    unit = 1.0 if how.logs else float(np.sqrt(np.mean(centre**2)))
    away = np.where(np.isfinite(drawn), drawn, centre) - centre
    # A few wild resamples would make a variance meaningless: beyond the central 98 % is clipped.
    low, high = np.quantile(away, (0.01, 0.99), axis=0)
    away = np.clip(away, low, high)
    return Member(
        error=observed - centre,
        covariance=away.T @ away / len(away),
        noise=max(float(np.mean(fitted.residuals**2)), (LEAST * unit) ** 2),
        reach=reach(fitted.point, domain, inputs, logs=how.logs),
        centre=centre,
    )


def inputs_of(law: Law, columns: Any) -> dict[str, Any]:
    """Return the columns that a law takes."""
    return {
        x.name: np.asarray(columns[x.name]).astype(str).astype(object)
        if x.dimension.text
        else np.asarray(columns[x.name], dtype=float)
        for x in law.inputs
    }
