"""What the code of a part gets and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from isoflop.errors import DataError, MissingExtra
from isoflop.runs import public
from isoflop.samples import summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from isoflop.protocols.replay.result import Interval, Picture
    from isoflop.runs.table import RunTable


#: Level of our own interval where it decides about agreement.
DECIDING = 0.95


class Found(NamedTuple):
    """A computed number and its interval, if it has samples.

    Args:
        value: the number.
        interval: at the level that was asked for.
        deciding: at `DECIDING`, whatever was asked for: agreement must not depend on that.
    """

    value: float
    interval: Interval | None = None
    deciding: Interval | None = None


class Outcome(NamedTuple):
    """What a part computed: numbers by step, and pictures."""

    found: dict[str, Found]
    pictures: tuple[Picture, ...] = ()


@dataclass
class Context:
    """What the parts of one replay share.

    Args:
        level: of intervals.
        seed: of samples.
        samples: their number.
        tell: called with the name of a table before it is read.
        sources: name -> source of the tables read so far.
    """

    level: float
    seed: int
    samples: int
    tell: Callable[[str], None] | None = None
    sources: dict[str, str] = field(default_factory=dict)
    _tables: dict[str, RunTable] = field(default_factory=dict)
    _failures: dict[str, DataError | MissingExtra] = field(default_factory=dict)

    def table(self, name: str, where: str = "") -> RunTable:
        """Return a public table; it is looked for once, whether it is there or not.

        Raises:
            DataError: if it cannot be had.
            MissingExtra: if it is to be downloaded and pooch is not installed.
        """
        if name in self._failures:
            raise self._failures[name]
        if name not in self._tables:
            self._tables[name] = self._load(name)
            self.sources[name] = self._tables[name].source
        table = self._tables[name]
        return table.where(where) if where else table

    def _load(self, name: str) -> RunTable:
        if self.tell is not None:
            self.tell(name)
        try:
            return public.load(name)
        except (DataError, MissingExtra) as error:
            self._failures[name] = error
            raise

    def found(self, point: float, samples: np.ndarray | None) -> Found:
        """Return a number with the interval of its samples."""
        known, deciding = (summarise(float(point), samples, x) for x in (self.level, DECIDING))
        return Found(known.estimate, known.interval, deciding.interval)
