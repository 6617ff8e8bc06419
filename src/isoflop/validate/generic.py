"""Laws to choose from where none is named: general forms in whatever inputs a table has.

They say what a response to an input can look like (a power with or without a floor, a logarithm, a
bend, an optimum), and how inputs act together (added, multiplied, one moving the other's optimum).
Which of them a table needs is for `isoflop.validate.select` to find on training rows.
"""

from __future__ import annotations

import re
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.laws.registry import get, names
from isoflop.laws.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from isoflop.laws.law import Law
    from isoflop.runs.table import RunTable

#: Inputs beyond which no general form is offered: they need more runs than tables have.
MOST_INPUTS = 6
#: Runs of a group that a parameter needs.
_RUNS = 2.0
#: Units of registered laws that are a loss or an error.
_LOSSES = ("nats/token", "bits/byte", "fraction")
#: Constants of the forms below.
_OWN = re.compile(r"([Aackqtu]|alpha|beta)\d|m\d\d|v\d|H|L_inf")
#: Columns of numbers that are of a run and not what its loss depends on.
_NOT_INPUTS = frozenset({"id", "seed", "weight", "bits_per_byte", "budget"})
#: Shares add up to one within this.
_SUM = 1e-2


def generic(
    rows: RunTable, inputs: Sequence[str], *, smallest: int, loss: bool = True
) -> list[Law]:
    """Return the laws that are compared for a table when none is named.

    Args:
        rows: training rows; inputs: columns of numbers that the output depends on.
        smallest: rows of the smallest group, which bounds the number of parameters.
        loss: whether the output is a positive loss, so that registered laws of a loss apply.

    Raises:
        InputError: no input, an input that is text or does not vary, or too many.
    """
    columns = {name: _varying(rows, name) for name in inputs}
    if not 1 <= len(columns) <= MOST_INPUTS:
        raise InputError(
            f"{len(columns)} inputs are named; general forms are known for 1 to {MOST_INPUTS}.",
            do="Name the inputs (--input A --input B), or laws:  --law 'E + A/x^alpha'",
        )
    if taken := [name for name in inputs if _OWN.fullmatch(name)]:
        raise InputError(
            f"`{taken[0]}` is also what general forms call a constant.",
            "A name in a formula is an input or a constant.",
            f"Rename it:  --column {taken[0].upper()}_input={taken[0]}",
        )
    # A loss has a floor at or above zero; what is negative somewhere, or may rise, has any level.
    floor, scale = ("L_inf", "A") if loss else ("u0", "a")
    shares = _shares(columns)
    texts = _mixtures(columns, floor) if shares else _forms(columns, floor, scale)
    laws = [resolve(text, columns=tuple(inputs)) for text in texts]
    laws += _registered(inputs) if loss else []
    return [law for law in laws if len(law.parameters) <= max(smallest / _RUNS, 2)]


def numeric(rows: RunTable, leave: Collection[str]) -> tuple[str, ...]:
    """Return the columns of numbers that vary, without those to leave out and what names runs."""
    return tuple(
        name
        for name, x in rows.columns.items()
        if name not in leave
        and name not in _NOT_INPUTS
        and x.dtype.kind != "O"
        and len(np.unique(x[np.isfinite(x)])) > 1
    )


def _varying(rows: RunTable, name: str) -> np.ndarray:
    if name in rows.columns and rows[name].dtype.kind == "O":
        raise InputError(f"`{name}` is text, not an input of numbers.", do="Use it as --group.")
    rows.require(name)
    values = np.asarray(rows[name])
    values = values[np.isfinite(values)]
    if not len(values) or values.min() == values.max():
        raise InputError(
            f"`{name}` does not vary in the training rows: no law can say what it does.",
            do="Leave it out.",
        )
    return values


def _shares(columns: Mapping[str, np.ndarray]) -> bool:
    """Whether the inputs are shares of one whole."""
    if len(columns) < 2 or len({len(x) for x in columns.values()}) > 1:
        return False
    values = np.stack(list(columns.values()))
    return bool(values.min() >= 0 and np.all(np.abs(values.sum(axis=0) - 1) < _SUM))


def _mixtures(columns: Mapping[str, np.ndarray], floor: str) -> list[str]:
    terms = _sum(*(f"t{i}*{_quoted(x)}" for i, x in enumerate(columns)))
    return [terms, f"exp({terms})", f"{floor} + exp({terms})"]


