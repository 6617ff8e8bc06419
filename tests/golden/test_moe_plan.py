"""Which mixture of experts for a budget: Ludziejewski et al. 2025, and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.joint_moe import parameter_counts
from isoflop.plan.moe import VOCABULARY, plan_mixture, width_of

JOINT = laws.get("joint_moe")
CONSTANTS = JOINT.constants()


# Active parameters and tokens as the paper prints them, to its two or three digits.
@pytest.mark.parametrize(
    ("C", "printed"),
    [
        (1e20, {1: (1.7e9, 9.7e9), 8: (990e6, 17e9), 32: (669e6, 24.9e9)}),
        (1e22, {1: (18.8e9, 88.6e9), 8: (14.4e9, 115.8e9), 32: (12.2e9, 136.9e9)}),
    ],
)
def test_sizes_and_tokens_of_the_paper(C, printed):
    plan = plan_mixture(C, experts=list(printed))
    for mixture in plan.mixtures:
        size, tokens = printed[mixture.experts]
        assert mixture.N_active == pytest.approx(size, rel=0.02)
        assert pytest.approx(tokens, rel=0.011) == mixture.D
        assert mixture.N_active * mixture.D == pytest.approx(C / 6)
        loss = JOINT(mixture.N_active, mixture.D, mixture.experts, **CONSTANTS)
        assert mixture.loss == pytest.approx(float(loss))


def test_more_experts_are_better_without_a_limit_and_cost_memory():
    plan = plan_mixture(1e22)
    losses = [x.loss for x in plan.mixtures]
    assert losses == sorted(losses, reverse=True)
    assert plan.best.experts == 32
    assert any("may be larger" in warning for warning in plan.warnings)
    totals = [x.N_total for x in plan.mixtures]
    assert totals == sorted(totals)


def test_widths_invert_the_count_of_parameters():
    for E in (1, 8, 32):
        for d in (128.0, 1024.0, 16384.0):
            active, total = parameter_counts(d, d / 64, E, VOCABULARY)
            assert width_of(active) == pytest.approx(d, rel=1e-12)
            assert width_of(total, E, total=True) == pytest.approx(d, rel=1e-12)


def test_a_limit_on_memory_by_brute_force():
    C, memory = 1e22, 72e9
    plan = plan_mixture(C, memory=memory)
    d = np.geomspace(200, 20_000, 200_001)
    best = np.inf
    for E in (1, 2, 4, 8, 16, 32):
        N, total = parameter_counts(d, d / 64, E, VOCABULARY)
        loss = np.where(2 * total <= memory, JOINT(N, C / (6 * N), E, **CONSTANTS), np.inf)
        found = next(x for x in plan.mixtures if x.experts == E)
        # The grid stops up to 2.3e-5 below the width at the limit; the plan is exactly there.
        assert found.loss == pytest.approx(loss.min(), rel=3e-6)
        assert found.loss <= loss.min() * (1 + 1e-12)
        best = min(best, loss.min())
    assert plan.best.loss == pytest.approx(best, rel=3e-6)
    assert plan.best.limited
    assert plan.best.weight_bytes == pytest.approx(memory)
    assert 1 < plan.best.experts < 32  # the paper's point: some experts, not most


def test_saving_is_the_compute_of_the_dense_model_of_equal_loss():
    plan = plan_mixture(1e21)
    assert plan.dense.saving == pytest.approx(1)
    assert plan.best.saving > 2
    dense = plan_mixture(1e21 * plan.best.saving, experts=[1]).dense
    assert dense.loss == pytest.approx(plan.best.loss, rel=1e-9)


@pytest.mark.parametrize("E", [2, 4, 8])
def test_rule_of_thumb_at_equal_total_parameters(E):
    """Up to 8 experts on E times the tokens beat the best dense model of equal memory."""
    for C in (1e20, 1e21, 1e22):
        dense = plan_mixture(C, experts=[1]).dense
        width = width_of(dense.N_total, E, total=True)
        active = parameter_counts(width, width / 64, E, VOCABULARY)[0]
        assert JOINT(active, E * dense.D, E, **CONSTANTS) < dense.loss


def test_granularity_and_leverage():
    plan = plan_mixture(1e22, experts=[32])
    assert plan.granularity == pytest.approx(11.3, abs=0.06)
    assert plan.leverage == pytest.approx(7.2, abs=0.3)  # 7.245 at 3.1 %, 12 and 1e22


def test_devices_give_the_limit_and_the_batch_that_fills_them():
    plan = plan_mixture(1e22, device="H100", count=8)
    assert plan.memory == pytest.approx(0.9 * 8 * 80e9)
    for mixture in plan.mixtures:
        assert mixture.devices is not None
        assert 1 <= mixture.devices <= 8
        assert mixture.critical_batch == pytest.approx(
            295.2 * mixture.N_total / mixture.N_active, rel=1e-3
        )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"C": -1e20}, "budget"),
        ({"C": 1e20, "experts": [0]}, "experts"),
        ({"C": 1e20, "memory": 1e9, "device": "H100"}, "not both"),
        ({"C": 1e20, "memory": 0.0}, "memory"),
        ({"C": 1e20, "precision": "int3"}, "int3"),
    ],
)
def test_bad_input(arguments, words):
    with pytest.raises(InputError, match=words):
        plan_mixture(arguments.pop("C"), **arguments)


def test_beyond_the_runs_of_the_law_is_said():
    assert any("extrapolated" in x for x in plan_mixture(1e22).warnings)
    assert any(x.startswith("64 experts") for x in plan_mixture(1e20, experts=[64]).warnings)
