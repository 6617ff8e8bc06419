"""Flags of `isoflop plan`, by what they say: the law, the goal, bounds, hardware, serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.errors import InputError
from isoflop.units import parse_count, parse_flops

if TYPE_CHECKING:
    from collections.abc import Callable

CONVENTIONS = ("matrices", "matrices+head", "all")


class Count(click.ParamType):
    """A count as people write it: 70B, 25e9."""

    name = "COUNT"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one count."""
        return value if isinstance(value, float) else parse_count(value)


class Compute(click.ParamType):
    """A number of FLOPs: 1e23, 10 PF-days."""

    name = "FLOPS"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one number of FLOPs."""
        return value if isinstance(value, float) else parse_flops(value)


class SizeOrConvention(click.ParamType):
    """A fixed number of parameters (70B), or with runs which weights N counts (all)."""

    name = "COUNT|CONVENTION"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        """Read a count, or one of the conventions."""
        if isinstance(value, float) or value in CONVENTIONS:
            return value
        try:
            return parse_count(value)
        except InputError as error:
            raise InputError(
                f"--N {value} is neither a number of parameters nor a convention.",
                do=f"Write --N 70B to fix N; with runs, --N {'|'.join(CONVENTIONS)}.",
            ) from error


class Setting(click.ParamType):
    """A further input of the law: `E=8`, or a label, `optimizer=adamw`."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, float | str]:
        """Split at the equals sign; what does not start like a number is a label."""
        if isinstance(value, tuple):
            return value
        name, sign, number = str(value).partition("=")
        if not (name.strip() and sign):
            raise InputError(f"--input takes NAME=VALUE, not `{value}`.", do="--input E=8")
        text = number.strip()
        return name.strip(), parse_count(text) if text[:1] in "0123456789.-+" else text


def _names(_context: Any, _param: Any, text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


#: Options that go to `iso.plan` by their names, in the order of --help.
_LAW = [
    click.option(
        "--constants", help='A published set ("tex"), a paper (hoffmann2022), or E=1.7,A=400,...'
    ),
    click.option(
        "--input",
        "inputs",
        type=Setting(),
        multiple=True,
        callback=lambda _c, _p, pairs: dict(pairs),
        help="A further input of the law, as experts E=8; may be repeated.",
    ),
    click.option("--unique-tokens", type=Count(), help="Different tokens there are; may repeat."),
]
_GOAL = [
    click.option("--loss", type=float, help="Reach this loss at the least cost."),
    click.option(
        "--accuracy", type=float, help="Reach this accuracy through the link at the least cost."
    ),
    click.option("--link", help="From loss to accuracy: exponential_error, sigmoid_accuracy, ..."),
    click.option("--link-constants", help="Published set of the link."),
    click.option("--rule", help="Batch and learning rate: step_law, deepseek, kaplan."),
]
_BOUNDS = [
    click.option("--min-N", "min_N", type=Count(), help="At least so many parameters."),
    click.option("--max-N", "max_N", type=Count(), help="At most so many."),
    click.option("--D", "D", type=Count(), help="Fix the tokens."),
    click.option("--min-D", "min_D", type=Count(), help="At least so many tokens."),
    click.option("--max-D", "max_D", type=Count(), help="At most so many."),
    click.option("--max-C", "max_C", type=Compute(), help="At most so many training FLOPs."),
    click.option("--max-epochs", type=float, help="See each unique token at most so often."),
    click.option("--deadline", help="Time that training may take on the machine: '3 weeks'."),
    click.option("--serve-on", help="Devices that must hold the weights: '2 H100'."),
    click.option("--latency", help="Time a written token may take on them: '20 ms'."),
]
_MACHINE = [
    click.option("--device", help="Accelerator, as H100; `isoflop hardware` lists them."),
    click.option("--count", type=Count(), help="How many."),
    click.option("--days", type=float, help="For so long: a budget, or a deadline beside one."),
    click.option("--mfu", help="Model FLOPs utilisation of training: 0.4 or 40%."),
    click.option("--precision", help="Whose dense peak is meant.  [default: bf16]"),
    click.option("--price", type=float, help="USD a device-hour."),
    click.option("--pue", type=float, help="Power usage effectiveness.  [default: 1]"),
    click.option("--intensity", help="kg CO2e a kWh, or a region: 0.4, France."),
]
_SERVE = [
    click.option("--serve", help="Tokens over its life: 2T, '5T tokens/year for 2 years'."),
    click.option("--lifetime", is_flag=True, help="The budget pays for serving too."),
    click.option("--serve-bits", type=float, help="Bits of a weight, quantised for serving."),
    click.option("--serve-mfu", help="Utilisation when writing tokens, as 0.01."),
    click.option("--prompt-mfu", help="Utilisation when reading them, as 0.5."),
    click.option("--serve-price", type=float, help="USD a device-hour when serving."),
    click.option("--serve-budget", help="Serving may cost so much: '$1M', '90 MWh', 1e24 FLOPs."),
]
GROUPS = (_LAW, _GOAL, _BOUNDS, _MACHINE, _SERVE)


def question_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add every flag of a plan's question to a command."""
    for option in reversed([one for group in GROUPS for one in group]):
        command = option(command)
    return command


size_option = click.option(
    "--N",
    "size",
    type=SizeOrConvention(),
    help="Fix N (70B); with runs: which weights N counts (matrices+head if not given).",
)
compare_option = click.option(
    "--compare",
    callback=_names,
    help="Also ask other laws: kaplan,epoch,chinchilla:printed,fit.json.",
)


def given(value: Any) -> bool:
    """Return whether a flag was given; 0 is a value."""
    return value is not None and value is not False and value != {}


def asked(flags: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a question that were given."""
    found = {name: flags[name] for name in names if given(flags.get(name))}
    if isinstance(flags.get("size"), float):
        found["N"] = flags["size"]
    elif flags.get("size") is not None:
        raise InputError(
            f"--N {flags['size']} says which weights the N of runs counts.",
            "A fit and published constants have their own count.",
            "Write --N 70B to fix the size.",
        )
    return found
