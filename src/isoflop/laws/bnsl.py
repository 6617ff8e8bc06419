"""Caballero et al. 2022: the broken neural scaling law, with any number of breaks."""

from math import inf
from typing import Annotated, Any

from isoflop.laws.dimensions import Amount, Irreducible, Kind, Scale, scale_of
from isoflop.laws.functions import exp, log, softplus, where
from isoflop.laws.law import Law, Parameter, law
from isoflop.laws.registry import register

#: A metric of any kind: error, loss, a score.
Metric = Amount
Slope = Annotated[Any, Kind("slope", -20.0, 20.0, "linear", (-0.5, 1.5))]
Location = Annotated[Any, scale_of("x", (1e-3, 1e3))]
Sharpness = Annotated[Any, Kind("sharpness", 1e-3, inf, "log", (0.05, 1.5))]


def _curve(x: Any, a: Any, b: Any, c0: Any, breaks: list[tuple[Any, Any, Any]]) -> Any:
    exponent = -c0 * log(x)
    for c, d, f in breaks:
        # (1 + (x/d)^(1/f))^(-c f): the power overflows; past the break, its large part is apart.
        z = log(x) - log(d)
        exponent = exponent - c * where(z > 0, z + f * softplus(-z / f), f * softplus(z / f))
    return a + b * exp(exponent)


@law(source="caballero2022", equation="1", question="how does a metric depend on one quantity?")
def bnsl(
    x: Amount,
    *,
    a: Irreducible,
    b: Scale,
    c0: Slope,
    c1: Slope,
    d1: Location,
    f1: Sharpness,
) -> Metric:
    r"""Broken neural scaling law: straight pieces on log axes, joined smoothly.

    $$y = a + b x^{-c_0} \prod_{i=1}^{n} \big(1 + (x/d_i)^{1/f_i}\big)^{-c_i f_i}$$

    d_i is where break i lies, f_i how gradual it is (smaller is sharper). After break j the
    slope of log(y - a) is -(c_0 + ... + c_j); any c_i may be negative. `bnsl` has one break,
    `bnsl2` and `bnsl3` two and three; `broken_law` gives any number.

    Wrong beyond a break no run has reached: the authors' own demonstration fails when its data
    end at x = 390 and works when they end at 405. With n breaks there are 3 + 3n parameters;
    do not fit one break to fewer than eight points.
    """
    return _curve(x, a, b, c0, [(c1, d1, f1)])


def broken_law(breaks: int) -> Law:
    """Return the law with a number of breaks: parameters a, b, c0, then c1, d1, f1, ...

    Args:
        breaks: number of breaks, at least one; one gives `bnsl` itself.
    """
    if breaks == 1:
        return bnsl
    count = range(1, breaks + 1)
    kinds = {p.name[0]: p.kind for p in bnsl.parameters}

    def function(*, x: Any, a: Any, b: Any, c0: Any, **given: Any) -> Any:
        triples = [(given[f"c{i}"], given[f"d{i}"], given[f"f{i}"]) for i in count]
        return _curve(x, a, b, c0, triples)

    return Law(
        name=f"bnsl{breaks}",
        inputs=bnsl.inputs,
        parameters=(
            *bnsl.parameters[:3],
            *(Parameter(f"{letter}{i}", kinds[letter]) for i in count for letter in "cdf"),
        ),
        output=bnsl.output,
        function=function,
        doc=bnsl.doc,
        source=bnsl.source,
        equation=bnsl.equation,
        question=bnsl.question,
        recipe={"law": f"bnsl{breaks}"},
    )


for _breaks in (2, 3):
    register(broken_law(_breaks))
