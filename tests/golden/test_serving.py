"""Serving on a roofline: Erdil 2025, published shapes, and what follows from them."""

from __future__ import annotations

import math

import pytest

from isoflop.plan.decoding import Setting, decode_step, fastest, prefill_step
from isoflop.plan.flops import (
    attention_flops,
    decode_attention_flops,
    prefill_flops,
    recomputed_flops,
    training_flops,
    utilisation,
)
from isoflop.plan.hardware import device
from isoflop.plan.memory import cache_bytes, training_memory
from isoflop.plan.precision import quantisation_penalty
from isoflop.plan.roofline import (
    attention_crossover,
    attention_io,
    cache_crossover,
    critical_batch,
    matmul_intensity,
)
from isoflop.plan.serving import serve
from isoflop.plan.shapes import Shape, shape

H100 = device("H100")


def made(N: float, layers: int, width: int = 4096, **others) -> Shape:
    heads = width // 128
    fields = {"heads": heads, "head_dim": 128, "kv_heads": heads, **others}
    return Shape(name="made", N=N, layers=layers, width=width, **fields)


# Bytes of the key-value cache ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "attention", "expected"),
    [
        ("Llama-3-8B", "GQA", 131_072),
        ("Llama-3-70B", "GQA", 327_680),
        ("Llama-3-405B", "GQA", 516_096),
        ("Llama-2-7B", "MHA", 524_288),
        ("DeepSeek-V3", "MLA", 70_272),
    ],
)
def test_cache_a_token(name, attention, expected):
    assert shape(name).attention == attention
    assert cache_bytes(shape(name)) == expected


def test_cache_under_other_attention():
    seven = shape("Llama-2-7B")
    multi_query = made(seven.N, 32, kv_heads=1)
    assert multi_query.attention == "MQA"
    assert cache_bytes(multi_query) == 16_384
    plain = made(671e9, 61, 16384)  # 128 heads of 128
    assert cache_bytes(plain) == 3_997_696
    # Latent attention caches as much as 2.25 groups of keys and values.
    assert cache_bytes(shape("DeepSeek-V3")) == 2.25 * 2 * 61 * 128 * 2


def test_cache_of_a_sequence():
    each = cache_bytes(shape("Llama-3-70B"))
    assert 8_192 * each == 2.5 * 2**30
    assert 131_072 * each == 40 * 2**30


# FLOPs --------------------------------------------------------------------------------------------
def test_training_flops_and_utilisation_of_palm():
    palm = shape("PaLM-540B")
    each = training_flops(palm, 2048)
    # The reference value takes N = 540e9; the attention is the same.
    assert 6 * 540e9 + 3 * attention_flops(palm) * 2048 == pytest.approx(3.275635e12, rel=1e-6)
    assert 3 * attention_flops(palm) * 2048 / (6 * palm.N) == pytest.approx(0.0110, abs=5e-5)
    share = utilisation(238.3e3, each, device("TPU-v4"), 6144)
    assert share == pytest.approx(0.462, abs=5e-4)
    mfu = device("TPU-v4").mfu
    assert mfu is not None
    assert mfu.value == pytest.approx(share, abs=5e-4)


def test_training_flops_of_gpt3_and_deepseek():
    gpt = shape("GPT-3")
    assert 300e9 * training_flops(gpt, 0) == pytest.approx(3.15e23, rel=1e-12)
    assert 14.8e12 * training_flops(shape("DeepSeek-V3"), 0) == pytest.approx(3.2856e24, rel=1e-12)
    s, d = 2048, 12288
    each = training_flops(gpt, s) - 6 * gpt.N
    # 72 L d^2 (1 + s / (6 d)) of Megatron, with N = 12 L d^2.
    assert each / (72 * 96 * d**2) == pytest.approx(s / (6 * d), rel=1e-12)
    assert recomputed_flops(gpt, s) == pytest.approx(8 * gpt.N + 16 * 96 * d * s, rel=1e-12)


def test_causal_training_counts_half_the_attention():
    gpt = shape("GPT-3")
    full, half = training_flops(gpt, 2048), training_flops(gpt, 2048, causal=True)
    assert full - 6 * gpt.N == pytest.approx(2 * (half - 6 * gpt.N))


