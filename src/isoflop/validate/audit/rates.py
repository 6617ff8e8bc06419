"""Checks of learning rate and batch: are they right for every size?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.finding import Finding
from isoflop.units import format_count
from isoflop.validate.audit.influence import diagnose, span
from isoflop.validate.audit.labels import CHANCE, explained
from isoflop.validate.audit.named import batch_of, rate_of
from isoflop.validate.audit.tails import f_tail
from isoflop.validate.audit.training import repeated_noise
from isoflop.validate.audit.usable import PROBES
from isoflop.validate.selfcheck import RATE_TOLERANCE, RateProbe, check_rates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable
    from isoflop.validate.audit.evidence import Evidence

#: Runs whose N and D agree within this share are one setup at several rates.
_SAME = 0.02
#: N that spans more than this at one rate is told.
_ONE_RATE = 10.0
#: Runs that must be left after all terms.
_LEFT = 5
#: Share of a rate's variance that size must leave open for its own effect to be seen.
_OPEN = 0.02


def check_rate(e: Evidence) -> Iterator[Finding]:
    """No other learning rate does better at some size than the one that is fitted."""
    probes = e.probes or probes_of(e.table.where(e.finished))
    if probes:
        noise = e.seed_noise[0] or repeated_noise(e.runs)[0]
        yield check_rates(probes, noise)
        return
    if rate_of(e.runs) is None:
        raise InputError("the table has no numbers for lr.")
    cells = tried(e.runs)
    if not cells:
        raise InputError("no size was run at more than one learning rate.")
    yield _several(e, cells)


def probes_of(table: RunTable) -> tuple[RateProbe, ...]:
    """Return the probed models of a table whose column `role` names its probes."""
    lr = rate_of(table)
    if lr is None or not {"role", "N", "D", "loss"} <= set(table.columns):
        return ()
    probe = np.isin(table["role"].astype(str), list(PROBES))
    found = []
    for rows in tried(table):
        own = rows[~probe[rows]]
        if not probe[rows].any() or not len(own):
            continue
        rate, loss = lr[rows], table["loss"][rows]
        base = float(lr[own[0]])
        distinct = np.unique(rate)
        mean = np.array([loss[rate == r].mean() for r in distinct])
        name = f"N = {format_count(float(table['N'][rows[0]]))}"
        budget = float(table["budget"][rows[0]]) if "budget" in table.columns else 0.0
        found.append(RateProbe(0, budget, distinct / base, mean, name))
    return tuple(found)


def tried(table: RunTable) -> list[np.ndarray]:
    """Return the rows of each setup (equal N and D) that was run at two rates or more."""
    lr, batch = rate_of(table), batch_of(table)
    if lr is None:
        return []
    with np.errstate(all="ignore"):
        setup = [table["N"], table["D"], *([batch] if batch is not None else [])]
        logs = np.log(np.stack(setup))
    usable = np.isfinite(logs).all(axis=0) & np.isfinite(lr) & np.isfinite(table["loss"])
    rows = np.flatnonzero(usable)
    order = rows[np.lexsort(logs[::-1, rows])]
    if not len(order):
        return []
    steps = np.abs(np.diff(logs[:, order], axis=1)).max(axis=0)
    cells = np.split(order, np.flatnonzero(steps > _SAME) + 1)
    return [cell for cell in cells if len(np.unique(lr[cell])) > 1]


def _several(e: Evidence, cells: list[np.ndarray]) -> Finding:
    """Several rates a size are in one table, and all of them would be fitted."""
    lr, loss, N = rate_of(e.runs), e.runs["loss"], e.runs["N"]
    assert lr is not None  # noqa: S101 - there are cells of several rates
    lost, edge = np.zeros(len(lr)), 0
    best = np.ones(len(lr), dtype=bool)
    for rows in cells:
        lost[rows] = loss[rows] - loss[rows].min()
        best[rows] = loss[rows] == loss[rows].min()
        rate = lr[rows[np.argmin(loss[rows])]]
        edge += bool(rate in (lr[rows].min(), lr[rows].max()))
    worse = lost > RATE_TOLERANCE
    rates = {float(n): np.exp(np.log(lr[best & (n == N)]).mean()) for n in np.unique(N)}
    sizes = np.array(list(rates))
    drift = (
        float(np.polyfit(np.log(sizes), np.log(list(rates.values())), 1)[0])
        if len(sizes) > 1
        else 0.0
    )
    bad = bool(worse.any()) or edge > len(cells) / 2
    return Finding(
        code="rate",
        severity="warning" if bad else "ok",
        message=f"{len(cells)} setups were run at several learning rates: {int(worse.sum())} of"
        f" {len(lr)} runs lose more than {RATE_TOLERANCE:g} nats to the best rate of their setup"
        f" (up to {lost.max():.2f}), and in {edge} the best rate is the lowest or highest tried."
        f" The best rate goes as N^{drift:.2f}.",
        numbers={
            "setups": float(len(cells)),
            "runs": float(worse.sum()),
            "most lost": float(lost.max()),
            "at an edge": float(edge),
            "exponent of the best rate": drift,
        },
        why="A rate that is right for one size and wrong for another tilts every parabola: tuning"
        " it by size moved the exponent from 0.57 to 0.50."
        if bad
        else "",
        remedy="Fit the best rate of each setup only, and try rates beyond the edge:  "
        "--where best_of_setup"
        if bad
        else "",
        moves=e.moves(e.where(best), "the best rate of each setup only") if bad else (),
    )


def check_lr_trend(e: Evidence) -> Iterator[Finding]:
    """The residuals of the law do not go with the learning rate."""
    lr, N = rate_of(e.runs), e.runs["N"]
    if lr is not None and np.all(lr == lr[0]) and N.max() > _ONE_RATE * N.min():
        yield _one_rate(float(lr[0]), float(N.max() / N.min()))
        return
    yield _trend(e, "lr", rate_of(e.runs), "learning rate")


def _one_rate(rate: float, span: float) -> Finding:
    return Finding(
        code="lr-trend",
        severity="note",
        message=f"the learning rate is {rate:.4g} in every run while N spans {span:.0f}x; whether"
        " it suits each size cannot be seen from these runs.",
        numbers={"rate": rate, "span of N": span},
        why="The best rate falls as models grow; tuning it by size, with batch and beta2, moved the"
        " exponent from 0.57 to 0.50.",
        remedy="Try twice and half the rate at the smallest and the largest size.",
    )


def check_batch_trend(e: Evidence) -> Iterator[Finding]:
    """The residuals of the law do not go with the batch size."""
    yield _trend(e, "batch", batch_of(e.runs), "batch")


def _trend(e: Evidence, name: str, x: np.ndarray | None, word: str) -> Finding:
    """Test the residuals for a bend or slope in ln x that size does not explain.

    The loss rises with the square of ln x - ln x_best, and ln x_best may move with ln N and ln D:
    tested without and with the products of ln x with these.
    """
    x = _varied(x, name)
    d = diagnose(e)
    size = _quadratic(np.log(e.runs["N"]), np.log(e.runs["D"]))
    basis = span(np.hstack([d.slopes, size]))
    logs = np.log(x) - np.log(x).mean()
    # What size does not explain of it; its square, since too high is as bad as too low.
    rest = logs - basis @ (basis.T @ logs)
    if rest @ rest < _OPEN * (logs @ logs):
        raise InputError(
            f"`{name}` follows N and D in these runs, so that its effect cannot be told from"
            " theirs; probes at other values would tell."
        )
    e_rest = d.residual - basis @ (basis.T @ d.residual)
    still = np.stack([rest, rest**2], axis=1)
    moving = np.hstack([still, rest[:, None] * size[:, 1:3]])
    tested = [t for t in (_share(basis, terms, e_rest) for terms in (still, moving)) if t]
    if not tested:
        raise InputError(f"{len(x)} runs are too few to see a trend with `{name}`.")
    chance, share = min(tested)
    bad = chance < CHANCE
    return Finding(
        code=f"{name}-trend",
        severity="warning" if bad else "ok",
        message=f"the {word} explains {100 * share:.0f} % of what size leaves of the law's"
        f" residuals (p = {chance:.1g}).",
        numbers={"share": share, "p": chance, "slope": float(rest @ e_rest / (rest @ rest))},
        why=f"A {word} that was not tuned to each size tilts every curve: tuning rate, batch and"
        " beta2 by size moved the exponent from 0.57 to 0.50."
        if bad
        else "",
        remedy=f"Tune the {word} at the smallest and the largest size, and keep the best of each."
        if bad
        else "",
    )


def _varied(x: np.ndarray | None, name: str) -> np.ndarray:
    """Return the column, which every run has and which is not one value.

    Raises:
        InputError: it is not so.
    """
    if x is None:
        raise InputError(f"the table has no numbers for {name}.")
    if not (np.isfinite(x).all() and (x > 0).all()):
        raise InputError(f"`{name}` is missing in some runs.")
    if np.ptp(np.log(x)) < 1e-6:
        raise InputError(f"`{name}` is {x[0]:.4g} in every run: whether it suits each is unknown.")
    return x


def _share(
    basis: np.ndarray, terms: np.ndarray, residual: np.ndarray
) -> tuple[float, float] | None:
    """Return by what chance noise explains as much as the terms [run, term] do, and their share.

    None where fewer than five runs are left.
    """
    left = len(residual) - basis.shape[1] - terms.shape[1]
    if left < _LEFT:
        return None
    squares, extra = explained(basis, terms, residual)
    total = max(float(residual @ residual), 1e-300)
    chance = f_tail(squares / extra / max((total - squares) / left, 1e-300), extra, left)
    return chance, squares / total


def _quadratic(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """Return the terms of a quadratic in ln N and ln D, [run, 6], of order one."""
    n, d = ((x - x.mean()) / (np.ptp(x) or 1.0) for x in (N, D))
    return np.stack([np.ones_like(n), n, d, n * n, n * d, d * d], axis=1)
