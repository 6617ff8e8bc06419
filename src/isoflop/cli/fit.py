"""`isoflop fit`: fit a law to runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli.approaches import approach_options, check_flags, run_approaches

if TYPE_CHECKING:
    from isoflop.fit.result import Fit

EPILOG = """\b
Examples:
  isoflop fit runs.csv --column N=params_N --bootstrap 1000
  isoflop fit runs.csv --target C=1e22
  isoflop fit my-study --law "E + A/N^alpha + B/D^beta"
  isoflop fit runs.csv --law "chinchilla[D=repeated_tokens]" --json
  isoflop fit my-study --approach all
  isoflop fit runs.csv --approach 2 --profile corrected"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--law",
    default="chinchilla",
    show_default=True,
    help="A registered law, a composition like chinchilla[D=repeated_tokens], or a formula.",
)
@o.noise_option
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Number of samples; 0 for the estimate alone.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "case", "residual", "wild", "laplace"]),
    default="auto",
    show_default=True,
    help="How samples are drawn; auto draws residuals if all runs scatter alike, else runs.",
)
@click.option("--cluster", help="Column of labels; runs with one label are drawn together.")
@click.option("--weight", help="Column of weights.")
@click.option("--sigma", help="Known noise of each run's log output: a column, or one number.")
@o.output_option
@click.option(
    "--sensitivity/--no-sensitivity",
    default=True,
    show_default=True,
    help="Refit without the worst runs, with other noise, and with N counted otherwise.",
)
@click.option(
    "--kernel",
    type=click.Choice(["numpy", "numba"]),
    default="numpy",
    show_default=True,
    help="What sums over runs; numba (extra `fast`) compiles for seconds, then saves a third of"
    " the time: for tens of thousands of samples.",
)
@click.option(
    "--target",
    type=o.Target(),
    help="Budget at which N* and D* are stated, C=1e22 or C=1e22,U=1e11; 10 x the largest C of"
    " the runs by default.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the whole fit, samples too, as JSON."
)
@approach_options
@o.runs_options
@o.seed_option
@o.level_option
@o.json_flag
@click.pass_context
def command(ctx: click.Context, source: Path, **flags: Any) -> int:
    """Fit a law to the runs of SOURCE, a study's folder or a table, and say how sure it is.

    With --approach: how compute-optimal N and D grow with C, by the approaches of Hoffmann et
    al. 2022. Exit code 1 if some parameter is not identified by the runs, the search did not
    converge, or an approach has no answer.
    """
    written = click.core.ParameterSource.COMMANDLINE
    check_flags(flags, lambda name: ctx.get_parameter_source(name) is written)
    if flags["approach"] is not None:
        return run_approaches(source, flags)
    from isoflop.fit.fitting import fit
    from isoflop.laws.resolve import resolve
    from isoflop.protocols.sources import points_of_one_law

    table = o.open_runs(source, flags)
    if source.is_dir():
        table = points_of_one_law(table)
    if not flags["as_json"]:
        o.tell_findings(table)
    fitted = fit(
        table,
        resolve(flags["law"], columns=tuple(table.columns)),
        noise=flags["noise"],
        bootstrap=flags["bootstrap"],
        method=flags["method"],
        seed=flags["seed"],
        level=flags["level"],
        cluster=flags["cluster"],
        weight=flags["weight"],
        sigma=_number_or_column(flags["sigma"]),
        output=flags["output"],
        sensitivity=flags["sensitivity"],
        target=flags["target"],
        kernel=flags["kernel"],
    )
    if flags["as_json"]:
        o.print_json(document(fitted))
    else:
        click.echo(str(fitted))
    if flags["out"] is not None:
        o.write(flags["out"], fitted.to_json().encode())
    return 0 if fitted.converged and all(fitted.identified.values()) else 1


def _number_or_column(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def document(fitted: Fit) -> dict[str, Any]:
    """Return a fit as JSON types, without its samples; `holds` is what its intervals hold.

    Those of the optimum say it themselves.
    """
    import msgspec

    from isoflop.samples import SAMPLING

    names = (
        "estimate",
        "objective",
        "noise",
        "converged",
        "message",
        "identified",
        "at_bound",
        "starts",
        "gradient",
        "condition",
        "deviation",
        "draws",
        "intervals",
        "profiles",
        "optimum",
        "minima",
        "sensitivity",
        "ranges",
        "runs",
        "settings",
        "convention",
        "data_digest",
        "version",
    )
    return {"law": fitted.law.name, "holds": SAMPLING} | {
        name: msgspec.to_builtins(getattr(fitted, name)) for name in names
    }
