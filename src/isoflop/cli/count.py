"""`isoflop count`: what N and C are for a model, by every convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli import quantities as q
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from pathlib import Path

    from isoflop.runs.counting import Counted

EPILOG = """\b
Examples:
  isoflop count config.json --context 8192
  isoflop count --width 768 --layers 12 --heads 12 --vocab 50257 --plain --tied --context 1024"""

#: Flag -> help; each is the field of `isoflop.runs.decoder.Decoder` of its name.
_SIZES = {
    "width": "Width of the residual stream.",
    "layers": "Depth.",
    "heads": "Query heads.",
    "vocab": "Token ids.",
    "kv-heads": "Heads of keys and values; as many as queries by default.",
    "head-dim": "Width of a head; width over heads by default.",
    "hidden": "Width of the MLP, of each branch and expert; 4 x width by default.",
    "experts": "Routed experts a layer.",
    "routed": "Experts that one token passes through.",
    "shared": "Width of an MLP beside the experts.",
    "positions": "Learned positions.",
}


def _sizes(command: Any) -> Any:
    for name, text in reversed(_SIZES.items()):
        command = click.option(f"--{name}", type=q.Whole(), help=text)(command)
    return command


@click.command(epilog=EPILOG)
@click.argument("config", type=o.PLACE, required=False, metavar="[CONFIG]")
@_sizes
@click.option("--gated/--plain", default=None, help="The MLP has two branches in, or one.")
@click.option("--tied/--untied", default=None, help="The head shares the embedding's weights.")
@click.option("--biases/--no-biases", default=None, help="Matrices and norms have biases.")
@click.option(
    "--context",
    type=q.Whole(),
    default=4096,
    show_default=True,
    help="Tokens of a training sequence.",
)
@o.json_flag
def command(config: Path | None, as_json: bool, context: int, **shape: Any) -> int:
    """Count a model's weights and FLOPs, by every convention that tables of runs use.

    CONFIG is a config.json of Hugging Face's transformers; flags say what it does not, or the
    whole shape without it.
    """
    from isoflop.runs.counting import count

    given = {name: value for name, value in shape.items() if value is not None}
    found = count(config, context=context, **given)
    if as_json:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def text(found: Counted) -> str:
    """Return the counts as text."""
    s = found.shape
    moe = f", {s.routed} of {s.experts} experts" if s.experts else ""
    rows = [("N counts", "parameters", "FLOPs a token, exact over 6N")]
    sizes = {**found.N, "active": found.active} if s.experts else found.N
    rows += [(n, f"{N:,}", f"{found.over_6N[n]:.3f}") for n, N in sizes.items()]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [
        f"{s.layers} layers, width {s.width}, {s.heads} heads of {s.head_dim} ({s.kv_heads} of keys"
        f" and values), MLP {s.hidden}{' gated' if s.gated else ''}{moe}, vocabulary {s.vocab}"
        f"{' tied' if s.tied else ''}",
        *(f"  {a.ljust(widths[0])}  {b.rjust(widths[1])}  {c}" for a, b, c in rows),
        "training   "
        f"{format_flops(found.training)} FLOPs a token at a context of {found.context:,}:"
        f" 3 x forward, causal attention at half the context ({100 * found.attention:.1f} %)",
        f"inference  {format_flops(found.reading)} FLOPs a token read,"
        f" {format_flops(found.writing)} to write one after {found.context:,}",
        f"attention costs as much as the matrices from a context of {format_count(found.even)}",
    ]
    return "\n".join(lines)
