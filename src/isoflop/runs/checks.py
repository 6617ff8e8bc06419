"""What is wrong with a table before anything is fitted to it.

| code | severity | found when |
| --- | --- | --- |
| `not-finite` | error | N, D, C or loss is missing, NaN or infinite |
| `not-positive` | error | N, D, C or loss is zero or negative |
| `few-runs` | warning | fewer runs than twice the parameters of a law in N and D |
| `scale` | warning | N, D or D/N is such that one must be in thousands, millions or billions |
| `duplicate` | warning | runs are equal in all standard columns |
| `near-duplicate` | note | N, D and loss agree within 0.1 % |
| `not-6nd` | warning or note | C is not 6ND: stated so, 2ND, or off by 10x; or not stated how |
| `mixed-corpus`, `-tokenizer`, `-recipe`, `-family` | warning | more than one value |
| `unstated` | note | the table does not say how N or loss was counted |
| `checkpoints` | warning or note | several rows of one run |
| `narrow-N`, `narrow-D`, `narrow-C` | warning | the column spans less than 4x |
| `confounded` | warning | N and D move together, so their exponents cannot be told apart |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.convention import UNSTATED
from isoflop.runs.counted import flops, scale
from isoflop.runs.duplicates import checkpoints, duplicates, rows_of
from isoflop.runs.finding import Finding, worst_first
from isoflop.runs.status import finished
from isoflop.units import format_count, format_flops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from isoflop.runs.table import RunTable

QUANTITIES = ("N", "D", "C", "loss")
#: A power law needs several-fold variation; below this its exponent is not worth its digits.
SPAN = 4.0
FEW = 10
#: Correlation of ln N and ln D above which a fit cannot separate them.
CONFOUNDED = 0.99


def check(table: RunTable) -> list[Finding]:
    """Look for everything in the table above; what is fine is not reported.

    Args:
        table: runs; columns that are absent are not checked.

    Returns:
        Findings, errors first. Rows that are not finite and positive are reported once and
        left out of the other checks.
    """
    found = [*_unusable(table)]
    sound = table.where(_usable(table))
    if len(sound):
        for rule in _RULES:
            found += rule(sound)
    return worst_first(found)


def _numeric(table: RunTable, names: tuple[str, ...] = QUANTITIES) -> dict[str, np.ndarray]:
    return {n: table[n] for n in names if n in table.columns and table[n].dtype.kind != "O"}


def _usable(table: RunTable) -> np.ndarray:
    mask = np.ones(len(table), dtype=bool)
    for column in _numeric(table).values():
        mask &= np.isfinite(column) & (column > 0)
    return mask


def _unusable(table: RunTable) -> Iterator[Finding]:
    for name, column in _numeric(table).items():
        lost = ~np.isfinite(column)
        if lost.any():
            yield Finding(
                code="not-finite",
                severity="error",
                message=f"{name} is missing or not finite in {rows_of(lost)}.",
                numbers={"rows": float(lost.sum()), "of": float(len(column))},
                why="A fit cannot use them; a failed run is no low loss.",
                remedy=f'Leave them out:  --where "{_kept(table, lost, name)}"',
            )
        wrong = np.isfinite(column) & (column <= 0)
        if wrong.any():
            yield _not_positive(name, column, wrong)


def _kept(table: RunTable, lost: np.ndarray, name: str) -> str:
    """Return the condition that keeps the other rows: by their status if that tells them."""
    if "status" in table.columns:
        ended = finished(table["status"])
        words = set(table["status"][ended].tolist())
        if not (lost & ended).any() and len(words) == 1 and ended.any():
            return f"status == '{words.pop()}'"
    return f"{name} > 0 and {name} < 1e30"


def _not_positive(name: str, column: np.ndarray, wrong: np.ndarray) -> Finding:
    why, remedy = "Scaling laws are laws of logarithms.", f'Leave them out:  --where "{name} > 0"'
    if name == "C" and column.min() < 0:
        why = "6ND of 64-bit integers wraps around past 9.2e18."
        remedy = "Compute C from N and D:  --column C=6*N*D"
    return Finding(
        code="not-positive",
        severity="error",
        message=f"{name} is zero or negative in {rows_of(wrong)}.",
        numbers={"rows": float(wrong.sum()), "smallest": float(column[wrong].min())},
        why=why,
        remedy=remedy,
    )


def _few(table: RunTable) -> Iterator[Finding]:
    if len(table) < FEW:
        yield Finding(
            code="few-runs",
            severity="warning",
            message=f"usable runs: {len(table)}.",
            numbers={"runs": float(len(table))},
            why=f"A law in N and D has five parameters; below {FEW} runs its intervals say little.",
            remedy="Add runs:  isoflop design",
        )


def _mixed(table: RunTable) -> Iterator[Finding]:
    for name in ("corpus", "tokenizer", "recipe", "family"):
        if name not in table.columns:
            continue
        values, counts = np.unique(table[name].astype(str), return_counts=True)
        if len(values) > 1:
            order = np.argsort(-counts, kind="stable")
            listed = ", ".join(f"{values[i][:20] or 'none'} ({counts[i]})" for i in order[:4])
            order = order[values[order] != ""]
            yield Finding(
                code=f"mixed-{name}",
                severity="warning",
                message=f"the runs have {len(values)} different values of `{name}`: {listed}.",
                numbers={"values": float(len(values))},
                why="They lie on different curves; one law through all is a law of none.",
                remedy=f"Take one:  --where \"{name} == '{values[order[0]]}'\"",
            )


def _unstated(table: RunTable) -> Iterator[Finding]:
    missing = [
        name
        for name in ("N", "loss")
        if name in table.columns and getattr(table.convention, name) == UNSTATED
    ]
    if missing:
        said = {"N": "N=all", "loss": "loss=nats/token"}
        why = {
            "N": "Which weights N counts moves the exponent of N* by up to 0.15.",
            "loss": "Nats and bits differ by a factor of 1.44, a loss per byte by more.",
        }
        yield Finding(
            code="unstated",
            severity="note",
            message=f"the table does not say how it counts {' and '.join(missing)}.",
            why=" ".join(why[name] for name in missing),
            remedy=f"Say it:  --state {','.join(said[name] for name in missing)}",
        )


def _span(table: RunTable) -> Iterator[Finding]:
    for name, column in _numeric(table, ("N", "D", "C")).items():
        low, high = float(column.min()), float(column.max())
        if high / low < SPAN:
            show = format_flops if name == "C" else format_count
            yield Finding(
                code=f"narrow-{name}",
                severity="warning",
                message=f"{name} spans {high / low:.2g}x ({show(low)} to {show(high)}).",
                numbers={"smallest": low, "largest": high, "span": high / low},
                why="A power law needs several-fold variation in what it scales with.",
                remedy=f"Add runs that differ more in {name}:  isoflop design",
            )


def _confounded(table: RunTable) -> Iterator[Finding]:
    columns = _numeric(table, ("N", "D"))
    if len(columns) < 2 or len(table) < 3:
        return
    N, D = np.log(columns["N"]), np.log(columns["D"])
    if np.ptp(N) == 0 or np.ptp(D) == 0:
        return
    correlation = float(np.mean((N - N.mean()) * (D - D.mean())) / (N.std() * D.std()))
    if abs(correlation) > CONFOUNDED:
        yield Finding(
            code="confounded",
            severity="warning",
            message=f"ln N and ln D are correlated at {correlation:.3f}.",
            numbers={"correlation": correlation},
            why="Where they move together, what N and what D contribute cannot be told apart.",
            remedy="Add runs off the line, at other tokens per parameter:  isoflop design",
        )


_RULES: tuple[Callable[[RunTable], Iterator[Finding]], ...] = (
    _few,
    scale,
    duplicates,
    flops,
    _mixed,
    _unstated,
    checkpoints,
    _span,
    _confounded,
)
