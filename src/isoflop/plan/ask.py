"""Plans as people ask for them: a law or fit by name, quantities as text, hardware by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.result import Fit
from isoflop.laws.published import published
from isoflop.plan import frontiers, optima
from isoflop.plan.answer import Sweep
from isoflop.plan.cautions import general_warnings, rows_outside
from isoflop.plan.decide import decide, sweep_row
from isoflop.plan.questions import SURFACE, linked, only, question_of
from isoflop.plan.source import surface
from isoflop.plan.surface import SIZES
from isoflop.units import format_count, parse_count, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.laws.law import Law
    from isoflop.plan.answer import Plan
    from isoflop.plan.question import Question

#: Samples that one line of a sweep is read from.
SWEEP_SAMPLES = 1000
_MOST_LINES = 200
#: What a sweep varies that is no input of the law.
_SWEPT = ("budget", "loss", "serve", "unique_tokens")


def ask(source: Law | Fit | str, budget: str | float | None = None, **options: Any) -> Plan:
    """Choose N and D with a law or a fit.

    Args:
        source: a law ("chinchilla", "chinchilla[D=repeated_tokens]", "kaplan", a formula) or a
            fit.
        budget: "1e23", "64 H100 for 3 weeks at 40% MFU", "$1M on H100 at $2.5/hour, 40% MFU",
            "100 MWh on H100, 40% MFU"; a number is training FLOPs. "50B unique tokens",
            "1T tokens" or "7B parameters" stand for `unique_tokens`, `D` or `N` without a budget:
            the compute-optimal run that has them.
        **options: constants, inputs, unique_tokens, serve_bits and level (`surface`); loss,
            accuracy, lifetime and rule (`Question`); link and link_constants (`link`);
            serve, prompt_mfu, serve_mfu and serve_price (`serving_of`); serve_budget
            (`largest_served`); device, count, mfu,
            precision, price, pue, intensity and days (`machine_of`); min_N, max_N, N, min_D,
            max_D, D, max_C, max_epochs, deadline, serve_on and latency (`limits_of`).

    Returns:
        The plan, with intervals if the source has samples.

    Raises:
        InputError: the question cannot be understood, or has no answer within its bounds.
        NotIdentified: the law has no best size.
    """
    question, rest = question_of(budget, options)
    if isinstance(source, str) and frontiers.is_frontier(source):
        constants = rest.pop("constants", "")
        if any(value not in (None, "", {}) for value in rest.values()):
            named = ", ".join(name for name, value in rest.items() if value not in (None, "", {}))
            raise InputError(f"`{source}` is a published allocation and takes no {named}.")
        return frontiers.decide(source, constants, question)
    found = surface(source, **only(rest, SURFACE))
    return decide(found, linked(question, found, rest))


def compare(
    sources: Sequence[str | Law | Fit], budget: str | float | None = None, **options: Any
) -> list[Plan]:
    """Ask several laws the same question.

    Args:
        sources: laws ("kaplan", "joint_moe"), laws with constants ("chinchilla:epoch"), names of
            constants of Chinchilla's law ("epoch", "hoffmann2022"), files of fits, or fits.
        budget: as in `ask`.
        **options: as in `ask`, without constants.

    Raises:
        InputError: a source is not known, or cannot answer.
    """
    plans = []
    for one in sources:
        source, constants = named(one)
        own = dict(options) if isinstance(source, Fit) else {**options, "constants": constants}
        plans.append(ask(source, budget, **own))
    return plans


def named(text: str | Law | Fit) -> tuple[str | Law | Fit, str]:
    """Return the law or fit that one name of a comparison stands for, and its constants."""
    if not isinstance(text, str):
        return text, ""
    text = text.strip()
    if text.endswith(".json") or Path(text).is_file():
        return Fit.load(text), ""
    law, sign, constants = text.partition(":")
    if sign and law.replace("_", "").isalnum():
        return law, constants
    sets = published("chinchilla")
    if text in sets or text in {one.source for one in sets.values()}:
        return "chinchilla", text
    return text, ""


def sweep(
    source: Law | Fit | str, over: str, budget: str | float | None = None, **options: Any
) -> Sweep:
    """Plan for a range of budgets, losses, served tokens, unique tokens, or inputs of the law.

    Args:
        source: as in `ask`.
        over: "budget=1e20:1e26", "loss=2.6:2.0:7", "serve=1e11:1e14", "unique_tokens=1e9:1e12",
            "E=1:32:6" (an input of the law): a name, two ends, and the number of points (two a
            decade if it is left out).
        budget: as in `ask`, where it is not what is varied.
        **options: as in `ask`.

    Returns:
        A line a value with N, D and loss.

    Raises:
        InputError: the range cannot be read, or one of its values has no plan.
    """
    name, values = sweep_values(over)
    fixed = budget if name == "budget" else options.get(name)
    if fixed is not None or name in (options.get("inputs") or {}):
        raise InputError(
            f"{name} is swept over {over.partition('=')[2]}, and given as well.",
            do=f"Drop --{name.replace('_', '-')}, or sweep something else.",
        )
    asked = [_at(name, float(value), budget, options) for value in values]
    held = _held(budget, options)
    if isinstance(source, str) and frontiers.is_frontier(source):
        constants = options.get("constants") or ""
        plans = [frontiers.decide(source, constants, question) for question, _ in asked]
        return _allocations(name, values, plans, held)
    found = [surface(source, **only(rest, SURFACE)).thinned(SWEEP_SAMPLES) for _, rest in asked]
    lines = [
        sweep_row(one, linked(question, one, rest), float(value))
        for one, (question, rest), value in zip(found, asked, values, strict=True)
    ]
    one, rows, start = found[0], [row for _, row in lines], asked[0][0].given
    ends = (rows[-1].N.estimate, rows[-1].D.estimate)
    return Sweep(
        over=name,
        objective=lines[0][0].replace(start.words, f"each number of {name.replace('_', ' ')}")
        if start
        else lines[0][0],
        held=held,
        law=one.law.name,
        constants_from=one.constants_from,
        loss_unit=one.loss_unit,
        level=one.level,
        rows=rows,
        warnings=[
            *rows_outside(one, rows),
            *optima.caution(one, asked[0][0]),
            *optima.loss_caution(found[-1], optima.predicted(found[-1], *ends)),
            *general_warnings(one),
        ],
    )


def _allocations(name: str, values: np.ndarray, plans: list[Plan], held: dict[str, str]) -> Sweep:
    """Return a sweep of a published allocation."""
    last = plans[-1]
    return Sweep(
        over=name,
        objective=last.objective,
        held=held,
        law=last.law,
        constants_from=last.constants_from,
        loss_unit=last.loss_unit,
        level=last.level,
        rows=[frontiers.row(p, float(x)) for p, x in zip(plans, values, strict=True)],
        warnings=last.warnings,
    )


def _held(budget: str | float | None, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what stays the same over a sweep, as it was given."""
    given = {"budget": budget, **options, **(options.get("inputs") or {})}
    return {
        name: _written(value)
        for name, value in given.items()
        if name not in ("inputs", "constants") and value not in (None, False, "")
    }


