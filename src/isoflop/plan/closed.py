"""Closed forms of the optimum, for laws that are Chinchilla's in N and D, over all rows at once.

With serving there is no formula, but the first-order condition is monotone in log N, so bisection
finds its root to the last digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.laws.chinchilla import balance, exponent_loss, exponent_N, optimum
from isoflop.laws.joint_moe import at_experts
from isoflop.plan.lifetime import TRAIN_FLOPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.plan.surface import Surface

Constants = dict[str, Any]

#: ln N is searched between these.
LOWEST, HIGHEST = np.log(1e-3), np.log(1e30)


def _same(columns: Mapping[str, Any], others: Mapping[str, Any]) -> Constants:
    return {name: columns[name] for name in ("E", "A", "alpha", "B", "beta")}


def _gadre(columns: Mapping[str, Any], others: Mapping[str, Any]) -> Constants:
    eta = columns["eta"]
    # `gadre.from_chinchilla` the other way round.
    both = {"A": columns["a"] / 6**eta, "B": columns["b"] / 6**eta}
    return {"E": columns["E"], "alpha": 2 * eta, "beta": 2 * eta, **both}


def _joint_moe(columns: Mapping[str, Any], others: Mapping[str, Any]) -> Constants:
    return at_experts(others["E"], **columns)


#: Law -> constants of `chinchilla` that say the same at fixed further inputs.
_REDUCED: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Constants]] = {
    "chinchilla": _same,
    "task_loss": _same,
    "gadre": _gadre,
    "joint_moe": _joint_moe,
}


def as_chinchilla(surface: Surface) -> Constants | None:
    """Return the constants [row, 1] of Chinchilla's law that a surface is, or None.

    Rows whose constants have no interior optimum (a scale or exponent that is not positive) are
    NaN.
    """
    reduce = _REDUCED.get(surface.law.name)
    if reduce is None:
        return None
    found = reduce(surface.columns, surface.others)
    names = ("A", "alpha", "B", "beta")
    good = np.all([np.asarray(found[name]) > 0 for name in names], axis=0)
    return {**found, **{name: np.where(good, found[name], np.nan) for name in names}}


def _power(c: Constants) -> Constants:
    return {name: c[name] for name in ("A", "alpha", "B", "beta")}


def tokens_for(N: Any, loss: Any, c: Constants) -> np.ndarray:
    """Return the D at which N parameters reach a loss; inf where they never do."""
    with np.errstate(all="ignore"):
        rest = loss - c["E"] - c["A"] * N ** -c["alpha"]
        return np.where(
            rest > 0, (c["B"] / np.where(rest > 0, rest, 1.0)) ** (1 / c["beta"]), np.inf
        )


def for_budget(c: Constants, K: Any, serving: float) -> np.ndarray:
    """Return N of least loss with N (train D + serving) = K, [row, 1].

    Args:
        c: constants of `chinchilla`.
        K: training FLOPs, or training and serving together, [row, 1] or a number.
        serving: `Serving.weighted`.

    Source: Hoffmann et al. 2022, Eq. 4; with serving the condition eps_N / eps_D =
    1 + serving / (train D), as in Sardana et al. 2024.
    """
    with np.errstate(all="ignore"):
        if serving == 0:
            return optimum(K, **c)[0]

        def excess(x: np.ndarray) -> np.ndarray:
            D = (K * np.exp(-x) - serving) / TRAIN_FLOPS
            return np.where(D > 0, _condition(x, D, c, serving), -1.0)

        shape = np.broadcast_shapes(np.shape(K), np.shape(c["A"]))
        return _root(excess, shape)


def for_loss(c: Constants, loss: Any, serving: float) -> np.ndarray:
    """Return N at which a loss costs least, [row, 1]; NaN where it cannot be reached.

    Args:
        c: constants of `chinchilla`.
        loss: to reach, [row, 1] or a number.
        serving: `Serving.weighted`.

    Source: Sardana et al. 2024; without serving Hoffmann et al. 2022, Eq. 4, inverted.
    """
    with np.errstate(all="ignore"):
        above = np.where(loss > c["E"], loss - c["E"], np.nan)
        best = _training_size(c, above)
        if serving == 0:
            return best

        def excess(x: np.ndarray) -> np.ndarray:
            D = tokens_for(np.exp(x), loss, c)
            return np.where(np.isinf(D), 1.0, _condition(x, D, c, serving))

        shape = np.broadcast_shapes(np.shape(loss), np.shape(c["A"]))
        return np.where(np.isfinite(best), _root(excess, shape), np.nan)


def _training_size(c: Constants, above: Any) -> np.ndarray:
    """Return N of the training optimum whose loss lies `above` the irreducible one."""
    G = balance(**_power(c))
    gamma = exponent_loss(alpha=c["alpha"], beta=c["beta"])
    prefactor = c["A"] * G ** -c["alpha"] + c["B"] * G ** c["beta"]
    ratio = (above / prefactor) ** (-1 / gamma)  # C / 6
    return G * ratio ** exponent_N(alpha=c["alpha"], beta=c["beta"])


def _condition(x: np.ndarray, D: np.ndarray, c: Constants, serving: float) -> np.ndarray:
    """Return ln(eps_N / eps_D) - ln(1 + serving / (train D)), which falls with x = ln N."""
    gains = np.log(c["alpha"] * c["A"] / (c["beta"] * c["B"])) - c["alpha"] * x
    return gains + c["beta"] * np.log(D) - np.log1p(serving / (TRAIN_FLOPS * D))


def _root(excess: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    low, high = np.full(shape, LOWEST), np.full(shape, HIGHEST)
    for _ in range(64):
        middle = 0.5 * (low + high)
        right = excess(middle) > 0
        low, high = np.where(right, middle, low), np.where(right, high, middle)
    return np.exp(0.5 * (low + high))
