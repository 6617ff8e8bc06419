"""Properties of every plan: more money never hurts, serving never asks for a larger model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop import laws
from isoflop.plan.ask import ask
from isoflop.plan.budget import read
from isoflop.plan.decide import decide
from isoflop.plan.lifetime import Serving
from isoflop.plan.limits import Limits
from isoflop.plan.optimise import lowest_cost, lowest_loss
from isoflop.plan.question import Question
from isoflop.plan.surface import Surface

CHINCHILLA = laws.get("chinchilla")
CONSTANTS = st.fixed_dictionaries(
    {
        "E": st.floats(0.5, 2.0),
        "A": st.floats(50.0, 2000.0),
        "alpha": st.floats(0.2, 0.5),
        "B": st.floats(50.0, 5000.0),
        "beta": st.floats(0.2, 0.5),
    }
)
BUDGETS = st.floats(18.0, 26.0).map(lambda x: 10.0**x)
TOKENS = st.floats(8.0, 15.0).map(lambda x: 10.0**x)
BOUNDS = st.sampled_from(
    [Limits(), Limits(max_N=1e9), Limits(max_D=1e11), Limits(min_N=1e7), Limits(max_D=1e30)]
)


def made(constants, spread=0.0, rows=0):
    samples = None
    if rows:
        rng = np.random.default_rng(0)
        point = np.array([constants[name] for name in CHINCHILLA.parameter_names])
        samples = point * np.exp(spread * rng.standard_normal((rows, len(point))))
    return Surface(law=CHINCHILLA, constants=constants, samples=samples)


@given(CONSTANTS, BUDGETS, st.floats(1.01, 100.0), BOUNDS)
def test_more_budget_is_never_worse(constants, K, more, limits):
    found = made(constants)
    less, greater = (lowest_loss(found, K * x, limits=limits).loss[0] for x in (1.0, more))
    assert greater <= less * (1 + 1e-12)


@given(CONSTANTS, st.floats(1.01, 3.0), TOKENS)
def test_a_lower_loss_is_never_cheaper(constants, factor, tokens):
    found, b = made(constants), Serving(output=tokens).weighted
    high = constants["E"] * 1.1 * factor
    costs = [lowest_cost(found, x, serving=b, limits=Limits()).cost[0] for x in (high / 1.05, high)]
    assert costs[0] >= costs[1] * (1 - 1e-9)


@given(CONSTANTS, BUDGETS, TOKENS, st.floats(1.0, 1e3))
def test_serving_never_raises_N(constants, K, tokens, more):
    found = made(constants)
    target = float(lowest_loss(found, K, limits=Limits()).loss[0])
    for answer in (
        lambda b: lowest_cost(found, target, serving=b, limits=Limits()),
        lambda b: lowest_loss(found, K, serving=b, limits=Limits()),
    ):
        sizes = [answer(Serving(output=x).weighted).N[0] for x in (0.0, tokens, tokens * more)]
        assert sizes[0] * (1 + 1e-9) >= sizes[1]
        assert sizes[1] * (1 + 1e-9) >= sizes[2]


@given(CONSTANTS, BUDGETS, TOKENS)
def test_the_lifetime_plan_is_cheaper_than_the_training_plan_and_as_good(constants, K, tokens):
    found, b = made(constants), Serving(output=tokens).weighted
    alone = lowest_loss(found, K, limits=Limits())
    plan = lowest_cost(found, float(alone.loss[0]), serving=b, limits=Limits())
    assert plan.loss[0] == pytest.approx(alone.loss[0], rel=1e-9)
    assert plan.cost[0] <= alone.N[0] * (6 * alone.D[0] + b) * (1 + 1e-9)
    assert plan.D[0] >= alone.D[0] * (1 - 1e-9)


@settings(max_examples=25)
@given(CONSTANTS, st.floats(19.0, 25.0), st.sampled_from([0.0, 1e12]))
def test_intervals_contain_the_point_plan(constants, decade, tokens):
    found = made(constants, spread=0.01, rows=200)
    budget = read(10.0**decade)[0]
    plan = decide(found, Question(budget=budget, serving=Serving(output=tokens)))
    assert plan.intervals is not None
    for name in ("N", "D", "tokens_per_parameter", "loss"):
        low, high = plan.intervals[name]
        point = plan.loss if name == "loss" else getattr(plan.choice, name)
        assert low <= point <= high
    assert plan.regret["1x"].loss.estimate == pytest.approx(0.0, abs=1e-9)
    assert plan.regret["1x"].loss.interval[1] >= 0.0
    for size in ("0.5x", "2x"):
        lost = plan.regret[size].loss
        assert lost is None or lost.estimate > 0.0
    (l1, h1), (l2, h2) = plan.flat["0.1%"], plan.flat["1%"]
    assert l2 <= l1 <= plan.choice.N * (1 + 1e-9)
    assert plan.choice.N * (1 - 1e-9) <= h1 <= h2


@given(st.floats(1.0, 500.0), st.integers(1, 4096), st.floats(0.05, 0.7))
def test_units_do_not_matter(days, count, mfu):
    texts = [
        f"{count} H100 for {days!r} days at {100 * mfu!r}% MFU",
        f"{count} H100 for {24 * days!r} h at {mfu!r} MFU",
        f"{count * days * 24!r} H100-hours at {100 * mfu!r}% MFU",
        f"{count * days * 24 * 0.7!r} kWh on H100 at {mfu!r} MFU",
        f"${count * days * 24 * 2.5!r} on H100 at $2.5/hour, {100 * mfu!r}% MFU",
        f"{count * days * 86400 * 989e12 * mfu!r} FLOP",
    ]
    flops = [read(text)[0].flops for text in texts]
    assert flops == pytest.approx([flops[0]] * len(flops), rel=1e-9)


def test_the_same_budget_in_other_units_is_the_same_plan():
    plans = [
        ask("chinchilla", budget, constants="tex")
        for budget in (8.64e20, "10 PF-days", "864 EFLOP", "8.64e20 FLOPs")
    ]
    assert len({plan.choice.N for plan in plans}) == 1
