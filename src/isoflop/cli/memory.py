"""`isoflop hardware memory`: what training a model on devices takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli import quantities as q

if TYPE_CHECKING:
    from isoflop.plan.training import Training

EPILOG = """\b
Examples:
  isoflop hardware memory Llama-3-8B --device H100 --context 8192
  isoflop hardware memory --N 70B --device A100 --count 64 --tensor 8 --tokens 1.4T --mfu 0.4"""


@click.command("memory", epilog=EPILOG)
@q.model_options
@q.device_option
@q.count_option
@click.option("--context", type=q.Whole(), help="Tokens of a sequence; 4,096 by default.")
@click.option("--batch", type=q.Whole(), help="Sequences a device works on at once; 1 by default.")
@click.option("--tensor", type=q.Whole(), help="Devices that share each matrix; 1 by default.")
@click.option("--stage", type=int, help="ZeRO stage over the rest, 0 to 3; 3 by default.")
@click.option(
    "--recompute",
    type=click.Choice(["none", "selective", "full"]),
    help="Activations computed again instead of kept; selective by default.",
)
@click.option("--tokens", type=q.Count(), help="Tokens of the run, for its time.")
@q.mfu_option
@q.price_option
@q.usable_option
@o.json_flag
def memory(model: str | None, device: str, as_json: bool, **flags: Any) -> int:
    """Say what training a model on devices takes: memory, fewest devices, time.

    Mixed precision with AdamW, 16 bytes a parameter before sharding. MODEL is a published shape;
    another one is given by flags, and what is left out is assumed and said.
    """
    from isoflop.plan.training import train_on

    shape = q.read_model(model, flags)
    found = train_on(shape, device, **{k: v for k, v in flags.items() if v is not None})
    if as_json:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def text(x: Training) -> str:
    """Return what training takes as text."""
    from isoflop.units import format_count, format_duration, format_flops

    shared = f", {x.tensor} sharing each matrix" if x.tensor > 1 else ""
    parts = [("weights", x.memory.weights), ("gradients", x.memory.gradients)]
    parts += [("optimiser", x.memory.optimiser), ("activations", x.memory.activations)]
    lines = [
        q.model_text(x.shape),
        f"training on {x.count} {x.device.name} ({x.fewest} are the fewest){shared}; ZeRO stage "
        f"{x.stage}; context {x.context:g}, {x.batch:g} a device; recomputed: {x.recompute}",
        *(f"  {name:12} {q.bytes_text(value)}" for name, value in parts),
        f"  {'together':12} {q.bytes_text(x.memory.total)} of "
        f"{q.bytes_text(x.usable * x.device.memory)} a device",
        f"FLOPs a token  {format_flops(x.flops_per_token)}",
    ]
    if x.tokens_per_second is not None:
        lines.append(
            f"speed          {format_count(x.tokens_per_second)} tokens/s at an MFU of {x.mfu:g} "
            f"({x.mfu_source})"
        )
    if x.seconds is not None and x.tokens is not None and x.device_hours is not None:
        cost = "" if x.usd is None else f", {format_count(x.usd)} USD"
        lines.append(
            f"the run        {format_count(x.tokens)} tokens take {format_duration(x.seconds)}, "
            f"{format_count(x.device_hours)} device-hours{cost}"
        )
    return "\n".join([*lines, *(f"warning: {w}" for w in x.warnings)])
