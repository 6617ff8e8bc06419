"""Studies of a known law: a first sweep, its fit, two designs of one cost, and what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from synthetic_runs import EPOCH

from isoflop.design.next import NextRuns, next_runs
from isoflop.fit import fit
from isoflop.laws import get
from isoflop.laws.chinchilla import optimum

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.fit.result import Fit

FIRST, BUDGET, TARGET = (1e17, 3e17, 1e18, 3e18), 3e19, 1e22


def epoch(N: Any, D: Any) -> Any:
    """Chinchilla's law with Epoch's constants."""
    return get("chinchilla")(N, D, **EPOCH)


def outer(N: Any, D: Any, power: float = 0.8) -> Any:
    """E + (a + b)^power: not of the form that is fitted, but near it around 1e8 and 2e9."""
    E, A, alpha, B, beta = (EPOCH[name] for name in ("E", "A", "alpha", "B", "beta"))
    size, data = A / 1e8**alpha, B / 2e9**beta
    scale = (size + data) ** (1 / power - 1)
    inner = size * (1e8 / N) ** (alpha / power) + data * (2e9 / D) ** (beta / power)
    return E + (scale * inner) ** power


def bend(N: Any, D: Any) -> Any:
    """Epoch's law up to 1e18 FLOPs, and a loss that falls ever more slowly beyond."""
    decades = np.maximum(np.log10(6 * N * D / 1e18), 0.0)
    return epoch(N, D) * np.exp(0.002 * decades**2)


def first_sweep(truth: Callable[[Any, Any], Any], noise: float, seed: int) -> dict[str, Any]:
    """Four budgets, five sizes each around Epoch's optimum, log-normal noise."""
    C = np.repeat(FIRST, 5)
    N = optimum(C, **EPOCH)[0] * np.tile(1.75 ** np.arange(-2.0, 3.0), len(FIRST))
    rng = np.random.default_rng(seed)
    D = C / (6 * N)
    return {"N": N, "D": D, "loss": truth(N, D) * np.exp(noise * rng.standard_normal(len(N)))}


def first_fit(runs: dict[str, Any], seed: int, bootstrap: int = 300, **settings: Any) -> Fit:
    """Fit of the first sweep with samples."""
    chosen = {"method": "residual", "profile": False} | settings
    return fit(runs, "chinchilla", bootstrap=bootstrap, seed=seed, **chosen)


def study(
    truth: Callable[[Any, Any], Any] = epoch,
    noise: float = 0.003,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
) -> tuple[NextRuns, dict[str, float]]:
    """Return a design and the errors of the log loss at the target: before, after, with the grid.

    Both designs are trained with fresh noise, and fitted together with the first sweep.
    """
    runs = first_sweep(truth, noise, seed)
    before = first_fit(runs, seed, **(settings or {}))
    design = next_runs(before, BUDGET, C=TARGET)
    exact = np.log(truth(design.target.N, design.target.D))
    rng = np.random.default_rng([seed, 1])
    errors = {"now": float(np.log(before.point(N=design.target.N, D=design.target.D)) - exact)}
    for name, chosen in (("after", design.runs), ("grid", design.grid)):
        new = {key: np.array([float(getattr(run, key)) for run in chosen]) for key in ("N", "D")}
        scatter = np.exp(noise * rng.standard_normal(len(chosen)))
        new["loss"] = truth(new["N"], new["D"]) * scatter
        together = {key: np.append(runs[key], new[key]) for key in runs}
        after = fit(together, "chinchilla", noise=before.settings.noise, profile=False)
        errors[name] = float(np.log(after.point(N=design.target.N, D=design.target.D)) - exact)
    return design, errors
