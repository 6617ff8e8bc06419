"""How long a sweep will take on this machine, from a second of measured steps."""

from __future__ import annotations

import heapq
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from isoflop.errors import MissingExtra
from isoflop.store import Store
from isoflop.train.engine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from isoflop.design.spec import RunSpec

#: Seconds until a worker has imported PyTorch and opened the corpus.
START = 4.0
#: Everything beside training steps (evaluation, files), as a share of them.
BESIDE = 0.05


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What is still to be done and how long it should take.

    Args:
        todo: number of runs; seconds: expected wall clock; workers: processes.
        costs: id -> expected seconds of each run that is still to be done.
    """

    todo: int
    seconds: float
    workers: int
    costs: dict[str, float]


class Speed(msgspec.Struct, frozen=True):
    """Seconds a step = overhead + FLOPs of the step / rate."""

    overhead: float
    rate: float

    def seconds(self, spec: RunSpec) -> float:
        """Return the expected seconds of one run."""
        return spec.setup.steps * self.overhead + spec.setup.flops / self.rate


def expect(specs: Sequence[RunSpec], folder: Path, workers: int | None = None) -> Expectation:
    """Say how long the unfinished runs of a sweep will take.

    Args:
        specs: the sweep's runs; folder: where finished ones would be.
        workers: processes; the usable cores if None.

    Raises:
        MissingExtra: PyTorch is not installed.
    """
    todo = Store(folder).todo(specs)
    count = workers or usable_cores()
    if not todo:
        return Expectation(todo=0, seconds=0.0, workers=count, costs={})
    speed = measure()
    costs = {spec.id: speed.seconds(spec) * (1 + BESIDE) for spec in todo}
    seconds = START + makespan(costs.values(), count)
    return Expectation(todo=len(todo), seconds=seconds, workers=count, costs=costs)


def measure() -> Speed:
    """Time a second of training steps in a process of its own.

    Raises:
        MissingExtra: that process could not import what training needs.
    """
    command = [sys.executable, "-m", "isoflop.train.calibrate"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise MissingExtra("torch", "train", "training a sweep")
    return msgspec.json.decode(done.stdout, type=Speed)


def makespan(costs: Iterable[float], workers: int) -> float:
    """Return when the last of some jobs ends if the longest is always started first."""
    free = [0.0] * workers
    for cost in sorted(costs, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + cost)
    return max(free)
