"""One number has one interval, whichever command prints it; what differs says why."""

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.fit import fit
from isoflop.plan.ask import ask, compare, sweep
from isoflop.protocols.models import Settings
from isoflop.protocols.question import plan
from isoflop.protocols.side_by_side import approaches
from isoflop.runs.table import RunTable
from isoflop.samples import MISSES, RUN, SAMPLING
from isoflop.validate.audit.evidence import Evidence
from isoflop.validate.prediction import predict

C = 1e21


@pytest.fixture(scope="module")
def table():
    """Runs of three budgets whose optimum bends: no power law of N and D has it."""
    runs = isoflop_runs(noise=0.002, sizes=9)
    bend = 0.02 * np.log(runs["N"] / np.median(runs["N"])) ** 2
    return RunTable.from_columns({**runs, "loss": runs["loss"] * np.exp(0.1 * bend)})


@pytest.fixture(scope="module")
def fitted(table):
    return fit(table, "chinchilla", bootstrap=400, target={"C": C})


@pytest.fixture(scope="module")
def asked(fitted):
    return ask(fitted, C)


def test_a_fit_and_its_plan_agree(fitted, asked):
    best = fitted.optimum
    for name in ("N", "D", "tokens_per_parameter"):
        told = getattr(best, name)
        assert told.interval == pytest.approx(asked.intervals[name], rel=1e-5), name
        assert told.holds == asked.holds[name] == MISSES
        assert best.sampling[name] == pytest.approx(asked.sampling[name], rel=1e-5), name
    assert best.loss.holds == SAMPLING
    assert best.loss.interval == pytest.approx(asked.sampling["loss"], rel=1e-9)


def test_a_sweep_a_frontier_and_a_comparison_repeat_the_plan(fitted, asked):
    rows = [
        sweep(fitted, f"budget=1e20:{C:g}:3").rows[-1],
        next(row for row in asked.frontier if row.value == pytest.approx(C)),
    ]
    for row in rows:
        for name in ("N", "D", "loss"):
            told = getattr(row, name)
            assert told.interval == pytest.approx(asked.intervals[name], rel=1e-9), name
            assert told.holds == asked.holds[name]
    assert compare([fitted], C)[0].intervals == asked.intervals


def test_the_loss_of_a_plan_is_that_of_a_prediction(fitted, asked):
    told = predict(fitted, N=asked.choice.N, D=asked.choice.D)
    low, high = (float(x) for x in told.interval())
    assert asked.intervals["loss"] == pytest.approx((low, high), rel=1e-12)
    assert asked.holds["loss"] == RUN
    assert asked.sampling["loss"] == pytest.approx(
        [float(x) for x in told.interval(of="plain")], rel=1e-9
    )


def test_the_same_law_among_the_models_of_a_plan_on_runs_agrees(table, fitted):
    """Its optimum is searched on a grid, so to a ten thousandth."""
    answer = plan(table, C, settings=Settings(samples=400))
    third = answer.by_model["approach3"]
    for name in ("N", "D"):
        told = getattr(fitted.optimum, name)
        assert third[name].estimate == pytest.approx(told.estimate, rel=2e-4)
        assert third[name].interval == pytest.approx(told.interval, rel=1e-3), name
        assert third[name].holds == getattr(answer, name).holds == MISSES
    assert (third["loss"].holds, answer.loss.holds) == (SAMPLING, RUN)
    assert answer.N.interval[0] < answer.sampling["N"][0]
    assert answer.N.interval[1] > answer.sampling["N"][1]


def test_bands_of_approaches_hold_what_the_plan_holds_and_exponents_do_not(table, fitted):
    found = approaches(table, ("2", "3"), settings=Settings(samples=400))
    for record in found.values():
        assert record.N_exponent.holds == record.N_opt.exponent.holds == SAMPLING
        assert record.N_opt.holds == record.D_opt.holds == MISSES
    law = found["approach3"].N_opt
    at = int(np.argmin(np.abs(np.log(np.array(law.C) / C))))
    told = fit(table, "chinchilla", bootstrap=400, target={"C": law.C[at]}).optimum
    assert (law.low[at], law.high[at]) == pytest.approx(told.N.interval, rel=0.01)


def test_an_audit_widens_the_same_number(table, fitted):
    """With the samples of a fit that was given, the interval is that fit's."""
    evidence = Evidence(table=table, target=C, given=fitted)
    told = evidence.estimates
    size = told[evidence.named["size"]]
    assert size.interval == pytest.approx(fitted.optimum.N.interval, rel=2e-3)
    assert size.holds == MISSES
    assert told[evidence.named["slope"]].holds == SAMPLING


def test_without_misses_a_plan_says_that_the_samples_stand_alone(fitted):
    served = ask(fitted, C, serve="1T")
    assert served.holds["N"] == SAMPLING
    assert "N" not in served.sampling
    assert served.regret["1x"].loss.holds == SAMPLING
    assert served.holds["loss"] == RUN
