"""A sound study as a table, and the same with one fault planted in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.laws import get
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable

SAID = Convention(N="matrices+head", D="processed", C="6ND", loss="nats/token")
LAW = get("chinchilla").constants("epoch")
BUDGETS = (1e18, 4e18, 1.6e19, 6.4e19, 2.56e20)
SIZES, SPAN, NOISE = 7, 4.0, 0.004


def optimum(C: Any) -> Any:
    a = LAW["beta"] / (LAW["alpha"] + LAW["beta"])
    G = (LAW["alpha"] * LAW["A"] / (LAW["beta"] * LAW["B"])) ** (1 / (LAW["alpha"] + LAW["beta"]))
    return G * (np.asarray(C) / 6) ** a


def loss_of(N: Any, D: Any) -> Any:
    return get("chinchilla")(N, D, **LAW)


def columns(
    seed: int = 0,
    *,
    budgets: tuple[float, ...] = BUDGETS,
    sizes: int = SIZES,
    span: float = SPAN,
    noise: float = NOISE,
    centre: Any = 1.0,
) -> dict[str, Any]:
    """Runs of Epoch's law on isoFLOP curves, one schedule a run, every column an audit reads."""
    rng = np.random.default_rng(seed)
    C = np.repeat(budgets, sizes)
    middle = optimum(C) * np.broadcast_to(centre, len(budgets)).repeat(sizes)
    N = middle * np.tile(np.geomspace(1 / span, span, sizes), len(budgets))
    # One setup with two more seeds.
    again = np.r_[np.arange(len(C)), 3, 3]
    C, N = C[again], N[again]
    D = C / (6 * N)
    rows = len(C)
    # Rates and batches follow size up to the rounding of a human hand.
    lr = 0.5 * N**-0.36 * np.exp(0.15 * rng.standard_normal(rows))
    batch = 2.0 ** np.round(np.log2(0.02 * D**0.4))
    lr[-2:], batch[-2:] = lr[3], batch[3]
    steps = np.ceil(D / (batch * 2048))
    return {
        "N": N,
        "N_matrices_head": N,
        "N_matrices": N * 0.93,
        "N_all": N * 1.06,
        "D": D,
        "U": np.full(rows, 1e13),
        "C": C,
        "loss": loss_of(N, D) * np.exp(noise * rng.standard_normal(rows)),
        "budget": C,
        "seed": np.r_[np.zeros(rows - 2), 1, 2],
        "lr": lr,
        "final_lr": 0.1 * lr,
        "batch": batch,
        "steps": steps,
        "warmup_steps": np.round(0.02 * steps),
        "status": np.array(["finished"] * rows, dtype=object),
        "tokenizer": np.array(["bpe-32k"] * rows, dtype=object),
        "machine": np.array([("a", "b")[k % 2] for k in range(rows)], dtype=object),
    }


def table(convention: Convention = SAID, **values: Any) -> RunTable:
    return RunTable.from_columns(values, convention=convention)


def clean(seed: int = 0, **changes: Any) -> RunTable:
    return table(**columns(seed, **changes))
