"""Which law predicted better, and whether the difference could be chance."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Probability below which two laws are not called tied, before it is shared among the laws.
SIGNIFICANT = 0.05
#: Fewer units than this have too few sign patterns to tell anything (2^-5 = 0.03, two-sided 0.06).
FEWEST = 6
_EXHAUSTIVE, _DRAWS = 12, 4096


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A law's place among several.

    Args:
        law: its name; rank: 1 is best; tied laws share a rank.
        error: mean absolute error on the held-out runs, of logarithms unless outputs are not
            positive.
        against: the law it was compared with: the best one of the rank before or of its own.
        p: probability of a difference as large if the two were exchangeable; None for the first.
    """

    law: str
    rank: int
    error: float
    against: str = ""
    p: float | None = None


def rank(
    errors: Mapping[str, np.ndarray],
    clusters: np.ndarray,
    rows: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> tuple[list[Place], str]:
    """Order laws by mean absolute error, with ties where a paired test sees no difference.

    Args:
        errors: by law, errors [prediction] of the same runs.
        clusters: number of the budget, [prediction]; rows: number of the run, if some are
            predicted from several origins.
        seed: of the permutations.

    Returns:
        The places, best first, and what was permuted: "budget", since runs of one budget miss
        together, or "run" where there are fewer than six budgets (then p is too small if they do).
    """
    sizes = {name: np.abs(x) for name, x in errors.items()}
    names = sorted(sizes, key=lambda name: (float(sizes[name].mean()), name))
    budgets = len(np.unique(clusters)) >= FEWEST
    single = np.arange(len(clusters)) if rows is None else rows
    units = clusters if budgets else single
    level = SIGNIFICANT / max(len(names) - 1, 1)
    places: list[Place] = []
    leader = names[0] if names else ""
    for i, name in enumerate(names):
        p = None if i == 0 else paired(sizes[name] - sizes[leader], units, seed=seed)
        place = 1 if i == 0 else places[-1].rank
        against = "" if i == 0 else leader
        if p is not None and p < level:
            place, leader = i + 1, name
        mean = float(sizes[name].mean())
        places.append(Place(law=name, rank=place, error=mean, against=against, p=p))
    return places, "budget" if budgets else "run"


def paired(difference: np.ndarray, units: np.ndarray, *, seed: int = 0) -> float:
    """Return the two-sided p of a sign-flip permutation test of a mean difference of zero.

    Args:
        difference: [run]; units: number of the unit whose signs flip together [run].
        seed: of the random signs, where there are more than twelve units.
    """
    _, index = np.unique(units, return_inverse=True)
    totals = np.bincount(index, weights=difference)
    count = len(totals)
    if count <= _EXHAUSTIVE:
        signs = np.array(list(product((1.0, -1.0), repeat=count)))
    else:
        rng = np.random.default_rng([seed, 13])
        drawn = rng.choice((-1.0, 1.0), size=(_DRAWS - 1, count))
        signs = np.vstack([np.ones(count), drawn])
    flipped = np.abs(signs @ totals)
    # Equal up to rounding is equal: identical laws give p = 1.
    return float(np.mean(flipped >= flipped[0] - 1e-12 * np.abs(totals).sum()))
