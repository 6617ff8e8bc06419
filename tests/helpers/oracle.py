"""scipy as the oracle of optima: L-BFGS from random starts on the same objective."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from isoflop.fit.noise import parse_noise
from isoflop.fit.problem import Problem, differentiate
from isoflop.laws import get

#: Ranges of starts in free coordinates: E, log A, alpha, log B, beta.
RANGES = [(0.2, 2.5), (0.0, 10.0), (0.05, 0.9), (0.0, 12.0), (0.05, 0.9)]


def lowest(table, starts: int, noise: str = "huber:1e-3", seed: int = 0) -> float:
    """Return the lowest objective of Chinchilla's law over random starts."""
    law = get("chinchilla")
    target = np.log(table["loss"])
    inputs = {"N": table["N"], "D": table["D"]}
    problem = Problem(law, inputs, target, parse_noise(noise), np.ones(len(target)))
    tuning = np.full((1, 1), problem.noise.delta if noise.startswith("huber") else np.inf)
    lower, upper = problem.bounds

    def objective(u):
        at = differentiate(problem, np.clip(u, lower, upper)[None], problem.weights, target, tuning)
        return at.objective[0], at.gradient[0]

    rng = np.random.default_rng(seed)
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-13, "maxcor": 30}
    best = np.inf
    for _ in range(starts):
        start = np.array([rng.uniform(*r) for r in RANGES])
        bounds = list(zip(lower, upper, strict=True))
        found = minimize(
            objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options
        )
        best = min(best, found.fun)
    return best
