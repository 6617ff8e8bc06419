"""Bounds that a plan must keep: on N, D and training FLOPs."""

from __future__ import annotations

from math import inf

import msgspec

from isoflop.errors import InputError
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.search import LARGEST
from isoflop.units import format_count, format_flops


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a plan; a fixed number is a bound from both sides.

    Args:
        min_N: parameters; max_N: likewise.
        min_D: tokens; max_D: likewise (unique tokens times allowed epochs, say).
        max_C: training FLOPs, 6ND (a deadline on a cluster, say).
        reasons: what each bound is from, for messages ("max_N": "80 GB at 2 bytes a weight").
    """

    min_N: float = 0.0
    max_N: float = inf
    min_D: float = 0.0
    max_D: float = inf
    max_C: float = inf
    reasons: dict[str, str] = {}

    def __post_init__(self) -> None:
        for name in ("min_N", "max_N", "min_D", "max_D", "max_C"):
            value = getattr(self, name)
            least_allowed = value >= 0 if name.startswith("min") else value > 0
            if not least_allowed:
                raise InputError(
                    f"{name} = {value:g}{self.why(name)} is not positive.",
                    do="Give a number above 0.",
                )
        for what in ("N", "D"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if low > high:
                raise InputError(
                    f"{what} is to be at least {format_count(low)}{self.why(f'min_{what}')} and at"
                    f" most {format_count(high)}{self.why(f'max_{what}')}.",
                    "No model is both.",
                    "Drop one of the two bounds.",
                )
        least = TRAIN_FLOPS * self.min_N * self.min_D
        if least > self.max_C:
            raise InputError(
                f"{format_count(self.min_N)} parameters on {format_count(self.min_D)} tokens take"
                f" {format_flops(least)} FLOPs; at most {format_flops(self.max_C)} are"
                f" allowed{self.why('max_C')}.",
                do="Allow fewer parameters, fewer tokens, or more compute.",
            )

    def why(self, name: str) -> str:
        """Return where a bound is from, in parentheses, or nothing."""
        return f" ({self.reasons[name]})" if name in self.reasons else ""

    @property
    def only_on_N(self) -> bool:
        """Whether nothing but N is bounded."""
        return self.min_D == 0 and self.max_D == inf and self.max_C == inf

    def free_size(self) -> Limits:
        """Return the limits without those on N, and without a fixed D: what N could be."""
        fixed = self.min_D == self.max_D
        return Limits(max_C=self.max_C) if fixed else Limits(
            min_D=self.min_D, max_D=self.max_D, max_C=self.max_C
        )  # fmt: skip

    def within_budget(self, K: float, serving: float) -> Limits:
        """Return the limits, or say why no N and D within them cost K or less.

        Args:
            K: training FLOPs, or training and serving together.
            serving: weighted serving FLOPs a parameter.

        Raises:
            InputError: the smallest allowed model and data cost more than K.
        """
        smallest = max(self.min_N, 1.0)  # no model has less than one parameter
        least = smallest * (TRAIN_FLOPS * self.min_D + serving)
        if least > K * (1 + 1e-9):
            raise InputError(
                f"{format_count(smallest)} parameters{self.why('min_N')} on"
                f" {format_count(self.min_D)} tokens{self.why('min_D')}"
                f"{' and their serving' if serving else ''} cost {format_flops(least)} FLOPs, more"
                f" than the budget of {format_flops(K)}.",
                "The bounds and the budget contradict each other.",
                f"Give a budget of {format_flops(least)} or more, or lower the bounds.",
            )
        return self


#: Tokens beyond which nothing is looked for, as there is a largest N, far beyond any model.
_MOST_D = 1e28


def checked_size(N: float, D: float) -> None:
    """Refuse a plan of less than one parameter or token, or of more than are looked for.

    Raises:
        InputError: the law was asked far below or above any model.
    """
    if N > LARGEST or D > _MOST_D:
        raise InputError(
            f"the best plan is {N:.3g} parameters on {D:.3g} tokens.",
            f"Nothing is looked for beyond {LARGEST:g} parameters or {_MOST_D:g} tokens.",
            "Give a smaller budget, a higher loss, or fewer tokens.",
        )
    if not (N >= 1 and D >= 1):
        raise InputError(
            f"the best plan is {N:.3g} parameters on {D:.3g} tokens.",
            "Less than one of either is no model; the law is asked far below what it describes.",
            "Give a larger budget, a lower loss, or fewer tokens to serve.",
        )
