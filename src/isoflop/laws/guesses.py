"""What a name in a formula of one's own stands for, by convention of the field."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, get_args

from isoflop.laws import dimensions
from isoflop.laws.dimensions import Dimension, Kind, scale_of
from isoflop.runs.columns import KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.runs.expression import Expression

#: Names that are inputs in every formula.
INPUTS = {
    "N": dimensions.Parameters,
    "D": dimensions.Tokens,
    "C": dimensions.Flops,
    "U": dimensions.UniqueTokens,
}
_GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|chi|"
    "psi|omega|α|β|γ|δ|ε|ζ|η|θ|κ|λ|μ|ν|ξ|ρ|σ|τ|φ|χ|ψ|ω"
)
#: Pattern of a name -> what it is; the first that matches counts.
_KINDS: tuple[tuple[str, Any], ...] = (
    (r"E(_\w+|\d+)?|L_?(inf|0)", dimensions.Irreducible),
    (rf"({_GREEK})(_?\w+)?", dimensions.Exponent),
    (r"R_\w+", dimensions.Repetitions),
    (r"[A-Z]\w*", dimensions.Scale),
)


def meaning(alias: Any) -> Any:
    """Return the dimension or kind that an alias of `isoflop.laws.dimensions` carries."""
    return get_args(alias)[1]


def dimension_of(name: str) -> Dimension:
    """Return the dimension of an input: of N, D, C, U, else of a column of that name."""
    if name in INPUTS:
        return meaning(INPUTS[name])
    unit = KNOWN[name].unit if name in KNOWN else ""
    return Dimension(name, unit or "1")


def kind_of(name: str, inputs: Sequence[str], expression: Expression) -> Kind:
    """Return what a parameter may be, by its name and then by its place (see `formula`)."""
    first = name.split("_", maxsplit=1)[0]
    if first in inputs and first != name:
        return scale_of(first)
    for pattern, kind in _KINDS:
        if re.fullmatch(pattern, name):
            return meaning(kind)
    exponent = name in _only_in_exponents(expression)
    return meaning(dimensions.Exponent if exponent else dimensions.Coefficient)


def _only_in_exponents(expression: Expression) -> set[str]:
    """Return the names that stand in exponents and nowhere else."""
    inside: set[ast.AST] = set()
    for node in ast.walk(expression.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            inside.update(ast.walk(node.right))
    names = [node for node in ast.walk(expression.tree) if isinstance(node, ast.Name)]
    elsewhere = {expression.typed(node) for node in names if node not in inside}
    return {expression.typed(node) for node in names} - elsewhere