def _forms(columns: Mapping[str, np.ndarray], floor: str, scale: str) -> list[str]:
    """Return formulas; inputs that are not positive in every run enter as they are."""
    powers = [name for name, x in columns.items() if x.min() > 0]
    rest = [f"t{i}*{_quoted(x)}" for i, x in enumerate(columns) if x not in powers]
    if not powers:
        squares = [f"v{i}*{_quoted(x)}^2" for i, x in enumerate(columns)]
        return [_sum("c0", *rest), _sum("c0", *rest, *squares)]
    # The widest inputs are what models and data grow in; the others may have an optimum.
    wide = sorted(powers, key=lambda x: -float(np.ptp(np.log(columns[x]))))
    q = [_quoted(x) for x in wide]
    # About their middle, so that constants are of order one and starts of a fit near them.
    logs = [f"log({name}/{_middle(columns[x]):.2g})" for name, x in zip(q, wide, strict=True)]
    texts = _one(q[0], logs[0], floor, scale) if len(q) == 1 else _several(q, logs, floor, scale)
    return [_added(text, rest) for text in texts]


def _middle(x: np.ndarray) -> float:
    return float(np.exp(np.log(x).mean()))


def _one(x: str, log: str, floor: str, scale: str) -> list[str]:
    return [
        f"{scale}0/{x}^alpha0",
        f"{floor} + {scale}0/{x}^alpha0",
        f"c0 + k0*{log}",
        f"c0 + k0*{log} + q0*{log}^2",
        f"{floor} + {scale}0/(H + {x}^beta0)",
    ]


def _several(q: Sequence[str], logs: Sequence[str], floor: str, scale: str) -> list[str]:
    product = "*".join(f"{x}^alpha{i}" for i, x in enumerate(q))
    powers = [f"{scale}{i}/{x}^alpha{i}" for i, x in enumerate(q)]
    plane = _sum("c0", *_linear(logs))
    crossed = _sum(plane, *_products(logs))
    bowl = _sum(crossed, *_squares(logs))
    found = [
        plane,
        f"{scale}0/({product})",
        f"{floor} + {scale}0/({product})",
        _sum(floor, *powers),
        crossed,
        f"exp({crossed})",
        f"{floor} + exp({crossed})",
        _sum(plane, *_squares(logs)),
        bowl,
        f"exp({bowl})",
    ]
    steep = range(1, min(len(q), 3))
    found += [_sum(floor, *powers[:n], *_basin(logs, n)) for n in steep]
    if len(q) == 3:
        found += _modulated(q, floor, powers)
    return found + (_effective(q, floor, scale) if len(q) == 2 else [])


def _modulated(q: Sequence[str], floor: str, powers: Sequence[str]) -> list[str]:
    """Return two powers, one of which a power of the third input multiplies."""
    return [
        f"{floor} + {powers[i]} + {powers[j]}*{q[k]}^beta{k}" for i, j, k in permutations(range(3))
    ]


def _basin(logs: Sequence[str], first: int) -> list[str]:
    """Return a bowl in the logarithms of the inputs from `first` on; its bottom moves with all."""
    return _linear(logs, first) + _squares(logs, first) + _products(logs, first)


def _effective(q: Sequence[str], floor: str, scale: str) -> list[str]:
    """Return a power of one input whose value the other multiplies, by a logarithm or a power."""
    found = []
    for x, y in ((q[0], q[1]), (q[1], q[0])):
        found.append(f"{floor} + {scale}0/({x}*(k0*log({y}) + 1))^alpha0; k0 >= 0")
        found.append(f"{floor} + {scale}0*{y}^beta0/{x}^alpha0")
    return found


def _linear(logs: Sequence[str], first: int = 0) -> list[str]:
    return [f"k{i}*{x}" for i, x in enumerate(logs) if i >= first]


def _squares(logs: Sequence[str], first: int = 0) -> list[str]:
    return [f"q{i}*{x}^2" for i, x in enumerate(logs) if i >= first]


def _products(logs: Sequence[str], first: int = 0) -> list[str]:
    """Return products of pairs, of which the second is from `first` on."""
    pairs = combinations(range(len(logs)), 2)
    return [f"m{i}{j}*{logs[i]}*{logs[j]}" for i, j in pairs if j >= first]


def _added(text: str, terms: Sequence[str]) -> str:
    """Return a formula with further terms before its clauses."""
    formula, sign, clauses = text.partition(";")
    return _sum(formula, *terms) + sign + clauses


def _sum(*terms: str) -> str:
    return " + ".join(terms)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"


def _registered(inputs: Sequence[str]) -> list[Law]:
    """Return registered laws of a loss in two or more of the inputs, and repetition of tokens."""
    own = set(inputs)
    laws = [get(name) for name in names()]
    found = [
        law
        for law in laws
        if len(law.inputs) > 1
        and set(law.input_names) <= own
        and law.output.unit in _LOSSES
        and law.parameters
    ]
    if {"N", "D", "U"} <= own:
        found.append(resolve("chinchilla[D=repeated_tokens]"))
    return found
