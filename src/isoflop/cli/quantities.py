"""Flags that are quantities, and the flags that name a model and what serves or trains it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.errors import InputError
from isoflop.units import parse_count, parse_quantity, parse_share

if TYPE_CHECKING:
    from isoflop.plan.shapes import Shape

F = TypeVar("F", bound=Callable[..., Any])


class Count(click.ParamType):
    """A count as people write it: `70B`, `1.4T`."""

    name = "COUNT"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one count."""
        return value if isinstance(value, float) else parse_count(value)


class Whole(Count):
    """A whole number above 0, which may be written as `8k`."""

    name = "NUMBER"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read one whole number."""
        number = value if isinstance(value, int | float) else parse_count(value)
        if number != int(number) or number < 1:
            raise InputError(f"{param.opts[0]} takes a whole number above 0, not {value}.")
        return int(number)


class In(click.ParamType):
    """A quantity in a unit: `50 ms`, `$2`, `80 GB`; a bare number is in that unit."""

    def __init__(self, unit: str, name: str) -> None:
        self.unit, self.name = unit, name

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one quantity."""
        return value if isinstance(value, float) else parse_quantity(value, self.unit).value


class Share(click.ParamType):
    """A share: `0.4` or `40%`."""

    name = "SHARE"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read one share."""
        return value if isinstance(value, float) else parse_share(value)


DURATION, DOLLARS, BYTES, WATTS = In("s", "TIME"), In("USD", "USD"), In("B", "BYTES"), In("W", "W")

_SHAPE = (
    ("--N", "N", Count(), "All parameters, for a model that is not listed."),
    ("--active", "active", Count(), "Parameters that one token passes through (experts)."),
    ("--layers", "layers", Whole(), "Depth."),
    ("--width", "width", Whole(), "Width of the residual stream."),
    ("--heads", "heads", Whole(), "Query heads."),
    ("--head-dim", "head_dim", Whole(), "Width of a head."),
    ("--kv-heads", "kv_heads", Whole(), "Heads of keys and values: all, some (GQA) or 1 (MQA)."),
    ("--latent", "latent", Whole(), "Latent width that MLA caches a layer, without rope."),
    ("--rope", "rope", Whole(), "Rotary width that MLA caches a layer."),
    ("--experts", "experts", Whole(), "Routed experts a layer."),
    ("--routed", "routed", Whole(), "Experts that one token passes through."),
)

device_option = click.option(
    "--device", default="H100", show_default=True, help="Accelerator: isoflop hardware lists them."
)
count_option = click.option("--count", type=Whole(), help="Devices.")
price_option = click.option(
    "--price", type=DOLLARS, help="USD per device-hour; without it there is no cost."
)
mfu_option = click.option(
    "--mfu", type=Share(), help="Share of the peak that is reached: 0.4 or 40%."
)
usable_option = click.option(
    "--usable", type=Share(), help="Share of a device's memory that may be used; 0.9 by default."
)


def model_options(command: F) -> F:
    """Add the argument MODEL and the flags of a shape."""
    for flag, name, kind, text in reversed(_SHAPE):
        command = click.option(flag, name, type=kind, help=text)(command)
    return click.argument("model", required=False, metavar="[MODEL]")(command)


def read_model(model: str | None, flags: dict[str, Any]) -> Shape:
    """Return the shape that MODEL or the flags give, and take the flags out.

    Raises:
        InputError: neither or both are given.
    """
    from isoflop.plan.shapes import assumed_shape, shape, shapes

    fields = {name: flags.pop(name) for _, name, _, _ in _SHAPE}
    given = {name: value for name, value in fields.items() if value is not None}
    if model and given:
        raise InputError(
            f"{model} has its shape; {', '.join(given)} cannot be given too.",
            do="Leave MODEL out to give a shape by flags.",
        )
    if model:
        return shape(model)
    if "N" not in given:
        raise InputError(
            "no model is named and --N is not given.",
            do=f"Name one of {', '.join(shapes())}, or give --N 70B.",
        )
    return assumed_shape(**given)


def bytes_text(value: float) -> str:
    """Print bytes in decimal units: 1.13 GB."""
    rounded = float(f"{value:.3g}")
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if rounded >= factor:
            return f"{value / factor:.3g} {unit}" if rounded < 1e3 * factor else f"{value:.3g} B"
    return f"{value:.3g} B"


def seconds_text(seconds: float) -> str:
    """Print a time, milliseconds below a second: 21.4 ms, 5.92 s, 3.4 h."""
    from isoflop.units import format_duration

    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else format_duration(seconds)


def number(count: int, singular: str, plural: str = "") -> str:
    """Print a count with its word: 1 device, 8 devices."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def model_text(shape: Shape) -> str:
    """Return a shape in a line."""
    from isoflop.units import format_count

    active = f", {format_count(shape.N_active)} active" if shape.N_active != shape.N else ""
    size = f"{format_count(shape.N)} parameters"
    return (
        f"{size if shape.name == size else f'{shape.name}: {size}'}{active}, {shape.layers} "
        "layers, width "
        f"{shape.width}, {shape.attention} with {shape.heads} heads of {shape.head_dim}"
        + (f" and {shape.kv_heads} of keys and values" if shape.attention in ("GQA", "MQA") else "")
    )
