"""What `fit` promises: recovery, refusals, verdicts, samples, documents."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pytest
from synthetic_runs import EPOCH, isoflop_runs

from isoflop.errors import InputError, NotIdentified
from isoflop.fit import Fit, Verdict, fit
from isoflop.laws import get
from isoflop.laws.dimensions import Exponent, Kind, NatsPerToken, Scale, Tokens
from isoflop.laws.functions import maximum
from isoflop.laws.law import law

NOISES = ["huber:1e-3", "huber:free", "squared", "absolute", "student:4", "raw-huber:0.01"]


@pytest.mark.parametrize("noise", NOISES)
def test_exact_runs_give_back_the_constants(noise):
    found = fit(isoflop_runs(), "chinchilla", noise=noise)
    for name, value in EPOCH.items():
        assert found.estimate[name] == pytest.approx(value, rel=1e-5), name
    assert found.converged


@pytest.mark.parametrize("noise", NOISES)
def test_noisy_runs_come_close(noise):
    found = fit(isoflop_runs(noise=0.003, sizes=15), "chinchilla", noise=noise)
    assert found.estimate["alpha"] == pytest.approx(EPOCH["alpha"], abs=0.04)
    assert found.estimate["beta"] == pytest.approx(EPOCH["beta"], abs=0.04)
    assert found.verdict is Verdict.CONVERGED


def test_one_budget_span_is_not_identified_but_answered():
    table = isoflop_runs(budgets=(1e18,), sizes=10, span=1.3, noise=0.003)
    found = fit(table, "chinchilla", bootstrap=100)
    assert not all(found.identified.values())
    assert found.verdict in (Verdict.NOT_IDENTIFIED, Verdict.AT_BOUND)
    assert found.reasons
    assert np.isfinite(found.objective)
    assert "spans" in found.message or "bound" in found.message


def test_input_without_variation_is_not_identified():
    table = isoflop_runs(noise=0.003)
    table["D"] = np.full_like(table["D"], 1e10)
    table["loss"] = get("chinchilla")(table["N"], table["D"], **EPOCH)
    found = fit(table, "chinchilla")
    assert not found.identified["beta"]
    assert not found.identified["B"]
    assert found.identified["alpha"]
    low, high = found.profiles["beta"]
    assert low is None or high is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("budgets", "sizes"), [((1e18, 3e18), 5), ((1e17, 3e17, 1e18, 3e18), 6)])
def test_tiny_tables_are_answered_gracefully(budgets, sizes, seed):
    table = isoflop_runs(budgets=budgets, sizes=sizes, noise=0.005, seed=seed, span=4.0)
    found = fit(table, "chinchilla", bootstrap=60)
    assert found.samples.shape == (60, 5)
    assert np.all(np.isfinite(found.samples))
    assert set(found.reasons) == {
        name for name, known in found.identified.items() if not known or name in found.at_bound
    }
    for low, high in found.intervals.values():
        assert low is None or high is None or low <= high


def test_parameter_at_its_bound_is_said():
    table = isoflop_runs(E=0.0, noise=0.003)
    table["loss"] = table["loss"] * (1 - 0.02 * np.log(table["D"] / 1e9))
    found = fit(table, "chinchilla", bootstrap=50)
    assert found.estimate["E"] == 0.0
    assert found.verdict is Verdict.AT_BOUND
    assert found.at_bound == ("E",)
    assert found.intervals["E"][0] is None
    assert "bound" in found.reasons["E"]


def test_fewer_runs_than_parameters_are_refused():
    table = {k: x[:4] for k, x in isoflop_runs().items()}
    with pytest.raises(NotIdentified, match="4 runs cannot determine the 5 parameters"):
        fit(table, "chinchilla")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("loss", -1.0, r"`loss` is not positive in 1 of 21 rows \(3; "),
        ("loss", np.nan, "`loss` is missing or infinite"),
        ("N", np.inf, "`N` is missing or infinite"),
    ],
)
def test_unusable_values_are_refused(column, value, message):
    table = isoflop_runs()
    table[column] = table[column].copy()
    table[column][3] = value
    with pytest.raises(InputError, match=message):
        fit(table, "chinchilla")


def test_missing_columns_and_unknown_noise_are_refused():
    with pytest.raises(InputError, match="no column `N`; the table has D, loss"):
        fit({"D": np.ones(9), "loss": np.ones(9)}, "chinchilla")
    for noise in ("cauchy", "huber:-1", "squared:2", "student:x"):
        with pytest.raises(InputError):
            fit(isoflop_runs(), "chinchilla", noise=noise)
    with pytest.raises(InputError, match="not a bootstrap"):
        fit(isoflop_runs(noise=0.01), "chinchilla", bootstrap=5, method="jackknife")


def test_weights_count_like_repeated_rows():
    table = isoflop_runs(noise=0.004, sizes=9)
    counts = np.random.default_rng(3).integers(0, 4, len(table["N"]))
    repeated = {k: np.repeat(x, counts) for k, x in table.items()}
    weighted = fit({**table, "weight": counts.astype(float)}, "chinchilla", weight="weight")
    plain = fit(repeated, "chinchilla")
    assert weighted.objective == pytest.approx(plain.objective, rel=1e-9)
    for name in plain.estimate:
        assert weighted.estimate[name] == pytest.approx(plain.estimate[name], rel=1e-6)


def test_a_weighted_fit_does_not_return_its_start():
    """The trap: 1 / std**2 of 1e6 and more makes an absolute tolerance stop at the start."""
    table = {**isoflop_runs(noise=0.004), "weight": np.full(21, 1e-9)}
    light = fit(table, "chinchilla", weight="weight")
    heavy = fit({**table, "weight": np.full(21, 1e9)}, "chinchilla", weight="weight")
    plain = fit(table, "chinchilla")
    for found in (light, heavy):
        assert found.verdict is plain.verdict
        for name in plain.estimate:
            assert found.estimate[name] == pytest.approx(plain.estimate[name], rel=1e-5)


def test_known_noise_counts_residuals_in_its_units():
    table = isoflop_runs(noise=0.004)
    plain = fit(table, "chinchilla", noise="squared")
    scaled = fit(table, "chinchilla", noise="squared", sigma=0.004)
    assert scaled.objective == pytest.approx(plain.objective / 0.004**2, rel=1e-9)
    assert scaled.estimate["beta"] == pytest.approx(plain.estimate["beta"], rel=1e-6)
    table["sigma"] = np.where(np.arange(21) == 0, 1.0, 0.004)
    table["loss"] = table["loss"].copy()
    table["loss"][0] *= 1.5
    guarded = fit(table, "chinchilla", noise="squared", sigma="sigma")
    assert guarded.estimate["beta"] == pytest.approx(plain.estimate["beta"], abs=0.03)


@pytest.mark.parametrize("method", ["case", "residual", "wild", "laplace"])
def test_samples_scatter_about_the_estimate(method):
    table = isoflop_runs(noise=0.003, sizes=12)
    found = fit(table, "chinchilla", noise="squared", bootstrap=300, method=method)
    for k, name in enumerate(found.parameters):
        spread = np.std(found.samples[:, k])
        assert abs(np.median(found.samples[:, k]) - found.estimate[name]) < 0.5 * spread
        assert spread == pytest.approx(found.deviation[name], rel=0.6), name


def test_clusters_widen_the_interval_of_correlated_runs():
    table = isoflop_runs(noise=0.0, sizes=8)
    rng = np.random.default_rng(0)
    label = np.arange(24) // 2
    table["loss"] = table["loss"] * np.exp(0.004 * rng.standard_normal(12)[label])
    table["run"] = label
    alone = fit(table, "chinchilla", noise="squared", bootstrap=300)
    drawn = fit(table, "chinchilla", noise="squared", bootstrap=300, cluster="run")
    wider = [
        np.std(drawn.samples[:, k]) / np.std(alone.samples[:, k])
        for k in range(len(alone.parameters))
    ]
    assert np.mean(wider) > 1.1
    with pytest.raises(InputError, match="do not scatter independently"):
        fit(table, "chinchilla", bootstrap=5, cluster="run", method="residual")


def test_groups_share_exponents_and_keep_their_own_scales():
    web, code = (
        isoflop_runs(noise=0.002, sizes=9),
        isoflop_runs(noise=0.002, sizes=9, A=250, seed=1),
    )
    table = {k: np.concatenate([web[k], code[k]]) for k in web}
    table["data"] = np.array(["web"] * 27 + ["code"] * 27)
    found = fit(table, get("chinchilla").by("data", "A"), bootstrap=50)
    assert found.parameters == ("E", "A[code]", "A[web]", "alpha", "B", "beta")
    ratio = found.estimate["A[code]"] / found.estimate["A[web]"]
    assert ratio == pytest.approx(250 / EPOCH["A"], rel=0.03)
    prediction = found.predict(N=1e9, D=1e10, data=np.array(["web", "code"], dtype=object))
    assert prediction.shape == (50, 2)
    assert np.all(prediction[:, 0] > prediction[:, 1])


def test_prediction_of_a_run_is_wider_than_of_the_mean():
    found = fit(isoflop_runs(noise=0.01, sizes=15), "chinchilla", bootstrap=400)
    mean = found.predict(N=np.array([1e8, 1e9]), D=1e10)
    run = found.predict(N=np.array([1e8, 1e9]), D=1e10, new_run=True)
    assert mean.shape == run.shape == (400, 2)
    scatter = np.std(np.log(run), axis=0) ** 2 - np.std(np.log(mean), axis=0) ** 2
    np.testing.assert_allclose(np.sqrt(scatter), 0.01, rtol=0.35)
    known = found.predict(N=1e9, D=1e10, new_run=0.1)
    assert np.std(np.log(known)) == pytest.approx(0.1, rel=0.15)
    point = fit(isoflop_runs(noise=0.01), "chinchilla")
    assert point.predict(N=1e9, D=1e10).shape == ()
    assert point.predict(N=1e9, D=1e10, new_run=True).shape == (16,)  # 21 runs, 5 parameters
    assert point.extrapolation(N=1e12)["N"] > 10


def test_derived_numbers_carry_samples():
    found = fit(isoflop_runs(noise=0.003), "chinchilla", bootstrap=200)
    a = found.derived("a")
    assert a.interval[0] < a.estimate < a.interval[1]
    own = found.derived(lambda *, alpha, beta: beta / (alpha + beta))
    assert own == a
    assert found.derived("a", level=0.5).interval[0] > a.interval[0]
    with pytest.raises(InputError, match="no derived number `z`; it has a, b, gamma, G"):
        found.derived("z")


def test_document_keeps_everything():
    found = fit(isoflop_runs(noise=0.003), "chinchilla", bootstrap=20, sensitivity=True)
    again = Fit.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    assert again.law is found.law
    np.testing.assert_array_equal(again.samples, found.samples)
    assert again.settings == found.settings
    assert again.sensitivity == found.sensitivity
    with pytest.raises(InputError, match="not a fit"):
        Fit.from_json('{"law": 3}')


def test_refitting_reproduces_the_fit(tmp_path):
    table = isoflop_runs(noise=0.003)
    found = fit(table, "chinchilla", bootstrap=20, seed=5, noise="absolute", level=0.8)
    found.save(tmp_path / "fit.json")
    again = Fit.load(tmp_path / "fit.json").refit(table)
    assert again.to_json() == found.to_json()


@law(source="test")
def shifted(
    D: Tokens,
    *,
    B: Scale,
    beta: Exponent,
    D_0: Annotated[Any, Kind("shift", 0.0, scale="log", start=(1e-3, 1e2), relative_to="D")],
) -> NatsPerToken:
    """A power of shifted tokens."""
    return B / (D + D_0) ** beta


def test_a_law_of_ones_own_is_fitted_stored_and_read_without_its_code():
    D = np.geomspace(1e7, 1e11, 20)
    truth = {"B": 300.0, "beta": 0.3, "D_0": 1e8}
    found = fit({"D": D, "loss": shifted(D, **truth)}, shifted)
    for name, value in truth.items():
        assert found.estimate[name] == pytest.approx(value, rel=1e-4), name
    again = Fit.from_json(found.to_json())
    assert again.law is not shifted
    assert again.law.parameters == shifted.parameters
    np.testing.assert_allclose(again.point(D=D), found.point(D=D))


def test_a_law_that_is_no_formula_is_read_but_not_evaluated():
    @law(source="test")
    def loop(D: Tokens, *, B: Scale, beta: Exponent) -> NatsPerToken:
        """Branches, so it cannot be traced."""
        return B / D**beta if len(np.shape(D)) else B / D**beta + 0.0 * float(D)

    D = np.geomspace(1e7, 1e11, 20)
    found = fit({"D": D, "loss": loop(D, B=300.0, beta=0.3)}, loop)
    again = Fit.from_json(found.to_json())
    assert again.estimate == found.estimate
    if not found.law.formula:
        with pytest.raises(InputError, match="not known here"):
            again.point(D=D)


def test_text_and_html_show_estimate_interval_and_published():
    found = fit(isoflop_runs(noise=0.003), "chinchilla", bootstrap=50, sensitivity=True)
    shown = str(found)
    assert shown.startswith("chinchilla: E + A / N**alpha + B / D**beta")
    for word in (
        "estimate",
        "90 % interval",
        "epoch",
        "alpha",
        "of 12 starts agree",
        "without the",
    ):
        assert word in shown
    html = found._repr_html_()
    assert "<td>alpha</td>" in html
    assert "<script" not in html


CELL = 32.5 / 64  # a cell of the screen over (0, 1): exact in binary


@law(source="test")
def kinked(
    D: Tokens,
    *,
    p: Annotated[Any, Kind("position", 0.0, 1.0, start=(0.0, 1.0))],
) -> NatsPerToken:
    """Lowest at a kink, where its derivative by p is one and no step is downhill."""
    return 2.0 + D**-0.3 + maximum(p - CELL, CELL - p)


def test_a_search_that_cannot_leave_its_start_says_so():
    D = np.geomspace(1e7, 1e11, 20)
    found = fit({"D": D, "loss": 1.9 + D**-0.3}, kinked)  # the law cannot go that low
    assert found.estimate["p"] == CELL
    assert found.gradient > 1e-6 * found.objective
    assert found.verdict is Verdict.EQUALS_START
    assert "did not move from its start" in found.message
    assert Fit.from_json(found.to_json()).verdict is Verdict.EQUALS_START
    # Runs that the law reaches are fitted by the same search.
    moved = fit({"D": D, "loss": 2.1 + D**-0.3}, kinked)
    assert moved.verdict is not Verdict.EQUALS_START
    assert abs(moved.estimate["p"] - CELL) == pytest.approx(0.1, rel=1e-6)


def test_what_rests_on_an_open_parameter_is_marked():
    table = isoflop_runs(budgets=(1e18,), sizes=10, span=1.3, noise=0.003)
    found = fit(table, "chinchilla")
    lines = [line.split("  ")[0] for line in str(found).splitlines()]
    assert "a ?" in lines
    for name in found.parameters:
        assert (name in lines) == found.identified[name]
        assert (f"{name} ?" in lines) != found.identified[name]
    sure = fit(isoflop_runs(noise=0.003), "chinchilla")
    assert "?" not in str(sure)


def test_verdicts_have_messages():
    assert all(verdict.message.endswith(".") for verdict in Verdict)


@pytest.mark.parametrize("noise", ["huber:1e-3", "huber:free", "student:4", "raw-huber:0.01"])
def test_every_line_of_the_sensitivity_table_is_a_fit_of_its_own(noise):
    table = {**isoflop_runs(noise=0.004, sizes=9), "w": np.ones(27)}
    found = fit(table, "chinchilla", noise=noise, sensitivity=True)
    for line in found.sensitivity:
        alone = noise
        if line.kind == "delta":
            alone = f"{noise.partition(':')[0]}:{line.choice.removeprefix('delta ')}"
        elif line.kind == "noise":
            alone = noise[: len("raw-") * noise.startswith("raw-")] + line.choice.split()[0]
        kept = np.ones(27, dtype=bool)
        if line.choice.startswith("without"):
            kept[np.argsort(-table["loss"])[: 27 - line.runs]] = "highest" not in line.choice
        if "worst-fitted" in line.choice:
            r = np.abs(np.log(found.point(N=table["N"], D=table["D"]) / table["loss"]))
            if noise.startswith("raw-"):
                r = np.abs(found.point(N=table["N"], D=table["D"]) - table["loss"])
            kept[np.argsort(-r)[: 27 - line.runs]] = False
        again = fit({k: x[kept] for k, x in table.items()}, "chinchilla", noise=alone)
        for name, value in again.estimate.items():
            assert line.estimate[name] == pytest.approx(value, rel=1e-4), (line.choice, name)


def test_sensitivity_moves_with_an_outlier():
    table = isoflop_runs(noise=0.003, sizes=9)
    table["loss"] = table["loss"].copy()
    table["loss"][13] *= 1.3
    found = fit(table, "chinchilla", noise="squared", sensitivity=True)
    clean = fit({k: np.delete(x, 13) for k, x in table.items()}, "chinchilla", noise="squared")
    one = next(s for s in found.sensitivity if s.choice == "without the worst-fitted run")
    assert one.runs == 26
    assert one.estimate["beta"] == pytest.approx(clean.estimate["beta"], rel=1e-6)
    assert abs(found.estimate["beta"] - one.estimate["beta"]) > 0.002
    assert {"a", "b", "G"} <= one.estimate.keys()
