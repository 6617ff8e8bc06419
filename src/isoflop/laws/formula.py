"""Laws of one's own, from text: `"E + A/N^alpha + B/D^beta; alpha in [0, 1]"`.

The text is checked against a whitelist and walked (`isoflop.runs.expression`); nothing in it
is ever executed. See `formula` for what may be written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.laws import dimensions
from isoflop.laws.bounds import read_bounds
from isoflop.laws.compose import copy
from isoflop.laws.guesses import INPUTS, dimension_of, kind_of, meaning
from isoflop.laws.law import Input, Law, Parameter
from isoflop.laws.operations import FUNCTIONS, MEANING
from isoflop.runs.expression import Expression, evaluate, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        return evaluate(expression, values, MEANING)

    return function
