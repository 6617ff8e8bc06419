"""Synthetic runs of known laws."""

from __future__ import annotations

import numpy as np

from isoflop.laws import get

EPOCH = get("chinchilla").constants("epoch")


def isoflop_runs(
    budgets=(1e18, 1e19, 1e20), sizes=7, noise=0.0, seed=0, span=16.0, **changes
) -> dict[str, np.ndarray]:
    """Runs of Chinchilla's law on isoFLOP curves around the optimum, log-normal noise."""
    constants = {**EPOCH, **changes}
    C = np.repeat(budgets, sizes)
    middle = 0.1 * C**0.5
    N = middle * np.tile(np.geomspace(1 / span, span, sizes), len(budgets))
    D = C / (6 * N)
    loss = get("chinchilla")(N, D, **constants)
    loss = loss * np.exp(noise * np.random.default_rng(seed).standard_normal(len(loss)))
    return {"N": N, "D": D, "C": C, "loss": loss}
