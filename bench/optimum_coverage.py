"""How often intervals of N*, and of the regret, hold on a larger budget that was not fitted.

    python bench/optimum_coverage.py --data DIR [--workers 2]

Public tables with isoFLOP budgets. From every origin the runs of the smaller budgets are fitted as
a study fits them: by Chinchilla's law (which is what `isoflop fit` and `isoflop plan --fit` have),
by approach 2, and by both together (`isoflop plan` on runs, and a study's plan). The interval of N
for each larger budget is compared with where that budget's own runs have their minimum, once with
the samples alone and once widened by the model's misses at the fitted budgets. Only origins whose
fitted budgets tell the miss are counted.

The regret of the law's N is compared with what it loses on the parabola of the larger budget's own
runs, where it lies among them.

A family of tables that share runs or makers counts once, in it each table, in that each origin.
"""

from __future__ import annotations

import argparse
import concurrent.futures
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdout_cases import Case, cases
from isoflop.errors import IsoflopError
from isoflop.fit.isoflop import fit_profile
from isoflop.fit.minima import own_minimum
from isoflop.plan import optima
from isoflop.plan.around import regrets
from isoflop.plan.limits import Limits
from isoflop.plan.optimise import lowest_loss
from isoflop.plan.source import surface
from isoflop.protocols.data import RunData, run_data
from isoflop.protocols.models import Fitted, Settings, fit_models
from isoflop.protocols.predict import choices_at
from isoflop.runs.budgets import with_budget

SAMPLES = 400
#: Budgets that are fitted at least.
FEWEST = 4
LEVELS = (0.5, 0.8, 0.9, 0.95)
#: What, error, inside and width of a `Held`.
Row = tuple[str, float, tuple[tuple[bool, ...], tuple[bool, ...]], tuple[float, float]]
FAMILIES = ("chinchilla", "misfitting", "porian")
MODELS = ("law", "approach 2", "both")


@dataclass(frozen=True)
class Held:
    """One prediction of a budget that was held out.

    Args:
        what: of `MODELS`, or "regret"; family, table: of the runs; budgets: fitted.
        decades: beyond the largest of them.
        error: ln of N at the runs' minimum over the predicted N; of the regret, nats.
        inside: whether the interval of each of `LEVELS` holds the truth, alone and widened; of the
            regret, that of 90 % alone.
        width: 90 % interval of ln N; of the regret, its upper end, nats.
    """

    what: str
    family: str
    table: str
    budgets: int
    decades: float
    error: float
    inside: tuple[tuple[bool, ...], tuple[bool, ...]]
    width: tuple[float, float]


def held_out(folder: Path, name: str) -> list[Held]:
    """Return every budget of a table that some smaller ones predict."""
    case = isoflop_cases(folder)[name]
    columns = with_budget({key: np.asarray(x) for key, x in case.table.columns.items()})
    runs = run_data({key: columns[key] for key in ("N", "D", "C", "loss", "budget")}, "all")
    found = []
    for count in range(FEWEST, len(runs.budgets)):
        small = runs.where(runs.budget <= runs.budgets[count - 1])
        try:
            fitted = fit_models(small, small, Settings(samples=SAMPLES))
        except IsoflopError:
            continue
        for b in runs.budgets[count:]:
            decades = float(np.log10(b / runs.budgets[count - 1]))
            kept = (case.family, name, count, decades)
            new = _predicted(fitted, runs.where(runs.budget == b), float(b))
            found += [Held(one[0], *kept, *one[1:]) for one in new]
    return found


def _predicted(fitted: Fitted, held: RunData, budget: float) -> list[Row]:
    """Return each prediction for a held-out budget."""
    size = own_minimum(held.N, held.C, held.loss)
    if size is None:
        return []
    found = _by_law(fitted, held, budget, size)
    try:
        _, choices, _ = choices_at(fitted, float(held.C.mean()))
    except IsoflopError:
        return found
    C = float(held.C.mean())
    known = {k: fitted.misses[k] for k in choices if fitted.misses[k].deviation(C) is not None}
    plain = {k: np.log(choice.N) for k, choice in choices.items()}
    moved = {k: x + np.log(fitted.misses[k].factors(len(x), C)) for k, x in plain.items()}
    if "approach2" in known and fitted.surface is not None:
        error = np.log(size / fitted.surface.N_opt.point(C))
        found.append(_compared("approach 2", error, plain["approach2"], moved["approach2"], size))
    if len(choices) == 2 and "approach3" in known:
        together = [np.concatenate(list(x.values())) for x in (plain, moved)]
        error = np.log(size) - np.nanmedian(together[0])
        found.append(_compared("both", error, together[0], together[1], size))
    return found


