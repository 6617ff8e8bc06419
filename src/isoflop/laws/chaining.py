"""The chain rule through intermediate quantities, once instead of at every operation.

A transform of an input may depend on many parameters, and then each operation of the law that
takes it would carry all their pairs. Here the law is differentiated by the transformed input
itself, as one more variable, and its derivatives are put together with those of the transform
at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.laws.duals import Dual, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.laws.duals import Array, Pair

_FEW = 1  # derivatives by so many parameters are carried along instead


def through(
    function: Callable[..., Any], values: Mapping[str, Any], inner: frozenset[str] | set[str]
) -> Any:
    """Evaluate a function whose arguments `inner` are results of other functions.

    Args:
        function: called with all values by name.
        values: arguments; duals or plain numbers.
        inner: names of those that may depend on many parameters.
    """
    deep = {
        name: value
        for name, value in values.items()
        if name in inner and isinstance(value, Dual) and len(value.d) > _FEW
    }
    if not deep:
        return function(**values)
    # Names of variables of the outer function only; `@` cannot occur in a parameter's name.
    fresh = {
        name: Dual(value.value, {f"@{name}": 1.0}, None if value.h is None else {})
        for name, value in deep.items()
    }
    result = function(**{**values, **fresh})
    if not isinstance(result, Dual):
        return result
    return _combine(result, {f"@{name}": value for name, value in deep.items()})


def _combine(outer: Dual, inner: dict[str, Dual]) -> Dual:
    """Replace the variables of the outer function by the parameters of the inner ones."""
    d = {name: slope for name, slope in outer.d.items() if name not in inner}
    for name, value in inner.items():
        if name in outer.d:
            _add(d, {i: times(slope, outer.d[name]) for i, slope in value.d.items()})
    if outer.h is None or any(value.h is None for value in inner.values()):
        return Dual(outer.value, d, None)
    h: dict[Pair, Array] = {}
    for (i, j), curved in outer.h.items():
        left = inner[i].d if i in inner else {i: 1.0}
        right = inner[j].d if j in inner else {j: 1.0}
        _add(h, _product(left, right, curved, mirrored=i != j))
    for name, value in inner.items():
        if name in outer.d:
            _add(h, {pair: times(outer.d[name], c) for pair, c in (value.h or {}).items()})
    return Dual(outer.value, d, h)


def _product(
    left: dict[str, Array], right: dict[str, Array], factor: Array, *, mirrored: bool
) -> dict[Pair, Array]:
    """Return factor * (left_i right_j), and its mirror image if the two differ."""
    total: dict[Pair, Array] = {}
    for i, x in left.items():
        scaled = times(x, factor)
        for j, y in right.items():
            if not mirrored and i > j:
                continue
            pair = (i, j) if i <= j else (j, i)
            term = times(scaled, y)
            if mirrored and i == j:
                term = term * 2.0
            total[pair] = total[pair] + term if pair in total else term
    return total


def _add(total: dict[Any, Array], more: dict[Any, Array]) -> None:
    for key, value in more.items():
        total[key] = total[key] + value if key in total else value
