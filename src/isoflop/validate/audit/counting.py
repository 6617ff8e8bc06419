"""Checks of how things were counted: N, FLOPs, loss."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.errors import InputError, IsoflopError
from isoflop.fit.isoflop import WINDOW, fit_profile
from isoflop.fit.powerlaw import fit_power_law
from isoflop.runs.checks import check
from isoflop.runs.chosen import last_of_run
from isoflop.runs.columns import KNOWN
from isoflop.runs.convention import STORED, UNSTATED
from isoflop.runs.duplicates import copies
from isoflop.runs.finding import Finding, Move
from isoflop.runs.names import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable
    from isoflop.validate.audit.evidence import Evidence

#: Exponents under two counts that differ by more than this are told.
DIFFERENT = 0.02
#: Names of columns of text that say how N was counted.
_COUNTS = frozenset({"param_convention", "param_count", "n_convention", "parameter_convention"})
#: Loss over bits per byte may vary by this much between runs of one tokenizer.
_UNIT = 0.01


def check_table(e: Evidence) -> Iterator[Finding]:
    """What is wrong with the table before anything is fitted (`isoflop.runs.checks`)."""
    found = check(e.table.where(e.finished))
    lost = [n for n in ("N", "loss") if not e.has(n)]
    lost += [] if e.has("D") or e.has("C") else ["D (or C)"]
    if lost:
        yield _missing(e, lost)
    resampled = e.given is not None and e.given.settings.cluster is not None
    for finding in found:
        dependent = finding.code == "checkpoints" and not resampled
        severity = "warning" if dependent else finding.severity
        moves = _mended(e, finding.code)
        yield msgspec.structs.replace(finding, severity=severity, moves=moves)
    if not found and not lost:
        yield Finding(
            code="table",
            severity="ok",
            message=f"the {len(e.table)} runs are complete, distinct and of one kind.",
        )


def _missing(e: Evidence, lost: list[str]) -> Finding:
    names = ", ".join(list(e.table.columns)[:12]) + (", ..." if len(e.table.columns) > 12 else "")
    return Finding(
        code="missing",
        severity="warning",
        message=f"the table has no numbers for {', '.join(lost)}; it has {names}.",
        numbers={"columns": float(len(e.table.columns))},
        why="Without N, tokens or FLOPs, and the loss hardly anything can be checked.",
        remedy=f"Name the column that holds it:  --column {lost[0].split()[0]}=YOUR_COLUMN",
    )


def _mended(e: Evidence, code: str) -> tuple[Move, ...]:
    """Return the moves of the answer if a finding of the table is mended."""
    try:
        if code == "duplicate":
            return e.moves(e.where(~copies(e.runs)), "copies left out")
        if code == "checkpoints" and "run" in e.runs.columns:
            return e.moves(e.where(last_of_run(e.runs)), "the last point of each run only")
        if code == "not-6nd":
            C = 6.0 * e.runs["N"] * e.runs["D"]
            counted = replace(e, table=e.runs.with_columns(C=C), places=e.rows, given=None)
            return e.moves(counted, "C counted as 6ND")
    except IsoflopError:
        pass  # nothing can be fitted: the finding stands without its moves
    return ()


def check_counting(e: Evidence) -> Iterator[Finding]:
    """The exponent of N* under each count of N that the table stores."""
    label = next((n for n in e.table.columns if plain(n) in _COUNTS), None)
    if label is not None and len(np.unique(e.table[label].astype(str))) > 1:
        yield _labelled(e, label)
        return
    counts = stored_counts(e.table)
    if len(counts) < 2:
        raise InputError("the table stores one count of N, so that no other can be compared.")
    found = {name: _exponent(e, column) for name, column in counts.items()}
    numbers = {name: value for name, value in found.items() if value is not None}
    if len(numbers) < 2:
        raise InputError("no exponent of N* can be read from these runs.")
    spread = max(numbers.values()) - min(numbers.values())
    said = e.table.convention.N
    meant = "does not say which it means" if said == UNSTATED else f"says that N counts {said}"
    loud = said == UNSTATED and spread > DIFFERENT
    listed = ", ".join(f"{value:.3f} with N = {name}" for name, value in numbers.items())
    yield Finding(
        code="counting",
        severity="ok" if spread <= DIFFERENT else "warning" if loud else "note",
        message=f"the exponent of N* is {listed}; the table {meant}.",
        numbers=numbers,
        why="What N counts moves the exponent; an exponent without its count means little."
        if spread > DIFFERENT
        else "",
        remedy="Say which count is meant:  --state N=..., or take another:  --column N=COLUMN"
        if loud
        else "Quote the count with the exponent; compare only exponents of one count."
        if spread > DIFFERENT
        else "",
    )


def stored_counts(table: RunTable) -> dict[str, np.ndarray]:
    """Return the counts of N that a table stores, by convention or by the column's name."""
    names = {c: said for (f, said), cs in STORED.items() if f == "N" for c in cs}
    found = {said: table[c] for c, said in names.items() if c in table.columns}
    origin = table.origin.get("N")
    others = origin.others if origin is not None else ()
    if origin is not None and table.convention.N == UNSTATED and not found:
        found[origin.expression] = table["N"]
    for name in table.columns:
        known = plain(name) in KNOWN["N"].names or name in others
        if known and table[name].dtype.kind != "O":
            found.setdefault(name, table[name])
    if table.convention.N not in found and "N" in table.columns:
        own = table.convention.N if table.convention.N != UNSTATED else "N"
        found.setdefault(own, table["N"])
    distinct: dict[str, np.ndarray] = {}
    for name, column in found.items():
        if not any(np.array_equal(column, other, equal_nan=True) for other in distinct.values()):
            distinct[name] = column
    return distinct


