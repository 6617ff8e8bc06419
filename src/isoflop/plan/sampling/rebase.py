"""REBASE: how many continuations each partial solution gets from a budget of samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

Rounding = Literal["sequential_ceil", "round"]


def rebase(
    rewards: Sequence[float],
    width: int,
    *,
    temperature: float = 0.2,
    rounding: Rounding = "sequential_ceil",
) -> list[int]:
    """Return the number of continuations of each node at one depth.

    Shares are softmax(reward / temperature) of the width. The paper rounds each on its own
    ("round", half to even), which can lose or gain samples; the authors' program goes through
    the nodes by falling reward and takes the ceiling of what is left ("sequential_ceil"), which
    spends exactly the width.

    Args:
        rewards: of the process reward model, one a node [node].
        width: samples to spend at this depth: the target number of solutions less those
            already finished.
        temperature: balance; small values favour the best node. 0.2 is the program's default.
        rounding: which of the two.

    Raises:
        InputError: there are no nodes, a reward is not finite, or width or temperature is not
            positive.

    Source: Wu et al. 2025 (arXiv:2408.00724), equation 1 and the published rebase.py.
    """
    if rounding not in ("sequential_ceil", "round"):
        raise InputError(f"rounding `{rounding}` is neither sequential_ceil nor round.")
    shares = rebase_shares(rewards, temperature)
    if width < 1:
        raise InputError(f"a width of {width} samples; at least one.")
    if rounding == "round":
        return [round(width * share) for share in shares]
    found, left, mass = [0] * len(shares), width, math.fsum(shares)
    for node in np.argsort(-np.asarray(rewards, dtype=float), kind="stable"):
        if left <= 0 or mass <= 0:
            break
        # A share that is whole but for rounding must not be rounded up.
        found[node] = min(left, math.ceil(left * shares[node] / mass - 1e-9))
        left -= found[node]
        mass -= shares[node]
    return found


def rebase_shares(rewards: Sequence[float], temperature: float = 0.2) -> list[float]:
    """Return softmax(reward / temperature), which sums to one.

    Raises:
        InputError: see `rebase`.
    """
    values = np.asarray(rewards, dtype=float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise InputError(f"rewards {values.tolist()} are not a list of finite numbers.")
    if not temperature > 0:
        raise InputError(f"a balance temperature of {temperature:g} is not positive.")
    powers = np.exp((values - values.max()) / temperature)
    return (powers / powers.sum()).tolist()
