"""`isoflop design`: a first sweep and what it costs, and which runs to train next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.cli.design_next import next_command
from isoflop.cli.groups import DefaultGroup
from isoflop.units import format_count, format_flops

EPILOG = """\b
Examples:
  isoflop design --budgets 5e10,1.5e11,5e11 --sizes 5 --out sweep.json
  isoflop design next --fit fit.json --budget 3e19 --target C=1e22"""

_SWEEP = """\b
Example:  isoflop design --budgets 5e10,1.5e11,5e11 --sizes 5 --out sweep.json"""


@click.group(cls=DefaultGroup, default="sweep", epilog=EPILOG)
def command() -> None:
    """Design a first sweep, or the next runs after a fit.

    `isoflop design --budgets ...` is `isoflop design sweep --budgets ...`; its flags are in
    `isoflop design sweep --help`.
    """


command.add_command(next_command)


@command.command("sweep", epilog=_SWEEP)
@click.option(
    "--budgets",
    type=o.Numbers(),
    required=True,
    help="Training FLOPs of one run, joined by commas.",
)
@click.option("--sizes", type=int, default=5, show_default=True, help="Model sizes a budget.")
@click.option("--widths", type=o.Numbers(), help="The widths themselves, for every budget.")
@click.option(
    "--corpus",
    type=o.PLACE,
    help="Folder, text file, or .bin of uint16 tokens; by default Python's own source.",
)
@click.option(
    "--out",
    type=o.PLACE,
    default=Path("sweep.json"),
    show_default=True,
    help="File of the sweep.",
)
@o.seed_option
@o.dry_run_flag
@o.json_flag
@o.quiet_flag
def sweep_command(**flags: Any) -> int:
    """Design an isoFLOP sweep: for each budget, sizes evenly spaced in log N.

    Tokens come from the exact FLOP count; batch and learning rates from stated rules.
    """
    import msgspec

    from isoflop.cli.study import load_corpus
    from isoflop.design.sweep import TEMPLATE, isoflop

    corpus = load_corpus(flags["corpus"], quiet=flags["quiet"])
    sweep = isoflop(
        flags["budgets"],
        corpus=corpus.digest,
        template=msgspec.structs.replace(TEMPLATE, vocab=corpus.vocab),
        sizes=flags["sizes"],
        widths=o.whole(flags["widths"], "--widths"),
        seed=flags["seed"],
    )
    corpus.check(max(spec.setup.tokens for spec in sweep.specs))
    if flags["as_json"]:
        o.print_json({"id": sweep.id, "flops": sweep.cost, "runs": table(sweep.specs)})
    else:
        click.echo(text(sweep.specs))
        click.echo(f"{len(sweep.specs)} runs, {format_flops(sweep.cost)} in all")
    if not flags["dry_run"]:
        o.write(flags["out"], msgspec.json.format(msgspec.json.encode(sweep), indent=1))
    return 0


def table(specs: Any) -> list[dict[str, Any]]:
    """Return one row a run: id, role, budget, width, N, D, steps, batch, rate, seed, flops."""
    return [
        {
            "id": spec.id,
            "role": spec.role,
            "budget": spec.budget,
            "width": spec.setup.architecture.width,
            "N": spec.setup.architecture.parameters(),
            "D": spec.setup.tokens,
            "steps": spec.setup.steps,
            "batch": spec.setup.batch,
            "lr_hidden": spec.setup.rates.hidden,
            "seed": spec.setup.seed,
            "flops": spec.setup.flops,
        }
        for spec in specs
    ]


def text(specs: Any) -> str:
    """Return the same table as text, with what it counts as its last line."""
    lines = [
        f"{'role':9} {'C (FLOPs)':>9} {'width':>5} {'N':>7} {'D':>7} {'steps':>6} {'batch':>5}"
        f" {'rate':>8} {'seed':>4}"
    ]
    lines += [
        f"{row['role']:9} {row['budget']:9.3g} {row['width']:5d} {format_count(row['N']):>7}"
        f" {format_count(row['D']):>7} {row['steps']:6d} {row['batch']:5d}"
        f" {row['lr_hidden']:8.2g} {row['seed']:4d}"
        for row in table(specs)
    ]
    lines.append(
        "N counts matrices + head, D tokens processed, C exact training FLOPs, batch sequences;"
        " rate: peak of hidden matrices"
    )
    return "\n".join(lines)
