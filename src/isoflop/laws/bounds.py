"""Clauses after a formula: bounds, starting values, fixed and tied parameters."""

from __future__ import annotations

import re
from math import inf, isfinite
from typing import TYPE_CHECKING

import msgspec

from isoflop.laws.compose import copy, fix, tie
from isoflop.laws.law import Law, Parameter
from isoflop.runs.tokens import error_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.laws.dimensions import Kind

_NAME = r"(?P<name>[^\W\d]\w*)"
_NUMBER = r"[-+]?(?:inf|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)"
_RANGE = rf"\[\s*(?P<lower>{_NUMBER})\s*,\s*(?P<upper>{_NUMBER})\s*\]"


def read_bounds(law: Law, text: str, clause: str, position: int) -> Law:
    """Return the law with one clause applied.

    Args:
        law: the law so far.
        text: the whole text, for the carets.
        clause: one of the clauses of `formula`.
        position: where the clause starts in `text`.

    Raises:
        InputError: with carets, if the clause cannot be read or names no parameter.
    """
    if not clause.strip():
        return law
    for pattern, apply in _CLAUSES:
        found = pattern.fullmatch(clause)
        if found:
            return _Clause(law, text, position, found).apply(apply)
    start = position + len(clause) - len(clause.lstrip())
    raise error_at(
        text,
        start,
        len(clause.strip()),
        "this clause cannot be read.",
        do="Write `alpha in [0, 1]`, `E >= 1`, `A from [1, 1e4]`, `beta = 0.3` or `beta = alpha`.",
    )


class _Clause:
    """A clause that was matched, and the parameter it is about."""

    def __init__(self, law: Law, text: str, position: int, found: re.Match[str]) -> None:
        self.law, self.text, self.position, self.found = law, text, position, found

    def apply(self, change: Callable[[_Clause], Law]) -> Law:
        self.known("name")
        return change(self)

    def known(self, group: str) -> str:
        name = self.found[group]
        if name not in self.law.parameter_names:
            has = ", ".join(self.law.parameter_names) or "none"
            self.refuse(f"`{name}` is not a parameter of the formula; it has {has}.", group)
        return name

    def refuse(self, what: str, group: str | int = 0) -> None:
        matched = self.found[group]
        start = self.position + self.found.start(group)
        start += len(matched) - len(matched.lstrip())
        raise error_at(self.text, start, len(matched.strip()), what)

    def number(self, group: str, default: float) -> float:
        named = self.found.groupdict()
        return float(named[group]) if named.get(group) else default

    def bounds(self) -> Law:
        old = self.kind()
        lower, upper = self.number("lower", old.lower), self.number("upper", old.upper)
        if not lower < upper:
            self.refuse(f"the lower bound {lower:g} is not below the upper bound {upper:g}.")
        scale = "linear" if lower < 0 else old.scale
        kind = msgspec.structs.replace(old, lower=lower, upper=upper, scale=scale)
        return self.with_kind(_started(kind))

    def start(self) -> Law:
        lower, upper = self.number("lower", 0.0), self.number("upper", 0.0)
        kind = self.kind()
        if not (kind.lower <= lower < upper <= kind.upper and isfinite(upper - lower)):
            self.refuse(f"a start range lies within the bounds {kind.lower:g} to {kind.upper:g}.")
        if kind.scale == "log" and lower <= 0:
            self.refuse("starting values of a scale are above 0.")
        return self.with_kind(msgspec.structs.replace(kind, start=(lower, upper), relative_to=""))

    def fixed(self) -> Law:
        value, kind = self.number("value", 0.0), self.kind()
        if not (kind.lower <= value <= kind.upper and isfinite(value)):
            self.refuse(f"{value:g} is outside the bounds {kind.lower:g} to {kind.upper:g}.")
        return fix(self.law, {self.found["name"]: value})

    def tied(self) -> Law:
        name, other = self.found["name"], self.known("other")
        if name == other:
            self.refuse("a parameter cannot be tied to itself.")
        return tie(self.law, {name: other})

    def kind(self) -> Kind:
        return next(p.kind for p in self.law.parameters if p.name == self.found["name"])

    def with_kind(self, kind: Kind) -> Law:
        name = self.found["name"]
        parameters = (Parameter(name, kind) if p.name == name else p for p in self.law.parameters)
        return copy(self.law, parameters=tuple(parameters))


def _started(kind: Kind) -> Kind:
    """Return the kind with a start range inside its bounds."""
    low, high = kind.lower, kind.upper
    if isfinite(low) and isfinite(high) and (kind.relative_to or kind.lower < 0):
        # Bounds that a person gave in plain numbers say more than the data's scale.
        start = (low, high) if kind.scale == "linear" else (max(low, high * 1e-6), high)
        return msgspec.structs.replace(kind, start=start, relative_to="")
    if kind.relative_to:
        return kind
    start = (max(kind.start[0], low), min(kind.start[1], high))
    if start[0] >= start[1]:
        width = high - low if isfinite(high - low) else 10.0 * (1.0 + min(abs(low), abs(high)))
        start = (low, min(high, low + width)) if low > -inf else (high - width, high)
    if kind.scale == "log" and start[0] <= 0:
        start = (start[1] * 1e-6, start[1])
    return msgspec.structs.replace(kind, start=start)


_CLAUSES: tuple[tuple[re.Pattern[str], Callable[[_Clause], Law]], ...] = (
    (re.compile(rf"\s*{_NAME}\s+in\s*{_RANGE}\s*"), _Clause.bounds),
    (re.compile(rf"\s*{_NAME}\s+from\s*{_RANGE}\s*"), _Clause.start),
    (
        re.compile(
            rf"\s*(?P<lower>{_NUMBER})\s*<=?\s*{_NAME}\s*(?:<=?\s*(?P<upper>{_NUMBER})\s*)?"
        ),
        _Clause.bounds,
    ),
    (re.compile(rf"\s*{_NAME}\s*>=?\s*(?P<lower>{_NUMBER})\s*"), _Clause.bounds),
    (re.compile(rf"\s*{_NAME}\s*<=?\s*(?P<upper>{_NUMBER})\s*"), _Clause.bounds),
    (re.compile(rf"\s*{_NAME}\s*=\s*(?P<value>{_NUMBER})\s*"), _Clause.fixed),
    (re.compile(rf"\s*{_NAME}\s*=\s*(?P<other>[^\W\d]\w*)\s*"), _Clause.tied),
)
