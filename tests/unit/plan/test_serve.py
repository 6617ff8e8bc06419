"""Serving: what fits, batches, demand, refusals; memory for training and its smallest count."""

from __future__ import annotations

import msgspec
import pytest

from isoflop.errors import InputError
from isoflop.plan.batching import Request, options
from isoflop.plan.decoding import Setting, decode_step, prefill_step, reduction_seconds
from isoflop.plan.hardware import device
from isoflop.plan.memory import (
    activation_bytes,
    serving_memory,
    smallest_serving,
    smallest_training,
    training_memory,
)
from isoflop.plan.roofline import attention_io, roofline
from isoflop.plan.serving import Serving, serve
from isoflop.plan.shapes import assumed_shape, shape, shapes

H100 = device("H100")
SEVENTY = shape("Llama-3-70B")


# Shapes -------------------------------------------------------------------------------------------
def test_parameters_of_published_shapes_follow_from_their_matrices():
    """Counted from the released configurations (vocabulary and MLP width are not in the shape)."""

    def dense(layers, d, kv, ffn, vocabulary, experts=1, router=0):
        attention = 2 * d * d + 2 * d * kv * 128
        return 2 * vocabulary * d + layers * (attention + experts * 3 * d * ffn + router)

    assert dense(32, 4096, 8, 14336, 128256) == pytest.approx(8.03e9, rel=1e-3)
    assert dense(80, 8192, 8, 28672, 128256) == pytest.approx(70.6e9, rel=1e-3)
    assert dense(126, 16384, 8, 53248, 128256) == pytest.approx(405e9, rel=3e-3)
    assert dense(32, 4096, 32, 11008, 32000) == pytest.approx(6.74e9, rel=1e-3)
    mixtral = shape("mixtral 8x7b")
    assert dense(32, 4096, 8, 14336, 32000, 8) == pytest.approx(mixtral.N, rel=1e-3)
    assert dense(32, 4096, 8, 14336, 32000, 2) == pytest.approx(mixtral.N_active, rel=2e-3)


@pytest.mark.parametrize("name", shapes())
def test_every_shape_has_a_source(name):
    found = shape(name)
    assert "arXiv" in found.source
    assert not found.assumed


@pytest.mark.parametrize("N", [1e6, 1e8, 8.03e9, 70.6e9, 405e9])
def test_assumed_shapes_have_about_the_size_and_say_so(N):
    found = assumed_shape(N)
    assert found.N == N
    assert found.assumed
    assert "assumed" in found.source
    if N > 1e8:
        assert 12 * found.layers * found.width**2 == pytest.approx(N, rel=0.25)
        assert found.kv_heads == 8


def test_assumed_shapes_keep_what_is_known():
    found = assumed_shape(70.6e9, layers=80, width=8192, heads=64, head_dim=128, kv_heads=8)
    assert not found.assumed
    assert found.source == "as given"
    assert found.cached == SEVENTY.cached
    assert assumed_shape(7e10, layers=80, kv_heads=None).layers == 80
    experts = assumed_shape(46.7e9, active=12.9e9, experts=8, routed=2)
    assert experts.width == assumed_shape(12.9e9).width


def test_experts_touched_by_a_batch():
    mixtral = shape("Mixtral-8x7B")
    assert mixtral.weights_read(1) == pytest.approx(mixtral.N_active)
    assert mixtral.weights_read(2) < mixtral.N
    assert mixtral.weights_read(1000) == pytest.approx(mixtral.N)
    # Two tokens of two experts each: an expert is missed by both with (3/4)^2.
    routed = (mixtral.N - mixtral.N_active) / 0.75
    assert mixtral.weights_read(2) == pytest.approx(mixtral.N - routed * 0.75**2)
    unknown = msgspec.structs.replace(mixtral, experts=0, routed=0)
    assert unknown.weights_read(2) == unknown.N


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kv_heads": 7}, "share"),
        ({"active": 1e11}, "active"),
        ({"active": 1e10, "experts": 2, "routed": 3}, "3 of 2 experts"),
        ({"experts": 8, "routed": 2}, "active parameters"),
        ({"layers": 0}, "layers"),
    ],
)
def test_impossible_shapes(fields, words):
    with pytest.raises(InputError, match=words):
        msgspec.structs.replace(SEVENTY, **fields).__post_init__()
    with pytest.raises(InputError, match="N ="):
        assumed_shape(-1.0)
    with pytest.raises(InputError, match="Llama-3-70B"):
        shape("llama-3-80b")


