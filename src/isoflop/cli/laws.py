"""`isoflop laws`: which laws there are, what each says, and its value at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.units import parse_count, parse_flops

if TYPE_CHECKING:
    from isoflop.laws.law import Law

EPILOG = """\b
Examples:
  isoflop laws
  isoflop laws show kaplan
  isoflop laws show chinchilla --N 70B --D 1.4T"""

_SHOW = """\b
Every input and parameter of a law is a flag:
  isoflop laws show chinchilla --N 70B --D 1.4T
  isoflop laws show chinchilla --N 7B,70B --D 1.4T --set tex --alpha 0.35"""


class Values(click.ParamType):
    """Numbers as people write them, joined by commas: `7B,70B`."""

    def __init__(self, unit: str) -> None:
        self.name, self.unit = "NUMBERS", unit

    def convert(self, value: Any, param: Any, ctx: Any) -> list[float]:
        """Read the numbers."""
        if isinstance(value, list):
            return value
        read = parse_flops if self.unit == "FLOP" else parse_count
        numbers = [read(part.strip()) for part in value.split(",") if part.strip()]
        if not numbers:
            raise InputError(f"`{value}` holds no number.", do="Write 70B, or 7B,70B.")
        return numbers


class Show(click.Group):
    """One command a law; its flags are the law's inputs and parameters."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all laws."""
        from isoflop import laws

        return laws.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of one law."""
        from isoflop import laws

        return _law_command(laws.get(cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the names only."""
        with formatter.section("Laws"):
            formatter.write_text(", ".join(self.list_commands(ctx)))


@click.group(epilog=EPILOG, invoke_without_command=True)
@o.json_flag
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """List scaling laws by the question they answer; `show` one of them."""
    if ctx.invoked_subcommand is not None:
        return 0
    from isoflop import laws
    from isoflop.cli.law_text import catalogue

    found = [laws.get(name) for name in laws.names()]
    if as_json:
        o.print_json([_entry(law) for law in found])
    else:
        click.echo(catalogue(found))
    return 0


@command.group("show", cls=Show, epilog=_SHOW, subcommand_metavar="LAW [FLAGS]...")
def show() -> None:
    """Print a law: formula, units, constants with ranges and source, when it is wrong.

    With its inputs as flags, also its value under each published set of constants.
    """


def _entry(law: Law) -> dict[str, Any]:
    """Return a law as one row of the list."""
    from isoflop.laws.describe import summary

    return {
        "name": law.name,
        "question": law.question,
        "summary": summary(law),
        "formula": law.formula,
        "source": law.source,
        "published": list(law.published),
    }


def _law_command(law: Law) -> click.Command:
    """Return a command whose flags are generated from the law."""
    inputs = [
        click.Option(
            [f"--{x.name}", x.name],
            type=Values(x.dimension.unit),
            help=f"Input, {x.dimension.unit}.",
        )
        for x in law.inputs
    ]
    parameters = [
        click.Option(
            [f"--{p.name}", p.name],
            type=float,
            help=f"Parameter in place of the published one: {p.kind.name}.",
        )
        for p in law.parameters
    ]
    others = [
        click.Option(
            ["--set", "published_set"],
            help="Only this published set of constants, or this paper's first.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."),
    ]

    def run(published_set: str | None, as_json: bool, **given: Any) -> int:
        return _show(law, published_set or "", as_json, given)

    return click.Command(
        law.name, params=[*inputs, *parameters, *others], callback=run, help=f"Show {law.name}."
    )


def _show(law: Law, published_set: str, as_json: bool, given: dict[str, Any]) -> int:
    """Print a law, and its values if inputs were given."""
    from isoflop.cli.law_text import describe_text, values_text
    from isoflop.laws.describe import describe, evaluate_sets
    from isoflop.laws.published import choose

    inputs = {name: given[name] for name in law.input_names if given[name] is not None}
    parameters = {name: given[name] for name in law.parameter_names if given[name] is not None}
    if published_set:
        published_set, _ = choose(law.name, published_set)
    evaluations = []
    if inputs or parameters:
        evaluations = evaluate_sets(law, inputs, parameters, published_set)
    if as_json:
        o.print_json({"law": describe(law), "inputs": inputs, "values": evaluations})
    elif evaluations:
        click.echo(values_text(law, inputs, evaluations))
    else:
        click.echo(describe_text(describe(law), published_set))
    return 0
