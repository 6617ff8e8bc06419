"""Expressions over columns and parameters: a whitelist over Python's `ast`, walked, never run.

One grammar serves conditions (`--where "epoch_outlier == 0 and N > 1B"`), columns computed
from others (`--column "N=params_M * 1e6"`) and formulas of laws (`E + A/N^alpha`): numbers,
names (in backquotes where they are no words: `` `val/loss` ``), text in quotes, `+ - * / ^`,
comparisons, `in (...)`, and / or / not, and calls of the functions that are allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from isoflop.errors import InputError
from isoflop.runs.tokens import Source, translate
from isoflop.runs.whitelist import ARITHMETIC, COMPARISONS, Function, check_tree, span


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
        return self.source.error(*span(place), what, why, do)

    def typed(self, node: ast.Name) -> str:
        """Return a name as it was typed, without backquotes."""
        return self.source.names.get(node.id, node.id)


class Meaning(msgspec.Struct, frozen=True):
    """What comparisons, and / or / not and functions do with the values of a walk.

    Args:
        functions: the functions that `parse` allowed.
        compare: takes (sign, left, right, node) of one comparison; the right side of `in` is
            a list.
        combine: takes ("and" | "or" | "not", values, node).
    """

    functions: Mapping[str, Function]
    compare: Callable[[str, Any, Any, ast.AST], Any]
    combine: Callable[[str, list[Any], ast.AST], Any]


def parse(text: str, functions: Mapping[str, Function], *, formula: bool = False) -> Expression:
    """Read an expression and check every part of it against the whitelist.

    Args:
        text: the expression as typed.
        functions: what may be called, by name.
        formula: whether it is a formula, which is a number: text has no place in it, 1B is no
            number (B is a name), and comparisons stand only in where(condition, a, b).

    Raises:
        InputError: with carets under the first part that cannot be read.
    """
    source = translate(text, suffixes=not formula)
    try:
        tree = ast.parse(source.python, mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(source, error) from None
    except (RecursionError, MemoryError):
        raise InputError("the expression is nested too deeply.") from None
    check_tree(source, tree, functions, formula)
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
                return ARITHMETIC[type(op)](self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                return ARITHMETIC[type(op)](self.value(operand))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.meaning.functions[name].call(*self.values(arguments))
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
            self.meaning.compare(COMPARISONS[type(op)], left, right, node)
            for op, left, right in zip(ops, sides, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else self.meaning.combine("and", parts, node)


def _syntax_error(source: Source, error: SyntaxError) -> InputError:
    if not error.offset:  # Python's way to say: at the end
        end = len(source.python)
        return source.error(end, end + 1, "the expression ends too early.")
    at = error.offset - 1
    what = "this bracket is not closed." if "never closed" in error.msg else ""
    return source.error(at, at + 1, what or "the expression cannot be read from here on.")


def _variables(tree: ast.AST) -> list[ast.Name]:
    """Return the names that are not called, from left to right."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    return sorted(found, key=lambda node: node.col_offset)
