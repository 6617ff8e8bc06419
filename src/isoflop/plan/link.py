"""From loss to what users see: accuracy through a link, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.dimensions import ErrorRate
from isoflop.laws.guesses import meaning
from isoflop.laws.references import reference
from isoflop.laws.resolve import resolve
from isoflop.plan.constants import collect

if TYPE_CHECKING:
    from isoflop.laws.law import Law

#: Output of a law of what is left wrong.
ERROR = meaning(ErrorRate).name
#: Losses between which a link is inverted, in its own unit.
_LEAST, _MOST = 1e-6, 50.0


@dataclass(frozen=True)
class Link:
    """A law of one loss, with constants: `sigmoid_accuracy`, `exponential_error`, ...

    A law of an error rate is read as the accuracy that is left: 1 - error.
    """

    law: Law
    constants: dict[str, float]
    name: str

    def value(self, loss: Any) -> np.ndarray:
        """Return the accuracy at a loss of any shape; NaN stays NaN."""
        with np.errstate(all="ignore"):
            value = np.asarray(self.law(np.asarray(loss, dtype=float), **self.constants))
        return 1 - value if self.law.output.name == ERROR else value

    def loss_for(self, wanted: float) -> float:
        """Return the loss at which the link gives an accuracy.

        Raises:
            InputError: it gives it at no loss; the message says which values it gives.
        """
        low, high = np.log(_LEAST), np.log(_MOST)
        ends = np.array([float(self.value(x)) for x in (_LEAST, _MOST)])
        least, most = max(min(ends), 0.0), min(max(ends), 1.0)
        if not least < wanted < most:
            raise InputError(
                f"{self.name} gives accuracies between {least:.4g} and {most:.4g}, never"
                f" {wanted:g}.",
                "No loss, however low, reaches it.",
                f"The closest that can be asked for lies just inside: {least:.4g} or {most:.4g}.",
            )
        rising = ends[1] > ends[0]
        for _ in range(100):
            middle = 0.5 * (low + high)
            over = (float(self.value(np.exp(middle))) > wanted) == rising
            low, high = (low, middle) if over else (middle, high)
        return float(np.exp(0.5 * (low + high)))


def link(text: str | Law, constants: str, unit: str) -> Link:
    """Return a link by name with published constants.

    Args:
        text: a law of one loss.
        constants: name of a published set; the first one if empty.
        unit: of the loss that the plan's law gives.

    Raises:
        InputError: the law takes something else than a loss of that unit.
    """
    law = resolve(text) if isinstance(text, str) else text
    takes = [x.dimension.unit for x in law.inputs]
    if takes != [unit]:
        raise InputError(
            f"the link `{law.name}` takes {', '.join(takes)}; the plan's law gives {unit}.",
            "A loss in another unit, or of another text, means something else.",
            "For nats per token: exponential_error; for bits per byte (task_loss):"
            " sigmoid_accuracy.",
        )
    found = collect(law, constants)
    names = ", ".join(found.names.values())
    origin = f" ({reference(found.base.source).short}, {names})" if found.base else ""
    left = "1 - " if law.output.name == ERROR else ""
    return Link(law, found.values, f"{left}{law.name}{origin}")
