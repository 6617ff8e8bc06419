"""Leave-one-out changes against refits, and outliers against a published example."""

from dataclasses import replace

import numpy as np
import pytest
from audited_runs import clean

from isoflop.fit.result import Settings
from isoflop.fit.runs import build_problem
from isoflop.laws.resolve import resolve
from isoflop.validate.audit.evidence import Evidence
from isoflop.validate.audit.influence import (
    changes,
    diagnose,
    gradient,
    largest_by_chance,
    outlying,
    solved,
)

NAME = "exponent of N*"
#: Rosner 1983's example, as in the NIST/SEMATECH handbook, section 1.3.5.17.3: three outliers.
ROSNER = [
    *(-0.25, 0.68, 0.94, 1.15, 1.20, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56),
    *(1.58, 1.65, 1.69, 1.70, 1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.10),
    *(2.14, 2.15, 2.23, 2.24, 2.26, 2.35, 2.37, 2.40, 2.47, 2.54, 2.62, 2.64, 2.90, 2.92),
    *(2.92, 2.93, 3.21, 3.26, 3.30, 3.59, 3.68, 4.30, 4.64, 5.34, 5.42, 6.01),
]


@pytest.fixture(scope="module")
def case():
    evidence = Evidence(clean(3))
    d = diagnose(evidence)
    return evidence, d, d.influence(gradient(evidence, d, NAME))


def test_rosners_example():
    table = {"N": np.ones(54), "loss": np.exp(ROSNER)}
    problem = build_problem(table, resolve("A + 0*N"), Settings(noise="squared"))
    d = solved(problem, np.zeros(1) + np.mean(ROSNER))
    assert d.sigma == pytest.approx(np.std(ROSNER, ddof=1), rel=1e-6)
    found, _ = outlying(d, 0.05, 10)
    assert sorted(ROSNER[k] for k in found) == [5.34, 5.42, 6.01]


def test_leaving_one_out_is_what_a_refit_says(case):
    evidence, d, weights = case
    linear = changes(d.residual, d, weights)
    for k in (0, 10, 20, 34):
        left = d.problem.weights.copy()
        left[k] = 0.0
        without = solved(replace(d.problem, weights=left), d.u)
        value = [evidence.answers(d.problem.columns(x.u[None]))[NAME][0] for x in (without, d)]
        exact = (value[0] - value[1]) / (without.sigma * np.linalg.norm(weights))
        assert linear[k] == pytest.approx(exact, abs=0.05)


def test_the_standard_error_is_that_of_repeated_studies(case):
    _, d, weights = case
    drawn = []
    for seed in range(40):
        other = Evidence(clean(1000 + seed))
        again = diagnose(other)
        drawn.append(other.answers(again.problem.columns(again.u[None]))[NAME][0])
    # 40 draws: the deviation is known to 11 %, sigma of one study to 12 %.
    assert d.sigma * np.linalg.norm(weights) == pytest.approx(np.std(drawn), rel=0.4)


def test_chance_is_controlled_over_all_runs(case):
    _, d, weights = case
    limit = largest_by_chance(d, weights, 0.1, 2000)
    z = np.random.default_rng(9).standard_normal((1000, len(d.residual)))
    e = z - (z @ d.slopes) @ d.slopes.T
    exceeded = np.mean(np.abs(changes(e, d, weights)).max(axis=1) > limit)
    assert exceeded == pytest.approx(0.1, abs=0.03)
