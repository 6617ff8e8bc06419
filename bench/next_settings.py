"""True errors of the next runs over many kinds of studies, against the isoFLOP grid of one cost.

python bench/next_settings.py tune|judge|near|off [studies] [rule ...]

A rule is `SHARE:SPREAD`, the least share of the budget that a run costs and the factor around N*
within which sizes are considered, or `default`. Each study draws first runs from a known law, fits
Chinchilla's law, designs further runs by each rule and by the grid, draws those, and fits again.
Printed per setting: the median and the 90 % quantile of the absolute error of the log loss at the
target, in thousandths with the grid, as ratios to it by each rule (with standard errors over
studies), and the number of runs. Which settings tune and which judge was written down before any
was run (docs/log.md, 2026-11-26). Two processes of one thread.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

import numpy as np
from next_study import bend, epoch, first_fit, outer  # pyright: ignore[reportMissingImports]
from synthetic_runs import EPOCH  # pyright: ignore[reportMissingImports]

from isoflop.design.candidates import isoflop_grid, ladder
from isoflop.design.next import GRID_RUNS, SPREAD
from isoflop.design.outlook import Outlook
from isoflop.fit import fit
from isoflop.laws import get
from isoflop.laws.chinchilla import optimum

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.design.candidates import NextRun

LARGEST, NOISE = 3e18, 0.003
SECOND = {"E": 1.62, "A": 310.0, "alpha": 0.325, "B": 1150.0, "beta": 0.335}


def second(N: Any, D: Any) -> Any:
    """Chinchilla's law with other constants."""
    return get("chinchilla")(N, D, **SECOND)


def embedding(N: Any, D: Any) -> Any:
    """Epoch's law in all parameters, where N leaves the embedding out (Pearce and Song 2024)."""
    return epoch(N + 47491.0 * N ** (1 / 3), D)


TRUTHS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (epoch, second, outer, bend, embedding)
}


def regular(_: np.random.Generator, budgets: Any = (1e17, 3e17, 1e18, 3e18), sizes: int = 5) -> Any:
    """Budgets with sizes around Epoch's optimum."""
    C = np.repeat(budgets, sizes)
    offsets = 1.75 ** (np.arange(sizes) - (sizes - 1) / 2)
    N = optimum(C, **EPOCH)[0] * np.tile(offsets, len(budgets))
    return N, C / (6 * N)


def scattered(rng: np.random.Generator) -> Any:
    """24 runs at random budgets, and sizes within a factor of 4 of Epoch's optimum."""
    C = np.exp(rng.uniform(np.log(1e17), np.log(LARGEST), 24))
    N = optimum(C, **EPOCH)[0] * 4 ** rng.uniform(-1, 1, 24)
    return N, C / (6 * N)


def few(rng: np.random.Generator) -> Any:
    """Two budgets."""
    return regular(rng, (3e17, 3e18), 7)


def table(_: np.random.Generator) -> Any:
    """Sizes by tokens a parameter."""
    N, ratio = np.meshgrid(np.geomspace(1.3e7, (LARGEST / 480) ** 0.5, 5), 5 * 2.0 ** np.arange(5))
    return N.ravel(), (N * ratio).ravel()


FIRSTS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (regular, scattered, few, table)
} | {"noisy": regular}


class Setting(NamedTuple):
    """A kind of study.

    Args:
        first: first runs; truth: law, both by name.
        times: budget as a multiple of the largest first run.
        ahead: C of the target as a multiple of the budget.
        off: N of the target as a multiple of the optimum at its C, by the first fit.
    """

    first: str
    truth: str
    times: float
    ahead: float = 300.0
    off: float = 1.0

    def noise(self, C: np.ndarray) -> np.ndarray:
        """Return the standard deviation of a run's log loss."""
        return NOISE * (np.maximum(LARGEST / C, 1.0) ** 0.3 if self.first == "noisy" else C**0)


#: First runs, laws, budgets, target's C over the budget, target's N over the optimum.
PARTS: dict[str, tuple[Any, ...]] = {
    "tune": (("regular", "scattered"), ("epoch", "outer"), (1, 3, 10), 300.0, 1.0),
    "judge": (tuple(FIRSTS), ("second", "bend", "embedding"), (0.3, 1, 3, 10, 30), 300.0, 1.0),
    "near": (("regular", "scattered"), ("second", "bend"), (1, 10), 30.0, 1.0),
    "off": (("regular", "scattered"), ("second", "bend"), (1, 3, 10), 300.0, 0.25),
}


def settings(part: str) -> list[Setting]:
    """Return the settings of a part (docs/log.md)."""
    firsts, truths, times, ahead, off = PARTS[part]
    return [Setting(f, t, x, ahead, off) for f in firsts for t in truths for x in times]


