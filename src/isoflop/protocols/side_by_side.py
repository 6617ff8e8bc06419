"""Any of the three approaches on runs from wherever they are, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.protocols.approach2 import approach2
from isoflop.protocols.approaches import TITLES, approach1, approach3
from isoflop.protocols.data import run_data, training_curve
from isoflop.protocols.models import Settings, fit_models
from isoflop.protocols.question import grouped
from isoflop.protocols.result import Approach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.protocols.data import RunData
    from isoflop.runs.run import Point
    from isoflop.runs.table import RunTable

APPROACHES = ("1", "2", "3")


def approaches(
    table: RunTable,
    which: Sequence[str] = APPROACHES,
    *,
    convention: str = "matrices+head",
    settings: Settings | None = None,
    points: Mapping[str, Sequence[Point]] | None = None,
) -> dict[str, Approach]:
    """Answer how N* and D* grow with C by some of the three approaches.

    Args:
        table: runs with N, D, C, loss (and budget; C is grouped if there is none).
        which: of "1", "2", "3".
        convention: which weights N counts.
        settings: level, samples, seed, profile, noise between seeds (else from the table's).
        points: training curves by run id, for approach 1.

    Returns:
        "approach1", ... -> its record; one that could not answer says why in its notes.

    Raises:
        InputError: columns are missing, or an approach is unknown.
        ConventionError: the runs were trained on different corpora or recipes.
    """
    unknown = set(which) - set(APPROACHES)
    if unknown:
        raise InputError(f"there is no approach {', '.join(sorted(unknown))}; there are 1, 2, 3.")
    data = run_data(grouped(table), convention, stated=table.convention.N)
    how = (settings or Settings()).knowing(table)
    found: dict[str, Approach] = {}
    if "1" in which:
        found["approach1"] = envelope(data, points or {}, how)
    if {"2", "3"} & set(which):
        fitted = fit_models(data.where(data.role != "heldout"), data, how)
        if "2" in which:
            found["approach2"] = approach2(fitted, how)
        if "3" in which:
            found["approach3"] = approach3(fitted, how)
    return found


def envelope(data: RunData, points: Mapping[str, Sequence[Point]], settings: Settings) -> Approach:
    """Answer by approach 1 from the runs' curves; a record that says why if there are too few."""
    curves = [
        curve
        for name, N in zip(data.id.tolist(), data.N.tolist(), strict=True)
        if (curve := training_curve(name, N, points.get(name, ()))) is not None
    ]
    if len(curves) < 3:
        note = (
            f"{len(curves)} of {len(data)} runs have training curves; the envelope needs three."
            " A study's folder has them, a table has not."
        )
        title = TITLES["approach1"]
        return Approach(name="approach1", title=title, ok=False, notes=[note])
    C = data.C[data.role != "heldout"]
    return approach1(curves, (float(C.min()), float(C.max())), settings)
