"""Charts of Weights & Biases exported as CSV: a column a run, made into a row a point.

Such a file has the x of the chart first, then for every run `RUN - METRIC`, and with it
`RUN - METRIC__MIN` and `RUN - METRIC__MAX`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.table import RunTable

if TYPE_CHECKING:
    from collections.abc import Sequence

_BETWEEN = " - "
_ENDS = ("__MIN", "__MAX")


def panel(raw: RunTable) -> RunTable | None:
    """Return a chart's points as rows with the x, `run` and a column a metric; None if it is none.

    A point that a run does not have is left out.
    """
    x, *others = list(raw.columns)
    values = [name for name in others if not name.endswith(_ENDS)]
    if not _is_panel(others, values) or any(raw[name].dtype.kind == "O" for name in (x, *values)):
        return None
    split = [name.rpartition(_BETWEEN) for name in values]
    metrics = list(dict.fromkeys(metric for _, _, metric in split))
    runs = list(dict.fromkeys(run for run, _, _ in split))
    nothing = np.full(len(raw), np.nan)
    columns = {
        metric: np.concatenate(
            [raw.columns.get(f"{run}{_BETWEEN}{metric}", nothing) for run in runs]
        )
        for metric in metrics
    }
    long = {
        x: np.tile(raw[x], len(runs)),
        "run": np.repeat(np.array(runs, dtype=object), len(raw)),
        **columns,
    }
    there = np.any([np.isfinite(column) for column in columns.values()], axis=0)
    return RunTable({name: column[there] for name, column in long.items()}, source=raw.source)


def _is_panel(others: Sequence[str], values: Sequence[str]) -> bool:
    wanted = {f"{name}{end}" for name in values for end in _ENDS}
    return bool(values) and all(_BETWEEN in name for name in values) and wanted <= set(others)
