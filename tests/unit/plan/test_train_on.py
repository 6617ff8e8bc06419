"""What training on devices takes: count, speed, time, cost, and where the utilisation is from."""

from __future__ import annotations

import msgspec
import pytest

from isoflop.errors import InputError
from isoflop.plan.flops import training_flops, utilisation
from isoflop.plan.hardware import device
from isoflop.plan.shapes import assumed_shape, shape
from isoflop.plan.training import Training, train_on

SEVENTY = shape("Llama-3-70B")


def test_time_is_flops_over_the_rate():
    found = train_on(SEVENTY, "H100", count=512, tensor=8, mfu=0.4, tokens=1e12, price=2.0)
    assert found.seconds == pytest.approx(
        1e12 * training_flops(SEVENTY, 4096) / (512 * 989e12 * 0.4)
    )
    assert found.device_hours == pytest.approx(512 * found.seconds / 3600)
    assert found.usd == pytest.approx(2 * found.device_hours)
    assert found.tokens_per_second is not None
    share = utilisation(found.tokens_per_second, found.flops_per_token, device("H100"), 512)
    assert share == pytest.approx(0.4)


def test_device_hours_do_not_depend_on_the_count():
    few = train_on(SEVENTY, "H100", count=64, tensor=8, mfu=0.4, tokens=1e12)
    many = train_on(SEVENTY, "H100", count=640, tensor=8, mfu=0.4, tokens=1e12)
    assert few.device_hours == pytest.approx(many.device_hours)
    assert few.memory.total > many.memory.total


def test_utilisation_is_given_or_that_of_a_published_run_or_unknown():
    assumed = train_on("Llama-3-8B", "H100", tokens=1e12)
    assert assumed.mfu == 0.4
    assert "Llama 3 405B" in assumed.mfu_source
    assert any("another run's" in x for x in assumed.warnings)
    given = train_on("Llama-3-8B", "H100", tokens=1e12, mfu=0.5)
    assert given.mfu_source == "as given"
    assert not given.warnings
    unknown = train_on("Llama-3-8B", "A100", tokens=1e12)
    assert unknown.mfu is unknown.seconds is unknown.usd is None
    assert any("give --mfu" in x for x in unknown.warnings)


def test_hours_of_llama_3_are_of_the_right_size():
    """Its model card says 39.3M H100-hours for the three models; 40 % of the peak needs fewer."""
    hours = 0.0
    for name, tokens in (("8B", 15e12), ("70B", 15e12), ("405B", 15.6e12)):
        found = train_on(f"Llama-3-{name}", "H100", tensor=8, context=8192, tokens=tokens)
        assert found.device_hours is not None
        hours += found.device_hours
    assert 0.7 < hours / 39.3e6 < 1


def test_a_made_up_shape_and_experts_are_said():
    assert any("made up" in x for x in train_on(assumed_shape(1e9), "H100").warnings)
    assert any("dense layer" in x for x in train_on("Mixtral-8x7B", "H100").warnings)


def test_json_both_ways():
    found = train_on("Llama-3-8B", "H100", tokens=1e12, price=2.0)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Training) == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"count": 8}, "--count 24"),
        ({"count": 12}, "groups of 8"),
        ({"mfu": 40.0}, "0.4"),
        ({"tokens": -1.0}, "tokens"),
        ({"price": 0.0}, "price"),
        ({"recompute": "some"}, "some"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(InputError, match=words):
        train_on(SEVENTY, "H100", tensor=8, **arguments)
