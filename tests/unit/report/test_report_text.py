"""Numbers as a reader sees them."""

import pytest

from isoflop.report import text
from isoflop.samples import Estimate


@pytest.mark.parametrize(
    ("value", "shown"),
    [(5e13, "5×10¹³"), (1e12, "10¹²"), (1.44e23, "1.44×10²³"), (0.0, "0"), (3e-2, "3×10⁻²")],
)
def test_flops(value, shown):
    assert text.flops(value) == shown


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((0.4564, 0.5066), "0.456 to 0.507"),
        ((None, 0.5), "up to 0.500"),
        ((-0.1, None), "−0.100 or more"),
        ((None, None), "unbounded"),
        (None, "no interval"),
    ],
)
def test_interval(ends, shown):
    assert text.interval(ends, text.exponent) == shown


def test_estimate():
    assert text.estimate(Estimate(0.5, (0.4, 0.6), 0.9, 10), text.exponent) == (
        "0.500 (0.400 to 0.600)"
    )
    assert text.estimate(Estimate(0.5), text.exponent) == "0.500"
    assert text.estimate(None, text.exponent) == "—"


def test_power_and_decades():
    assert text.power("C", 0.481) == "C⁰·⁴⁸¹"
    assert text.power("C", -0.088) == "C⁻⁰·⁰⁸⁸"
    assert text.decades(1.0) == "1 decade"
    assert text.decades(0.5229) == "0.52 decades"
    assert text.factor(0.5229) == "3.33×"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (True, "yes"),
        (4705211, "4,705,211"),
        (0.9, "0.9"),
        (5e10, "5×10¹⁰"),
        ([5e10, 1.5e11], "5×10¹⁰, 1.5×10¹¹"),
        ({"a": 1, "b": None}, "a 1, b —"),
        ("text", "text"),
    ],
)
def test_cell(value, shown):
    assert text.cell(value) == shown


def test_sentence():
    assert text.sentence("at 5e+12 FLOPs approach2 is 1.5e+10 off") == (
        "At 5×10¹² FLOPs approach 2 is 1.5×10¹⁰ off"
    )
    assert text.sentence("isoflop --budgets 5e10,5e11") == "Isoflop --budgets 5e10,5e11"
    assert text.sentence("") == ""


def test_general():
    assert text.general(3.717e-7) == "3.72×10⁻⁷"
    assert text.general(-0.08) == "−0.08"
    assert text.general(13380.0) == "13.38k"
    assert text.general(0.0) == "0"


def test_escaped_text_comes_back():
    assert text.plain(text.escape("<b>&'\"")) == "<b>&'\""
