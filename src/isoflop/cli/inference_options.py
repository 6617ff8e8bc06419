"""Flags that commands of `isoflop inference` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.errors import InputError
from isoflop.units import Quantity, parse_count, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from isoflop.plan.sampling.verifier import Verifier
    from isoflop.samples import Estimate


class Named(click.ParamType):
    """Numbers by name, joined by commas: `small=1e12,large=1e13`; one number is for all."""

    name = "NAME=NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, float]:
        """Read the numbers; a number without a name has the name ""."""
        if isinstance(value, dict):
            return value
        found: dict[str, float] = {}
        for part in str(value).split(","):
            name, sign, number = part.rpartition("=")
            if name.strip() in found or (sign and not name.strip()):
                raise InputError(f"`{value}` names `{name.strip()}` twice or not at all.")
            found[name.strip()] = self.read(number.strip())
        if "" in found and len(found) > 1:
            raise InputError(f"`{value}` mixes a number for all with named ones.")
        return found

    def read(self, text: str) -> Any:
        """Read one number."""
        return parse_count(text)


class Costs(Named):
    """Costs by name: `small=1e12,large=1e13`, or in dollars, `small=$0.002,large=$0.02`."""

    name = "NAME=COST"

    def read(self, text: str) -> Quantity:
        """Read one cost: a plain number, FLOPs or dollars."""
        return read_cost(text)


def read_cost(text: str) -> Quantity:
    """Return a cost as it was typed; its unit is empty where none was.

    Raises:
        InputError: it is neither a number nor FLOPs nor dollars.
    """
    plain = text.lstrip("$ ").rstrip().lower().replace("e+", "e")
    if plain[-1:].isalpha() and not plain.endswith(("usd", "flop", "flops")):
        return Quantity(parse_count(text), "")  # 5k is five thousand
    found = parse_quantity(text)
    if found.unit not in ("", "FLOP", "USD"):
        raise InputError(
            f"`{text}` is a cost in {found.unit}.", do="Costs are numbers, FLOPs or dollars: $0.002"
        )
    return found


def unit_of(given: str | None, costs: Iterable[Quantity]) -> str:
    """Return the unit of costs: as given or as typed, FLOPs where neither says.

    Raises:
        InputError: costs are in two units.
    """
    units = {cost.unit for cost in costs} - {""} | ({given} if given else set())
    if len(units) > 1:
        raise InputError(
            f"costs and budget are in {' and in '.join(sorted(units))}.",
            do="Write all of them in one unit, as $0.002 or as 1e12.",
        )
    return units.pop() if units else "FLOP"


by_option = click.option("--by", help="Column whose labels tell models apart.")
law_option = click.option(
    "--law", default="", help="A law of coverage with published constants, not a table."
)
constants_option = click.option(
    "--constants",
    default="",
    callback=lambda _c, _p, value: [x.strip() for x in value.split(",") if x.strip()],
    help="Its published sets, joined by commas; all if empty.",
)
select_option = click.option(
    "--select",
    "selector",
    type=click.Choice(["coverage", "majority", "weighted", "best", "verifier"]),
    help="How one answer is chosen for the budget: by a perfect checker, votes, the best score,"
    " or the stated verifier (the default if one is stated).",
)
verifier_option = click.option(
    "--verifier", type=Named(), help="Its quality: auc=0.8, or tpr=0.9,fpr=0.1."
)
bootstrap_option = click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Resamples of problems; 0 for estimates alone.",
)


def read_verifier(quality: dict[str, float] | None) -> Verifier | None:
    """Return the verifier that `auc=...` or `tpr=...,fpr=...` states.

    Raises:
        InputError: it states something else.
    """
    from isoflop.plan.sampling.verifier import Checker, Scorer

    if quality is None:
        return None
    if set(quality) == {"auc"}:
        return Scorer(auc=quality["auc"])
    if set(quality) == {"tpr", "fpr"}:
        return Checker(tpr=quality["tpr"], fpr=quality["fpr"])
    raise InputError(
        f"a verifier is stated by auc, or by tpr and fpr, not by {', '.join(quality)}.",
        do="--verifier auc=0.8, or --verifier tpr=0.9,fpr=0.1",
    )


def read_selector(selector: str | None, verifier: Verifier | None) -> Any:
    """Return how an answer is chosen: by the verifier if one is stated and nothing else said."""
    return selector or ("coverage" if verifier is None else "verifier")


def percent(estimate: Estimate | None) -> str:
    """Return an accuracy with its interval as text."""
    if estimate is None:
        return "-"
    if estimate.interval is None:
        return f"{100 * estimate.estimate:.3g} %"
    ends = ["open" if x is None else f"{100 * x:.3g}" for x in estimate.interval]
    return f"{100 * estimate.estimate:.3g} % ({' to '.join(ends)})"
