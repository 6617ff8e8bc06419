"""The text of a formula, found by calling the function with symbols of our own.

Cheaper than sympy by a second of start-up: a `Fit` carries the text of its law, so that it can
be read, and evaluated by `isoflop.laws.formula`, without the code that declared it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Binding strength of operators; a weaker operand is put in brackets.
_SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(5)


class Node:
    """A traced expression: its text and how strongly its outermost operator binds."""

    __slots__ = ("binding", "text")
    __array_ufunc__ = None

    def __init__(self, text: str, binding: int = _ATOM) -> None:
        self.text, self.binding = text, binding

    def __repr__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        raise TypeError("a law branches on a value; use isoflop.laws.functions.where")

    def __add__(self, other: Any) -> Node:
        return _infix(self, "+", other, _SUM)

    def __radd__(self, other: Any) -> Node:
        return _infix(other, "+", self, _SUM)

    def __sub__(self, other: Any) -> Node:
        return _infix(self, "-", other, _SUM, strict=True)

    def __rsub__(self, other: Any) -> Node:
        return _infix(other, "-", self, _SUM, strict=True)

    def __mul__(self, other: Any) -> Node:
        return _infix(self, "*", other, _PRODUCT)

    def __rmul__(self, other: Any) -> Node:
        return _infix(other, "*", self, _PRODUCT)

    def __truediv__(self, other: Any) -> Node:
        return _infix(self, "/", other, _PRODUCT, strict=True)

    def __rtruediv__(self, other: Any) -> Node:
        return _infix(other, "/", self, _PRODUCT, strict=True)

    def __pow__(self, other: Any) -> Node:
        return _power(self, other)

    def __rpow__(self, other: Any) -> Node:
        return _power(other, self)

    def __neg__(self) -> Node:
        return Node("-" + _wrap(self, _PRODUCT), _UNARY)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return self.traced_function("abs", (self,))

    def __lt__(self, other: Any) -> Node:
        return _infix(self, "<", other, _SUM)

    def __le__(self, other: Any) -> Node:
        return _infix(self, "<=", other, _SUM)

    def __gt__(self, other: Any) -> Node:
        return _infix(self, ">", other, _SUM)

    def __ge__(self, other: Any) -> Node:
        return _infix(self, ">=", other, _SUM)

    def traced_function(self, name: str, args: tuple[Any, ...]) -> Node:
        """Return the call of a function as an expression."""
        return Node(f"{name}({', '.join(_node(x).text for x in args)})")

    def traced_choice(self, values: dict[str, Any]) -> Node:
        """Return the choice of a group's value as an expression."""
        inner = ", ".join(f"{label}: {_node(value).text}" for label, value in values.items())
        return Node(f"choose({self.text}, {inner})")


def _node(x: Any) -> Node:
    if isinstance(x, Node):
        return x
    number = float(np.asarray(x))
    text = repr(int(number)) if number.is_integer() and abs(number) < 1e6 else repr(number)
    return Node(text, _UNARY if number < 0 else _ATOM)


def _wrap(x: Node, least: int, strict: bool = False) -> str:
    enough = x.binding > least if strict else x.binding >= least
    return x.text if enough else f"({x.text})"


def _infix(a: Any, sign: str, b: Any, binding: int, strict: bool = False) -> Node:
    left, right = _node(a), _node(b)
    tight = strict or right.binding == _UNARY
    return Node(f"{_wrap(left, binding)} {sign} {_wrap(right, binding, tight)}", binding)


def _power(a: Any, b: Any) -> Node:
    base, exponent = _wrap(_node(a), _POWER, strict=True), _wrap(_node(b), _ATOM)
    return Node(f"{base}**{exponent}", _POWER)
