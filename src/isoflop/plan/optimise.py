"""The three objectives: lowest loss for a budget, lowest cost for a loss, by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.plan import closed, search
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.units import format_flops

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.plan.limits import Limits
    from isoflop.plan.surface import Surface


#: Parameters and tokens that stand for as many as one likes.
_ENDLESS = 1e80
#: Logarithms of costs that are equal.
_EQUAL = 1e-12


@dataclass(frozen=True)
class Optimum:
    """N, D and loss of every row, shape [row]; row 0 is the estimate.

    NaN where a row has no optimum within the limits. `cost` is N (train D + serving).
    """

    N: np.ndarray
    D: np.ndarray
    loss: np.ndarray
    cost: np.ndarray

    def cheaper(self, other: Optimum, serving: float) -> Optimum:
        """Return the other plan, and this one where the other has none.

        Where training may cost no more than this plan's, it is the only one of its loss, and a
        search for a cheaper one finds nothing.

        Args:
            other: of the same losses.
            serving: `Serving.weighted`, which this plan's cost leaves out.
        """
        own = Optimum(self.N, self.D, self.loss, self.N * (TRAIN_FLOPS * self.D + serving))
        none = ~np.isfinite(other.N)
        names = ("N", "D", "loss", "cost")
        return Optimum(
            *(np.where(none, getattr(own, name), getattr(other, name)) for name in names)
        )


def tokens_of(N: np.ndarray, K: np.ndarray | float, serving: float, limits: Limits) -> np.ndarray:
    """Return the D a budget leaves for N parameters, at most as allowed; NaN if too few."""
    with np.errstate(all="ignore"):
        D = (K / N - serving) / TRAIN_FLOPS
        D = np.minimum(D, np.minimum(limits.max_D, limits.max_C / (TRAIN_FLOPS * N)))
    return np.where((D > 0) & (limits.min_D * (1 - 1e-12) <= D), D, np.nan)


def lowest_loss(
    surface: Surface, K: np.ndarray | float, *, serving: float = 0.0, limits: Limits
) -> Optimum:
    """Return the N and D of least loss whose lifetime costs K.

    Args:
        surface: a loss in N and D, with its samples.
        K: training FLOPs, or training and serving together; a number or [row, 1].
        serving: `Serving.weighted`: serving FLOPs a parameter.
        limits: bounds on N, D and training FLOPs.

    Raises:
        InputError: the limits contradict the budget.
        NotIdentified: the estimate has no optimum between the bounds.
    """
    limits.within_budget(float(np.max(K)), serving)
    constants = closed.as_chinchilla(surface) if limits.only_on_N else None
    if constants is not None:
        # The loss along a budget has one minimum in ln N: within bounds it is the nearest point.
        N = np.clip(closed.for_budget(constants, K, serving), limits.min_N, limits.max_N)
    else:
        columns = surface.columns

        def along(N: np.ndarray) -> np.ndarray:
            D = tokens_of(N, K, serving, limits)
            return np.where(np.isnan(D), np.inf, surface.loss(N, D, columns))

        low, high, bounded = _range(limits, float(np.max(K)), serving)
        N = search.lowest(along, low, high, bounded=bounded)
    optimum = _at(surface, N, tokens_of(N, K, serving, limits), serving)
    if not np.isfinite(optimum.N[0]):
        raise NotIdentified(
            f"no size is best for {format_flops(float(np.max(K)))} FLOPs: the loss of"
            f" `{surface.law.name}` falls towards an end of the range of N.",
            "It has no term that makes large models on little data worse, or small ones.",
            "Look at its exponents, or bound N:  --max-N 70B",
        )
    return optimum


def lowest_cost(
    surface: Surface, loss: np.ndarray | float, *, serving: float = 0.0, limits: Limits
) -> Optimum:
    """Return the N and D that reach a loss at the least cost; NaN where a row cannot reach it.

    Args:
        surface: a loss in N and D, with its samples.
        loss: to reach, nats per token (or the law's unit); a number or [row, 1].
        serving: `Serving.weighted`: serving FLOPs a parameter; 0 for training alone.
        limits: bounds on N, D and training FLOPs.
    """
    tokens = _tokens_reaching(surface, loss, limits)
    N = _cheapest(surface, loss, serving, limits, tokens)
    if np.isfinite(limits.max_C):
        N = _within_compute(N, _cheapest(surface, loss, 0.0, limits, tokens), tokens, limits.max_C)
    with np.errstate(invalid="ignore"):
        return _at(surface, N, tokens(np.where(np.isnan(N), 1.0, N)), serving)


def _tokens_reaching(
    surface: Surface, loss: np.ndarray | float, limits: Limits
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that gives D for N: the loss is reached, the bounds on D are kept."""
    last: dict[tuple[int, ...], np.ndarray] = {}

    def tokens(N: np.ndarray) -> np.ndarray:
        # A search asks for sizes ever closer to those before.
        last[N.shape] = tokens_at(surface, N, loss, last.get(N.shape))
        D = np.maximum(last[N.shape], limits.min_D)
        return np.where(limits.max_D * (1 + 1e-12) >= D, D, np.inf)

    return tokens


def _cheapest(
    surface: Surface,
    loss: np.ndarray | float,
    serving: float,
    limits: Limits,
    tokens: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the N [row, 1] of least cost, whatever training may cost."""
    constants = closed.as_chinchilla(surface)
    if constants is not None and limits.min_D == 0 and np.isinf(limits.max_D):
        return np.clip(closed.for_loss(constants, loss, serving), limits.min_N, limits.max_N)

    def along(N: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.log(N * (TRAIN_FLOPS * tokens(N) + serving))

    low, high, bounded = _range(limits, np.inf, serving)
    # Solving for D at each point costs much; the cost has one minimum, so few points bracket it.
    return search.lowest(along, low, high, bounded=bounded, per_decade=2)


def _within_compute(
    life: np.ndarray,
    training: np.ndarray,
    tokens: Callable[[np.ndarray], np.ndarray],
    most: float,
) -> np.ndarray:
    """Return the N of the cheapest life among those whose training costs no more than `most`.

    Training costs least at N = `training`; towards the smaller N = `life` it only grows, so the
    answer is `life`, or the N between them whose training costs `most`.
    """

    def over(x: np.ndarray) -> np.ndarray:
        N = np.exp(x)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.log(TRAIN_FLOPS * N * tokens(N) / most)

    low, high = np.log(life), np.log(training)
    at_low, at_high = over(low), over(high)
    between = (at_low > _EQUAL) & (at_high <= _EQUAL)
    # Rows with nothing between their ends stand still at one of them.
    ends = (np.where(between, x, 0.0) for x in (low, high, at_low, at_high))
    N = np.where(between, np.exp(search.ridders(over, *ends)), life)
    return np.where(at_high <= _EQUAL, N, np.nan)


def lowest_reachable(surface: Surface, *, limits: Limits) -> float:
    """Return the lowest loss of the estimate within the limits, whatever it costs."""
    point = surface.point()
    if np.isfinite(limits.max_C):
        return float(lowest_loss(point, limits.max_C, limits=limits).loss[0])
    return float(lowest_losses(point, limits.max_N, limits.max_D)[0])


def lowest_losses(surface: Surface, max_N: float = np.inf, max_D: float = np.inf) -> np.ndarray:
    """Return the loss [row] of as many parameters, and of the best tokens, as there may be.

    More tokens are not always better: a model quantised after training loses more by them.
    """
    N = np.array([[min(max_N, _ENDLESS)]])
    D = np.minimum(np.geomspace(1.0, _ENDLESS, 161), max_D)[None]
    return surface.loss(N, D).min(axis=1)


def tokens_at(
    surface: Surface,
    N: np.ndarray,
    loss: np.ndarray | float,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """Return the tokens with which N parameters reach a loss, [row, k]; inf where they never do.

    `near` is what sizes close by need, see `isoflop.plan.search.tokens_for`.
    """
    constants = closed.as_chinchilla(surface)
    if constants is not None:
        return closed.tokens_for(N, loss, constants)
    return search.tokens_for(surface, N, loss, near)


def _range(limits: Limits, K: float, serving: float) -> tuple[float, float, tuple[bool, bool]]:
    """Return the sizes to search and which ends are bounds of the user's."""
    dearest = K / (TRAIN_FLOPS * limits.min_D + serving) if limits.min_D + serving > 0 else np.inf
    high = min(search.LARGEST, limits.max_N, dearest)
    low = max(min(search.SMALLEST, high / 10), limits.min_N)
    bounded = (limits.min_N > 0, high == limits.max_N or (limits.min_D > 0 and high == dearest))
    if low >= high * (1 - 1e-12):
        return high * (1 - 1e-9), high, (True, True)
    return low, high, bounded


def _at(surface: Surface, N: np.ndarray, D: np.ndarray, serving: float) -> Optimum:
    good = np.isfinite(N) & np.isfinite(D)
    N, D = np.where(good, N, np.nan), np.where(good, D, np.nan)
    loss = np.where(good, surface.loss(np.where(good, N, 1.0), np.where(good, D, 1.0)), np.nan)
    cost = N * (TRAIN_FLOPS * D + serving)
    return Optimum(N[:, 0], D[:, 0], loss[:, 0], cost[:, 0])
