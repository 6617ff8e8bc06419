"""exp, log, where, ... on floats, numpy arrays, dual numbers, symbols and traced expressions.

A law that uses these instead of `numpy` or `math` can be evaluated, differentiated and printed.
sympy is recognised by the type of an argument and never imported for numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.duals import Dual, select, value_of


def _sigmoid(x: Any) -> Any:
    tail = np.exp(-np.abs(x))  # full relative precision in both tails, unlike tanh
    return (np.where(np.asarray(x) >= 0, 1.0, tail) / (1.0 + tail))[()]


def _softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def _gammaln(x: Any) -> Any:
    from isoflop.laws.gamma import gammaln

    return gammaln(x)


_NUMPY: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "abs": np.abs,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "gammaln": _gammaln,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "where": np.where,
}


def _is_symbol(x: Any) -> bool:
    return type(x).__module__.partition(".")[0] == "sympy"


def apply(name: str, *args: Any) -> Any:
    """Apply the function `name` to arguments of any kind that laws are called with."""
    for x in args:
        traced = getattr(x, "traced_function", None)
        if traced is not None:
            return traced(name, args)
    if any(_is_symbol(x) for x in args):
        from isoflop.laws.symbolic import symbolic_function

        return symbolic_function(name, args)
    if any(isinstance(x, Dual) for x in args):
        return _on_duals(name, args)
    return _NUMPY[name](*args)


def _on_duals(name: str, args: tuple[Any, ...]) -> Any:
    if len(args) == 1:
        return args[0].function(name)
    if name == "where":
        return select(value_of(args[0]), args[1], args[2])
    first, second = args
    smaller = value_of(first) <= value_of(second)
    return select(smaller if name == "minimum" else ~np.asarray(smaller), first, second)


def exp(x: Any) -> Any:
    """Return e**x."""
    return apply("exp", x)


def log(x: Any) -> Any:
    """Return the natural logarithm."""
    return apply("log", x)


def log10(x: Any) -> Any:
    """Return the logarithm to base 10."""
    return apply("log10", x)


def log2(x: Any) -> Any:
    """Return the logarithm to base 2."""
    return apply("log2", x)


def log1p(x: Any) -> Any:
    """Return log(1 + x), exact for small x."""
    return apply("log1p", x)


def expm1(x: Any) -> Any:
    """Return exp(x) - 1, exact for small x."""
    return apply("expm1", x)


def sqrt(x: Any) -> Any:
    """Return the square root."""
    return apply("sqrt", x)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return apply("tanh", x)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return apply("sigmoid", x)


def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)) without overflow."""
    return apply("softplus", x)


def gammaln(x: Any) -> Any:
    """Return the logarithm of the gamma function, for positive x."""
    return apply("gammaln", x)


def absolute(x: Any) -> Any:
    """Return |x|."""
    return apply("abs", x)


def minimum(x: Any, y: Any) -> Any:
    """Return the smaller of x and y, elementwise; derivatives follow the one taken."""
    return apply("minimum", x, y)


def maximum(x: Any, y: Any) -> Any:
    """Return the larger of x and y, elementwise; derivatives follow the one taken."""
    return apply("maximum", x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x where the condition holds and y elsewhere, elementwise."""
    return apply("where", condition, x, y)


def choose(labels: Any, values: dict[str, Any]) -> Any:
    """Return, for each run, the value that belongs to its label.

    Args:
        labels: [runs] labels; each must be a key of `values`.
        values: number, [batch, 1] array, dual or symbol by label.

    Raises:
        InputError: if a run has a label without a value.
    """
    traced = getattr(labels, "traced_choice", None)
    if traced is not None:
        return traced(values)
    names = np.asarray(labels)
    masks = {label: np.asarray(names == label, dtype=float) for label in values}
    if not np.all(sum(masks.values())):
        unknown = sorted({str(x) for x in names.ravel()} - {str(x) for x in values})
        raise InputError(
            f"no parameters for {', '.join(unknown)}; known: {', '.join(map(str, values))}."
        )
    total: Any = 0.0
    for label, value in values.items():
        total = total + value * masks[label]
    return total
