"""Henighan et al. 2020: Table 1 by domain."""

from __future__ import annotations

import pytest

from isoflop import laws

LOSS = laws.get("henighan_parameters")
COMPUTE = laws.get("henighan_compute")
OPTIMUM = laws.get("henighan_optimal_parameters")


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("language", 2.299917),
        ("image-8", 3.139803),
        ("image-32", 2.315855),
        ("video-vq", 1.096371),
        ("math", 0.440925),
    ],
)
def test_loss_at_1e9_parameters(domain, expected):
    assert LOSS(1e9, **LOSS.constants(domain)) == pytest.approx(expected, abs=6e-7)


def test_reducible_loss_is_what_is_left_without_the_entropy():
    constants = {**LOSS.constants("image-8"), "L_inf": 0.0}
    assert LOSS(1e9, **constants) == pytest.approx(0.0198035, abs=6e-8)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("language", 1.2927e9),
        ("image-8", 3.137e8),
        ("image-16", 3.084e8),
        ("image-32", 2.076e8),
        ("video-vq", 3.036e8),
        ("math", 1.073e8),
    ],
)
def test_best_size_at_one_petaflop_day(domain, expected):
    assert OPTIMUM(1.0, **OPTIMUM.constants(domain)) == pytest.approx(expected, rel=5e-4)


def test_language_rows_are_those_of_gpt3_and_kaplan():
    assert COMPUTE(1.0, **COMPUTE.constants("language")) == pytest.approx(2.570, abs=5e-4)
    kaplan = laws.get("kaplan_optimal_parameters")
    best = OPTIMUM(1.0, **OPTIMUM.constants("language"))
    assert best == pytest.approx(kaplan(1.0, **kaplan.constants()), rel=0.006)


def test_every_row_of_the_table_is_there():
    assert len(LOSS.published) == 12
    # The two text parts have no compute law of their own: the combined loss has.
    missing = {"text-to-image-text", "image-to-text-text"}
    assert LOSS.published.keys() - COMPUTE.published.keys() == missing
    assert COMPUTE.published.keys() == OPTIMUM.published.keys()


# Traps --------------------------------------------------------------------------------------------
def test_a_larger_scale_is_a_larger_loss():
    constants = LOSS.constants("math")
    larger = {**constants, "N_0": 2 * constants["N_0"]}
    assert LOSS(1e8, **larger) > LOSS(1e8, **constants)


def test_compute_is_in_petaflop_days():
    in_flops = COMPUTE.replace(C=laws.get("petaflop_days"))
    constants = COMPUTE.constants("video-vq")
    assert in_flops(8.64e19, **constants) == pytest.approx(COMPUTE(1.0, **constants))
    assert in_flops(8.64e19, **constants) == pytest.approx(0.95 + 2.2e-5**0.14)


def test_entropy_of_language_is_said_to_be_unknown():
    assert "not identified" in LOSS.published["language"].note
