"""How often intervals of N* in a plan hold the minimum of a larger budget that was not fitted.

    python bench/optimum_coverage.py --data DIR [--workers 2]

Public tables with isoFLOP budgets. From every origin the runs of the smaller budgets are fitted
by Chinchilla's law as `isoflop fit` does it; the interval of N that `isoflop plan --fit` gives for
each larger budget is compared with where that budget's own runs have their minimum, once with the
samples alone and once widened by the law's misses at the fitted budgets. Only origins whose fitted
budgets tell the law's miss are counted. A family of tables that share runs or makers counts once,
in it each table, in that each origin.
"""

from __future__ import annotations

import argparse
import concurrent.futures
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdout_cases import Case, cases
from isoflop.errors import IsoflopError
from isoflop.fit.fitting import fit
from isoflop.fit.minima import own_minimum, spread
from isoflop.plan.limits import Limits
from isoflop.plan.optima import moved
from isoflop.plan.optimise import lowest_loss
from isoflop.plan.source import surface
from isoflop.runs.budgets import with_budget

SAMPLES = 400
#: Budgets that are fitted at least.
FEWEST = 4
LEVELS = (0.5, 0.8, 0.9, 0.95)
FAMILIES = ("chinchilla", "misfitting", "porian")


@dataclass(frozen=True)
class Held:
    """One budget that was held out.

    Args:
        family, table: of the runs; budgets: fitted; decades: beyond the largest of them.
        error: ln of N at the runs' minimum over the N of the plan.
        rank: of that minimum among the samples, alone and widened; width: 90 % interval of ln N.
    """

    family: str
    table: str
    budgets: int
    decades: float
    error: float
    rank: tuple[float, float]
    width: tuple[float, float]


def held_out(folder: Path, name: str) -> list[Held]:
    """Return every budget of a table that some smaller ones predict."""
    case = isoflop_cases(folder)[name]
    columns = with_budget({key: np.asarray(x) for key, x in case.table.columns.items()})
    N, C, loss, budget = (columns[key].astype(float) for key in ("N", "C", "loss", "budget"))
    budgets = np.unique(budget)
    own = {b: own_minimum(*(x[budget == b] for x in (N, C, loss))) for b in budgets}
    found = []
    for count in range(FEWEST, len(budgets)):
        used = budget <= budgets[count - 1]
        try:
            fitted = fit({key: x[used] for key, x in columns.items()}, "chinchilla",
                         bootstrap=SAMPLES)  # fmt: skip
        except IsoflopError:
            continue
        law = surface(fitted)
        for b in budgets[count:]:
            size, deviation = own[b], spread(fitted.minima, b)
            if size is None or deviation is None:
                continue
            try:
                best = lowest_loss(law, b, limits=Limits())
            except IsoflopError:
                continue
            rows = [moved(law, best, x)[0][1:] for x in (None, deviation)]
            if np.mean(np.isfinite(rows[0])) < 0.5:
                continue
            found.append(
                Held(
                    family=case.family,
                    table=name,
                    budgets=count,
                    decades=float(np.log10(b / budgets[count - 1])),
                    error=float(np.log(size / best.N[0])),
                    rank=(_rank(rows[0], size), _rank(rows[1], size)),
                    width=(_width(rows[0]), _width(rows[1])),
                )
            )
    return found


def _rank(rows: np.ndarray, value: float) -> float:
    return float(np.mean(rows[np.isfinite(rows)] < value))


def _width(rows: np.ndarray) -> float:
    return float(np.diff(np.quantile(np.log(rows[np.isfinite(rows)]), (0.05, 0.95)))[0])


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


def line(name: str, found: list[Held]) -> str:
    """Return one row of the table."""
    w = weights(found)
    cells = []
    for k in (0, 1):
        ranks = np.array([x.rank[k] for x in found])
        shares = [100 * float(w @ (np.abs(ranks - 0.5) <= level / 2)) for level in LEVELS]
        width = np.exp(np.median([x.width[k] for x in found]) / 2)
        cells += ["/".join(f"{share:.0f}" for share in shares), f"{width:.2f}"]
    error = np.exp(np.median([abs(x.error) for x in found]))
    return f"| {name} | {len(found)} | {error:.2f} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    flags = parser.parse_args()
    names = list(isoflop_cases(flags.data))
    with concurrent.futures.ProcessPoolExecutor(flags.workers) as pool:
        parts = list(pool.map(held_out, [flags.data] * len(names), names))
    found = [x for part in parts for x in part]
    print(f"{len({x.table for x in found})} tables, {len({x.family for x in found})} families")
    print("| hold-outs | count | median miss | alone 50/80/90/95 | factor | widened | factor |")
    for family in FAMILIES:
        print(line(family, [x for x in found if x.family == family]))
    for low, high in ((0, 0.35), (0.35, 0.7), (0.7, 1.1), (1.1, 9)):
        some = [x for x in found if low < x.decades <= high]
        print(line(f"{low} to {high} decades", some))
    print(line("all", found))


if __name__ == "__main__":
    main()
