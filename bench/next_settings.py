"""True errors of the next runs over many kinds of studies, against the isoFLOP grid of one cost.

python bench/next_settings.py tune|judge|near [studies] [rule ...]

A rule is a least share of the budget (`0.1`) that the smallest run costs, or `default`. Each study
draws first runs from a known law, fits Chinchilla's law, designs further runs by each rule and by
the grid, draws those, and fits again. Printed per setting and rule: the number of runs, and the
median and the 90 % quantile of the absolute error of the log loss at the target as ratios to those
of the grid, with standard errors over studies. Which settings tune and which judge was written down
before any was run (docs/log.md, 2026-11-26). Two processes, one thread each.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
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

LARGEST, NOISE, TARGET_TIMES, NEAR_TIMES = 3e18, 0.003, 300.0, 30.0
SECOND = {"E": 1.62, "A": 310.0, "alpha": 0.325, "B": 1150.0, "beta": 0.335}


def second(N: Any, D: Any) -> Any:
    """Chinchilla's law with other constants."""
    return get("chinchilla")(N, D, **SECOND)


def embedding(N: Any, D: Any) -> Any:
    """Epoch's law in all parameters, where N leaves the embedding out (Pearce and Song 2024)."""
    return epoch(N + 47491.0 * N ** (1 / 3), D)


TRUTHS = {f.__name__: f for f in (epoch, second, outer, bend, embedding)}


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


FIRSTS = {f.__name__: f for f in (regular, scattered, few, table)} | {"noisy": regular}


class Setting(NamedTuple):
    """First runs, law, budget as a multiple of the largest first run, target of the budget."""

    first: str
    truth: str
    times: float
    ahead: float = TARGET_TIMES

    def noise(self, C: np.ndarray) -> np.ndarray:
        """Return the standard deviation of a run's log loss."""
        return NOISE * (np.maximum(LARGEST / C, 1.0) ** 0.3 if self.first == "noisy" else C**0)


def settings(part: str) -> list[Setting]:
    """Return the settings of a part, in the order of docs/log.md."""
    if part == "tune":
        firsts, truths, times, ahead = ("regular", "scattered"), ("epoch", "outer"), (1, 3, 10), 300
    elif part == "judge":
        firsts, truths, times = tuple(FIRSTS), ("second", "bend", "embedding"), (0.3, 1, 3, 10, 30)
        ahead = TARGET_TIMES
    else:
        firsts, truths, times = ("regular", "scattered"), ("second", "bend"), (1, 10)
        ahead = NEAR_TIMES
    return [Setting(f, t, x, ahead) for f in firsts for t in truths for x in times]


def by_share(share: float) -> Callable[[Outlook, float], Any]:
    """Return the rule of a least share of the budget."""
    from dataclasses import replace

    def rule(outlook: Outlook, budget: float) -> Any:
        fixed = replace(outlook, least_share=share)
        possible = fixed.possible(budget)
        return [possible[k] for k in fixed.choose(possible, fixed.belief(possible), budget)]

    return rule


def grid(outlook: Outlook, budget: float) -> Any:
    """Return the usual grid."""
    return isoflop_grid(outlook.rungs, lambda C: outlook.optimum(C)[0], budget)


def draw(setting: Setting, N: Any, D: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Return runs with their noise."""
    C = 6 * N * D
    loss = TRUTHS[setting.truth](N, D)
    return {"N": N, "D": D, "loss": loss * np.exp(setting.noise(C) * rng.standard_normal(len(N)))}


def study(setting: Setting, seed: int, rules: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """Return the error of the log loss at the target and the number of runs by rule."""
    rng = np.random.default_rng(seed)
    first = draw(setting, *FIRSTS[setting.first](rng), rng)
    before = first_fit(first, seed)
    budget = setting.times * LARGEST
    blank = Outlook(before, {}, ladder(), GRID_RUNS, SPREAD)
    N, D = blank.optimum(setting.ahead * budget)
    exact = np.log(TRUTHS[setting.truth](N, D))
    found = {}
    from dataclasses import replace

    outlook = replace(blank, target={"N": N, "D": D})
    for name, rule in rules.items():
        runs = rule(outlook, budget)
        new = [np.array([float(getattr(run, key)) for run in runs]) for key in ("N", "D")]
        more = draw(setting, *new, np.random.default_rng([seed, 1]))
        together = {key: np.append(first[key], more[key]) for key in first}
        after = fit(together, "chinchilla", profile=False)
        found[name] = (float(np.log(after.point(N=N, D=D)) - exact), len(runs))
    return found
