"""The page of a plan: it says what the plan says, whole and by itself."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.plan.ask import ask, compare, sweep
from isoflop.plan.budget import read
from isoflop.plan.decide import decide
from isoflop.plan.lifetime import Serving
from isoflop.plan.machine import Machine
from isoflop.plan.question import Question
from isoflop.plan.source import surface
from isoflop.report.figures import plan_answer
from isoflop.report.plan_page import render_plan, write_plan
from isoflop.report.plan_tables import cost_table
from isoflop.report.sweep_page import write_sweep


@pytest.fixture(scope="module")
def sampled():
    """A plan with 60 samples, hardware, prices and serving."""
    found = surface("chinchilla", constants="epoch")
    rng = np.random.default_rng(0)
    point = np.array([found.constants[name] for name in found.law.parameter_names])
    found = replace(found, samples=point * np.exp(0.01 * rng.standard_normal((60, 5))))
    budget, machine = read("64 H100 for 3 weeks at 40% MFU", Machine(price=2.5, intensity=0.4))
    return decide(found, Question(budget=budget, serving=Serving(output=2e12), machine=machine))


def test_numbers_intervals_and_every_warning_are_on_the_page(sampled):
    page = render_plan([sampled])
    assert f'value="{sampled.choice.N}"' in page
    assert f'value="{sampled.loss}"' in page
    assert "90 % intervals" in re.sub(r"\s+", " ", page.replace("\u00a0", " "))
    for warning in sampled.warnings:
        assert warning[1:60].replace("'", "&#39;") in page
    assert "CO2e" in page
    assert "://" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_figures_hold_the_plans_numbers(sampled):
    frontier = plan_answer.frontier_size(sampled)
    assert list(frontier.data[-2].y) == [row.N.estimate for row in sampled.frontier]
    assert frontier.data[-1].y[0] == sampled.choice.N
    curve = plan_answer.regret_curve(sampled)
    line = next(t for t in curve.data if t.name and t.name.startswith("loss at the same cost"))
    assert min(line.y) == pytest.approx(sampled.loss, rel=1e-3)
    others = next(t for t in curve.data if t.name == "half and twice the size")
    assert list(others.x) == [sampled.regret["0.5x"].N, sampled.regret["2x"].N]


def test_the_choice_lies_on_its_frontier_whatever_serving_costs():
    """Budgets of a frontier pay for serving at its own utilisation and price."""
    plan = ask(
        "chinchilla", 1e23, serve="2T", device="H100", mfu=0.4, price=2.0,
        serve_mfu=0.02, serve_price=3.0,
    )  # fmt: skip
    figure = plan_answer.frontier_size(plan)
    line, star = figure.data[-2], figure.data[-1]
    middle = len(line.x) // 2
    assert star.x[0] == pytest.approx(line.x[middle], rel=1e-9)
    assert star.y[0] == pytest.approx(line.y[middle], rel=1e-6)
    assert star.x[0] > 2 * plan.cost.total.flops
    assert "training and serving" in figure.layout.xaxis.title.text
    assert "pay for training and serving" in render_plan([plan])


def test_cost_columns_are_those_that_are_known(sampled):
    headings, rows = cost_table(sampled)
    assert [h for h, _ in headings] == [
        "", "compute", "time", "wall clock", "price", "energy", "carbon", "share",
    ]  # fmt: skip
    assert [row.name for row in rows] == ["training", "serving", "total"]
    assert rows[0].share + rows[1].share == pytest.approx(1.0)
    plain, alone = cost_table(ask("chinchilla", 1e22))
    assert [h for h, _ in plain] == ["", "compute", "share"]
    assert len(alone) == 1


def test_a_law_without_a_loss_says_what_is_missing():
    page = render_plan([ask("llama3", 1e24)])
    assert "is not drawn: this law has no loss" in page
    assert plan_answer.regret_curve(ask("llama3", 1e24)) is None


def test_laws_side_by_side_are_one_table(tmp_path):
    plans = compare(["chinchilla:tex", "kaplan", "epoch"], 1e24)
    path = write_plan(plans, tmp_path / "new" / "plan.html")
    page = path.read_text()
    assert "Hoffmann et al. 2022, set tex" in page
    assert "kaplan_optimal_parameters" in page
    with pytest.raises(InputError, match="no plan"):
        render_plan([])


def test_what_a_user_typed_is_escaped():
    plan = msgspec.structs.replace(ask("chinchilla", "1e22"), law="<script>alert(1)</script>")
    assert "<script>alert(1)" not in render_plan([plan])


def test_a_sweep_is_drawn_with_its_warnings(tmp_path):
    found = sweep("chinchilla", "budget=1e20:1e26", constants="tex")
    page = write_sweep(found, tmp_path / "sweep.html").read_text()
    assert list(plan_answer.swept(found, "N").data[-1].y) == [r.N.estimate for r in found.rows]
    assert found.warnings[0][:40] in page
    assert page.count('class="plot"') == 2
    alone = write_sweep(sweep("llama3", "budget=1e20:1e22"), tmp_path / "llama.html").read_text()
    assert "N and D over budget" in alone
    served = sweep("chinchilla", "serve=1e11:1e13:3", loss=2.2)
    page = write_sweep(served, tmp_path / "served.html").read_text()
    assert "N and D over served tokens" in page
    assert page.count('class="plot"') == 2