def _by_law(fitted: Fitted, held: RunData, budget: float, size: float) -> list[Row]:
    if fitted.parametric is None:
        return []
    law = surface(fitted.parametric)
    deviation = optima.deviation_at(law, budget)
    try:
        best = lowest_loss(law, budget, limits=Limits())
    except IsoflopError:
        return []
    rows = [np.log(optima.moved(law, best, x)[0][1:]) for x in (None, deviation)]
    if deviation is None or np.mean(np.isfinite(rows[0])) < 0.5:
        return []
    found = [_compared("law", np.log(size / best.N[0]), rows[0], rows[1], size)]
    lost = observed_regret(held, float(best.N[0]))
    if lost is not None:
        ends = []
        for x in (None, deviation):
            told = regrets(law, float(best.N[0]), best.loss, K=budget, serving=0.0,
                           limits=Limits(), dollars_a_flop=None, deviation=x)  # fmt: skip
            one = told["1x"].loss
            ends.append(one.interval if one is not None and one.interval else (0.0, np.inf))
        ends = [(low, np.inf if high is None else high) for low, high in ends]
        a, b = ((bool(low <= lost <= high),) for low, high in ends)
        found.append(("regret", lost, (a, b), (ends[0][1], ends[1][1])))
    return found


def observed_regret(held: RunData, N: float) -> float | None:
    """Return what N loses on the parabola of a budget's runs; None outside them, or without one."""
    profile = fit_profile(float(held.C.mean()), held.N, held.C, held.loss)
    used = held.N[profile.used]
    if not profile.ok or not used.min() <= N <= used.max():
        return None
    return float(profile.curve(np.array([N]))[0]) - profile.loss


def _compared(what: str, error: Any, plain: np.ndarray, moved: np.ndarray, size: float) -> Row:
    (a, low), (b, high) = (_held(x, float(np.log(size))) for x in (plain, moved))
    return what, float(error), (a, b), (low, high)


def _held(rows: np.ndarray, value: float) -> tuple[tuple[bool, ...], float]:
    """Return whether intervals of samples hold a value, and the width of that of 90 %.

    A sample without an optimum counts against both ends, as everywhere.
    """
    low, high = (np.sort(np.where(np.isnan(rows), x, rows)) for x in (-np.inf, np.inf))

    def end(ordered: np.ndarray, share: float, method: str) -> float:
        return float(np.quantile(ordered, share, method=method))  # pyright: ignore

    ends = [(end(low, (1 - x) / 2, "lower"), end(high, (1 + x) / 2, "higher")) for x in LEVELS]
    width = ends[LEVELS.index(0.9)][1] - ends[LEVELS.index(0.9)][0]
    return tuple(bool(a <= value <= b) for a, b in ends), width


def isoflop_cases(folder: Path) -> dict[str, Case]:
    """Return each table with several sizes a budget once, by name."""
    found: dict[str, Case] = {}
    for case in cases(folder):
        if case.family in FAMILIES:
            found.setdefault(case.name, case)
    return found


def weights(found: list[Held]) -> np.ndarray:
    """Return the weight [budget] of each: families, their tables and those's origins alike."""
    keys = [(x.family, x.table, x.budgets) for x in found]
    each = Counter(keys)
    origins, tables = Counter(k[:2] for k in each), Counter(k[0] for k in {k[:2] for k in keys})
    share = np.array([1 / each[k] / origins[k[:2]] / tables[k[0]] for k in keys])
    return share / share.sum()


def nearest(found: list[Held]) -> list[Held]:
    """Return the predictions of the next budget alone: the smallest step of each origin."""
    least: dict[tuple[str, int], float] = {}
    for x in found:
        key = (x.table, x.budgets)
        least[key] = min(least.get(key, np.inf), x.decades)
    return [x for x in found if x.decades == least[x.table, x.budgets]]


def line(name: str, found: list[Held]) -> str:
    """Return one row of a table: N* as factors, the regret in nats."""
    if not found:
        return f"| {name} | 0 |"
    w, regret = weights(found), found[0].what == "regret"
    cells = []
    for k in (0, 1):
        shares = 100 * (w @ np.array([x.inside[k] for x in found], dtype=float))
        width = float(np.median([x.width[k] for x in found]))
        shown = f"{width:.3f}" if regret else f"{np.exp(width / 2):.2f}"
        cells += [" / ".join(f"{share:.0f}" for share in shares), shown]
    error = float(np.median([abs(x.error) for x in found]))
    missed = f"{error:.3f}" if regret else f"{np.exp(error):.2f}"
    return f"| {name} | {len(found)} | {missed} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    flags = parser.parse_args()
    names = list(isoflop_cases(flags.data))
    with concurrent.futures.ProcessPoolExecutor(flags.workers) as pool:
        parts = list(pool.map(held_out, [flags.data] * len(names), names))
    for what in (*MODELS, "regret"):
        found = [x for part in parts for x in part if x.what == what]
        tables, families = len({x.table for x in found}), len({x.family for x in found})
        levels = "90" if what == "regret" else "50 / 80 / 90 / 95"
        print(f"\n{what}: {tables} tables, {families} families, intervals of {levels} %")
        print("| hold-outs | number | miss | samples alone | width | widened | width |")
        for family in FAMILIES:
            print(line(family, [x for x in found if x.family == family]))
        print(line("the next budget", nearest(found)))
        for low, high in ((0, 0.35), (0.35, 0.7), (0.7, 1.1), (1.1, 9)):
            some = [x for x in found if low < x.decades <= high]
            print(line(f"{low} to {high} decades", some))
        print(line("all", found))


if __name__ == "__main__":
    main()
