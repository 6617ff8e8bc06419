"""`isoflop fit --json` on Epoch's digitised runs: its fields, noises, conditions and laws."""

from __future__ import annotations

import json

import numpy as np
import pytest
from documents import ROOT

from isoflop.cli.main import run
from isoflop.laws import get
from isoflop.laws.chinchilla import optimum
from isoflop.laws.resolve import resolve

POINTS = ROOT / "../shared/data/chinchilla-epoch-svg.csv"
COLUMNS = ["--column", "N=params_N", "--column", "D=tokens_D"]
KEPT = [*COLUMNS, "--where", "epoch_outlier == 0"]
HUBER = {"A": 477.83, "B": 2143.42, "E": 1.81722, "alpha": 0.34731, "beta": 0.36717}
LEAST_ABSOLUTE = {"A": 482.01, "B": 2085.43, "E": 1.8169, "alpha": 0.3478, "beta": 0.3659}
public = pytest.mark.skipif(not POINTS.exists(), reason="the public run tables are not here")


@pytest.fixture
def fitted(capsys):
    """Run `isoflop fit ... --json` and return the exit code and the one JSON object printed."""

    def call(source, *arguments: str) -> tuple[int, dict]:
        code = run(["fit", str(source), *arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.mark.data
@public
def test_without_samples(fitted):
    code, found = fitted(
        POINTS, *KEPT, "--law", "chinchilla", "--noise", "huber:1e-3", "--bootstrap", "0"
    )
    assert code == 0
    for name, value in HUBER.items():
        assert found["estimate"][name] == pytest.approx(value, rel=2e-5), name
    assert found["objective"] == pytest.approx(1.0182740178e-3, rel=1e-10)
    assert found["converged"] is True
    assert found["identified"] == dict.fromkeys(found["estimate"], True)
    assert 0 < found["starts"]["agree"] <= found["starts"]["polished"]
    assert found["intervals"] is None
    assert {shift["kind"] for shift in found["sensitivity"]} >= {"dropped", "delta", "noise"}
    assert all(shift["estimate"].keys() >= HUBER.keys() for shift in found["sensitivity"])


@pytest.mark.data
@public
def test_samples_fill_the_intervals(fitted):
    arguments = [*KEPT, "--bootstrap", "1000", "--level", "0.9", "--seed", "0", "--no-sensitivity"]
    _, found = fitted(POINTS, *arguments)
    for name, (low, high) in found["intervals"].items():
        assert low < found["estimate"][name] < high
    # 1.645 published standard errors (Besiroglu et al. 2024) to either side, within 30 %.
    expected = {"alpha": 0.0154, "beta": 0.0206, "E": 0.0257}
    for name, error in expected.items():
        low, high = found["intervals"][name]
        assert high - low == pytest.approx(2 * 1.645 * error, rel=0.3), name
    _, again = fitted(POINTS, *arguments)
    assert again["intervals"] == found["intervals"]


@pytest.mark.data
@public
@pytest.mark.parametrize(
    ("noise", "expected", "close"),
    [("huber:1e-3", HUBER, 2e-5), ("huber:free", LEAST_ABSOLUTE, 2e-4)],
)
def test_noises(fitted, noise, expected, close):
    _, found = fitted(POINTS, *KEPT, "--noise", noise, "--bootstrap", "0", "--no-sensitivity")
    assert found["noise"].startswith("huber")
    for name, value in expected.items():
        assert found["estimate"][name] == pytest.approx(value, rel=close), name


@pytest.mark.data
@public
def test_the_optimum_at_a_target_has_an_interval(fitted):
    """Epoch's own fit at Chinchilla's budget: about 20 tokens per parameter, not 70."""
    _, found = fitted(POINTS, *KEPT, "--bootstrap", "200", "--target", "C=5.76e23")
    best = found["optimum"]
    N, D, loss = optimum(5.76e23, **found["estimate"])
    assert best["C"] == 5.76e23
    assert best["cost"] == "6ND"
    for name, value in (("N", N), ("D", D), ("loss", loss)):
        assert best[name]["estimate"] == pytest.approx(value, rel=1e-6)
        assert best[name]["interval"][0] < value < best[name]["interval"][1]
    assert 10 < best["tokens_per_parameter"]["estimate"] < 30
    assert all({"N", "D"} <= line.keys() for line in found["sensitivity"])


@pytest.mark.data
@public
def test_squared_residuals_are_another_optimum(fitted):
    _, found = fitted(POINTS, *KEPT, "--noise", "squared", "--bootstrap", "0", "--no-sensitivity")
    assert found["estimate"]["beta"] == pytest.approx(0.4059, abs=1e-4)


@pytest.mark.data
@public
@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("epoch_outlier == 0", 240),
        ("not epoch_outlier == 1", 240),
        ("epoch_outlier == 1 or epoch_outlier == 0", 245),
        ("epoch_outlier == 0 and not (loss >= 2.6 or D <= 5e10)", 42),
    ],
)
def test_conditions(fitted, condition, runs):
    arguments = [*COLUMNS, "--where", condition, "--bootstrap", "0", "--no-sensitivity"]
    assert fitted(POINTS, *arguments)[1]["runs"] == runs


