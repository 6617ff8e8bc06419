"""Epoch's digitised Chinchilla runs: published optima, standard errors and traps.

Source of the numbers: Besiroglu et al. 2024 (arXiv 2404.10102), its notebook, and the optimum of
the same objective to ten digits.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit import fit
from isoflop.fit.bootstrap import draw_counts
from isoflop.fit.noise import parse_noise
from isoflop.fit.problem import Problem, differentiate
from isoflop.laws import get

FILE = Path(__file__).parents[2] / "../shared/data/chinchilla-epoch-svg.csv"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not here"),
]


def read() -> tuple[dict[str, np.ndarray], np.ndarray]:
    with FILE.open() as file:
        rows = list(csv.DictReader(file))
    names = {"N": "params_N", "D": "tokens_D", "loss": "loss"}
    columns = {k: np.array([float(row[x]) for row in rows]) for k, x in names.items()}
    return columns, np.array([row["epoch_outlier"] == "1" for row in rows])


@pytest.fixture(scope="module")
def all_runs():
    return read()[0]


@pytest.fixture(scope="module")
def runs():
    columns, outlier = read()
    return {k: x[~outlier] for k, x in columns.items()}


@pytest.fixture(scope="module")
def sampled(runs):
    return fit(runs, "chinchilla", bootstrap=4000, seed=42)


def test_huber_optimum_of_240_runs(runs):
    found = fit(runs, "chinchilla", noise="huber:1e-3")
    assert found.objective == pytest.approx(1.0182740178006e-3, rel=1e-10)
    expected = {"A": 477.826, "B": 2143.417, "E": 1.817218, "alpha": 0.347310, "beta": 0.367172}
    for name, value in expected.items():
        assert found.estimate[name] == pytest.approx(value, rel=2e-6), name
    assert found.converged
    assert found.verdict.value == "converged"
    assert all(found.identified.values())
    assert found.starts.agree == found.starts.polished == 12
    assert found.gradient < 1e-8
    assert found.derived("a").estimate == pytest.approx(0.51390, abs=5e-6)


def test_free_scale_likelihood_is_least_absolute_deviations(runs):
    found = fit(runs, "chinchilla", noise="huber:free")
    expected = {"A": 482.006, "B": 2085.434, "E": 1.8169, "alpha": 0.34781, "beta": 0.36585}
    for name, value in expected.items():
        assert found.estimate[name] == pytest.approx(value, rel=3e-5), name
    assert -found.objective == pytest.approx(879.77, abs=0.005)  # notebook: log-likelihood
    assert found.scale == pytest.approx(4.7e-6, rel=0.01)
    absolute = fit(runs, "chinchilla", noise="absolute")
    assert absolute.estimate["A"] == pytest.approx(found.estimate["A"], rel=1e-6)


@pytest.mark.parametrize(
    ("dropped", "beta", "E", "B"),
    [(0, 0.453, 1.891, 12846), (1, 0.412, 1.855, 5466), (5, 0.367, 1.817, 2143)],
)
def test_dropping_the_highest_losses_moves_beta(all_runs, dropped, beta, E, B):
    keep = np.argsort(all_runs["loss"])[: len(all_runs["loss"]) - dropped]
    found = fit({k: x[keep] for k, x in all_runs.items()}, "chinchilla").estimate
    assert found["beta"] == pytest.approx(beta, abs=5e-4)
    assert found["E"] == pytest.approx(E, abs=5e-4)
    assert found["B"] == pytest.approx(B, rel=1e-3)


def test_all_245_runs(all_runs):
    found = fit(all_runs, "chinchilla").estimate
    expected = {"E": 1.89134, "A": 495.73, "B": 12845.6, "alpha": 0.34931, "beta": 0.45305}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.parametrize(
    ("constants", "objective"),
    [("epoch", 1.022843e-3), ("tex", 1.231163e-3), ("printed", 4.121009e-3)],
)
def test_published_constants_are_not_the_optimum(runs, constants, objective):
    law = get("chinchilla")
    values = law.constants(constants)
    problem = _problem(runs)
    u = problem.free(np.array([[values[name] for name in problem.names]]))
    at = differentiate(problem, u, problem.weights, problem.target, np.full((1, 1), 1e-3))
    assert at.objective[0] == pytest.approx(objective, rel=1e-6)


def test_an_average_over_runs_stops_at_hoffmanns_constants(runs):
    """The trap: scipy's default tolerances on the mean end where they start."""
    from scipy.optimize import minimize

    problem = _problem(runs)
    tex = get("chinchilla").constants("tex")
    start = [*np.log([tex["A"], tex["B"], tex["E"]]).tolist(), tex["alpha"], tex["beta"]]

    def objective(x, reduce):
        a, b, e, alpha, beta = x
        values = np.array([[np.exp(e), np.exp(a), alpha, np.exp(b), beta]])
        at = differentiate(
            problem,
            problem.free(values),
            problem.weights,
            problem.target,
            np.full((1, 1), 1e-3),
        )
        slope = dict(zip(problem.names, at.gradient[0], strict=True))
        gradient = [slope["A"], slope["B"], slope["E"] * np.exp(e), slope["alpha"], slope["beta"]]
        divisor = 240.0 if reduce == "mean" else 1.0
        return at.objective[0] / divisor, np.array(gradient) / divisor

    mean = minimize(objective, start, args=("mean",), jac=True, method="L-BFGS-B")
    assert mean.success
    np.testing.assert_allclose(mean.x[3:], [0.33899, 0.28468], atol=5e-4)
    ours = fit(runs, "chinchilla").estimate
    assert abs(ours["beta"] - mean.x[4]) > 0.08


