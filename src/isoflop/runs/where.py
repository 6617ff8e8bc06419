"""Conditions and computed columns over a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.runs.chosen import CHOSEN
from isoflop.runs.expression import Expression, Meaning, evaluate, parse
from isoflop.runs.whitelist import Function

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from isoflop.runs.table import RunTable

_COMPARE = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
FUNCTIONS = {
    **{f.__name__: Function(f) for f in (np.exp, np.log, np.log10, np.log2, np.sqrt)},
    "abs": Function(np.abs),
    "minimum": Function(np.minimum, 2),
    "maximum": Function(np.maximum, 2),
}


def mask_of(condition: str, table: RunTable) -> np.ndarray:
    """Return which runs meet a condition such as `"epoch_outlier == 0 and N > 1B"`.

    Text compares with == != and `in ('a', 'b')`. A missing number meets no comparison but !=,
    and is not true. `last_of_run` and `best_of_setup` are conditions of their own (see
    `isoflop.runs.chosen`); they look at all rows of the table, whatever stands beside them.

    Returns:
        Boolean array [run].

    Raises:
        InputError: with carets, if the condition cannot be read, names no column, or compares
            text with numbers.
    """
    value, expression = _evaluated(condition, table)
    if value.dtype != bool:
        raise expression.error(
            expression.tree,
            "this is a value, not a condition.",
            do='Compare it with something:  --where "N > 1B"',
        )
    return np.broadcast_to(value, (len(table),)).copy()


def values_of(formula: str, table: RunTable) -> np.ndarray:
    """Return a column computed from others, such as `"params_M * 1e6"`, as float64 [run].

    Raises:
        InputError: with carets, if it cannot be read, names no column, or is text.
    """
    value, expression = _evaluated(formula, table)
    if value.dtype.kind not in "fb":
        raise expression.error(expression.tree, "this is text, not a number.")
    return np.broadcast_to(value, (len(table),)).astype(float)


def _evaluated(text: str, table: RunTable) -> tuple[np.ndarray, Expression]:
    expression = parse(text, FUNCTIONS)
    for name in expression.names:
        if name not in table and name not in CHOSEN:
            raise expression.error(
                name,
                f"there is no column `{name}`; the table has {', '.join(table.columns)}.",
                do="Put text in quotes and odd names in backquotes.",
            )
    columns = {
        name: table[name] if name in table else CHOSEN[name](table) for name in expression.names
    }
    try:
        with np.errstate(all="ignore"):
            value = evaluate(expression, columns, _meaning(expression))
    except TypeError:
        raise expression.error(expression.tree, "text has no arithmetic.") from None
    return _array(value), expression


def _meaning(expression: Expression) -> Meaning:
    def compare(sign: str, left: Any, right: Any, node: ast.AST) -> np.ndarray:
        if sign in {"in", "not in"}:
            found = np.any([compare("==", left, item, node) for item in right], axis=0)
            return ~found if sign == "not in" else found
        left, right = _array(left), _array(right)
        text = [side.dtype.kind == "O" for side in (left, right)]
        if text[0] != text[1]:
            raise expression.error(node, "this compares text with numbers.")
        if text[0] and sign not in {"==", "!="}:
            raise expression.error(node, f"text is not ordered by `{sign}`.")
        return np.asarray(_COMPARE[sign](left, right), dtype=bool)

    def combine(word: str, values: list[Any], node: ast.AST) -> np.ndarray:
        masks = [_truth(value, expression, node) for value in values]
        if word == "not":
            return ~masks[0]
        reduce: Mapping[str, np.ufunc] = {"and": np.logical_and, "or": np.logical_or}
        result = masks[0]
        for mask in masks[1:]:
            result = reduce[word](result, mask)
        return result

    return Meaning(FUNCTIONS, compare, combine)


def _truth(value: Any, expression: Expression, node: ast.AST) -> np.ndarray:
    array = _array(value)
    if array.dtype.kind == "O":
        raise expression.error(node, "text is neither true nor false.")
    return array if array.dtype == bool else (array != 0) & ~np.isnan(array)


def _array(value: Any) -> np.ndarray:
    if isinstance(value, str):
        cell = np.empty((), dtype=object)
        cell[()] = value
        return cell
    return np.asarray(value)
