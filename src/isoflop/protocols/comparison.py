"""Recipes compared on one scaling law, as one record."""

from __future__ import annotations

import msgspec

from isoflop.samples import Estimate


class At(msgspec.Struct, frozen=True, kw_only=True):
    """An arm at one budget.

    Args:
        C: training FLOPs, as the runs count them along a ladder, else 6ND.
        where: "smallest", "middle" or "largest" of the compute that arms share, or "target".
        loss: the arm's best loss there.
        multiplier: FLOPs that the baseline needs for this loss, over C; above 1 is better.
    """

    C: float
    where: str
    loss: Estimate
    multiplier: Estimate


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One arm beside the baseline.

    Args:
        label: its label; runs: their number.
        gamma: exponent of its loss above the floor in C.
        slope: d ln multiplier / d ln C: 0 where the gain is the same at every scale.
        at: at the ends and the middle of the compute that it shares with the baseline, and at the
            target.
        verdict: what its intervals say, in a sentence.
    """

    label: str
    runs: int
    gamma: Estimate
    slope: Estimate
    at: tuple[At, ...]
    verdict: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Arms compared on one law.

    Args:
        by: column of the arms; baseline: the label that the others are compared with.
        law: fitted to all arms together; floor: the E they share.
        arms: all of them, the baseline first (its multipliers are 1).
        level: of intervals, which are of sampling alone: the law is taken as right.
        unit: of the loss as the runs state it, "" if they do not; convention: what they count.
        sound: whether the fit converged and the runs determine all of it.
        warnings: what must be said beside the numbers.
    """

    by: str
    baseline: str
    law: str
    floor: Estimate
    arms: tuple[Arm, ...]
    level: float
    unit: str
    convention: dict[str, str]
    sound: bool
    warnings: tuple[str, ...] = ()
