"""A plan from runs as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.fit.misses import alone
from isoflop.runs.convention import UNSTATED
from isoflop.units import format_count

if TYPE_CHECKING:
    from isoflop.protocols.result import PlanAnswer


def runs_text(answer: PlanAnswer) -> str:
    """Return a plan from runs as text."""

    def line(name: str, estimate: Any, show: Any) -> str:
        low, high = estimate.interval or (None, None)
        ends = [show(end) if end is not None else "open" for end in (low, high)]
        return f"{name:22} {show(estimate.estimate):>8}   {ends[0]} to {ends[1]}"

    counts = f"N counts {answer.convention}"
    if answer.convention == UNSTATED:
        counts = "N as the runs count it, which they do not say"
    lines = [
        f"budget {answer.C:.3g} FLOPs, {answer.decades:+.1f} decades from the largest fitted run;"
        f" {100 * answer.level:.0f} % intervals; {counts}",
        line("N", answer.N, format_count),
        line("D (tokens)", answer.D, format_count),
        line(f"loss ({answer.loss_unit or 'as the runs'})", answer.loss, lambda x: f"{x:.3f}"),
        line("tokens per parameter", answer.tokens_per_parameter, lambda x: f"{x:.1f}"),
        *([said] if (said := alone(answer.sampling)) else []),
    ]
    lines += [
        f"within {name} of the best loss: N from {format_count(low)} to {format_count(high)}"
        for name, (low, high) in answer.flat.items()
    ]
    return "\n".join([*lines, *(f"warning: {w}" for w in answer.warnings)])