def _exponent(e: Evidence, N: np.ndarray) -> float | None:
    """Return the exponent of N* with N counted otherwise: of the minima, else of the law."""
    counted = replace(e, table=e.table.with_columns(N=N), given=None)
    try:
        return float(counted.surface.N_opt.exponent)
    except IsoflopError:
        pass  # no isoFLOP design: the law's exponent
    try:
        return counted.answer["exponent of N*"]
    except IsoflopError:
        return None


def _labelled(e: Evidence, label: str) -> Finding:
    """A column says how N was counted, and the rows differ in it."""
    numbers: dict[str, float] = {}
    for value in np.unique(e.runs[label].astype(str)):
        rows = e.runs[label].astype(str) == value
        slope = _slope_of_optima(e.runs.where(rows))
        if slope is not None:
            numbers[value] = slope
    listed = ", ".join(f"{slope:.3f} with {name}" for name, slope in numbers.items())
    labels = np.unique(e.table[label].astype(str))
    return Finding(
        code="counting",
        severity="warning",
        message=f"`{label}` says that the runs count N in {len(labels)} ways"
        + (f"; the exponent of N* is {listed}." if listed else "."),
        numbers=numbers,
        why="Counted differently, equal models get several places on the curve.",
        remedy=f"Take one:  --where \"{label} == '{labels[0]}'\"",
    )


def _slope_of_optima(table: RunTable) -> float | None:
    """Return the slope of ln N* over ln C: minima of budgets, or rows that are optima already."""
    C, N, loss = table["C"], table["N"], table["loss"]
    places, sizes = [], []
    for value in np.unique(C):
        rows = value == C
        if rows.sum() == 1:
            places.append(value)
            sizes.append(float(N[rows][0]))
            continue
        profile = fit_profile(value, N[rows], C[rows], loss[rows], WINDOW)
        if profile.ok:
            places.append(value)
            sizes.append(profile.N)
    if len(places) < 2:
        return None
    rng = np.random.default_rng(0)
    return fit_power_law(np.array(places), np.array(sizes), np.array([sizes]), rng).exponent


def check_units(e: Evidence) -> Iterator[Finding]:
    """Loss over bits per byte is one number for one tokenizer and one kind of loss."""
    e.need("loss", "bits_per_byte")
    loss, bits = e.table["loss"], e.table["bits_per_byte"]
    with np.errstate(all="ignore"):
        ratio = loss / bits
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    if len(ratio) < 2:
        raise InputError("fewer than two runs have both a loss and bits per byte.")
    middle = float(np.median(ratio))
    off = np.abs(ratio / middle - 1) > _UNIT
    yield Finding(
        code="units",
        severity="warning" if off.any() else "ok",
        message=f"loss over bits per byte is {ratio.min():.4g} to {ratio.max():.4g}"
        + (
            f"; it differs by more than 1 % in {off.sum()} of {len(ratio)} runs."
            if off.any()
            else "."
        ),
        numbers={"smallest": float(ratio.min()), "largest": float(ratio.max())},
        why="It is the tokenizer's bytes per token: runs that differ in it have another tokenizer,"
        " text, or unit of loss."
        if off.any()
        else "",
        remedy="Compare bits per byte:  --column loss=bits_per_byte" if off.any() else "",
    )
