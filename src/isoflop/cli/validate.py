"""`isoflop validate`: predict held-out larger runs from the smaller ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.units import format_count

EPILOG = """\b
Examples:
  isoflop validate my-study
  isoflop validate runs.csv --holdout "C > 1e21"
  isoflop validate runs.csv --law chinchilla --law kaplan --holdout rolling"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@o.laws_option
@click.option(
    "--holdout",
    default="largest-budget",
    show_default=True,
    help="largest-budget or a condition; with --law also largest-N, longest-D, rolling.",
)
@o.noise_option
@o.output_option
@o.runs_options
@o.convention_option
@o.seed_option
@o.level_option
@click.option("--out", type=o.PLACE, help="Write the answer as JSON.")
@o.json_flag
@click.pass_context
def command(ctx: click.Context, source: Path, **flags: Any) -> int:
    """Fit the smaller runs of SOURCE, predict the held-out ones, and say what was covered.

    With --law, each law is fitted and ranked; without, the approaches of an isoFLOP study predict
    together. Exit code 1: without laws, the best held-out run lies outside its interval; with
    laws, none beats a naive baseline.
    """
    from isoflop.protocols.question import validate
    from isoflop.protocols.sources import points_of_one_law
    from isoflop.validate.rolling import How

    table = o.open_runs(source, flags)
    if not flags["laws"]:
        _only_with_laws(ctx)
        heldout: Any = validate(
            table,
            holdout=flags["holdout"],
            convention=flags["convention"],
            settings=o.analysis_settings(flags),
        )
        _tell(heldout, flags, text)
        return 0 if heldout.covered else 1
    if source.is_dir():
        table = points_of_one_law(table)
    how = How(
        noise=flags["noise"],
        output=flags["output"],
        seed=flags["seed"],
        level=flags["level"],
    )
    answer: Any = validate(table, flags["laws"], holdout=flags["holdout"], how=how)
    _tell(answer, flags, text_of_laws)
    return 0 if answer.useful else 1


def _only_with_laws(ctx: click.Context) -> None:
    for name in ("noise", "output"):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise InputError(
                f"--{name} says how a law is fitted.", do="Name one:  --law chinchilla"
            )


def _tell(answer: Any, flags: dict[str, Any], write: Any) -> None:
    import msgspec

    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(write(answer))
    o.write(flags["out"], msgspec.json.encode(answer))


def text_of_laws(answer: Any) -> str:
    """Return a validation of laws as text: a line a law, then what the numbers rest on."""
    share = f"{100 * answer.level:g} %"
    lines = [
        f"fitted on {answer.fitted} runs, {answer.heldout} predictions held out"
        f" ({answer.holdout}); runs ordered by {answer.size or 'nothing'};"
        f" {answer.output} in {answer.unit}",
        f"{'rank':>4}  {'relative':>8} {'log':>7} {'bias':>7}  {share:>5}  samples  law",
    ]
    rank = {place.law: place for place in answer.ranking}
    for name, error in answer.errors.items():
        covered = next(c for c in answer.coverage[name] if c.nominal == answer.level)
        place = str(rank[name].rank) if name in rank else "-"
        log = "-" if error.log is None else f"{error.log:.4f}"
        lines.append(
            f"{place:>4}  {100 * error.relative:7.2f}% {log:>7} {100 * error.bias:+6.2f}%"
            f"  {100 * covered.observed:4.0f}%  {100 * covered.samples_only:6.0f}%  {name}"
        )
    lines += [
        "relative, log: root mean square error, of the value and its logarithm; bias: mean error;",
        f"{share}: runs inside their {share} intervals; samples: inside those of the fit alone;",
        "skill: share of a naive forecast's error that is gone: 1 at best, below 0 if it won.",
    ]
    lines += [_skill(name, by) for name, by in answer.skill.items()]
    lines += [_growth(name, growth) for name, growth in answer.growth.items()]
    lines += [
        f"{place.law} against {place.against}: p = {place.p:.3g} (paired, by {answer.tested_by})"
        for place in answer.ranking
        if place.p is not None
    ]
    if len(answer.weights) > 1:
        weights = ", ".join(f"{name} {100 * w:.0f} %" for name, w in answer.weights.items())
        lines.append(f"weights from rolling origins in the training rows: {weights}")
    lines += [f"{name} could not be fitted: {why}" for name, why in answer.reasons.items()]
    return "\n".join([*lines, *answer.notes])


def _skill(name: str, by: dict[str, float]) -> str:
    return f"skill of {name}: " + ", ".join(f"{v:+.2f} over {k}" for k, v in by.items())


def _growth(name: str, growth: Any) -> str:
    bands = ", ".join(f"{b.error:.4f} {b.distance} ({b.runs})" for b in growth.bands)
    slope = "" if growth.per_decade is None else f"; {growth.per_decade:+.4f} a decade"
    return f"error of {name}: {bands}{slope}"


def text(answer: Any) -> str:
    """Return a held-out prediction as text, one line a run."""
    lines = [
        f"fitted on {len(answer.fitted_budgets)} budgets up to {max(answer.fitted_budgets):.3g}"
        f" FLOPs; held out at {answer.budget:.3g} ({answer.decades:.2f} decades further)",
        f"{'N':>8} {'D':>8} {'observed':>9} {'predicted':>9} {'error':>7}"
        f"  {100 * answer.level:.0f} % interval     straight line",
    ]
    for cell in answer.cells:
        low, high = cell.interval
        line = cell.baselines.get("straight line")
        lines.append(
            f"{format_count(cell.N):>8} {format_count(cell.D):>8} {cell.observed:9.4f}"
            f" {cell.predicted:9.4f} {100 * (cell.predicted / cell.observed - 1):+6.1f}%"
            f"  {_end(low)} to {_end(high)}{'' if cell.covered else ' MISSED'}"
            + (f"  {line:.3f}" if line is not None else "")
        )
    lines.append(f"covered: {100 * answer.coverage:.0f} % of {len(answer.cells)} runs")
    if wide := sum(None in cell.interval for cell in answer.cells):
        lines[-1] += f", of which {wide} by an open interval, which says nothing"
    return "\n".join([*lines, *answer.notes])


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.3f}"
