"""`isoflop moe`: which mixture of experts for a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli import quantities as q

if TYPE_CHECKING:
    from isoflop.plan.moe import MixturePlan

EPILOG = """\b
Examples:
  isoflop moe --budget 1e22
  isoflop moe --budget 1e22 --memory "72 GB"
  isoflop moe --budget 1e22 --device H100 --count 8 --precision fp8 --json"""


@click.command(epilog=EPILOG)
@click.option("--budget", type=o.Flops(), required=True, help="Training FLOPs, 6 N_active D.")
@click.option("--experts", type=o.Numbers(), help="Numbers to compare: 1,2,4,8,16,32.")
@click.option("--memory", type=q.BYTES, help="Bytes that the weights may take.")
@click.option("--device", help="Accelerator instead, of which the weights may take 90 %.")
@click.option("--count", type=q.Whole(), help="How many of them; 1 by default.")
@click.option("--precision", help="Of the weights when served; bf16 by default.")
@o.json_flag
def command(budget: float, as_json: bool, **flags: Any) -> int:
    """Choose the number of experts for a budget, with or without a limit on memory.

    One expert is the dense model. A mixture whose weights do not fit is made smaller and trained
    on more tokens instead.
    """
    from isoflop.plan.moe import plan_mixture

    flags["experts"] = o.whole(flags["experts"], "--experts")
    found = plan_mixture(budget, **{k: v for k, v in flags.items() if v is not None})
    if as_json:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def text(x: MixturePlan) -> str:
    """Return a plan of mixtures as text."""
    from isoflop.plan.columns import columns
    from isoflop.units import format_count, format_flops

    limit = "" if x.memory is None else f", weights in {q.bytes_text(x.memory)}"
    best = x.best
    lines = [
        f"budget {format_flops(x.C)} FLOPs{limit}; parameters count the embedding twice, one "
        "expert is active",
        *columns(_rows(x)),
        f"best: {best.experts} expert{'s' * (best.experts > 1)}, {format_count(best.N_active)} of "
        f"{format_count(best.N_total)} parameters active on {format_count(best.D)} tokens; a dense "
        f"model of equal loss takes {best.saving:.2f}x the compute",
    ]
    if best.critical_batch is not None:
        lines.append(
            f"served: {q.number(best.devices or 0, 'device')} for its weights; compute-bound from "
            f"batch {format_count(best.critical_batch)}, the dense model from "
            f"{format_count(x.dense.critical_batch or 0)}"
        )
    lines += [
        f"granularity: experts {x.granularity:.3g}x narrower than a dense layer, the best of "
        "Ling's law at any budget",
        f"point constants without intervals; {x.source}",
    ]
    return "\n".join([*lines, *(f"warning: {w}" for w in x.warnings)])


def _rows(x: MixturePlan) -> list[list[str]]:
    from isoflop.units import format_count, format_loss

    rows = [["experts", "active", "all", "tokens", "loss", "weights", "saves", ""]]
    for y in x.mixtures:
        notes = ["best"] if y is x.best else []
        notes += ["memory decides its size"] if y.limited else []
        rows.append(
            [
                str(y.experts),
                format_count(y.N_active),
                format_count(y.N_total),
                format_count(y.D),
                format_loss(y.loss),
                q.bytes_text(y.weight_bytes),
                f"{y.saving:.2f}x",
                ", ".join(notes),
            ]
        )
    return rows
