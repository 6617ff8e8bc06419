"""What runs answer, from wherever they are: approaches, hold-out, plan, and where they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from isoflop.errors import NotIdentified
from isoflop.protocols.approach2 import approach2
from isoflop.protocols.approaches import approach3
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import plan_run, predict_heldout
from isoflop.runs.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from isoflop.protocols.data import RunData
    from isoflop.protocols.result import Approach, Heldout, PlanAnswer
    from isoflop.samples import Estimate


@dataclass(frozen=True)
class Answers:
    """What a set of runs answers.

    Args:
        approaches: by name, all three; heldout: the test on held-out runs, if there is one.
        plan: for the target, or None with the finding in `no_plan` that says why.
    """

    approaches: Mapping[str, Approach]
    heldout: Heldout | None
    plan: PlanAnswer | None
    no_plan: list[Finding]

    @property
    def exponents(self) -> list[str]:
        """Sentences about exponents in which the approaches differ."""
        return exponents_apart(self.approaches)

    @property
    def losses(self) -> list[str]:
        """Sentences about losses at the target in which they differ."""
        return losses_apart(self.plan)

    def record(self) -> dict[str, Any]:
        """Return the fields of a `StudyResult` that these answers fill."""
        return {
            **self.approaches,
            "disagreement": [*self.exponents, *self.losses],
            "heldout": self.heldout,
            "plan": self.plan,
        }


def answered(
    data: RunData,
    held: np.ndarray,
    final: Fitted,
    envelope: Approach,
    target: float,
    settings: Settings,
) -> Answers:
    """Answer by the three approaches, test on held-out runs, and plan.

    Args:
        data: the runs; held: which of them are predicted from the smaller ones, [run].
        final: what was fitted to them all; envelope: approach 1's record.
        target: FLOPs of the plan; settings: how.
    """
    heldout = predicted_from_smaller(data, held, settings)
    plan, no_plan = plan_or_finding(final, target, settings)
    approaches = {
        "approach1": envelope,
        "approach2": approach2(final, settings),
        "approach3": approach3(final, settings),
    }
    return Answers(approaches, heldout, plan, no_plan)


def predicted_from_smaller(data: RunData, held: np.ndarray, how: Settings) -> Heldout | None:
    """Predict the held-out runs from those of smaller budgets; None if that cannot be done."""
    small = ~held & (data.budget < data.budget[held].min() if held.any() else False)
    if not held.any() or not small.any():
        return None
    rest = data.where(small)
    fitted = fit_models(rest.where(rest.role != "heldout"), rest, how)
    try:
        return predict_heldout(fitted, data.where(held), how)
    except NotIdentified:
        return None


def plan_or_finding(
    final: Fitted, C: float, how: Settings
) -> tuple[PlanAnswer | None, list[Finding]]:
    """Plan for a budget, or return the finding that says why there is no plan."""
    try:
        return plan_run(final, C, how), []
    except NotIdentified as error:
        finding = Finding(
            code="no_plan",
            severity="error",
            message=f"there is no plan: {error.what}",
            why=error.why,
            remedy=error.do,
        )
        return None, [finding]


def exponents_apart(approaches: Mapping[str, Approach]) -> list[str]:
    """Name the pairs of approaches whose exponents' intervals do not overlap."""
    sentences = []
    for one, other in combinations(approaches.values(), 2):
        for name in ("N_exponent", "D_exponent"):
            a, b = getattr(one, name), getattr(other, name)
            if a is not None and b is not None and not overlap(a, b):
                sentences.append(
                    f"{name[0]}* grows as C^{a.estimate:.2f} {_range(a)} by {one.name} and as"
                    f" C^{b.estimate:.2f} {_range(b)} by {other.name}."
                )
    return sentences


def losses_apart(plan: PlanAnswer | None) -> list[str]:
    """Name the pairs of models whose losses at the plan's budget do not overlap."""
    if plan is None:
        return []
    sentences = []
    for one, other in combinations(plan.by_model, 2):
        a, b = plan.by_model[one]["loss"], plan.by_model[other]["loss"]
        if not overlap(a, b):
            sentences.append(
                f"At {plan.C:.3g} FLOPs {one} expects a loss of {a.estimate:.3f} {_range(a)} and"
                f" {other} {b.estimate:.3f} {_range(b)}."
            )
    return sentences


def overlap(one: Estimate, other: Estimate) -> bool:
    """Say whether two intervals have a value in common; an open end reaches everywhere."""
    if one.interval is None or other.interval is None:
        return True
    (a, b), (c, d) = one.interval, other.interval
    return not (
        (b is not None and c is not None and b < c) or (a is not None and d is not None and d < a)
    )


def _range(e: Estimate) -> str:
    low, high = e.interval or (None, None)
    ends = ["-inf" if low is None else f"{low:.3f}", "inf" if high is None else f"{high:.3f}"]
    return f"({ends[0]} to {ends[1]})"
