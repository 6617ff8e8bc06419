"""Which whole runs to choose: greedy starts, then exchanges, under a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoflop.design.belief import Belief

#: Greedy starts divide the gain of a run by its cost to these powers.
_POWERS = (0.0, 0.5, 1.0)
_TOLERANCE = 1e-9
#: Places tried as the one that must lie inside, for each of these powers, and by which factor their
#: costs differ at least: sizes of one cost tell nearly the same.
_TRIED, _APART = 4, 1.1


def choose(
    belief: Belief,
    costs: np.ndarray,
    budget: float,
    *,
    most: int,
    inside: Callable[[Sequence[int]], np.ndarray] | None = None,
) -> list[int]:
    """Return the places whose observation leaves the target surest, each at most once.

    Args:
        belief: about places and target.
        costs: of each place [place].
        budget: that the chosen places' costs must not exceed.
        most: largest number of places.
        inside: which places [place] lie inside the span of a choice; one of the chosen must, if
            any can. None if that is not asked for.

    Returns:
        Places in the order of their costs; none if none is affordable. Exchanges end where no
        single addition, removal or replacement helps, so it is a local optimum;
        `information.c_optimal` bounds what is left to gain.
    """
    best = _search(belief, costs, budget, most, [])
    if inside is not None and best and not inside(best)[best].any():
        inner = np.flatnonzero(inside(best))
        gain = belief.gains([])[inner]
        best_first = [inner[np.argsort(-gain / costs[inner] ** power)] for power in _POWERS]
        tried = {place for order in best_first for place in _apart(order, costs)}
        found = [_search(belief, costs, budget, most, [place]) for place in sorted(tried)]
        found = [chosen for chosen in found if inside(chosen)[chosen].any()]
        best = min(found, key=belief.deviation, default=best)
    return sorted(best, key=lambda place: (costs[place], place))


def _apart(order: np.ndarray, costs: np.ndarray) -> list[int]:
    """Return the first places of an order whose costs differ."""
    taken: list[int] = []
    for place in order:
        if all(abs(np.log(costs[place] / costs[k])) > np.log(_APART) for k in taken):
            taken.append(int(place))
        if len(taken) == _TRIED:
            break
    return taken


def _search(
    belief: Belief, costs: np.ndarray, budget: float, most: int, fixed: list[int]
) -> list[int]:
    starts = [_greedy(belief, costs, budget, most, fixed, power) for power in _POWERS]
    improved = [_exchange(belief, costs, budget, most, len(fixed), start) for start in starts]
    return min(improved, key=belief.deviation)


def _worth(belief: Belief, costs: np.ndarray, budget: float, chosen: Sequence[int]) -> np.ndarray:
    """Gains of the places that are affordable beside the chosen ones; -1 for the others."""
    left = budget * (1 + _TOLERANCE) - costs[list(chosen)].sum()
    worth = np.where(costs <= left, belief.gains(chosen), -1.0)
    worth[list(chosen)] = -1.0
    return worth


def _greedy(
    belief: Belief,
    costs: np.ndarray,
    budget: float,
    most: int,
    fixed: list[int],
    power: float,
) -> list[int]:
    chosen = list(fixed)
    while len(chosen) < most:
        worth = _worth(belief, costs, budget, chosen) / (costs / budget) ** power
        place = int(np.argmax(worth))
        if worth[place] <= 0:
            break
        chosen.append(place)
    return chosen


def _exchange(
    belief: Belief, costs: np.ndarray, budget: float, most: int, fixed: int, chosen: list[int]
) -> list[int]:
    """Replace or add single places as long as that helps; the first `fixed` ones stay."""
    best = belief.deviation(chosen)
    at, still = fixed, 0
    # One pass over all positions without a change ends the search.
    while still <= len(chosen) - fixed:
        rest = chosen[:at] + chosen[at + 1 :]
        if len(rest) < most:
            worth = _worth(belief, costs, budget, rest)
            place = int(np.argmax(worth))
            after = belief.deviation([*rest, place]) if worth[place] > 0 else np.inf
            if after < best * (1 - _TOLERANCE):
                chosen, best, still = [*rest, place], after, -1
        still += 1
        at = at + 1 if at < len(chosen) else fixed
    return chosen
