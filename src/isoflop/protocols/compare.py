"""Recipes on one scaling law: which is better, by how much compute, and does that last?

Each arm has its own way down to a floor that all share (one validation text): its best loss at C
FLOPs is E + K C^-gamma. What it is worth is the compute that the baseline needs for the same loss
over its own, the multiplier. What only moves K has one multiplier at every scale; what moves gamma
gains or loses with scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.fit.fitting import fit
from isoflop.fit.target import TIMES
from isoflop.laws.chinchilla import optimum
from isoflop.laws.resolve import resolve
from isoflop.protocols.comparison import Arm, At, Comparison
from isoflop.runs.checks import CONFOUNDED
from isoflop.samples import Estimate, interval, summarise
from isoflop.validate.split import with_compute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.fit.result import Fit
    from isoflop.runs.table import RunTable

#: Of runs off one line of N and D; and along it, or without N and D.
SURFACE, LADDER = "chinchilla", "E + K/C^gamma"


def compare(
    table: RunTable,
    by: str,
    *,
    baseline: str | None = None,
    target: float | None = None,
    bootstrap: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Comparison:
    """Compare the arms of a table: which is better, by how much compute, and does it last?

    One law is fitted to all runs, with a floor that all arms share and everything else by arm:
    Chinchilla's, judged at its compute-optimal sizes, or E + K / C^gamma where the runs of an arm
    lie on one line of N and D (a ladder). C is the table's along a ladder and 6ND elsewhere.

    Args:
        table: runs with `by`, loss, and N and D or C (6ND where there is none).
        by: column of the arms' labels (optimiser, data, architecture).
        baseline: the label compared with; that of the first run if None.
        target: FLOPs at which gains are told beside the compute that the arms share.
        bootstrap: number of samples; level: of intervals; seed: of samples.

    Raises:
        InputError: there is no such column or label, or one label only.
        NotIdentified: there are fewer runs than parameters.

    Example:
        >>> import isoflop as iso
        >>> iso.compare(iso.load("runs.csv"), "optimizer", baseline="adamw")  # doctest: +SKIP
    """
    table = _labelled(with_compute(table)[0], by)
    labels = list(dict.fromkeys(table[by].tolist()))
    first = _baseline(labels, by, baseline)
    labels.sort(key=lambda label: label != first)
    ladder = _is_ladder(table, by, labels)
    if not ladder:  # the law's optimum is at 6ND
        table = table.with_columns(C=6.0 * table["N"] * table["D"])
    law = resolve(LADDER if ladder else SURFACE, columns=tuple(table.columns))
    own = tuple(name for name in law.parameter_names if name != "E")
    fitted = fit(table, law.by(by, *own), bootstrap=bootstrap, level=level, seed=seed)
    arms = [_Curve(fitted, label, ladder) for label in labels]
    return Comparison(
        by=by,
        baseline=first,
        law=law.formula,
        floor=summarise(arms[0].floor[0], arms[0].floor[1:], level),
        arms=tuple(_arm(table, by, arm, arms[0], target, level) for arm in arms),
        level=level,
        unit=table.units.get("loss", ""),
        convention=dict(fitted.convention),
        sound=_sound(fitted),
        warnings=_warnings(fitted, ladder, target, table),
    )


class _Curve:
    """An arm's best loss over C; row 0 is the estimate, the rows after it the samples."""

    def __init__(self, fitted: Fit, label: str, ladder: bool) -> None:
        self.label, self.ladder = label, ladder
        self.names = ("K", "gamma") if ladder else ("A", "alpha", "B", "beta")
        drawn = fitted.columns()

        def rows(name: str) -> np.ndarray:
            return np.append(
                fitted.estimate[name], drawn[name] if fitted.samples is not None else []
            )

        self.floor = rows("E")
        self.own = {name: rows(f"{name}[{label}]") for name in self.names}

    @property
    def gamma(self) -> np.ndarray:
        """Exponent of the loss above the floor in C, [row]."""
        if self.ladder:
            return self.own["gamma"]
        alpha, beta = self.own["alpha"], self.own["beta"]
        return alpha * beta / (alpha + beta)

    def above(self, C: float) -> np.ndarray:
        """Loss above the floor at C FLOPs, [row]."""
        if self.ladder:
            return self.own["K"] * C ** -self.own["gamma"]
        return optimum(C, E=0.0, **self.own)[2]

    def multiplier(self, C: float, baseline: _Curve) -> np.ndarray:
        """FLOPs that the baseline needs for the loss at C, over C, [row]."""
        with np.errstate(all="ignore"):
            return (baseline.above(C) / self.above(C)) ** (1.0 / baseline.gamma)


