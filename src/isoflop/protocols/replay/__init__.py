"""Published results walked through on public numbers, each step computed and compared."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from isoflop.errors import DataError, InputError, MissingExtra
from isoflop.protocols.replay.part import Context
from isoflop.protocols.replay.result import Part, Replay, Step
from isoflop.protocols.replay.script import names, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.protocols.replay.part import Outcome
    from isoflop.protocols.replay.script import ScriptPart

__all__ = ["Part", "Replay", "Step", "names", "replay"]


def replay(
    name: str = "kaplan-chinchilla",
    *,
    level: float = 0.95,
    seed: int = 0,
    samples: int = 1000,
    tell: Callable[[str], None] | None = None,
) -> Replay:
    """Walk through a published result: every step computed here and compared with print.

    Steps whose public table cannot be had (no network, no ISOFLOP_DATA) say so and what to do;
    the others are computed all the same.

    Args:
        name: of the replay (`names`).
        level: of the computed intervals; papers of this field print 95 %.
        seed: of the samples.
        samples: their number.
        tell: called with the name of a table before it is read.

    Raises:
        InputError: no such replay, or a level that is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level = {level:g} is not between 0 and 1.", do="--level 0.95")
    written = script(name)
    code = import_module(f"{__name__}.{written.module}").PARTS
    context = Context(level, seed, samples, tell)
    parts = tuple(_part(part, code[part.name], context) for part in written.parts)
    return Replay(
        name=name,
        title=written.title,
        lead=written.lead,
        parts=parts,
        leading=written.leading,
        level=level,
        seed=seed,
        sources=context.sources,
    )


def _part(written: ScriptPart, compute: Callable[[Context], Outcome], context: Context) -> Part:
    missing, found, pictures = "", {}, ()
    try:
        found, pictures = compute(context)
    except (DataError, MissingExtra) as error:
        missing = " ".join(part for part in (error.what, error.do) if part)
    steps = tuple(step.filled(found.get(step.name), missing) for step in written.steps)
    return Part(
        name=written.name,
        title=written.title,
        text=written.text,
        data=written.data,
        steps=steps,
        pictures=pictures,
    )
