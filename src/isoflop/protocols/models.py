"""What is fitted to a study's runs: approach 2 and approach 3 as models of the loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import IsoflopError
from isoflop.fit.fitting import fit
from isoflop.fit.minima import minima_beside
from isoflop.fit.misses import factors, rms_miss, spread
from isoflop.fit.surface import IsoflopSurface, fit_surface
from isoflop.protocols.data import seed_noise

if TYPE_CHECKING:
    from isoflop.fit.records import Minimum
    from isoflop.fit.result import Fit
    from isoflop.plan.optimum import LossSurface
    from isoflop.protocols.data import RunData
    from isoflop.runs.cost import CostCurve
    from isoflop.runs.table import RunTable


#: Coefficients of approach 2's line through the minima.
LINE = 2


@dataclass(frozen=True)
class Settings:
    """How to analyse.

    Args:
        level: probability of the intervals; samples: number; seed: of everything random.
        seed_noise: known standard deviation between seeds, nats per token; 0 if unknown.
        profile: shape of approach 2's profiles (`isoflop.fit.shapes`).
        exponents: alpha and beta for the corrected profile; approach 3's if None.
    """

    level: float = 0.9
    samples: int = 1000
    seed: int = 0
    seed_noise: float = 0.0
    profile: str = "parabola"
    exponents: tuple[float, float] | None = None

    def knowing(self, table: RunTable) -> Settings:
        """Return these settings with the noise between a table's seeds, unless one is given."""
        return self if self.seed_noise else replace(self, seed_noise=seed_noise(table)[0])

    def rng(self, stream: int) -> np.random.Generator:
        """Return the generator of one step of the analysis."""
        return np.random.default_rng([self.seed, stream])


@dataclass(frozen=True)
class Model:
    """A model of the loss over N and D.

    Args:
        point: loss at the estimate, shape of N; sample: samples, [sample, *shape of N].
    """

    point: LossSurface
    sample: LossSurface


@dataclass(frozen=True)
class Miss:
    """How far a model's optimum lies off the minima of its own budgets (`isoflop.fit.misses`).

    Args:
        minima: of the budgets; line: coefficients that were fitted to these minima themselves.
        seed: of the draws that widen an interval.
    """

    minima: tuple[Minimum, ...]
    line: int
    seed: int

    def deviation(self, C: float) -> float | None:
        """Return the standard deviation of ln N* at a budget; None if it is not known."""
        return spread(self.minima, C, self.line)

    def factors(self, count: int, C: float) -> np.ndarray:
        """Return the factors [sample] by which samples of N* at a budget move."""
        return factors(count, self.deviation(C), self.seed)

    @property
    def factor(self) -> float:
        """The root mean square miss at the fitted budgets, as a factor of N*."""
        return float(np.exp(rms_miss(self.minima, self.line)))


@dataclass(frozen=True)
class Fitted:
    """What was fitted to one set of runs; an approach that failed is None and says why.

    Args:
        data: the runs of the parametric law; isoflop: those of the parabolas.
        surface: approach 2 as a model.
        parametric: approach 3's fit.
        noise: run noise used, nats per token.
        reasons: approach name -> why it failed.
        seed: of the draws by which optima are widened.
    """

    data: RunData
    isoflop: RunData
    surface: IsoflopSurface | None
    parametric: Fit | None
    noise: float
    reasons: dict[str, str]
    seed: int = 0

    def models(self) -> dict[str, Model]:
        """Return the models of the loss by the name of their approach."""
        found: dict[str, Model] = {}
        if self.surface is not None:
            found["approach2"] = Model(self.surface.point, self.surface.sample)
        if self.parametric is not None and self.parametric.samples is not None:
            found["approach3"] = parametric_model(self.parametric)
        return found

    @cached_property
    def misses(self) -> dict[str, Miss]:
        """How far each model's optimum lies off the minima of its own budgets."""
        found: dict[str, Miss] = {}
        if self.surface is not None:
            line, runs = self.surface.N_opt, self.isoflop
            minima = minima_beside(
                lambda C: float(line.point(C)), runs.N, runs.C, runs.loss, runs.budget
            )
            found["approach2"] = Miss(minima, LINE, self.seed)
        if self.parametric is not None:
            found["approach3"] = Miss(self.parametric.minima, 0, self.seed)
        return found

    def around(self, C: float) -> float:
        """Return a size near which to look for the optimum at C."""
        if self.surface is not None:
            return float(self.surface.N_opt.point(C))
        best = self.data.N[np.argmin(self.data.loss)]
        return float(best * np.sqrt(C / self.data.C[np.argmin(self.data.loss)]))


def fit_models(isoflop: RunData, everything: RunData, settings: Settings) -> Fitted:
    """Fit approaches 2 and 3.

    Args:
        isoflop: runs for the parabolas; everything: runs for the parametric law.
        settings: how.
    """
    reasons: dict[str, str] = {}
    surface = parametric = None
    try:
        parametric = fit(
            {**everything.columns(), "budget": everything.budget},
            "chinchilla",
            noise="huber:1e-3",
            bootstrap=settings.samples,
            seed=settings.seed,
            level=settings.level,
        )
    except IsoflopError as error:
        reasons["approach3"] = reason_of(error)
    try:
        surface = surface_of(isoflop, settings, everything.cost, parametric)
    except IsoflopError as error:
        reasons["approach2"] = reason_of(error)
    noise = surface.noise if surface is not None else settings.seed_noise
    return Fitted(everything, isoflop, surface, parametric, noise, reasons, settings.seed)


def reason_of(error: IsoflopError) -> str:
    """Return what is wrong and why it matters, without the remedy, as one text."""
    return " ".join(part for part in (error.what, error.why) if part)


def surface_of(
    data: RunData, settings: Settings, cost: CostCurve | None = None, law: Fit | None = None
) -> IsoflopSurface:
    """Fit approach 2 to runs.

    Args:
        data: the runs; settings: how.
        cost: FLOPs a token; read from the runs if None.
        law: approach 3's fit, for the corrected profile's exponents unless they are given.

    Raises:
        NotIdentified: fewer than two budgets have an interior minimum.
        InputError: the corrected profile has no exponents, or they are not positive.
    """
    exponents, drawn = settings.exponents, None
    if settings.profile == "corrected" and exponents is None and law is not None:
        exponents = (law.estimate["alpha"], law.estimate["beta"])
        if law.samples is not None:
            drawn = law.samples[:, [law.parameters.index(name) for name in ("alpha", "beta")]]
    return fit_surface(
        data.N,
        data.C,
        data.loss,
        data.budget,
        cost=cost or data.cost,
        seed_noise=settings.seed_noise,
        samples=settings.samples,
        rng=settings.rng(2),
        profile=settings.profile,
        exponents=exponents,
        exponent_samples=drawn,
    )


def parametric_model(fitted: Fit) -> Model:
    """Return a fitted law of N and D as a model of the loss."""

    def point(N: np.ndarray, D: np.ndarray) -> np.ndarray:
        return fitted.point(N=np.asarray(N), D=np.asarray(D))

    def sample(N: np.ndarray, D: np.ndarray) -> np.ndarray:
        return np.atleast_2d(fitted.predict(N=np.asarray(N), D=np.asarray(D)))

    return Model(point, sample)
