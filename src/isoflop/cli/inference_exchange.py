"""`isoflop inference exchange`: compute in training against compute at inference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import inference_options as io
from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.units import format_flops, parse_count

if TYPE_CHECKING:
    from isoflop.plan.sampling.trade import Trade

_EXCHANGE = """\b
Examples:
  isoflop inference exchange --scale 14 --ratio 0.16
  isoflop inference exchange --scale 10 --trained 1.4T --generated 5T
  isoflop inference exchange attempts.csv --by model --small 8B --large 70B --scale 8.8 --ratio 1"""


@click.command("exchange", epilog=_EXCHANGE)
@click.argument("source", type=click.Path(path_type=Path), required=False, metavar="[SOURCE]")
@click.option(
    "--scale", type=float, required=True, help="Parameters of the larger model over the small one."
)
@click.option("--ratio", type=float, help="Tokens generated over the life per training token.")
@click.option("--trained", help="Training tokens, in place of --ratio.")
@click.option("--generated", help="Tokens generated over the life, in place of --ratio.")
@click.option("--small", help="Label of the small model in SOURCE.")
@click.option("--large", help="Label of the larger model in SOURCE.")
@o.attempts_option
@io.by_option
@io.law_option
@io.select_option
@io.verifier_option
@io.bootstrap_option
@o.seed_option
@o.level_option
@o.json_flag
def exchange_command(source: Path | None, **flags: Any) -> int:
    """Say how much more a small model may infer for the FLOPs of a larger one (Snell et al.).

    With SOURCE, a table of attempts by both models (or --law, whose published sets are then the
    models), also which of the two is the better one.
    """
    from isoflop.plan.sampling.exchange import exchange

    ratio = _ratio(flags["ratio"], flags["trained"], flags["generated"])
    if source is None and not flags["law"]:
        more = exchange(flags["scale"], ratio)
        answer = {"scale": flags["scale"], "ratio": ratio, "multiple": more}
        if flags["as_json"]:
            o.print_json(answer)
        else:
            click.echo(_multiple(flags["scale"], ratio, more))
        return 0
    found = _trade(source, ratio, flags)
    if flags["as_json"]:
        o.print_json(found)
    else:
        click.echo(text(found))
    return 0


def _ratio(ratio: float | None, trained: str | None, generated: str | None) -> float:
    if (ratio is None) == (trained is None or generated is None):
        raise InputError(
            "give either --ratio, or both --trained and --generated.",
            do="isoflop inference exchange --scale 14 --ratio 0.16",
        )
    if ratio is not None:
        return ratio
    tokens = parse_count(trained or "")
    if not tokens > 0:
        raise InputError("the training tokens are not positive.")
    return parse_count(generated or "") / tokens


def _trade(source: Path | None, ratio: float, flags: dict[str, Any]) -> Trade:
    from isoflop.plan.sampling.trade import trade

    small, large = flags["small"], flags["large"]
    if not (small and large):
        raise InputError(
            "name both models.", do="--by model --small 8B --large 70B, as the table calls them"
        )
    verifier = io.read_verifier(flags["verifier"])
    return trade(
        None if source is None else o.existing(source),
        scale=flags["scale"],
        ratio=ratio,
        small=small,
        large=large,
        by=flags["by"],
        columns=flags["column"],
        law=flags["law"],
        constants=[small, large] if flags["law"] else [],
        selector=io.read_selector(flags["selector"], verifier),
        verifier=verifier,
        bootstrap=flags["bootstrap"],
        seed=flags["seed"],
        level=flags["level"],
    )


def text(found: Trade) -> str:
    """Return the comparison as text."""
    lines = [
        _multiple(found.scale, found.ratio, found.multiple),
        f"  {found.small}, {found.samples} samples: {io.percent(found.small_accuracy)}",
        f"  {found.large}, 1 sample: {io.percent(found.large_accuracy)}",
    ]
    if found.small_share is not None:
        lines.append(f"  {found.small} is better in {100 * found.small_share:.0f} % of resamples")
    if found.even_ratio is not None:
        lines.append(
            f"  even at {found.even_ratio:.3g} tokens generated per training token; below that the"
            " small model is better"
        )
    return "\n".join(lines)


def _multiple(scale: float, ratio: float, more: float) -> str:
    shown = format_flops(more) if more >= 1e6 else f"{more:.4g}"
    tokens = "token" if ratio == 1 else "tokens"
    return (
        f"with {ratio:.3g} {tokens} generated per training token, a model {scale:g}x larger costs"
        f" as much as {shown}x the inference of the small one"
    )
