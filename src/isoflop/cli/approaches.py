"""`isoflop fit --approach`: approaches 1, 2 and 3 to a source of runs, and their text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.plan.columns import columns
from isoflop.samples import SAMPLING
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from isoflop.protocols.models import Settings
    from isoflop.protocols.result import Approach, Optimum, PowerLawFit

#: Flags of `fit` that only a law has, and those that only approaches have.
LAW_ONLY = (
    "law",
    "noise",
    "method",
    "cluster",
    "weight",
    "output",
    "sensitivity",
    "target",
    "kernel",
    "out",
)
APPROACH_ONLY = ("profile", "exponents", "run_noise", "convention")


def approach_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of approaches 1, 2 and 3 to a command."""
    flags = [
        click.option(
            "--approach",
            type=click.Choice(["1", "2", "3", "all"]),
            help="In place of a law: how N* and D* grow with C, by an approach of Hoffmann et"
            " al. 2022 (1 envelope of curves, 2 isoFLOP minima, 3 parametric).",
        ),
        click.option(
            "--profile",
            type=click.Choice(["parabola", "cubic", "akima", "corrected"]),
            default="parabola",
            show_default=True,
            help="Approach 2: what a budget's minimum is taken from.",
        ),
        click.option(
            "--exponents",
            type=o.Numbers(),
            help="Approach 2, corrected: alpha,beta; approach 3's if not given.",
        ),
        click.option(
            "--run-noise",
            type=float,
            help="Approach 2: known standard deviation between seeds, nats per token.",
        ),
        o.convention_option,
    ]
    for flag in reversed(flags):
        command = flag(command)
    return command


def check_flags(flags: dict[str, Any], given: Callable[[str], bool]) -> None:
    """Refuse flags that have no effect with the others.

    Args:
        flags: by name; given: whether a flag was written on the command line.

    Raises:
        InputError: there is one.
    """

    def refuse(names: tuple[str, ...], why: str) -> None:
        lost = [f"--{name.replace('_', '-')}" for name in names if given(name)]
        if lost:
            raise InputError(f"{', '.join(lost)} {why}.", do="Leave one of them out.")

    approach = flags["approach"]
    if approach is None:
        refuse(APPROACH_ONLY, "has an effect with --approach only")
        return
    refuse(LAW_ONLY, "has no effect with --approach")
    if approach not in ("2", "all"):
        refuse(("profile", "exponents", "run_noise"), "is of --approach 2")
    if flags["profile"] != "corrected":
        refuse(("exponents",), "is of --profile corrected")
    if flags["exponents"] is not None and len(flags["exponents"]) != 2:
        raise InputError("--exponents takes two numbers, alpha,beta.", do="--exponents 0.34,0.28")
    if flags["run_noise"] is not None and not flags["run_noise"] > 0:
        raise InputError(f"--run-noise {flags['run_noise']:g} is not positive.")
    if flags["bootstrap"] < 1:
        raise InputError("--bootstrap 0: the intervals of approaches are made of samples.")


def run_approaches(source: Path, flags: dict[str, Any]) -> int:
    """Answer by the approaches asked for, print, and return the exit code."""
    from isoflop.protocols.side_by_side import APPROACHES, approaches

    table = o.open_runs(source, flags, compute=True)
    if not flags["as_json"]:
        o.tell_findings(table)
    which = APPROACHES if flags["approach"] == "all" else (flags["approach"],)
    found = approaches(
        table,
        which,
        convention=flags["convention"],
        settings=_settings(flags),
        points=_curves(source) if "1" in which else {},
    )
    if flags["as_json"]:
        o.print_json(found)
    else:
        click.echo("\n\n".join(text(record) for record in found.values()))
    sure = all(all(record.identified.values()) for record in found.values())
    return 0 if sure and all(record.ok for record in found.values()) else 1


def _settings(flags: dict[str, Any]) -> Settings:
    return replace(
        o.analysis_settings(flags),
        samples=flags["bootstrap"],
        profile=flags["profile"],
        exponents=flags["exponents"],
        seed_noise=flags["run_noise"] or 0.0,
    )


def _curves(source: Path) -> dict[str, Any]:
    """Return a study's curves by run; a table has none."""
    if not source.is_dir():
        return {}
    from isoflop.store import Store

    store = Store(source)
    return {run.id: store.points(run.id) for run in store.runs() if run.status == "finished"}


def text(record: Approach) -> str:
    """Return an approach's record as text."""
    lines = [record.title]
    if not record.ok:
        return "\n".join([*lines, *(f"no answer: {note}" for note in record.notes)])
    if record.optima:
        lines += _minima(record.optima)
    if record.parameters:
        lines += [f"{name} = {o.ranged(e, _number)}" for name, e in record.parameters.items()]
    for name, law in (("N*", record.N_opt), ("D*", record.D_opt), ("loss*", record.loss_opt)):
        if law is not None:
            chord = name == "loss*" and bool(record.parameters)
            lines.append(_power_law(f"{name} (chord: it has a floor)" if chord else name, law))
    if any(abs(o.bias_N or 0.0) > 0.01 for o in record.optima):
        lines.append("The bias is known and can be removed: --profile corrected.")
    return "\n".join([*lines, f"Intervals: {SAMPLING}.", *record.notes])


def _power_law(name: str, law: PowerLawFit) -> str:
    low, high = law.exponent.interval or (None, None)
    level = f"{100 * (law.exponent.level or 0):.0f} %"
    formula = f"{law.coefficient.estimate:.3g} * C^{law.exponent.estimate:.3f}"
    return f"{name} = {formula}   exponent {_end(low)} to {_end(high)} ({level})"


def _minima(optima: list[Optimum]) -> list[str]:
    rows = [("budget", "runs", "N*", "D*", "loss*", "bias of N*", "status")]
    rows += [_row(optimum) for optimum in optima]
    return columns(rows, indent="")


def _row(optimum: Optimum) -> tuple[str, ...]:
    first = (format_flops(optimum.budget), str(len(optimum.runs)))
    if optimum.N is None or optimum.D is None or optimum.loss is None:
        return (*first, "", "", "", "", f"{optimum.status}: {optimum.reason}")
    bias = "unknown" if optimum.bias_N is None else f"{round(100 * optimum.bias_N, 1) + 0.0:+.1f} %"
    return (
        *first,
        o.ranged(optimum.N, format_count),
        o.ranged(optimum.D, format_count),
        o.ranged(optimum.loss, lambda x: f"{x:.4f}"),
        bias,
        optimum.status,
    )


def _number(value: float) -> str:
    return f"{value:.4g}"


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.3f}"
