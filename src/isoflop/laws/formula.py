"""Laws of one's own, from text: `"E + A/N^alpha + B/D^beta; alpha in [0, 1]"`.

The text is checked against a whitelist and walked (`isoflop.runs.expression`); nothing in it
is ever executed. See `formula` for what may be written.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.laws import dimensions
from isoflop.laws.bounds import read_bounds
from isoflop.laws.compose import copy
from isoflop.laws.functions import apply
from isoflop.laws.guesses import INPUTS, dimension_of, kind_of, meaning
from isoflop.laws.law import Input, Law, Parameter
from isoflop.runs.expression import Expression, Meaning, evaluate, parse
from isoflop.runs.whitelist import Function

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Sequence

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

_LEFT = re.compile(r"\s*([^\W\d]\w*)\s*(?:\([^()=]*\))?\s*=(?!=)")
_OUTPUTS: dict[str, Any] = {
    "L": dimensions.NatsPerToken,
    "loss": dimensions.NatsPerToken,
    "bits_per_byte": dimensions.BitsPerByte,
    "accuracy": dimensions.Accuracy,
    "error": dimensions.ErrorRate,
    "N": dimensions.Parameters,
    "D": dimensions.Tokens,
}


def formula(text: str, *, columns: Sequence[str] = ()) -> Law:
    """Read a law from a formula.

    `[L =] expression [; clause]...` with `+ - * / ^` (or `**`), brackets, numbers, the
    functions of `FUNCTIONS`, and `where(condition, a, b)`, whose condition compares with
    `< <= > >=`, joined by and / or / not.

    Names that are an input: N, D, C, U, and every name in `columns`. All others are
    parameters; what they may be follows from the name, and a clause can say otherwise:

    | name | is | allowed | start |
    | --- | --- | --- | --- |
    | `E`, `E_...`, `E0`, `L_inf` | irreducible | 0 and above | below the smallest loss |
    | `alpha`, `beta_D`, ... (Greek letters) | exponent | 0 to 5 | 0.03 to 1.5 |
    | `N_c`, `D_0`: an input, `_`, anything | scale of that input | above 0 | around its values |
    | `R_...` | number of repetitions | above 0 | 1 to 100 |
    | other names with a capital: `A`, `B`, `K1` | scale | above 0 | 0.1 to 1e5 |
    | other names that stand in exponents only | exponent | 0 to 5 | 0.03 to 1.5 |
    | all others | coefficient | any number | -3 to 3 |

    | clause | meaning |
    | --- | --- |
    | `alpha in [0, 1]`, `0 < alpha < 1`, `E >= 1`, `k <= 3` | bounds (ends included) |
    | `A from [1, 1e4]` | range of starting values |
    | `beta = 0.28` | fixed |
    | `beta = alpha` | the same parameter |

    Args:
        text: the formula; a left-hand side (`L =`, `L(N, D) =`, `accuracy =`) names the output,
            nats per token without one.
        columns: columns of the table, which are inputs where they occur.

    Returns:
        A law, differentiable and printable like a declared one; `recipe` holds its text.

    Raises:
        InputError: with a caret under the first part that cannot be read.
    """
    body, *clauses = text.split(";")
    output, right = _sides(body)
    expression = parse(right, FUNCTIONS, formula=True)
    names = [name for name in (*INPUTS, *columns) if name in expression.names]
    names = list(dict.fromkeys(names))
    if not names:
        raise InputError(
            f"the formula has no input.\n    {text.strip()}",
            "A law says how something depends on N, D, C, U or a column of the table.",
        )
    inputs = tuple(Input(name, dimension_of(name)) for name in names)
    parameters = tuple(
        Parameter(name, kind_of(name, names, expression))
        for name in expression.names
        if name not in names
    )
    law = Law(
        name=right.strip(),
        inputs=inputs,
        parameters=parameters,
        output=meaning(output),
        function=_function(expression),
        doc=f"Formula of one's own: {text.strip()}",
    )
    position = len(body) + 1
    for clause in clauses:
        law = read_bounds(law, text, clause, position)
        position += len(clause) + 1
    used = [name for name in names if name in columns]
    return copy(law, name=text.strip(), recipe={"formula": text, "columns": used})


def _sides(body: str) -> tuple[Any, str]:
    """Split `L = ...` into the output's dimension and the right-hand side."""
    left = _LEFT.match(body)
    if left is None:
        return dimensions.NatsPerToken, body
    return _OUTPUTS.get(left[1], dimensions.Dimensionless), body[left.end() :]


def _function(expression: Expression) -> Callable[..., Any]:
    def function(**values: Any) -> Any:
        return evaluate(expression, values, _MEANING)

    return function


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


_MEANING = Meaning(FUNCTIONS, _compare, _combine)