def test_bootstrap_reproduces_published_standard_errors(sampled):
    expected = {"E": 0.02566, "A": 124.522, "alpha": 0.01540, "B": 1293.284, "beta": 0.02060}
    for k, name in enumerate(sampled.parameters):
        tolerance = 0.15 if name == "B" else 0.08  # B has heavy tails: its SD moves by 5 % a seed
        assert np.std(sampled.samples[:, k]) == pytest.approx(expected[name], rel=tolerance), name
    assert sampled.derived("a").interval[0] < 0.5139 < sampled.derived("a").interval[1]
    _, a = sampled.derive("a")
    assert np.std(a) == pytest.approx(0.020, abs=0.0015)


def test_bootstrap_reproduces_published_intervals(sampled):
    expected = {
        "A": (285.2, 743.6),
        "B": (1042.4, 5810.3),
        "E": (1.769, 1.871),
        "alpha": (0.317, 0.373),
        "beta": (0.331, 0.415),
    }
    for k, name in enumerate(sampled.parameters):
        low, high = np.quantile(sampled.samples[:, k], [0.025, 0.975])
        width = expected[name][1] - expected[name][0]
        assert abs(low - expected[name][0]) < 0.08 * width, name
        assert abs(high - expected[name][1]) < 0.08 * width, name


def test_resamples_are_at_their_own_optimum(runs, sampled):
    """A warm start is enough: a full search of a resample finds nothing better."""
    counts = draw_counts(240, 4000, np.random.default_rng(42))
    for row in (0, 17, 2222):
        table = {**runs, "count": counts[row]}
        again = fit(table, "chinchilla", weight="count", profile=False)
        np.testing.assert_allclose(
            list(again.estimate.values()), sampled.samples[row], rtol=1e-5, err_msg=str(row)
        )


def test_same_optimum_as_scipy_from_random_starts(runs):
    from scipy.optimize import minimize

    problem = _problem(runs)
    rng = np.random.default_rng(0)
    ranges = [(0.5, 2.5), (1.0, 9.0), (0.1, 0.9), (1.0, 11.0), (0.1, 0.9)]
    found = []
    for _ in range(40):
        start = np.array([rng.uniform(*r) for r in ranges])

        def objective(u):
            at = differentiate(
                problem, u[None], problem.weights, problem.target, np.full((1, 1), 1e-3)
            )
            return at.objective[0], at.gradient[0]

        options = {"maxiter": 3000, "ftol": 1e-15, "gtol": 1e-12}
        found.append(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).fun)
    ours = fit(runs, "chinchilla").objective
    assert min(found) == pytest.approx(ours, rel=1e-6)
    assert ours <= min(found) * (1 + 1e-12)


def _problem(runs):
    law = get("chinchilla")
    return Problem(
        law,
        {"N": runs["N"], "D": runs["D"]},
        np.log(runs["loss"]),
        parse_noise("huber:1e-3"),
        np.ones(len(runs["loss"])),
    )
