"""Plans that start from tokens or parameters instead of a budget."""

import numpy as np
import pytest
from scipy.optimize import brentq

from isoflop import laws
from isoflop.errors import InputError
from isoflop.fit import fit
from isoflop.laws.chinchilla import chinchilla
from isoflop.plan.ask import ask, sweep
from isoflop.plan.given import read_counted

TEX = laws.get("chinchilla").constants("tex")
A, ALPHA, B, BETA = (TEX[name] for name in ("A", "alpha", "B", "beta"))
FORMULA = "E + A/N^alpha + B/D^beta"
VALUES = ",".join(f"{name}={value!r}" for name, value in TEX.items())


def slope(N, D, served):
    """First-order condition: zero where N and D are the best of a cost of N (6 D + 2 served)."""
    return ALPHA * A / N**ALPHA - BETA * B / D**BETA * (1 + 2 * served / (6 * D))


@pytest.mark.parametrize(("law", "close"), [("chinchilla", 1e-9), (FORMULA, 1e-6)])
@pytest.mark.parametrize("served", [0.0, 2e12])
def test_size_for_tokens_and_tokens_for_a_size(law, close, served):
    options = {"constants": "tex" if law == "chinchilla" else VALUES, "serve": served or None}
    plan = ask(law, D=1e12, **options)
    N = brentq(lambda N: slope(N, 1e12, served), 1e6, 1e14, rtol=1e-14)
    assert plan.choice.D == 1e12
    assert pytest.approx(N, rel=close) == plan.choice.N
    back = ask(law, N=N, **options)
    assert pytest.approx(1e12, rel=10 * close) == back.choice.D
    assert pytest.approx(N, rel=1e-12) == back.choice.N


@pytest.mark.parametrize("epochs", [1.0, 4.0])
def test_repeated_tokens_are_seen_as_often_as_they_may(epochs):
    """The same run spends its compute best: a plan for that budget chooses it."""
    options = {"constants": "muennighoff", "unique_tokens": 50e9}
    plan = ask("chinchilla", max_epochs=epochs, **options)
    assert 50e9 * epochs == plan.choice.D
    assert plan.choice.epochs == epochs
    same = ask("chinchilla", plan.choice.C, **options)
    assert pytest.approx(plan.choice.N, rel=1e-6) == same.choice.N
    assert any("No compute is given" in w for w in plan.warnings)


def test_every_sample_has_its_own_size_and_all_the_tokens():
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 5)))
    noise = np.exp(np.random.default_rng(0).normal(0.0, 5e-3, N.size))
    loss = chinchilla(N, D, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    found = fit({"N": N, "D": D, "loss": loss}, "chinchilla", bootstrap=50)
    plan = ask(found, "20B tokens")
    k = dict(zip(found.law.parameter_names, found.samples.T, strict=True))
    own = (k["alpha"] * k["A"] / (k["beta"] * k["B"]) * 20e9 ** k["beta"]) ** (1 / k["alpha"])
    assert plan.intervals is not None
    assert plan.intervals["N"] == pytest.approx(tuple(np.quantile(own, (0.05, 0.95))), rel=1e-6)
    assert plan.intervals["D"] == (20e9, 20e9)


def test_serving_is_compared_with_the_model_that_is_cheapest_to_train():
    """A size that is given has no alternative of its own size."""
    plan = ask("chinchilla", N="7B", serve="2T", constants="tex")
    assert plan.serving is not None
    assert plan.serving.size < 0.7
    assert plan.serving.lifetime > 0
    free = ask("chinchilla", loss=plan.loss, serve="2T", constants="tex")
    assert pytest.approx(7e9, rel=1e-6) == free.choice.N


def test_a_sweep_of_what_there_is():
    swept = sweep("chinchilla", "unique_tokens=1e9:1e12:4", constants="muennighoff")
    assert [row.D.estimate for row in swept.rows] == pytest.approx([1e9, 1e10, 1e11, 1e12])
    assert [row.N.estimate for row in swept.rows] == pytest.approx(
        [0.0509865 * row.value for row in swept.rows], rel=1e-5
    )


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("50B unique tokens", {"unique_tokens": 50e9}),
        ("1.4T tokens", {"D": 1.4e12}),
        ("7B parameters", {"N": 7e9}),
        ("25e9 params", {"N": 25e9}),
        ("1 token", {"D": 1.0}),
        ("1e23", {}),
        ("64 H100 for 3 weeks", {}),
        ("7B unique parameters", {}),
        (1e23, {}),
    ],
)
def test_budgets_of_tokens_and_parameters(text, option):
    assert read_counted(text) == option


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": "7B parameters", "max_N": 1e9}, "at least 7B and at most 1B"),
        ({"budget": "7B parameters", "N": 8e9}, "N = 8e+09 are given"),
        ({"budget": "50B tokens", "loss": 2.1}, "loss = 2.1 are given"),
        ({"D": 1e12, "max_C": 1e20}, "takes 1.17e23 FLOPs; at most 1e20"),
        ({"unique_tokens": 1e12, "max_D": 1e10}, "1T unique tokens, each seen once"),
        ({"N": 7e9, "lifetime": True}, "nothing is to be served"),
        ({"N": 7e9, "max_D": 1e9, "min_D": 1e9, "max_C": 1e18}, "FLOPs"),
    ],
)
def test_contradictions(options, words):
    with pytest.raises(InputError, match=words.replace("+", r"\+")):
        ask("chinchilla", **options)


def test_a_law_without_a_loss_of_every_size_cannot_say():
    with pytest.raises(InputError, match="for a training budget and nothing else"):
        ask("kaplan", "1T tokens")
