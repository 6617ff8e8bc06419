"""Coverage at 10,000 samples predicted from few attempts: distribution of rates, or power law.

python bench/coverage_estimators.py [repeats]

The setting of Schaeffer et al. 2025 (arXiv:2502.17578), figure 7: success rates of 128 problems are
c times a Beta(0.15, beta) variable. Prints, by truth and attempts a problem: root mean square error
of coverage at k = 10,000 (percent points) by the fitted distributions and by the power law through
the observed curve; the same relative error of the exponent (alpha of the Beta family, B of the
power law) against 0.15.
"""

from __future__ import annotations

import sys

import numpy as np

from isoflop.laws.scaled_coverage import coverage_scaled_beta
from isoflop.plan.sampling.inference import inference

ALPHA, PROBLEMS, FAR = 0.15, 128, 10_000
TRUTHS = ((3.5, 0.1), (5.0, 0.1), (3.5, 0.8), (5.0, 0.8))


def main(repeats: int) -> None:
    """Print one row a truth and number of attempts."""
    print("| rates | attempts | coverage | distribution, pp | power law, pp |", end="")
    print(" exponent: distribution | power law |")
    for beta, c in TRUTHS:
        exact = float(coverage_scaled_beta(float(FAR), alpha=ALPHA, beta=beta, c=c))
        for attempts in (50, 200, 1000):
            rows = []
            for seed in range(repeats):
                rng = np.random.default_rng(seed)
                rates = c * rng.beta(ALPHA, beta, size=PROBLEMS)
                counts = rng.binomial(attempts, rates)
                table = {
                    "problem": np.arange(PROBLEMS),
                    "n": np.full(PROBLEMS, attempts),
                    "c": counts,
                }
                model = inference(table, k=(FAR,), bootstrap=0, seed=seed).models[0]
                point = model.points[0]
                if point.predicted is None or point.power is None or model.power is None:
                    continue
                rows.append(
                    [
                        100 * (point.predicted.estimate - exact),
                        100 * (point.power.estimate - exact),
                        model.families["beta"]["alpha"].estimate / ALPHA - 1,
                        model.power["B"].estimate / ALPHA - 1,
                    ]
                )
            rms = np.sqrt(np.mean(np.square(rows), axis=0))
            print(
                f"| {c:g} Beta({ALPHA:g}, {beta:g}) | {attempts} | {100 * exact:.1f} % |"
                f" {rms[0]:.1f} | {rms[1]:.1f} | {100 * rms[2]:.0f} % | {100 * rms[3]:.0f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
