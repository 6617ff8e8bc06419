"""Whether a run trains in bfloat16: only where a trial on its own model says that it pays.

A machine whose large matrix products are several times faster in bfloat16 may still train small
models slower so: on one with 3.9 times MKL's rate in float32, a step under autocast took 3.2 times
as long at width 16, 1.2 times at width 256, and 0.8 times at width 512 (docs/benchmarks.md).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import torch

if TYPE_CHECKING:
    from isoflop.train.gradient import Autograd, Gradient
    from isoflop.train.machine import Machine
    from isoflop.train.trainer import Training

#: Steps of each kind that a trial takes; the first is not timed.
STEPS = 4
#: Share of a run's steps that a trial may take.
SHARE = 0.01
#: bfloat16 must be this much faster, and its gradient this close to float32's.
MARGIN, COSINE, LOSS = 1.2, 0.99, 0.01


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial measured at weights near a run's first ones.

    Args:
        speedup: seconds of a float32 step over those of a bfloat16 one.
        cosine: between the two gradients.
        loss: relative difference of the two losses.
    """

    speedup: float
    cosine: float
    loss: float

    @property
    def dtype(self) -> str:
        """The type to train in."""
        alike = self.cosine >= COSINE and self.loss <= LOSS
        return "bfloat16" if alike and self.speedup >= MARGIN else "float32"


def worth_a_trial(training: Training, machine: Machine) -> bool:
    """Return whether bfloat16 could pay: fast products, and a run long enough to find out."""
    long_enough = SHARE * training.setup.steps >= 2 * STEPS
    return machine.dtype == "bfloat16" and long_enough and training.step == 0


@torch.no_grad()
def try_bfloat16(training: Training) -> Trial:
    """Time both types on a run's own model and first batch; its weights stay as they were.

    The weights are moved by a little noise meanwhile: the head starts at zero, and nothing but
    its own gradient could be compared.
    """
    values, gradients = training.optimizer.values, training.optimizer.gradients
    before = values.clone()
    noise = torch.Generator().manual_seed(training.setup.seed)
    width = training.setup.architecture.width
    values.add_(torch.randn(values.shape, generator=noise), alpha=width**-0.5)
    seconds, losses, directions = [], [], []
    for dtype in ("float32", "bfloat16"):
        spent, loss = _timed(training, training.gradient_in(dtype))
        seconds.append(spent)
        losses.append(loss)
        directions.append(gradients.double())
    values.copy_(before)
    cosine = torch.nn.functional.cosine_similarity(*directions, dim=0)
    return Trial(
        speedup=seconds[0] / max(seconds[1], 1e-9),
        cosine=float(cosine),
        loss=abs(losses[1] / losses[0] - 1.0),
    )


def _timed(training: Training, gradient: Gradient | Autograd) -> tuple[float, float]:
    """Return the least processor seconds of a step, and the loss."""
    _, tokens, targets = next(training.batches.steps(1, 1))
    best, loss = float("inf"), 0.0
    for step in range(STEPS):
        start = time.process_time()
        with torch.enable_grad():
            loss = float(gradient(tokens, targets))
        if step:
            best = min(best, time.process_time() - start)
    return best, loss
