"""`isoflop design next`: which runs to train next, and how sure they would make the target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli.quantities import number
from isoflop.errors import InputError
from isoflop.units import format_count, format_flops, format_loss, parse_count, parse_flops

if TYPE_CHECKING:
    from isoflop.design.next import NextRuns
    from isoflop.samples import Estimate

EPILOG = """\b
Examples:
  isoflop fit runs.csv --out fit.json
  isoflop design next --fit fit.json --budget 3e19 --target C=1e22
  isoflop design next --fit fit.json --budget 3e19 --target N=7B,D=140B --sizes 100M,200M,400M,1B"""


class Assignments(click.ParamType):
    """Values by name, joined by commas: `N=70B,D=1.4T`."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, float]:
        """Read the values; C is an amount of compute, everything else a count."""
        if isinstance(value, dict):
            return value
        found: dict[str, float] = {}
        for part in str(value).split(","):
            name, sign, number = (piece.strip() for piece in part.partition("="))
            if not (name and sign and number) or name in found:
                raise InputError(
                    f"`{value}` is not NAME=VALUE, joined by commas.",
                    do="--target C=1e22, or --target N=70B,D=1.4T",
                )
            found[name] = (parse_flops if name == "C" else parse_count)(number)
        return found


@click.command("next", epilog=EPILOG)
@click.option(
    "--fit",
    "fit_path",
    type=click.Path(path_type=Path),
    required=True,
    help="A fit with samples, as `isoflop fit --out` writes it.",
)
@click.option(
    "--budget", type=o.Flops(), required=True, help="Training FLOPs of all new runs together."
)
@click.option(
    "--target",
    type=Assignments(),
    required=True,
    help="The loss to be known: C=1e22 for its compute-optimal point, or N=70B,D=1.4T.",
)
@click.option("--sizes", type=o.Numbers(), help="Parameter counts that can be trained.")
@click.option("--widths", type=o.Numbers(), help="Widths of `isoflop train`'s models instead.")
@o.convention_option
@click.option(
    "--step",
    type=int,
    default=1,
    show_default=True,
    help="Tokens of one optimiser step; D is a whole number of steps.",
)
@click.option(
    "--runs", "most", type=int, help="Largest number of runs; that of the grid by default."
)
@click.option(
    "--spread",
    type=float,
    help="Factor around the compute-optimal size within which sizes are considered.",
)
@click.option("--least-share", type=float, help="Least share of the budget that a run may cost.")
@click.option(
    "--sigma",
    type=float,
    help="Standard deviation of a run's log loss; that of the fit's residuals by default.",
)
@click.option(
    "--input",
    "others",
    type=Assignments(),
    default={},
    help="Values of the law's further inputs: U=25e9.",
)
@click.option("--level", type=float, help="Probability of every interval; the fit's by default.")
@o.seed_option
@o.json_flag
def next_command(fit_path: Path, **flags: Any) -> int:
    """Choose the runs to train next: those that make the loss at a target surest for a budget.

    Compared with the usual isoFLOP grid of the same cost: three budgets, five sizes each.
    """
    from isoflop.design.next import next_runs
    from isoflop.fit.result import Fit

    target = flags["target"]
    if set(target) not in ({"C"}, {"N", "D"}):
        raise InputError(
            f"the target names {', '.join(target)}; it is either C, or N and D.",
            do="--target C=1e22, or --target N=70B,D=1.4T",
        )
    names = ("most", "spread", "least_share")
    optional = {name: flags[name] for name in names if flags[name] is not None}
    answer = next_runs(
        Fit.load(fit_path),
        flags["budget"],
        **target,
        sizes=flags["sizes"],
        widths=o.whole(flags["widths"], "--widths"),
        convention=flags["convention"],
        step=flags["step"],
        sigma=flags["sigma"],
        level=flags["level"],
        seed=flags["seed"],
        **optional,
        **flags["others"],
    )
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(text(answer))
    return 0


def text(answer: NextRuns) -> str:
    """Return a design as text."""
    target, expected = answer.target, answer.expected
    point = "compute-optimal point" if target.kind == "C" else "run"
    lines = [
        f"target: loss of the {point} N = {format_count(target.N)}, D = {format_count(target.D)}"
        f" (C = {format_flops(target.C)}); law {answer.law}",
        f"{number(len(answer.runs), 'run')}, {format_flops(answer.cost)} of"
        f" {format_flops(answer.budget)} FLOPs (counted {answer.counted})",
        f"{'C (FLOPs)':>10} {'N':>8} {'D':>8} {'D/N':>7}  width",
    ]
    lines += [
        f"{format_flops(run.C):>10} {format_count(run.N):>8} {format_count(run.D):>8}"
        f" {run.D / run.N:7.3g}  {run.width or '-':>5}{'  shows a bend' if run.interior else ''}"
        for run in answer.runs
    ]
    lines.append(f"loss at the target, {100 * answer.level:g} % intervals ({expected.now.holds}):")
    rows = {"now": expected.now, "after these runs": expected.after}
    if expected.grid is not None:
        rows[f"after the isoFLOP grid ({len(answer.grid)} runs)"] = expected.grid
    lines += [f"  {name:34} {_interval(estimate)}" for name, estimate in rows.items()]
    lines += [_comparison(answer), f"seed noise reckoned with: {answer.noise:.3g} of the log loss"]
    return "\n".join([*lines, *(f"warning: {w}" for w in answer.warnings)])


def _interval(estimate: Estimate) -> str:
    low, high = estimate.interval or (None, None)
    ends = ["open" if end is None else format_loss(end) for end in (low, high)]
    return f"{format_loss(estimate.estimate)}   {ends[0]} to {ends[1]}"


def _comparison(answer: NextRuns) -> str:
    if answer.expected.grid is None:
        return "no isoFLOP grid of three budgets and five sizes fits this ladder and budget"
    if answer.compute_share is None:
        return (
            "with these sizes and number of runs the usual isoFLOP grid is as good or better;"
            " smaller runs may do more:  --least-share 0.02"
        )
    share = f"{answer.compute_share:.2g}x the compute"
    return f"the same interval as the grid for {share} (by standard deviations)"
