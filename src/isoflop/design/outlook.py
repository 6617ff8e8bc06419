"""A fit, a target and a ladder: which runs a budget buys, and what they would leave unsure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from isoflop.design.belief import Belief, believe
from isoflop.design.candidates import LEAST_SHARE, Ladder, NextRun, candidates
from isoflop.design.information import c_optimal
from isoflop.design.search import choose
from isoflop.errors import NotIdentified
from isoflop.fit.allocation import best_split
from isoflop.units import format_flops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.fit.result import Fit

#: The part of the span of ln C from the fitted runs' middle to the largest new run that is inside.
INSIDE = (0.25, 0.75)
#: A span below this factor has no inside to speak of: the fitted runs are all around.
NARROW = 4.0
_HALVINGS = 12
#: Of the variance: the bound of a deviation is at most half of this too low.
_BOUND_GAP = 1e-3


@dataclass(frozen=True)
class Outlook:
    """What decides a design besides its budget.

    Args:
        fit: a fit with samples.
        target: inputs of the target by name.
        rungs: sizes that can be trained.
        most: largest number of runs.
        spread: factor around N* within which sizes are considered.
        sigma: standard deviation of a run; that of the fit's residuals if None.
        others: values of the law's further inputs.
        least_share: of the budget, that the smallest run costs.
    """

    fit: Fit
    target: dict[str, float]
    rungs: Ladder
    most: int
    spread: float
    sigma: float | None = None
    others: dict[str, float] = field(default_factory=dict)
    least_share: float = LEAST_SHARE

    def optimum(self, C: float) -> tuple[float, float]:
        """Return N* and D* of a budget by the estimate.

        Raises:
            NotIdentified: the fitted loss has no minimum along the budget.
        """
        estimate = {name: np.full((1, 1), x) for name, x in self.fit.estimate.items()}
        flops = self.rungs.flops_per_token
        N, D, _ = best_split(self.fit.law, estimate, C, flops, self.others)
        if not np.isfinite(N[0]):
            raise NotIdentified(
                f"the fitted law has no compute-optimal size at C = {format_flops(C)} FLOPs.",
                "Runs are sought around that size.",
                "Add runs on both sides of the optimum to the fit.",
            )
        return float(N[0]), float(D[0])

    def possible(self, budget: float) -> list[NextRun]:
        """Return the runs that a budget can buy one of."""
        return candidates(
            self.rungs,
            lambda C: self.optimum(C)[0],
            budget,
            smallest=self.smallest,
            spread=self.spread,
            least_share=self.least_share,
        )

    @property
    def smallest(self) -> tuple[float, float]:
        """Least N and D of the fitted runs; smaller runs are not considered."""
        return self.fit.ranges["N"][0], self.fit.ranges["D"][0]

    @property
    def cheapest(self) -> float:
        """FLOPs of the smallest run that is considered."""
        N, D = self.smallest
        if self.rungs.N is not None:
            N = max(N, float(self.rungs.N.min()))
        return float(self.rungs.flops_per_token(N)) * D

    def belief(self, runs: Sequence[NextRun]) -> Belief:
        """Return the fit's belief about runs and the target."""
        places = {
            "N": np.array([float(r.N) for r in runs]),
            "D": np.array([float(r.D) for r in runs]),
        }
        given = {name: np.full(len(runs), x) for name, x in self.others.items()}
        return believe(self.fit, places | given, self.target | self.others, noise=self.sigma)

    def choose(self, runs: Sequence[NextRun], belief: Belief, budget: float) -> list[int]:
        """Return the places of the runs to train with a budget."""
        costs = np.array([run.C for run in runs])
        return choose(belief, costs, budget, most=self.most, inside=self.inside(costs))

    def inside(self, costs: np.ndarray) -> Callable[[Sequence[int]], np.ndarray]:
        """Return a function from chosen places to which places [place] lie inside their span.

        The span goes in ln C from the middle of the fitted runs to the largest chosen one.
        Where that is not beyond the middle by a factor of 4, everything is inside.
        """
        ends = [np.log(self.fit.ranges[name]) for name in ("N", "D")]
        N, D = (float(np.exp(x.mean())) for x in ends)
        low = np.log(float(self.rungs.flops_per_token(N)) * D)
        x = np.log(costs)

        def marked(chosen: Sequence[int]) -> np.ndarray:
            span = x[list(chosen)].max() - low
            if span < np.log(NARROW):
                return np.ones(len(x), dtype=bool)
            place = (x - low) / span
            return (place >= INSIDE[0]) & (place <= INSIDE[1])

        return marked

    def bound(self, runs: Sequence[NextRun], belief: Belief, budget: float) -> float:
        """Return a standard deviation that no design of these runs within the budget beats.

        It may be 0.05 % lower than the best.
        """
        features, target = belief.features
        costs = np.array([run.C for run in runs])
        left = c_optimal(
            features,
            target,
            costs=costs,
            budget=budget,
            noise=belief.noise,
            prior=np.eye(len(target)),
            gap=_BOUND_GAP,
        )
        return left[1] ** 0.5

    def share(
        self, runs: Sequence[NextRun], belief: Belief, budget: float, deviation: float
    ) -> float | None:
        """Return the least share of a budget for which these runs reach a standard deviation.

        By halving the interval of ln share, to 0.2 %; the search for a design is not exactly
        monotone in its budget, so a little less may do. None if the whole budget does not reach
        it.
        """

        def reaches(part: float) -> bool:
            return belief.deviation(self.choose(runs, belief, part * budget)) <= deviation

        if not reaches(1.0):
            return None
        low, high = np.log(self.least_share), 0.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if reaches(float(np.exp(middle))) else (middle, high)
        return float(np.exp(high))
