"""Local exponents and limits of a law, where its formula is short enough to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isoflop.laws.law import Input, Law

_OPERATIONS = 10  # longest formula whose derivative is printed
_FAR = 1e3  # an input whose typical values end below has no meaningful limit


def algebra(law: Law) -> list[str]:
    """Return a section with -d ln L / d ln x and the limit for each input; empty if too long."""
    if not law.formula or not law.parameters:
        return []
    from isoflop.laws import symbolic

    right = symbolic.expression(law)
    if right.count_ops() > _OPERATIONS or _has_corners(right):
        return []
    lines = [_exponent(law, x, right) for x in law.inputs]
    lines += [line for x in law.inputs if (line := _limit(law, x))]
    formulas = "\n\n".join(f"$$\n{line}\n$$" for line in lines)
    return [
        "## Local exponents and limits",
        "Derived from the formula; L is the value of the law.",
        formulas,
    ]


def _has_corners(right: Any) -> bool:
    import sympy

    return right.has(sympy.Min, sympy.Max, sympy.Piecewise, sympy.loggamma)


def _exponent(law: Law, x: Input, right: Any) -> str:
    """Return the local exponent, over L where that is shorter than written out."""
    import sympy

    from isoflop.laws import symbolic

    symbol = symbolic.symbols(law)[x.name]
    whole = symbolic.local_exponent(law, x.name)
    top = sympy.simplify(-symbol * sympy.diff(right, symbol))
    shown = sympy.latex(whole)
    if whole.count_ops() > top.count_ops() + 1:
        shown = rf"\frac{{{sympy.latex(top)}}}{{L}}"
    name = sympy.latex(symbol)
    return rf"-\frac{{\partial \ln L}}{{\partial \ln {name}}} = {shown}"


def _limit(law: Law, x: Input) -> str:
    """Return the limit as an input grows, or nothing where there is none to be found."""
    import sympy

    from isoflop.laws import symbolic

    if x.dimension.typical[1] < _FAR:
        return ""
    try:
        found = symbolic.limit(law, x.name)
    except (NotImplementedError, RecursionError, TypeError, ValueError):
        return ""  # depends on the sign of a parameter
    if found.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan, sympy.sign):
        return ""
    name = sympy.latex(symbolic.symbols(law)[x.name])
    return rf"\lim_{{{name} \to \infty}} L = {sympy.latex(found)}"
