"""A law: one annotated function, and what follows from its declaration."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from isoflop.errors import InputError
from isoflop.laws.dimensions import Dimension, Kind

if TYPE_CHECKING:
    from isoflop.laws.published import Published


class Input(msgspec.Struct, frozen=True):
    """An input of a law: its name and what it counts."""

    name: str
    dimension: Dimension


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a law: its name and what it may be (see `Kind`)."""

    name: str
    kind: Kind

    @property
    def lower(self) -> float:
        """Smallest allowed value."""
        return self.kind.lower

    @property
    def upper(self) -> float:
        """Largest allowed value."""
        return self.kind.upper

    @property
    def scale(self) -> str:
        """Coordinates of the search: "log" or "linear"."""
        return self.kind.scale

    @property
    def start(self) -> tuple[float, float]:
        """Range of starting values, in units of `kind.relative_to`."""
        return self.kind.start


class Law(msgspec.Struct, frozen=True, eq=False, dict=True, kw_only=True):
    """A scaling law: a function with declared inputs and parameters. Immutable.

    Calling it evaluates the function on floats, arrays, dual numbers or symbols alike; inputs
    may be given by position, parameters by name only.

    Args:
        name: name in the registry, or the composition written out.
        inputs: inputs in order.
        parameters: parameters in order.
        output: dimension of the result.
        function: the declared function.
        doc: its docstring.
        source: key of the paper it comes from.
        equation: number of the equation or table there.
        question: the question of a user it answers.
        derived: numbers that follow from the parameters alone, as functions of some of them by
            name (`{"a": lambda *, alpha, beta: beta / (alpha + beta)}`).
        groups: for a law by groups (`Law.by`): the label input of each grouped parameter.
        levels: for a law whose groups were filled in (`Law.expand`): labels by label input.
        recipe: how it was composed, as JSON types; `isoflop.laws.recipe.rebuild` reads it.
    """

    name: str
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    output: Dimension
    function: Callable[..., Any]
    doc: str = ""
    source: str = ""
    equation: str = ""
    question: str = ""
    derived: Mapping[str, Callable[..., Any]] = {}
    groups: Mapping[str, str] = {}
    levels: Mapping[str, tuple[str, ...]] = {}
    recipe: Any = None

    def __call__(self, *inputs: Any, **values: Any) -> Any:
        """Evaluate the law.

        Raises:
            InputError: if an input or parameter is missing or unknown.
        """
        if len(inputs) > len(self.inputs):
            raise InputError(f"`{self.name}` has {len(self.inputs)} inputs, not {len(inputs)}.")
        given = dict(zip(self.input_names, inputs, strict=False))
        if not given.keys().isdisjoint(values) or (given.keys() | values.keys()) != self._names:
            self._explain(given, values)
        return self.function(**given, **values)

    def _explain(self, given: dict[str, Any], values: dict[str, Any]) -> None:
        twice = sorted(given.keys() & values.keys())
        missing = sorted(self._names - given.keys() - values.keys())
        unknown = sorted(values.keys() - self._names)
        words = {"given twice": twice, "missing": missing, "unknown": unknown}
        what = "; ".join(f"{', '.join(names)} {word}" for word, names in words.items() if names)
        raise InputError(f"`{self.name}`: {what}.", do=f"Call it as {self.signature}.")

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset((*self.input_names, *self.parameter_names))

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return tuple(x.name for x in self.inputs)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(p.name for p in self.parameters)

    @property
    def signature(self) -> str:
        """How the law is called: name(inputs, *, parameters)."""
        return f"{self.name}({', '.join((*self.input_names, '*', *self.parameter_names))})"

    @cached_property
    def linear(self) -> frozenset[str]:
        """Names of parameters the law is jointly linear (affine) in, found from the function."""
        from isoflop.laws.linear import linear_parameters

        return linear_parameters(self)

    @property
    def formula(self) -> str:
        """The right-hand side as text, in Python's syntax; empty if it cannot be traced."""
        from isoflop.laws.linear import formula_text

        return formula_text(self)

    def __repr__(self) -> str:
        return f"<Law {self.signature} = {self.formula or '...'}>"

    # Other forms (isoflop.laws.symbolic) ---------------------------------------------------------
    def sympy(self) -> Any:
        """Return the right-hand side as a sympy expression (imports sympy)."""
        from isoflop.laws.symbolic import expression

        return expression(self)

    def latex(self) -> str:
        """Return the law as LaTeX (imports sympy)."""
        from isoflop.laws.symbolic import latex

        return latex(self)

    # Published constants (isoflop.laws.published) ------------------------------------------------
    @property
    def published(self) -> Mapping[str, "Published"]:
        """Published sets of constants by name; empty if there are none."""
        from isoflop.laws.published import published

        return published(self.name)

    def constants(self, name: str = "") -> dict[str, float]:
        """Return a published set of constants; the first one if no name is given.

        Raises:
            InputError: if there is no such set.
        """
        from isoflop.laws.published import constants

        return constants(self.name, name)

    # Composition (isoflop.laws.compose) ----------------------------------------------------------
    def fix(self, **values: float) -> "Law":
        """Return the law with some parameters fixed to numbers."""
        from isoflop.laws.compose import fix

        return fix(self, values)

    def tie(self, **pairs: str) -> "Law":
        """Return the law with parameters set equal to others: `tie(alpha="beta")`."""
        from isoflop.laws.compose import tie

        return tie(self, pairs)

    def rename(self, **pairs: str) -> "Law":
        """Return the law with inputs or parameters renamed: `rename(A="A_code")`."""
        from isoflop.laws.compose import rename

        return rename(self, pairs)

    def replace(self, **transforms: "Law") -> "Law":
        """Return the law with inputs computed by other laws: `replace(D=repeated_tokens)`."""
        from isoflop.laws.compose import replace

        return replace(self, transforms)

    def then(self, link: "Law") -> "Law":
        """Return the law whose result is passed through a link: `then(accuracy)`."""
        from isoflop.laws.compose import then

        return then(self, link)

    def by(self, group: str, *names: str) -> "Law":
        """Return the law with one value of the named parameters for each label of `group`."""
        from isoflop.laws.groups import by

        return by(self, group, names)

    def expand(self, **levels: tuple[str, ...]) -> "Law":
        """Return a law by groups with its labels filled in: `A` becomes `A[adam]`, `A[muon]`."""
        from isoflop.laws.groups import expand

        return expand(self, levels)

    def __add__(self, other: "Law") -> "Law":
        from isoflop.laws.compose import add

        return add(self, other)


