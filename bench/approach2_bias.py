"""How far approach 2's N* and exponent are from the truth, by profile, grid and noise.

python bench/approach2_bias.py [repeats]

Runs are drawn from known laws: 7 sizes at each of 5 budgets, 1e17 to 1e21 FLOPs. "Chinchilla" has
the exponents (0.34, 0.28) of Hoffmann et al. 2022; "asymmetric" those (0.465, 0.155) of Czech
2026; "Kaplan" is L(N, D) of Kaplan et al. 2020 (equation 1.5), which is not of the form that the
corrected profile and approach 3 assume. N* and the loss at 1e19 FLOPs are the same in all.
Prints, as percent or thousandths: bias and root mean square of ln N* over the budgets, the same
of the exponent, and the root mean square of ln N* extrapolated to 1e23 FLOPs.
"""

from __future__ import annotations

import os
import sys
from time import process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from isoflop.errors import NotIdentified
from isoflop.fit import fit
from isoflop.fit.isoflop import WINDOW
from isoflop.fit.surface import fit_surface
from isoflop.laws.chinchilla import optimum
from isoflop.runs.cost import CostCurve

BUDGETS = np.array([1e17, 1e18, 1e19, 1e20, 1e21])
FAR = 1e23
#: alpha, beta, and the power of their sum.
LAWS = {
    "Chinchilla": (0.34, 0.28, 1.0),
    "asymmetric": (0.465, 0.155, 1.0),
    "Kaplan": (0.076 / 0.103, 1.0, 0.103),
}
#: Factor each way, and ln of the grid's centre over N* at the largest budget (none at the least).
GRIDS = {"+-4x, centred": (4.0, 0.0), "+-8x, drifting to 3x off": (8.0, -np.log(3.0))}
NOISES = (0.001, 0.004, 0.016)
#: Name of a row -> profile, window, and where the exponents come from.
ROWS = {
    "parabola": ("parabola", WINDOW, ""),
    "parabola, all runs": ("parabola", np.inf, ""),
    "cubic": ("cubic", WINDOW, ""),
    "akima": ("akima", WINDOW, ""),
    "corrected, fitted": ("corrected", WINDOW, "fitted"),
    "corrected, known": ("corrected", WINDOW, "known"),
}


class Truth:
    """E + (A/N^alpha + B/D^beta)^outer."""

    def __init__(self, alpha: float, beta: float, outer: float = 1.0) -> None:
        self.alpha, self.beta, self.outer = alpha, beta, outer
        N, D, excess = 1.95e8, 8.55e9, 1.3
        self.E, inner = (1.69, excess) if outer == 1.0 else (0.0, 2.99 ** (1 / outer))
        self.A = inner * beta / (alpha + beta) * N**alpha
        self.B = inner * alpha / (alpha + beta) * D**beta
        self.exponent = beta / (alpha + beta)

    def best(self, C: np.ndarray | float) -> np.ndarray:
        """Return N* at C."""
        G = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        return G * (np.asarray(C) / 6) ** self.exponent

    def loss(self, N: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Return the loss."""
        return self.E + (self.A / N**self.alpha + self.B / D**self.beta) ** self.outer


def design(truth: Truth, k: float, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Return N and C of the runs of a sweep."""
    share = np.linspace(0.0, 1.0, len(BUDGETS))
    centres = truth.best(BUDGETS) * np.exp(off * share)
    N = (centres[:, None] * np.geomspace(1 / k, k, 7)).ravel()
    return N, np.repeat(BUDGETS, 7)


def errors(
    truth: Truth, N: np.ndarray, C: np.ndarray, loss: np.ndarray, sigma: float
) -> dict[str, tuple[np.ndarray, float, float]]:
    """Return each row's errors: of ln N* at the budgets, of the exponent, of ln N* far out."""
    D = C / (6 * N)
    cost = CostCurve.from_runs(N, D, C)
    law = fit({"N": N, "D": D, "loss": loss}, "chinchilla", noise="huber:1e-3", profile=False)
    fitted = (law.estimate["alpha"], law.estimate["beta"])
    known = {
        "": None,
        "fitted": fitted,
        "known": (truth.alpha, truth.beta) if truth.outer == 1 else None,
    }
    found = {}
    for name, (profile, window, source) in ROWS.items():
        if profile == "corrected" and known[source] is None:
            continue
        how = {"profile": profile, "window": window, "exponents": known[source]}
        rng = np.random.default_rng(0)
        try:
            s = fit_surface(N, C, loss, C, cost=cost, seed_noise=sigma, samples=100, rng=rng, **how)
        except NotIdentified:
            continue
        at = np.array([p.budget for p in s.usable])
        off = np.log([p.N for p in s.usable]) - np.log(truth.best(at))
        far = float(np.log(s.N_opt.point(FAR) / truth.best(FAR)))
        found[name] = (off, s.N_opt.exponent - truth.exponent, far)
    a = law.law.derived["a"](alpha=fitted[0], beta=fitted[1])
    N_opt, _, _ = optimum(np.append(BUDGETS, FAR), **law.estimate)
    off = np.log(N_opt / truth.best(np.append(BUDGETS, FAR)))
    found["(approach 3)"] = (off[:-1], a - truth.exponent, float(off[-1]))
    return found


def rms(x: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(x))))


def table(truth: Truth, k: float, off: float, sigma: float, repeats: int) -> list[str]:
    """Return the lines of one block."""
    N, C = design(truth, k, off)
    rng = np.random.default_rng(7)
    exact = truth.loss(N, C / (6 * N))
    drawn = [
        errors(truth, N, C, exact + rng.normal(0, sigma, len(N)), sigma) for _ in range(repeats)
    ]
    lines = []
    for name in [*ROWS, "(approach 3)"]:
        got = [d[name] for d in drawn if name in d]
        if not got:
            continue
        minima = np.concatenate([g[0] for g in got])
        slope, far = np.array([g[1] for g in got]), np.array([g[2] for g in got])
        used = sum(len(g[0]) for g in got) / repeats
        lines.append(
            f"| {name} | {used:.1f} | {100 * minima.mean():+.1f} | {100 * rms(minima):.1f}"
            f" | {1000 * slope.mean():+.1f} | {1000 * rms(slope):.1f} | {100 * rms(far):.0f} |"
        )
    return lines


def main() -> None:
    """Print one table a law, grid and noise."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    for law, exponents in LAWS.items():
        truth = Truth(*exponents)
        for grid, (k, off) in GRIDS.items():
            for sigma in NOISES:
                print(f"\n{law}, {grid}, noise {sigma:g} nats")
                print("| profile | budgets | N* bias % | N* rms % | a bias | a rms | far rms % |")
                print("| --- | --- | --- | --- | --- | --- | --- |")
                print("\n".join(table(truth, k, off, sigma, repeats)))
    print(f"\n{repeats} repeats; exponent errors in thousandths; {process_time():.0f} s CPU")


if __name__ == "__main__":
    main()
