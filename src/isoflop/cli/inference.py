"""`isoflop inference`: how accuracy grows with samples, and what to sample for a budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import inference_options as io
from isoflop.cli import options as o
from isoflop.cli.groups import DefaultGroup
from isoflop.cli.inference_exchange import exchange_command
from isoflop.cli.inference_parts import rebase_command, vote_command
from isoflop.errors import InputError
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from isoflop.plan.sampling.answer import Choice, Inference, Model, Point
    from isoflop.plan.sampling.choice import Cost
    from isoflop.samples import Estimate
    from isoflop.units import Quantity

EPILOG = """\b
Examples:
  isoflop inference attempts.csv --k 1,10,100,1000
  isoflop inference attempts.csv --by model --cost small=1e12,large=1e13 --budget 1e14
  isoflop inference --law coverage_power --constants monkeys-8b-math --reach 0.95
  isoflop inference vote --p 0.40,0.35,0.25 --n 1,11,101
  isoflop inference rebase --rewards 0.9,0.7,0.5,0.3 --width 16
  isoflop inference exchange --scale 14 --ratio 0.16"""

_CURVE = """\b
Examples:
  isoflop inference attempts.csv --column problem=task_id --column correct=passed
  isoflop inference attempts.csv --verifier auc=0.8 --k 1,4,16,64
  isoflop inference attempts.csv --by model --cost small=0.002,large=0.02 --unit USD --budget 0.1"""


@click.group(cls=DefaultGroup, default="curve", epilog=EPILOG)
def command() -> None:
    """Test-time compute: coverage against samples, votes, verifiers, training against inference.

    `isoflop inference attempts.csv ...` is `isoflop inference curve attempts.csv ...`; its flags
    are in `isoflop inference curve --help`.
    """


command.add_command(vote_command)
command.add_command(rebase_command)
command.add_command(exchange_command)


@command.command("curve", epilog=_CURVE)
@click.argument("source", type=click.Path(path_type=Path), required=False, metavar="[SOURCE]")
@click.option(
    "--k",
    type=o.Numbers(),
    default="1,10,100,1000",
    show_default=True,
    help="Samples a problem, joined by commas.",
)
@o.attempts_option
@io.by_option
@io.law_option
@io.constants_option
@click.option("--reach", type=float, help="Coverage whose number of samples is asked for.")
@click.option(
    "--cost", type=io.Costs(), help="Cost of a sample: 1e12, $0.002, or small=1e12,large=1e13."
)
@click.option(
    "--prompt-cost", type=io.Costs(), default={}, help="Cost of a problem's prompt, paid once."
)
@click.option("--budget", help="Budget for one problem, in the unit of the costs.")
@click.option("--unit", help="Unit of costs and budget; FLOP if none is typed.")
@io.select_option
@io.verifier_option
@io.bootstrap_option
@o.seed_option
@o.level_option
@o.json_flag
def curve_command(source: Path | None, **flags: Any) -> int:
    """Say how accuracy grows with samples a problem, from a table of attempts.

    SOURCE has a row an attempt (problem, correct; if recorded answer and score), or a row a
    problem (problem, n attempts, c successes); CSV or JSON lines.
    """
    from isoflop.plan.sampling.inference import inference

    verifier = io.read_verifier(flags["verifier"])
    budget = None if flags["budget"] is None else io.read_cost(flags["budget"])
    typed = [*(flags["cost"] or {}).values(), *flags["prompt_cost"].values()]
    answer = inference(
        None if source is None else o.existing(source),
        k=o.whole(flags["k"], "--k") or (),
        columns=flags["column"],
        by=flags["by"],
        law=flags["law"],
        constants=flags["constants"],
        reach=flags["reach"],
        costs=read_costs(flags["cost"], flags["prompt_cost"]),
        budget=None if budget is None else budget.value,
        unit=io.unit_of(flags["unit"], [*typed, *([budget] if budget else [])]),
        selector=io.read_selector(flags["selector"], verifier),
        verifier=verifier,
        bootstrap=flags["bootstrap"],
        seed=flags["seed"],
        level=flags["level"],
    )
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(text(answer))
    return 0


def read_costs(
    samples: dict[str, Quantity] | None, prompts: dict[str, Quantity]
) -> dict[str, Cost] | None:
    """Return the cost of each model from those of samples and prompts.

    Raises:
        InputError: a prompt is named whose sample is not.
    """
    from isoflop.plan.sampling.choice import Cost

    if samples is None:
        return None
    unknown = sorted(set(prompts) - set(samples) - {""})
    if unknown:
        raise InputError(f"`{unknown[0]}` has a prompt's cost and no sample's.", do="--cost")
    paid = {name: cost.value for name, cost in prompts.items()}
    return {
        name: Cost(sample=cost.value, prompt=paid.get(name, paid.get("", 0.0)))
        for name, cost in samples.items()
    }


def text(answer: Inference) -> str:
    """Return the answer as text."""
    lines = []
    for model in answer.models:
        lines += _model(model)
    if answer.choice is not None:
        lines += _choice(answer.choice)
    if answer.samples:
        lines.append(
            f"{100 * answer.level:g} % intervals over problems, {answer.samples} resamples"
        )
    return "\n".join([*lines, *(f"warning: {w}" for w in answer.warnings)])


def _model(model: Model) -> list[str]:
    head = model.name or "attempts"
    if model.attempts is not None:
        low, high = model.attempts
        each = f"{low}" if low == high else f"{low} to {high}"
        head += f": {model.problems} problems, {each} attempts each, {model.solved} solved"
    lines = [head]
    for family, parameters in model.families.items():
        values = ", ".join(f"{name} {_number(x)}" for name, x in parameters.items())
        lines.append(f"  {family} (weight {model.family_weights[family]:.2f}): {values}")
    if model.power is not None:
        values = ", ".join(f"{name} {_number(x)}" for name, x in model.power.items())
        lines.append(f"  coverage = exp(-A k^-B): {values}")
    shown = [
        (name, title) for name, title in _COLUMNS if any(getattr(p, name) for p in model.points)
    ]
    lines.append(f"  {'k':>8} " + " ".join(f"{title:>22}" for _, title in shown))
    lines += [f"  {_row(point, shown)}" for point in model.points]
    if model.reach is not None:
        lines.append(_reach(model))
    return lines


_SELECTORS = {
    "coverage": "a checker that is always right",
    "majority": "a majority vote",
    "weighted": "a vote weighted by scores",
    "best": "the best score",
    "verifier": "the stated verifier",
}
_COLUMNS = (
    ("observed", "coverage (observed)"),
    ("predicted", "coverage (predicted)"),
    ("power", "coverage (power law)"),
    ("majority", "majority vote"),
    ("weighted", "weighted vote"),
    ("best", "best score"),
    ("verified", "with the verifier"),
)


def _row(point: Point, shown: list[tuple[str, str]]) -> str:
    cells = (io.percent(getattr(point, name)) for name, _ in shown)
    return f"{point.k:8d} " + " ".join(f"{cell:>22}" for cell in cells)


def _number(estimate: Estimate) -> str:
    if estimate.interval is None:
        return f"{estimate.estimate:.3g}"
    ends = ["open" if x is None else f"{x:.3g}" for x in estimate.interval]
    return f"{estimate.estimate:.3g} ({' to '.join(ends)})"


def _reach(model: Model) -> str:
    reach = model.reach
    assert reach is not None  # noqa: S101 - asked for by the caller
    if reach.k is None:
        return (
            f"  coverage {100 * reach.coverage:g} % is not reached; a trillion samples reach"
            f" {100 * reach.highest:.3g} %"
        )
    low, high = reach.interval or (reach.k, reach.k)
    ends = ["open" if x is None else format_count(x) for x in (low, high)]
    interval = "" if reach.interval is None else f" ({ends[0]} to {ends[1]})"
    return f"  coverage {100 * reach.coverage:g} % takes {format_count(reach.k)} samples{interval}"


def _choice(choice: Choice) -> list[str]:
    lines = [
        f"for {_amount(choice.budget)} {choice.unit} a problem, the answer chosen by"
        f" {_SELECTORS[choice.selector]}:"
    ]
    for option in choice.options:
        share = "" if option.best_share is None else f"; best in {100 * option.best_share:.0f} %"
        lines.append(
            f"  {option.model or 'this model'}: {_samples(option.k)}"
            f" ({_amount(option.cost)} {choice.unit}), {io.percent(option.accuracy)}{share}"
        )
    lines += [
        f"  from {_amount(step.budget)} {choice.unit}: {step.model or 'this model'},"
        f" {_samples(step.k)}, {100 * step.accuracy:.3g} %"
        for step in choice.frontier
    ]
    return lines


def _samples(k: int) -> str:
    return f"{k} sample" if k == 1 else f"{k} samples"


def _amount(value: float) -> str:
    if value >= 1e6:
        return format_flops(value)
    return f"{value:,.0f}" if value >= 1e3 else f"{value:.3g}"
