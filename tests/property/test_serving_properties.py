"""Serving, memory and energy: what must hold for every model, device and setting."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from isoflop.plan.decoding import Setting, decode_step, prefill_step
from isoflop.plan.energy import footprint
from isoflop.plan.hardware import BYTES, device, devices
from isoflop.plan.memory import serving_memory, training_memory
from isoflop.plan.moe import plan_mixture
from isoflop.plan.roofline import critical_batch
from isoflop.plan.shapes import shape, shapes

names = st.sampled_from(sorted(shapes()))
accelerators = st.sampled_from(sorted(devices()))
batches = st.integers(1, 4096)
contexts = st.floats(1, 1e6)
counts = st.integers(1, 64)


@given(names, accelerators, counts, batches, contexts)
def test_a_larger_batch_takes_longer_and_makes_no_fewer_tokens(name, on, count, batch, context):
    what, where, setting = shape(name), device(on), Setting(count=count)
    one = decode_step(what, where, setting, batch=batch, context=context)
    two = decode_step(what, where, setting, batch=2 * batch, context=context)
    assert two.seconds >= one.seconds
    # Experts that only the larger batch touches make up to twice the reading, never more.
    assert two.tokens_per_second >= one.tokens_per_second * (1 - 1e-9)


@given(names, accelerators, counts, batches, contexts)
def test_a_longer_context_is_never_faster(name, on, count, batch, context):
    what, where, setting = shape(name), device(on), Setting(count=count)
    for step in (decode_step, prefill_step):
        short = step(what, where, setting, batch=batch, context=context)
        long = step(what, where, setting, batch=batch, context=1.5 * context)
        assert long.seconds >= short.seconds


@given(names, accelerators, counts, batches, contexts, st.floats(0.05, 1), st.floats(0.05, 1))
def test_lower_efficiency_is_slower_by_at_most_its_inverse(
    name, on, count, batch, context, mfu, share
):
    what, where = shape(name), device(on)
    best = decode_step(what, where, Setting(count=count), batch=batch, context=context)
    real = decode_step(
        what,
        where,
        Setting(count=count, mfu=mfu, bandwidth_share=share),
        batch=batch,
        context=context,
    )
    slower = real.seconds / best.seconds
    assert 1 - 1e-9 <= slower <= 1 / min(mfu, share) * (1 + 1e-9)


@given(names, accelerators, batches, contexts)
def test_more_devices_are_faster_in_proportion_without_hops(name, on, batch, context):
    what, where = shape(name), device(on)
    one = decode_step(what, where, Setting(count=1), batch=batch, context=context)
    eight = decode_step(what, where, Setting(count=8), batch=batch, context=context)
    assert eight.seconds == pytest.approx(one.seconds / 8)
    assert eight.roofline.bound == one.roofline.bound


@given(accelerators, st.floats(0.1, 10))
def test_units_do_not_matter(on, scale):
    """Seconds scale with the inverse of all rates together; the critical batch does not."""
    where = device(on)
    scaled = replace(
        where,
        peak={k: v * scale for k, v in where.peak.items()},
        bandwidth=where.bandwidth * scale,
    )
    what = shape("Llama-3-8B")
    before = decode_step(what, where, Setting(), batch=7, context=999)
    after = decode_step(what, scaled, Setting(), batch=7, context=999)
    assert after.seconds == pytest.approx(before.seconds / scale)
    assert critical_batch(scaled) == pytest.approx(critical_batch(where))


@given(accelerators, st.integers(1, 100_000))
def test_the_critical_batch_is_where_a_step_turns(on, batch):
    """At no context, below it memory decides and above it arithmetic."""
    what, where = shape("Llama-3-70B"), device(on)
    turn = critical_batch(where)
    step = decode_step(what, where, Setting(), batch=batch, context=0)
    if abs(batch / turn - 1) > 1e-9:
        assert (step.roofline.bound == "compute-bound") == (batch > turn)


@given(names, batches, contexts, counts)
def test_memory_is_shared_evenly_and_grows(name, batch, context, count):
    what = shape(name)
    whole = serving_memory(what, context=context, batch=batch)
    part = serving_memory(what, context=context, batch=batch, devices=count)
    assert part.total * count == pytest.approx(whole.total)
    assert serving_memory(what, context=context, batch=batch + 1).total > whole.total
    fewer_bits = serving_memory(what, context=context, batch=batch, weights="int4", cache="fp8")
    assert fewer_bits.total < whole.total
    assert fewer_bits.weights == pytest.approx(whole.weights * BYTES["int4"] / BYTES["bf16"])


@given(names, st.integers(0, 3), st.integers(1, 512), st.floats(1, 1e5))
def test_sharding_more_never_needs_more(name, stage, replicas, context):
    what = shape(name)
    given_now = {"context": context, "devices": replicas}
    totals = [training_memory(what, stage=s, **given_now).total for s in (0, 1, 2, 3)]
    assert totals == sorted(totals, reverse=True)
    kept = [
        training_memory(what, stage=stage, recompute=how, **given_now).total
        for how in ("none", "selective", "full")
    ]
    assert kept == sorted(kept, reverse=True)


@given(st.floats(1, 1e5), st.floats(1, 1e8), st.floats(1, 2000), st.floats(1, 2), st.floats(0, 1))
def test_energy_is_linear_and_carbon_proportional(number, seconds, power, pue, intensity):
    one = footprint(count=number, time=seconds, power=power, pue=pue, intensity=intensity)
    two = footprint(count=number, time=2 * seconds, power=power, pue=pue, intensity=intensity)
    assert two.joules == pytest.approx(2 * one.joules)
    assert one.operational == pytest.approx(one.joules / 3.6e6 * intensity)
    assert one.joules >= number * seconds * power * (1 - 1e-12)


@given(st.floats(18, 24), st.floats(9, 13))
def test_more_compute_or_memory_never_makes_a_mixture_worse(log_C, log_memory):
    C, memory = 10**log_C, 10**log_memory
    best = plan_mixture(C, memory=memory).best
    assert plan_mixture(2 * C, memory=memory).best.loss <= best.loss * (1 + 1e-12)
    more = plan_mixture(C, memory=2 * memory).best
    assert more.loss <= best.loss * (1 + 1e-12)
    assert plan_mixture(C).best.loss <= more.loss * (1 + 1e-12)
    assert best.weight_bytes <= memory * (1 + 1e-9)
    assert math.isfinite(best.loss)
