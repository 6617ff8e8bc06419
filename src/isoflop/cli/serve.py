"""`isoflop serve`: what serving a model takes, on a roofline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o
from isoflop.cli import quantities as q

if TYPE_CHECKING:
    from isoflop.plan.decoding import Step
    from isoflop.plan.serving import Serving

EPILOG = """\b
Examples:
  isoflop serve Llama-3-70B --device H100 --price 2
  isoflop serve DeepSeek-V3 --device H200 --weights fp8 --latency "30 ms"
  isoflop serve --N 70B --count 8 --batch 32 --prompt 2048 --json
  isoflop serve Llama-3-8B --input-tokens 5T --output-tokens 1T --over "2 years" --price 2"""


@click.command(epilog=EPILOG)
@q.model_options
@q.device_option
@q.count_option
@click.option("--batch", type=q.Whole(), help="Sequences decoded together; else the most allowed.")
@click.option("--prompt", type=q.Count(), help="Tokens a request reads; 1,024 by default.")
@click.option("--output", type=q.Count(), help="Tokens a request generates; 256 by default.")
@click.option("--weights", help="Precision of stored weights: bf16 by default, fp8, int4 ...")
@click.option("--cache", help="Precision of the key-value cache; bf16 by default.")
@click.option("--compute", help="Precision of the products; that of the weights by default.")
@q.mfu_option
@click.option("--bandwidth-share", type=q.Share(), help="Share of the bandwidth that is reached.")
@click.option("--overhead", type=q.DURATION, help="Time a step takes besides.")
@click.option("--hop", type=q.DURATION, help="Time of a message between two devices: 1 us.")
@click.option("--latency", type=q.DURATION, help="Time that decoding a token may take: 50 ms.")
@q.usable_option
@q.price_option
@click.option("--input-tokens", type=q.Count(), help="Tokens to read over the model's life.")
@click.option("--output-tokens", type=q.Count(), help="Tokens to generate over it.")
@click.option("--over", type=q.DURATION, help="Time to serve them in: 2 years.")
@click.option("--trained-on", type=q.Count(), help="Tokens of training, for what few bits cost.")
@o.json_flag
def command(model: str | None, device: str, as_json: bool, **flags: Any) -> int:
    """Say what serving a model takes: devices, batch, speed, what it waits for, cost.

    Prefill and decoding on a roofline: the longer of arithmetic and of reading weights and cache.
    MODEL is a published shape; another one is given by flags, and what is left out is assumed
    and said. Without --count the cheapest of the fewest devices and the powers of two above.
    """
    from isoflop.plan.serving import serve

    shape = q.read_model(model, flags)
    found = serve(shape, device, **{k: v for k, v in flags.items() if v is not None})
    if as_json:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def text(x: Serving) -> str:
    """Return serving as text."""
    from isoflop.units import format_count

    best, read = x.chosen, x.chosen.prefill
    lines = [
        q.model_text(x.shape),
        f"served on {best.count} {x.device.name}: weights {x.setting.weights}, cache "
        f"{x.setting.cache}; {x.request.prompt:g} tokens read and {x.request.output:g} generated "
        "a request",
        f"memory a device   {q.bytes_text(x.memory.weights)} weights + "
        f"{q.bytes_text(x.memory.cache)} cache of "
        f"{q.bytes_text(x.request.usable * x.device.memory)}",
        f"prefill           {q.seconds_text(read.seconds)} for "
        f"{q.number(read.batch, 'prompt')}, {format_count(read.tokens_per_second)} tokens/s, "
        f"{read.roofline.bound}",
        f"decoding          {q.seconds_text(best.decode.seconds)} a token at batch {best.batch}, "
        f"{format_count(best.decode.tokens_per_second)} tokens/s, {best.decode.roofline.bound}",
        f"a token           read {_work(read)}; generated {_work(best.decode)}",
        f"a request         {q.seconds_text(x.seconds_per_request)}",
        *_cost(x),
        *_crossovers(x),
        *_options(x),
        *_demand(x),
        *_penalty(x),
    ]
    return "\n".join([*lines, *(f"warning: {w}" for w in x.warnings)])


def _work(step: Step) -> str:
    """Return FLOPs and bytes that a step takes for each token."""
    from isoflop.units import format_flops

    moved = q.bytes_text(step.roofline.moved / step.tokens)
    return f"{format_flops(step.roofline.flops / step.tokens)} FLOPs and {moved} moved"


def _cost(x: Serving) -> list[str]:
    if x.usd_per_million_input is None or x.usd_per_million_output is None:
        return ["cost              give --price, USD per device-hour"]
    return [
        f"cost              {x.usd_per_million_input:.3g} USD per million tokens read, "
        f"{x.usd_per_million_output:.3g} generated, at {x.price:g} USD a device-hour"
    ]


def _crossovers(x: Serving) -> list[str]:
    from isoflop.units import format_count

    c = x.crossovers
    lines = [
        f"compute-bound     from batch {format_count(c.batch)} at a short context",
        f"attention         costs as much as the matrices at {format_count(c.attention)} tokens "
        f"attended to, for prompts of {format_count(c.prompt)}",
        f"cache             is read as long as the weights at {format_count(c.cache)} tokens, "
        f"batch {x.chosen.batch}",
    ]
    if c.fastest_count is not None and c.fastest_seconds is not None:
        lines.append(
            f"fastest           {q.seconds_text(c.fastest_seconds)} a token on "
            f"{c.fastest_count:.3g} devices at batch 1"
        )
    return lines


def _options(x: Serving) -> list[str]:
    from isoflop.plan.columns import columns
    from isoflop.units import format_count

    if len(x.options) == 1:
        return []
    rows = [["devices", "batch", "ms a token", "tokens/s", "waits for", ""]]
    rows += [
        [
            str(y.count),
            str(y.batch),
            f"{1e3 * y.decode.seconds:.3g}",
            format_count(y.decode.tokens_per_second),
            "memory" if y.decode.roofline.bound == "memory-bound" else "arithmetic",
            "chosen" if y is x.chosen else "",
        ]
        for y in x.options
    ]
    return columns(rows)


def _demand(x: Serving) -> list[str]:
    from isoflop.units import format_count, format_duration, format_flops

    y = x.demand
    if y is None:
        return []
    together = ""
    if y.devices is not None and y.replicas is not None and y.seconds is not None:
        copies = q.number(y.replicas, "copy", "copies")
        together = f"; {y.devices} devices ({copies}) over {format_duration(y.seconds)}"
    cost = "" if y.usd is None else f", {format_count(y.usd)} USD"
    return [
        f"demand            {format_count(y.input_tokens)} read and "
        f"{format_count(y.output_tokens)} generated: {format_flops(y.flops)} FLOPs, "
        f"{format_count(y.device_hours)} device-hours{cost}{together}"
    ]


def _penalty(x: Serving) -> list[str]:
    if x.penalty is None:
        return []
    p = x.penalty
    return [f"few bits          add {p.loss:.2g} nats per token at {p.bits:g} bits ({p.source})"]
