"""`isoflop plan`: choose N and D for a budget or a loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli.plan_options import asked, compare_option, given, question_options, size_option
from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.plan.answer import Plan, Sweep

#: What --out can write, by the end of the name.
FORMATS = (".html", ".json")

EPILOG = """\b
Examples:
  isoflop plan my-study --budget 5e13
  isoflop plan runs.csv --budget 1e22 --json
  isoflop plan --fit fit.json --budget "64 H100 for 3 weeks at 40% MFU"
  isoflop plan --law chinchilla --constants hoffmann2022 --budget 5.76e23 --serve 2T
  isoflop plan --law chinchilla --loss 2.1 --device H100 --count 64 --mfu 0.4 --price 2.5
  isoflop plan --law chinchilla --budget 1e22 --unique-tokens 25e9 --out plan.html
  isoflop plan --law chinchilla --budget 1e24 --compare kaplan,epoch,fit.json
  isoflop plan --law chinchilla --sweep budget=1e20:1e26"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path), required=False, metavar="[SOURCE]")
@click.option("--law", help="A law of N and D instead of runs, a composition, or a formula.")
@click.option("--fit", type=click.Path(path_type=Path), help="A fit: isoflop fit --out fit.json.")
@click.option(
    "--budget",
    help="Training FLOPs, '64 H100 for 3 weeks at 40% MFU', '$1M on H100 at $2.5/hour', '90 MWh',"
    " '50B unique tokens'.",
)
@question_options
@size_option
@compare_option
@click.option("--sweep", help="A table: budget=1e20:1e26, loss=, serve=, unique_tokens=, E=1:32:6.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write plan.html, a page, or plan.json.",
)
@o.runs_options
@o.seed_option
@click.option("--level", type=float, help="Probability of every interval.  [default: 0.9]")
@o.json_flag
def command(source: Path | None, **flags: Any) -> int:
    """Choose N and D for a budget or a loss, with intervals.

    From the runs of SOURCE (fitted by several models), from a fit of your own (--fit), or from a
    published law (--law, --constants). With --serve the budget sets the loss that training alone
    would reach, and the lifetime cost of reaching it is made least.
    """
    named = [name for name in ("source", "law", "fit") if (flags | {"source": source}).get(name)]
    if len(named) != 1 and not (flags["compare"] and not named):
        raise InputError(
            f"{' and '.join(named) if named else 'nothing'} to plan with is given.",
            "A plan comes from runs, from one fit, or from one law.",
            "Give one of:  isoflop plan runs.csv   --fit fit.json   --law chinchilla",
        )
    if source is not None:
        return _from_runs(source, flags)
    return _from_law(flags)


def _from_runs(source: Path, flags: dict[str, Any]) -> int:
    from isoflop.cli.plan_text import runs_text
    from isoflop.plan.questions import KNOWN
    from isoflop.protocols.question import plan

    size, level = flags["size"], flags["level"]
    other = {name: flags.get(name) for name in (*KNOWN, "compare", "sweep", "out")}
    other |= {"N": size if isinstance(size, float) else None, "level": None}
    named = [name for name, value in other.items() if given(value)]
    if named or flags["budget"] is None:
        flag = ", ".join(f"--{name.replace('_', '-')}" for name in named) or "no --budget"
        raise InputError(
            f"runs answer a --budget alone, not {flag}.",
            "They are fitted by several models, of which only one is a law of N and D.",
            "Fit a law first:  isoflop fit runs.csv --out fit.json; isoflop plan --fit fit.json",
        )
    table = o.open_runs(source, flags, compute=True)
    if not flags["as_json"]:
        o.tell_findings(table)
    answer = plan(
        table,
        flags["budget"],
        convention=str(size or "matrices+head"),
        settings=o.analysis_settings({**flags, "level": 0.9 if level is None else level}),
    )
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(runs_text(answer))
    return 0


def _from_law(flags: dict[str, Any]) -> int:
    from isoflop.plan.ask import ask, compare, sweep
    from isoflop.plan.questions import KNOWN

    for name in ("column", "where", "state"):
        if flags[name]:
            raise InputError(f"--{name} is of runs.", do="Give a table of runs, or drop it.")
    source: Any = flags["law"]
    if flags["fit"] is not None:
        from isoflop.fit.result import Fit

        source = Fit.load(flags["fit"])
    if flags["out"] is not None and flags["out"].suffix not in FORMATS:
        raise InputError(
            f"{flags['out']} ends in none of {', '.join(FORMATS)}.", do=f"--out plan{FORMATS[0]}"
        )
    options, budget = asked(flags, KNOWN), flags["budget"]
    if flags["sweep"]:
        if flags["compare"]:
            raise InputError("--sweep and --compare are two tables.", do="Ask for one of them.")
        return _show_sweep(sweep(source, flags["sweep"], budget, **options), flags)
    plans = [ask(source, budget, **options)] if source is not None else []
    if flags["compare"]:
        others = {name: value for name, value in options.items() if name != "constants"}
        plans += compare(flags["compare"], budget, **others)
    _show(plans, flags)
    if flags["out"] is not None:
        _write(plans, flags["out"])
    return 0


def _show(plans: list[Plan], flags: dict[str, Any]) -> None:
    from isoflop.plan.text import compare_text, text

    if flags["as_json"]:
        o.print_json({"plans": plans} if flags["compare"] else plans[0])
    elif flags["compare"]:
        click.echo(compare_text(plans))
    else:
        click.echo(text(plans[0]))


def _show_sweep(swept: Sweep, flags: dict[str, Any]) -> int:
    from isoflop.plan.text import sweep_text

    if flags["as_json"]:
        o.print_json(swept)
    else:
        click.echo(sweep_text(swept))
    if flags["out"] is not None:
        _write(swept, flags["out"])
    return 0


def _write(answer: list[Plan] | Sweep, path: Path) -> None:
    """Write plans or a sweep as one HTML page or as JSON, by the end of the name."""
    plans = answer if isinstance(answer, list) else []
    if path.suffix == ".html":
        from isoflop.report.plan_page import write_plan
        from isoflop.report.sweep_page import write_sweep

        _ = write_plan(plans, path) if isinstance(answer, list) else write_sweep(answer, path)
    else:
        import msgspec

        from isoflop.store.files import write_atomic

        write_atomic(path, msgspec.json.encode(plans[0] if len(plans) == 1 else answer))
    click.echo(f"wrote {path}", err=True)
