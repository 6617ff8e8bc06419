"""What is found out about a law by evaluating it: linear parameters, ranges, its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.laws.dimensions import OUTPUT
from isoflop.laws.duals import Dual, seed
from isoflop.laws.tracing import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.laws.law import Law

_POINTS = 24  # generic runs at which a law is looked at
_TOLERANCE = 1e-9


def generic_inputs(law: Law, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return generic values of a law's inputs: log-uniform in the typical range, shape [count].

    Args:
        law: the law; label inputs get the labels of its groups in turn.
        count: number of points.
        seed: of the points.
    """
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {}
    for x in law.inputs:
        if x.dimension.text:
            labels = law.levels.get(x.name, ("a",))
            values[x.name] = np.resize(np.asarray(labels, dtype=object), count)
            continue
        low, high = np.log(x.dimension.typical)
        values[x.name] = np.exp(rng.uniform(low, high, count))
    return values


def parameter_ranges(
    law: Law, inputs: Mapping[str, Any], output: float = 1.0
) -> dict[str, tuple[float, float]]:
    """Return the range of starting values of each parameter, in the units of the data.

    Args:
        law: a law without open groups.
        inputs: arrays [runs] of its inputs.
        output: smallest observed output, the unit of ranges relative to it.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for p in law.parameters:
        relative = p.kind.relative_to
        unit = 1.0
        if relative == OUTPUT:
            unit = output
        elif relative and relative in inputs:
            unit = float(np.exp(np.mean(np.log(inputs[relative]))))
        low, high = p.start
        ranges[p.name] = (max(low * unit, p.lower), min(high * unit, p.upper))
    return ranges


def generic_parameters(
    law: Law, inputs: Mapping[str, Any], count: int, seed: int = 0
) -> dict[str, np.ndarray]:
    """Return generic values of the parameters within their start ranges, shape [count, 1]."""
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {}
    for name, (low, high) in parameter_ranges(law, inputs).items():
        u = rng.random((count, 1))
        values[name] = low * (high / low) ** u if low > 0 else low + (high - low) * u
    return values


def evaluate(
    law: Law, inputs: Mapping[str, Any], values: Mapping[str, Any], second: bool = True
) -> Dual:
    """Return the law with its derivatives by all parameters.

    Args:
        law: a law without open groups.
        inputs: arrays [runs] by input.
        values: numbers or arrays [batch, 1] by parameter.
        second: whether second derivatives are wanted.
    """
    result = law.function(**inputs, **seed(values, second))
    return result if isinstance(result, Dual) else Dual(result, {}, {} if second else None)


def linear_parameters(law: Law) -> frozenset[str]:
    """Return names of parameters in which the law is jointly affine.

    A parameter qualifies if its second derivative, those with the others chosen, and the error
    of the affine prediction for a large step vanish at generic points. Parameters are tried in
    the order of declaration.
    """
    if law.groups:
        opened = law.expand(**dict.fromkeys(law.groups.values(), ("a", "b")))
        return frozenset(p for p in law.parameter_names if {p, f"{p}[a]"} & opened.linear)
    inputs = generic_inputs(law, _POINTS)
    values = generic_parameters(law, inputs, 4)
    with np.errstate(all="ignore"):
        result = evaluate(law, inputs, values)
        chosen: list[str] = []
        for name in law.parameter_names:
            if _flat(result, name, chosen) and _affine(law, inputs, values, [*chosen, name]):
                chosen.append(name)
    return frozenset(chosen)


def _flat(result: Dual, name: str, chosen: list[str]) -> bool:
    size = np.abs(result.value)
    for other in (*chosen, name):
        pair = (name, other) if name <= other else (other, name)
        curvature = (result.h or {}).get(pair)
        if curvature is not None and np.any(np.abs(curvature) > _TOLERANCE * size):
            return False
    return name in result.d


def _affine(
    law: Law, inputs: Mapping[str, Any], values: Mapping[str, np.ndarray], names: list[str]
) -> bool:
    before = evaluate(law, inputs, values, second=False)
    moved = dict(values)
    predicted = before.value
    for k, name in enumerate(names):
        step = (2.0 + k) * np.abs(values[name])
        moved[name] = values[name] + step
        predicted = predicted + before.d[name] * step
    after = law.function(**inputs, **moved)
    finite = np.isfinite(after) & np.isfinite(predicted)
    error = np.abs(after - predicted)[finite]
    return finite.any() and bool(np.all(error <= _TOLERANCE * np.abs(predicted[finite])))


def formula_text(law: Law) -> str:
    """Return the right-hand side as text; empty if the function does not only use operators."""
    if law.groups:
        return formula_text(law.expand(**dict.fromkeys(law.groups.values(), ("a", "b"))))
    symbols = {name: Node(name) for name in (*law.input_names, *law.parameter_names)}
    try:
        result = law.function(**symbols)
    except (TypeError, AttributeError, ValueError):
        return ""  # loops over schedules and the like
    return result.text if isinstance(result, Node) else ""
