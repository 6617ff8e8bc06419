"""Expressions over columns and parameters: a whitelist over Python's `ast`, walked, never run.

One grammar serves conditions (`--where "epoch_outlier == 0 and N > 1B"`), columns computed
from others (`--column "N=params_M * 1e6"`) and formulas of laws (`E + A/N^alpha`): numbers,
names (in backquotes where they are no words: `` `val/loss` ``), text in quotes, `+ - * / ^`,
comparisons, `in (...)`, and / or / not, and calls of the functions that are allowed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from isoflop.errors import InputError
from isoflop.runs.tokens import Source, translate

if TYPE_CHECKING:
    from collections.abc import Collection

DEEPEST = 120
LARGEST = 1e300
LARGEST_EXPONENT = 1000

_ARITHMETIC: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_COMPARISONS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}


class Expression(msgspec.Struct, frozen=True):
    """A checked expression.

    Args:
        source: text and places.
        tree: the checked tree.
        names: the names in it, in order of appearance.
    """

    source: Source
    tree: ast.expr
    names: tuple[str, ...]

    def error(self, place: ast.AST | str, what: str, why: str = "", do: str = "") -> InputError:
        """Return an error with carets under a node, or under the first use of a name."""
        if isinstance(place, str):
            place = next(n for n in _variables(self.tree) if self.typed(n) == place)
        return self.source.error(*_span(place), what, why, do)

    def typed(self, node: ast.Name) -> str:
        """Return a name as it was typed, without backquotes."""
        return self.source.names.get(node.id, node.id)


class Meaning(msgspec.Struct, frozen=True):
    """What comparisons, and / or / not and functions do with the values of a walk.

    Args:
        functions: what is called for each allowed function.
        compare: takes (sign, left, right, node) of one comparison; the right side of `in` is
            a list.
        combine: takes ("and" | "or" | "not", values, node).
    """

    functions: Mapping[str, Callable[..., Any]]
    compare: Callable[[str, Any, Any, ast.AST], Any]
    combine: Callable[[str, list[Any], ast.AST], Any]


def parse(text: str, functions: Collection[str] = (), *, formula: bool = False) -> Expression:
    """Read an expression and check every part of it against the whitelist.

    Args:
        text: the expression as typed.
        functions: names that may be called.
        formula: whether it is a formula, in which text has no place and 1B is no number
            (B is a name).

    Raises:
        InputError: with carets under the first part that cannot be read.
    """
    source = translate(text, suffixes=not formula)
    try:
        tree = ast.parse(source.python, mode="eval").body
    except SyntaxError as error:
        at = len(source.python) if error.offset is None else error.offset - 1
        raise source.error(at, at + 1, "the expression cannot be read from here on.") from None
    except (RecursionError, MemoryError):
        raise InputError("the expression is nested too deeply.") from None
    _Check(source, functions, formula).check(tree, 0)
    draft = Expression(source, tree, ())
    names = dict.fromkeys(draft.typed(node) for node in _variables(tree))
    return Expression(source, tree, tuple(names))


def evaluate(expression: Expression, names: Mapping[str, Any], meaning: Meaning) -> Any:
    """Walk the tree with values that know arithmetic: floats, arrays, dual numbers, symbols.

    Args:
        expression: from `parse`.
        names: value of each of `expression.names`.
        meaning: what is done at comparisons and calls.
    """
    return _Walk(expression, names, meaning).value(expression.tree)


class _Walk:
    """Computes the value of a checked tree."""

    def __init__(self, expression: Expression, names: Mapping[str, Any], meaning: Meaning) -> None:
        self.expression, self.names, self.meaning = expression, names, meaning

    def value(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Constant(value=value):
                return float(value)  # type: ignore[arg-type]
            case ast.Name():
                return self.names[self.expression.typed(node)]
            case ast.Tuple(elts=items):
                return self.values(items)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(exponent))):
                return self.value(left) ** exponent
            case ast.BinOp(left=left, op=op, right=right):
                return _ARITHMETIC[type(op)](self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                return _ARITHMETIC[type(op)](self.value(operand))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.meaning.functions[name](*self.values(arguments))
        return self.logic(node)

    def values(self, nodes: list[ast.expr]) -> list[Any]:
        return [self.value(node) for node in nodes]

    def logic(self, node: ast.AST) -> Any:
        match node:
            case ast.UnaryOp(operand=operand):
                return self.meaning.combine("not", [self.value(operand)], node)
            case ast.BoolOp(op=ast.And(), values=parts):
                return self.meaning.combine("and", self.values(parts), node)
            case ast.BoolOp(values=parts):
                return self.meaning.combine("or", self.values(parts), node)
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.comparison(node, ops, self.values([left, *others]))
        raise AssertionError(f"unchecked {type(node).__name__}")

    def comparison(self, node: ast.AST, ops: list[ast.cmpop], sides: list[Any]) -> Any:
        parts = [
            self.meaning.compare(_COMPARISONS[type(op)], left, right, node)
            for op, left, right in zip(ops, sides, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else self.meaning.combine("and", parts, node)


class _Check:
    """Walks a tree once: only whitelisted nodes, bounded depth, bounded constants."""

    def __init__(self, source: Source, functions: Collection[str], formula: bool) -> None:
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
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self.folded(node, self.check(left, depth + 1), self.check(right, depth + 1))
            case ast.UnaryOp(op=op, operand=operand):
                value = self.check(operand, depth + 1)
                return -value if isinstance(op, ast.USub) and value is not None else value
            case ast.BoolOp(values=parts):
                self.all(parts, depth)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self.comparison(node, [left, *others], ops, depth)
            case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]):
                if name not in self.functions:
                    known = ", ".join(sorted(self.functions)) or "none"
                    self.refuse(node.func, f"`{name}` is not a function here; known: {known}.")
                self.all(parts, depth)
            case _:
                self.refuse(node, "this cannot be part of an expression.")
        return None

    def all(self, nodes: list[ast.expr], depth: int) -> None:
        for node in nodes:
            self.check(node, depth + 1)

    def comparison(
        self, node: ast.Compare, sides: list[ast.expr], ops: list[ast.cmpop], depth: int
    ) -> None:
        self.check(sides[0], depth + 1)
        for op, side in zip(ops, sides[1:], strict=True):
            members = isinstance(op, ast.In | ast.NotIn)
            if type(op) not in _COMPARISONS or (members and self.formula):
                self.refuse(node, "this comparison is not known here.")
            if members and not isinstance(side, ast.Tuple):
                self.refuse(side, "`in` needs a list in round brackets, such as ('a', 'b').")
            self.all(side.elts if isinstance(side, ast.Tuple) and members else [side], depth)

    def constant(self, node: ast.AST, value: object) -> float | None:
        if isinstance(value, str) and not self.formula:
            return None
        if not isinstance(value, int | float) or abs(value) > LARGEST:
            self.refuse(node, "this cannot be part of an expression.")
        return float(value)

    def folded(self, node: ast.BinOp, left: float | None, right: float | None) -> float | None:
        """Bound constants, so that no walk can overflow or take long, whatever its numbers."""
        power = isinstance(node.op, ast.Pow)
        if power and right is not None and abs(right) > LARGEST_EXPONENT:
            self.refuse(node.right, f"the exponent is larger than {LARGEST_EXPONENT}.")
        if left is None or right is None:
            return None
        try:
            value = _ARITHMETIC[type(node.op)](left, right)
        except (OverflowError, ZeroDivisionError):
            value = float("nan")
        if isinstance(value, complex) or not abs(value) <= LARGEST:
            self.refuse(node, "this is not a finite real number.")
        return value

    def refuse(self, node: ast.AST, what: str) -> NoReturn:
        raise self.source.error(*_span(node), what)


def _span(node: ast.AST) -> tuple[int, int]:
    start = getattr(node, "col_offset", 0)
    return start, getattr(node, "end_col_offset", None) or start + 1


def _variables(tree: ast.AST) -> list[ast.Name]:
    """Return the names that are not called, from left to right."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    return sorted(found, key=lambda node: node.col_offset)
