"""A number of tokens or of parameters in place of a budget: the run that goes with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.optimise import Optimum, lowest_loss
from isoflop.units import format_count, format_flops, parse_count

if TYPE_CHECKING:
    from isoflop.plan.limits import Limits
    from isoflop.plan.surface import Surface

_TEXT = re.compile(
    r"(?P<count>[-+−]?[\d.][^\s]*(?:\s+[a-z]+illion)?)\s*(?:(?P<unique>unique|different)\s+)?"
    r"(?P<what>tokens?|param(?:eter)?s?)",
    re.IGNORECASE,
)
#: Tokens a parameter that the search for the compute starts from.
_RATIO = 20.0
_STEPS, _CLOSE = 40, 1e-11
#: A searched optimum is good to about 1e-8: below this a step that gains little is the last.
_NOISE = 1e-6


@dataclass(frozen=True)
class Given:
    """The number that a plan starts from.

    Args:
        name: "N" or "D"; value: parameters or tokens.
        words: what it is, for people: "50B unique tokens, each seen once".
    """

    name: str
    value: float
    words: str


def read_counted(text: Any) -> dict[str, float]:
    """Return the option that a budget of tokens or parameters stands for; empty if it is none.

    "50B unique tokens" is `unique_tokens`, "1T tokens" is `D`, "7B parameters" is `N`.
    """
    found = _TEXT.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return {}
    size = found["what"].lower().startswith("p")
    if size and found["unique"]:
        return {}
    name = "N" if size else "unique_tokens" if found["unique"] else "D"
    return {name: parse_count(found["count"])}


def given_of(N: float | None, D: float | None, unique: float | None, epochs: float | None) -> Given:
    """Return what a plan without a budget starts from.

    Args:
        N: parameters; D: tokens; unique: different tokens; epochs: how often each is seen, once
            if None. At least one of the first three is not None, N and D are not both given.
    """
    if N is not None:
        return Given("N", N, f"{format_count(N)} parameters")
    if D is not None:
        return Given("D", D, f"{format_count(D)} tokens")
    often, many = 1.0 if epochs is None else epochs, unique or 0.0
    seen = "once" if often == 1 else f"{often:g} times"
    return Given("D", often * many, f"{format_count(many)} unique tokens, each seen {seen}")


def best_with(surface: Surface, given: Given, *, serving: float, limits: Limits) -> Optimum:
    """Return the run of each row that spends some cost best and has the given N or D.

    Without serving its compute is the least for which the given number is the best choice:
    Chinchilla's D for an N, and Muennighoff's N for the unique tokens. With serving no other N
    and D reach its loss at a lower lifetime cost.

    Args:
        surface: a loss in N and D, with its samples.
        given: N or D.
        serving: `Serving.weighted`: serving FLOPs a parameter.
        limits: bounds on N, D and training FLOPs.

    Raises:
        InputError: the bounds exclude it.
        NotIdentified: the law has no best size.
    """
    _check_bounds(given, limits)
    free = msgspec.structs.replace(
        limits, max_C=np.inf, **{f"min_{given.name}": 0.0, f"max_{given.name}": np.inf}
    )
    least = max(free.min_N, 1.0) * serving * (1 + 1e-9)
    other = given.value * _RATIO if given.name == "N" else given.value / _RATIO
    start = np.log(TRAIN_FLOPS * given.value * other + serving * min(other, given.value))
    point = surface.point()
    best, x, slope = _solve(point, given, np.full((1, 1), start), 0.5, serving, free, least)
    _check_reached(given, best, limits)
    if surface.rows > 1:
        each = np.full((surface.rows, 1), x[0, 0])
        best, _, _ = _solve(surface, given, each, slope[0, 0], serving, free, least)
    return _exact(surface, given, best, serving, limits)


def _solve(
    surface: Surface,
    given: Given,
    x: np.ndarray,
    slope: float,
    serving: float,
    limits: Limits,
    least: float,
) -> tuple[Optimum, np.ndarray, np.ndarray]:
    """Return the optimum whose N or D is the given one, its ln cost, and the slope there.

    N and D grow with the cost nearly as a power of it, so few secants are enough.

    Args:
        x: ln cost [row, 1] to start from; slope: of ln N or ln D over it there.
        least: cost that the bounds and serving take at least.
    """
    slopes = np.full_like(x, slope)
    floor = np.log(least) if least > 0 else -np.inf
    best, miss = _miss(surface, given, x, serving, limits)
    for _ in range(_STEPS):
        after = np.maximum(x - np.clip(miss / slopes, -10.0, 10.0), floor)
        best, found = _miss(surface, given, after, serving, limits)
        with np.errstate(all="ignore"):
            seen = (found - miss) / (after - x)
        slopes = np.where(np.isfinite(seen) & (seen > 1e-3), np.clip(seen, 0.05, 2.0), slopes)
        before, worst = np.max(np.abs(miss)), np.max(np.abs(found))
        x, miss = after, found
        if worst < _CLOSE or 0.5 * before < worst < _NOISE:
            break
    return best, x, slopes


def _miss(
    surface: Surface, given: Given, x: np.ndarray, serving: float, limits: Limits
) -> tuple[Optimum, np.ndarray]:
    """Return the optimum of a cost, and ln of its N or D over the given one; 0 without one."""
    best = lowest_loss(surface, np.exp(x), serving=serving, limits=limits)
    value = np.log(getattr(best, given.name) / given.value)[:, None]
    return best, np.where(np.isfinite(value), value, 0.0)


def _exact(
    surface: Surface, given: Given, best: Optimum, serving: float, limits: Limits
) -> Optimum:
    """Return the optimum with the given number itself, not one that is close."""
    none = ~np.isfinite(best.N)
    pair = {"N": best.N, "D": best.D, given.name: np.full(surface.rows, given.value)}
    N, D = (np.where(none, np.nan, pair[name]) for name in ("N", "D"))
    spent = TRAIN_FLOPS * N[0] * D[0]
    if spent > limits.max_C * (1 + 1e-9):
        raise InputError(
            f"the compute-optimal run of {given.words} takes {format_flops(spent)} FLOPs; at most"
            f" {format_flops(limits.max_C)} are allowed{limits.why('max_C')}.",
            do="Allow more, or give the compute as the budget and the number as a bound.",
        )
    loss = surface.loss(np.where(none, 1.0, N)[:, None], np.where(none, 1.0, D)[:, None])[:, 0]
    return Optimum(N, D, np.where(none, np.nan, loss), N * (TRAIN_FLOPS * D + serving))


def _check_bounds(given: Given, limits: Limits) -> None:
    low, high = (getattr(limits, f"{end}_{given.name}") for end in ("min", "max"))
    if not low * (1 - 1e-12) <= given.value <= high * (1 + 1e-12):
        end = "min" if given.value < low else "max"
        raise InputError(
            f"{given.words} are given, and {given.name} is to be at"
            f" {'least' if end == 'min' else 'most'}"
            f" {format_count(low if end == 'min' else high)}"
            f"{limits.why(f'{end}_{given.name}')}.",
            "No run is both.",
            "Drop one of the two.",
        )


def _check_reached(given: Given, best: Optimum, limits: Limits) -> None:
    reached = float(getattr(best, given.name)[0])
    if not abs(reached / given.value - 1) < 1e-6:
        other = "D" if given.name == "N" else "N"
        raise InputError(
            f"no budget makes {given.words} the best choice; the nearest is {given.name} ="
            f" {format_count(reached)}.",
            f"The bounds on {other} keep it there." if limits.only_on_N else "",
            f"Give a budget too:  --budget 1e22 --{given.name} {format_count(given.value)}",
        )
