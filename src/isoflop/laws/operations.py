"""What functions, comparisons and and / or / not mean in a formula of one's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.laws.functions import apply
from isoflop.runs.expression import Meaning
from isoflop.runs.whitelist import Function

if TYPE_CHECKING:
    import ast

_TWO = ("minimum", "maximum")
_ONE = ("exp", "log", "log10", "log2", "log1p", "expm1", "sqrt", "tanh", "abs", "sigmoid")
_ONE += ("softplus", "gammaln")

#: What a formula may call.
FUNCTIONS: dict[str, Function] = {
    **{name: Function(partial(apply, name)) for name in _ONE},
    **{name: Function(partial(apply, name), 2) for name in _TWO},
    "min": Function(partial(apply, "minimum"), 2),
    "max": Function(partial(apply, "maximum"), 2),
    "where": Function(partial(apply, "where"), 3),
}


def _compare(sign: str, left: Any, right: Any, node: ast.AST) -> Any:
    del node
    if sign == "<":
        return left < right
    if sign == "<=":
        return left <= right
    return left > right if sign == ">" else left >= right


def _combine(word: str, values: list[Any], node: ast.AST) -> Any:
    del node
    numbers = all(isinstance(value, bool | np.bool_ | np.ndarray) for value in values)
    if word == "not":
        return np.logical_not(values[0]) if numbers else ~values[0]
    result = values[0]
    for value in values[1:]:
        if numbers:
            result = (np.logical_and if word == "and" else np.logical_or)(result, value)
        else:
            result = result & value if word == "and" else result | value
    return result


#: For numbers, dual numbers, symbols and traces alike.
MEANING = Meaning(FUNCTIONS, _compare, _combine)
