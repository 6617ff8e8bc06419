"""What is asked of a law: a budget or a loss, what will be served, bounds, hardware."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.plan.lifetime import Serving
from isoflop.plan.limits import Limits
from isoflop.plan.machine import Machine

if TYPE_CHECKING:
    from isoflop.plan.budget import Budget
    from isoflop.plan.given import Given
    from isoflop.plan.link import Link


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a law.

    Args:
        budget: what may be spent; with serving it sets the loss (what training alone would reach
            with it), unless `lifetime`.
        loss: to reach instead of a budget; accuracy: the same through a link.
        given: tokens or parameters to start from instead.
        serving: tokens over the model's life.
        lifetime: whether the budget pays for serving too.
        limits: bounds on N, D and training FLOPs.
        machine: hardware and prices, for costs.
        rule: of batch and learning rate; empty for none.
        link: from the loss to accuracy, or None.
    """

    budget: Budget | None = None
    loss: float | None = None
    accuracy: float | None = None
    given: Given | None = None
    serving: Serving = field(default_factory=Serving)
    lifetime: bool = False
    limits: Limits = field(default_factory=Limits)
    machine: Machine = field(default_factory=Machine)
    rule: str = "step_law"
    link: Link | None = None

    def __post_init__(self) -> None:
        goals = {"budget": self.budget or self.given, "loss": self.loss, "accuracy": self.accuracy}
        given = [name for name, value in goals.items() if value is not None]
        if len(given) != 1:
            what = " and ".join(given) if given else "neither a budget nor a loss"
            raise InputError(
                f"{what} {'are' if given else 'is'} given.",
                "A plan spends a budget as well as it can, or reaches a loss as cheaply as it can.",
                "Give one of  --budget 1e23  --loss 2.1  --accuracy 0.6 (with --link), or what"
                " there is:  --unique-tokens 50B  --D 1T  --N 7B",
            )
        if self.loss is not None and not 0 < self.loss < np.inf:
            raise InputError(f"a loss of {self.loss:g} is not positive.")
        if self.lifetime and not self.serving.tokens:
            raise InputError(
                "--lifetime lets the budget pay for serving, and nothing is to be served.",
                do="Say how much: --serve 2T",
            )
        if self.lifetime and self.budget is None:
            raise InputError(
                "--lifetime says what a budget covers, and none is given.",
                do="A plan for a loss always counts training and serving together.",
            )
