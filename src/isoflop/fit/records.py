"""Records that a fit is made of: settings, starts, lines of its sensitivity table, optimum."""

from __future__ import annotations

import msgspec

from isoflop.errors import InputError
from isoflop.samples import Estimate, check_level

Interval = tuple[float | None, float | None]


#: How samples are drawn; "auto" chooses between the first two.
METHODS = ("case", "residual", "wild", "laplace")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `fit` was called with besides the runs and the law.

    Raises:
        InputError: a level, seed, number of samples or method that cannot be.
    """

    noise: str = "huber:1e-3"
    bootstrap: int = 0
    method: str = "auto"
    seed: int = 0
    level: float = 0.9
    cluster: str | None = None
    weight: str | None = None
    sigma: str | float | None = None
    output: str = "loss"
    profile: bool = True
    sensitivity: bool = False
    target: dict[str, float | str] | None = None
    kernel: str = "numpy"

    def __post_init__(self) -> None:
        check_level(self.level)
        for name in ("seed", "bootstrap"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} = {getattr(self, name)} is negative.")
        if self.method not in (known := ("auto", *METHODS)):
            raise InputError(f"`{self.method}` is not a bootstrap; known: {', '.join(known)}.")


class Draws(msgspec.Struct, frozen=True, kw_only=True):
    """How the samples of a fit were drawn, and why.

    Args:
        method: "case", "residual", "wild" or "laplace".
        reason: in words.
        p_value: of the hypothesis that runs scatter alike over the inputs, if it was tested.
    """

    method: str
    reason: str
    p_value: float | None = None


class Starts(msgspec.Struct, frozen=True, kw_only=True):
    """How the optimum was searched for, and how well the searches agree.

    Args:
        scheme: how starting cells were placed.
        screened: cells evaluated.
        polished: starts polished to an optimum.
        agree: those that ended within 1e-6 of the best objective.
        iterations: Newton steps of the best one.
    """

    scheme: str
    screened: int
    polished: int
    agree: int
    iterations: int


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the sensitivity table: the estimate under another choice.

    Args:
        kind: "dropped", "delta", "noise" or "convention".
        choice: what was changed, in words.
        estimate: parameters and derived numbers under it.
        runs: number of runs left.
        N, D: the optimum at the fit's target under it; None without one.
    """

    kind: str
    choice: str
    estimate: dict[str, float]
    runs: int
    N: float | None = None
    D: float | None = None


class Optimum(msgspec.Struct, frozen=True, kw_only=True):
    """The N and D of lowest loss at a target.

    Args:
        C: the budget, FLOPs.
        times: C over the largest C of the runs.
        cost: how C follows from N and D, in words.
        others: value of each further input of the law.
        N: parameters; D: tokens; loss: the law there; tokens_per_parameter: D / N. Each says what
            its interval holds.
        sampling: by name, the intervals with the law taken as right, where they differ.
    """

    C: float
    times: float
    cost: str
    others: dict[str, float | str]
    N: Estimate
    D: Estimate
    loss: Estimate
    tokens_per_parameter: Estimate
    sampling: dict[str, Interval] = {}


class Minimum(msgspec.Struct, frozen=True, kw_only=True):
    """Where the runs of one budget have their minimum, and where the law has it.

    Args:
        C: FLOPs; N: parameters at the minimum of the budget's runs; law: at that of the law.
    """

    C: float
    N: float
    law: float
