"""`isoflop forecast`: where learning and scaling curves go next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.cli import options as o
from isoflop.errors import InputError

EPILOG = """\b
Examples:
  isoflop forecast curve.csv --x tokens --y loss --at 1e9,1e10
  isoflop forecast curves.csv --x seen_examples --y loss --group curve_id --train "split == 'train'"

\b
Rows that are not training give the x to predict; their y is compared with the median afterwards
and has no part in it. The median is of the curve, the interval of one evaluation at x."""

#: Rows of a group that the text shows; --json has all of them.
_SHOWN = 8


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--x", required=True, help="Column of the quantity that grows: examples, steps, N.")
@click.option("--y", required=True, help="Column of the loss or error, which falls.")
@click.option("--group", help="Column that tells curves apart; one curve without it.")
@click.option(
    "--run",
    help="Column that names a curve's training run: curves of one run inform each other. Without it"
    " `run` or `model`, where there is one; '' for none.",
)
@click.option("--train", help="Condition that training rows meet; every row without it.")
@click.option("--at", type=o.Numbers(), help="Further x to predict, joined by commas.")
@o.runs_options
@o.seed_option
@o.level_option
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Forecast the curves of SOURCE from their training rows, with intervals."""
    if not 0 < flags["level"] < 1:
        raise InputError(
            f"level = {flags['level']:g} is not between 0 and 1.", do="--level 0.9 for 90 %."
        )
    from isoflop.fit.forecast import forecast_table

    groups = forecast_table(
        o.open_runs(source, flags),
        x=flags["x"],
        y=flags["y"],
        group=flags["group"],
        run=flags["run"],
        train=flags["train"],
        at=flags["at"] or (),
        level=flags["level"],
        seed=flags["seed"],
    )
    if flags["as_json"]:
        o.print_json(
            {
                "source": str(source),
                "x": flags["x"],
                "y": flags["y"],
                "level": flags["level"],
                "seed": flags["seed"],
                "groups": groups,
            }
        )
    else:
        click.echo("\n\n".join(text(group, flags) for group in groups))
    return 0


def text(found: Any, flags: dict[str, Any]) -> str:
    """Return one forecast as text: a line of facts, a table, the weights, what to know."""
    title = found.group or flags["y"]
    if not found.predictions:
        return "\n".join([f"{title}: {found.training_rows} training rows", *found.notes])
    percent = f"{100 * found.level:.0f} %"
    facts = f"{found.training_rows} training rows to {flags['x']} = {found.last:.4g}"
    if found.decades > 0:
        facts += f", predictions {found.decades:.2f} decades beyond"
    lines = [f"{title}: {facts}"]
    lines.append(f"{flags['x']:>14} {'median':>9}  {percent + ' of one evaluation':<24} observed")
    lines += [_line(p) for p in _thinned(found.predictions)]
    left = len(found.predictions) - _SHOWN
    if left > 0:
        lines.append(f"  ({left} more rows; --json has them)")
    if found.rmsle is not None:
        inside = f"{100 * found.coverage:.0f} % inside their {percent} intervals"
        lines.append(f"RMSLE {found.rmsle:.4f} (natural log), {inside}")
    weights = sorted(found.weights.items(), key=lambda pair: -pair[1])
    listed = ", ".join(f"{name} {share:.2f}" for name, share in weights if share >= 0.005)
    lines.append(f"weights: {listed}; noise of one evaluation {100 * found.noise:.2g} %")
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def _thinned(predictions: list[Any]) -> list[Any]:
    """At most `_SHOWN` rows, evenly spread, with the first and the last."""
    n = len(predictions)
    if n <= _SHOWN:
        return predictions
    return [predictions[round(i * (n - 1) / (_SHOWN - 1))] for i in range(_SHOWN)]


def _line(p: Any) -> str:
    seen = "" if p.observed is None else f"{p.observed:.5g}"
    missed = p.observed is not None and not p.low <= p.observed <= p.high
    ends = f"{p.low:.5g} to {p.high:.5g}"
    return f"{p.x:>14.4g} {p.median:>9.5g}  {ends:<24} {seen}{' MISSED' if missed else ''}".rstrip()
