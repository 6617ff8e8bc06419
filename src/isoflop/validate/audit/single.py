"""Checks of single runs: outliers, runs that decide the answer, runs that are not independent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.duplicates import rows_of
from isoflop.runs.finding import Finding
from isoflop.units import format_count
from isoflop.validate.audit.influence import (
    changes,
    diagnose,
    gradient,
    largest_by_chance,
    outlying,
)
from isoflop.validate.audit.named import batch_of, rate_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable
    from isoflop.validate.audit.evidence import Evidence

#: Probability of calling any run of a sound table an outlier, or too influential.
CHANCE = 0.005
#: Outliers looked for: at most this share of the runs, and at most this many.
_SHARE, _MOST = 0.2, 30
#: Runs on another curve: distance in units of the middle runs' scatter, the least scatter, and how
#: closely a ratio must be that of bits to nats.
_APART, _LEAST, _UNIT = 10.0, 1e-4, 0.03
#: Largest product of simulations and runs, and the most simulations.
_DRAWS, _PRODUCT = 2000, 2_000_000
#: Neighbouring residuals: pairs needed, correlation and standard errors above which they depend.
_PAIRS, _CORRELATED, _SURE = 20, 0.4, 4.0


def check_outliers(e: Evidence) -> Iterator[Finding]:
    """No run lies further from the law than noise would put it."""
    d = diagnose(e)
    most = min(_MOST, int(_SHARE * len(d.residual)))
    if (far := _another_curve(e)).sum() > most:
        yield _many(e, far)
        return
    found, residual = outlying(d, CHANCE, most)
    t = d.studentised()
    keep = np.ones(len(t), dtype=bool)
    keep[found] = False
    if not found:
        yield Finding(
            code="outliers",
            severity="ok",
            message=f"no run lies further from the law than noise puts it (largest residual"
            f" {np.abs(t).max():.2g} standard deviations).",
            numbers={"largest": float(np.abs(t).max())},
        )
        return
    N, D = e.runs["N"][found], e.runs["D"][found]
    listed = "; ".join(
        f"N = {format_count(float(n))}, D = {format_count(float(m))}: {100 * residual[i]:+.1f} %"
        for n, m, i in zip(N[:5], D[:5], found[:5], strict=True)
    )
    yield Finding(
        code="outliers",
        severity="warning",
        message=f"{rows_of(~keep, e.rows)} lie further from the law than noise puts them"
        f" ({listed}).",
        numbers={
            "rows": float(len(found)),
            "of": float(len(t)),
            "largest residual": float(residual[found[0]]),
            "highest D/N": float((D / N).max()),
            "lowest D/N": float((D / N).min()),
        },
        why="A few runs can decide the answer: five of 245 move Chinchilla's beta from 0.37 to"
        " 0.45. They are failures, other conditions, or a regime that the law does not describe.",
        remedy="Look at them; say whether they are left out and why, and give both answers.",
        moves=e.moves(e.where(keep), "these runs left out"),
    )


def _deviation(e: Evidence) -> np.ndarray:
    """Return ln of the observed over the fitted loss [run], by the robust fit of all runs."""
    inputs = {name: e.runs[name] for name in e.fit.law.input_names}
    with np.errstate(all="ignore"):
        return np.log(e.runs["loss"] / e.fit.point(**inputs))


def _another_curve(e: Evidence) -> np.ndarray:
    """Mask [run] of runs further from the robust fit than ten times the middle runs' scatter."""
    away = np.abs(_deviation(e))
    scatter = max(1.4826 * float(np.median(away)), _LEAST)
    return away > _APART * scatter


def _many(e: Evidence, far: np.ndarray) -> Finding:
    ratio = float(np.exp(np.median(_deviation(e)[far])))
    bits = min(abs(np.log(ratio / x)) for x in (1 / np.log(2), np.log(2))) < _UNIT
    return Finding(
        code="outliers",
        severity="warning",
        message=f"{rows_of(far, e.rows)} lie on another curve: their losses are {ratio:.3g} times"
        " those of the law through the others (median)"
        + (", as bits are to nats." if bits else "."),
        numbers={"rows": float(far.sum()), "of": float(len(far)), "median ratio": ratio},
        why="One law through two kinds of runs, or two units of loss, is a law of none.",
        remedy="Find what these runs differ in; convert their losses, or leave them out.",
        moves=e.moves(e.where(~far), "these runs left out"),
    )