def law(
    *,
    source: str = "",
    equation: str = "",
    question: str = "",
    derived: Mapping[str, Callable[..., Any]] | None = None,
) -> Callable[[Callable[..., Any]], Law]:
    """Declare a law from an annotated function.

    Inputs are positional and annotated with a dimension, parameters keyword-only and annotated
    with a kind, the result with a dimension (`isoflop.laws.dimensions`).

    Args:
        source: key of the paper.
        equation: number of the equation or table.
        question: the question of a user it answers; laws are listed by it.
        derived: see `Law`.

    Raises:
        InputError: if an annotation is missing or says something else.
    """

    def declare(function: Callable[..., Any]) -> Law:
        from isoflop.laws.registry import register

        declared = _declare(function, source, equation, question, derived or {})
        if function.__module__.startswith("isoflop.laws."):
            return register(declared)
        from isoflop.laws.recipe import declaration

        return msgspec.structs.replace(declared, recipe=declaration(declared))

    return declare


def _declare(
    function: Callable[..., Any],
    source: str,
    equation: str,
    question: str,
    derived: Mapping[str, Callable[..., Any]],
) -> "Law":
    name, code = function.__name__, function.__code__
    hints = get_type_hints(function, include_extras=True)
    count = code.co_argcount
    inputs, keywords = code.co_varnames[:count], code.co_varnames[count:][: code.co_kwonlyargcount]

    def read(argument: str, wanted: type, example: str) -> Any:
        for mark in getattr(hints.get(argument), "__metadata__", ()):
            if isinstance(mark, wanted):
                return mark
        shown = "the result" if argument == "return" else f"`{argument}`"
        raise InputError(
            f"{shown} of the law `{name}` is not annotated with a {wanted.__name__.lower()}.",
            "Units, bounds and starts of a fit are read from the annotations.",
            f"Write for instance `{argument}: {example}` (isoflop.laws.dimensions).",
        )

    return Law(
        name=name,
        inputs=tuple(Input(x, read(x, Dimension, "Tokens")) for x in inputs),
        parameters=tuple(Parameter(x, read(x, Kind, "Exponent")) for x in keywords),
        output=read("return", Dimension, "NatsPerToken"),
        function=function,
        doc=function.__doc__ or "",
        source=source,
        equation=equation,
        question=question,
        derived=dict(derived),
        recipe={"law": name},
    )
