"""Intervals of N and D of a plan know how far the fitted law misses its own runs."""

import msgspec
import numpy as np
import pytest

from isoflop.fit import fit
from isoflop.fit.misses import LAWS
from isoflop.fit.records import Minimum
from isoflop.laws.chinchilla import chinchilla
from isoflop.plan.ask import ask, sweep
from isoflop.samples import MISSES, SAMPLING


@pytest.fixture(scope="module")
def fitted():
    """Samples that all but agree, and minima that lie a factor of 2 off, over two decades."""
    C, x = (z.ravel() for z in np.meshgrid((1e18, 1e19, 1e20), np.linspace(-1.5, 1.5, 9)))
    N = np.sqrt(C / 6) * np.exp(x)
    noise = np.exp(1e-6 * np.random.default_rng(0).standard_normal(27))
    loss = chinchilla(N, C / 6 / N, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    found = fit({"N": N, "D": C / 6 / N, "C": C, "loss": loss}, "chinchilla", bootstrap=1000)
    minima = (Minimum(C=1e18, N=2e8, law=1e8), Minimum(C=1e20, N=1e9, law=2e9))
    return msgspec.structs.replace(found, minima=minima)


def test_ends_lie_a_normal_quantile_of_the_miss_away(fitted):
    plan = ask(fitted, 1e22)
    assert plan.intervals is not None
    far = 1.6449 * 2 * np.log(2)  # one decade beyond two: the miss has doubled
    for name, power in (("N", 1), ("D", 1), ("tokens_per_parameter", 2)):
        ends = np.log(plan.intervals[name]) - np.log(getattr(plan.choice, name))
        assert ends == pytest.approx([-power * far, power * far], rel=0.12)
    assert plan.intervals["C"] == pytest.approx((1e22, 1e22), rel=1e-3)
    low, high = plan.sampling["loss"]
    assert high - low < 1e-3
    said = next(w for w in plan.warnings if "widened" in w)
    assert "by a factor of 2.00 at 2 budgets" in said
    assert f"{100 * LAWS.widened:.0f} %" in said
    assert ask(fitted, 1e22).intervals == plan.intervals


def test_frontier_and_sweep_are_widened_alike(fitted):
    plan = ask(fitted, 1e22)
    inside, beyond = plan.frontier[0], plan.frontier[-1]
    assert (inside.value, beyond.value) == pytest.approx((1e20, 1e24))
    widths = [np.log(row.N.interval[1] / row.N.interval[0]) for row in (inside, beyond)]
    assert widths[1] / widths[0] == pytest.approx(3.0, rel=0.02)
    swept = sweep(fitted, "budget=1e20:1e24:3")
    assert swept.rows[1].N.interval == pytest.approx(plan.intervals["N"], rel=0.02)
    assert any("widened" in w for w in swept.warnings)


def test_a_regret_knows_that_the_optimum_may_lie_off(fitted):
    """Half the curvature of the loss in ln N, times the square of a normal shift."""
    near = (Minimum(C=1e18, N=1.1e8, law=1e8), Minimum(C=1e20, N=1.1e9, law=1e9))
    law = msgspec.structs.replace(fitted, minima=near)
    told = ask(law, 1e22).regret
    best, shift = ask(law, 1e22).choice.N, 2 * np.log(1.1)
    N = best * np.exp([-0.05, 0.0, 0.05])
    loss = law.point(N=N, D=1e22 / 6 / N)
    bend = (loss[0] - 2 * loss[1] + loss[2]) / 0.05**2
    one = told["1x"].loss
    assert one.holds == MISSES
    # 95 % of squares lie below that of 1.96 deviations.
    assert one.interval[1] == pytest.approx(0.5 * bend * (1.96 * shift) ** 2, rel=0.12)
    twice = told["2x"].loss
    assert twice.interval[0] < twice.estimate < twice.interval[1]
    alone = ask(msgspec.structs.replace(fitted, minima=()), 1e22).regret["2x"].loss
    assert alone.holds == SAMPLING
    assert alone.estimate == pytest.approx(twice.estimate, rel=1e-9)
    assert np.ptp(alone.interval) < 0.01 * np.ptp(twice.interval)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": 2.0},
        {"budget": 1e22, "serve": "1T"},
        {"budget": 1e22, "max_N": 1e12},
        {"budget": 1e22, "unique_tokens": 1e13},
    ],
)
def test_elsewhere_the_samples_stand_alone_and_it_is_said(fitted, options):
    plan = ask(fitted, options.pop("budget", None), **options)
    assert plan.intervals is not None
    low, high = plan.intervals["N"]
    assert high / low < 1.1
    said = next(w for w in plan.warnings if "samples alone" in w)
    assert f"{100 * LAWS.alone:.0f} %" in said


def test_a_fixed_size_has_no_interval_to_speak_of(fitted):
    plan = ask(fitted, 1e22, N=1e9)
    assert not any("intervals of N and D" in w for w in plan.warnings)