def check_leverage(e: Evidence) -> Iterator[Finding]:
    """No single run moves the exponent further than noise on this design would."""
    d = diagnose(e)
    name = "exponent of N*"
    weights = d.influence(gradient(e, d, name))
    if not np.isfinite(weights).all() or np.linalg.norm(weights) == 0:
        raise InputError("the fitted law has no optimum, so that no run can move it.")
    moved = changes(d.residual, d, weights)
    worst = int(np.argmax(np.abs(moved)))
    draws = min(_DRAWS, _PRODUCT // len(moved))
    limit = largest_by_chance(d, weights, CHANCE, max(draws, 200))
    bad, told = bool(abs(moved[worst]) > limit), bool(abs(moved[worst]) > 1)
    keep = np.ones(len(moved), dtype=bool)
    keep[worst] = False
    N, D = (format_count(float(e.runs[name][worst])) for name in ("N", "D"))
    yield Finding(
        code="leverage",
        severity="warning" if bad else "note" if told else "ok",
        message=f"without row {e.rows[worst]} (N = {N}, D = {D}) the exponent of N* moves by"
        f" {abs(moved[worst]):.2g} standard errors; noise alone moves it by up to {limit:.2g} on"
        " this design.",
        numbers={
            "row": float(e.rows[worst]),
            "change": float(moved[worst]),
            "by chance": limit,
            "leverage": float(d.hat[worst]),
            "standard error": float(d.sigma * np.linalg.norm(weights)),
        },
        why="An answer that hangs on one run is that run's answer." if told or bad else "",
        remedy="Repeat the run with another seed, or add runs near it." if told or bad else "",
        moves=e.moves(e.where(keep), "this run left out") if told or bad else (),
    )


def check_correlated(e: Evidence) -> Iterator[Finding]:
    """Runs of one size that differ in D only have independent residuals."""
    d = diagnose(e)
    setup = _setups(e.runs)
    order = np.lexsort([e.runs["D"], setup])
    further = np.diff(np.log(e.runs["D"][order])) > 1e-9
    same = (setup[order[1:]] == setup[order[:-1]]) & further
    pairs = int(same.sum())
    if pairs < _PAIRS:
        raise InputError(
            f"{pairs} pairs of runs differ in D only and are neighbours; {_PAIRS} are needed."
        )
    if not d.sigma > 0:
        raise InputError("the runs lie on the law exactly; there is no scatter to correlate.")
    r = d.residual[order] / d.sigma
    correlation = float((r[1:] * r[:-1])[same].mean())
    bad = correlation > _CORRELATED and correlation * np.sqrt(pairs) > _SURE
    share = (1 - min(correlation, 0.99)) / (1 + min(correlation, 0.99))
    yield Finding(
        code="correlated",
        severity="warning" if bad else "ok",
        message=f"residuals of neighbours in D, all else equal, are correlated at {correlation:.2f}"
        f" ({pairs} pairs)"
        + (f": {len(r)} rows say about as much as {share * len(r):.0f} runs." if bad else "."),
        numbers={"correlation": correlation, "pairs": float(pairs)},
        why="Checkpoints of one run, and runs that the law misses in the same way, are not"
        " independent; intervals that take them for it are too narrow."
        if bad
        else "",
        remedy="Name the runs, and draw whole ones:  isoflop fit runs.csv --cluster run"
        if bad
        else "",
    )


def _setups(table: RunTable) -> np.ndarray:
    """Return a number [run] that is equal for runs that differ in D only: the run, if named."""
    if "run" in table.columns:
        run = np.unique(table["run"].astype(str), return_inverse=True)[1]
        if len(np.unique(run)) < len(run):
            return run
    columns = [table["N"], rate_of(table), batch_of(table), table.columns.get("steps")]
    keys = [np.unique(x, return_inverse=True)[1] for x in columns if x is not None]
    return np.unique(np.stack(keys), axis=1, return_inverse=True)[1].ravel()
