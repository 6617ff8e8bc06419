"""Second-order forward-mode numbers with sparse tangents, batched over starts or resamples.

A `Dual` holds a value, its first derivatives by parameter and, if asked for, its second
derivatives by pair of parameters. Only derivatives that can be non-zero are stored, and each
keeps the smallest shape that broadcasts to the value: the derivative of `E + A / N**alpha` by E
is the number 1.0, not an array. Evaluating a law on duals gives its exact gradient and Hessian
at about the price of writing both by hand.

Values have shape [batch, 1] for parameters and [batch, runs] for results; derivatives broadcast
to that. The dictionaries of a dual are never changed after it is made, so they may be shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = Any  # float or numpy array that broadcasts to [batch, runs]
Pair = tuple[str, str]


def times(a: Array, b: Array) -> Array:
    """Multiply, skipping the factor 1.0 that seeds carry."""
    if type(a) is float and a == 1.0:
        return b
    if type(b) is float and b == 1.0:
        return a
    return a * b


def _merge(a: dict[Any, Array], b: dict[Any, Array]) -> dict[Any, Array]:
    """Add two sparse sets of derivatives."""
    if not a or not b:
        return a or b
    total = dict(a)
    for key, value in b.items():
        total[key] = total[key] + value if key in total else value
    return total


def _scaled(a: dict[Any, Array], factor: Array) -> dict[Any, Array]:
    return {key: times(value, factor) for key, value in a.items()}


def _outer(a: dict[str, Array], b: dict[str, Array]) -> dict[Pair, Array]:
    """Return a_i b_j + a_j b_i for i <= j (that is 2 a_i b_i on the diagonal)."""
    total: dict[Pair, Array] = {}
    for i, left in a.items():
        for j, right in b.items():
            key = (i, j) if i <= j else (j, i)
            product = times(left, right)
            if i == j:
                product = product * 2.0
            total[key] = total[key] + product if key in total else product
    return total


def _squares(a: dict[str, Array]) -> dict[Pair, Array]:
    """Return a_i a_j for i <= j."""
    items = sorted(a.items())
    return {(i, j): times(x, y) for k, (i, x) in enumerate(items) for j, y in items[k:]}


class Dual:
    """A value with its first and, unless `h` is None, second derivatives.

    Args:
        value: [batch, runs], or anything that broadcasts to it.
        d: first derivatives by parameter.
        h: second derivatives by sorted pair of parameters; None if not tracked.
    """

    __slots__ = ("d", "h", "value")
    __array_ufunc__ = None  # numpy arrays hand their operators to us

    def __init__(self, value: Array, d: dict[str, Array], h: dict[Pair, Array] | None) -> None:
        self.value, self.d, self.h = value, d, h

    # Arithmetic -----------------------------------------------------------------------------
    def __add__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value + other, self.d, self.h)
        h = None if self.h is None or other.h is None else _merge(self.h, other.h)
        return Dual(self.value + other.value, _merge(self.d, other.d), h)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return self * -1.0

    def __pos__(self) -> Dual:
        return self

    def __sub__(self, other: Any) -> Dual:
        return self + (-other)

    def __rsub__(self, other: Any) -> Dual:
        return (-self) + other

    def __mul__(self, other: Any) -> Dual:
        if not isinstance(other, Dual):
            h = None if self.h is None else _scaled(self.h, other)
            return Dual(self.value * other, _scaled(self.d, other), h)
        x, y = self.value, other.value
        d = _merge(_scaled(self.d, y), _scaled(other.d, x))
        if self.h is None or other.h is None:
            return Dual(x * y, d, None)
        h = _merge(_scaled(self.h, y), _scaled(other.h, x))
        return Dual(x * y, d, _merge(h, _outer(self.d, other.d)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return self * other.reciprocal()
        return self * (1.0 / other)

    def __rtruediv__(self, other: Any) -> Dual:
        return self.reciprocal() * other

    def __pow__(self, other: Any) -> Dual:
        if isinstance(other, Dual):
            return Exponential(self.log() * other)
        if isinstance(other, int | float) and other == 2:
            return self * self
        x = self.value
        first = other * x ** (other - 1.0)
        return self.chain(x**other, first, (other - 1.0) * first / x)

    def __rpow__(self, base: Any) -> Dual:
        return Exponential(self * np.log(base))

    def __abs__(self) -> Dual:
        return self * np.sign(self.value)

    # Functions ------------------------------------------------------------------------------
    def chain(self, value: Array, first: Array, second: Array) -> Dual:
        """Apply a function with the given value, first and second derivative at `self.value`."""
        d = _scaled(self.d, first)
        if self.h is None:
            return Dual(value, d, None)
        curved = _scaled(_squares(self.d), second)
        return Dual(value, d, _merge(_scaled(self.h, first), curved))

    def reciprocal(self) -> Dual:
        """Return 1 / self."""
        inverse = 1.0 / self.value
        square = inverse * inverse
        return self.chain(inverse, -square, 2.0 * square * inverse)

    def log(self) -> Dual:
        """Return the natural logarithm."""
        inverse = 1.0 / self.value
        return self.chain(np.log(self.value), inverse, -inverse * inverse)

    def function(self, name: str) -> Dual:
        """Apply a function of one variable by name (`isoflop.laws.unary`)."""
        from isoflop.laws.unary import UNARY

        return UNARY[name](self)

    # Comparisons look at the value only, for `where` ---------------------------------------------
    def __lt__(self, other: Any) -> Any:
        return self.value < value_of(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= value_of(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > value_of(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= value_of(other)


class Exponential(Dual):
    """exp(u), evaluated when needed: products, quotients and powers only add exponents.

    `A / N**alpha` so costs one exponential and two products per derivative, and cannot overflow
    between numerator and denominator.
    """

    __slots__ = ("u",)

    def __init__(self, u: Dual) -> None:
        self.u = u

    def __getattr__(self, name: str) -> Any:
        # Only reached while the slots of Dual are still empty.
        if name not in ("value", "d", "h"):
            raise AttributeError(name)
        u, value = self.u, np.exp(self.u.value)
        self.value, self.d = value, _scaled(u.d, value)
        self.h = None
        if u.h is not None:
            curved = {
                (i, j): times(x, y)
                for k, (i, x) in enumerate(sorted(self.d.items()))
                for j, y in sorted(u.d.items())[k:]
            }
            self.h = _merge(curved, _scaled(u.h, value))
        return getattr(self, name)

    def reciprocal(self) -> Dual:
        """Return exp(-u)."""
        return Exponential(-self.u)

    def log(self) -> Dual:
        """Return u."""
        return self.u

    def __mul__(self, other: Any) -> Dual:
        if isinstance(other, Exponential):
            return Exponential(self.u + other.u)
        if not isinstance(other, Dual) and np.ndim(other) < 2 and np.all(np.greater(other, 0.0)):
            # exp(u) x: the derivatives of u + log x keep the shape of those of u.
            return Exponential(self.u + np.log(other))
        return Dual.__mul__(self, other)

    __rmul__ = __mul__

    def __pow__(self, other: Any) -> Dual:
        return Exponential(self.u * other)


def value_of(x: Any) -> Any:
    """Return the value of a dual, or the number itself."""
    return x.value if isinstance(x, Dual) else x


def seed(values: Mapping[str, Array], second: bool = True) -> dict[str, Dual]:
    """Return the named values ([batch, 1]) as independent variables.

    Args:
        values: value of each variable.
        second: whether second derivatives are tracked.
    """
    return {k: Dual(v, {k: 1.0}, {} if second else None) for k, v in values.items()}


def select(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds and b elsewhere, derivatives included."""
    mask = np.asarray(condition)
    tracked = all(x.h is not None for x in (a, b) if isinstance(x, Dual))

    def pick(which: str) -> dict[Any, Array]:
        left: dict[Any, Array] = getattr(a, which) if isinstance(a, Dual) else {}
        right: dict[Any, Array] = getattr(b, which) if isinstance(b, Dual) else {}
        keys = sorted({*left, *right})
        return {k: np.where(mask, left.get(k, 0.0), right.get(k, 0.0)) for k in keys}

    value = np.where(mask, value_of(a), value_of(b))
    return Dual(value, pick("d"), pick("h") if tracked else None)