def _labelled(table: RunTable, by: str) -> RunTable:
    """Return the table with the arms' labels as text."""
    column = table[by]
    if column.dtype.kind == "O":
        return table
    return table.with_columns(**{by: np.array([f"{x:g}" for x in column], dtype=object)})


def _baseline(labels: Sequence[str], by: str, wanted: str | None) -> str:
    if len(labels) < 2:
        raise InputError(
            f"every run has `{by}` = {labels[0]}." if labels else "there are no runs.",
            "A comparison takes two arms at least.",
            "Name the column that tells them apart:  --by COLUMN",
        )
    if wanted is not None and wanted not in labels:
        raise InputError(
            f"no run has `{by}` = {wanted}; there are {', '.join(labels[:8])}.",
            do=f'Take one of them:  --baseline "{labels[0]}"',
        )
    return labels[0] if wanted is None else wanted


def _is_ladder(table: RunTable, by: str, labels: Sequence[str]) -> bool:
    """Tell whether N and D of some arm lie on one line, so that a law of both cannot be told."""
    if not {"N", "D"} <= set(table.columns):
        return True
    for label in labels:
        arm = table[by] == label
        N, D = np.log(table["N"][arm]), np.log(table["D"][arm])
        if np.ptp(N) == 0 or np.ptp(D) == 0 or abs(np.corrcoef(N, D)[0, 1]) > CONFOUNDED:
            return True
    return False


def _arm(
    table: RunTable, by: str, arm: _Curve, base: _Curve, target: float | None, level: float
) -> Arm:
    def told(rows: np.ndarray) -> Estimate:
        return summarise(float(rows[0]), rows[1:], level)

    low, high = _shared(table, by, arm.label, base.label)
    places = {
        "smallest": low,
        "middle": float(np.sqrt(low * high)),
        "largest": high,
        "target": TIMES * high if target is None else target,
    }
    at = tuple(
        At(
            C=C,
            where=where,
            loss=told(arm.floor + arm.above(C)),
            multiplier=told(arm.multiplier(C, base)),
        )
        for where, C in places.items()
    )
    slope = arm.gamma / base.gamma - 1.0
    return Arm(
        label=arm.label,
        runs=int(np.sum(table[by] == arm.label)),
        gamma=told(arm.gamma),
        slope=told(slope),
        at=at,
        verdict="the baseline" if arm is base else _verdict(arm, base, at, slope, level),
    )


def _shared(table: RunTable, by: str, label: str, baseline: str) -> tuple[float, float]:
    """Return the range of C that two arms share, FLOPs; that of both if they share none."""
    own, other = (table["C"][table[by] == name] for name in (label, baseline))
    low, high = max(own.min(), other.min()), min(own.max(), other.max())
    if low < high:
        return float(low), float(high)
    return float(min(own.min(), other.min())), float(max(own.max(), other.max()))


def _verdict(arm: _Curve, base: _Curve, at: Sequence[At], slope: np.ndarray, level: float) -> str:
    """Say what the runs allow: better or not, and whether that lasts.

    Two questions are asked, so each gets half the chance of a false yes that `level` leaves.
    """
    strict = 1 - (1 - level) / 2
    middle = arm.multiplier(at[1].C, base)
    if not _excludes(slope, 0.0, strict):
        if not _excludes(middle, 1.0, strict):
            return "no difference that these runs show"
        better = "better" if middle[0] > 1 else "worse"
        return f"{better} by a shift: that it grows or shrinks with scale is not seen"
    first, last = at[0].multiplier.estimate, at[2].multiplier.estimate
    how = "gains" if slope[0] > 0 else "loses"
    return (
        f"{how} with scale: {first:.3g}x the compute at the smallest budget, {last:.3g}x at the"
        " largest"
    )


def _excludes(rows: np.ndarray, number: float, level: float) -> bool:
    low, high = interval(rows[1:], level)
    return bool(low > number or high < number)


def _warnings(fitted: Fit, ladder: bool, target: float | None, table: RunTable) -> tuple[str, ...]:
    found = []
    if not _sound(fitted):
        found.append(f"The fit says of itself: {fitted.message}")
    if ladder and {"N", "D"} <= set(table.columns):
        found.append(
            "N and D of an arm lie on one line: losses are judged along it, not at optimal sizes."
        )
    largest = float(table["C"].max())
    if target is not None and target > largest:
        found.append(
            f"The target lies {np.log10(target / largest):.1f} decades beyond the largest run;"
            " no interval here knows what changes on the way."
        )
    return tuple(found)


def _sound(fitted: Fit) -> bool:
    return fitted.converged and all(fitted.identified.values())
