"""A law with its constants or its samples: the loss over N and D that a plan is made on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.compose import evaluate
from isoflop.plan.lifetime import TRAIN_FLOPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.fit.records import Minimum
    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law

#: Names that the number of parameters goes by; the first one a law has is planned.
SIZES = ("N", "N_act", "N_nonembedding")
#: Units of a loss: what is better when it is lower.
LOSSES = ("nats/token", "bits/byte", "nats/word")


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Loss over N and D for the estimate (row 0) and for every sample (the rows after it).

    Args:
        law: a law of N and D (or of C and tokens per parameter) and perhaps further inputs.
        constants: value by parameter at the estimate.
        samples: [sample, parameter] in the order of `law.parameter_names`, or None.
        others: values of the law's further inputs (U, experts, bits, a label, ...).
        ranges: fitted range of the inputs, where known.
        constants_from: where the constants are from, in words.
        counted: what N, D, C and the loss count, where known.
        level: of intervals.
        warnings: what must be said with every answer.
        fit: whose law and samples these are as they were fitted; None for constants, or a law that
            was composed further. It tells how far off optimum and loss may be besides.
    """

    law: Law
    constants: dict[str, float]
    samples: np.ndarray | None = None
    others: dict[str, float | str] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    constants_from: str = "given"
    counted: dict[str, str] = field(default_factory=dict)
    level: float = 0.9
    warnings: tuple[str, ...] = ()
    fit: Fit | None = None

    def __post_init__(self) -> None:
        checked(self)

    @property
    def loss_unit(self) -> str:
        """Unit of the loss: as the runs say they count it, else as the law declares it."""
        said = self.counted.get("loss", "")
        return said if said in LOSSES else self.law.output.unit

    @property
    def size(self) -> str:
        """The law's name of the planned number of parameters."""
        return next((name for name in SIZES if name in self.law.input_names), "N")

    @property
    def rows(self) -> int:
        """Number of rows: one for the estimate, one a sample."""
        return 1 if self.samples is None else 1 + len(self.samples)

    @property
    def minima(self) -> tuple[Minimum, ...]:
        """Minima of the fitted budgets beside the law's, which tell how far off the latter lie."""
        return () if self.fit is None else self.fit.minima

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Parameters [row, 1] by name."""
        point = np.array([[self.constants[name] for name in self.law.parameter_names]])
        table = point if self.samples is None else np.vstack([point, self.samples])
        return {name: table[:, k : k + 1] for k, name in enumerate(self.law.parameter_names)}

    def loss(self, N: Any, D: Any, columns: Mapping[str, Any] | None = None) -> np.ndarray:
        """Return the loss at N and D, arrays that broadcast with [row, ...]; no number is inf."""
        inputs = self.inputs(N, D)
        with np.errstate(all="ignore"):
            given = self.columns if columns is None else columns
            value = np.asarray(evaluate(self.law, {**inputs, **given}), dtype=float)
        return np.where(np.isfinite(value), value, np.inf)

    def inputs(self, N: Any, D: Any) -> dict[str, Any]:
        """Return the law's inputs at N and D, by name."""
        if not {"C", "M"} <= set(self.law.input_names):
            return {self.size: N, "D": D, **self.others}
        both = {"C": TRAIN_FLOPS * N * D, "M": D / N, self.size: N, "D": D}
        return {x: both[x] for x in both if x in self.law.input_names} | self.others

    def thinned(self, most: int) -> Surface:
        """Return the surface with at most so many samples, evenly taken (for figures)."""
        if self.samples is None or len(self.samples) <= most:
            return self
        rows = np.linspace(0, len(self.samples) - 1, most).astype(int)
        return _replaced(self, samples=self.samples[rows])

    def point(self) -> Surface:
        """Return the surface of the estimate alone."""
        return _replaced(self, samples=None)

    def outside(self, **values: float | str) -> dict[str, float]:
        """Return how many times each value lies beyond the fitted range; 1 is inside."""
        found: dict[str, float] = {}
        for name, value in values.items():
            low, high = self.ranges.get(name, (0.0, 0.0))
            if not isinstance(value, str) and high > 0 and value > 0:
                found[name] = float(max(low / value, value / high, 1.0))
        return found


def _replaced(surface: Surface, **changes: Any) -> Surface:
    from dataclasses import replace

    return replace(surface, **changes)


def checked(surface: Surface) -> None:
    """Refuse a law that gives no loss in N and D, or lacks an input or constant.

    Raises:
        InputError: with what the law has and what would make it a plan.
    """
    law, names = surface.law, set(surface.law.input_names)
    plannable = (names & set(SIZES) and "D" in names) or {"C", "M"} <= names
    if not plannable or law.output.unit not in LOSSES:
        raise InputError(
            f"`{law.name}` gives {law.output.unit} from {', '.join(law.input_names)}.",
            "A plan needs a loss in parameters N and tokens D.",
            "Use chinchilla, a composition of it, or a formula in N and D.",
        )
    missing = [name for name in law.parameter_names if name not in surface.constants]
    if missing:
        raise InputError(
            f"`{law.name}` has no value for {', '.join(missing)}.",
            "No published set holds it, and a constant is not guessed.",
            f'Give them:  --constants "{",".join(f"{name}=..." for name in missing)}"',
        )
    known = {*SIZES, "D", "C", "M", *surface.others}
    wanted = [name for name in law.input_names if name not in known]
    if wanted:
        flags = " ".join(
            "--unique-tokens 25e9" if name == "U" else f"--input {name}=..." for name in wanted
        )
        raise InputError(f"`{law.name}` needs a value of {', '.join(wanted)}.", do=f"Give {flags}")
    unknown = sorted(set(surface.others) - names)
    if unknown:
        raise InputError(
            f"`{law.name}` has no input {', '.join(unknown)}; it has {', '.join(law.input_names)}."
        )
    _check_inputs(surface)


def _check_inputs(surface: Surface) -> None:
    for one in surface.law.inputs:
        value, least = surface.others.get(one.name), one.dimension.least
        if value is not None and not isinstance(value, str) and not least <= value < np.inf:
            raise InputError(
                f"{one.name} = {value:g} {one.dimension.unit} cannot be: there are {least:g} or"
                " more.",
                do=f"Give {least:g} or more:  --input {one.name}=...",
            )
