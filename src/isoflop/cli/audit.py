"""`isoflop audit`: can the answer that runs give be believed?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.runs.convention import UNSTATED
from isoflop.units import parse_flops

if TYPE_CHECKING:
    from isoflop.runs.finding import Finding
    from isoflop.samples import Estimate
    from isoflop.validate.audit import Audit

EPILOG = """\b
Examples:
  isoflop audit my-study
  isoflop audit runs.csv --column N=params --target C=1e22
  isoflop fit runs.csv --out fit.json
  isoflop audit runs.csv --fit fit.json --json"""


class Target(click.ParamType):
    """The compute an answer is wanted for: `C=1e22`, or the number alone."""

    name = "C=FLOPs"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read the number of FLOPs."""
        if isinstance(value, float):
            return value
        name, sign, number = str(value).partition("=")
        if sign and name.strip() != "C":
            raise InputError(
                f"--target takes C=FLOPS, not `{value}`.",
                "How far a target is from the runs is measured in training FLOPs.",
                "--target C=1e22",
            )
        return parse_flops(number if sign else name)


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--fit",
    "fit_path",
    type=click.Path(path_type=Path),
    help="A fit of these runs to judge (isoflop fit --out); the law is fitted if not given.",
)
@click.option(
    "--law",
    default="chinchilla",
    show_default=True,
    help="The law that is fitted, in N and D.",
)
@click.option(
    "--target",
    type=Target(),
    help="Compute that the answer is wanted for; ten times the largest run if not given.",
)
@o.runs_options
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Audit the runs of SOURCE, a study's folder or a table: findings, worst first.

    Each finding has its numbers, why it matters and where that is known from, what to do, and
    where it can be computed how far the answer moves if it is mended. A check without its columns
    is skipped and says so. Exit code 1 if anything above a note was found.
    """
    from isoflop.protocols.audit import audit

    folder = source.is_dir()  # which knows more than its table
    read = {"columns": flags["column"], "where": flags["where"], "state": flags["state"]}
    found = audit(
        source if folder else o.open_runs(source, flags),
        **(read if folder else {}),
        fit=_fit(flags["fit_path"]),
        law=flags["law"],
        target=flags["target"],
    )
    if flags["as_json"]:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0 if found.sound else 1


def _fit(path: Path | None) -> Any:
    """Read a fit, if one is given."""
    if path is None:
        return None
    from isoflop.fit.result import Fit

    return Fit.load(o.existing(path))


def text(found: Audit) -> str:
    """Return an audit as text."""
    lines = [found.summary, ""]
    for finding in found.findings:
        lines += [*_finding(finding), ""]
    if found.answer:
        lines += [f"answer as the runs are (N counts {found.convention['N']}):"]
        lines += [
            f"  {name}: {_range(value, _unit(name, found))}" for name, value in found.answer.items()
        ]
        lines += [""]
    if found.passed:
        lines += ["passed: " + ", ".join(_once(f.code for f in found.passed))]
    reasons: dict[str, list[str]] = {}
    for skipped in found.skipped:
        reasons.setdefault(skipped.reason, []).append(skipped.check)
    lines += [f"not checked: {', '.join(_once(names))}: {why}" for why, names in reasons.items()]
    return "\n".join(lines).rstrip()


def _finding(finding: Finding) -> list[str]:
    lines = [f"{finding.severity} [{finding.code}]{_of(finding.group)} {finding.message}"]
    lines += [
        f"  {move.what}: {move.now:.4g} -> {move.then:.4g} ({move.how})" for move in finding.moves
    ]
    why = f"{finding.why} Source: {finding.source}." if finding.source else finding.why
    lines += [f"  {part}" for part in (why if finding.why else "", finding.remedy) if part]
    return lines


def _range(value: Estimate, unit: str) -> str:
    low, high = value.interval or (None, None)
    ends = " to ".join("open" if end is None else f"{end:.4g}" for end in (low, high))
    return f"{value.estimate:.4g}{unit} ({ends}, {100 * (value.level or 0):.0f} %: {value.holds})"


def _unit(name: str, found: Audit) -> str:
    """Return the unit of a number of the answer as the table counts it; an exponent has none."""
    if name.startswith("N*"):
        return " parameters"
    if name.startswith("loss"):
        said = found.convention["loss"]
        return f" {said}" if said != UNSTATED else " (the table does not say its unit)"
    return ""


def _of(group: str) -> str:
    return f" ({group})" if group else ""


def _once(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
