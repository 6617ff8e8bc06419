"""`isoflop train`: train the runs of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.errors import ConventionError, InputError

EPILOG = """\b
Example:  isoflop train sweep.json --out my-study --workers 2"""


@click.command(epilog=EPILOG)
@click.argument("sweep", type=o.PLACE)
@click.option(
    "--out",
    type=o.PLACE,
    default=Path("study"),
    show_default=True,
    help="Folder of the runs; the same folder again goes on where it stopped.",
)
@click.option("--corpus", type=o.PLACE, help="The corpus that the sweep was designed for.")
@click.option("--keep-checkpoints", is_flag=True, help="Keep every run's final weights.")
@click.option("--retry-failed", is_flag=True, help="Train failed runs again.")
@o.workers_option
@o.dry_run_flag
@o.json_flag
@o.quiet_flag
def command(**flags: Any) -> int:
    """Train every run of SWEEP that is not finished yet.

    One process a core, longest run first; a run that fails never stops the others.
    """
    from isoflop.cli.design import table
    from isoflop.cli.progress import SweepProgress
    from isoflop.cli.study import announce, load_corpus, say_cost
    from isoflop.protocols.execute import run_sweep
    from isoflop.protocols.expect import expect
    from isoflop.store import Store

    sweep = read_sweep(flags["sweep"])
    corpus = load_corpus(flags["corpus"], quiet=flags["quiet"])
    _same_corpus(sweep, corpus.digest)
    expected = expect(sweep.specs, flags["out"], flags["workers"])
    if flags["dry_run"]:
        return say_cost(sweep, expected, as_json=flags["as_json"])
    announce(sweep, expected, quiet=flags["quiet"])
    with SweepProgress(expected.costs, quiet=flags["quiet"]) as progress:
        summary = run_sweep(
            sweep.specs,
            Store(flags["out"]),
            corpus=str(flags["corpus"]) if flags["corpus"] else None,
            workers=flags["workers"],
            costs=expected.costs,
            keep_checkpoints=flags["keep_checkpoints"],
            retry_failed=flags["retry_failed"],
            on_event=progress,
        )
    if flags["as_json"]:
        o.print_json({"folder": str(flags["out"]), "runs": table(sweep.specs), "summary": summary})
    else:
        click.echo(_outcome(summary))
    click.echo(f"wrote {flags['out']}", err=True)
    return 0 if summary.finished or summary.skipped else 1


def _outcome(summary: Any) -> str:
    """Say what became of the runs; with the reasons of those that failed."""
    text = f"{len(summary.finished)} runs finished, {len(summary.failed)} failed"
    text += f", {len(summary.skipped)} were done before" if summary.skipped else ""
    return "\n".join([text, *(f"run {run}: {why}" for run, why in summary.failed.items())])


def read_sweep(path: Path) -> Any:
    """Read a sweep's file.

    Raises:
        InputError: it is missing, or is not a sweep.
    """
    import msgspec

    from isoflop.design.sweep import Sweep

    try:
        return msgspec.json.decode(path.read_bytes(), type=Sweep)
    except FileNotFoundError:
        raise InputError(
            f"{path} does not exist.", do=f"isoflop design --budgets 5e10,1.5e11 --out {path}"
        ) from None
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} is not a sweep: {error}.", do="Write one with `isoflop design`."
        ) from None


def _same_corpus(sweep: Any, digest: str) -> None:
    other = sorted({spec.setup.corpus for spec in sweep.specs} - {digest})
    if other:
        raise ConventionError(
            f"the sweep was designed for corpus {other[0][:12]}, this is {digest[:12]}.",
            "Losses on different text or tokens are not points of one law.",
            "Give the same --corpus as to `isoflop design`, or design the sweep again.",
        )
