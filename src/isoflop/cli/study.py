"""`isoflop study`: the whole loop in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.errors import MissingExtra
from isoflop.units import format_duration, format_flops

EPILOG = """\b
Examples:
  isoflop study                      28 runs, two of them held out; minutes on 2 cores
  isoflop study --quick --out quick  three smaller budgets, the largest held out
  isoflop study --corpus texts/ --budgets 1e11,3e11,1e12 --dry-run"""


@click.command(epilog=EPILOG)
@click.option("--quick", is_flag=True, help="Three smaller budgets, the largest held out.")
@click.option(
    "--out",
    type=o.PLACE,
    default=Path("study"),
    show_default=True,
    help="Folder of the study; the same folder again goes on where it stopped.",
)
@click.option(
    "--corpus",
    type=o.PLACE,
    help="Folder, text file, or .bin of uint16 tokens; by default Python's own source.",
)
@click.option("--budgets", type=o.Numbers(), help="Training FLOPs of one run, joined by commas.")
@click.option("--heldout", type=o.Flops(), help="A larger budget that is predicted, then run.")
@click.option("--sizes", type=int, default=5, show_default=True, help="Model sizes a budget.")
@click.option("--widths", type=o.Numbers(), help="The widths themselves, for every budget.")
@click.option(
    "--target",
    type=float,
    default=10.0,
    show_default=True,
    help="The plan is for this multiple of the largest budget.",
)
@click.option(
    "--probes/--no-probes",
    default=True,
    show_default=True,
    help="Train the ends of one budget at half and twice the learning rate.",
)
@click.option("--retry-failed", is_flag=True, help="Train failed runs again.")
@click.option("--keep-checkpoints", is_flag=True, help="Keep every run's final weights.")
@o.convention_option
@o.workers_option
@o.seed_option
@o.level_option
@o.dry_run_flag
@o.json_flag
@o.quiet_flag
def command(**flags: Any) -> int:
    """Design an isoFLOP sweep, train it, fit it, test it on held-out runs, plan, and report.

    Prints the answer and the path of the HTML report. Ctrl-C stops cleanly; the same command
    goes on where it stopped.
    """
    import msgspec

    from isoflop.cli.progress import SweepProgress
    from isoflop.protocols.document import save_result
    from isoflop.protocols.expect import expect
    from isoflop.protocols.study import design_study, run_study
    from isoflop.report import summary_text, write_report

    settings = _settings(flags)
    corpus = load_corpus(flags["corpus"], quiet=flags["quiet"])
    sweep = design_study(settings, corpus.digest, corpus.vocab)
    corpus.check(max(spec.setup.tokens for spec in sweep.specs))
    expected = expect(sweep.specs, flags["out"], flags["workers"])
    if flags["dry_run"]:
        return say_cost(sweep, expected, as_json=flags["as_json"])
    announce(sweep, expected, quiet=flags["quiet"])
    with SweepProgress(expected.costs, quiet=flags["quiet"]) as progress:
        result = run_study(
            settings,
            flags["out"],
            corpus,
            workers=flags["workers"],
            costs=expected.costs,
            keep_checkpoints=flags["keep_checkpoints"],
            retry_failed=flags["retry_failed"],
            on_event=progress,
        )
    path = write_report(result, flags["out"] / "report.html")
    result = msgspec.structs.replace(result, report=str(path))
    save_result(result, flags["out"])
    if flags["as_json"]:
        o.print_json(result)
    else:
        click.echo(summary_text(result))
    return 0


def _settings(flags: dict[str, Any]) -> Any:
    from isoflop.protocols.settings import StudySettings, quick

    given = {
        "corpus": str(flags["corpus"]) if flags["corpus"] else None,
        "sizes": flags["sizes"],
        "widths": o.whole(flags["widths"], "--widths"),
        "target": flags["target"],
        "seed": flags["seed"],
        "level": flags["level"],
        "convention": flags["convention"],
    }
    if flags["budgets"]:
        given |= {"budgets": flags["budgets"], "heldout": flags["heldout"]}
    elif flags["heldout"]:
        given["heldout"] = flags["heldout"]
    if not flags["probes"]:
        given["probe_budget"] = None
    return quick(**given) if flags["quick"] else StudySettings(**given)


def load_corpus(path: Path | None, *, quiet: bool) -> Any:
    """Load a corpus, saying so.

    Raises:
        MissingExtra: the training extra is not installed.
        CorpusError: the corpus cannot be read or is too small.
    """
    from importlib.util import find_spec

    for package in ("torch", "tokenizers"):
        if find_spec(package) is None:
            raise MissingExtra(package, "train", "training a sweep")
    from isoflop.train.corpus import load

    if not quiet:
        click.echo("reading the corpus ...", err=True)
    corpus = load(path)
    if corpus.left_out and path is not None and not quiet:
        click.echo(f"  {corpus.left_out}", err=True)
    return corpus


def announce(sweep: Any, expected: Any, *, quiet: bool) -> None:
    """Say on stderr how many runs there are, what they cost and how long they will take."""
    if not quiet:
        click.echo(
            f"{len(sweep.specs)} runs, {expected.todo} to do,"
            f" {format_flops(sweep.cost)} in all;"
            f" about {format_duration(expected.seconds)} on {expected.workers} workers",
            err=True,
        )


def say_cost(sweep: Any, expected: Any, *, as_json: bool) -> int:
    """Print what a sweep would train and what it costs: the answer of --dry-run."""
    from isoflop.cli.design import table, text

    if as_json:
        o.print_json(
            {
                "runs": table(sweep.specs),
                "flops": sweep.cost,
                "seconds": expected.seconds,
                "workers": expected.workers,
            }
        )
    else:
        click.echo(text(sweep.specs))
        announce(sweep, expected, quiet=False)
    return 0
