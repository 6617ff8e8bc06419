"""What serving may cost bounds the size, and training must fit into the memory that trains."""

import pytest

from isoflop.errors import InputError
from isoflop.plan.ask import ask
from isoflop.plan.hardware import device

H100 = {"device": "H100", "mfu": 0.5, "price": 2.0}


@pytest.mark.parametrize(
    ("options", "N"),
    [
        # 2 N a token: 2 x 2T x N = 1e22.
        ({"serve_budget": 1e22}, 2.5e9),
        ({"serve_budget": "1e22 FLOPs"}, 2.5e9),
        # Dollars are device-hours at the price and the utilisation of serving.
        (
            {"serve_budget": "$100k", "serve_mfu": 0.1, "serve_price": 4.0, **H100},
            100e3 / 4 * 3600 * 989e12 * 0.1 / (2 * 2e12),
        ),
        ({"serve_budget": "7 MWh", "serve_mfu": 0.1, **H100}, 1e4 * 3600 * 989e12 * 0.1 / 4e12),
        ({"serve_budget": "10k H100-hours", "mfu": 0.5}, 1e4 * 3600 * 989e12 * 0.5 / 4e12),
    ],
)
def test_a_budget_of_serving_is_the_largest_size(options, N):
    plan = ask("chinchilla", 1e23, constants="tex", serve=2e12, **options)
    bound = plan.bounds["max_N"]
    assert bound.value == pytest.approx(N, rel=1e-12)
    assert bound.reason == f"{_shown(options['serve_budget'])} for serving 2T tokens"
    assert pytest.approx(min(N, 1.09956e10), rel=1e-4) == plan.choice.N
    assert bound.reached == (N < 1.09956e10)


def _shown(text):
    return text if isinstance(text, str) else f"{text:g}"


def test_the_cost_of_a_size_at_its_bound_is_the_budget():
    plan = ask(
        "chinchilla", 1e23, serve="1T input + 1T output", serve_budget="$30k",
        prompt_mfu=0.4, serve_mfu=0.05, serve_price=3.0, **H100,
    )  # fmt: skip
    assert plan.bounds["max_N"].reached
    assert plan.cost.serve is not None
    assert plan.cost.serve.dollars == pytest.approx(30e3, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"serve_budget": "$1M"}, "nothing is to be served"),
        ({"serve_budget": "$1M", "serve": 1e12}, "price"),
        ({"serve_budget": "-1", "serve": 1e12}, "negative"),
        ({"serve_budget": 0.0, "serve": 1e12}, "not positive"),
        ({"serve_budget": "1e20", "serve": 1e12, "min_N": 1e9}, "1e20 for serving 1T tokens"),
    ],
)
def test_a_budget_of_serving_that_cannot_be(options, words):
    with pytest.raises(InputError, match=words):
        ask("chinchilla", 1e22, **options)


@pytest.mark.parametrize("law", ["chinchilla", "llama3"])
def test_devices_that_cannot_hold_the_model_in_training_are_said(law):
    """16 bytes a parameter: what 90 % of the memory of one device more or fewer holds."""
    N = ask(law, 1e23).choice.N
    fewest = -(-N * 16 // (0.9 * device("H100").memory))
    for count, said in ((fewest - 1, True), (fewest, False)):
        plan = ask(law, 1e23, device="H100", mfu=0.4, count=count)
        found = [w for w in plan.warnings if "do not hold this model in training" in w]
        assert bool(found) == said
        assert all(f"{fewest:g} do" in w for w in found)
