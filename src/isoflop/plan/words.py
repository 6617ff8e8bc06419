"""Arguments of public functions as people write them: `latency="20 ms"`, `tokens="5T"`."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from numbers import Real
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from isoflop.errors import InputError
from isoflop.units import parse_count, parse_flops, parse_quantity, parse_share

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def _whole(text: str) -> int:
    value = parse_count(text)
    if value != int(value):
        raise InputError(f"`{text}` is not a whole number.")
    return int(value)


def _in(unit: str) -> Callable[[str], float]:
    return lambda text: parse_quantity(text, unit).value


#: Kind of an argument -> how its text is read.
_READERS: dict[str, Callable[[str], Any]] = {
    "count": parse_count,
    "whole": _whole,
    "share": parse_share,
    "FLOP": parse_flops,
    **{unit: _in(unit) for unit in ("s", "B", "W", "USD")},
}


def worded(**kinds: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take some of its numbers as text too.

    Args:
        kinds: by argument: "count" (70B), "whole" (8k, no fraction), "share" (40%), "FLOP", or
            the unit of a quantity: "s" (20 ms), "B" (72 GB), "W", "USD".
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        expected = signature(function)

        @wraps(function)
        def reading(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = expected.bind(*args, **kwargs)
            for name, kind in kinds.items():
                if bound.arguments.get(name) is not None:
                    bound.arguments[name] = _read(name, bound.arguments[name], kind)
            return function(*bound.args, **bound.kwargs)

        return reading

    return decorate


def _read(name: str, value: Any, kind: str) -> Any:
    if isinstance(value, str):
        return _READERS[kind](value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} is a number or text, not {type(value).__name__}.")
    return value
