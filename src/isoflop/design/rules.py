"""The stated rules: batch, steps and peak learning rates of a run from its budget and width.

The rules were measured on two-layer models of width 8 to 96 at 5e10 to 5e12 FLOPs; outside that
they are an extrapolation, and the learning-rate probes of a study say how good a one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.design.spec import Rates, Setup
from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.design.architecture import Architecture

#: Batch (sequences) at `BASE_BUDGET` FLOPs, and the width and batch at which the rates were tuned.
BASE_BATCH, BASE_BUDGET, BASE_WIDTH = 4, 1e11, 64
#: Peak rates at `BASE_WIDTH` and `BASE_BATCH`; how they were found: docs/log.md, 2026-11-23.
HIDDEN_RATE, HEAD_RATE, EMBEDDING_RATE, GAINS_RATE = 6e-3, 2.4e-2, 1e-1, 1e-2


def batch(budget: float) -> int:
    """Return sequences a step, round(4 (C / 1e11)^(1/4)), for a budget of C FLOPs.

    The same for every width of a budget, so that widths differ in nothing else. The power 1/4
    is half the exponent of D*(C), as in B ~ D^0.38 to D^0.5 (McCandlish et al. 2018,
    arXiv:1812.06162; nanochat's scaling-law runs use 0.383); the factor 4 was measured:
    at 1e6 tokens a few hundred tokens a step are best, 2048 cost 0.2 to 0.4 nats.

    Raises:
        InputError: the budget is not positive.
    """
    if not budget > 0:
        raise InputError(f"a budget of {budget:g} FLOPs is not positive.")
    return max(1, round(BASE_BATCH * (budget / BASE_BUDGET) ** 0.25))


def rates(width: int, batch: int, *, multiple: float = 1.0) -> Rates:
    """Return peak AdamW rates that transfer over width, times `multiple` (for probes).

    Hidden matrices and head: proportional to 1 / width; embedding and gains: independent of it
    (muP for Adam, Yang & Hu et al. 2022, arXiv:2203.03466, Table 8). All proportional to
    sqrt(batch) (Malladi et al. 2022, arXiv:2205.10287). Base values: measured at 1.5e11 FLOPs and
    widths 24 and 48, checked from 16 to 80 and 5e10 to 5e11.

    Args:
        width: residual width d.
        batch: sequences a step.
        multiple: factor on every rate.
    """
    scale = multiple * (batch / BASE_BATCH) ** 0.5
    narrow = BASE_WIDTH / width
    return Rates(
        hidden=HIDDEN_RATE * narrow * scale,
        head=HEAD_RATE * narrow * scale,
        embedding=EMBEDDING_RATE * scale,
        gains=GAINS_RATE * scale,
    )


def steps(architecture: Architecture, budget: float, batch: int) -> int:
    """Return the whole number of steps whose exact training FLOPs are nearest to the budget."""
    a_step = architecture.flops_per_token() * batch * architecture.context
    return max(1, round(budget / a_step))


def setup(
    architecture: Architecture,
    budget: float,
    *,
    corpus: str,
    seed: int = 0,
    multiple: float = 1.0,
) -> Setup:
    """Resolve one run: apply the rules of this module to a shape and a budget.

    Args:
        architecture: shape of the model.
        budget: exact training FLOPs.
        corpus: digest of the corpus.
        seed: of weights and data order.
        multiple: factor on every peak rate (1 but for learning-rate probes).
    """
    sequences = batch(budget)
    return Setup(
        architecture=architecture,
        batch=sequences,
        steps=steps(architecture, budget, sequences),
        rates=rates(architecture.width, sequences, multiple=multiple),
        corpus=corpus,
        seed=seed,
    )
