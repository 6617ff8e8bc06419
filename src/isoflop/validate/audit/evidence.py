"""What an audit looks at: the runs, the law through them, and the answer they give."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError, NotIdentified
from isoflop.fit.allocation import best_split
from isoflop.fit.fitting import fit
from isoflop.fit.misses import factors, spread
from isoflop.fit.surface import IsoflopSurface, fit_surface
from isoflop.runs.budgets import crossed, with_budget
from isoflop.runs.cost import CostCurve
from isoflop.runs.finding import Move
from isoflop.samples import MISSES, Estimate, summarise
from isoflop.units import format_flops
from isoflop.validate.audit.usable import Usable

if TYPE_CHECKING:
    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law
    from isoflop.validate.selfcheck import RateProbe

#: The law fitted where none is given, and the fewest runs it is fitted to.
LAW, FEWEST = "chinchilla", 8
#: A group of runs is a budget of an isoFLOP design if its C agree within this factor, and a table
#: is such a design if at least this share of its runs are in budgets of four sizes or more: where
#: the table names its budgets, and where they are guessed from C.
NAMED, GUESSED = (1.25, 0.5), (1.1, 0.7)
#: Without a target the answer is given for this multiple of the largest C.
AHEAD = 10.0
_SAMPLES = 200
#: Runs drawn for the intervals of the answer, together, and the fewest and most resamples.
_DRAWN, _RESAMPLES = 400_000, (50, 200)


@dataclass(frozen=True)
class Evidence(Usable):
    """Runs of one kind with what is asked of them.

    Args:
        table, places: see `Usable`.
        target: FLOPs that the answer is wanted for, or None.
        given: a fit of these runs, or None: then `law` is fitted.
        law: the law.
        probes: learning-rate probes, where they are known.
        ends: multiple of the peak learning rate at the last step of each run, where known.
        seed_noise: standard deviation between seeds, nats per token, and its freedom.
        group: the labels these runs share.
    """

    target: float | None = None
    given: Fit | None = None
    law: Law | str = LAW
    probes: tuple[RateProbe, ...] = ()
    ends: dict[str, float] = field(default_factory=dict)
    seed_noise: tuple[float, int] = (0.0, 0)
    group: str = ""

    def where(self, mask: np.ndarray) -> Evidence:
        """Return the evidence of the usable runs of a mask [usable run], fitted anew."""
        return replace(self, table=self.runs.where(mask), places=self.rows[mask], given=None)

    # The law through them ------------------------------------------------------------------------
    @cached_property
    def fit(self) -> Fit:
        """The given fit, or the law fitted to the usable runs.

        Raises:
            InputError: the law needs a column that the table has not.
            NotIdentified: there are too few runs.
        """
        if self.given is not None:
            return self.given
        if len(self.runs) < FEWEST:
            raise NotIdentified(
                f"{len(self.runs)} usable runs are fewer than the {FEWEST} a law is fitted to here."
            )
        return fit(self.runs, self.law)

    @cached_property
    def cost(self) -> CostCurve | None:
        """FLOPs a token by N, or None where C is not a function of N and D."""
        try:
            return CostCurve.from_runs(self.runs["N"], self.runs["D"], self.runs["C"])
        except InputError:
            return None

    @property
    def at(self) -> float:
        """FLOPs that the answer is given for."""
        return self.target or AHEAD * float(self.runs["C"].max())

    @cached_property
    def answer(self) -> dict[str, float]:
        """Exponent of N*(C) over the runs' C, and N* and loss at the target, by name.

        Raises:
            NotIdentified: the runs do not determine the exponents, or there is no optimum.
        """
        loose = [n for n in ("alpha", "beta") if not self.fit.identified.get(n, True)]
        if loose:
            raise NotIdentified(f"these runs do not determine {' and '.join(loose)}.")
        columns = {name: np.full((1, 1), value) for name, value in self.fit.estimate.items()}
        found = {name: float(x[0]) for name, x in self.answers(columns).items()}
        if not np.isfinite(list(found.values())).all():
            raise NotIdentified(f"the fitted law has no optimum at {format_flops(self.at)} FLOPs.")
        return found

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """The answer with intervals, by resampling the runs (whole runs if the fit says so).

        That of N* is widened by the law's misses at its own budgets, as everywhere.

        Raises:
            NotIdentified: as `answer`.
        """
        point, fitted = self.answer, self.fit
        if fitted.samples is None:
            count = int(np.clip(_DRAWN // len(self.runs), *_RESAMPLES))
            fitted = fit(self.runs, self.law, bootstrap=count, profile=False)
        columns = fitted.columns(extra=1)
        drawn = self.answers(columns)
        level, deviation = fitted.settings.level, spread(fitted.minima, self.at)
        found = {name: summarise(value, drawn[name], level) for name, value in point.items()}
        if deviation is not None:
            size = self.named["size"]
            moved = drawn[size] * factors(len(drawn[size]), deviation, fitted.settings.seed)
            found[size] = summarise(point[size], moved, level, MISSES)
        return found

    def answers(self, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the answers [batch] for parameters [batch, 1] by name.

        Raises:
            InputError: the law has other inputs than N and D, so that C leaves them open.
        """
        law = self.fit.law
        if set(law.input_names) != {"N", "D"}:
            raise InputError(f"`{law.name}` has inputs {', '.join(law.input_names)}, not N and D.")
        flops = self.cost.flops_per_token if self.cost is not None else _six
        C = self.runs["C"]
        low, high = float(C.min()), float(C.max())
        if high < 2 * low:
            low, high = low / 2, high * 2
        small, large = (best_split(law, columns, x, flops, {})[0] for x in (low, high))
        N, _, loss = best_split(law, columns, self.at, flops, {})
        slope = np.log(large / small) / np.log(high / low)
        return dict(zip(self.named.values(), (slope, N, loss), strict=True))

    @property
    def named(self) -> dict[str, str]:
        """Names that the answers are printed with."""
        at = f"at {format_flops(self.at)} FLOPs"
        return {"slope": "exponent of N*", "size": f"N* {at}", "loss": f"loss {at}"}

    def moves(self, mended: Evidence, how: str) -> tuple[Move, ...]:
        """Return how far the answer moves to that of mended evidence; empty if either has none."""
        try:
            now, then = self.answer, replace(mended, target=self.at).answer
        except (InputError, NotIdentified):
            return ()
        return tuple(
            Move(what=name, now=value, then=then[name], how=how)
            for name, value in now.items()
            if name in then
        )

    # Budgets -------------------------------------------------------------------------------------
    @cached_property
    def budgets(self) -> np.ndarray:
        """Budget [usable run] of an isoFLOP design; NaN for runs that are in none.

        Raises:
            InputError: the runs are not grouped by budget.
        """
        within, most = NAMED if "budget" in self.runs.columns else GUESSED
        budget = with_budget(self.runs.columns)["budget"].copy()
        C, N = self.runs["C"], self.runs["N"]
        for value in np.unique(budget[np.isfinite(budget)]):
            rows = budget == value
            wide = C[rows].max() > within * C[rows].min()
            if wide or len(np.unique(N[rows])) < 4:
                budget[rows] = np.nan
        known = np.isfinite(budget)
        grid = within == GUESSED[0] and crossed(N, self.runs["D"])
        if grid or known.mean() < most or len(np.unique(budget[known])) < 2:
            raise InputError(
                "the runs are a grid of N and D, not an isoFLOP design."
                if grid
                else f"{int(known.sum())} of {len(budget)} runs are in budgets of four sizes or"
                " more: this is not an isoFLOP design."
            )
        return budget

    @cached_property
    def surface(self) -> IsoflopSurface:
        """Approach 2 through the budgets' parabolas.

        Raises:
            InputError, NotIdentified: there are no budgets, or too few with a minimum.
        """
        return self.profiled("parabola")

    def profiled(self, profile: str) -> IsoflopSurface:
        """Return approach 2 with a profile; a corrected one takes the fitted law's exponents."""
        known = np.isfinite(self.budgets)
        runs = self.runs.where(known)
        # Minima need no FLOPs a token; only D* does, and who reads it asks for `cost`.
        cost = self.cost or CostCurve.from_runs(runs["N"], runs["C"] / (6 * runs["N"]), runs["C"])
        return fit_surface(
            runs["N"],
            runs["C"],
            runs["loss"],
            self.budgets[known],
            cost=cost,
            seed_noise=self.seed_noise[0],
            samples=_SAMPLES,
            rng=np.random.default_rng(0),
            profile=profile,
            exponents=self.exponents if profile == "corrected" else None,
        )

    @property
    def exponents(self) -> tuple[float, float]:
        """The fitted law's exponents of N and D.

        Raises:
            InputError: the law has none by these names, or they are not positive.
        """
        alpha, beta = (self.fit.estimate.get(name, 0.0) for name in ("alpha", "beta"))
        if not min(alpha, beta) > 0:
            raise InputError(f"`{self.fit.law.name}` has no positive alpha and beta here.")
        return alpha, beta


def _six(N: Any) -> Any:
    return 6.0 * N