# Serving ------------------------------------------------------------------------------------------
def test_fewest_devices_hold_the_weights_and_one_fewer_do_not():
    for name in shapes():
        what = shape(name)
        n = smallest_serving(H100, what, context=4096, batch=8)
        assert serving_memory(what, context=4096, batch=8, devices=n).total <= 0.9 * 80e9 * 1.001
        if n > 1:
            fewer = serving_memory(what, context=4096, batch=8, devices=n - 1)
            assert fewer.total > 0.9 * 80e9


def test_the_batch_is_the_largest_that_fits():
    found = serve(SEVENTY, H100, count=4)
    batch, full = found.chosen.batch, found.request.full
    assert serving_memory(SEVENTY, context=full, batch=batch, devices=4).total <= 0.9 * 80e9
    assert serving_memory(SEVENTY, context=full, batch=batch + 1, devices=4).total > 0.9 * 80e9
    assert found.memory.total <= 0.9 * 80e9


def test_latency_limits_the_batch_and_more_devices_allow_a_larger_one():
    fast = serve(SEVENTY, H100, count=8, latency=0.008)
    assert fast.chosen.decode.seconds <= 0.008
    assert fast.chosen.batch < serve(SEVENTY, H100, count=8).chosen.batch
    slower = decode_step(
        SEVENTY, H100, fast.setting, batch=fast.chosen.batch + 1, context=fast.request.middle
    )
    assert slower.seconds > 0.008
    assert serve(SEVENTY, H100, count=16, latency=0.008).chosen.batch > fast.chosen.batch


def test_options_are_ordered_and_the_cheapest_is_chosen():
    found = serve(SEVENTY, H100)
    counts = [x.count for x in found.options]
    assert counts == sorted(counts)
    assert counts[0] == 2
    cost = {x.count: x.output_device_seconds for x in found.options}
    assert cost[found.chosen.count] == min(cost.values())
    assert found.setting.count == found.chosen.count
    slow = serve("Llama-3-405B", H100)
    assert [x.count for x in slow.options] == [12, 16, 32, 64]


def test_cost_and_demand_are_shares_of_device_time():
    found = serve(
        SEVENTY,
        H100,
        count=8,
        batch=64,
        price=3.0,
        input_tokens=1e12,
        output_tokens=2e11,
        over=365.25 * 86400.0,
    )
    demand = found.demand
    assert demand is not None
    assert demand.usd is not None
    assert found.usd_per_million_input is not None
    assert found.usd_per_million_output is not None
    parts = found.usd_per_million_input * 1e6 + found.usd_per_million_output * 2e5
    assert demand.usd == pytest.approx(parts)
    assert demand.usd == pytest.approx(3.0 * demand.device_hours)
    assert demand.replicas is not None
    assert demand.devices == 8 * demand.replicas
    busy = demand.device_hours * 3600 / 8 / (365.25 * 86400)
    assert demand.replicas - 1 < busy <= demand.replicas
    # About 2 N a token and the attention.
    assert 2 * SEVENTY.N * 1.2e12 < demand.flops < 1.2 * 2 * SEVENTY.N * 1.2e12


def test_without_a_price_there_is_no_cost():
    found = serve(SEVENTY, H100, input_tokens=1e9)
    assert found.usd_per_million_input is found.usd_per_million_output is None
    assert found.demand is not None
    assert found.demand.usd is found.demand.devices is None


def test_fewer_bits_take_less_memory_and_time_and_name_their_penalty():
    sixteen = serve(SEVENTY, H100, count=4, batch=8)
    eight = serve(SEVENTY, H100, count=4, batch=8, weights="fp8", cache="fp8", trained_on=1.5e13)
    assert eight.memory.total == pytest.approx(sixteen.memory.total / 2)
    assert eight.chosen.decode.seconds == pytest.approx(sixteen.chosen.decode.seconds / 2)
    assert eight.penalty is not None
    assert eight.penalty.loss > 0
    assert any("extrapolated" in x for x in eight.warnings)
    assert sixteen.penalty is None


def test_hops_make_more_devices_wait():
    assert reduction_seconds(80, 1, 1e-6) == 0
    assert reduction_seconds(80, 64, 1e-6) == pytest.approx(80 * 4 * 1e-6 * 2 * 7)
    with_hops = serve(SEVENTY, H100, count=64, batch=1, hop=1e-6)
    without = serve(SEVENTY, H100, count=64, batch=1)
    assert with_hops.chosen.decode.seconds == pytest.approx(
        without.chosen.decode.seconds + reduction_seconds(80, 64, 1e-6)
    )
    assert with_hops.crossovers.fastest_count == pytest.approx(25.9, abs=0.1)
    assert without.crossovers.fastest_count is None
    assert any("messages" in x for x in without.warnings)