def test_latent_attention_decodes_with_absorbed_projections():
    deepseek = shape("DeepSeek-V3")
    assert decode_attention_flops(deepseek) == 61 * 128 * (2 * (512 + 64) + 2 * 512)
    assert decode_attention_flops(deepseek) / attention_flops(deepseek) == pytest.approx(4.25)


# Crossovers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "decode", "prefill"),
    [
        ("Llama-3-8B", 30_632, 61_264),
        ("Llama-3-70B", 53_864, 107_727),
        ("Llama-3-405B", 98_092, 196_184),
    ],
)
def test_context_at_which_attention_costs_as_much_as_the_matrices(name, decode, prefill):
    found = attention_crossover(shape(name))
    assert found == pytest.approx((decode, prefill), abs=1.0)
    what = shape(name)
    assert prefill_flops(what, found[1]) == pytest.approx(2 * 2 * what.N * found[1])


def test_crossover_of_a_plain_transformer_is_six_widths():
    plain = made(12 * 32 * 4096**2, 32)
    assert attention_crossover(plain) == pytest.approx((6 * 4096, 12 * 4096))


def test_context_at_which_the_cache_is_read_as_long_as_the_weights():
    assert cache_crossover(shape("Llama-3-70B"), 32) == pytest.approx(13_466, abs=1)


@pytest.mark.parametrize(
    ("peak", "bandwidth", "expected"),
    [
        # A100, H100, H200, MI300X, L40S, B200, TPU v4, v5e, v5p, v6e; bf16 weights.
        (312e12, 2.039e12, 153.0),
        (989e12, 3.35e12, 295.2),
        (989e12, 4.8e12, 206.0),
        (1307.4e12, 5.3e12, 246.7),
        (362e12, 0.864e12, 419.0),
        (2250e12, 7.7e12, 292.2),
        (275e12, 1.2e12, 229.2),
        (197e12, 0.81e12, 243.2),
        (459e12, 2.8e12, 163.9),
        (920e12, 1.6e12, 575.0),
    ],
)
def test_batch_from_which_decoding_is_compute_bound(peak, bandwidth, expected):
    from msgspec.structs import replace

    made_up = replace(H100, peak={"bf16": peak}, bandwidth=bandwidth)
    assert critical_batch(made_up) == pytest.approx(expected, abs=0.05)


def test_critical_batch_grows_with_sparsity_and_stays_with_units_of_fewer_bits():
    assert critical_batch(H100, sparsity=8.0) == pytest.approx(8 * critical_batch(H100))
    assert critical_batch(H100, "fp8") == pytest.approx(295.4, abs=0.05)
    assert critical_batch(H100, "int4") == pytest.approx(295.2 / 4, abs=0.05)


def test_products_of_few_rows_have_the_intensity_of_their_rows():
    assert matmul_intensity(1, 8192, 8192) == pytest.approx(1, rel=1e-3)
    assert matmul_intensity(295, 1e6, 1e6) == pytest.approx(295, rel=1e-3)


@pytest.mark.parametrize(
    ("N", "standard", "flash"), [(4096, 17_039_360, 1_374_389.5), (1024, 1.114e6, 8.59e4)]
)
def test_flash_attention_moves_less(N, standard, flash):
    assert attention_io(N, 64, 50_000) == pytest.approx((standard, flash), rel=1e-3)


# Steps --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("batch", "milliseconds", "tokens"),
    [
        (1, 5.2936973, 188.9),
        (32, 6.0699566, 5271.9),
        (128, 8.4738562, 15105.3),
        (512, 18.0894546, 28303.8),
    ],
)
def test_decoding_70b_on_8_h100(batch, milliseconds, tokens):
    step = decode_step(shape("Llama-3-70B"), H100, Setting(count=8), batch=batch, context=2048)
    assert 1e3 * step.seconds == pytest.approx(milliseconds, rel=1e-7)
    assert step.tokens_per_second == pytest.approx(tokens, abs=0.05)
    assert step.roofline.bound == "memory-bound"


def test_arithmetic_of_one_token():
    step = decode_step(shape("Llama-3-70B"), H100, Setting(count=8), batch=1, context=0)
    assert 1e3 * step.roofline.compute_seconds == pytest.approx(0.0178463, rel=1e-5)


