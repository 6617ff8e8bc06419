"""What is asked of a law, from options as people give them: by name, numbers as text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError
from isoflop.plan import budget as budgets
from isoflop.plan.given import Given, given_of, read_counted
from isoflop.plan.lifetime import TRAIN_FLOPS
from isoflop.plan.link import link
from isoflop.plan.options import largest_served, limits_of, machine_of, serving_of
from isoflop.plan.question import Question
from isoflop.units import parse_count, parse_flops

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.plan.machine import Machine
    from isoflop.plan.surface import Surface

SURFACE = ("constants", "inputs", "unique_tokens", "serve_bits", "level")
_MACHINE = ("device", "count", "mfu", "precision", "price", "pue", "intensity")
_SERVING = ("serve", "prompt_mfu", "serve_mfu", "serve_price")
_BOUNDS = ("min_N", "max_N", "N", "min_D", "max_D", "D", "max_C")
_LIMITS = (*_BOUNDS, "max_epochs", "deadline", "serve_on", "latency")
_QUESTION = ("loss", "accuracy", "lifetime", "rule")
_LINK = ("link", "link_constants")
#: What may be asked for instead of spending a budget.
_WANTED = ("loss", "accuracy")
#: Options that are numbers and may be written as people do.
_COUNTS = ("unique_tokens", "serve_bits", "level", "count", "price", "pue", "serve_price")
_NUMBERS = (*_BOUNDS, *_COUNTS, "max_epochs", "loss", "accuracy", "days")
KNOWN = (*SURFACE, *_MACHINE, *_SERVING, *_LIMITS, *_QUESTION, *_LINK, "days", "serve_budget")


def question_of(
    budget: str | float | None, options: Mapping[str, Any]
) -> tuple[Question, dict[str, Any]]:
    """Return the question that options ask, and the options of its law and link.

    Raises:
        InputError: an option is unknown, or cannot be read.
    """
    unknown = sorted(set(options) - set(KNOWN))
    if unknown:
        raise InputError(
            f"a plan has no option {', '.join(unknown)}.", do=f"It has {', '.join(sorted(KNOWN))}."
        )
    options, budget = _counted(_read(options), budget)
    machine = machine_of(**only(options, _MACHINE))
    options, budget, start = _goal(options, budget, machine)
    read = None
    if budget is not None:
        read, machine = budgets.read(budget, machine)
    serving, most = serving_of(machine, **only(options, _SERVING)), options.get("serve_budget")
    limits = limits_of(
        machine,
        served=None if most is None else largest_served(most, serving, machine),
        unique_tokens=options.get("unique_tokens"),
        serve_bits=options.get("serve_bits"),
        **only(options, _LIMITS),
    )
    asked = only(options, _QUESTION)
    question = Question(
        budget=read, given=start, serving=serving, limits=limits, machine=machine, **asked
    )
    return question, only(options, (*SURFACE, *_LINK))


def _goal(
    options: dict[str, Any], budget: str | float | None, machine: Machine
) -> tuple[dict[str, Any], str | float | None, Given | None]:
    """Return options, budget, and what a plan without a budget or loss starts from.

    Days are a budget, or a deadline beside another goal; N and D together a run as it is fixed.
    """
    wanted = any(options.get(x) is not None for x in _WANTED)
    days = None if options.get("days") is None else parse_count(options["days"])
    if days is not None and (budget is not None or wanted):
        return {**options, "deadline": options.get("deadline") or f"{days:g} days"}, budget, None
    if days is not None:
        return options, f"{machine.need('count'):.17g} devices for {days:.17g} days", None
    if budget is not None or wanted:
        return options, budget, None
    N, D = options.get("N"), options.get("D")
    if N is not None and D is not None:
        return options, TRAIN_FLOPS * N * D, None
    return options, None, _start(options)


def _counted(
    options: dict[str, Any], budget: str | float | None
) -> tuple[dict[str, Any], str | float | None]:
    """Return options and budget, a budget of tokens or parameters moved into the options.

    Raises:
        InputError: the option is given as well, or a loss to reach.
    """
    found = read_counted(budget)
    for name in found:
        goals = [x for x in (name, *_WANTED) if options.get(x) is not None]
        if goals:
            raise InputError(
                f"a budget of `{budget}` and {goals[0]} = {options[goals[0]]:g} are given.",
                "The budget sets the run by itself.",
                f"Drop one; beside another goal it is  --{name.replace('_', '-')}",
            )
    return ({**options, **found}, None) if found else (options, budget)


def _start(options: Mapping[str, Any]) -> Given | None:
    """Return the tokens or parameters that a plan without a budget starts from, if any."""
    names = ("N", "D", "unique_tokens", "max_epochs")
    N, D, unique, epochs = (options.get(name) for name in names)
    if N is None and D is None and unique is None:
        return None
    return given_of(N, D, unique, epochs)


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with numbers that were given as text read: `N="7B"`, `max_C="10 PF-days"`."""
    read = dict(options)
    for name, value in options.items():
        if isinstance(value, str) and name in _NUMBERS:
            read[name] = (parse_flops if name == "max_C" else parse_count)(value)
    return read


def linked(question: Question, found: Surface, options: Mapping[str, Any]) -> Question:
    """Return the question with the link that its options name, if they name one."""
    if not options.get("link"):
        return question
    made = link(options["link"], options.get("link_constants") or "", found.loss_unit)
    return replace(question, link=made)


def only(options: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the options of some names that were given."""
    return {name: options[name] for name in names if options.get(name) is not None}
