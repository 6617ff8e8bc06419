"""How public functions are called: layers that are also verbs, and numbers as people write them.

`isoflop.fit` is a package, and `isoflop.fit(...)` fits: importing a submodule sets it as an
attribute of its package, so a function of the same name would be hidden by it; a package that can
be called is both.
"""

from __future__ import annotations

import sys
from functools import wraps
from importlib import import_module
from inspect import Signature, signature
from numbers import Real
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from isoflop.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


P = ParamSpec("P")
R = TypeVar("R")


class Verb(ModuleType):
    """A package that can be called; `__verb__` names its function as `module:function`.

    Its signature and docstring are the function's, so that `help` and notebooks show them.
    """

    __verb__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the package's function."""
        return _function(self)(*args, **kwargs)

    @property
    def __doc__(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The function's docstring, looked up when it is asked for."""
        return _function(self).__doc__

    @property
    def __signature__(self) -> Signature:
        """The function's signature."""
        return signature(_function(self))


def _function(package: Verb) -> Callable[..., Any]:
    module, _, name = package.__verb__.partition(":")
    return getattr(import_module(module), name)


def verb(package: str, function: str) -> None:
    """Make an imported package callable.

    Args:
        package: its `__name__`; function: "module:function" that a call goes to.
    """
    module = sys.modules[package]
    module.__class__ = Verb
    module.__verb__ = function  # pyright: ignore[reportAttributeAccessIssue]


def _whole(text: str) -> int:
    from isoflop.units import parse_count

    value = parse_count(text)
    if value != int(value):
        raise InputError(f"`{text}` is not a whole number.")
    return int(value)


def _readers() -> dict[str, Callable[[str], Any]]:
    """Return how the text of an argument is read, by its kind."""
    from isoflop.units import parse_count, parse_flops, parse_quantity, parse_share

    def quantity(unit: str) -> Callable[[str], float]:
        return lambda text: parse_quantity(text, unit).value

    return {
        "count": parse_count,
        "whole": _whole,
        "share": parse_share,
        "FLOP": parse_flops,
        **{unit: quantity(unit) for unit in ("s", "B", "W", "USD")},
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
        return _readers()[kind](value)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} is a number or text, not {type(value).__name__}.")
    return value
