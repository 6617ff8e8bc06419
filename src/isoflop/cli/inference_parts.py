"""Parts of `isoflop inference` that need no table: votes and REBASE."""

from __future__ import annotations

from typing import Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.units import parse_count

_VOTE = """\b
Examples:
  isoflop inference vote --p 0.40,0.35,0.25 --n 1,11,101
  isoflop inference vote --p 0.35,0.40,0.25 --n 11 --weights 0.2:0.8,0.6:0.4,0.6:0.4"""

_REBASE = """\b
Example:  isoflop inference rebase --rewards 0.9,0.7,0.5,0.3 --width 16"""


class Weights(click.ParamType):
    """For each answer, the chances that a vote weighs 0, 1, ... units: `0.2:0.8,0.6:0.4`."""

    name = "DISTRIBUTIONS"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[list[float]]:
        """Read the distributions.

        Raises:
            InputError: they are not of one length.
        """
        if isinstance(value, list):
            return value
        rows = [[parse_count(x.strip()) for x in row.split(":")] for row in str(value).split(",")]
        if len({len(row) for row in rows}) != 1:
            raise InputError(
                f"`{value}`: each answer needs as many weights as the others.",
                do="--weights 0.2:0.8,0.6:0.4,0.6:0.4",
            )
        return rows


@click.command("vote", epilog=_VOTE)
@click.option(
    "--p",
    "masses",
    type=o.Numbers(),
    required=True,
    help="Probability of each answer, the correct one first.",
)
@click.option("--n", type=o.Numbers(), required=True, help="Votes, joined by commas.")
@click.option("--weights", type=Weights(), help="For weighted voting: chances of 0, 1, ... units.")
@o.json_flag
def vote_command(masses: tuple[float, ...], n: Any, weights: Any, as_json: bool) -> int:
    """Give the exact accuracy of a vote of n samples; ties are split evenly."""
    from isoflop.plan.sampling.voting import vote, vote_limit, vote_rate

    votes = o.whole(n, "--n") or ()
    means = None
    if weights is not None:
        means = [sum(level * p for level, p in enumerate(row)) for row in weights]
    answer = {
        "accuracy": [{"n": x, "accuracy": vote(masses, x, weights=weights)} for x in votes],
        "limit": vote_limit(masses, means),
        "rate": vote_rate(masses) if weights is None and len(masses) > 1 else None,
    }
    if as_json:
        o.print_json(answer)
        return 0
    for row in answer["accuracy"]:
        click.echo(f"{row['n']:6d} vote{'s' * (row['n'] != 1)}: {100 * row['accuracy']:.4g} %")
    click.echo(f"   limit: {100 * answer['limit']:.4g} %")
    if answer["rate"] is not None:
        click.echo(f"the most likely answer is missed with at most {answer['rate']:.6g}^-n")
    return 0


@click.command("rebase", epilog=_REBASE)
@click.option("--rewards", required=True, help="Reward of each node, joined by commas.")
@click.option("--width", type=int, required=True, help="Samples to spend at this depth.")
@click.option(
    "--temperature", type=float, default=0.2, show_default=True, help="Balance temperature."
)
@click.option(
    "--rounding",
    type=click.Choice(["sequential_ceil", "round"]),
    default="sequential_ceil",
    show_default=True,
    help="As the authors' program does (spends the width), or as the paper writes.",
)
@o.json_flag
def rebase_command(rewards: str, as_json: bool, **settings: Any) -> int:
    """Share out continuations over partial solutions by REBASE."""
    from isoflop.plan.sampling.rebase import rebase, rebase_shares

    try:
        values = [float(x) for x in rewards.split(",") if x.strip()]
    except ValueError:
        raise InputError(
            f"`{rewards}` are not numbers joined by commas.", do="--rewards 0.9,0.7,0.5"
        ) from None
    widths = rebase(values, settings.pop("width"), **settings)
    shares = rebase_shares(values, settings["temperature"])
    if as_json:
        o.print_json({"continuations": widths, "shares": shares, "total": sum(widths)})
        return 0
    for reward, share, width in zip(values, shares, widths, strict=True):
        click.echo(f"reward {reward:8.4g}   share {share:.4f}   continuations {width}")
    click.echo(f"{sum(widths)} in all")
    return 0
