"""The next runs: constraints hold, the target gets surer, bad questions are refused."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from next_study import BUDGET, TARGET, epoch, first_fit, first_sweep

import isoflop as iso
from isoflop.design.architecture import Architecture
from isoflop.design.belief import Belief, believe
from isoflop.design.candidates import ladder
from isoflop.design.next import GRID_RUNS, NextRuns, next_runs
from isoflop.design.outlook import Outlook
from isoflop.design.search import choose
from isoflop.errors import InputError
from isoflop.fit.allocation import allocate
from isoflop.samples import interval


@pytest.fixture(scope="module")
def fitted():
    return first_fit(first_sweep(epoch, 0.003, 0), 0)


@pytest.fixture(scope="module")
def design(fitted):
    return next_runs(fitted, BUDGET, C=TARGET)


def log_width(estimate):
    low, high = estimate.interval
    return np.log(high / low)


def test_runs_are_whole_and_within_the_budget(design):
    assert 1 <= len(design.runs) <= GRID_RUNS
    assert design.cost <= BUDGET * (1 + 1e-9)
    assert design.cost == pytest.approx(sum(run.C for run in design.runs))
    for run in (*design.runs, *design.grid):
        assert isinstance(run.N, int)
        assert isinstance(run.D, int)
        assert pytest.approx(6.0 * run.N * run.D) == run.C
    assert len({(run.N, run.D) for run in design.runs}) == len(design.runs)


def test_the_grid_costs_the_same(design):
    assert len(design.grid) == GRID_RUNS
    assert sum(run.C for run in design.grid) == pytest.approx(BUDGET, rel=1e-6)


def test_a_run_lies_between_the_fitted_and_the_largest(design):
    assert any(run.interior for run in design.runs)
    largest = max(run.C for run in design.runs)
    assert all(largest > run.C for run in design.runs if run.interior)


def test_a_run_lies_inside_among_sizes_that_are_nearly_alike(fitted):
    """Nine sizes of a cost tell nearly the same, so the one inside is sought among costs."""
    near = next_runs(fitted, BUDGET, C=TARGET, spread=1.3, least_share=0.02)
    assert any(run.interior for run in near.runs)
    for run in near.runs:
        away = abs(np.log(run.N / allocate(fitted, run.C).N))
        assert away <= np.log(1.3) + 1e-3
    assert not any("bend" in warning for warning in near.warnings)


def test_the_target_is_the_optimum_of_its_budget(design, fitted):
    best = allocate(fitted, TARGET)
    assert pytest.approx((best.N, best.D), rel=1e-6) == (design.target.N, design.target.D)
    assert pytest.approx(TARGET) == design.target.C
    assert design.expected.now.estimate == pytest.approx(best.loss, rel=1e-9)


def test_the_interval_now_is_that_of_the_fit(design, fitted):
    drawn = fitted.predict(N=design.target.N, D=design.target.D)
    ends = interval(drawn, fitted.settings.level)
    assert design.expected.now.interval == pytest.approx([float(x) for x in ends], rel=1e-6)


def test_the_design_is_surer_than_the_grid_and_no_surer_than_the_bound(design):
    deviations = design.expected.deviations
    assert deviations["bound"] <= deviations["after"] < deviations["grid"] < deviations["now"]
    widths = [log_width(getattr(design.expected, name)) for name in ("after", "grid", "now")]
    assert widths == sorted(widths)
    assert 0.1 < design.compute_share < 1.0


def test_more_budget_never_leaves_more_doubt(fitted, design):
    """On the same candidates; a larger budget considers larger runs only (`least_share`)."""
    blank = Outlook(fitted, {"N": design.target.N, "D": design.target.D}, ladder(), 15, 3.0)
    possible = blank.possible(BUDGET)
    belief = blank.belief(possible)
    left = [
        belief.deviation(blank.choose(possible, belief, budget))
        for budget in BUDGET * np.array([0.1, 0.2, 0.4, 0.7, 1.0, 2.0])
    ]
    assert left == sorted(left, reverse=True)


def test_smaller_runs_may_be_asked_for(fitted, design):
    found = next_runs(fitted, BUDGET, C=TARGET, least_share=0.01)
    assert len(found.runs) > len(design.runs)
    assert (
        min(run.C for run in found.runs) < 0.1 * BUDGET <= min(run.C for run in design.runs) * 1.01
    )


def test_a_noisy_run_tells_less(fitted, design):
    noisy = next_runs(fitted, BUDGET, C=TARGET, sigma=10 * design.noise)
    assert noisy.expected.deviations["after"] > design.expected.deviations["after"]


def test_equal_questions_have_equal_answers(fitted, design):
    again = next_runs(fitted, BUDGET, C=TARGET)
    assert msgspec.json.encode(again) == msgspec.json.encode(design)
    assert msgspec.json.decode(msgspec.json.encode(design), type=NextRuns) == design


def test_a_ladder_of_sizes_and_steps_is_kept_to(fitted):
    sizes = [50e6, 100e6, 200e6, 400e6, 800e6]
    found = iso.next_runs(fitted, BUDGET, N=7e9, D=140e9, sizes=sizes, step=2**19, most=5)
    assert found.target.kind == "ND"
    assert len(found.runs) <= 5
    for run in found.runs:
        assert run.N in sizes
        assert run.D % 2**19 == 0


def test_a_ladder_of_widths_counts_exact_flops():
    shapes = [Architecture(width=width) for width in range(8, 72, 8)]
    N, C = np.meshgrid([x.parameters() for x in shapes], [5e10, 1.5e11, 5e11, 1.5e12])
    per_token = np.array([x.flops_per_token() for x in shapes])
    D = C / per_token
    rng = np.random.default_rng(1)
    loss = 1.9 + 74.0 / N**0.45 + 136.0 / D**0.39
    loss *= np.exp(0.003 * rng.standard_normal(loss.shape))
    table = {"N": N.ravel().astype(float), "D": D.ravel(), "loss": loss.ravel()}
    found = next_runs(first_fit(table, 1), 2e12, C=5e14, widths=range(8, 200, 8), step=64)
    assert found.counted == "exact"
    for run in found.runs:
        shape = Architecture(width=run.width)
        assert shape.parameters() == run.N
        assert run.D % 64 == 0
        assert pytest.approx(shape.flops_per_token() * run.D, rel=1e-9) == run.C


@pytest.mark.parametrize(
    ("budget", "question", "words"),
    [
        (1e10, {"C": TARGET}, "buys no run"),
        (0.0, {"C": TARGET}, "not positive"),
        (1e23, {"C": TARGET}, "pays for the target"),
        (BUDGET, {"C": TARGET, "N": 1e9}, "either C, or N and D"),
        (BUDGET, {"N": 1e10}, "either C, or N and D"),
        (BUDGET, {}, "either C, or N and D"),
        (BUDGET, {"C": -1.0}, "not positive"),
        (BUDGET, {"C": TARGET, "sizes": [1e12]}, "on this ladder"),
        (BUDGET, {"C": TARGET, "sizes": []}, "positive numbers"),
        (BUDGET, {"C": TARGET, "sizes": [1e8], "widths": [64]}, "two ladders"),
        (BUDGET, {"C": TARGET, "spread": 0.5}, "spread"),
        (BUDGET, {"C": TARGET, "most": 0}, "too few"),
        (BUDGET, {"C": TARGET, "least_share": 0.0}, "least_share"),
        (BUDGET, {"C": TARGET, "step": 0}, "not positive"),
        (BUDGET, {"C": TARGET, "sigma": 0.0}, "too little"),
        (BUDGET, {"C": TARGET, "U": 1e9}, "U is given"),
    ],
)
def test_questions_that_have_no_answer(fitted, budget, question, words):
    with pytest.raises(InputError, match=words):
        next_runs(fitted, budget, **question)


def test_a_fit_without_samples_and_a_law_without_N_and_D(fitted):
    with pytest.raises(InputError, match="no samples"):
        next_runs(msgspec.structs.replace(fitted, samples=None), BUDGET, C=TARGET)
    few = msgspec.structs.replace(fitted, samples=fitted.samples[:20])
    with pytest.raises(InputError, match="50 are needed"):
        next_runs(few, BUDGET, C=TARGET)
    x = np.geomspace(1e18, 1e21, 12)
    table = {"C": x, "loss": 1.7 + 30 * x**-0.05}
    one = iso.fit(table, "E + A/C^alpha", bootstrap=60)
    with pytest.raises(InputError, match="not N and D"):
        next_runs(one, BUDGET, C=TARGET)


def test_a_far_target_and_unidentified_parameters_are_warned_of(fitted):
    unsure = msgspec.structs.replace(fitted, identified=fitted.identified | {"E": False})
    said = " ".join(next_runs(unsure, BUDGET, C=1e26).warnings)
    assert "outside the fitted runs" in said
    assert "do not identify E" in said


# Belief and search --------------------------------------------------------------------------------
def line_belief(noise, samples=4000, places=(18.0, 19.0, 20.0, 21.0), target=24.0):
    """Samples of a straight line with known prior: intercept and slope at 19.5, sd 1 and 2."""
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((samples, 2)) * [1.0, 2.0]
    x = np.array([*places, target]) - 19.5
    values = drawn[:, :1] + drawn[:, 1:] * x
    return Belief(values[:, :-1], values[:, -1], noise), x


def test_conditioning_agrees_with_the_exact_posterior_of_a_line():
    belief, x = line_belief(0.5)
    design = np.stack([np.ones(4), x[:4]], axis=1)
    posterior = np.linalg.inv(np.diag([1.0, 1 / 4.0]) + design.T @ design / 0.25)
    c = np.array([1.0, x[-1]])
    exact = float(c @ posterior @ c) ** 0.5
    # The trimmed hundredths narrow the prior by 6 %, which the four runs outweigh.
    assert belief.deviation([0, 1, 2, 3]) == pytest.approx(exact, rel=0.03)
    assert np.std(belief.after([0, 1, 2, 3], seed=1)) == pytest.approx(exact, rel=0.05)
    assert belief.after([], seed=1) is belief.target


def test_search_finds_the_best_of_all_subsets():
    from itertools import combinations

    rng = np.random.default_rng(5)
    hidden = rng.standard_normal((400, 3))
    belief = Belief(hidden @ rng.normal(size=(3, 9)), hidden @ rng.normal(size=3), 0.4)
    costs = rng.uniform(1, 4, size=9)
    found = choose(belief, costs, 8.0, most=4)
    every = [
        list(rows)
        for size in range(1, 5)
        for rows in combinations(range(9), size)
        if costs[list(rows)].sum() <= 8
    ]
    assert belief.deviation(found) == pytest.approx(min(map(belief.deviation, every)), rel=1e-6)


def test_search_keeps_a_place_inside_if_asked():
    belief, _ = line_belief(0.5, places=(18.0, 19.0, 20.0, 21.0))
    free = choose(belief, np.ones(4), 2.0, most=2)
    assert free == [0, 3]
    middle = np.array([False, True, True, False])
    kept = choose(belief, np.ones(4), 2.0, most=2, inside=lambda _: middle)
    assert middle[kept].any()
    assert belief.deviation(kept) >= belief.deviation(free)


def test_belief_leaves_out_samples_without_a_value(fitted):
    broken = fitted.samples.copy()
    broken[:30] = np.nan
    some = msgspec.structs.replace(fitted, samples=broken)
    belief = believe(some, {"N": np.array([1e8]), "D": np.array([1e10])}, {"N": 1e10, "D": 1e11})
    assert len(belief.target) == len(broken) - 30


def test_a_ladder_refuses_sizes_below_one():
    with pytest.raises(InputError, match="positive numbers"):
        ladder([0.0])


def test_a_target_inside_the_fitted_runs_is_answered_with_a_warning(fitted):
    (low, high), (few, many) = (fitted.ranges[name] for name in ("N", "D"))
    inside = {"N": float(np.sqrt(low * high)), "D": float(np.sqrt(few * many))}
    found = next_runs(fitted, 3.0 * inside["N"] * inside["D"], **inside)
    assert any("inside the fitted runs" in warning for warning in found.warnings)
    assert found.expected.deviations["after"] < found.expected.deviations["now"]
    outside = next_runs(fitted, BUDGET, C=TARGET)
    assert not any("inside" in warning for warning in outside.warnings)


def test_a_grid_that_goes_below_the_fitted_runs_is_no_fair_comparison(fitted):
    N, D = (fitted.ranges[name][0] for name in ("N", "D"))
    little = next_runs(fitted, 60.0 * N * D, C=TARGET)
    assert any(run.N < N or run.D < D for run in little.grid)
    assert all(run.N >= N and run.D >= D for run in little.runs)
    deviations = little.expected.deviations
    assert deviations["grid"] < deviations["after"]
    assert any("smaller than any that was fitted" in warning for warning in little.warnings)
    much = next_runs(fitted, BUDGET, C=TARGET)
    assert not any("smaller than any" in warning for warning in much.warnings)
