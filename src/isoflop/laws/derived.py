"""Numbers that follow from a law's parameters (exponents of its optimum, ...), and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.laws.law import Law


def keywords(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters that a derived number needs."""
    declared = getattr(function, "parameter_names", None)
    if declared is not None:
        return declared
    code = function.__code__
    return code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]


def meanings(law: Law) -> dict[str, str]:
    """Return what derived numbers are, as their docstrings say: a -> "a of N_opt ~ C^a ..."."""
    found = {}
    for name, function in law.derived.items():
        of = function
        while isinstance(of, _Mapped):
            of = of.function
        said = " ".join((of.__doc__ or "").partition("\n\n")[0].split())
        said = said.removeprefix("Return ").removeprefix("the ").partition(": ")[0].rstrip(".")
        if said:
            found[name] = said if said.split()[0] == name else f"{name}: {said}"
    return found


class _Mapped:
    """A derived number of a composite: parameters substituted by numbers or other parameters."""

    def __init__(self, function: Callable[..., Any], substitutes: Mapping[str, Any]) -> None:
        self.function, self.substitutes = function, dict(substitutes)
        needed = [self.substitutes.get(name, name) for name in keywords(function)]
        self.parameter_names = tuple(dict.fromkeys(x for x in needed if isinstance(x, str)))

    def __call__(self, **values: Any) -> Any:
        arguments: dict[str, Any] = {}
        for name in keywords(self.function):
            other = self.substitutes.get(name, name)
            arguments[name] = values[other] if isinstance(other, str) else other
        return self.function(**arguments)


def mapped(law: Law, substitutes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a law's derived numbers with its parameters substituted."""
    return {name: _Mapped(function, substitutes) for name, function in law.derived.items()}