class Closed(Outlook):
    """The outlook of a fit of Chinchilla's law, with N* and D* in closed form, which is quicker."""

    def optimum(self, C: float) -> tuple[float, float]:
        """Return N* and D* of a budget."""
        N, D = optimum(C, **self.fit.estimate)[:2]
        return float(N), float(D)


def grid(outlook: Outlook, budget: float) -> list[NextRun]:
    """Return the usual grid."""
    return isoflop_grid(outlook.rungs, lambda C: outlook.optimum(C)[0], budget)


def rule_of(text: str) -> Callable[[Outlook, float], list[NextRun]]:
    """Return the rule of a text: `default`, or `SHARE:SPREAD`."""
    changes = {}
    if text != "default":
        share, spread = text.split(":")
        changes = {"least_share": float(share), "spread": float(spread)}

    def rule(outlook: Outlook, budget: float) -> list[NextRun]:
        outlook = replace(outlook, **changes)
        possible = outlook.possible(budget)
        return [possible[k] for k in outlook.choose(possible, outlook.belief(possible), budget)]

    return rule


def draw(setting: Setting, runs: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Return runs of N and D with their noise."""
    N, D = runs
    C = 6 * N * D
    loss = TRUTHS[setting.truth](N, D)
    return {"N": N, "D": D, "loss": loss * np.exp(setting.noise(C) * rng.standard_normal(len(N)))}


def study(setting: Setting, seed: int, rules: tuple[str, ...]) -> list[tuple[float, int]]:
    """Return the error of the log loss at the target and the number of runs: grid, each rule."""
    rng = np.random.default_rng(seed)
    first = draw(setting, FIRSTS[setting.first](rng), rng)
    before = first_fit(first, seed)
    budget = setting.times * LARGEST
    outlook = Closed(before, {}, ladder(), GRID_RUNS, SPREAD)
    N, D = outlook.optimum(setting.ahead * budget)
    N, D = N * setting.off, D / setting.off
    exact = np.log(TRUTHS[setting.truth](N, D))
    outlook = replace(outlook, target={"N": N, "D": D})
    found = []
    for rule in (grid, *map(rule_of, rules)):
        runs = rule(outlook, budget)
        new = [np.array([float(getattr(run, key)) for run in runs]) for key in ("N", "D")]
        more = draw(setting, new, np.random.default_rng([seed, 1]))
        after = fit({k: np.append(first[k], more[k]) for k in first}, "chinchilla", profile=False)
        found.append((float(np.log(after.point(N=N, D=D)) - exact), len(runs)))
    return found


def ratios(found: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return ratios of the median and 90 % quantile, and standard errors, [number, quantile]."""
    rows = np.random.default_rng(0).integers(len(found), size=(400, len(found)))

    def read(picked: np.ndarray) -> np.ndarray:
        ends = [np.quantile(x[picked], (0.5, 0.9), axis=-1) for x in (found, usual)]
        return ends[0] / ends[1]

    return np.stack([read(np.arange(len(found))), read(rows).std(axis=1)])


def summary(name: str, found: np.ndarray) -> str:
    """Return how a rule did over all settings [setting, number, quantile]."""
    value, error = found[:, 0], found[:, 1]
    worse, better = value - 1 > 2 * error, 1 - value > 2 * error
    means = np.exp(np.log(value).mean(axis=0))
    return (
        f"{name}: geometric mean {means[0]:.3f} (median), {means[1]:.3f} (90 %); of {value.size}"
        f" ratios {better.sum()} better and {worse.sum()} worse by two standard errors;"
        f" {(value < 1).sum()} below 1, largest {value.max():.2f}"
    )


def main(part: str, studies: int, rules: tuple[str, ...]) -> None:
    """Print a row a setting, and how each rule did over all."""
    print(f"| first, law, budget | grid: median, 90 % | {' | '.join(rules)} |")
    found: dict[str, list[np.ndarray]] = {name: [] for name in rules}
    with ProcessPoolExecutor(2) as pool:
        for setting in settings(part):
            jobs = [pool.submit(study, setting, seed, rules) for seed in range(studies)]
            rows = np.array([job.result() for job in jobs])
            errors, counts = np.abs(rows[..., 0]), rows[..., 1].mean(axis=0)
            ends = 1e3 * np.quantile(errors[:, 0], (0.5, 0.9))
            cells = [f"{setting.first}, {setting.truth}, {setting.times:g}x"]
            cells.append(f"{ends[0]:.1f}, {ends[1]:.1f}")
            for k, name in enumerate(rules, 1):
                found[name].append(ratios(errors[:, k], errors[:, 0]))
                (a, b), (c, d) = found[name][-1]
                cells.append(f"{a:.2f}({c:.2f}), {b:.2f}({d:.2f}); {counts[k]:.0f} runs")
            print(f"| {' | '.join(cells)} |", flush=True)
    for name, values in found.items():
        print(summary(name, np.array(values)))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        given[0] if given else "judge",
        int(given[1]) if given[1:] else 200,
        tuple(given[2:]) or ("default",),
    )