def test_prefill_of_8192_tokens():
    what = shape("Llama-3-70B")
    step = prefill_step(what, H100, Setting(count=8, mfu=0.5), batch=1, context=8192)
    attention = attention_flops(what) * 8192**2 / 2
    linear = step.seconds * (1 - attention / step.roofline.flops)
    assert linear == pytest.approx(0.2923939, rel=1e-6)
    assert step.roofline.bound == "compute-bound"


def test_cost_of_a_million_tokens():
    found = serve("Llama-3-70B", H100, count=8, batch=32, prompt=2047, output=2, price=2.0)
    assert found.chosen.decode.context == 2048
    assert found.usd_per_million_output == pytest.approx(0.8430495, rel=1e-6)


@pytest.mark.parametrize(("mfu", "floor"), [(1.0, 0.0793169), (0.4, 0.1982923)])
def test_floor_of_cost_is_the_arithmetic(mfu, floor):
    """2 USD an hour over the peak: what a million tokens of 70B cost at least."""
    huge = serve("Llama-3-70B", H100, count=64, prompt=1, output=1, price=2.0, mfu=mfu)
    assert huge.chosen.decode.roofline.bound == "compute-bound"
    assert huge.usd_per_million_output == pytest.approx(floor, rel=1e-4)


@pytest.mark.parametrize(
    ("N", "layers", "count", "milliseconds", "rate"),
    [
        (8e9, 32, 11.1663, 1.0271762, 973.5),
        (70e9, 80, 25.7408, 4.2305984, 236.4),
        (405e9, 126, 61.2830, 10.8284559, 92.35),
    ],
)
def test_devices_of_least_latency(N, layers, count, milliseconds, rate):
    n, seconds = fastest(made(N, layers), H100, hop=1e-6)
    assert n == pytest.approx(count, rel=1e-5)
    assert 1e3 * seconds == pytest.approx(milliseconds, rel=1e-7)
    assert 1 / seconds == pytest.approx(rate, abs=0.05)


def test_least_latency_grows_as_the_square_root_of_size():
    """Erdil's rule of thumb, for depth that grows as N^(1/4)."""
    sizes = (8e9, 8e13)
    times = [fastest(made(N, round(32 * (N / 8e9) ** 0.25)), H100)[1] for N in sizes]
    exponent = math.log(times[1] / times[0]) / math.log(sizes[1] / sizes[0])
    assert exponent == pytest.approx(0.5, abs=0.05)


# Training memory ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage", "each"),
    [
        (0, lambda n: 16.0),
        (1, lambda n: 4 + 12 / n),
        (2, lambda n: 2 + 14 / n),
        (3, lambda n: 16 / n),
    ],
)
def test_bytes_a_parameter_under_zero(stage, each):
    what = made(1e9, 24)
    for n in (1, 8, 64):
        found = training_memory(what, context=0, devices=n, stage=stage)
        assert found.total == pytest.approx(each(n) * 1e9)
    wide = training_memory(what, context=0, gradients="fp32", stage=0)
    assert wide.total == 18e9


def test_activations_of_gpt3_and_what_selective_recomputation_saves():
    """Korthikanti et al. 2022: 5 a s / h is 80 for GPT-3, of 114; full recomputation keeps 2."""
    gpt = shape("GPT-3")
    sizes = {
        how: training_memory(gpt, context=2048, recompute=how).activations
        for how in ("none", "selective", "full")
    }
    assert sizes["none"] / sizes["selective"] == pytest.approx(114 / 34)
    assert 1 - sizes["selective"] / sizes["none"] == pytest.approx(0.70, abs=0.005)
    assert sizes["full"] == 2 * 2048 * 12288 * 96


# Precision ----------------------------------------------------------------------------------------
def test_penalty_of_four_bits():
    found = quantisation_penalty(1.7e9, 26e9, "int4")
    assert found is not None
    assert found.loss == pytest.approx(0.008705, abs=6e-7)
    assert not found.warnings
    assert quantisation_penalty(1.7e9, 26e9, "bf16") is None
    beyond = quantisation_penalty(70e9, 15e12, "int4")
    assert beyond is not None
    assert len(beyond.warnings) == 2
