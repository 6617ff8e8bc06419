"""The two recipes of the reference sweep: both give clean parabolas, one of them is wrong."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from isoflop.fit.surface import fit_surface
from isoflop.runs.cost import CostCurve
from isoflop.validate.selfcheck import (
    RateProbe,
    check_minima,
    check_rates,
    check_ratio,
    check_slope,
    check_span,
)

TABLE = Path(__file__).parents[2].parent / "shared" / "data" / "cpu_mini_sweep.csv"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not TABLE.exists(), reason="the public run tables are not here"),
]


def rows(recipe: str, *uses: str) -> list[dict[str, str]]:
    with TABLE.open() as file:
        return [r for r in csv.DictReader(file) if r["recipe"] == recipe and r["use"] in uses]


def surface(recipe: str):
    names = ("N_nonembed_plus_head", "flops", "val_loss_nats_per_token", "budget_flops", "D_tokens")
    N, C, loss, budget, D = (
        np.array([float(r[name]) for r in rows(recipe, "isoflop")]) for name in names
    )
    cost = CostCurve.from_runs(N, D, C)
    rng = np.random.default_rng(0)
    return fit_surface(N, C, loss, budget, cost=cost, seed_noise=0.009, rng=rng)


def probes() -> list[RateProbe]:
    found = []
    for width in (16, 48):
        at = {
            float(r["lr_hidden"]): float(r["val_loss_nats_per_token"])
            for r in rows("untuned", "isoflop", "lr_probe")
            if float(r["budget_flops"]) == 1.5e11 and int(r["d_model"]) == width
        }
        rates = sorted(at)
        own = rates[1]
        found.append(
            RateProbe(width, 1.5e11, np.array(rates) / own, np.array([at[r] for r in rates]))
        )
    return found


def test_the_tuned_sweep_passes():
    tuned = surface("tuned")
    assert check_slope(tuned).severity == "ok"
    assert check_ratio(tuned).severity == "ok"
    assert check_minima(tuned) == []


def test_the_untuned_sweep_is_found_out():
    untuned = surface("untuned")
    slope = check_slope(untuned)
    assert slope.severity == "warning"
    # Published: -0.131 between the two largest budgets.
    assert slope.numbers["slope 2"] == pytest.approx(-0.131, abs=0.01)
    ratio = check_ratio(untuned)
    assert ratio.severity == "warning"
    assert ratio.numbers["highest"] > 60


def test_too_few_tokens_a_parameter_point_at_the_smaller_models():
    assert "larger" in check_ratio(surface("untuned")).remedy
    tuned = surface("tuned")
    more = SimpleNamespace(point=lambda C: 5 * tuned.N_opt.point(C))
    few = check_ratio(SimpleNamespace(usable=tuned.usable, N_opt=more, D_opt=tuned.D_opt))
    assert few.severity == "warning"
    assert few.numbers["highest"] < 8
    assert "few tokens" in few.why
    assert "smaller" in few.remedy


def test_the_rate_probes_find_it_too():
    finding = check_rates(probes(), noise=0.009)
    assert finding.severity == "warning"
    assert finding.numbers["width 48"] > 1.5


def test_probes_that_agree_pass():
    loss = np.array([3.02, 3.0, 3.02])
    good = RateProbe(16, 1e11, np.array([0.5, 1.0, 2.0]), loss)
    assert good.best_multiple() == pytest.approx(1.0)
    assert check_rates([good], noise=0.009).severity == "ok"
    assert check_rates([], noise=0.009).severity == "note"


def test_span_is_noted():
    assert check_span(np.array([1e18, 1e19])).severity == "note"
    assert check_span(np.array([1e18, 1e21])).severity == "ok"
