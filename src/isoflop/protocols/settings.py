"""What a study is asked to do, and the two defaults: the standard study and the quick one."""

from __future__ import annotations

import msgspec

from isoflop.errors import InputError

#: Budgets (exact training FLOPs of one run) of the standard study; the quick one uses three.
BUDGETS = (5e10, 1.5e11, 5e11, 1.5e12)
HELDOUT = 5e12


class StudySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a study.

    Args:
        budgets: exact training FLOPs of one run, each.
        heldout: a larger budget with two runs, for the test of the extrapolation; None to hold
            out the largest of `budgets` itself.
        sizes: widths a budget; widths: the widths themselves, for every budget.
        probe_budget: budget whose smallest and largest model are run at other learning rates;
            None for no probes.
        seeds: further seeds of one small model, to measure run noise.
        corpus: a folder, text file or token file; None for the standard library's source.
        target: multiple of the largest budget that the plan is for.
        seed, level: of everything random; of every interval.
        samples: number of samples behind every interval.
        convention: which weights N counts.
        extensions: how many sizes may be added on one side of a budget whose minimum is not
            enclosed.
    """

    budgets: tuple[float, ...] = BUDGETS
    heldout: float | None = HELDOUT
    sizes: int = 5
    widths: tuple[int, ...] | None = None
    probe_budget: float | None = 5e10
    seeds: tuple[int, ...] = (1, 2)
    corpus: str | None = None
    target: float = 10.0
    seed: int = 0
    level: float = 0.9
    samples: int = 1000
    convention: str = "matrices+head"
    extensions: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise InputError(
                f"level = {self.level:g} is not between 0 and 1.", do="--level 0.9 for 90 %."
            )
        if len(set(self.budgets)) < 2:
            raise InputError(
                f"{len(set(self.budgets))} budget(s) are too few.",
                "N*(C) is a line through the minima of at least two budgets.",
                "--budgets 5e10,1.5e11,5e11",
            )
        if self.heldout is None and len(set(self.budgets)) < 3:
            raise InputError(
                "with two budgets none can be held out.",
                "The fit needs two budgets and the test a third, larger one.",
                "Give a third budget, or --heldout FLOPS",
            )
        if self.heldout is not None and self.heldout <= max(self.budgets):
            raise InputError(
                f"the held-out budget {self.heldout:.3g} is not larger than the largest"
                f" budget {max(self.budgets):.3g}.",
                "The test is of an extrapolation to larger runs.",
            )

    @property
    def heldout_budget(self) -> float:
        """The budget that is predicted before it is used."""
        return self.heldout if self.heldout is not None else max(self.budgets)

    @property
    def target_budget(self) -> float:
        """FLOPs that the plan is for."""
        return self.target * max(*self.budgets, self.heldout_budget)


def quick(**changes: object) -> StudySettings:
    """Return the quick study: the three smaller budgets, the largest of them held out."""
    base = StudySettings(budgets=BUDGETS[:3], heldout=None)
    return msgspec.structs.replace(base, **changes)
