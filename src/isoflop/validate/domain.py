"""Where the runs of a fit lie, how far outside a point is, and the nearest point inside.

Distances are in decades (factors of ten). Where a law has both N and D the budget C = 6ND counts
as a third direction: a larger budget can lie far outside although its N and its D were both seen,
in different runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.laws.law import Law

#: Logarithm of the step beyond the edge by which a law's slope there is measured.
_STEP = 1e-3


@dataclass(frozen=True)
class Domain:
    """The ranges of a law's positive inputs among its runs.

    Args:
        ranges: smallest and largest value by input.
        compute: smallest and largest 6ND, FLOPs; None if the law has not both N and D, or if the
            runs themselves are not known.
    """

    ranges: dict[str, tuple[float, float]]
    compute: tuple[float, float] | None = None

    @classmethod
    def of(cls, law: Law, columns: Any) -> Domain:
        """Read the domain from runs: columns [run] by name."""
        values = {x.name: columns[x.name] for x in law.inputs if not x.dimension.text}
        arrays = {name: np.asarray(x, dtype=float) for name, x in values.items()}
        ranges = {name: (float(x.min()), float(x.max())) for name, x in arrays.items()}
        compute = None
        if {"N", "D"} <= arrays.keys():
            C = 6.0 * arrays["N"] * arrays["D"]
            compute = (float(C.min()), float(C.max()))
        return cls(ranges, compute)

    @property
    def measured(self) -> dict[str, tuple[float, float]]:
        """Ranges in which distances are defined: those of positive numbers."""
        return {name: ends for name, ends in self.ranges.items() if ends[0] > 0}

    def distance(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """Return how many decades a point lies outside in its farthest direction; 0 is inside."""
        parts = [
            _outside(np.asarray(inputs[name], dtype=float), ends)
            for name, ends in self.measured.items()
        ]
        if self.compute is not None:
            parts.append(_outside(_compute(inputs), self.compute))
        shape = np.broadcast_shapes(*(np.shape(x) for x in inputs.values()))
        return np.max([np.broadcast_to(part, shape) for part in parts] or [np.zeros(shape)], axis=0)

    def edge(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the point of the domain that a prediction starts from.

        A point beyond the budgets is pulled back at constant D/N; then each input is clipped.
        """
        found = {
            name: np.asarray(x) if _is_text(x) else np.asarray(x, dtype=float)
            for name, x in inputs.items()
        }
        if self.compute is not None:
            C = _compute(found)
            pull = np.sqrt(np.clip(C, *self.compute) / C)
            found = found | {"N": found["N"] * pull, "D": found["D"] * pull}
        clipped = {name: np.clip(found[name], *ends) for name, ends in self.measured.items()}
        return found | clipped


def reach(law: Any, domain: Domain, inputs: Mapping[str, Any], *, logs: bool) -> np.ndarray:
    """Return how far a law moves between the edge of its runs and a point, by its slope there.

    It is zero inside the domain and grows in proportion to the logarithm of the distance.

    Args:
        law: a function of the inputs (a `Fit`'s `point`).
        domain: of its runs.
        inputs: points by input, arrays of one shape.
        logs: count in logarithms of the output, else in its own unit.
    """
    start = domain.edge(inputs)
    step = {
        name: start[name] * (np.asarray(inputs[name], dtype=float) / start[name]) ** _STEP
        for name in domain.measured
    }
    with np.errstate(all="ignore"):
        there, beyond = (np.asarray(law(**x), dtype=float) for x in (start, {**start, **step}))
        moved = np.log(beyond / there) if logs else beyond - there
    return np.abs(moved) / _STEP


def _outside(x: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    low, high = ends
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.log10(np.maximum(np.maximum(x / high, low / x), 1.0))
    # A value that has no logarithm is not at a distance but outside what the runs can say.
    return np.where(x > 0, away, np.inf)


def _compute(inputs: Mapping[str, Any]) -> np.ndarray:
    return 6.0 * np.asarray(inputs["N"], dtype=float) * np.asarray(inputs["D"], dtype=float)


def _is_text(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "OUST"
