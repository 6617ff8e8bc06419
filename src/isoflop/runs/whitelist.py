"""The whitelist: which nodes of Python's `ast` an expression may have, and how large they are."""

from __future__ import annotations

import ast
import operator
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.runs.tokens import Source

DEEPEST = 120
LARGEST = 1e300
LARGEST_EXPONENT = 1000

ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}
#: Comparisons of a formula: equality of measured numbers decides nothing.
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_LOGIC = (ast.Compare, ast.BoolOp, ast.UnaryOp)


class Function(NamedTuple):
    """A function that may be called: what computes it, and how many arguments it takes."""

    call: Callable[..., Any]
    arguments: int = 1


def check_tree(
    source: Source, tree: ast.AST, functions: Mapping[str, Function], formula: bool
) -> None:
    """Raise InputError, with carets, at the first node that is not on the list.

    Args:
        source: the text, for the carets.
        tree: what Python's grammar made of it.
        functions: what may be called, by name.
        formula: see `expression.parse`.
    """
    _Check(source, functions, formula).check(tree, 0)


class _Check:
    """Walks a tree once: only whitelisted nodes, bounded depth, bounded constants."""

    def __init__(self, source: Source, functions: Mapping[str, Function], formula: bool) -> None:
        self.source, self.functions, self.formula = source, functions, formula

    def check(self, node: ast.AST, depth: int) -> float | None:
        """Check a node; return its value if it is a constant number."""
        if depth > DEEPEST:
            self.refuse(node, f"the expression is nested more than {DEEPEST} deep.")
        match node:
            case ast.Constant(value=value):
                return self.constant(node, value)
            case ast.Name():
                return None
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return self.folded(node, self.check(left, depth + 1), self.check(right, depth + 1))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                value = self.check(operand, depth + 1)
                return -value if isinstance(op, ast.USub) and value is not None else value
            case ast.Call(func=ast.Name() as name, args=parts, keywords=[]):
                return self.call(node, name, parts, depth)
        if self.formula or not isinstance(node, _LOGIC):
            self.refuse(node, "this cannot be part of an expression.")
        return self.condition(node, depth)

    def condition(self, node: ast.AST, depth: int) -> None:
        """Check a condition: comparisons joined by and, or, not."""
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.part(operand, depth)
            case ast.BoolOp(values=parts):
                for part in parts:
                    self.part(part, depth)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self.check(left, depth + 1)
                for op, side in zip(ops, others, strict=True):
                    self.side(node, op, side, depth)
            case _:
                self.refuse(node, "this is not a condition, such as N > 1e9.")

    def part(self, node: ast.AST, depth: int) -> None:
        # In a formula and / or / not join comparisons only, never numbers.
        if depth > DEEPEST or not self.formula:
            self.check(node, depth + 1)
        else:
            self.condition(node, depth + 1)

    def side(self, node: ast.AST, op: ast.cmpop, side: ast.expr, depth: int) -> None:
        if type(op) not in (_ORDERS if self.formula else COMPARISONS):
            self.refuse(node, "this comparison is not known here.")
        if not isinstance(op, ast.In | ast.NotIn):
            self.check(side, depth + 1)
            return
        if not isinstance(side, ast.Tuple):
            self.refuse(side, "`in` needs a list in round brackets, such as ('a', 'b').")
        for item in side.elts:
            self.check(item, depth + 1)

    def call(
        self, node: ast.Call, name: ast.Name, parts: list[ast.expr], depth: int
    ) -> float | None:
        typed = self.source.names.get(name.id, name.id)
        function = self.functions.get(typed)
        if function is None:
            known = ", ".join(self.functions)
            self.refuse(name, f"`{typed}` is not a function here; known: {known}.")
        if len(parts) != function.arguments:
            wanted = f"{function.arguments} argument{'s' * (function.arguments > 1)}"
            self.refuse(node, f"`{typed}` takes {wanted}, not {len(parts)}.")
        if typed == "where":
            self.condition(parts[0], depth + 1)
            parts = parts[1:]
        values = [self.check(part, depth + 1) for part in parts]
        if typed == "where" or any(value is None for value in values):
            return None
        return self.bounded(node, function.call, *values)

    def constant(self, node: ast.AST, value: object) -> float | None:
        if isinstance(value, str) and not self.formula:
            return None
        if not isinstance(value, int | float) or abs(value) > LARGEST:
            self.refuse(node, "this cannot be part of an expression.")
        return float(value)

    def folded(self, node: ast.BinOp, left: float | None, right: float | None) -> float | None:
        power = isinstance(node.op, ast.Pow)
        if power and right is not None and abs(right) > LARGEST_EXPONENT:
            self.refuse(node.right, f"the exponent is larger than {LARGEST_EXPONENT}.")
        if power and left is not None and left <= 0 and right is None:
            self.refuse(node.left, "a power of a number that is not positive is not real.")
        if left is None or right is None:
            return None
        return self.bounded(node, ARITHMETIC[type(node.op)], left, right)

    def bounded(self, node: ast.AST, operation: Callable[..., Any], *values: Any) -> float:
        """Bound constants, so that no walk can overflow or take long, whatever its numbers."""
        try:
            # Functions are numpy's, which warn where Python's operators raise.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = operation(*values)
        except (OverflowError, ZeroDivisionError):
            value = float("nan")
        if isinstance(value, complex) or not abs(value) <= LARGEST:
            self.refuse(node, "this is not a finite real number.")
        return float(value)

    def refuse(self, node: ast.AST, what: str) -> NoReturn:
        raise self.source.error(*span(node), what)


def span(node: ast.AST) -> tuple[int, int]:
    """Return where a node starts and ends in the translated source."""
    start = getattr(node, "col_offset", 0)
    return start, getattr(node, "end_col_offset", None) or start + 1
