"""The error of the laws' form in what a study predicts beyond its budgets.

Two models that agree beyond the runs may both be wrong; how far such predictions missed before
says by how much (`isoflop.validate.widening`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.laws import get
from isoflop.runs.table import RunTable
from isoflop.validate.domain import Domain, reach
from isoflop.validate.past import past_coverage, prior
from isoflop.validate.prediction import calibrate
from isoflop.validate.widening import Widening, learn, middle

if TYPE_CHECKING:
    from isoflop.protocols.models import Fitted, Model, Settings

KIND = "N, D, C"


@dataclass(frozen=True)
class FormError:
    """What is added to the samples of a study's predictions.

    Args:
        width: how wide; domain: of the fitted runs; models: whose slopes are continued.
        seed: equal seeds give equal errors.
    """

    width: Widening
    domain: Domain
    models: dict[str, Model]
    seed: int

    def add(self, samples: np.ndarray, N: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Return samples of a run's loss [sample, *shape of N], widened."""
        points = {"N": np.asarray(N, dtype=float), "D": np.asarray(D, dtype=float)}
        moved = [
            reach(lambda N, D, m=model: m.point(N, D), self.domain, points, logs=True)
            for model in self.models.values()
        ]
        span = np.sqrt(np.mean(np.square(moved), axis=0))
        away = self.domain.distance(points)
        return self.width.widen(samples, middle(samples), span, away, logs=True, seed=self.seed)

    def sentence(self, level: float, distance: float) -> str:
        """Return how the interval was widened, and what that was worth before, as one sentence.

        Args:
            level: of the interval; distance: of the farthest point, decades.
        """
        learned = (
            f"{self.width.folds} rolling origins of these runs and past predictions"
            if self.width.folds
            else "past predictions on public tables; these runs have too few budgets for their own"
        )
        method = "widened" if self.width.folds else "prior only"
        return (
            f"The interval is widened ({self.width.scale:.2g} times the samples and scatter,"
            f" {self.width.kappa:.2g} of the slope beyond the runs, growing as"
            f" decades^{self.width.growth:g}) by what was learned from"
            f" {learned}: {past_coverage(KIND, distance, level, method)}."
        )


def form_error(fitted: Fitted, settings: Settings) -> FormError:
    """Learn the error of the form from the rolling origins of the fitted runs.

    They are those of approach 3; with fewer than three budgets, or without its fit, there are none
    and what past predictions on public tables needed is taken as it is.
    """
    columns = {**fitted.data.columns(), "budget": fitted.data.budget}
    table = RunTable.from_columns(columns)
    width = (
        learn(prior(KIND), [], {})
        if fitted.parametric is None
        else calibrate(fitted.parametric, table)
    )
    return FormError(width, Domain.of(get("chinchilla"), columns), fitted.models(), settings.seed)