def test_a_made_up_shape_is_said():
    assert any("made up" in x for x in serve(assumed_shape(7e10), H100).warnings)


def test_json_both_ways():
    found = serve(SEVENTY, H100, price=2.0, input_tokens=1e9, over=1e6)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Serving) == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"count": 1}, "needs 2 H100-SXM, not 1"),
        ({"count": 2, "latency": 1e-3}, "decodes a token in"),
        ({"latency": 1e-6}, "not in 0.001 ms"),
        ({"batch": 0.5, "count": 8}, "whole number"),
        ({"mfu": 1.2}, "mfu"),
        ({"bandwidth_share": 0.0}, "bandwidth share"),
        ({"weights": "int3"}, "int3"),
        ({"price": -1.0}, "price"),
        ({"prompt": 0}, "prompt"),
        ({"usable": 0.0}, "usable"),
        ({"input_tokens": -1.0}, "input tokens"),
        ({"overhead": -1.0}, "overhead"),
        ({"count": 0}, "0 devices|not 0"),
    ],
)
def test_what_cannot_be_served(arguments, words):
    with pytest.raises(InputError, match=words):
        serve(SEVENTY, H100, **arguments)


def test_prefill_of_a_long_prompt_is_compute_bound_and_quadratic():
    one = prefill_step(SEVENTY, H100, Setting(count=8), batch=1, context=1e6)
    two = prefill_step(SEVENTY, H100, Setting(count=8), batch=1, context=2e6)
    assert one.roofline.bound == "compute-bound"
    assert 3.5 < two.seconds / one.seconds < 4


def test_options_refuse_a_batch_that_is_too_slow():
    request = Request(prompt=1024, output=256, latency=0.006, usable=0.9)
    with pytest.raises(InputError, match="batch 512"):
        options(SEVENTY, H100, Setting(), request, count=8, batch=512)


# Training memory ----------------------------------------------------------------------------------
@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
@pytest.mark.parametrize("tensor", [1, 8])
def test_fewest_devices_train_and_fewer_do_not(recompute, tensor):
    given = {"context": 2048, "batch": 1, "tensor": tensor, "recompute": recompute}
    what = shape("Llama-3-8B")
    n = smallest_training(H100, what, **given)
    assert training_memory(what, devices=n, **given).total <= 0.9 * 80e9
    if n > tensor:
        fewer = training_memory(what, devices=n - tensor, **given)
        assert fewer.total > 0.9 * 80e9


def test_activations_that_never_fit_say_what_would():
    with pytest.raises(InputError, match="however many") as error:
        smallest_training(H100, SEVENTY, context=131_072, recompute="none")
    assert "--recompute full" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"devices": 3, "tensor": 2}, "groups of 2"),
        ({"stage": 4}, "stages 0 to 3"),
        ({"recompute": "some"}, "some"),
        ({"gradients": "fp12"}, "fp12"),
    ],
)
def test_training_that_does_not_go_together(arguments, words):
    with pytest.raises(InputError, match=words):
        training_memory(SEVENTY, context=2048, **arguments)


def test_activations_are_proportional_to_batch():
    one = activation_bytes(SEVENTY, 4096, 1)
    assert activation_bytes(SEVENTY, 4096, 8) == pytest.approx(8 * one)


# Roofline -----------------------------------------------------------------------------------------
def test_verdict_turns_at_the_ridge():
    moved = 1e9
    below = roofline(H100, 0.999 * H100.ridge() * moved, moved)
    above = roofline(H100, 1.001 * H100.ridge() * moved, moved)
    assert (below.bound, above.bound) == ("memory-bound", "compute-bound")
    assert below.seconds == below.memory_seconds
    assert above.seconds == above.compute_seconds
    assert below.ridge == pytest.approx(H100.ridge())
    slower = roofline(H100, 1e12, moved, mfu=0.5, bandwidth_share=0.5)
    assert slower.seconds == pytest.approx(2 * roofline(H100, 1e12, moved).seconds)


def test_flash_attention_is_only_counted_where_its_theorem_holds():
    with pytest.raises(InputError, match="outside"):
        attention_io(1024, 64, 1e6)
