"""The command line: one verb a public function, loaded only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import click

from isoflop import __version__
from isoflop.errors import REMEDIES, IsoflopError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Verb -> (module, one line of help). The module's `command` is imported when it is called.
VERBS = {
    "study": ("study", "Design, train, fit, hold out, plan and report, in one go."),
    "design": (
        "design",
        "Design an isoFLOP sweep and say what it costs; `next`: the runs after a fit.",
    ),
    "train": ("train", "Train the runs of a sweep, or go on where it stopped."),
    "runs": ("runs", "Show a run table."),
    "data": ("data", "List, show and fetch public run tables."),
    "replay": ("replay", "Walk through a published result on public numbers."),
    "fit": ("fit", "Fit a law to runs, with intervals."),
    "predict": ("predict", "Predict runs nobody has trained, with intervals that were tested."),
    "forecast": ("forecast", "Forecast learning and scaling curves, with intervals."),
    "validate": ("validate", "Predict held-out larger runs from the smaller ones."),
    "compare": ("compare", "Compare recipes on one law: which is better, and does it last?"),
    "select": ("select", "Choose one law among several from training rows alone."),
    "audit": ("audit", "Check whether the answer that runs give can be believed."),
    "plan": ("plan", "Choose N and D for a budget, with intervals."),
    "count": ("count", "Count a model: N by every convention, exact FLOPs a token."),
    "hardware": ("hardware", "Accelerators; what training on them takes; energy and carbon."),
    "serve": ("serve", "What serving a model takes: devices, speed, cost."),
    "moe": ("moe", "Choose a mixture of experts for a budget and a memory."),
    "inference": ("inference", "Test-time compute: coverage, votes, verifiers, what to sample."),
    "report": ("report", "Write the HTML report of a study, or of a table of runs."),
    "laws": ("laws", "List scaling laws by question; show one; evaluate it."),
    "cite": ("cite", "Print the BibTeX of a law."),
}

#: How --help lists the verbs.
SECTIONS = {
    "The whole loop": ("study", "design", "train", "report"),
    "Runs": ("runs", "data", "audit", "count"),
    "Laws of runs": ("fit", "select", "validate", "predict", "forecast", "compare"),
    "Decisions": ("plan", "hardware", "serve", "moe", "inference"),
    "What is published": ("laws", "cite", "replay"),
}

EPILOG = """\b
Exit codes: 0 done; 1 the runs say no; 2 bad usage or input; 3 a missing extra.
Example:  isoflop study --quick --out my-study"""


class Verbs(click.Group):
    """A group whose commands are imported on demand, so that --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a study."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"isoflop.cli.{VERBS[cmd_name][0]}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        width = max(map(len, VERBS))
        for heading, names in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), VERBS[name][1]) for name in names])


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="isoflop")
def cli() -> None:
    """isoflop: a measurement instrument for neural scaling laws."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    Errors that isoflop raises on purpose, and those of the operating system, become a message
    on stderr: what is wrong, why it matters, what to do. Nothing that was stored is lost.
    """
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="isoflop", standalone_mode=False)
    except IsoflopError as error:
        click.echo("\n".join(error.lines()), err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. The same command goes on from here.", err=True)
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _of_the_system(error)
    return result if isinstance(result, int) else 0


def _of_the_system(error: OSError) -> int:
    """Say what the operating system refused, why, and what to do."""
    where = "" if error.filename is None else f": {error.filename}"
    what = f"{type(error).__name__}: {error.strerror or error}{where}"
    click.echo("\n  ".join([what, *REMEDIES.get(error.errno or 0, ())]), err=True)
    return 2
