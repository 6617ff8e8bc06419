"""What a fit may say about itself."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """The outcome of a fit; the value is stable and stored, the message is for people."""

    CONVERGED = "converged"
    AT_BOUND = "at_bound"
    NOT_IDENTIFIED = "not_identified"
    EQUALS_START = "equals_start"
    NOT_CONVERGED = "not_converged"

    @property
    def message(self) -> str:
        """A sentence that says what the outcome means."""
        return _MESSAGES[self]


_MESSAGES = {
    Verdict.CONVERGED: "The optimum was found and every parameter is determined by the runs.",
    Verdict.AT_BOUND: "The optimum lies on a bound of a parameter; its interval is open there.",
    Verdict.NOT_IDENTIFIED: (
        "The runs do not determine every parameter: a long valley fits them about equally well."
    ),
    Verdict.EQUALS_START: "The search did not move from its start; do not use the estimate.",
    Verdict.NOT_CONVERGED: "The search ran out of steps before its gradient vanished.",
}
