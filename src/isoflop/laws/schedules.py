"""Loss curves from the learning-rate schedule: multi-power law and annealing form."""

from typing import Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.dimensions import (
    Exponent,
    Irreducible,
    LearningRate,
    NatsPerToken,
    Positive,
    Scale,
    SummedRate,
)
from isoflop.laws.law import law
from isoflop.laws.sums import segment_sums

_QUESTION = "how does the learning-rate schedule shape the loss?"
_MOST_TERMS = 20_000_000


def cooldown(fraction: Any) -> Any:
    """Return the learning rate of a 1 - sqrt cooldown as a share of its peak.

    Args:
        fraction: of the cooldown done, 0 to 1.

    Source: Hagele et al. 2024 (arXiv:2405.18392).
    """
    return 1 - np.sqrt(fraction)


def multi_power_losses(
    rates: Any,
    steps: Any = None,
    S_W: Any = 0.0,
    *,
    L0: Any,
    A: Any,
    alpha: Any,
    B: Any,
    C: Any,
    beta: Any,
    gamma: Any,
) -> Any:
    """Return the loss of the multi-power law after some steps of a schedule.

    Args:
        rates: [T] learning rate of each step after warm-up, all positive.
        steps: [point] numbers of steps done, 1 to T; the end by default.
        S_W: learning rates of the warm-up, summed; one number or one a point.
        L0: loss of an endless run, nats per token.
        A: scale of the power law in the summed rate.
        alpha: its exponent.
        B: scale of the loss drop.
        C: rate at which a drop saturates.
        beta: exponent of that saturation.
        gamma: exponent of the learning rate in it.

    Returns:
        [..., point] losses, nats per token.

    Raises:
        InputError: if rates are not positive, steps are outside, or there are too many of them.

    Source: Luo et al. 2025 (arXiv:2503.12811).
    """
    rates = np.asarray(rates, dtype=float)
    done = np.atleast_1d(len(rates) if steps is None else np.asarray(steps))
    _check(rates, done)
    # Only steps that change the rate add to the drop; the first one keeps every sum non-empty.
    change = np.concatenate([[0.0], rates[:-1] - rates[1:]])
    where = np.flatnonzero(change)
    where = np.concatenate([[0], where])
    counts = np.searchsorted(where, done - 1, side="right")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    terms = int(counts.sum())
    if terms > _MOST_TERMS:
        raise InputError(
            f"{len(done)} points of this schedule take {terms:.2g} terms.",
            do="Ask for fewer steps: steps=range(100, T, 100).",
        )
    k = where[np.arange(terms) - np.repeat(starts, counts)]
    summed = np.cumsum(rates)
    S_k = np.repeat(summed[done - 1], counts) - summed[k] + rates[k]
    saturation = 1 - (C * rates[k] ** (-gamma) * S_k + 1) ** (-beta)
    drop = B * segment_sums(change[k] * saturation, starts, terms)
    return L0 + A * (summed[done - 1] + S_W) ** (-alpha) - drop


def _check(rates: np.ndarray, done: np.ndarray) -> None:
    if rates.ndim != 1 or not len(rates) or not np.all(rates > 0):
        raise InputError(
            "a schedule is one row of positive learning rates.",
            "The law takes negative powers of them.",
            "Leave warm-up out (S_W) and end the decay above zero.",
        )
    if np.any(done < 1) or np.any(done > len(rates)):
        raise InputError(f"steps must be 1 to {len(rates)}, the length of the schedule.")


@law(source="luo2025", equation="L(t)", question=_QUESTION)
def multi_power(
    eta: LearningRate,
    S_W: SummedRate,
    *,
    L0: Irreducible,
    A: Scale,
    alpha: Exponent,
    B: Scale,
    C: Scale,
    beta: Exponent,
    gamma: Exponent,
) -> NatsPerToken:
    r"""Loss after every step of one run, from its learning rates.

    $$L(t) = L_0 + A (S_1(t) + S_W)^{-\alpha} - LD(t)$$
    $$LD(t) = B \sum_{k=1}^{t} (\eta_{k-1} - \eta_k)\, G(\eta_k^{-\gamma} S_k(t)), \quad
    S_k = \sum_{\tau=k}^{t} \eta_\tau, \quad G(x) = 1 - (C x + 1)^{-\beta}$$

    Rows are consecutive steps after warm-up; S_W is the sum of the rates of the warm-up. The
    sum runs over changes of the rate, k being the step after the change and S_k including it.
    A decay lowers the loss. Some points of a long run: `multi_power_losses`.

    Wrong for another model size, data set, batch or peak learning rate than the one fitted, and
    for rows out of order.
    """
    rates = np.atleast_1d(np.asarray(eta, dtype=float))
    steps = np.arange(1, len(rates) + 1)
    return multi_power_losses(
        rates, steps, S_W, L0=L0, A=A, alpha=alpha, B=B, C=C, beta=beta, gamma=gamma
    )


@law(source="tissue2024", equation="L(s)", question=_QUESTION)
def annealing(
    S1: SummedRate, S2: SummedRate, *, L0: Irreducible, A: Scale, alpha: Exponent, C: Positive
) -> NatsPerToken:
    r"""Loss from the summed learning rate and the annealing area.

    $$L = L_0 + A S_1^{-\alpha} - C S_2$$

    S1 is the sum of the learning rates. S2 measures how much the rate has been annealed and
    for how long; its exact weighting is not confirmed by any source and so is an input here.

    Wrong for another model size, data set or batch than the one fitted, and without bound in
    S2.
    """
    return L0 + A / S1**alpha - C * S2