def _written(value: Any) -> str:
    if value is True:
        return "yes"
    number = isinstance(value, int | float)
    return format_count(float(value), 6) if number else str(getattr(value, "name", value))


def _at(
    name: str, value: float, budget: str | float | None, options: Mapping[str, Any]
) -> tuple[Question, dict[str, Any]]:
    """Return the question of one value of a sweep, and the options of its law."""
    given = dict(options)
    if name == "budget":
        return question_of(value, given)
    if name in _SWEPT:
        given[name] = value
    else:
        given["inputs"] = {**(options.get("inputs") or {}), name: value}
    return question_of(budget, given)


def sweep_values(over: str) -> tuple[str, np.ndarray]:
    """Read `budget=1e20:1e26:13`: the name, and the values, spaced evenly in their logarithm."""
    name, sign, ends = over.partition("=")
    name = name.strip().replace("-", "_")
    parts = [part.strip() for part in ends.split(":")]
    if not sign or name in (*SIZES, "D") or not name.isidentifier() or len(parts) < 2:
        raise InputError(
            f"`{over}` is no range to sweep.",
            do="Write budget=1e20:1e26, loss=2.6:2.0:7, serve=1e11:1e14,"
            " unique_tokens=1e9:1e12, or an input of the law: E=1:32:6.",
        )
    low, high = (
        parse_quantity(part, "FLOP" if name == "budget" else "").value for part in parts[:2]
    )
    if not (low > 0 and high > 0 and low != high):
        raise InputError(f"`{over}` runs from {low:g} to {high:g}; both must be positive.")
    default = round(2 * abs(np.log10(high / low))) + 1 if name != "loss" else 7
    count = int(parse_count(parts[2])) if len(parts) > 2 else max(int(default), 2)
    if not 2 <= count <= _MOST_LINES:
        raise InputError(f"a sweep has 2 to {_MOST_LINES} points, not {count}.")
    return name, np.geomspace(low, high, count)
