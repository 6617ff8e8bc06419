"""A law as sympy expression, LaTeX and text. Importing this module imports sympy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError, MissingExtra

try:
    import sympy
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingExtra("sympy", "formula", "printing a formula") from error

if TYPE_CHECKING:
    from isoflop.laws.law import Law

_UNARY: dict[str, Any] = {
    "exp": sympy.exp,
    "log": sympy.log,
    "log10": lambda x: sympy.log(x, 10),
    "log2": lambda x: sympy.log(x, 2),
    "log1p": lambda x: sympy.log(1 + x),
    "expm1": lambda x: sympy.exp(x) - 1,
    "sqrt": sympy.sqrt,
    "tanh": sympy.tanh,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "gammaln": sympy.loggamma,
    "abs": sympy.Abs,
    "minimum": sympy.Min,
    "maximum": sympy.Max,
    "where": lambda c, x, y: sympy.Piecewise((x, c), (y, True)),
}


def symbolic_function(name: str, args: tuple[Any, ...]) -> Any:
    """Apply a function of `isoflop.laws.functions` to sympy expressions."""
    return _UNARY[name](*args)


def symbols(law: Law) -> dict[str, Any]:
    """Return a sympy symbol for each input and parameter; positive ones know that they are."""
    found = {x.name: sympy.Symbol(x.name, positive=True) for x in law.inputs}
    for p in law.parameters:
        found[p.name] = sympy.Symbol(p.name, positive=True if p.lower >= 0 else None, real=True)
    return found


def expression(law: Law) -> Any:
    """Return the right-hand side of a law as a sympy expression.

    Raises:
        InputError: if the law is an algorithm (a root, a sum over steps) and no formula.
    """
    try:
        return law.function(**symbols(law))
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"`{law.name}` is computed by an algorithm and has no closed formula.",
            "Its equation is in its description.",
            f"isoflop laws show {law.name}",
        ) from error


def latex(law: Law) -> str:
    """Return a law as LaTeX, left-hand side included.

    A law without a closed formula is written as its docstring writes it.

    Raises:
        InputError: if it has neither a closed formula nor one in its docstring.
    """
    if not law.formula:
        from isoflop.laws.describe import equations

        if stated := equations(law):
            return r" \quad ".join(stated)
    left = f"L({', '.join(_latex_name(x) for x in law.input_names)})"
    return f"{left} = {sympy.latex(expression(law), order='none')}"


def _latex_name(name: str) -> str:
    return sympy.latex(sympy.Symbol(name))


def local_exponent(law: Law, name: str) -> Any:
    """Return -d log L / d log x for the input `name`, as a sympy expression."""
    values = symbols(law)
    right = law.function(**values)
    x = values[name]
    return sympy.simplify(-x * sympy.diff(right, x) / right)


def limit(law: Law, name: str) -> Any:
    """Return the limit of a law as the input `name` grows without bound."""
    values = symbols(law)
    return sympy.limit(law.function(**values), values[name], sympy.oo)