@pytest.mark.data
@public
def test_a_formula_is_the_registered_law(fitted):
    law = "E + A/N^alpha + B/D^beta"
    _, found = fitted(POINTS, *KEPT, "--law", law, "--bootstrap", "0", "--no-sensitivity")
    assert found["objective"] == pytest.approx(1.0182740178e-3, rel=1e-8)
    for name, value in HUBER.items():
        assert found["estimate"][name] == pytest.approx(value, rel=1e-4), name


def test_a_composition(fitted, tmp_path):
    """Runs that repeat U unique tokens, of known constants, give those constants back."""
    name = "chinchilla[D=repeated_tokens,N=excess_parameters]"
    law = resolve(name)
    truth = {**get("chinchilla").constants("epoch"), "R_D": 15.0, "R_N": 5.0}
    assert set(law.parameter_names) == set(truth)
    N, D, U = (
        x.ravel()
        for x in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e12, 7), [1e9, 2e10])
    )
    keep = D >= U
    table = {"N": N[keep], "D": D[keep], "U": U[keep]}
    table["loss"] = law(**table, **truth)
    path = tmp_path / "runs.csv"
    rows = np.stack(list(table.values()), axis=1)
    np.savetxt(path, rows, delimiter=",", header=",".join(table), comments="", fmt="%.17g")
    _, found = fitted(path, "--law", name, "--bootstrap", "0", "--no-sensitivity")
    assert found["runs"] == int(keep.sum())
    for parameter, value in truth.items():
        assert found["estimate"][parameter] == pytest.approx(value, rel=1e-3), parameter


@pytest.mark.data
@public
def test_what_is_not_identified_is_open_and_exits_with_one(fitted):
    condition = "epoch_outlier == 0 and loss < 2.6 and D > 5e10"
    code, found = fitted(POINTS, *COLUMNS, "--where", condition, "--bootstrap", "0")
    assert code == 1
    assert found["identified"]["E"] is False
    assert found["at_bound"] == ["E"]
    assert found["profiles"]["E"][0] is None
    assert "E" in found["message"]


def test_a_run_that_would_close_an_interval_is_named(fitted, tmp_path):
    """One budget: a floor and a slow decay cannot be told apart."""
    rng = np.random.default_rng(0)
    N = np.geomspace(1e8, 1e9, 12)
    D = 1e20 / (6 * N)
    loss = get("chinchilla")(N, D, **get("chinchilla").constants("epoch"))
    rows = np.stack([N, D, loss * np.exp(0.003 * rng.standard_normal(12))], axis=1)
    path = tmp_path / "runs.csv"
    np.savetxt(path, rows, delimiter=",", header="N,D,loss", comments="", fmt="%.17g")
    code, found = fitted(path, "--bootstrap", "0", "--no-sensitivity")
    assert code == 1
    assert not all(found["identified"].values())
    assert any(None in ends for ends in found["profiles"].values())
    assert "N spans 10x" in found["message"]
    assert "would say most" in found["message"]
